"""Distinct keys of a table, counted: the state that exact metrics rest on.

Each column's values get dense numbers once per batch, whichever keys they are part of; a compound
key is numbered by the pairs of its parts' numbers. For each key asked for, its distinct values are
kept as Arrow columns in order of first appearance, with the number of rows and the weight of each.
States merge by the same path as batches, so any split of a table gives the same counts.
Memory: METHODOLOGY, "Memory"; a batch is looked at once and let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.datasets.arrow_types import plain_array
from assay.errors import MeasurementError, UsageError
from assay.experiments.spill import FIRST, Runs

__all__ = ["DistinctKeys", "Key", "KeyCounter", "give_back_memory", "key_columns", "numpy_of", "total"]

Key = tuple[str, ...]
Counts = Any  # unsigned integers: a pyarrow or numpy array

_ROWS, _WEIGHT = "rows", "weight"
_SUMMED_AT_ONCE = 1 << 20


def numpy_of(array: pa.Array) -> np.ndarray:
    """A pyarrow array of numbers without nulls as a numpy view."""
    return np.asarray(array.to_numpy(zero_copy_only=False))


def give_back_memory() -> None:
    """Gives memory that was freed back to the operating system: after scans and lessons there can be much of it."""
    pa.default_memory_pool().release_unused()
    _core.give_back_memory()


def total(values: np.ndarray) -> int:
    """The exact sum of unsigned integers; Python's integers do not overflow."""
    if values.dtype.itemsize < 8:
        return int(values.sum(dtype=np.uint64))  # fewer than 2^32 of them
    whole = 0
    for first in range(0, len(values), _SUMMED_AT_ONCE):
        part = values[first : first + _SUMMED_AT_ONCE]
        high, low = int((part >> np.uint64(32)).sum()), int((part & np.uint64(0xFFFFFFFF)).sum())
        whole += (high << 32) + low
    return whole


def key_columns(table: pa.Table, width: int) -> list[pa.Array]:
    """The first `width` columns, one chunk each."""
    return [_one_chunk(table.column(index)) for index in range(width)]


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)  # combining would copy it
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):  # older pyarrow keeps an empty column chunked
        return combined.chunk(0) if combined.num_chunks else pa.array([], column.type)
    return combined


@dataclass(frozen=True)
class DistinctKeys:
    """The distinct values of one key: a row each, in order of first appearance.

    `table` has the key's columns (named k0, k1, ...), then `rows` and, where a column weighs the rows, `weight`, each
    in the narrowest unsigned type that holds its counts. The null key, all parts null, has a row too if it occurs.
    """

    key: Key
    table: pa.Table
    numbers: _core.KeyTable | None = None  # numbers the keys by their rows here; of single columns

    def __len__(self) -> int:
        return int(self.table.num_rows)

    @cached_property
    def columns(self) -> list[pa.Array]:
        """The key's columns, one chunk each."""
        return key_columns(self.table, len(self.key))

    @cached_property
    def rows(self) -> np.ndarray:
        """The number of rows of each key, in the narrowest unsigned type."""
        return numpy_of(_one_chunk(self.table.column(_ROWS)))

    @cached_property
    def weights(self) -> np.ndarray:
        """The weight of each key, in the narrowest unsigned type; its rows where no column weighs them."""
        return numpy_of(_one_chunk(self.table.column(_WEIGHT))) if self.is_weighed else self.rows

    @property
    def is_weighed(self) -> bool:
        """Whether a column weighs the rows; if not, each weighs 1."""
        return _WEIGHT in self.table.schema.names

    @cached_property
    def core(self) -> _core.Distinct:
        """The keys as strategies learn from them; what is derived from them, such as their order, is made once."""
        return _core.Distinct(self.columns, _one_chunk(self.table.column(_ROWS)), self.arrow_weights, self.numbers)

    @cached_property
    def is_null(self) -> np.ndarray:
        """Which key is null: all its parts are."""
        found: np.ndarray = np.all([_nulls(column) for column in self.columns], axis=0)
        return found

    @cached_property
    def has_null(self) -> np.ndarray:
        """Which keys have a null part."""
        found: np.ndarray = np.any([_nulls(column) for column in self.columns], axis=0)
        return found

    @property
    def arrow_weights(self) -> pa.Array:
        """As `weights`, as an Arrow array without a copy."""
        return _one_chunk(self.table.column(_WEIGHT if self.is_weighed else _ROWS))

    @property
    def arrow_rows(self) -> pa.Array:
        """As `rows`, as an Arrow array without a copy."""
        return _one_chunk(self.table.column(_ROWS))

    def without_first(self) -> DistinctKeys:
        """The same without where each key stands first, which only counting needs."""
        return replace(self, table=self.table.drop_columns([FIRST])) if FIRST in self.table.schema.names else self

    @classmethod
    def none(cls) -> DistinctKeys:
        """The key of no columns, which only strategies without a key learn from."""
        return cls.of((), [], pa.array([], pa.uint64()))

    @classmethod
    def of(
        cls,
        key: Key,
        columns: Sequence[pa.Array],
        rows: Counts,
        weights: Counts | None = None,
        numbers: _core.KeyTable | None = None,
    ) -> DistinctKeys:
        """Distinct keys from their columns and counts (unsigned); without weights a row weighs 1."""
        names = [f"k{index}" for index in range(len(key))] + [_ROWS]
        arrays = [*columns, pa.array(rows)]
        if weights is not None:
            names.append(_WEIGHT)
            arrays.append(pa.array(weights))
        return cls(key, pa.table(arrays, names=names), numbers if len(key) == 1 else None)


def _nulls(column: pa.Array) -> np.ndarray:
    return numpy_of(column.is_null())


class KeyCounter:
    """Counts the distinct values of several keys in one pass.

    Args:
        keys: The keys, each a tuple of column names.
        memory_limit: The most bytes that its tables may take before what they hold goes to disk; None for no limit.
    """

    def __init__(self, keys: Iterable[Key], memory_limit: int | None = None) -> None:
        # Shorter keys first: a merge must meet a part's values in the part's own order.
        self.keys: list[Key] = sorted(dict.fromkeys(keys), key=lambda key: (len(key), key))
        self._limit = memory_limit
        self._rows = 0  # seen; with a limit, where each key stands first is kept beside it
        self._runs: dict[Key, Runs] = {}
        self._clear()

    def _clear(self) -> None:
        self._tables: dict[Key, _core.KeyTable] = {}
        self._values: dict[Key, list[list[pa.Array]]] = {key: [] for key in self.keys}
        self._kept_bytes = 0

    @property
    def spilled(self) -> bool:
        """Whether keys went to disk, so that the numbers of rows are not known."""
        return bool(self._runs)

    @property
    def memory_bytes(self) -> int:
        """The bytes of its tables and of the keys that they hold."""
        return self._kept_bytes + sum(table.memory_bytes for table in self._tables.values())

    @property
    def table_bytes(self) -> dict[Key, int]:
        """The bytes of the table that numbers each key."""
        return {key: table.memory_bytes for key, table in self._tables.items()}

    def add(self, columns: Mapping[str, pa.Array], weights: pa.Array | None) -> None:
        """Counts the rows of one batch.

        Args:
            columns: At least the columns of all keys, by name, of equal length.
            weights: uint64 without nulls, or None for 1 each.
        """
        seen: dict[Key, tuple[pa.Array, pa.Array]] = {}
        first = None
        if self._limit is not None and self.keys:
            rows = len(columns[self.keys[0][0]])
            first = pa.array(np.arange(self._rows, self._rows + rows, dtype=np.uint64))
            self._rows += rows
        for key in self.keys:
            self._count(key, columns, seen, None, weights, first)
        if self._limit is not None and self.memory_bytes > self._limit:
            self._spill()

    def absorb(self, other: KeyCounter) -> None:
        """Counts what another counter has counted, which is of no use afterwards."""
        if other._runs or self._runs:
            other._spill()
            self._spill()
            for key in self.keys:
                self._runs[key].take_over(other._runs[key], self._rows)
            self._rows += other._rows
        else:
            self.add_distinct(other._held())

    def add_distinct(self, distinct: Mapping[Key, DistinctKeys]) -> None:
        """Counts keys that were counted elsewhere."""
        for key in self.keys:
            other = distinct[key]
            self._tables.setdefault(key, _core.KeyTable()).expect(len(other))
            weights = other.arrow_weights if other.is_weighed else None
            first = _one_chunk(other.table.column(FIRST)) if FIRST in other.table.schema.names else None
            if first is not None:
                first = pc.add(first, pa.scalar(self._rows, pa.uint64()))
            columns = dict(zip(key, other.columns, strict=True))
            self._count(key, columns, {}, other.arrow_rows, weights, first)

    def find(self, key: Key, columns: Mapping[str, pa.Array], seen: dict[Key, pa.Array] | None = None) -> pa.Array:
        """The number of each row's key (uint32); it must have been counted.

        Args:
            key: One of the keys, or the beginning of one.
            columns: At least the columns of the key.
            seen: What was found of these rows already; what is found is added.

        Raises:
            MeasurementError: A row's key was not counted: the data changed between two scans.
        """
        seen = {} if seen is None else seen
        if key not in seen:
            if len(key) == 1:
                found = self._tables[key].find(columns[key[0]])
            else:
                parts = self.find(key[:-1], columns, seen), self.find(key[-1:], columns, seen)
                found = self._tables[key].find_pairs(*parts)
            if found.null_count:
                raise MeasurementError(
                    f"{found.null_count} rows have a value of {', '.join(key)} that the first scan did not see; "
                    "the data changed while it was measured; measure a snapshot"
                )
            seen[key] = found
        return seen[key]

    def finish(self) -> dict[Key, DistinctKeys]:
        """What was counted, by key, in order of first appearance."""
        if self._runs:
            self._spill()
            return {key: self._joined(key) for key in self.keys}
        return {key: found.without_first() for key, found in self._held().items()}

    def _held(self) -> dict[Key, DistinctKeys]:
        """What the tables hold, with where each key stands first if that is kept."""
        found = {}
        for key in self.keys:
            chunks = self._values[key]
            width = len(chunks[0]) if chunks else len(key)
            columns = [_concat([chunk[index] for chunk in chunks]) for index in range(width)]
            if len(chunks) > 1:
                self._values[key] = [columns]  # the pieces are not held twice
            table = self._tables.setdefault(key, _core.KeyTable())
            counted = DistinctKeys.of(key, columns[: len(key)], *table.tallies(), numbers=table)
            for first in columns[len(key) :]:
                counted = replace(counted, table=counted.table.append_column(FIRST, first))
            found[key] = counted
        return found

    def _spill(self) -> None:
        """Writes all that is held as runs, and begins anew."""
        for key, distinct in self._held().items():
            own = self._runs.setdefault(key, Runs())
            if len(distinct):
                own.add(distinct.table, len(key))
        self._clear()

    def _joined(self, key: Key) -> DistinctKeys:
        """The distinct values of a key from its runs, a piece of their hashes at a time."""
        joined = []
        for piece in self._runs[key].pieces():
            counter = KeyCounter([key])
            for table in piece:
                counter.add_distinct({key: DistinctKeys(key, table)})
            found = counter._held()[key].table
            if found.num_rows:
                joined.append(found)
        if not joined:
            return self._held()[key].without_first()
        table = pa.concat_tables(joined, promote_options="permissive")  # a piece may need wider counts than another
        order = np.argsort(table.column(FIRST).to_numpy(), kind="stable")
        return DistinctKeys(key, table.drop_columns([FIRST]).take(pa.array(order)))

    def _count(
        self,
        key: Key,
        columns: Mapping[str, pa.Array],
        seen: dict[Key, tuple[pa.Array, pa.Array]],
        rows: pa.Array | None,
        weights: pa.Array | None,
        first: pa.Array | None,
    ) -> None:
        numbers, fresh = self._insert(key, columns, seen)
        self._keep(key, columns, fresh, first)
        try:
            self._tables[key].tally(numbers, rows, weights)
        except UsageError as error:
            raise type(error)(f"the weights of one value of {', '.join(key)}: {error}") from None

    def _insert(
        self, key: Key, columns: Mapping[str, pa.Array], seen: dict[Key, tuple[pa.Array, pa.Array]]
    ) -> tuple[pa.Array, pa.Array]:
        """The rows' numbers and the rows that are new, of a key or of the beginning of one."""
        if key not in seen:
            table = self._tables.setdefault(key, _core.KeyTable())
            if len(key) == 1:
                try:
                    seen[key] = table.insert(columns[key[0]])
                except UsageError as error:
                    raise type(error)(str(error).replace("the column:", f'column "{key[0]}":', 1)) from None
            else:
                first, _ = self._insert(key[:-1], columns, seen)
                last, _ = self._insert(key[-1:], columns, seen)
                seen[key] = table.insert_pairs(first, last)
        return seen[key]

    def _keep(self, key: Key, columns: Mapping[str, pa.Array], fresh: pa.Array, first: pa.Array | None) -> None:
        beside = [] if first is None else [first]
        if len(fresh):
            arrays = (*(plain_array(columns[name]) for name in key), *beside)
            kept = [array if len(fresh) == len(array) else array.take(fresh) for array in arrays]
            self._values[key].append(kept)
            self._kept_bytes += sum(array.nbytes for array in kept)
        elif not self._values[key]:
            empty = [array.slice(0, 0) for array in (*(plain_array(columns[name]) for name in key), *beside)]
            self._values[key].append(empty)


def _concat(chunks: list[pa.Array]) -> pa.Array:
    if len(chunks) == 1:
        return chunks[0]
    return pa.concat_arrays(chunks) if chunks else pa.nulls(0)
