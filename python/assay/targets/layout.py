"""A layout: one strategy, learned on a table for n partitions, with the rows that each will hold.

Cost: one scan of the key's columns, counted by distinct keys (about 60 bytes each), and a second one where the
partition goes by the row's number. The rows are those of the measured strategy: a target that hashes otherwise
must say so, or predict by its own function (`like`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa

from assay.datasets import Dataset
from assay.datasets.arrow_types import plain_array
from assay.errors import EmptyInputError, ParameterError
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter
from assay.experiments.partitioning.strategies import Learned, StrategySpec, learn
from assay.targets.forms import Form, form_of

__all__ = ["Layout", "lay_out", "rows_of_partitions"]


@dataclass(frozen=True)
class Layout:
    """A table, a strategy learned on it, and the distinct keys that it was learned from."""

    dataset: Dataset
    learned: Learned
    distinct: Mapping[Key, DistinctKeys]
    rows: int

    @property
    def spec(self) -> StrategySpec:
        """The strategy."""
        return self.learned.spec

    @property
    def partitions(self) -> int:
        """Their number n."""
        return self.learned.partitions

    @property
    def schema(self) -> pa.Schema:
        """The table's columns."""
        return self.dataset.schema

    @cached_property
    def form(self) -> Form:
        """The strategy taken apart."""
        return form_of(self.learned, self.distinct.__getitem__)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The rows of each partition, int64, shape (n,)."""
        if self.spec.keyed:
            distinct = self.distinct[self.spec.columns]
            return rows_of_partitions(self.keys.column("partition").to_numpy(), distinct.rows, self.partitions)
        found = np.zeros(self.partitions, np.int64)
        for batch in self.dataset.batches(self.spec.columns):
            assigned = self.assign(self.learned, batch.data, batch.first_row)
            found += np.bincount(assigned, minlength=self.partitions)
        return found

    @cached_property
    def keys(self) -> pa.Table:
        """Every distinct key: its columns, its `rows` and its `partition`; without rows for round_robin."""
        key = self.spec.columns
        if not self.spec.keyed:
            return pa.table({"rows": pa.array([], pa.uint64()), "partition": pa.array([], pa.uint32())})
        distinct = self.distinct[key]
        assigned = self.learned.assign(distinct.columns, len(distinct))
        columns = [*distinct.columns, pa.array(distinct.rows), pa.array(assigned)]
        return pa.table(columns, names=[*key, "rows", "partition"])

    @property
    def max_over_mean(self) -> float:
        """The fullest partition's rows over the mean."""
        return float(self.predicted.max() * self.partitions / self.rows)

    def like(self, spec: StrategySpec) -> Layout:
        """The layout of another strategy over the same keys.

        Raises:
            UsageError: The strategy cannot take these keys, or so few or many partitions.
        """
        return replace(self, learned=learn(spec, range(self.partitions), self.distinct.__getitem__))

    def nulls(self, column: str) -> int:
        """The rows in which a column of the key is null."""
        distinct = self.distinct[(column,)]
        return int(distinct.rows[distinct.is_null].sum())

    def assign(self, learned: Learned, data: pa.RecordBatch, first_row: int) -> np.ndarray:
        """The partition of each row of a batch under one level of the layout, uint32."""
        columns = [plain_array(data.column(name)) for name in learned.spec.columns]
        return learned.assign(columns, data.num_rows, first_row=first_row)

    def batches(self, extra: Mapping[str, Learned]) -> Iterator[pa.RecordBatch]:
        """All rows in order, with the partition under each of `extra` as a further column, int32."""
        fields = [*self.schema, *(pa.field(name, pa.int32()) for name in extra)]
        for batch in self.dataset.batches():
            numbers = [
                pa.array(self.assign(level, batch.data, batch.first_row), pa.int32()) for level in extra.values()
            ]
            columns: Sequence[pa.Array] = [*batch.data.columns, *numbers]
            yield pa.RecordBatch.from_arrays(columns, schema=pa.schema(fields))


def lay_out(dataset: Dataset, spec: StrategySpec, partitions: int) -> Layout:
    """Learns a strategy on a table.

    Raises:
        ParameterError: The strategy cannot be for so many partitions.
        EmptyInputError: No rows, or no key that is not null.
    """
    if partitions < 1:
        raise ParameterError(f"partitions is {partitions}; expected at least 1")
    if spec.groups:
        raise ParameterError(
            f"{spec.text} splits columns, not rows, and no target has a layout for that; expected a strategy that "
            "places rows: create a table for each group of columns by hand"
        )
    wanted = _keys(spec)
    counter = KeyCounter(wanted)
    rows = 0
    for batch in dataset.batches(list(dict.fromkeys(name for key in wanted for name in key))):
        counter.add({name: batch.data.column(name) for name in batch.data.schema.names}, None)
        rows += batch.data.num_rows
    if rows == 0:
        raise EmptyInputError(f"{dataset.name} has no rows; there is nothing to lay out")
    distinct = counter.finish()
    if spec.columns and distinct[spec.columns].is_null.all():
        raise EmptyInputError(
            f"{spec.text}: every value of {', '.join(spec.columns)} is null; choose a key that has values"
        )
    learned = learn(spec, range(partitions), distinct.__getitem__)
    return Layout(dataset, learned, distinct, rows)


def _keys(spec: StrategySpec) -> list[Key]:
    """Every key whose distinct values are needed: of the strategy, of its parts, and each column alone."""
    found = [spec.columns, *((name,) for name in spec.columns)]
    for part in spec.parts:
        found += _keys(part)
    return [key for key in dict.fromkeys(found) if key]


def rows_of_partitions(assigned: np.ndarray, rows: np.ndarray, partitions: int) -> np.ndarray:
    """The sum of `rows` in each partition, exact."""
    found = np.zeros(partitions, np.int64)
    np.add.at(found, assigned, rows.astype(np.int64))
    return found
