"""PostgreSQL, for real: the exported layout is created, loaded, and asked where each row is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from landing import ODD_STRATEGIES, ROW_ID, check, odd_table

import assay
from assay.targets.export import Export

FLIGHTS = (
    "range(time_hour)",
    "range(tailnum)",
    "list(origin)",
    "list(carrier)",
    "modulo(flight)",
    "round_robin",
    "composite(list(origin), range(time_hour), first=2)",
    "composite(range(time_hour), list(carrier), first=4)",
    "ring(tailnum)",
    "jump(dest, hash=md5)",
)


HASHES = (
    'hash("select""")',
    'hash("Ünïcode name")',
    'hash("a,b")',
    "hash(f, flag)",
    "hash(bytes)",
    'hash(dict, "Ünïcode name", "a,b")',
    'composite(hash("select"""), range(at), first=2)',
    "composite(list(dict), hash(flag), first=2)",
)


def created(server: Any, export: Export, folder: Path, table: str) -> dict[int, int]:
    """Creates the export in a schema of its own, loads it, and returns where each row is."""
    export.write(folder / "out")
    schema = server.schema()
    server.psql(schema, folder / "out", export.files[0].name, "load.sql")
    with server.connect(schema) as connection:
        rows = connection.execute(
            f"SELECT {ROW_ID}, c.relname FROM {table} AS t JOIN pg_class AS c ON c.oid = t.tableoid"
        ).fetchall()
    assert len(rows) == export.layout.rows
    return {row: partition_of(name) for row, name in rows}


def partition_of(name: str) -> int:
    found = re.fullmatch(r".*_p(\d+)", name)
    assert found is not None, name
    return int(found[1])


@pytest.mark.parametrize("strategy", FLIGHTS)
def test_flights_land_where_assay_predicted(server: Any, some_flights: pa.Table, tmp_path: Path, strategy: str) -> None:
    export = assay.export(some_flights, target="postgres", strategy=strategy, table="flights", rows=True)
    assert export.exact
    check(export, created(server, export, tmp_path, "flights"))


@pytest.mark.parametrize("strategy", ODD_STRATEGIES)
def test_odd_names_types_and_values_land_where_assay_predicted(server: Any, tmp_path: Path, strategy: str) -> None:
    table = '"tä""ble / of"'
    export = assay.export(odd_table(), target="postgres", strategy=strategy, partitions=4, table=table, rows=True)
    check(export, created(server, export, tmp_path, table))


@pytest.mark.parametrize("strategy", HASHES)
def test_rows_land_by_the_hash_of_postgresql_as_assay_computes_it(server: Any, tmp_path: Path, strategy: str) -> None:
    export = assay.export(odd_table(), target="postgres", strategy=strategy, partitions=6, table="odd", rows=True)
    assert export.exact and export.native is not None
    assert export.native.keys.column("partition") != export.layout.keys.column("partition")
    assert any("rows land elsewhere" in note and "function=postgres" in note for note in export.notes)
    check(export, created(server, export, tmp_path, "odd"))


def test_the_hash_that_was_measured_is_kept_where_it_is_that_of_postgresql(
    server: Any, some_flights: pa.Table, tmp_path: Path
) -> None:
    strategy = "hash(tailnum, function=postgres)"
    export = assay.export(some_flights, target="postgres", strategy=strategy, table="flights", rows=True)
    assert export.native is not None and export.native.keys == export.layout.keys
    assert export.notes == ("PostgreSQL hashes as hash(tailnum,function=postgres) does, so rows land as measured.",)
    check(export, created(server, export, tmp_path, "flights"))


@pytest.mark.parametrize("strategy", ["hash(tailnum)", "composite(list(origin), hash(tailnum, dest), first=2)"])
def test_exact_keeps_the_measured_hash(server: Any, some_flights: pa.Table, tmp_path: Path, strategy: str) -> None:
    export = assay.export(some_flights, target="postgres", strategy=strategy, table="flights", exact=True, rows=True)
    assert export.native is None and export.exact
    check(export, created(server, export, tmp_path, "flights"))


@pytest.mark.parametrize("strategy", ["hash(day)", "hash(order)"])
def test_a_hash_that_assay_does_not_know_is_no_prediction(server: Any, tmp_path: Path, strategy: str) -> None:
    export = assay.export(odd_table(), target="postgres", strategy=strategy, partitions=4, table="odd", rows=True)
    assert not export.exact and export.native is None
    assert "places not" in export.notes[-1] and "--exact" in export.notes[-1]
    assert len(created(server, export, tmp_path, "odd")) == 300


@pytest.mark.parametrize("strategy", ["ring(tailnum)", 'jump("a,b", flag)', "maglev(dict)"])
def test_the_mapping_fills_the_column_from_a_staging_table(
    server: Any, some_flights: pa.Table, tmp_path: Path, strategy: str
) -> None:
    data = some_flights if "tailnum" in strategy else odd_table()
    export = assay.export(data, target="postgres", strategy=strategy, table="t", rows=True)
    (insert,) = re.findall(r"^--   (INSERT INTO .* FROM staging .*;)$", export.text, re.MULTILINE)
    direct = created(server, export, tmp_path, "t")
    schema = f"s{server.schemas}"
    with server.connect(schema) as connection:
        column = next(name for name in ("partition_number_", "partition_number") if f'"{name}" integer' in export.text)
        connection.execute("CREATE TABLE staging AS SELECT * FROM t")
        connection.execute(f"ALTER TABLE staging DROP COLUMN {column}")
        connection.execute("TRUNCATE t")
        connection.execute(insert)
        query = f"SELECT {ROW_ID}, c.relname FROM t JOIN pg_class AS c ON c.oid = t.tableoid"
        assert {row: partition_of(name) for row, name in connection.execute(query).fetchall()} == direct


def test_many_partitions_are_created_and_told(server: Any, tmp_path: Path) -> None:
    table = pa.table({ROW_ID: pa.array(range(600), pa.int64())})
    export = assay.export(table, target="postgres", strategy="range(row_id)", partitions=300, table="many", rows=True)
    check(export, created(server, export, tmp_path, "many"))
    few = assay.export(table, target="postgres", strategy="range(row_id)", partitions=5000)
    assert "max_locks_per_transaction" in few.notes[-1] + few.notes[0]
    assert "no key can be in it" in few.text


@pytest.mark.slow
@pytest.mark.parametrize(
    "strategy", ["range(time_hour)", "hash(tailnum)", "composite(list(origin), hash(dest), first=2)"]
)
def test_all_flights_land_where_assay_predicted(server: Any, tmp_path: Path, strategy: str) -> None:
    export = assay.export("flights", target="postgres", strategy=strategy, partitions=8, rows=True)
    export.write(tmp_path / "out")
    schema = server.schema()
    server.psql(schema, tmp_path / "out", "flights.sql", "load.sql")
    names = export.layout.spec.columns
    listed = ", ".join(f'"{name}"' for name in names)
    with server.connect(schema) as connection:
        connection.execute("SET timezone = 'UTC'")
        rows = connection.execute(
            f"SELECT {listed}, c.relname, count(*) FROM flights AS t JOIN pg_class AS c ON c.oid = t.tableoid "
            f"GROUP BY {listed}, c.relname"
        ).fetchall()
    plain = [tuple(v.replace(tzinfo=None) if hasattr(v, "tzinfo") else v for v in row[:-2]) for row in rows]
    landed = {key: (partition_of(row[-2]), row[-1]) for key, row in zip(plain, rows, strict=True)}
    predicted = export.keys.to_pylist()
    assert landed == {tuple(k[name] for name in names): (k["partition"], k["rows"]) for k in predicted}
    assert len(landed) == len(predicted) and sum(export.predicted) == 336_776
