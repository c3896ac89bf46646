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


def created(server: Any, export: Export, folder: Path, table: str) -> dict[int, int]:
    """Creates the export in a new database, loads it, and returns where each row is."""
    export.write(folder / "out")
    database = server.database()
    server.psql(database, folder / "out", export.files[0].name, "load.sql")
    with server.connect(database) as connection:
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
