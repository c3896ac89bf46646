"""Foreign keys of a table: which rows have a parent, and where the parent lives.

Any null part makes no reference (MATCH SIMPLE); a value without a parent is an orphan. Where the
parent lives: if the foreign key's columns are the strategy's own, wherever the child's map puts
the value; otherwise the same strategy is learned on the parent's key, each parent weighing 1; a
composite uses its last leaf at n; round robin takes the parent's row number modulo n.

Cost: the parent's key columns and 4 bytes a distinct value of the foreign key, while strategies are
learned; the table that matches the two, about 26 bytes a parent, lasts only while they are matched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Dataset, ForeignKey
from assay.datasets.arrow_types import can_be_equal, plain_array
from assay.errors import AssayError, DuplicateKeyError, UnsupportedTypeError
from assay.experiments.distinct import DistinctKeys, numpy_of
from assay.experiments.partitioning.narrow import NONE, narrow
from assay.experiments.partitioning.strategies import Learned, StrategySpec, learn

__all__ = ["Parent", "Reference", "parent_partitions", "reference_of"]

_AT_ONCE = 1 << 20  # keys, so that no wide numbers of all are held


@dataclass(frozen=True)
class Parent:
    """The key of a parent table.

    Attributes:
        name: What the table is called.
        columns: The columns of its key, one chunk each, in row order.
        rows: Their number.
        complete: The rows whose key has no null part, which can be referred to; None if all.
    """

    name: str
    columns: list[pa.Array]
    rows: int
    complete: np.ndarray | None

    @cached_property
    def distinct(self) -> DistinctKeys:
        """The distinct values of the key, each parent weighing 1. Complete ones are unique."""
        names = tuple(f"parent_{index}" for index in range(len(self.columns)))
        if self.complete is None:
            return DistinctKeys.of(names, self.columns, np.ones(self.rows, np.uint8))
        incomplete = np.setdiff1d(np.arange(self.rows), self.complete, assume_unique=True)
        numbers, fresh = _Numbering(len(self.columns)).insert([_take(column, incomplete) for column in self.columns])
        counts = numpy_of(_core.sum_by(numbers, None, len(fresh)))
        rows = np.concatenate([self.complete, incomplete[numpy_of(fresh)]])
        counts = np.concatenate([np.ones(len(self.complete), np.uint64), counts])
        order = np.argsort(rows)  # as everywhere, in order of first appearance
        return DistinctKeys.of(names, [_take(column, rows[order]) for column in self.columns], counts[order])


@dataclass(frozen=True)
class Reference:
    """A foreign key matched with its parent, whatever the strategy.

    Attributes:
        foreign_key: The declaration.
        parent: The parent's key.
        parent_row: For each distinct value of the foreign key its parent's row (uint32), or the number of the
            parent's rows where it has none.
    """

    foreign_key: ForeignKey
    parent: Parent
    parent_row: pa.Array

    @cached_property
    def has_parent(self) -> np.ndarray:
        """Which distinct values have a parent."""
        found: np.ndarray = numpy_of(self.parent_row) != self.parent.rows
        return found


def reference_of(dataset: Dataset, foreign_key: ForeignKey, distinct: DistinctKeys) -> Reference:
    """Matches the distinct values of a foreign key with the parent's rows.

    Raises:
        DuplicateKeyError: Two rows of the parent have the same key.
        UnsupportedTypeError: A column of the child and its counterpart have no value in common, whatever the rows.
    """
    parent = _load(dataset, foreign_key)
    numbering = _Numbering(len(parent.columns))
    complete = parent.complete
    keys = parent.columns if complete is None else [_take(column, complete) for column in parent.columns]
    if not numbering.insert_unique(keys):
        _, fresh = _Numbering(len(keys)).insert(keys)
        raise _duplicate(dataset, foreign_key, parent, keys, numpy_of(fresh))
    # Complete keys are unique, so that the number of one is its place among them.
    found = numbering.find(distinct.columns)
    if complete is not None:
        found = pa.array(complete, pa.uint32()).take(found)
    return Reference(foreign_key, parent, found.fill_null(pa.scalar(parent.rows, pa.uint32())))


def _load(dataset: Dataset, foreign_key: ForeignKey) -> Parent:
    """The parent's key, read whole."""
    parent = dataset.parent(foreign_key)
    for name, parent_name in zip(foreign_key.columns, foreign_key.parent_columns, strict=True):
        own, other = dataset.column(name).type, parent.column(parent_name).type
        if not can_be_equal(own, other):
            raise UnsupportedTypeError(
                f"foreign key {foreign_key.name}: {name} is {own}, {parent.name}.{parent_name} is {other}; expected "
                "types whose values can be equal: cast one of them, or leave the foreign key out"
            )
    table = parent.table(list(foreign_key.parent_columns))
    columns = [plain_array(table.column(name).combine_chunks()) for name in foreign_key.parent_columns]
    complete = None
    if any(column.null_count for column in columns):
        null = np.any([numpy_of(column.is_null()) for column in columns], axis=0)
        complete = np.flatnonzero(~null)
    return Parent(parent.name, columns, table.num_rows, complete)


def _duplicate(
    dataset: Dataset, foreign_key: ForeignKey, parent: Parent, keys: Sequence[pa.Array], fresh: np.ndarray
) -> DuplicateKeyError:
    """The error that names the first complete key which was there before."""
    moved = np.flatnonzero(fresh != np.arange(len(fresh)))
    position = int(moved[0]) if len(moved) else len(fresh)
    value = ", ".join(str(column[position].as_py()) for column in keys)
    row = position if parent.complete is None else int(parent.complete[position])
    count = len(keys[0]) - len(fresh)
    repeats = "1 row repeats" if count == 1 else f"{count} rows repeat"
    return DuplicateKeyError(
        f"{parent.name}: the key ({', '.join(foreign_key.parent_columns)}) is not unique: {repeats} one, first "
        f"({value}) in row {row}; foreign key {foreign_key.name} of {dataset.name} needs a unique parent key; remove "
        "the duplicates, or leave the foreign key out"
    )


class _Numbering:
    """Dense numbers of keys of several columns, in order of first appearance."""

    def __init__(self, width: int) -> None:
        self._columns = [_core.KeyTable() for _ in range(width)]
        self._pairs = [_core.KeyTable() for _ in range(width - 1)]

    def insert(self, columns: Sequence[pa.Array]) -> tuple[pa.Array, pa.Array]:
        """The number of each row's key, and the rows where one occurs first (both uint32)."""
        numbers, fresh = self._columns[0].insert(columns[0])
        for pairs, table, column in zip(self._pairs, self._columns[1:], columns[1:], strict=True):
            numbers, fresh = pairs.insert_pairs(numbers, table.insert(column)[0])
        return numbers, fresh

    def insert_unique(self, columns: Sequence[pa.Array]) -> bool:
        """Inserts keys a piece at a time; whether all were new. After a key that was not, the rest are left out."""
        for first in range(0, len(columns[0]), _AT_ONCE):
            piece = [column.slice(first, _AT_ONCE) for column in columns]
            if len(self.insert(piece)[1]) < len(piece[0]):
                return False
        return True

    def find(self, columns: Sequence[pa.Array]) -> pa.Array:
        """The number of each row's key (uint32); null where it was not inserted."""
        found = self._columns[0].find(columns[0])
        for pairs, table, column in zip(self._pairs, self._columns[1:], columns[1:], strict=True):
            # A part that was not met has no number; no pair was inserted with what stands for it.
            absent = pa.scalar(int(NONE), pa.uint32())
            found = pairs.find_pairs(found.fill_null(absent), table.find(column).fill_null(absent))
        return found


def _take(column: pa.Array, rows: np.ndarray) -> pa.Array:
    return column.take(pa.array(rows))


def parent_partitions(learned: Learned, reference: Reference) -> tuple[np.ndarray | None, str | None]:
    """For each distinct value of the foreign key, the partition of its parent (`NONE` without one), in a narrow type.

    Returns:
        (None, reason) if the strategy cannot be learned on the parent's key.
    """
    parent = reference.parent
    leaf = learned.spec.leaves[-1]
    n = learned.partitions
    try:
        if not leaf.keyed:
            of_row = np.resize(np.arange(n, dtype=np.uint32), parent.rows)  # its number modulo n
        else:
            of_row = _learn_on(leaf, learned, parent).assign(parent.columns, parent.rows, narrow=True)
    except AssayError as error:
        return None, f"{leaf.text} cannot be learned on the key of {reference.foreign_key.parent}: {error}"
    # One more for the values that have no parent.
    of_row = np.append(narrow(of_row, n), narrow(np.array([NONE]), n))
    rows = reference.parent_row
    pieces = [
        narrow(numpy_of(_core.gather(pa.array(of_row), rows.slice(first, _AT_ONCE))), n)
        for first in range(0, len(rows), _AT_ONCE)
    ]
    return np.concatenate([narrow(np.empty(0, np.uint32), n), *pieces]), None


def _learn_on(leaf: StrategySpec, child: Learned, parent: Parent) -> Learned:
    """The leaf's strategy, learned on the parent's key for the child's nodes; given bounds and lists do not fit it."""
    kept = {name: value for name, value in leaf.parameters.items() if name not in ("bounds", "values")}
    spec = replace(leaf, columns=parent.distinct.key, parameters=kept)
    capacities = None if child.parts else child.capacities  # a composite does not heed them
    return learn(spec, range(child.partitions), lambda _: parent.distinct, capacities=capacities)
