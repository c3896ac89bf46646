"""Which partitions a query must ask, knowing only the strategy and its routing state.

A key strategy answers equality and lists value by value; a range answers a window from its bounds,
a list from its values, and what is on no list is nowhere. A strategy that cannot tell asks all its
partitions. Within a composite the two parts multiply.

Cost: a lookup for each value that is asked; memory for a pair of numbers each, and only where the
partitions themselves, not their number, are wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets.arrow_types import plain_type
from assay.errors import AssayError
from assay.experiments.distinct import DistinctKeys, Key, numpy_of
from assay.experiments.partitioning.asked import Asked, Values, Windows
from assay.experiments.partitioning.ranks import window_ranks
from assay.experiments.partitioning.strategies import Learned
from assay.experiments.partitioning.user import Strategy as UserStrategy

__all__ = ["Routed", "routed"]

MOST_COMBINATIONS = 65_536  # of values of a compound key, for one instance: a router asks everywhere beyond

Keys = Callable[[Key], DistinctKeys]
Pairs = tuple[np.ndarray, np.ndarray]  # instances, ascending, and a partition of each (int64), no pair twice


class Routed:
    """The partitions that each instance must ask.

    Args:
        n: The number of partitions.
        counts: How many each instance asks, uint64.
        pairs: What makes the pairs of instance and partition; None where every instance asks all.
        spans: Where partitions are neighbours, the first and the last of each instance (int64); counts may be less,
            as partitions that can hold nothing are not asked.
    """

    def __init__(
        self, n: int, counts: np.ndarray, pairs: Callable[[], Pairs] | None = None, spans: Pairs | None = None
    ) -> None:
        self.n = n
        self.counts = counts
        self._make = pairs
        self._spans = spans

    def without(self, impossible: np.ndarray | None) -> Routed:
        """The same, but some instances ask nobody."""
        return self if impossible is None or not impossible.any() else _Without(self, impossible)

    @classmethod
    def everywhere(cls, n: int, count: int) -> Routed:
        """All `count` instances ask all partitions."""
        return cls(n, np.full(count, n, np.uint64))

    @property
    def is_everywhere(self) -> bool:
        """Whether every instance asks all partitions because the strategy cannot tell."""
        return self._make is None and self._spans is None

    @cached_property
    def pairs(self) -> Pairs:
        """Every pair of instance and partition."""
        count = len(self.counts)
        if self._make is not None:
            return self._make()
        if self._spans is None:
            return np.repeat(np.arange(count), self.n), np.tile(np.arange(self.n), count)
        first, last = self._spans
        return _ramps(first, np.maximum(last - first + 1, 0))

    def sums(self, values: np.ndarray) -> np.ndarray:
        """For each instance, the sum over its partitions of one number per partition (uint64)."""
        whole = np.concatenate(([0], np.cumsum(values, dtype=np.uint64))).astype(np.uint64)
        if self.is_everywhere:
            return np.full(len(self.counts), whole[-1], np.uint64)
        if self._spans is not None:
            first, last = self._spans
            some = first <= last
            found = np.zeros(len(self.counts), np.uint64)
            found[some] = whole[last[some] + 1] - whole[first[some]]
            return found
        instances, partitions = self.pairs
        sums = np.concatenate(([0], np.cumsum(values[partitions], dtype=np.uint64))).astype(np.uint64)
        ends = np.searchsorted(instances, np.arange(len(self.counts) + 1))
        return np.asarray(np.diff(sums[ends]), np.uint64)


class _Without(Routed):
    """Where some instances can find nothing, whatever the strategy."""

    def __init__(self, whole: Routed, impossible: np.ndarray) -> None:
        super().__init__(whole.n, np.where(impossible, 0, whole.counts).astype(np.uint64), self._possible)
        self._whole, self._impossible = whole, impossible

    def _possible(self) -> Pairs:
        instances, partitions = self._whole.pairs
        kept = ~self._impossible[instances]
        return instances[kept], partitions[kept]

    def sums(self, values: np.ndarray) -> np.ndarray:
        """As of the whole, but 0 for those that ask nobody."""
        return np.where(self._impossible, 0, self._whole.sums(values)).astype(np.uint64)


def routed(learned: Learned, asked: Asked, keys: Keys) -> Routed:
    """The partitions to ask for each instance.

    Args:
        learned: The strategy.
        asked: The conditions of the instances.
        keys: The distinct values of the strategy's key, and of the keys of its parts.
    """
    leaves = Counter(name for leaf in learned.spec.leaves for name in leaf.columns)
    lists = [name for name, many in leaves.items() if many > 1 and name in asked.values]
    shared = [name for name in lists if (asked.values[name].counts > 1).any()]
    if shared:
        return _each_value(learned, asked, shared, keys).without(asked.impossible)
    return _routed(learned, asked, keys).without(asked.impossible)


def _routed(learned: Learned, asked: Asked, keys: Keys) -> Routed:
    if learned.parts:
        outer, inner = (_routed(part, asked, keys) for part in learned.parts)
        return _product(outer, inner, learned.partitions)
    everywhere = Routed.everywhere(learned.partitions, asked.count)
    spec = learned.spec
    if not spec.keyed:
        return everywhere
    if all(name in asked.values for name in spec.columns):
        return _by_values(learned, [asked.values[name] for name in spec.columns], keys)
    if len(spec.columns) == 1 and spec.columns[0] in asked.windows:
        windows = asked.windows[spec.columns[0]]
        if "enumerable" in spec.contender.abilities:
            return _by_entries(learned, windows.first, windows.last, keys)
        if isinstance(learned.core, _core.Strategy):
            return _by_bounds(learned, windows.first, windows.last) or everywhere
    return everywhere


def _product(outer: Routed, inner: Routed, n: int) -> Routed:
    """Partition a of the outer and b of the inner part are partition a · (inner partitions) + b."""
    counts = outer.counts * inner.counts
    if outer.is_everywhere and inner.is_everywhere:
        return Routed(n, counts)

    def pairs() -> Pairs:
        instances, partitions = outer.pairs
        others, seconds = inner.pairs
        ends = np.searchsorted(others, np.arange(len(counts) + 1))
        lengths = np.diff(ends)[instances]
        places, seconds_at = _ramps(ends[:-1][instances], lengths)
        return instances[places], partitions[places] * inner.n + seconds[seconds_at]

    return Routed(n, counts, pairs)


def _ramps(first: np.ndarray, lengths: np.ndarray) -> Pairs:
    """For each i, `lengths[i]` pairs (i, first[i] + 0, 1, ...)."""
    places = np.repeat(np.arange(len(lengths)), lengths)
    within = np.arange(len(places)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    return places, first[places] + within


# Equality and lists


def _each_value(learned: Learned, asked: Asked, shared: Sequence[str], keys: Keys) -> Routed:
    """Where two parts of a composite go by a column, each listed value of it leads both: its partitions together."""
    n = learned.partitions
    wide = _combinations([asked.values[name] for name in shared]) > MOST_COMBINATIONS
    instances, taken = _combined([asked.values[name] for name in shared], np.flatnonzero(~wide))
    values = {}
    for name, column in asked.values.items():
        if name in shared:
            values[name] = Values.one_each(column.values.take(pa.array(taken[shared.index(name)])))
        else:
            _, at = _ramps(column.offsets[:-1][instances], column.counts[instances])
            offsets = np.concatenate(([0], np.cumsum(column.counts[instances])))
            values[name] = Values(offsets, column.values.take(pa.array(at)))
    rows = pa.array(instances)
    windows = {name: Windows(one.first.take(rows), one.last.take(rows)) for name, one in asked.windows.items()}
    found = _routed(learned, Asked(len(instances), values, windows), keys)
    if found.is_everywhere:
        return Routed.everywhere(n, asked.count)
    places, partitions = found.pairs
    everyone = np.flatnonzero(wide)
    made = _unique(
        np.concatenate([instances[places], np.repeat(everyone, n)]),
        np.concatenate([partitions, np.tile(np.arange(n), len(everyone))]),
        n,
    )
    return Routed(n, np.bincount(made[0], minlength=asked.count).astype(np.uint64), lambda: made)


def _combinations(columns: Sequence[Values]) -> np.ndarray:
    """How many combinations of values each instance has."""
    return np.asarray(np.prod([column.counts.astype(float) for column in columns], axis=0))


def _combined(columns: Sequence[Values], instances: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Every combination of the values of some instances: whose it is, and the place of each column's value."""
    taken: list[np.ndarray] = []
    for column in columns:
        places, at = _ramps(column.offsets[:-1][instances], column.counts[instances])
        instances, taken = instances[places], [one[places] for one in taken] + [at]
    return instances, taken


def _by_values(learned: Learned, columns: list[Values], keys: Keys) -> Routed:
    count, n = len(columns[0].counts), learned.partitions
    combinations = _combinations(columns)
    one_each = bool((combinations == 1).all())

    def pairs() -> Pairs:
        wide = combinations > MOST_COMBINATIONS
        instances, taken = _combined(columns, np.flatnonzero(~wide))
        values = [column.values.take(pa.array(at)) for column, at in zip(columns, taken, strict=True)]
        partitions, known = _assigned(learned, values, len(instances), keys)
        everyone = np.flatnonzero(wide)
        return _unique(
            np.concatenate([instances[known], np.repeat(everyone, n)]),
            np.concatenate([partitions[known].astype(np.int64), np.tile(np.arange(n), len(everyone))]),
            n,
        )

    if one_each and not _may_miss(learned):
        return Routed(n, np.ones(count, np.uint64), pairs)
    made = pairs()
    return Routed(n, np.bincount(made[0], minlength=count).astype(np.uint64), lambda: made)


def _may_miss(learned: Learned) -> bool:
    """Whether there are values that the strategy has no partition for."""
    return isinstance(learned.core, UserStrategy) or "enumerable" in learned.spec.contender.abilities


def _assigned(learned: Learned, columns: list[pa.Array], rows: int, keys: Keys) -> tuple[np.ndarray, np.ndarray]:
    """The partition of each row, and whether it has one: what is on no list is nowhere."""
    known = np.ones(rows, bool)
    if rows and _may_miss(learned):
        found = _listed(columns, keys(learned.spec.columns))
        if "enumerable" in learned.spec.contender.abilities:
            known = found
        else:
            try:  # a strategy in Python may or may not have a partition for every key
                return learned.assign(columns, rows), known
            except AssayError:
                known = found
    partitions = np.zeros(rows, np.uint32)
    if known.all():
        return (learned.assign(columns, rows) if rows else partitions), known
    kept = pa.array(np.flatnonzero(known))
    partitions[known] = learned.assign([column.take(kept) for column in columns], len(kept))
    return partitions, known


def _listed(columns: list[pa.Array], distinct: DistinctKeys) -> np.ndarray:
    """Which rows' keys are among the distinct ones."""
    numbers: pa.Array | None = None
    fresh: pa.Array | None = None
    for own, other in zip(distinct.columns, columns, strict=True):
        table = _core.KeyTable()
        mine, _ = table.insert(own)
        theirs, _ = table.insert(other.cast(own.type))
        if numbers is None:
            numbers, fresh = mine, theirs
        else:
            both = _core.KeyTable()
            numbers, _ = both.insert_pairs(numbers, mine)
            fresh, _ = both.insert_pairs(fresh, theirs)
    return np.asarray(np.isin(numpy_of(fresh), numpy_of(numbers)))


def _unique(instances: np.ndarray, partitions: np.ndarray, n: int) -> Pairs:
    both = np.unique(instances.astype(np.int64) * n + partitions)
    return both // n, both % n


# Windows


def _by_entries(learned: Learned, first: pa.Array, last: pa.Array, keys: Keys) -> Routed:
    """A router that holds every value asks the partitions of those in the window."""
    distinct = keys(learned.spec.columns)
    n = learned.partitions
    order, low, high = window_ranks(distinct.columns[0], first, last)
    partitions = learned.assign(distinct.columns, len(distinct))[order].astype(np.int64)
    instances, at = _ramps(low, np.maximum(high - low, 0))
    made = _unique(instances, partitions[at], n)
    return Routed(n, np.bincount(made[0], minlength=len(low)).astype(np.uint64), lambda: made)


def _by_bounds(learned: Learned, first: pa.Array, last: pa.Array) -> Routed | None:
    n = learned.partitions
    end = _filled(last)
    counts = learned.core.routed_windows(first, end)
    if counts is None:
        return None
    low = np.zeros(len(first), np.int64)
    bounded = numpy_of(first.is_valid())
    low[bounded] = learned.assign([first.drop_null()], int(bounded.sum()))
    high = learned.assign([end], len(end)).astype(np.int64)
    found = numpy_of(counts).astype(np.uint64)
    high[found == 0] = -1
    low[found == 0] = 0
    return Routed(n, found, spans=(low, high))


def _filled(last: pa.Array) -> pa.Array:
    """The last values of windows, those without a bound above every value of the type."""
    if not last.null_count:
        return last
    types = pa.types
    plain = plain_type(last.type)
    if types.is_floating(plain):
        greatest = pa.scalar(float("inf"), pa.float64()).cast(last.type)
    elif types.is_large_string(plain):
        greatest = pa.scalar("\U0010ffff" * 64, last.type)
    elif types.is_large_binary(plain):
        greatest = pa.scalar(b"\xff" * 256, last.type)
    else:
        from assay.datasets.workload import array_of

        greatest = array_of([10**40], plain)[0].cast(last.type)
    return last.fill_null(greatest)
