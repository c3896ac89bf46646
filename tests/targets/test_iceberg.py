"""Iceberg, for real: the exported script creates and loads the table in a local catalogue, whose files are asked."""

from __future__ import annotations

import contextlib
import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from landing import ROW_ID, check, odd_table

import assay
from assay.targets.export import Export

pytest.importorskip("pyiceberg", reason="pyiceberg is not installed here")
sqlglot = pytest.importorskip("sqlglot", reason="sqlglot is not installed here")


def loaded(export: Export, folder: Path) -> dict[int, tuple[Any, ...]]:
    """Runs the export's script on a catalogue in a folder, and returns the partition values of each row's file."""
    from pyiceberg.catalog.sql import SqlCatalog

    export.write(folder / "out")
    uri = f"sqlite:///{folder}/catalogue.db"
    catalog = SqlCatalog("local", uri=uri, warehouse=f"file://{folder}/warehouse")
    stem = export.files[0].name.removesuffix(".sql")
    with contextlib.chdir(folder / "out"):
        script = runpy.run_path(f"{stem}.py")
        table = script["create"](catalog)
        script["load"](table)
    found: dict[int, tuple[Any, ...]] = {}
    for task in table.scan().plan_files():
        partition = tuple(task.file.partition[place] for place in range(len(script["SPEC"].fields)))
        rows = pq.read_table(task.file.file_path.removeprefix("file://"), columns=[ROW_ID])
        found |= dict.fromkeys(rows.column(0).to_pylist(), partition)
    catalog.engine.dispose()
    assert len(found) == export.layout.rows
    return found


BY_COLUMN = (
    "range(tailnum)",
    "list(carrier)",
    "modulo(flight)",
    "round_robin",
    "ring(tailnum)",
    "composite(list(origin), range(time_hour), first=2)",
    "hash(origin, dest)",
)


@pytest.mark.parametrize("strategy", BY_COLUMN)
def test_the_column_with_the_number_keeps_the_measured_placement(
    some_flights: pa.Table, tmp_path: Path, strategy: str
) -> None:
    export = assay.export(some_flights, target="iceberg", strategy=strategy, table="shop.flights", rows=True)
    assert export.exact
    landed = loaded(export, tmp_path)
    widths = {2: 4, 1: 1}
    check(
        export, {row: sum(n * (widths[len(v)] if i == 0 else 1) for i, n in enumerate(v)) for row, v in landed.items()}
    )


@pytest.mark.parametrize(
    "strategy", ["hash(tailnum)", "hash(flight)", "hash(time_hour)", "hash(tailnum, function=murmur3_32)"]
)
def test_hash_becomes_buckets_which_assay_computes_as_iceberg_does(
    some_flights: pa.Table, tmp_path: Path, strategy: str
) -> None:
    export = assay.export(some_flights, target="iceberg", strategy=strategy, partitions=8, table="flights", rows=True)
    assert export.exact
    (name,) = export.layout.spec.columns
    landed = loaded(export, tmp_path)
    keys = export.keys
    expected = dict(zip(keys.column(name).to_pylist(), keys.column("partition").to_pylist(), strict=True))
    plain = some_flights.column(name).cast(keys.column(name).type).to_pylist()
    assert {row: value or 0 for row, (value,) in landed.items()} == {
        row: expected[key] for row, key in enumerate(plain)
    }
    assert {row for row, (value,) in landed.items() if value is None} == {
        r for r, key in enumerate(plain) if key is None
    }
    counts = np.bincount([value or 0 for (value,) in landed.values()], minlength=8)
    assert counts.tolist() == export.predicted
    assert any("rows land as measured" in note for note in export.notes) == ("murmur3_32" in strategy)


def test_buckets_of_every_type_are_predicted_or_said_not_to_be(tmp_path: Path) -> None:
    for place, name in enumerate(odd_table().column_names):
        strategy = f'hash("{name.replace(chr(34), chr(34) * 2)}")'
        export = assay.export(odd_table(), target="iceberg", strategy=strategy, partitions=5, table="odd", rows=True)
        (tmp_path / str(place)).mkdir()
        landed = loaded(export, tmp_path / str(place))
        if "BucketTransform" not in (
            export.files[1].text or ""
        ):  # floats and booleans have no buckets, times none in PyIceberg
            assert name in ("a,b", "f", "flag", "clock")
            check(export, {row: value for row, (value,) in landed.items()})
        elif export.native is None:
            assert name in ("order", "price") and not export.exact
        else:
            counts = np.bincount([value or 0 for (value,) in landed.values()], minlength=5)
            assert counts.tolist() == export.predicted, name


# 1,000 moments: 26 h apart they fall into 3 years, 36 months and 1,000 days; 2 h apart into 3 months, 84 days and
# 1,000 hours.
CUTS = [(93_601, 2, "year"), (93_601, 30, "month"), (7_201, 80, "day"), (7_201, 900, "hour")]


@pytest.mark.parametrize(("step", "partitions", "transform"), CUTS)
@pytest.mark.parametrize("kind", [pa.timestamp("us", "UTC"), pa.timestamp("s"), pa.date32()], ids=str)
def test_a_range_of_moments_becomes_the_transform_nearest_to_its_partitions(
    tmp_path: Path, step: int, partitions: int, transform: str, kind: pa.DataType
) -> None:
    moments = pa.array([None if i == 5 else 1_577_836_800 + i * step for i in range(1_000)], pa.timestamp("s"))
    table = pa.table({"at": moments.cast(kind), ROW_ID: pa.array(range(1_000), pa.int64())})
    words = {"target": "iceberg", "strategy": "range(at)", "partitions": partitions, "table": "t", "rows": True}
    export = assay.export(table, **words)
    if pa.types.is_date(kind) and transform == "hour":
        transform = "day"
    assert f"PARTITIONED BY ({transform}s(`at`))" in export.text
    if len(export.predicted) < 100:  # a file for each partition
        landed = loaded(export, tmp_path)
        order = sorted({value for (value,) in landed.values() if value is not None})
        counts = np.bincount([0 if value is None else order.index(value) for (value,) in landed.values()])
        assert counts.tolist() == export.predicted
    assert "PARTITIONED BY (`partition_number`)" in assay.export(table, exact=True, **words).text


def test_a_list_of_one_value_each_becomes_identity(some_flights: pa.Table, tmp_path: Path) -> None:
    export = assay.export(some_flights, target="iceberg", strategy="list(origin)", partitions=3, table="t", rows=True)
    assert "PARTITIONED BY (`origin`)" in export.text
    landed = loaded(export, tmp_path)
    expected = dict(zip(*export.keys.select(["origin", "partition"]).to_pydict().values(), strict=True))
    check(export, {row: expected[value] for row, (value,) in landed.items()})


def test_the_ddl_is_sql_that_spark_reads(some_flights: pa.Table) -> None:
    for data in (some_flights, odd_table()):
        for strategy in ("round_robin", f"hash({ROW_ID})"):
            export = assay.export(data, target="iceberg", strategy=strategy, table="a.b")
            (statement,) = sqlglot.parse(export.text, dialect="spark")
            columns = [column.name for column in statement.find_all(sqlglot.exp.ColumnDef)]
            assert columns[: data.num_columns] == data.column_names
