"""What can still be read of a damaged store, as rows that a sound store takes.

A table that cannot be read whole is read column by column, and a column that cannot, by row groups
of 122,880 rows; what is lost of a column is NULL. Rows without their key are lost. Where a NULL may
not stand, there is "lost" or 0, and a run, experiment or cell whose own row is lost is made anew
from what names it, so that its metrics are still found. Whatever was lost is said.

Cost: reads the store once, and what is damaged column by column; memory for all rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import StoreError, UsageError
from assay.store.block_files import copy_run
from assay.store.connection import is_busy, store_error
from assay.store.damage import ReadableCopy, readable_copy
from assay.store.lock import lock_holder
from assay.store.merging import SHARED, Merged, Refused, add_runs, run_tables
from assay.store.store import Store

__all__ = ["Salvaged", "salvage", "salvage_stores"]

_ROW_GROUP = 122_880
_LOST = "lost"
_Rows = dict[str, pa.Table]


@dataclass(frozen=True)
class Salvaged:
    """The rows of each table, and what is lost or was mended, one sentence each."""

    tables: _Rows
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Column:
    name: str
    type: str
    is_key: bool
    is_nullable: bool


def salvage_stores(target: Store, sources: Sequence[Path | str]) -> list[Merged | Refused]:
    """Brings what can be read of damaged stores into `target`; runs that the target has stay as they are there.

    The label of a run from a store of which something is lost ends in "(salvaged)".

    Returns:
        One outcome per source: what was brought and what is lost, or why nothing could be brought.

    Raises:
        StoreError: The target cannot be written.
    """
    outcomes: list[Merged | Refused] = []
    for source in map(Path, sources):
        try:
            salvaged = salvage(source)
        except StoreError as error:
            outcomes.append(Refused(str(source), error))
            continue
        try:
            outcomes.append(_add(target, source, salvaged))
        except UsageError as error:
            outcomes.append(Refused(str(source), error))
    return outcomes


def _add(target: Store, source: Path, salvaged: Salvaged) -> Merged:
    runs = salvaged.tables["run"]
    known = target.query("SELECT run_id FROM run")["run_id"].combine_chunks()
    is_known = pc.is_in(runs["run_id"], known)
    present = tuple(sorted(map(str, runs.filter(is_known)["run_id"].to_pylist())))
    new = runs.filter(pc.invert(is_known))
    if salvaged.notes:
        labels = [f"{row['label'] or row['suite_name']} (salvaged)" for row in new.to_pylist()]
        new = new.set_column(new.column_names.index("label"), "label", pa.array(labels, pa.string()))
    added = add_runs(target, {**salvaged.tables, "run": new}, str(source))
    for run_id in added.interrupted:
        if target.path is not None:
            copy_run(source, Path(target.path), run_id)
    return Merged(added.source, added.added, added.interrupted, (), present, salvaged.notes)


def salvage(path: Path) -> Salvaged:
    """All rows that can be read of the store `path`, which is not changed.

    Raises:
        StoreError: There is no such file, it is being written, or nothing of it can be read.
    """
    if not path.is_file():
        raise StoreError(f"there is no store {path} to salvage")
    holder = lock_holder(path)
    if holder is not None:
        raise StoreError(f"the store {path} is being written by {holder}; salvage once it has ended")
    try:
        duckdb.connect(str(path), read_only=True).close()
    except duckdb.Error as error:
        if is_busy(error):
            raise store_error(error, path) from error
    with readable_copy(path) as copy:
        if copy is None:
            raise StoreError(
                f"nothing of {path} can be read: neither of its headers leads to its tables{_backups(path)}"
            )
        return _salvaged(path, copy)


def _salvaged(path: Path, copy: ReadableCopy) -> Salvaged:
    notes = list(copy.notes)
    tables: _Rows = {}
    with Store(None) as sound, contextlib.closing(_Reader(copy.path)) as reader:
        for name in [*run_tables(sound), *SHARED]:
            columns, empty = _columns(sound, name), sound.query(f"SELECT * FROM {name}")
            found, lost = _read_table(reader, name, empty)
            tables[name] = _keyed(name, columns, found)
            if tables[name].num_rows < found.num_rows:  # what else is lost of these rows is no matter
                lost = [f"{name}: {found.num_rows - tables[name].num_rows:,} of {found.num_rows:,} rows are lost"]
            notes += lost
        if not any(table.num_rows for table in tables.values()):
            raise StoreError(f"nothing of {path} can be read: none of its tables{_backups(path)}")
        _complete(sound, tables, notes)
    return Salvaged(tables, tuple(notes))


def _columns(sound: Store, table: str) -> list[_Column]:
    rows = sound.query(
        """SELECT column_name AS name, data_type AS type, is_nullable,
                  column_name IN (SELECT unnest(constraint_column_names) FROM duckdb_constraints()
                                  WHERE table_name = ? AND constraint_type = 'PRIMARY KEY') AS is_key
           FROM duckdb_columns() WHERE table_name = ? ORDER BY column_index""",
        [table, table],
    ).to_pylist()
    return [_Column(row["name"], row["type"], row["is_key"], row["is_nullable"]) for row in rows]


def _read_table(reader: _Reader, table: str, empty: pa.Table) -> tuple[pa.Table, list[str]]:
    """The table's rows, where a value that cannot be read is null, and what of it is lost."""
    try:
        found = reader.query(f"SELECT * FROM {table}")
        return _as_declared(found, empty), []
    except duckdb.CatalogException:
        return empty, []  # an older store, which has no such table
    except (duckdb.Error, pa.ArrowException):
        pass
    try:
        described = reader.query(f"SELECT column_name FROM duckdb_columns() WHERE table_name = '{table}'")
        ids = reader.query(f"SELECT rowid AS id FROM {table} ORDER BY id")["id"].combine_chunks()
    except duckdb.Error:
        return empty, [f"the table {table} is lost whole"]
    columns, notes = {}, []
    for field in empty.schema:
        if field.name in described["column_name"].to_pylist():
            columns[field.name], lost = _read_column(reader, table, field.name, ids, field.type)
            if lost:
                notes.append(f"{table}.{field.name}: {lost:,} of {len(ids):,} values are lost")
    return _as_declared(pa.table(columns), empty), notes


def _read_column(
    reader: _Reader, table: str, column: str, ids: pa.Int64Array, kind: pa.DataType
) -> tuple[pa.ChunkedArray, int]:
    """The column's values in the order of `ids`, and how many of them are lost."""
    last = ids[-1].as_py() if len(ids) else -1
    chunks: list[pa.Array] = []
    lost = 0
    for start in range(0, last + 1, _ROW_GROUP):
        within = pc.and_(pc.greater_equal(ids, start), pc.less(ids, start + _ROW_GROUP))
        count = pc.sum(within).as_py()
        try:
            group = f"rowid >= {start} AND rowid < {start + _ROW_GROUP}"
            sql = f"SELECT {column} AS found FROM {table} WHERE {group} ORDER BY rowid"
            values = reader.query(sql)["found"].cast(kind)
        except (duckdb.Error, pa.ArrowException):
            values = pa.chunked_array([], kind)
        if len(values) == count:
            chunks += values.chunks
        else:  # not to be read, or not to be told whose they are
            chunks.append(pa.nulls(count, kind))
            lost += count
    return pa.chunked_array(chunks, kind), lost


def _as_declared(found: pa.Table, empty: pa.Table) -> pa.Table:
    """The columns that the present schema has; those that the store has not yet are null."""
    columns = [
        found[field.name].cast(field.type) if field.name in found.column_names else pa.nulls(found.num_rows, field.type)
        for field in empty.schema
    ]
    return pa.table(columns, names=empty.column_names)


def _keyed(name: str, columns: Sequence[_Column], rows: pa.Table) -> pa.Table:
    """The rows that have their key, with something in the place of what may not be null."""
    for column in columns:
        if column.is_key:
            rows = rows.filter(pc.is_valid(rows[column.name]))
    for place, column in enumerate(columns):
        values = rows[column.name]
        if not column.is_nullable and not column.is_key and values.null_count:
            rows = rows.set_column(place, column.name, pc.fill_null(values, _placeholder(name, column, values.type)))
    return rows


def _placeholder(table: str, column: _Column, kind: pa.DataType) -> pa.Scalar:
    if column.name == "status":
        return pa.scalar("failed" if table == "run" else "done", kind)
    if column.type == "JSON":
        return pa.scalar("{}", kind)
    if pa.types.is_string(kind):
        return pa.scalar(_LOST, kind)
    if pa.types.is_timestamp(kind):
        return pa.scalar(datetime(1970, 1, 1, tzinfo=UTC), kind)
    return pa.scalar(0, pa.int64()).cast(kind)


def _complete(sound: Store, tables: _Rows, notes: list[str]) -> None:
    """Adds the runs, experiments and cells that other rows name and that have lost their own row."""
    measured = [tables[name] for name in ("metric", "series", "sample")]
    _add_missing(
        sound,
        tables,
        "cell",
        measured,
        notes,
        lambda key: {"contender": f"{_LOST} {key['cell_id'][:8]}", "status": "done"},
    )
    of_experiments = [*measured, tables["cell"]]
    _add_missing(
        sound,
        tables,
        "experiment",
        of_experiments,
        notes,
        lambda key: {"question": "What was asked is lost", "noun": "contender"},
    )
    of_runs = [table for name, table in tables.items() if "run_id" in table.column_names and name != "run"]
    _add_missing(
        sound, tables, "run", of_runs, notes, lambda key: {"status": "failed", "started": _time_of(key["run_id"])}
    )
    place = tables["run"].column_names.index("started")
    started = [
        _time_of(row["run_id"]) if row["started"].year == 1970 else row["started"]
        for row in tables["run"].select(["run_id", "started"]).to_pylist()
    ]
    tables["run"] = tables["run"].set_column(
        place, "started", pa.array(started, tables["run"].schema.field("started").type)
    )


def _add_missing(
    sound: Store,
    tables: _Rows,
    name: str,
    others: Sequence[pa.Table],
    notes: list[str],
    known: Callable[[dict[str, Any]], dict[str, Any]],
) -> None:
    columns = _columns(sound, name)
    keys = [column.name for column in columns if column.is_key]
    wanted = {
        tuple(row.values()) for other in others for row in other.select(keys).group_by(keys).aggregate([]).to_pylist()
    }
    present = {tuple(row.values()) for row in tables[name].select(keys).to_pylist()}
    missing = sorted(wanted - present)
    if not missing:
        return
    notes.append(f"{name}: {len(missing):,} rows are lost and were made anew from what names them")
    rows = []
    for key in missing:
        row = dict(zip(keys, key, strict=True))
        rows.append({column.name: row.get(column.name) for column in columns} | known(row))
    made = pa.Table.from_pylist(rows, schema=tables[name].schema)
    tables[name] = pa.concat_tables([tables[name], _keyed(name, columns, made)])


def _time_of(run_id: str) -> datetime:
    """When a run began, by the first 48 bits of its id (UUID version 7)."""
    try:
        return datetime.fromtimestamp(int(run_id.replace("-", "")[:12], 16) / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime(1970, 1, 1, tzinfo=UTC)


class _Reader:
    """Queries of a damaged file; after an error, which may make a connection useless, on a new one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: duckdb.DuckDBPyConnection | None = None

    def query(self, sql: str) -> pa.Table:
        try:
            if self._connection is None:
                self._connection = duckdb.connect(str(self._path), read_only=True)
            return self._connection.sql(sql).to_arrow_table()
        except duckdb.Error:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _backups(path: Path) -> str:
    """The backups beside the file, as the end of a sentence."""
    found = sorted(one.name for one in path.parent.glob(f"{path.name}.backup-v*"))
    return (
        f"; there is a copy from before an upgrade: {', '.join(found)}"
        if found
        else "; restore it from a copy of yours"
    )
