"""What is known once the distinct keys are: their counts, and numbers beside each of them.

Every distinct key gets numbers: its partition under each strategy, the partition of its parent, the
instance of each query. The scan of the rows then only looks numbers up. They are kept in the
narrowest unsigned type that holds them; its greatest value stands for none.

Cost: 1 to 16 bytes a distinct key and its value, 1 to 4 bytes a number; the key table that finds a row's
key again (a quarter byte to 51 bytes a key, and its text) is that of the first scan, or made anew in another process.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from assay import _core
from assay.experiments import packing
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter, key_columns
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.narrow import NONE, narrow
from assay.experiments.partitioning.strategies import Learned

__all__ = ["NONE", "Facts", "narrow"]

Learn = Callable[[Contest], Learned]
_T = TypeVar("_T")


class Facts:
    """The distinct keys and the numbers beside them.

    Attributes:
        header: Plain facts by name: "rows", "failures" by cell id, and what aspects add.
        distinct: The distinct values of every key.
    """

    def __init__(
        self, distinct: Mapping[Key, DistinctKeys], header: dict[str, Any], counter: KeyCounter | None = None
    ) -> None:
        self.distinct = dict(distinct)
        self.header = header
        self._numbers: dict[tuple[Key, str], pa.Array] = {}
        self._learned: dict[int, Learned] = {}
        self._made: dict[str, Any] = {} if counter is None else {"counter": counter}
        self._lent: dict[str, Any] = {}
        self._lock = threading.RLock()  # threads fold side by side

    def keep(self, key: Key, name: str, numbers: np.ndarray, count: int) -> None:
        """Puts a number beside each distinct value of `key`.

        Args:
            key: The key.
            name: What the numbers are called; unique for the key.
            numbers: Unsigned integers below `count`, or `NONE`, shape (len(distinct[key]),).
            count: How many different numbers there may be.
        """
        self._numbers[key, name] = pa.array(narrow(numbers, count))

    def has(self, key: Key, name: str) -> bool:
        """Whether there are numbers of this name beside the key."""
        return (key, name) in self._numbers

    def arrow(self, key: Key, name: str) -> pa.Array:
        """The numbers of this name, in the type that they are kept in."""
        return self._numbers[key, name]

    def numbers(self, key: Key, name: str) -> pa.Array:
        """The numbers of this name as uint32, `NONE` where there is none."""
        return _core.gather(self._numbers[key, name], pa.array(np.arange(len(self.distinct[key]), dtype=np.uint32)))

    def partitions(self, contest: Contest) -> pa.Array:
        """The partition of each distinct value of a keyed strategy's key, in the narrowest unsigned type."""
        return self.arrow(contest.spec.columns, f"assign:{contest.index}")

    def alive(self, contest: Contest) -> bool:
        """Whether the strategy has not failed."""
        return contest.cell.cell_id not in self.header["failures"]

    def learned(self, contest: Contest, learn: Learn) -> Learned:
        """The learned strategy, made by `learn` once in this process."""
        with self._lock:
            if contest.index not in self._learned:
                self._learned[contest.index] = learn(contest)
            return self._learned[contest.index]

    def once(self, name: str, make: Callable[[], _T]) -> _T:
        """What `make` makes, made once in this process; it does not travel."""
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: _T = self._made[name]
        return made

    def lend(self, name: str, make: Callable[[], _T]) -> _T:
        """As `once`, for what is needed only until all strategies are learned: `release` lets go of it."""
        with self._lock:
            if name not in self._lent:
                self._lent[name] = make()
            lent: _T = self._lent[name]
        return lent

    def release(self) -> None:
        """Lets go of what was lent: all strategies are learned. Arrow's pool would keep its memory for later arrays."""
        self._lent = {}
        pa.default_memory_pool().release_unused()

    @property
    def counter(self) -> KeyCounter:
        """What finds the number of a row's key; made on first use."""
        return self.once("counter", self._counter)

    def _counter(self) -> KeyCounter:
        counter = KeyCounter(self.distinct)
        counter.add_distinct(self.distinct)
        return counter

    def pack(self) -> bytes:
        """All of it as bytes."""
        keys = list(self.distinct)
        tables: dict[str, pa.Table] = {}
        names = []
        for index, key in enumerate(keys):
            own = [(name, array) for (other, name), array in self._numbers.items() if other == key]
            table = self.distinct[key].table
            for place, (_, array) in enumerate(own):
                table = table.append_column(f"n{place}", array)
            names.append([name for name, _ in own])
            tables[f"key{index}"] = table
        head = {"header": self.header, "keys": [list(key) for key in keys], "names": names}
        return packing.pack(head, tables)

    @classmethod
    def unpack(cls, packed: bytes) -> Facts:
        """What was packed."""
        head, tables = packing.unpack(packed)
        keys: Sequence[Key] = [tuple(key) for key in head["keys"]]
        distinct, numbers = {}, {}
        for index, (key, names) in enumerate(zip(keys, head["names"], strict=True)):
            table = tables[f"key{index}"]
            columns = key_columns(table, table.num_columns)
            own = table.num_columns - len(names)
            distinct[key] = DistinctKeys(key, table.select(range(own)))
            for place, name in enumerate(names):
                numbers[key, name] = columns[own + place]
        facts = cls(distinct, head["header"])
        facts._numbers = numbers
        return facts

    def __reduce__(self) -> tuple[object, ...]:
        return Facts.unpack, (self.pack(),)
