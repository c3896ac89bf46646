"""The key that an index is built on, in the order of the rows, and all its rows in the order of the keys.

The second is what every answer is checked against: dense numbers of the distinct keys, ascending, and the rows of each,
made of Arrow's dictionaries and one sort. It answers as a scan does, and knows nothing of any index. Order is that of
the product: texts by bytes, NaN last and equal to itself, -0.0 as 0.0, a null part after all values.
Cost: O(n log n), once for a key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.experiments.distinct import numpy_of

__all__ = ["KeyRows", "key_label", "plain_float"]


def key_label(columns: Sequence[str]) -> str:
    """What a key is called: its columns joined by plus signs."""
    return "+".join(columns)


def plain_float(column: pa.Array) -> pa.Array:
    """The column with -0.0 as 0.0; half floats as floats, which Arrow can sort."""
    if not pa.types.is_floating(column.type):
        return column
    wide = column.cast(pa.float32()) if pa.types.is_float16(column.type) else column
    return pc.add(wide, pa.scalar(0.0, wide.type))


@dataclass(frozen=True)
class KeyRows:
    """The columns of a key, a row each, and what follows from them.

    Attributes:
        names: The columns' names.
        columns: One chunk each, in their plain type.
    """

    names: tuple[str, ...]
    columns: tuple[pa.Array, ...]

    def __len__(self) -> int:
        return len(self.columns[0])

    @property
    def label(self) -> str:
        """What the key is called."""
        return key_label(self.names)

    @property
    def arrow(self) -> Any:
        """What an index is built on: an array, or a table for a compound key."""
        return self._whole(self.columns)

    def _whole(self, columns: Sequence[pa.Array]) -> Any:
        if len(columns) == 1:
            return columns[0]
        return pa.table(list(columns), names=list(self.names))

    def taken(self, rows: np.ndarray) -> Any:
        """The keys of these rows, as an index takes them."""
        taken = pa.array(rows)
        return self._whole([column.take(taken) for column in self.columns])

    @property
    def bytes(self) -> int:
        """The bytes of the columns."""
        return int(sum(column.get_total_buffer_size() for column in self.columns))

    @cached_property
    def _parts(self) -> list[tuple[np.ndarray, pa.Array]]:
        """For each column: the rank of each row's value, nulls after all, and the distinct values, ascending."""
        found = []
        for column in map(plain_float, self.columns):
            encoded = column.dictionary_encode()
            values = encoded.dictionary
            order = numpy_of(pc.sort_indices(values)).astype(np.int64)
            rank = np.empty(len(values) + 1, np.int64)
            rank[order] = np.arange(len(values))
            rank[-1] = len(values)  # of null
            found.append((rank[numpy_of(encoded.indices.fill_null(len(values)))], values.take(pa.array(order))))
        return found

    @cached_property
    def _numbered(self) -> tuple[np.ndarray, np.ndarray]:
        """The number of each row's key, -1 for null, and a row of each distinct key, ascending by key."""
        parts = self._parts
        if len(parts) == 1:
            return _dense(*parts[0])
        codes = parts[0][0]
        null = codes == len(parts[0][1])
        for ranks, values in parts[1:]:
            null = null & (ranks == len(values))
            _, dense = np.unique(codes, return_inverse=True)
            codes = dense * (len(values) + 1) + ranks
        kept = np.flatnonzero(~null)
        _, first, dense = np.unique(codes[kept], return_index=True, return_inverse=True)
        numbers = np.full(len(self), -1, np.int64)
        numbers[kept] = dense
        return numbers, kept[first]

    @property
    def numbers(self) -> np.ndarray:
        """The number of each row's key among the distinct ones, ascending; -1 for null (int64)."""
        return self._numbered[0]

    @cached_property
    def distinct_rows(self) -> np.ndarray:
        """A row of each distinct key, ascending by key (int64)."""
        return self._numbered[1]

    @property
    def distinct(self) -> int:
        """How many distinct keys there are, null apart."""
        return len(self.distinct_rows)

    @cached_property
    def by_key(self) -> np.ndarray:
        """All rows whose key is not null, by key and then by row (uint64)."""
        order = np.argsort(self.numbers, kind="stable")
        return order[np.searchsorted(self.numbers[order], 0) :].astype(np.uint64)

    @cached_property
    def starts(self) -> np.ndarray:
        """Where the rows of each distinct key begin in `by_key`, and their end (int64)."""
        counts = np.bincount(self.numbers[self.numbers >= 0], minlength=self.distinct)
        return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)

    @property
    def indexed(self) -> int:
        """How many rows have a key."""
        return int(self.starts[-1])

    @cached_property
    def has_null(self) -> np.ndarray:
        """Which distinct keys have a null part."""
        found = np.zeros(self.distinct, bool)
        for ranks, values in self._parts:
            found |= ranks[self.distinct_rows] == len(values)
        return found

    @cached_property
    def spelled(self) -> np.ndarray:
        """The rows whose key has no null part, by key and then by row: those that can be named by their key (int64)."""
        rows = self.by_key.astype(np.int64)
        return rows[~self.has_null[self.numbers[rows]]] if self.distinct else rows

    def keys(self, numbers: np.ndarray) -> Any:
        """The distinct keys of these numbers, as an index takes them."""
        return self.taken(self.distinct_rows[numbers])

    def rows_of(self, number: int) -> np.ndarray:
        """The rows of a distinct key, ascending."""
        return self.by_key[self.starts[number] : self.starts[number + 1]]

    def rows_between(self, first: int, beyond: int) -> np.ndarray:
        """The rows of the keys numbered first to beyond - 1, by key and then by row."""
        return self.by_key[self.starts[first] : self.starts[beyond]]

    def in_order(self, rows: np.ndarray) -> KeyRows:
        """The same keys, row i being what was row rows[i]."""
        taken = pa.array(rows)
        return KeyRows(self.names, tuple(column.take(taken) for column in self.columns))

    def divided(self, rows: int) -> tuple[KeyRows, np.ndarray]:
        """The first so many rows, numbered as follows from the numbers of all, and the numbers there of the other rows'
        keys, -1 of those that no row has."""
        is_left = self.distinct_rows < rows
        number = np.append(np.where(is_left, np.cumsum(is_left) - 1, -1), -1)  # of no key, -1, too
        found = KeyRows(self.names, tuple(column.slice(0, rows) for column in self.columns))
        found.__dict__["_numbered"] = (number[self.numbers[:rows]], self.distinct_rows[is_left])
        found.__dict__["has_null"] = self.has_null[is_left]
        return found, number[self.numbers[rows:]]

    def value(self, row: int) -> Any:
        """A key as Python has it, for messages."""
        found = tuple(column[int(row)].as_py() for column in self.columns)
        return found[0] if len(found) == 1 else found


def _dense(ranks: np.ndarray, values: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    """The number of each row's key and the first row of each, where the ranks of values are such numbers: no sort."""
    numbers = np.where(ranks == len(values), -1, ranks)
    first = np.zeros(len(values) + 1, np.int64)
    first[ranks[::-1]] = np.arange(len(ranks) - 1, -1, -1)  # of rows with one key the last assignment stays
    return numbers, first[:-1]
