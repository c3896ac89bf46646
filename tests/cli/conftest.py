"""Fixtures of the command line's tests: a small table, a suite over it, and a way to call `assay` in process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.cli import main

SUITE = """\
name = "orders"
question = "How should the orders be spread?"

[[experiment]]
kind = "partitioning"
dataset = "orders.parquet"
partitions = 4
strategies = ["hash(customer)", "round_robin"]
expect = [{ strategy = "round_robin", metric = "empty_partitions", equals = 0 }]
"""


@dataclass(frozen=True)
class Outcome:
    """What one call of `assay` gave."""

    code: int
    out: str
    err: str


Assay = Callable[..., Outcome]


@pytest.fixture
def assay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Outcome]:
    """Calls `assay` with these words in an empty folder and 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def call(*words: object) -> Outcome:
        capsys.readouterr()
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return call


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    """400 orders of 100 customers, four each, from 3 shops; `nothing` is null throughout."""
    path = tmp_path / "orders.parquet"
    table = pa.table(
        {
            "customer": pa.array([f"c{i % 100}" for i in range(400)]),
            "shop": pa.array([("north", "south", "west")[i % 3] for i in range(400)]),
            "amount": pa.array(range(400), pa.int64()),
            "nothing": pa.array([None] * 400, pa.int64()),
        }
    )
    pq.write_table(table, path, row_group_size=100)
    return path


@pytest.fixture
def suite(orders: Path) -> Path:
    """A suite of one experiment, two cells, whose expectation holds."""
    path = orders.with_name("orders.toml")
    path.write_text(SUITE, encoding="utf-8")
    return path


@pytest.fixture
def store(assay: Callable[..., Outcome], suite: Path, tmp_path: Path) -> Path:
    """A store that holds one run of the suite, untimed."""
    path = tmp_path / "assay.duckdb"
    outcome = assay("run", suite, "--no-timing", "--store", path)
    assert outcome.code == 0, outcome.err
    return path
