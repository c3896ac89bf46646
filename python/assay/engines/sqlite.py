"""SQLite: a table and its B-tree in one file, within the process, by Python's own module.

Three ways to keep a secondary index, and none: an index beside the table, one that holds the payload as well
(covering), or the table itself in the order of the key (WITHOUT ROWID). Words are stored as INTEGER, uint64 and
floats among them (as integers in their order, since SQLite has neither unsigned ones nor NaN), text as TEXT, which its
collation BINARY compares by bytes, other types as BLOB. A null part of a compound key is an empty BLOB, which SQLite
puts after all numbers and texts.

A batch of lookups goes into a temporary table in memory, which one statement joins with the index.

Durability: write-ahead log; `commit` is `synchronous = FULL`, one fsync of the log for each transaction, and two or
three more for a checkpoint, each thousand pages of log; `none` is `synchronous = OFF`, no fsync at all.
Source: sqlite.org/fileformat2.html, sqlite.org/pragma.html#pragma_synchronous.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.engines.contenders import SQLITE
from assay.engines.engine import Bounds, Engine
from assay.engines.ordered import KeyPart
from assay.errors import MeasurementError, ParameterError

__all__ = ["Sqlite"]

_CACHE_KIB = 262_144
_AFFINITY = {"word": "INTEGER", "text": "TEXT", "binary": "BLOB"}
_FETCHED = 65_536


class Sqlite(Engine):
    """SQLite through Python's module `sqlite3`."""

    contender = SQLITE

    @property
    def version(self) -> str:
        """SQLite and its version."""
        return f"SQLite {sqlite3.sqlite_version}"

    @property
    def settings(self) -> Mapping[str, str]:
        """The pragmas that are set."""
        return {
            "journal_mode": "WAL",
            "synchronous": "FULL" if self.parameters["durability"] == "commit" else "OFF",
            "cache_size": f"-{_CACHE_KIB}",
            "temp_store": "MEMORY",
        }

    def _open(self, folder: Path) -> None:
        self._layout: str = self.parameters["layout"]
        self._connection = sqlite3.connect(folder / "table.sqlite", isolation_level=None, check_same_thread=False)
        for name, value in self.settings.items():
            if name != "journal_mode":  # the log is for changes: what fills an empty file is written once without it
                self._connection.execute(f"PRAGMA {name} = {value}").fetchall()

    def _close(self) -> None:
        self._connection.close()

    def _fill(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        self._keys = [f"k{place}" for place in range(len(self.parts))]
        self._listed = ", ".join(self._keys)
        self._equal = " AND ".join(f"{key} = ?" for key in self._keys)
        typed = [f"{key} {_AFFINITY[part.form]}" for key, part in zip(self._keys, self.parts, strict=True)]
        kept = {"int64": "INTEGER", "large_string": "TEXT"}.get(str(self.payload_type), "BLOB")
        temporary = ", ".join(typed)
        if self._layout == "without_rowid":
            table = f"{temporary}, row INTEGER, payload {kept}, PRIMARY KEY ({self._listed}, row)) WITHOUT ROWID"
            order = _order(columns, rows)
            columns, rows, payload = [column.take(order) for column in columns], rows[order], payload.take(order)
        else:
            table = f"row INTEGER PRIMARY KEY, {temporary}, payload {kept})"
            order = np.argsort(rows, kind="stable")
            if bool((order[1:] < order[:-1]).any()):
                columns, rows, payload = [column.take(order) for column in columns], rows[order], payload.take(order)
        with self._transaction():
            self._connection.execute(f"CREATE TABLE t ({table}")
            self._connection.execute(f"CREATE TEMPORARY TABLE probe (i INTEGER PRIMARY KEY, {temporary})")
            self._connection.execute(
                f"CREATE TEMPORARY TABLE wanted ({temporary}, i INTEGER, PRIMARY KEY ({self._listed}, i)) WITHOUT ROWID"
            )
            self._add(columns, rows, payload)
            if self._layout in ("index", "covering"):
                covered = ", payload" if self._layout == "covering" else ""
                self._connection.execute(f"CREATE INDEX by_key ON t ({self._listed}{covered})")
        self._connection.execute("PRAGMA journal_mode = WAL").fetchall()

    def _find(self, columns: list[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
        places, rows, _ = self._matches(columns, "t.row, 0")
        return places, rows

    def _prepared(self, columns: list[pa.Array]) -> list[Any]:
        return list(zip(*self._stored(columns), strict=True))

    def _find_one(self, key: Any) -> list[int]:
        rows = self._connection.execute(f"SELECT row FROM t WHERE {self._equal} ORDER BY row", key).fetchall()
        return [row for (row,) in rows]

    def _fetch(self, columns: list[pa.Array]) -> tuple[np.ndarray, pa.Array]:
        places, _, payloads = self._matches(columns, "t.row, t.payload")
        return places, pa.array(payloads, self.payload_type)

    def _matches(self, columns: list[pa.Array], what: str) -> tuple[np.ndarray, np.ndarray, list[Any]]:
        """(place of the probe, row, second thing asked for) of every match, by place and row."""
        with self._converting():
            probes = self._prepared(columns)
        if not probes:
            return np.zeros(0, np.int64), np.zeros(0, np.int64), []
        if len(probes) == 1:
            found = self._connection.execute(f"SELECT 0, {what} FROM t WHERE {self._equal}", probes[0]).fetchall()
        else:
            found = self._joined(probes, what)
        with self._converting():
            if not found:
                return np.zeros(0, np.int64), np.zeros(0, np.int64), []
            places, rows, seconds = zip(*found, strict=True)
            by_place, by_row = np.array(places, np.int64), np.array(rows, np.int64)
            same = by_place[1:] == by_place[:-1]
            if not bool(((by_place[1:] > by_place[:-1]) | (same & (by_row[1:] > by_row[:-1]))).all()):
                order = np.lexsort((by_row, by_place))
                return by_place[order], by_row[order], [seconds[place] for place in order]
            return by_place, by_row, list(seconds)

    def _joined(self, probes: list[tuple[Any, ...]], what: str) -> list[tuple[Any, ...]]:
        on = " AND ".join(f"t.{key} = p.{key}" for key in self._keys)
        marks = ", ".join("?" for _ in self._keys)
        if self._layout == "none":  # one scan of the table, which asks for each row whether it is wanted
            table, query = "wanted", f"SELECT p.i, {what} FROM t CROSS JOIN wanted AS p ON {on}"
        else:
            table, query = "probe", f"SELECT p.i, {what} FROM probe AS p CROSS JOIN t ON {on} ORDER BY p.i"
        with self._batch(table, f"(i, {self._listed}) VALUES (?, {marks})", _numbered(probes)):
            return self._connection.execute(query).fetchall()

    @contextlib.contextmanager
    def _batch(self, table: str, into: str, rows: Iterator[tuple[Any, ...]]) -> Iterator[None]:
        """A temporary table that holds these rows meanwhile; in memory, so no transaction of the file is begun."""
        try:
            self._connection.execute("BEGIN")
            self._connection.executemany(f"INSERT INTO temp.{table} {into}", rows)
            yield
        finally:
            self._connection.execute("ROLLBACK")

    def _range(self, bounds: Bounds, limit: int | None, descending: bool) -> np.ndarray:
        conditions, values = [], []
        for bound, sign, is_closed in (
            (bounds.low, ">", bounds.low_closed),
            (bounds.high, "<", bounds.high_closed),
        ):
            if bound is not None:
                keys, marks = ", ".join(self._keys[: len(bound)]), ", ".join("?" for _ in bound)
                conditions.append(f"({keys}) {sign}{'=' if is_closed else ''} ({marks})")
                values += [self._stored_value(part, value) for part, value in zip(self.parts, bound, strict=False)]
        turned = " DESC" if descending else ""
        query = "SELECT row FROM t" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        query += " ORDER BY " + ", ".join(f"{column}{turned}" for column in (*self._keys, "row"))
        if limit is not None:
            query += f" LIMIT {limit}"
        rows = self._connection.execute(query, values).fetchall()
        with self._converting():
            return np.fromiter((row for (row,) in rows), np.int64, len(rows))

    def _insert(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        with self._transaction():
            self._add(columns, rows, payload)

    def _add(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        marks = ", ".join("?" for _ in self._keys)
        statement = f"INSERT INTO t (row, payload, {self._listed}) VALUES (?, ?, {marks})"
        for start in range(0, len(rows), _FETCHED):
            part = slice(start, start + _FETCHED)
            with self._converting():
                lists = self._stored([column[part] for column in columns])
                given = list(zip(rows[part].tolist(), _plain(payload[part]), *lists, strict=True))
            self._connection.executemany(statement, given)

    def _update_payload(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> int:
        with self._converting():
            given = list(zip(_plain(payload), rows.tolist(), *self._stored(columns), strict=True))
        with self._transaction():
            return self._many(f"UPDATE t SET payload = ? WHERE row = ? AND {self._equal}", given)

    def _update_key(self, columns: list[pa.Array], rows: np.ndarray, new: list[pa.Array]) -> int:
        with self._converting():
            given = list(zip(*self._stored(new), rows.tolist(), *self._stored(columns), strict=True))
        into = ", ".join(f"{key} = ?" for key in self._keys)
        with self._transaction():
            return self._many(f"UPDATE t SET {into} WHERE row = ? AND {self._equal}", given)

    def _delete_rows(self, columns: list[pa.Array], rows: np.ndarray) -> int:
        with self._converting():
            given = list(zip(rows.tolist(), *self._stored(columns), strict=True))
        with self._transaction():
            return self._many(f"DELETE FROM t WHERE row = ? AND {self._equal}", given)

    def _delete_keys(self, columns: list[pa.Array]) -> int:
        with self._converting():
            given = list(zip(*self._stored(columns), strict=True))
        with self._transaction():
            if self._layout != "none":
                return self._many(f"DELETE FROM t WHERE {self._equal}", given)
            marks = ", ".join("?" for _ in self._keys)  # one scan for all of them
            self._connection.executemany(
                f"INSERT INTO wanted (i, {self._listed}) VALUES (?, {marks})", _numbered(given)
            )
            gone = self._connection.execute(
                f"DELETE FROM t WHERE ({self._listed}) IN (SELECT {self._listed} FROM wanted)"
            ).rowcount
            self._connection.execute("DELETE FROM wanted")
            return gone

    def _settle(self) -> None:
        self._connection.execute("PRAGMA main.wal_checkpoint(TRUNCATE)").fetchall()

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except sqlite3.IntegrityError as error:
            self._connection.execute("ROLLBACK")
            raise ParameterError(f"a row number is in the table already, and nothing was changed: {error}") from error
        except BaseException as error:
            self._connection.execute("ROLLBACK")
            if isinstance(error, sqlite3.Error):
                raise MeasurementError(f"{self.spelling} failed: {error}") from error
            raise
        self._connection.execute("COMMIT")

    def _many(self, statement: str, given: Sequence[tuple[Any, ...]]) -> int:
        return max(0, self._connection.executemany(statement, given).rowcount)

    def _stored(self, columns: Sequence[pa.Array]) -> list[list[Any]]:
        """The values of each part as SQLite keeps them."""
        lists = [_plain(column) for column in columns]
        if len(self.parts) == 1:
            return lists
        return [
            [self._stored_value(part, value) for value in values]
            if column.null_count or part.form == "binary"
            else values
            for part, column, values in zip(self.parts, columns, lists, strict=True)
        ]

    def _stored_value(self, part: KeyPart, value: Any) -> Any:
        if len(self.parts) == 1:
            return value
        if part.form != "binary":
            return b"" if value is None else value
        return b"\2" if value is None else b"\1" + value  # where all values are BLOBs, a byte tells them apart


def _plain(column: pa.Array) -> list[Any]:
    """The values as Python has them, the quick way where there is one."""
    if pa.types.is_integer(column.type) and not column.null_count:
        return list(column.to_numpy(zero_copy_only=False).tolist())
    if pa.types.is_large_string(column.type):
        return list(column.to_numpy(zero_copy_only=False).tolist())
    return list(column.to_pylist())


def _numbered(keys: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    return ((place, *key) for place, key in enumerate(keys))


def _order(columns: list[pa.Array], rows: np.ndarray) -> np.ndarray:
    """Places in the order of the keys, nulls last, equal ones by row."""
    names = [*(f"k{place}" for place in range(len(columns))), "row"]
    table = pa.table([*columns, pa.array(rows)], names)
    return np.asarray(pc.sort_indices(table, [(name, "ascending") for name in names]))
