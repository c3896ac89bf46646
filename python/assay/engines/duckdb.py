"""DuckDB: columns in a file, within the process; questions in bulk are scans and hash joins, index or not.

Its ART (adaptive radix tree) serves single keys, constraints and narrow equality; a batch is joined with the table.
Keys keep their Arrow types, but times other than date32 are stored as integers in their order, as DuckDB keeps less of
some of their units.

Durability: `commit` is `fsync_mode = STANDARD`, one fsync of the log for each transaction, and more for a checkpoint,
which follows 16 MiB of log; `none` is `fsync_mode = NONE`, which DuckDB 2.0 and later know.
Source: duckdb.org/docs/stable/sql/indexes; Leis, Kemper, Neumann 2013, "The Adaptive Radix Tree".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.engines.contenders import DUCKDB
from assay.engines.engine import Bounds, Closed, Engine
from assay.engines.ordered import KeyPart
from assay.errors import MeasurementError, UsageError

__all__ = ["DuckDb"]


class DuckDb(Engine):
    """DuckDB through its Python package."""

    contender = DUCKDB

    @property
    def version(self) -> str:
        """DuckDB and its version."""
        import duckdb

        return f"DuckDB {duckdb.__version__}"

    @property
    def settings(self) -> Mapping[str, str]:
        """What is set when it is opened."""
        mode = "STANDARD" if self.parameters["durability"] == "commit" else "NONE"
        return {"threads": str(self.threads), **({"fsync_mode": mode} if self._knows_fsync_mode else {})}

    def _open(self, folder: Path) -> None:
        import duckdb

        self._connection = duckdb.connect(str(folder / "table.duckdb"), config={"threads": self.threads})
        known = self._connection.execute("SELECT 1 FROM duckdb_settings() WHERE name = 'fsync_mode'").fetchall()
        self._knows_fsync_mode = bool(known)
        if self.parameters["durability"] == "none":
            if not self._knows_fsync_mode:
                self._connection.close()
                raise UsageError(
                    f"{self.spelling}: DuckDB {duckdb.__version__} synchronises every commit; expected DuckDB 2.0 or "
                    "later for durability=none, or durability=commit"
                )
            self._connection.execute("SET fsync_mode = 'NONE'")

    def _close(self) -> None:
        self._connection.close()

    def _values(self, part: KeyPart, column: pa.Array) -> pa.Array:
        """The column as DuckDB keeps it: its own type, but -0.0 as 0.0, and times as integers."""
        type_ = column.type
        if part.form != "word":
            return column
        if pa.types.is_floating(type_):
            wide = column.cast(pa.float32()) if pa.types.is_float16(type_) else column
            return pc.add(wide, pa.scalar(0.0, wide.type))
        if pa.types.is_temporal(type_) and not pa.types.is_date32(type_):
            return part.values(column)
        return column

    def _fill(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        self._keys = [f"k{place}" for place in range(len(self.parts))]
        self._listed = ", ".join(self._keys)
        with self._given(columns, row=pa.array(rows), payload=payload):
            self._run(f"CREATE TABLE t AS SELECT row, {self._listed}, payload FROM given")
        described = self._run("DESCRIBE t").fetchall()
        self._types = dict(row[:2] for row in described)
        if self.parameters["index"] == "art":
            self._run(f"CREATE INDEX by_key ON t ({self._listed})")

    def _find(self, columns: list[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
        found = self._matches(columns, "t.row AS row")
        return found["i"].to_numpy(), found["row"].to_numpy()

    def _prepared(self, columns: list[pa.Array]) -> list[Any]:
        return list(zip(*(column.to_pylist() for column in columns), strict=True))

    def _find_one(self, key: Any) -> list[int]:
        condition, values = self._equals(key)
        return [row for (row,) in self._run(f"SELECT row FROM t WHERE {condition} ORDER BY row", values).fetchall()]

    def _fetch(self, columns: list[pa.Array]) -> tuple[np.ndarray, pa.Array]:
        found = self._matches(columns, "t.row AS row, t.payload AS payload")
        payload = found["payload"].combine_chunks()
        return found["i"].to_numpy(), payload if isinstance(payload, pa.Array) else pa.concat_arrays(payload.chunks)

    def _matches(self, columns: list[pa.Array], what: str) -> pa.Table:
        """i, the place of the probe, and what is asked for, by place and row."""
        count = len(columns[0])
        if count == 1:
            condition, values = self._equals(tuple(column[0].as_py() for column in columns))
            return self._asked(f"SELECT 0 AS i, {what} FROM t WHERE {condition} ORDER BY row", values)
        with self._given(columns, i=pa.array(np.arange(count))):
            query = f"SELECT g.i AS i, {what} FROM given AS g JOIN t ON {self._same} ORDER BY i, row"
            return self._asked(query)

    @property
    def _same(self) -> str:
        """The condition under which a row of t and one of a given batch have the same key."""
        return " AND ".join(f"t.{key} = g.{key}" for key in self._keys)

    def _equals(self, values: tuple[Any, ...]) -> tuple[str, list[Any]]:
        return " AND ".join(f"{key} = CAST(? AS {self._types[key]})" for key in self._keys), list(values)

    def _range(self, bounds: Bounds, limit: int | None, descending: bool) -> np.ndarray:
        conditions: list[str] = []
        values: list[Any] = []
        for bound, sign, is_closed in (
            (bounds.low, ">", bounds.low_closed),
            (bounds.high, "<", bounds.high_closed),
        ):
            if bound is not None:
                text, given = self._beyond(bound, sign, is_closed, 0)
                conditions.append(text)
                values += given
        turned = " DESC NULLS FIRST" if descending else " ASC NULLS LAST"
        query = "SELECT row FROM t" + (f" WHERE {' AND '.join(conditions)}" if conditions else "")
        query += " ORDER BY " + ", ".join(f"{column}{turned}" for column in (*self._keys, "row"))
        query += "" if limit is None else f" LIMIT {limit}"
        return np.asarray(self._asked(query, values)["row"])

    def _ranges(self, lows: list[pa.Array], highs: list[pa.Array], closed: Closed) -> tuple[np.ndarray, np.ndarray]:
        """One join by two inequalities for all of them, where each has both bounds; compound keys go one by one."""
        if len(lows) > 1 or lows[0].null_count or highs[0].null_count:
            return super()._ranges(lows, highs, closed)
        above, below = (">=" if closed in ("both", "left") else ">"), ("<=" if closed in ("both", "right") else "<")
        with self._given(lows, high=highs[0], i=pa.array(np.arange(len(lows[0])))):
            found = self._asked(
                f"SELECT g.i AS i, t.row AS row FROM given AS g JOIN t ON t.k0 {above} g.k0 AND t.k0 {below} g.high "
                "ORDER BY i, t.k0, row"
            )
        return np.bincount(np.asarray(found["i"]), minlength=len(lows[0])), np.asarray(found["row"])

    def _beyond(self, bound: tuple[Any, ...], sign: str, is_closed: bool, place: int) -> tuple[str, list[Any]]:
        """The condition that the key from its part `place` on is beyond the bound, a null being after all values."""
        key, value, is_last = self._keys[place], bound[place], place == len(bound) - 1
        one = f"CAST(? AS {self._types[key]})"
        if is_last and is_closed:
            sign += "="
        beyond = f"{key} {sign} {one}"
        if sign[0] == ">" and len(self._keys) > 1:
            beyond = f"({beyond} OR {key} IS NULL)"
        if is_last:
            return beyond, [value]
        rest, values = self._beyond(bound, sign, is_closed, place + 1)
        return f"({beyond} OR ({key} = {one} AND {rest}))", [value, value, *values]

    def _insert(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        with self._given(columns, row=pa.array(rows), payload=payload):
            self._changed(f"INSERT INTO t BY NAME SELECT row, {self._listed}, payload FROM given")

    def _update_payload(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> int:
        with self._given(columns, row=pa.array(rows), payload=payload):
            return self._changed(
                f"UPDATE t SET payload = g.payload FROM given AS g WHERE t.row = g.row AND {self._same}"
            )

    def _update_key(self, columns: list[pa.Array], rows: np.ndarray, new: list[pa.Array]) -> int:
        into = ", ".join(f"{key} = g.new_{key}" for key in self._keys)
        others = {f"new_{key}": column for key, column in zip(self._keys, new, strict=True)}
        with self._given(columns, row=pa.array(rows), **others):
            return self._changed(f"UPDATE t SET {into} FROM given AS g WHERE t.row = g.row AND {self._same}")

    def _delete_rows(self, columns: list[pa.Array], rows: np.ndarray) -> int:
        with self._given(columns, row=pa.array(rows)):
            return self._changed(f"DELETE FROM t USING given AS g WHERE t.row = g.row AND {self._same}")

    def _delete_keys(self, columns: list[pa.Array]) -> int:
        with self._given(columns):
            return self._changed(f"DELETE FROM t USING (SELECT DISTINCT * FROM given) AS g WHERE {self._same}")

    def _settle(self) -> None:
        self._run("CHECKPOINT")

    @contextlib.contextmanager
    def _given(self, columns: list[pa.Array], **others: pa.Array) -> Iterator[None]:
        """A batch as the view `given`, which DuckDB reads in place."""
        table = pa.table({**dict(zip(self._keys, columns, strict=True)), **others})
        self._connection.register("given", table)
        try:
            yield
        finally:
            self._connection.unregister("given")

    def _changed(self, statement: str) -> int:
        """One transaction of one statement; how many rows it changed."""
        return int(self._run(statement).fetchall()[0][0])

    def _asked(self, query: str, values: list[Any] | None = None) -> pa.Table:
        import duckdb

        try:
            return self._connection.sql(query, params=values or None).to_arrow_table()
        except duckdb.Error as error:
            raise MeasurementError(f"{self.spelling} failed: {error}") from error

    def _run(self, query: str, values: list[Any] | None = None) -> Any:
        import duckdb

        try:
            return self._connection.execute(query, values or None)
        except duckdb.Error as error:
            raise MeasurementError(f"{self.spelling} failed: {error}") from error
