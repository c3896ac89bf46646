"""The same table gives the same bits, however it is cut, stored, held or computed.

Compared is every exact value, bit for bit, against the answers on one pyarrow table in one piece;
that these are right is the matter of the other tests.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped, unused-ignore]
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from oracle_strategies import Strategy, composite

from assay.harness import TimingSettings, make_executor, run_suite, suite_from_dict
from assay.store import Store

ROWS = 1000
STRATEGIES = [
    Strategy("hash", ("name",)),
    Strategy("hash", ("name", "id"), function="md5"),
    Strategy("modulo", ("id",)),
    Strategy("range", ("time",)),
    Strategy("list", ("name",)),
    Strategy("round_robin"),
    composite(Strategy("range", ("id",)), Strategy("round_robin")),
    composite(Strategy("list", ("name",)), Strategy("hash", ("id",))),
    Strategy("ring", ("id",), virtual_nodes=16),
    Strategy("maglev", ("name",)),
    Strategy("multi_probe", ("id",)),
    Strategy("bounded_loads", ("id",)),
]
QUERIES = {"each": "point(name)", "ten": "in_list(id, size=10)", "hour": "range(time, width='1h')"}


def make_table(rows: int = ROWS) -> pa.Table:
    """Skewed text with nulls, integers with gaps and times that repeat; no order among them."""
    numbers = [(row * 7919) % 1009 for row in range(rows)]
    return pa.table(
        {
            "id": pa.array([number * 3 - 500 for number in numbers], pa.int64()),
            "name": pa.array([None if n % 11 == 0 else f"name-{min(n % 37, n % 23)}" for n in numbers]),
            "time": pa.array([n // 4 * 600_000_000 for n in numbers], pa.timestamp("us")),
            "weight": pa.array([n % 5 for n in numbers], pa.int64()),
        }
    )


def bits(data: object, *, executor: Executor | None = None, jobs: int | None = None, span_rows: int = 1_000_000) -> Any:
    """Every exact value as its eight bytes, by contender, parameters and metric."""
    entry = {
        "kind": "partitioning",
        "dataset": data,
        "strategies": [strategy.spelling for strategy in STRATEGIES],
        "partitions": [3, 8],
        "queries": QUERIES,
        "weight": "weight",
        "replicas": 3,
        "racks": 2,
        "time": "time",
        "actions": ["add_one", "remove_one", "replace_one", "double", "split_hot", "merge_cold"],
    }
    store = Store(None)
    outcome = run_suite(
        suite_from_dict({"name": "bits", "experiment": [entry]}),
        store,
        executor=executor,
        jobs=jobs,
        timing=TimingSettings.off(),
        span_rows=span_rows,
    )
    assert not outcome.failures, outcome.failures
    rows = store.query(
        "SELECT contender, parameters::VARCHAR AS parameters, metric, kind, value FROM result"
    ).to_pylist()
    store.close()
    found = {
        (row["contender"], json.loads(row["parameters"])["partitions"], row["metric"]): (
            None if row["value"] is None else struct.pack("<d", row["value"])
        )
        for row in rows
        if row["kind"] == "exact"
    }
    assert len(found) == len(rows) > 2 * len(STRATEGIES) * 25
    return found


@pytest.fixture(scope="module")
def expected() -> Any:
    return bits(make_table())


@pytest.mark.parametrize("row_group", [1, 7, 100, 1000])
@pytest.mark.parametrize("span_rows", [1, 64, 1_000_000])
def test_parquet_in_any_row_groups_and_spans(row_group: int, span_rows: int, expected: Any, tmp_path: Path) -> None:
    if row_group * 100 < 1000 and span_rows == 1:
        pytest.skip("a thousand spans belong to the slow test")
    pq.write_table(make_table(), tmp_path / "t.parquet", row_group_size=row_group)
    assert bits(str(tmp_path / "t.parquet"), span_rows=span_rows) == expected


@pytest.mark.slow
def test_parquet_in_a_thousand_spans_of_one_row(expected: Any, tmp_path: Path) -> None:
    pq.write_table(make_table(), tmp_path / "t.parquet", row_group_size=1)
    assert bits(str(tmp_path / "t.parquet"), span_rows=1) == expected


def test_parquet_in_several_files(expected: Any, tmp_path: Path) -> None:
    table = make_table()
    for part, (start, end) in enumerate([(0, 1), (1, 400), (400, 1000)]):
        pq.write_table(table.slice(start, end - start), tmp_path / f"part-{part}.parquet", row_group_size=90)
    assert bits(str(tmp_path), span_rows=100) == expected


def chunked(table: pa.Table) -> pa.Table:
    return pa.concat_tables([table.slice(0, 1), table.slice(1, 0), table.slice(1, 640), table.slice(641)])


def views(table: pa.Table) -> pa.Table:
    return table.set_column(1, "name", table["name"].cast(pa.string_view()))


def dictionary(table: pa.Table) -> pa.Table:
    return table.set_column(1, "name", table["name"].dictionary_encode())


def other_widths(table: pa.Table) -> pa.Table:
    schema = pa.schema(
        {"id": pa.int16(), "name": pa.large_string(), "time": pa.timestamp("ns", "Europe/Rome"), "weight": pa.uint8()}
    )
    return table.cast(schema)


@pytest.mark.parametrize(
    "hold",
    [chunked, views, dictionary, other_widths, pl.from_arrow, pa.Table.to_pandas],
    ids=["chunked", "string views", "dictionary", "other widths", "polars", "pandas"],
)
def test_tables_in_memory_of_any_layout_and_library(hold: Callable[[pa.Table], object], expected: Any) -> None:
    held = hold(make_table())
    assert isinstance(held, (pa.Table, pl.DataFrame, pd.DataFrame))
    assert bits(held) == expected


def test_csv(expected: Any, tmp_path: Path) -> None:
    pa.csv.write_csv(make_table(), tmp_path / "t.csv")
    (tmp_path / "t.toml").write_text(
        'name = "t"\nsource = { path = "t.csv" }\ntypes = { time = "timestamp[us]" }\nnull_values = [""]\n'
    )
    assert bits(str(tmp_path / "t.toml")) == expected


def test_arrow_ipc(expected: Any, tmp_path: Path) -> None:
    pyarrow.feather.write_feather(make_table(), tmp_path / "t.arrow", compression="uncompressed", chunksize=77)
    assert bits(str(tmp_path / "t.arrow"), span_rows=100) == expected


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    with make_executor("processes", 2) as executor:
        yield executor


def test_a_pool_of_processes(expected: Any, pool: Executor, tmp_path: Path) -> None:
    pq.write_table(make_table(), tmp_path / "t.parquet", row_group_size=50)
    assert bits(str(tmp_path / "t.parquet"), executor=pool, jobs=2, span_rows=150) == expected
    assert bits(make_table(), executor=pool, jobs=2) == expected


def test_one_thread_and_two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    # One batch of 140,000 rows, so that it is worth two threads.
    pq.write_table(make_table(140_000), tmp_path / "t.parquet", row_group_size=140_000)
    found = []
    for threads in ("1", "2"):
        monkeypatch.setenv("ASSAY_THREADS", threads)
        found.append(bits(str(tmp_path / "t.parquet")))
    assert found[0] == found[1]
