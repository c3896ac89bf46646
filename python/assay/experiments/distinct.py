"""Distinct keys of a table, counted: the state that exact metrics rest on.

Each column's values get dense numbers once per batch, whichever keys they are part of; a compound
key is numbered by the pairs of its parts' numbers. For each key asked for, its distinct values are
kept as Arrow columns in order of first appearance, with the number of rows and the weight of each.
States merge by the same path as batches, so any split of a table gives the same counts.
Memory: about 60 bytes a distinct key plus its text; a batch is looked at once and let go.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets.arrow_types import plain_array
from assay.errors import MeasurementError, UsageError

__all__ = ["DistinctKeys", "Key", "KeyCounter", "key_columns", "numpy_of", "total"]

Key = tuple[str, ...]
Counts = Any  # uint64: a pyarrow or numpy array

_ROWS, _WEIGHT = "rows", "weight"


def numpy_of(array: pa.Array) -> np.ndarray:
    """A pyarrow array of numbers without nulls as a numpy view."""
    return np.asarray(array.to_numpy(zero_copy_only=False))


def total(values: np.ndarray) -> int:
    """The exact sum of unsigned integers; Python's integers do not overflow."""
    high, low = int((values >> np.uint64(32)).sum()), int((values & np.uint64(0xFFFFFFFF)).sum())
    return (high << 32) + low


def key_columns(table: pa.Table, width: int) -> list[pa.Array]:
    """The first `width` columns, one chunk each."""
    return [_one_chunk(table.column(index)) for index in range(width)]


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):  # older pyarrow keeps an empty column chunked
        return combined.chunk(0) if combined.num_chunks else pa.array([], column.type)
    return combined


@dataclass(frozen=True)
class DistinctKeys:
    """The distinct values of one key: a row each, in order of first appearance.

    `table` has the key's columns (named k0, k1, ...), then `rows` and, where a column weighs the rows,
    `weight` (uint64). The null key, all parts null, has a row too if it occurs.
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
        """The number of rows of each key, uint64."""
        return numpy_of(_one_chunk(self.table.column(_ROWS)))

    @cached_property
    def weights(self) -> np.ndarray:
        """The weight of each key, uint64; its rows where no column weighs them."""
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
        """Distinct keys from their columns and counts (uint64); without weights a row weighs 1."""
        names = [f"k{index}" for index in range(len(key))] + [_ROWS]
        arrays = [*columns, pa.array(rows, pa.uint64())]
        if weights is not None:
            names.append(_WEIGHT)
            arrays.append(pa.array(weights, pa.uint64()))
        return cls(key, pa.table(arrays, names=names), numbers if len(key) == 1 else None)


def _nulls(column: pa.Array) -> np.ndarray:
    return numpy_of(column.is_null())


class KeyCounter:
    """Counts the distinct values of several keys in one pass.

    Args:
        keys: The keys, each a tuple of column names.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        # Shorter keys first: a merge must meet a part's values in the part's own order.
        self.keys: list[Key] = sorted(dict.fromkeys(keys), key=lambda key: (len(key), key))
        self._tables: dict[Key, _core.KeyTable] = {}
        self._values: dict[Key, list[list[pa.Array]]] = {key: [] for key in self.keys}

    def add(self, columns: Mapping[str, pa.Array], weights: pa.Array | None) -> None:
        """Counts the rows of one batch.

        Args:
            columns: At least the columns of all keys, by name, of equal length.
            weights: uint64 without nulls, or None for 1 each.
        """
        seen: dict[Key, tuple[pa.Array, pa.Array]] = {}
        for key in self.keys:
            self._count(key, columns, seen, None, weights)

    def add_distinct(self, distinct: Mapping[Key, DistinctKeys]) -> None:
        """Counts keys that were counted elsewhere."""
        for key in self.keys:
            other = distinct[key]
            self._tables.setdefault(key, _core.KeyTable()).reserve(len(other))
            weights = other.arrow_weights if other.is_weighed else None
            self._count(key, dict(zip(key, other.columns, strict=True)), {}, pa.array(other.rows), weights)

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
        """What was counted, by key."""
        found = {}
        for key in self.keys:
            chunks = self._values[key]
            columns = [_concat([chunk[index] for chunk in chunks]) for index in range(len(key))]
            if len(chunks) > 1:
                self._values[key] = [columns]  # the pieces are not held twice
            table = self._tables.setdefault(key, _core.KeyTable())
            found[key] = DistinctKeys.of(key, columns, *table.tallies(), numbers=table)
        return found

    def _count(
        self,
        key: Key,
        columns: Mapping[str, pa.Array],
        seen: dict[Key, tuple[pa.Array, pa.Array]],
        rows: pa.Array | None,
        weights: pa.Array | None,
    ) -> None:
        numbers, fresh = self._insert(key, columns, seen)
        self._keep(key, columns, fresh)
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

    def _keep(self, key: Key, columns: Mapping[str, pa.Array], fresh: pa.Array) -> None:
        if len(fresh):
            self._values[key].append([plain_array(columns[name]).take(fresh) for name in key])
        elif not self._values[key]:
            self._values[key].append([plain_array(columns[name]).slice(0, 0) for name in key])


def _concat(chunks: list[pa.Array]) -> pa.Array:
    if len(chunks) == 1:
        return chunks[0]
    return pa.concat_arrays(chunks) if chunks else pa.nulls(0)
