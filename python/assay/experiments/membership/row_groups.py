"""Row groups: which keys each holds, and what a point query reads of them with a filter for each.

A reader that looks for a value skips a group whose least key is greater or whose greatest is less, then one whose
filter says no. What is left is read, and some of it in vain.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets.splitmix import draws
from assay.errors import MeasurementError
from assay.experiments.distinct import numpy_of
from assay.experiments.membership.spelling import Filter

__all__ = ["Grouping", "Queries", "Reads", "RowGroups", "ask", "sorted_groups", "unique_pairs"]

_SHUFFLING = 4  # stream of the seed


@dataclass(frozen=True)
class Grouping:
    """How the rows of a table are cut into groups."""

    first_rows: tuple[int, ...]  # of each group, ascending from 0; the last one ends with the table
    seed: int

    def __len__(self) -> int:
        return len(self.first_rows)

    def stored(self, rows: np.ndarray) -> np.ndarray:
        """The group of each row number (int64, shape (n,)), as rows are stored."""
        return np.searchsorted(self._starts, rows, side="right") - 1

    def shuffled(self, rows: np.ndarray) -> np.ndarray:
        """The group of each row number if each row lay in one by chance."""
        chosen = draws(self.seed, rows.astype(np.uint64), stream=_SHUFFLING) % np.uint64(len(self))
        return chosen.astype(np.int64)

    @cached_property
    def _starts(self) -> np.ndarray:
        return np.asarray(self.first_rows, np.int64)

    def sizes(self, rows: int) -> np.ndarray:
        """The rows of each group of a table with so many (int64)."""
        return np.diff(np.append(self._starts, rows))


@dataclass(frozen=True)
class RowGroups:
    """The keys that each group holds.

    Attributes:
        keys: Numbers of keys, group by group, ascending and each once within its group (int64).
        offsets: Where each group begins in `keys`, and the end (int64, shape (groups + 1,)).
        bytes: The bytes of each group (float64).
    """

    keys: np.ndarray
    offsets: np.ndarray
    bytes: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def of(self, group: int) -> np.ndarray:
        """The numbers of the keys of one group."""
        return self.keys[self.offsets[group] : self.offsets[group + 1]]

    @classmethod
    def from_pairs(cls, pairs: np.ndarray, sizes: np.ndarray, row_bytes: float) -> RowGroups:
        """From sorted, distinct pairs group * 2^32 + key (uint64), and the rows of each group."""
        groups = (pairs >> np.uint64(32)).astype(np.int64)
        offsets = np.searchsorted(groups, np.arange(len(sizes) + 1))
        return cls((pairs & np.uint64(0xFFFFFFFF)).astype(np.int64), offsets, sizes * row_bytes)


def sorted_groups(order: np.ndarray, rows: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The pairs that sorting the table by its keys would give, nulls last.

    Args:
        order: The numbers of the keys, ascending by key.
        rows: The rows of each key, by its number.
        sizes: The rows of each group.
    """
    ends = np.cumsum(rows[order])
    starts = np.cumsum(sizes)
    first = np.searchsorted(starts, ends - rows[order], side="right")
    last = np.searchsorted(starts, ends - 1, side="right")
    spread = last - first + 1
    keys = np.repeat(order, spread)
    within = np.arange(len(keys)) - np.repeat(np.cumsum(spread) - spread, spread)
    return np.sort((np.repeat(first, spread) + within).astype(np.uint64) << np.uint64(32) | keys.astype(np.uint64))


@dataclass(frozen=True)
class Queries:
    """Point queries: what each asks for, and how often.

    Attributes:
        values: What is asked for, distinct, shape (q,).
        numbers: The number of the key that has this value, -1 where none has (int64).
        times: How often each value is asked for (int64).
        shares: The share of the queries that each part of the values has: (values, share), in their order.
        note: How they were chosen, if there is something to say.
    """

    values: pa.Array
    numbers: np.ndarray
    times: np.ndarray
    shares: tuple[tuple[int, float], ...]
    note: str | None = None

    def counted(self, mask: np.ndarray) -> np.ndarray:
        """How many queries of each part ask for the values that `mask` marks: whole numbers (float64)."""
        starts = np.cumsum([0, *(count for count, _ in self.shares)])
        chosen = np.where(mask, self.times, 0)
        return np.array([chosen[a:b].sum() for a, b in itertools.pairwise(starts)], np.float64)

    def mean(self, sums: np.ndarray) -> float:
        """The mean over all queries of what was summed over those of each part."""
        whole = self.counted(np.ones(len(self.times), bool))
        return math.fsum(
            share * float(part) / float(all_) for (_, share), part, all_ in zip(self.shares, sums, whole, strict=True)
        )

    def ranks(self, keys: pa.Array) -> tuple[np.ndarray, np.ndarray]:
        """Where each key and each value stand among both, in order; equal ones alike (int64)."""
        both = pa.concat_arrays([keys, self.values.cast(keys.type)])
        order = numpy_of(pc.sort_indices(both)).astype(np.int64)
        ranks = np.empty(len(both), np.int64)
        ranks[order] = np.arange(len(both))
        asked = np.where(self.numbers >= 0, ranks[self.numbers], ranks[len(keys) :])
        return ranks[: len(keys)], asked


@dataclass(frozen=True)
class Reads:
    """What a query reads on average: groups and bytes."""

    groups: int
    by_min_max: float
    with_filter: float
    at_best: float
    bytes_by_min_max: float
    bytes_with_filter: float
    filter_bytes: int
    filter_bytes_read: float
    table_bytes: float


def ask(
    groups: RowGroups,
    keys: pa.Array,
    queries: Queries,
    ranks: tuple[np.ndarray, np.ndarray],
    make: Callable[[pa.Array], Filter],
) -> Reads:
    """What `queries` read of `groups`, each with a filter that `make` builds of its keys.

    Raises:
        MeasurementError: A filter denies a key that its group holds.
    """
    key_ranks, asked = ranks
    sums = np.zeros((6, len(queries.shares)))
    filter_bytes = with_keys = 0
    holds = np.zeros(len(keys) + 1, bool)  # the last one is that of absent values
    for group in range(len(groups)):
        own = groups.of(group)
        if not len(own):
            continue
        with_keys += 1
        own_ranks = key_ranks[own]
        passed = (asked >= own_ranks.min()) & (asked <= own_ranks.max())
        built = make(keys.take(pa.array(own)))
        read = passed & numpy_of(built.contains(queries.values))
        holds[own] = True
        held = holds[queries.numbers]
        holds[own] = False
        if (held & ~read).any():
            denied = queries.values[int(np.flatnonzero(held & ~read)[0])].as_py()
            raise MeasurementError(f"the filter of row group {group} denies {denied!r}, which the group holds")
        size = int(built.memory_bytes)
        filter_bytes += size
        some, all_, best = (queries.counted(mask) for mask in (passed, read, held))
        sums += (some, all_, best, some * groups.bytes[group], all_ * groups.bytes[group], some * size)
    by_min_max, with_filter, at_best, bytes_by_min_max, bytes_with_filter, filter_bytes_read = map(queries.mean, sums)
    return Reads(
        with_keys,
        by_min_max,
        with_filter,
        at_best,
        bytes_by_min_max,
        bytes_with_filter,
        filter_bytes,
        filter_bytes_read,
        float(groups.bytes.sum()),
    )


def unique_pairs(parts: Sequence[np.ndarray]) -> np.ndarray:
    """All pairs, each once, ascending."""
    return np.unique(np.concatenate(parts)) if parts else np.zeros(0, np.uint64)
