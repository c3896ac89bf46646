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

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets.arrow_types import plain_array
from assay.errors import MeasurementError, UsageError

__all__ = ["DistinctKeys", "KeyCounter", "Numbers", "key_columns", "numpy_of", "total"]

Key = tuple[str, ...]
Numbers = np.ndarray  # uint32, one per row

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

    `table` has the key's columns (named k0, k1, ...), then `rows` and `weight` (uint64). The null
    key, all parts null, has a row too if it occurs.
    """

    key: Key
    table: pa.Table

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
        return numpy_of(_one_chunk(self.table.column(_WEIGHT)))

    @cached_property
    def core(self) -> _core.Distinct:
        """The keys as strategies learn from them; what is derived from them, such as their order, is made once."""
        return _core.Distinct(self.columns, pa.array(self.rows, pa.uint64()), pa.array(self.weights, pa.uint64()))

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

    @classmethod
    def none(cls) -> DistinctKeys:
        """The key of no columns, which only strategies without a key learn from."""
        return cls.of((), [], np.zeros(0, np.uint64), np.zeros(0, np.uint64))

    @classmethod
    def of(cls, key: Key, columns: Sequence[pa.Array], rows: np.ndarray, weights: np.ndarray) -> DistinctKeys:
        """Distinct keys from their columns and counts."""
        names = [f"k{index}" for index in range(len(key))]
        counts = [pa.array(rows, pa.uint64()), pa.array(weights, pa.uint64())]
        return cls(key, pa.table([*columns, *counts], names=[*names, _ROWS, _WEIGHT]))


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
        self._rows: dict[Key, np.ndarray] = {key: np.zeros(0, np.uint64) for key in self.keys}
        self._weights: dict[Key, np.ndarray] = {key: np.zeros(0, np.uint64) for key in self.keys}

    def add(self, columns: Mapping[str, pa.Array], weights: pa.Array | None) -> None:
        """Counts the rows of one batch.

        Args:
            columns: At least the columns of all keys, by name, of equal length.
            weights: uint64 without nulls, or None for 1 each.
        """
        seen: dict[Key, tuple[pa.Array, pa.Array]] = {}
        for key in self.keys:
            numbers, fresh = self._insert(key, columns, seen)
            self._keep(key, columns, fresh)
            self._count(key, numbers, None, weights)

    def add_distinct(self, distinct: Mapping[Key, DistinctKeys]) -> None:
        """Counts keys that were counted elsewhere."""
        for key in self.keys:
            other = distinct[key]
            columns = dict(zip(key, other.columns, strict=True))
            numbers, fresh = self._insert(key, columns, {})
            self._keep(key, columns, fresh)
            self._count(key, numbers, pa.array(other.rows), pa.array(other.weights))

    def find(self, columns: Mapping[str, pa.Array]) -> dict[Key, Numbers]:
        """The number of each row's key, for every key; all must have been counted.

        Raises:
            MeasurementError: A row's key was not counted: the data changed between two scans.
        """
        seen: dict[Key, pa.Array] = {}
        return {key: self._find(key, columns, seen) for key in self.keys}

    def finish(self) -> dict[Key, DistinctKeys]:
        """What was counted, by key."""
        found = {}
        for key in self.keys:
            chunks = self._values[key]
            columns = [_concat([chunk[index] for chunk in chunks]) for index in range(len(key))]
            found[key] = DistinctKeys.of(key, columns, self._rows[key], self._weights[key])
        return found

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

    def _find(self, key: Key, columns: Mapping[str, pa.Array], seen: dict[Key, pa.Array]) -> Numbers:
        if key not in seen:
            if len(key) == 1:
                found = self._tables[key].find(columns[key[0]])
            else:
                first = self._find(key[:-1], columns, seen)
                last = self._find(key[-1:], columns, seen)
                found = self._tables[key].find_pairs(pa.array(first), pa.array(last))
            if found.null_count:
                raise MeasurementError(
                    f"{found.null_count} rows have a value of {', '.join(key)} that the first scan did not see; "
                    "the data changed while it was measured; measure a snapshot"
                )
            seen[key] = found
        return numpy_of(seen[key])

    def _keep(self, key: Key, columns: Mapping[str, pa.Array], fresh: pa.Array) -> None:
        if len(fresh):
            self._values[key].append([plain_array(columns[name]).take(fresh) for name in key])
        elif not self._values[key]:
            self._values[key].append([plain_array(columns[name]).slice(0, 0) for name in key])

    def _count(self, key: Key, numbers: pa.Array, rows: pa.Array | None, weights: pa.Array | None) -> None:
        count = len(self._tables[key])
        new_rows = numpy_of(_core.sum_by(numbers, rows, count))
        new_weights = new_rows if weights is None else numpy_of(_core.sum_by(numbers, weights, count))
        self._rows[key] = _sum(self._rows[key], new_rows)
        self._weights[key] = _sum(self._weights[key], new_weights)


def _sum(before: np.ndarray, more: np.ndarray) -> np.ndarray:
    joined = more.copy()
    joined[: len(before)] += before
    if len(before) and (joined[: len(before)] < before).any():
        raise MeasurementError("the weights of one key add up to more than 2^64; choose a smaller unit")
    return joined


def _concat(chunks: list[pa.Array]) -> pa.Array:
    return pa.concat_arrays(chunks) if chunks else pa.nulls(0)
