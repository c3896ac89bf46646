"""The keys of a column as the experiment asks for them: held, held out, made up, and where they stand in order."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from assay.experiments import packing
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter
from assay.experiments.membership.absent import made_up, shuffled

__all__ = ["ColumnKeys", "KeySet", "row_counts"]

_T = TypeVar("_T")
_HOLDING_OUT, _DRAWING, _MAKING_UP = 1, 2, 3  # streams of the seed
_FEWEST_SPLIT = 20  # keys from which some are held out


@dataclass(frozen=True)
class KeySet:
    """What a filter is asked about: all arrays hold distinct keys that are not null."""

    keys: pa.Array  # those that there are
    kept: pa.Array  # without those that are held out
    held_out: pa.Array
    made_up: pa.Array  # of the same type, and none of the keys

    @property
    def absent(self) -> pa.Array:
        """Keys that a filter of `kept` does not hold."""
        return pa.concat_arrays([self.held_out, self.made_up])


class ColumnKeys:
    """The distinct keys of a column with their rows, counted; what is made of them is made once in a process."""

    def __init__(self, distinct: DistinctKeys, rows: int, counter: KeyCounter | None = None) -> None:
        self.distinct = distinct
        self.rows = rows  # of the table
        self._made: dict[Any, Any] = {} if counter is None else {"counter": counter}
        self._lock = threading.RLock()  # threads fold side by side

    @property
    def values(self) -> pa.Array:
        """The distinct keys that are not null, in order of first appearance."""
        return self.once("values", lambda: self.distinct.columns[0].filter(pa.array(~self.distinct.is_null)))

    @property
    def numbers(self) -> np.ndarray:
        """For each distinct key, null included, its place in `values`; -1 for null (int64)."""

        def make() -> np.ndarray:
            valid = ~self.distinct.is_null
            return np.where(valid, np.cumsum(valid) - 1, -1)

        return self.once("numbers", make)

    @property
    def counter(self) -> KeyCounter:
        """What finds the number of a row's key."""

        def make() -> KeyCounter:
            counter = KeyCounter([self.distinct.key])
            counter.add_distinct({self.distinct.key: self.distinct})
            return counter

        return self.once("counter", make)

    def key_set(self, count: int | None, absent: int, held_out_share: float, seed: int) -> KeySet:
        """The keys to ask about; see `MembershipSettings`."""
        keys, more = self.values, 0
        if count is not None and count < len(keys):
            keys = keys.take(pa.array(shuffled(len(keys), seed, _DRAWING)[:count]))
        elif count is not None:
            more = count - len(keys)
        out = min(int(held_out_share * (len(keys) + more)), absent) if len(keys) + more >= _FEWEST_SPLIT else 0
        unknown = made_up(self.values, more + absent - out, seed + _MAKING_UP)
        if more:
            keys, unknown = pa.concat_arrays([keys, unknown[:more]]), unknown[more:]
        order = shuffled(len(keys), seed, _HOLDING_OUT)
        kept = keys.take(pa.array(np.sort(order[out:])))
        return KeySet(keys, kept, keys.take(pa.array(order[:out])), unknown)

    def once(self, name: Any, make: Callable[[], _T]) -> _T:
        """What `make` makes, made once in this process."""
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: _T = self._made[name]
        return made

    def pack(self) -> bytes:
        """As bytes."""
        return packing.pack({"key": list(self.distinct.key), "rows": self.rows}, {"keys": self.distinct.table})

    @classmethod
    def unpack(cls, packed: bytes) -> ColumnKeys:
        """What was packed."""
        head, tables = packing.unpack(packed)
        key: Key = tuple(head["key"])
        return cls(DistinctKeys(key, tables["keys"]), head["rows"])

    def __reduce__(self) -> tuple[object, ...]:
        return ColumnKeys.unpack, (self.pack(),)


def row_counts(keys: ColumnKeys) -> np.ndarray:
    """The rows of each of `values` (int64)."""
    rows: np.ndarray = keys.distinct.rows.astype(np.int64)[~keys.distinct.is_null]
    return rows
