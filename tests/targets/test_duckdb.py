"""DuckDB, for real: the exported SQL writes the folders, and they are asked which rows they hold."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from landing import ODD_STRATEGIES, ROW_ID, check, odd_table

import assay
from assay.catalogue import Contender, strategies
from assay.targets.export import Export

FLIGHTS = (
    "hash(tailnum)",
    "hash(tailnum, function=md5)",
    "hash(origin, dest)",
    "range(time_hour)",
    "range(tailnum)",
    "list(carrier)",
    "modulo(flight)",
    "round_robin",
    "composite(list(origin), hash(tailnum, function=md5), first=2)",
    "composite(ring(dest), round_robin, first=4)",
    "maglev(tailnum)",
)


def written(export: Export, folder: Path) -> dict[int, int]:
    """Runs the export in a folder of its own and returns where each row is: in which folder of the layout."""
    export.write(folder / "out")
    with contextlib.chdir(folder / "out"), duckdb.connect() as connection:
        connection.execute(export.text)
        name = export.files[0].name.removesuffix(".sql")
        rows = connection.execute(
            f"SELECT {ROW_ID}, regexp_extract(filename, 'partition_number_*=(\\d+)', 1)::INTEGER "
            "FROM read_parquet(?, hive_partitioning = true, filename = true)",
            [f"{name}/**/*.parquet"],
        ).fetchall()
    assert len(rows) == export.layout.rows
    return dict(rows)


@pytest.mark.parametrize("strategy", FLIGHTS)
def test_flights_land_where_assay_predicted(some_flights: pa.Table, tmp_path: Path, strategy: str) -> None:
    export = assay.export(some_flights, target="duckdb", strategy=strategy, table="flights", rows=True)
    assert export.exact
    check(export, written(export, tmp_path))


@pytest.mark.parametrize("strategy", ODD_STRATEGIES)
def test_odd_names_types_and_values_land_where_assay_predicted(tmp_path: Path, strategy: str) -> None:
    export = assay.export(odd_table(), target="duckdb", strategy=strategy, partitions=4, table="odd", rows=True)
    check(export, written(export, tmp_path))


OWN = [
    contender
    for contender in strategies()
    if contender.implementation is None and not contender.abilities & {"nests", "splits_columns"}
]


@pytest.mark.parametrize("contender", OWN, ids=lambda contender: contender.name)
def test_every_strategy_that_assay_has_can_be_exported(tmp_path: Path, contender: Contender) -> None:
    spelling = contender.name if "by_row" in contender.abilities else f"{contender.name}(order)"
    for strategy in dict.fromkeys((spelling, spelling.replace("order", "dict"))):
        if strategy == "modulo(dict)":
            continue  # takes integers
        export = assay.export(odd_table(), target="duckdb", strategy=strategy, partitions=4, table="odd", rows=True)
        folder = tmp_path / strategy.replace("(", "_").strip(")")
        folder.mkdir()
        check(export, written(export, folder))


WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=6)
KEYS = st.one_of(st.lists(st.integers(-5, 5) | st.none(), min_size=1), st.lists(WORDS | st.none(), min_size=1))
SPELLINGS = ("range(k)", "list(k)", "hash(k, function=md5)", "jump(k)", "composite(list(k), range(k), first=2)")


@given(keys=KEYS.filter(lambda keys: any(key is not None for key in keys)), spelling=st.sampled_from(SPELLINGS))
def test_the_expression_gives_any_key_its_partition(keys: list[object], spelling: str) -> None:
    table = pa.table({"k": keys, ROW_ID: pa.array(range(len(keys)), pa.int64())})
    export = assay.export(table, target="duckdb", strategy=spelling, partitions=4, table="t", rows=True)
    with tempfile.TemporaryDirectory() as folder:
        check(export, written(export, Path(folder)))
