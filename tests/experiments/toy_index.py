"""Indexes in plain Python, to be registered as contenders: a right one, and one that forgets what it is told."""

from __future__ import annotations

import bisect
import math
from typing import Any, ClassVar

import pyarrow as pa


def _sortable(value: Any) -> Any:
    """A value whose order is the product's: NaN after all numbers, texts by bytes, null after all."""
    if value is None:
        return (2, 0)
    if isinstance(value, float) and math.isnan(value):
        return (1, 0)
    return (0, value.encode() if isinstance(value, str) else value)


def _keys(column: Any) -> list[tuple[Any, ...] | None]:
    columns = column.columns if isinstance(column, pa.Table) else [column]
    rows = list(zip(*(one.to_pylist() for one in columns), strict=True))
    return [None if all(part is None for part in row) else tuple(map(_sortable, row)) for row in rows]


class ToyIndex:
    """A sorted list of pairs of key and row."""

    wrong: ClassVar[str] = ""

    def __init__(self, pairs: list[tuple[Any, int]]) -> None:
        self.pairs = sorted(pairs)
        self.written = 0

    @classmethod
    def build(cls, column: Any, *, rows: Any = None, threads: Any = None, memory_limit: Any = None) -> ToyIndex:
        numbers = range(len(column)) if rows is None else rows.to_pylist()
        return cls([(key, row) for key, row in zip(_keys(column), numbers, strict=True) if key is not None])

    def lookup(self, keys: Any, *, threads: Any = None) -> pa.Array:
        found = [None if key is None else self._rows(key, key) for key in _keys(keys)]
        if self.wrong == "lookup" and found and found[-1]:
            found[-1] = found[-1][:-1]
        return pa.array(found, pa.large_list(pa.uint64()))

    def _rows(self, low: Any, high: Any, closed: str = "both") -> list[int]:
        first = 0 if low is None else self._place(low, after=closed in ("right", "neither"))
        beyond = len(self.pairs) if high is None else self._place(high, after=closed in ("both", "right"))
        return [row for _, row in self.pairs[first:beyond]]

    def _place(self, key: Any, *, after: bool) -> int:
        width = len(key)
        find = bisect.bisect_right if after else bisect.bisect_left
        return find(self.pairs, key, key=lambda pair: pair[0][:width])

    def range(
        self, low: Any = None, high: Any = None, *, closed: str = "both", limit: Any = None, descending: bool = False
    ) -> pa.Array:
        low, high = (
            None if one is None else tuple(map(_sortable, one if isinstance(one, tuple) else (one,)))
            for one in (low, high)
        )
        rows = self._rows(low, high, closed)
        rows = rows[::-1] if descending else rows
        return pa.array(rows[:limit], pa.uint64())

    def ranges(self, lows: Any, highs: Any, *, closed: str = "both", threads: Any = None) -> pa.Array:
        found = [self._rows(low, high, closed) for low, high in zip(_keys(lows), _keys(highs), strict=True)]
        if self.wrong == "ranges" and found:
            found[0] = found[0][::-1] if len(found[0]) > 1 else []
        return pa.array(found, pa.large_list(pa.uint64()))

    def insert(self, keys: Any, rows: pa.Array) -> None:
        self.written += 32 * len(rows)
        if self.wrong == "insert":
            keys, rows = keys.slice(0, len(rows) - 1), rows[:-1]
        for key, row in zip(_keys(keys), rows.to_pylist(), strict=True):
            if key is not None:
                bisect.insort(self.pairs, (key, row))

    def delete(self, keys: Any, rows: Any = None) -> int:
        before = len(self.pairs)
        numbers = [None] * len(keys) if rows is None else rows.to_pylist()
        for key, row in zip(_keys(keys), numbers, strict=True):
            if key is None:
                continue
            first, beyond = self._place(key, after=False), self._place(key, after=True)
            kept = [] if row is None else [pair for pair in self.pairs[first:beyond] if pair[1] != row]
            if self.wrong != "delete":
                self.pairs[first:beyond] = kept
        return before - len(self.pairs)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def memory_bytes(self) -> int:
        return 16 * len(self.pairs)

    @property
    def statistics(self) -> dict[str, float]:
        return {"bytes_written": self.written}


class WrongLookup(ToyIndex):
    """Loses the last row of the last key of a batch."""

    wrong = "lookup"


class WrongRanges(ToyIndex):
    """Turns the rows of a range around."""

    wrong = "ranges"


class WrongInsert(ToyIndex):
    """Forgets the last row of a batch."""

    wrong = "insert"


class WrongDelete(ToyIndex):
    """Keeps what is to go."""

    wrong = "delete"
