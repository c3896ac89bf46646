"""Foreign keys of a table: which rows have a parent, and where the parent lives.

Any null part makes no reference (MATCH SIMPLE); a value without a parent is an orphan. Where the
parent lives: if the foreign key's columns are the strategy's own, wherever the child's map puts
the value; otherwise the same strategy is learned on the parent's key, each parent weighing 1; a
composite uses its last leaf at n; round robin takes the parent's row number modulo n.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Dataset, ForeignKey
from assay.datasets.arrow_types import can_be_equal, plain_array
from assay.errors import AssayError, DuplicateKeyError, UnsupportedTypeError
from assay.experiments.distinct import DistinctKeys, numpy_of, total
from assay.experiments.partitioning.facts import NONE
from assay.experiments.partitioning.strategies import Learned, StrategySpec, learn

__all__ = ["Parent", "Reference", "load_parent", "parent_partitions", "reference_of"]


@dataclass(frozen=True)
class Parent:
    """The key of a parent table: its columns, one chunk each, in row order."""

    foreign_key: ForeignKey
    columns: list[pa.Array]
    rows: int


@dataclass(frozen=True)
class Reference:
    """What is known of one foreign key, whatever the strategy.

    Attributes:
        foreign_key: The declaration.
        parent_row: For each distinct value of the foreign key, its parent's row, or `NONE`.
        orphan_rows: Rows whose value has no parent.
        orphan_values: Distinct such values.
        null_rows: Rows with a null part.
        matched_weight: The weight of the rows that have a parent.
    """

    foreign_key: ForeignKey
    parent: Parent
    parent_row: np.ndarray
    orphan_rows: int
    orphan_values: int
    null_rows: int
    matched_weight: int


def load_parent(dataset: Dataset, foreign_key: ForeignKey) -> Parent:
    """The parent's key, read whole.

    Raises:
        DuplicateKeyError: Two rows of the parent have the same key.
        UnsupportedTypeError: A column of the child and its counterpart have no value in common, whatever the rows.
    """
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
    found = Parent(foreign_key, columns, table.num_rows)
    complete = np.flatnonzero(~_any_null(columns))
    numbers, fresh = _numbers([column.take(pa.array(complete)) for column in columns])
    if len(fresh) < len(complete):
        seen: set[int] = set()
        for position, number in enumerate(numbers.tolist()):
            if number in seen:
                row = complete[position]
                value = ", ".join(str(column[row].as_py()) for column in columns)
                count = len(complete) - len(fresh)
                repeats = "1 row repeats" if count == 1 else f"{count} rows repeat"
                raise DuplicateKeyError(
                    f"{parent.name}: the key ({', '.join(foreign_key.parent_columns)}) is not unique: "
                    f"{repeats} one, first ({value}) in row {row}; foreign key "
                    f"{foreign_key.name} of {dataset.name} needs a unique parent key; remove the duplicates, or leave "
                    "the foreign key out"
                )
            seen.add(number)
    return found


def _any_null(columns: Sequence[pa.Array]) -> np.ndarray:
    found: np.ndarray = np.any([numpy_of(column.is_null()) for column in columns], axis=0)
    return found


def _numbers(columns: Sequence[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
    """Dense numbers of compound keys, and the rows where each occurs first."""
    numbers, fresh = _core.KeyTable().insert(columns[0])
    for column in columns[1:]:
        other, _ = _core.KeyTable().insert(column)
        numbers, fresh = _core.KeyTable().insert_pairs(numbers, other)
    return numpy_of(numbers), numpy_of(fresh)


def reference_of(parent: Parent, distinct: DistinctKeys) -> Reference:
    """Matches the distinct values of a foreign key with the parent's rows."""
    # Parents first, then children: a child's number below the parents' count is its parent's.
    complete = np.flatnonzero(~_any_null(parent.columns))
    joined = []
    for own, other in zip(distinct.columns, parent.columns, strict=True):
        table = _core.KeyTable()
        parents, _ = table.insert(other.take(pa.array(complete)))
        children, _ = table.insert(own)
        joined.append((parents, children))
    parents, children = joined[0]
    for more_parents, more_children in joined[1:]:
        table = _core.KeyTable()
        parents, _ = table.insert_pairs(parents, more_parents)
        children, _ = table.insert_pairs(children, more_children)
    row_of_number = np.full(len(complete) + len(distinct), NONE, np.uint32)
    row_of_number[numpy_of(parents)] = complete
    parent_row = np.where(distinct.has_null, NONE, row_of_number[numpy_of(children)])
    orphan = (parent_row == NONE) & ~distinct.has_null
    return Reference(
        foreign_key=parent.foreign_key,
        parent=parent,
        parent_row=parent_row.astype(np.uint32),
        orphan_rows=total(distinct.rows[orphan]),
        orphan_values=int(orphan.sum()),
        null_rows=total(distinct.rows[distinct.has_null]),
        matched_weight=total(distinct.weights[parent_row != NONE]),
    )


def parent_partitions(learned: Learned, reference: Reference) -> tuple[np.ndarray | None, str | None]:
    """For each distinct value of the foreign key, the partition of its parent (`NONE` without one).

    Returns:
        (None, reason) if the strategy cannot be learned on the parent's key.
    """
    spec = learned.spec
    parent = reference.parent
    leaf = spec.leaves[-1]
    n = learned.partitions
    try:
        if not leaf.keyed:
            of_row = np.arange(parent.rows, dtype=np.uint64) % np.uint64(n)
        else:
            of_row = _learn_on(leaf, n, parent).assign(parent.columns, parent.rows)
    except AssayError as error:
        return None, f"{leaf.text} cannot be learned on the key of {reference.foreign_key.parent}: {error}"
    partitions = np.full(len(reference.parent_row), NONE, np.uint32)
    matched = reference.parent_row != NONE
    partitions[matched] = of_row[reference.parent_row[matched]]
    return partitions, None


def _learn_on(leaf: StrategySpec, n: int, parent: Parent) -> Learned:
    """The leaf's strategy, learned on the parent's key; bounds and lists that were given do not fit it."""
    names = tuple(f"parent_{index}" for index in range(len(parent.columns)))
    kept = {name: value for name, value in leaf.parameters.items() if name not in ("bounds", "values")}
    spec = replace(leaf, columns=names, parameters=kept)
    numbers, fresh = _numbers(parent.columns)
    rows = numpy_of(_core.sum_by(pa.array(numbers), None, len(fresh)))
    columns = [column.take(pa.array(fresh)) for column in parent.columns]
    distinct = DistinctKeys.of(names, columns, rows)
    return learn(spec, range(n), lambda _: distinct)
