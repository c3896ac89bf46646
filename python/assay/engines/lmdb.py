"""LMDB: two B+-trees in a file that is mapped into memory; readers copy nothing, one writer at a time.

The table is a tree by row number, the index a tree of keys with sorted duplicates of 8 bytes (DUPSORT, DUPFIXED). A
batch of lookups is one call of the cursor's `getmulti`, its keys in order. A key takes at most 511 bytes. Pages that a
change leaves are used again, and the file does not shrink.

Durability: `commit` synchronises the pages of each transaction, then its meta page, written through a descriptor of its
own: one fdatasync and one synchronous write; `none` is `sync=False`.
Source: lmdb.readthedocs.io; Chu 2011, "MDB: A Memory-Mapped Database and Backend for OpenLDAP".
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.engines.contenders import LMDB
from assay.engines.key_value import KeyValueEngine, taken
from assay.errors import MeasurementError, ParameterError

__all__ = ["Lmdb"]

_NUMBER = struct.Struct("=q")
_MAP_BYTES = 1 << 40  # of addresses, not of memory or disk


class Lmdb(KeyValueEngine):
    """LMDB through the package `lmdb`."""

    contender = LMDB

    @property
    def version(self) -> str:
        """LMDB and its version, and that of the package."""
        import lmdb

        return f"LMDB {'.'.join(map(str, lmdb.version()))} (lmdb {lmdb.__version__})"

    @property
    def settings(self) -> Mapping[str, str]:
        """What the environment is opened with."""
        is_durable = str(self.parameters["durability"] == "commit")
        return {"sync": is_durable, "metasync": is_durable, "writemap": "False", "map_size": str(_MAP_BYTES)}

    def _open(self, folder: Path) -> None:
        import lmdb

        is_durable = self.parameters["durability"] == "commit"
        self._environment = lmdb.open(
            str(folder), map_size=_MAP_BYTES, max_dbs=2, sync=is_durable, metasync=is_durable, subdir=True
        )
        self.is_indexed = self.parameters["index"] != "none"
        self._longest: int = self._environment.max_key_size()
        self.longest_key = self._longest if self.is_indexed else None
        self._table = self._environment.open_db(b"rows", integerkey=True)
        self._index = self._environment.open_db(b"keys", dupsort=True, dupfixed=True, integerdup=True)

    def _close(self) -> None:
        self._environment.close()

    def _load(self, rows: np.ndarray, values: list[bytes], keys: list[bytes], key_rows: np.ndarray) -> None:
        with self._converting():
            table, index = zip(_numbers(rows), values, strict=True), zip(keys, _numbers(key_rows), strict=True)
        with self._changes() as change:
            with change.cursor(self._table) as cursor:
                cursor.putmulti(table, append=True)
            if self.is_indexed:
                with change.cursor(self._index) as cursor:
                    cursor.putmulti(index, dupdata=True, append=True)

    def _rows_of(self, keys: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pairs: Any
        with self._environment.begin(self._index) as view, view.cursor() as cursor:
            if self._width:
                buffer = cursor.getmulti(keys, dupdata=True, dupfixed_bytes=8, keyfixed=True)
                pairs = np.frombuffer(buffer, np.dtype([("key", f"V{self._width}"), ("row", "<i8")]))
            else:
                possible = (key for key in keys if len(key) <= self._longest)
                pairs = cursor.getmulti(possible, dupdata=True, dupfixed_bytes=8)
        with self._converting():
            if self._width:
                rows = np.ascontiguousarray(pairs["row"])
                text = pa.py_buffer(np.ascontiguousarray(pairs["key"]).tobytes())
                kind = pa.binary(self._width)
                found = pa.FixedSizeBinaryArray.from_buffers(kind, len(rows), [None, text]).cast(pa.large_binary())
            else:
                rows = np.frombuffer(b"".join(row for _, row in pairs), "<i8")
                found = pa.array([key for key, _ in pairs], pa.large_binary())
            return _groups(found, pa.array(keys, pa.large_binary()), rows)

    def _rows_under(self, key: bytes) -> list[int]:
        if len(key) > self._longest:
            return []
        with self._environment.begin(self._index) as view, view.cursor() as cursor:
            return [_NUMBER.unpack(row)[0] for row in cursor.iternext_dup()] if cursor.set_key(key) else []

    def _scan(self) -> Iterator[tuple[int, bytes]]:
        with self._environment.begin(self._table) as view, view.cursor() as cursor:
            for row, value in cursor.iternext():
                yield _NUMBER.unpack(row)[0], value

    def _row_values_of(self, rows: np.ndarray) -> list[bytes]:
        distinct, inverse = np.unique(rows, return_inverse=True)
        with self._environment.begin(self._table) as view, view.cursor() as cursor:
            values = [value for _, value in cursor.getmulti(_numbers(distinct))]
        return [values[place] for place in inverse.tolist()]

    def _between(self, low: bytes, high: bytes | None, limit: int | None, descending: bool) -> np.ndarray:
        found: list[bytes] = []
        with self._environment.begin(self._index) as view, view.cursor() as cursor:
            entries = (self._backwards if descending else self._forwards)(cursor, low, high)
            if limit is None:
                found.extend(entries)
            else:
                found.extend(row for row, _ in zip(entries, range(limit), strict=False))
        return np.frombuffer(b"".join(found), "<i8")

    def _forwards(self, cursor: Any, low: bytes, high: bytes | None) -> Iterator[bytes]:
        # What a bound has beyond the longest key decides nothing: no key is the beginning of another.
        if not (cursor.set_range(low[: self._longest]) if low else cursor.first()):
            return
        if high is None:
            yield from cursor.iternext(keys=False)
            return
        for key, row in cursor.iternext():
            if key >= high:
                return
            yield row

    def _backwards(self, cursor: Any, low: bytes, high: bytes | None) -> Iterator[bytes]:
        is_there = cursor.last() if high is None or not cursor.set_range(high[: self._longest]) else cursor.prev()
        if not is_there:
            return
        for key, row in cursor.iterprev():
            if key < low:
                return
            yield row

    def _insert(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        with self._converting():
            keys, numbers = self._encoded(columns).to_pylist(), _numbers(rows)
            values = self._row_values(payload, keys)
        with self._changes() as change:
            with change.cursor(self._table) as cursor:
                asked, added = cursor.putmulti(list(zip(numbers, values, strict=True)), overwrite=False)
                if added < asked:
                    raise ParameterError(taken(asked - added))
            if self.is_indexed:
                with change.cursor(self._index) as cursor:
                    cursor.putmulti(list(zip(keys, numbers, strict=True)), dupdata=True)

    def _update_payload(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> int:
        with self._converting():
            keys = self._encoded(columns, check=False).to_pylist()
            changes = list(zip(keys, _numbers(rows), self._row_values(payload, keys), strict=True))
        changed = 0
        with self._changes() as change:
            for key, row, value in changes:
                if self._is_of(change.get(row, db=self._table), key):
                    change.put(row, value, db=self._table)
                    changed += 1
        return changed

    def _update_key(self, columns: list[pa.Array], rows: np.ndarray, new: list[pa.Array]) -> int:
        with self._converting():
            before = self._encoded(columns, check=False).to_pylist()
            changes = list(zip(before, _numbers(rows), self._encoded(new).to_pylist(), strict=True))
        changed = 0
        with self._changes() as change:
            for key, row, after in changes:
                stored = change.get(row, db=self._table)
                if self._is_of(stored, key):
                    change.put(row, self._payload_bytes(stored) + after, db=self._table)
                    if self.is_indexed:
                        change.delete(key, row, db=self._index)
                        change.put(after, row, db=self._index)
                    changed += 1
        return changed

    def _delete_rows(self, columns: list[pa.Array], rows: np.ndarray) -> int:
        with self._converting():
            pairs = list(zip(self._encoded(columns, check=False).to_pylist(), _numbers(rows), strict=True))
        count = 0
        with self._changes() as change:
            for key, row in pairs:
                if self._is_of(change.get(row, db=self._table), key):
                    change.delete(row, db=self._table)
                    if self.is_indexed:
                        change.delete(key, row, db=self._index)
                    count += 1
        return count

    def _delete_keys(self, columns: list[pa.Array]) -> int:
        with self._converting():
            keys = list(dict.fromkeys(self._encoded(columns, check=False).to_pylist()))
        _, _, found = self._rows_of(keys) if self.is_indexed else self._scanned_for(keys)
        with self._changes() as change:
            for row in _numbers(found):
                change.delete(row, db=self._table)
            for key in keys if self.is_indexed else ():
                if len(key) <= self._longest:
                    change.delete(key, db=self._index)  # with all that it holds
        return len(found)

    def _settle(self) -> None:
        if self.parameters["durability"] == "commit":
            self._environment.sync(True)

    @contextlib.contextmanager
    def _changes(self) -> Iterator[Any]:
        """A transaction, which an error takes back."""
        import lmdb

        try:
            with self._environment.begin(write=True) as change:
                yield change
        except lmdb.Error as error:
            raise MeasurementError(f"{self.spelling} failed: {error}") from error


def _numbers(rows: np.ndarray) -> list[bytes]:
    """Row numbers as 8 bytes each, in the machine's order, as integers of LMDB are."""
    return np.ascontiguousarray(rows.astype("=i8")).view("V8").tolist()  # type: ignore[no-any-return]


def _groups(found: pa.Array, keys: pa.Array, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Starts and counts by key, where `found` holds the key of each row, all rows of a key together."""
    starts, counts = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    if len(found):
        changes = pc.not_equal(found.slice(1), found.slice(0, len(found) - 1)).to_numpy(zero_copy_only=False)
        first = np.concatenate([[0], np.flatnonzero(changes) + 1])
        places = pc.index_in(found.take(pa.array(first)), keys).to_numpy()
        starts[places] = first
        counts[places] = np.diff(np.append(first, len(found)))
    return starts, counts, rows
