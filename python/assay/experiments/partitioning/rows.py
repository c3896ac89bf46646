"""One batch of rows as the aspects see it, and the exact sums and marks that they keep of all batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from assay import _core
from assay.datasets import Batch
from assay.experiments import packing
from assay.experiments.distinct import Key, key_columns
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts, Learn
from assay.experiments.partitioning.row_bytes import row_bytes

__all__ = ["RowState", "Rows"]


class RowState:
    """Exact sums and marks by name, over all rows seen; any order of batches gives the same."""

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self._sums: dict[str, _core.Sums] = {}
        self._marks: dict[str, tuple[int, int, _core.Marks]] = {}

    def sums(self, name: str, count: int) -> _core.Sums:
        """`count` sums of this name, made on first use."""
        if name not in self._sums:
            self._sums[name] = _core.Sums(count)
        return self._sums[name]

    def has(self, name: str) -> bool:
        """Whether there are sums of this name."""
        return name in self._sums

    def marks(self, name: str, height: int, width: int) -> _core.Marks:
        """The bit matrix of this name, made on first use."""
        if name not in self._marks:
            self._marks[name] = height, width, _core.Marks(height, width)
        return self._marks[name][2]

    def merge(self, other: RowState) -> None:
        """Adds what was summed and marked elsewhere."""
        for name, sums in other._sums.items():
            values = sums.narrow()
            self.sums(name, len(values)).merge(values)
        for name, (height, width, marks) in other._marks.items():
            self.marks(name, height, width).merge(marks.values())

    def pack(self) -> bytes:
        """All of it as bytes."""
        tables = {f"sums:{name}": pa.table({"v": sums.narrow()}) for name, sums in self._sums.items()}
        shapes = {}
        for name, (height, width, marks) in self._marks.items():
            tables[f"marks:{name}"] = pa.table({"v": marks.values()})
            shapes[name] = [height, width]
        return packing.pack({"shapes": shapes}, tables)

    @classmethod
    def unpack(cls, packed: bytes, facts: Facts) -> RowState:
        """What was packed."""
        header, tables = packing.unpack(packed)
        state = cls(facts)
        for name, table in tables.items():
            [values] = key_columns(table, 1)
            kind, _, rest = name.partition(":")
            if kind == "sums":
                state.sums(rest, len(values)).merge(values)
            else:
                state.marks(rest, *header["shapes"][rest]).merge(values)
        return state


class Rows:
    """One batch of the scan: numbers and partitions of its rows, each found at most once.

    Attributes:
        first_row: The global number of the first row.
        count: The number of rows.
        columns: The batch's columns by name.
        weights: uint64, the weight of each row; None for 1 each.
        facts: The distinct keys and the numbers beside them.
        learn: Learns a strategy; for those that go by a row's number.
    """

    def __init__(self, batch: Batch, weights: pa.Array | None, facts: Facts, learn: Learn) -> None:
        self.first_row = batch.first_row
        self.count = batch.data.num_rows
        self.columns: Mapping[str, pa.Array] = {name: batch.data.column(name) for name in batch.data.schema.names}
        self.weights = weights
        self.facts = facts
        self.learn = learn
        self._batch = batch.data
        self._found: dict[Key, pa.Array] = {}
        self._cache: dict[Any, pa.Array] = {}
        self._done: set[str] = set()

    @property
    def looked_up(self) -> Mapping[Key, pa.Array]:
        """The keys whose numbers were asked for, with these numbers."""
        return {key: numbers for key, numbers in self._found.items() if key in self.facts.distinct}

    def numbers(self, key: Key) -> pa.Array:
        """The number of each row's key among its distinct values (uint32)."""
        return self.facts.counter.find(key, self.columns, self._found)

    def named(self, key: Key, name: str) -> pa.Array:
        """What `Facts.keep` has put beside each row's key (uint32)."""
        if (key, name) not in self._cache:
            self._cache[key, name] = _core.gather(self.facts.arrow(key, name), self.numbers(key))
        return self._cache[key, name]

    def partitions(self, contest: Contest) -> pa.Array:
        """Each row's partition (uint32)."""
        if contest.spec.keyed:
            return self.named(contest.spec.columns, f"assign:{contest.index}")
        if contest.index not in self._cache:
            learned = self.facts.learned(contest, self.learn)
            key = [self.columns[name] for name in contest.spec.columns]
            self._cache[contest.index] = pa.array(learned.assign(key, self.count, first_row=self.first_row))
        return self._cache[contest.index]

    def sizes(self, columns: tuple[str, ...] | None = None) -> pa.Array:
        """The bytes of each row's data (uint64), of some columns or of all."""
        name = "sizes" if columns is None else f"sizes:{','.join(columns)}"
        data = self._batch
        return self.once(name, lambda: row_bytes(data if columns is None else data.select(list(columns))))

    def once(self, name: str, make: Callable[[], pa.Array]) -> pa.Array:
        """What `make` makes of this batch, made once for all strategies."""
        if name not in self._cache:
            self._cache[name] = make()
        return self._cache[name]

    def first(self, name: str) -> bool:
        """Whether this is asked of this batch for the first time: what several strategies share is summed once."""
        is_first = name not in self._done
        self._done.add(name)
        return is_first
