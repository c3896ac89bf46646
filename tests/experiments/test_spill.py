"""Distinct keys beyond a memory limit go to disk, and come back as they were."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.errors import ReadError, UsageError
from assay.experiments.distinct import KeyCounter
from assay.experiments.spill import FIRST, PIECES, Runs

KEYS = [("a",), ("b",), ("a", "b")]


def counted(counter: KeyCounter) -> dict[Any, list[tuple[Any, int, int]]]:
    """The values with their counts by key, in order of first appearance."""
    found = {}
    for key, distinct in counter.finish().items():
        values = zip(*(column.to_pylist() for column in distinct.columns), strict=True)
        found[key] = list(zip(values, distinct.rows.tolist(), distinct.weights.tolist(), strict=True))
    return found


def batches(rows: list[tuple[int | None, str | None]], size: int) -> list[dict[str, pa.Array]]:
    """The rows in batches of `size`."""
    parts = [rows[start : start + size] for start in range(0, len(rows), size)] or [[]]
    return [
        {"a": pa.array([row[0] for row in part], pa.int64()), "b": pa.array([row[1] for row in part], pa.string())}
        for part in parts
    ]


@given(
    st.lists(st.tuples(st.none() | st.integers(-3, 60), st.none() | st.text("xyz", max_size=3)), max_size=120),
    st.integers(1, 40),
    st.sampled_from([1, 1500, 10_000]),
    st.booleans(),
    st.integers(0, 6),
)
def test_counts_with_and_without_a_limit_are_the_same(
    rows: list[tuple[int | None, str | None]], size: int, limit: int, weighed: bool, turn: int
) -> None:
    whole, first, second = KeyCounter(KEYS), KeyCounter(KEYS, limit), KeyCounter(KEYS, limit)
    for place, columns in enumerate(batches(rows, size)):
        weights = pa.array(range(len(columns["a"])), pa.uint64()) if weighed else None
        whole.add(columns, weights)
        (first if place < turn else second).add(columns, weights)
    first.absorb(second)
    assert counted(first) == counted(whole)


def test_a_counter_spills_only_beyond_its_limit() -> None:
    free, tight = KeyCounter([("a",)], 1 << 30), KeyCounter([("a",)], 1000)
    for counter in (free, tight):
        for start in range(0, 5000, 500):
            counter.add({"a": pa.array(range(start, start + 500))}, None)
    assert (free.spilled, tight.spilled) == (False, True)
    assert counted(free) == counted(tight)


def test_a_piece_holds_the_same_keys_in_every_run() -> None:
    runs = Runs()
    keys = np.arange(10_000)
    for _ in range(2):
        runs.add(pa.table({"k0": keys, "rows": np.ones(10_000, np.uint64), FIRST: keys.astype(np.uint64)}), 1)
    sizes = []
    for piece in runs.pieces():
        first, second = (table.column("k0").to_pylist() for table in piece)
        assert first == second
        sizes.append(len(first))
    assert len(sizes) == PIECES and sum(sizes) == 10_000
    assert min(sizes) > 10_000 / PIECES * 0.7, "the hash spreads keys over the pieces"


def test_a_limit_that_is_no_size_and_a_disk_that_is_none_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match="memory_limit: 'lots' is no number of bytes"):
        assay.compare("partitioning", pa.table({"id": [1]}), strategies=["hash(id)"], memory_limit="lots")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    counter = KeyCounter([("a",)], 1)
    with pytest.raises(ReadError, match=r"cannot be written .* set TMPDIR"):
        counter.add({"a": pa.array([1, 2])}, None)
