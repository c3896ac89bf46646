"""What the key-value engines share: a table of rows by number, beside it an index from key to row number.

A row is its payload and its key; its number, 8 bytes, is the key of the table. The key of the index is that of
`key_bytes.py`. An update of a key takes the old entry from the index, adds the new one, and writes the row again, as a
table with a secondary index does. Without an index every question reads all rows, in Python.

A batch of lookups asks for each key once, whatever repeats, and gathers the answers afterwards.
"""

from __future__ import annotations

import struct
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.engines.engine import Bounds, Engine
from assay.engines.key_bytes import beginning, encoded, fixed_width, successor
from assay.errors import UsageError

__all__ = ["KeyValueEngine", "taken"]

_LENGTH = struct.Struct("<I")
_NUMBER = struct.Struct("<q")


class KeyValueEngine(Engine):
    """An engine of sorted bytes."""

    longest_key: int | None = None  # bytes of an encoded key
    is_indexed: bool = True  # without an index, every question reads all rows

    def _fill(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        self._width = fixed_width(self.parts)
        with self._converting():
            order = np.argsort(rows, kind="stable")
            if bool((order[1:] < order[:-1]).any()):
                columns, rows, payload = [column.take(order) for column in columns], rows[order], payload.take(order)
            keys = self._encoded(columns)
            if len(columns) == 1 and self.parts[0].form == "word":
                by_key = np.argsort(columns[0].to_numpy(), kind="stable")
            else:
                by_key = np.asarray(pc.sort_indices(pa.table([keys, pa.array(rows)], ["key", "row"]), _BY_KEY))
            values = self._row_values(payload, keys.to_pylist())
            ordered = keys.take(pa.array(by_key)).to_pylist()
        self._load(rows, values, ordered, rows[by_key])

    def _find(self, columns: list[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
        count = len(columns[0])
        if count == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.int64)
        with self._converting():
            inverse, distinct = self._distinct(columns)
        starts, counts, rows = self._rows_of(distinct) if self.is_indexed else self._scanned_for(distinct)
        with self._converting():
            numbers = counts[inverse]
            places = np.repeat(np.arange(count), numbers)
            shifts = np.repeat(starts[inverse] - np.cumsum(numbers) + numbers, numbers)
            return places, rows[shifts + np.arange(len(places))]

    def _prepared(self, columns: list[pa.Array]) -> list[Any]:
        keys: list[bytes] = self._encoded(columns, check=False).to_pylist()
        return keys

    def _distinct(self, columns: list[pa.Array]) -> tuple[np.ndarray, list[bytes]]:
        """The place of each probe among the distinct ones, and these, encoded; words in order, which trees like."""
        if len(columns) == 1 and self.parts[0].form == "word":
            words, inverse = np.unique(columns[0].to_numpy(), return_inverse=True)
            return inverse, self._encoded([pa.array(words)], check=False).to_pylist()
        coded = self._encoded(columns, check=False).dictionary_encode()
        return coded.indices.to_numpy().astype(np.int64), coded.dictionary.to_pylist()

    def _fetch(self, columns: list[pa.Array]) -> tuple[np.ndarray, pa.Array]:
        places, rows = self._find(columns)
        values = self._row_values_of(rows)
        with self._converting():
            return places, self._payloads(values)

    def _range(self, bounds: Bounds, limit: int | None, descending: bool) -> np.ndarray:
        low: bytes | None = b""
        high: bytes | None = None
        if bounds.low is not None:
            low = beginning(bounds.low, self.parts)
            low = low if bounds.low_closed else successor(low)
        if bounds.high is not None:
            high = beginning(bounds.high, self.parts)
            high = successor(high) if bounds.high_closed else high
        if low is None or (high is not None and high <= low):
            return np.zeros(0, np.int64)
        if self.is_indexed:
            return self._between(low, high, limit, descending)
        within = [(key, row) for row, key in self._keys() if low <= key and (high is None or key < high)]
        within.sort(reverse=descending)
        return np.array([row for _, row in within[:limit]], np.int64)

    def _keys(self) -> Iterator[tuple[int, bytes]]:
        """The number and the key of every row, in the order of numbers."""
        is_integer = pa.types.is_int64(self.payload_type)
        for row, value in self._scan():
            yield row, value[8:] if is_integer else value[4 + _LENGTH.unpack_from(value)[0] :]

    def _scanned_for(self, keys: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `_rows_of`, by reading all rows."""
        found: dict[bytes, list[int]] = {key: [] for key in keys}
        for row, key in self._keys():
            rows = found.get(key)
            if rows is not None:
                rows.append(row)
        counts = np.array([len(found[key]) for key in keys], np.int64)
        return np.cumsum(counts) - counts, counts, np.array([row for key in keys for row in found[key]], np.int64)

    def _find_one(self, key: Any) -> list[int]:
        return self._rows_under(key) if self.is_indexed else [row for row, own in self._keys() if own == key]

    def _encoded(self, columns: Sequence[pa.Array], *, check: bool = True) -> pa.LargeBinaryArray:
        """The keys as bytes.

        Raises:
            UsageError: One is longer than the engine takes.
        """
        keys = encoded(columns, self.parts)
        if check and self.longest_key is not None and len(keys) and self._width is None:
            longest = pc.max(pc.binary_length(keys)).as_py()
            if longest > self.longest_key:
                raise UsageError(
                    f"a key takes {longest} bytes; {self.spelling} takes keys of at most {self.longest_key} bytes; "
                    "index a shorter column, or choose another engine"
                )
        return keys

    def _row_values(self, payload: pa.Array, keys: Sequence[bytes]) -> list[bytes]:
        """The rows as they are stored: payload, then key."""
        if pa.types.is_int64(payload.type):
            return [_NUMBER.pack(value) + key for value, key in zip(payload.to_pylist(), keys, strict=True)]
        plain = payload.cast(pa.large_binary()).to_pylist()
        return [_LENGTH.pack(len(value)) + value + key for value, key in zip(plain, keys, strict=True)]

    def _payload_bytes(self, value: bytes) -> bytes:
        """The part of a stored row before its key."""
        if pa.types.is_int64(self.payload_type):
            return value[:8]
        return value[: 4 + _LENGTH.unpack_from(value)[0]]

    def _is_of(self, stored: bytes | None, key: bytes) -> bool:
        """Whether a stored row is there and has this key."""
        return stored is not None and stored[len(self._payload_bytes(stored)) :] == key

    def _payloads(self, values: Iterable[bytes]) -> pa.Array:
        if pa.types.is_int64(self.payload_type):
            return pa.array(np.frombuffer(b"".join(value[:8] for value in values), "<i8"))
        plain = pa.array([self._payload_bytes(value)[4:] for value in values], pa.large_binary())
        return plain.cast(self.payload_type)

    @abstractmethod
    def _load(self, rows: np.ndarray, values: list[bytes], keys: list[bytes], key_rows: np.ndarray) -> None:
        """Fills table and index: the rows by number, the index's entries by key and row."""

    @abstractmethod
    def _rows_of(self, keys: list[bytes]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each of these distinct keys where its rows start, how many it has, and the rows of all."""

    @abstractmethod
    def _rows_under(self, key: bytes) -> list[int]:
        """The rows of one key."""

    @abstractmethod
    def _scan(self) -> Iterator[tuple[int, bytes]]:
        """Every row's number and stored value, in the order of numbers."""

    @abstractmethod
    def _row_values_of(self, rows: np.ndarray) -> list[bytes]:
        """The stored rows of these numbers, which are there."""

    @abstractmethod
    def _between(self, low: bytes, high: bytes | None, limit: int | None, descending: bool) -> np.ndarray:
        """The rows of the keys from `low` on and before `high`."""


_BY_KEY = [("key", "ascending"), ("row", "ascending")]


def taken(count: int) -> str:
    """The message that row numbers are in the table already."""
    return f"{count} of the row numbers are in the table already, and nothing was changed; give new ones"
