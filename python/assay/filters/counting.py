"""Counting Bloom filters: a counter of 4 bits in place of each bit, so that keys can be removed.

Cost: four times the bits of a standard Bloom filter (38 per key at 1 %). Choose it where keys come and go. Source: Fan,
Cao, Almeida, Broder 2000, "Summary Cache"; `assay explain counting`.
"""

from __future__ import annotations

from typing import Any

from assay import _core
from assay.filters.base import GrowingFilter, checked_count, checked_rate
from assay.filters.bloom import BloomFilter

__all__ = ["CountingBloomFilter"]


class CountingBloomFilter(GrowingFilter):
    """A set of keys, each as often as it was inserted, that keys can be removed from.

    Two of one size and type of keys are joined by `|`: counters are added, so a key is held as often as in both
    together. A counter that has reached 15 stays there, since nobody knows how many keys it stands for;
    `saturated_count` says how many have. A filter never denies a key it holds. `key_count` counts insertions less
    removals.

    Source:
        `assay explain counting`; Fan et al. 2000.
    """

    __slots__ = ()

    _native: _core.CountingBloomFilter
    _CORE = _core.CountingBloomFilter

    @classmethod
    def build(
        cls, keys: Any, *, false_positive_rate: float = 0.01, capacity: int | None = None, threads: int | None = None
    ) -> CountingBloomFilter:
        """A filter that holds every key of a column as often as it occurs; nulls are skipped.

        Args:
            keys: Any Arrow column of shape (n,), chunked or not; see `assay.hash`.
            false_positive_rate: The share of absent keys that may be answered yes when the filter holds `capacity`
                distinct keys, 1e-12 to 0.5.
            capacity: The number of distinct keys to make room for; None means the keys of the column that are not null,
                duplicates counted.
            threads: At most so many threads; None means all cores. The counters do not depend on it.

        Raises:
            ParameterError: A rate or a size is out of bounds.
            UnsupportedTypeError: The column's type cannot be a key.

        >>> import pyarrow as pa
        >>> f = CountingBloomFilter.build(pa.array(["a", "b", "b"]))
        >>> f.remove(pa.array(["a", "b"]))
        >>> f.contains(pa.array(["a", "b"])).to_pylist()
        [False, True]
        """
        native = _core.CountingBloomFilter.build(
            keys,
            false_positive_rate=checked_rate(false_positive_rate),
            capacity=checked_count("capacity", capacity),
            threads=threads,
        )
        return cls._of(native)

    def remove(self, keys: Any) -> None:
        """Removes the keys of a column, each as often as it occurs there; nulls are skipped.

        Remove only what was inserted. A key that the filter surely does not hold is refused and nothing is removed; one
        that it holds by mistake (a false positive) cannot be told, and its removal would take other keys' counts. Runs
        on one thread.

        Args:
            keys: Any Arrow column of shape (n,).

        Raises:
            ParameterError: A key is not held, or not as often as it is to be removed; nothing was removed.
            UnsupportedTypeError: The column's type cannot be a key.
        """
        self._native.remove(keys)

    def to_bloom(self) -> BloomFilter:
        """The Bloom filter of layout `standard` of the keys that are held now: a quarter of the bytes, no removal.

        As long as no counter is saturated, it is bit for bit what `BloomFilter.build(..., layout="standard")` makes of
        these keys with the same capacity and rate.
        """
        return BloomFilter._of(self._native.to_bloom())

    def _shape(self) -> str:
        return f"counter_count={self.counter_count} probes={self.probes}"

    @property
    def counter_count(self) -> int:
        """The number of counters."""
        return self._native.counter_count

    @property
    def saturated_count(self) -> int:
        """The number of counters that have reached 15 and stay there."""
        return self._native.saturated_count

    @property
    def probes(self) -> int:
        """The number of counters that a probe looks at."""
        return self._native.probes
