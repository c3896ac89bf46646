"""Bloom filters of Arrow columns, in every layout of their bits.

`split_block` is Parquet's, bit for bit, and touches one cache line per key; `standard` takes the fewest bits and hashes
canonical bytes, so that int32 and int64, text and its views agree. Cost: 9.6 to 10.5 bits per key at 1 %, a few
nanoseconds per key. Source: Bloom 1970; `assay explain split_block`, `assay explain standard`.
"""

from __future__ import annotations

from typing import Any, Literal

from assay import _core
from assay.filters.base import GrowingFilter, checked_count

__all__ = ["BloomFilter"]

Layout = Literal["split_block", "standard"]


class BloomFilter(GrowingFilter):
    """A set of keys in a few bits each; build one with `BloomFilter.build` or `BloomFilter.from_bytes`.

    Filters of one layout, size and type of keys are joined by `|`: the result is what one build of all keys at this
    size gives. In `split_block`, keys of another type than the filter's are cast to it exactly (7 as int64, double or
    decimal is 7; text and binary are their bytes); a key without an exact value there is absent, and cannot be
    inserted. 0.0 and -0.0 are one key; a NaN is its bits. `key_count` counts insertions, duplicates too.

    Source:
        `assay explain split_block`, `assay explain standard`; METHODOLOGY.md, "Keys".
    """

    __slots__ = ()

    _native: _core.BloomFilter
    _CORE = _core.BloomFilter

    @classmethod
    def build(
        cls,
        keys: Any,
        *,
        false_positive_rate: float = 0.01,
        layout: Layout = "split_block",
        block_count: int | None = None,
        capacity: int | None = None,
        threads: int | None = None,
    ) -> BloomFilter:
        """A filter that holds every key of a column; nulls are skipped.

        Args:
            keys: Any Arrow column of shape (n,), chunked or not; see `assay.hash`. Its type stays
                with the filter.
            false_positive_rate: The share of absent keys that may be answered yes when the filter
                holds `capacity` distinct keys. `split_block`: above 1e-6 and at most 0.5, sized by the
                exact mixture over the loads of blocks. `standard`: 1e-12 to 0.5.
            layout: `split_block` (Parquet's) or `standard` (k bits anywhere).
            block_count: The size in blocks of 256 bits instead, to match an existing filter; only for
                `split_block`, and not together with `capacity`.
            capacity: The number of distinct keys to make room for; None means the keys of the column
                that are not null, duplicates counted.
            threads: At most so many threads; None means all cores. The bits do not depend on it.

        Returns:
            The filter; its size is `memory_bytes`.

        Raises:
            ParameterError: A rate that the layout cannot keep in a sane size, or sizes out of bounds.
            UnsupportedTypeError: The column's type cannot be a key, or is bool in `split_block`.
            UnknownNameError: There is no such layout.

        Source:
            Apache Parquet, BloomFilter.md (split_block); Bloom 1970 (standard).

        >>> import pyarrow as pa
        >>> f = BloomFilter.build(pa.array(["a", "b", None]))
        >>> f.contains(pa.array(["a", "c", None])).to_pylist()
        [True, False, None]
        """
        native = _core.BloomFilter.build(
            keys,
            false_positive_rate=false_positive_rate,
            layout=layout,
            block_count=checked_count("block_count", block_count),
            capacity=checked_count("capacity", capacity),
            threads=threads,
        )
        return cls._of(native)

    def _shape(self) -> str:
        size = f"block_count={self.block_count}" if self.block_count is not None else f"bits={self._native.bits}"
        return f"layout={self.layout!r} {size}"

    @property
    def layout(self) -> Layout:
        """`split_block` or `standard`."""
        found: Layout = "standard" if self._native.layout == "standard" else "split_block"
        return found

    @property
    def block_count(self) -> int | None:
        """The number of blocks of 256 bits; None for `standard`, which has none."""
        return self._native.block_count

    @property
    def probes(self) -> int:
        """The number of bits that a probe looks at."""
        return self._native.probes

    @property
    def expected_false_positive_rate(self) -> float:
        """The probability that a key with a random hash is answered yes, from the bits that are set.

        `standard`: (set bits / m)^k. `split_block`: the mean over blocks of the product over their
        eight words of (set bits / 32). Over m absent keys the measured rate is binomial around it,
        with a standard error of sqrt(p (1 - p) / m). Reads all bits.
        """
        return self._native.expected_false_positive_rate
