"""Bloom filters of Arrow columns, in every layout of their bits.

`split_block` is Parquet's, bit for bit, and touches one cache line per key; `blocked_512` does so too, takes fewer bits
and hashes canonical bytes, so that int32 and int64, text and its views agree; `standard` takes the fewest bits and
reaches any rate. Cost: 9.6 to 10.5 bits per key at 1 %, a few nanoseconds per key. Source: Bloom 1970; `assay explain
split_block`, `blocked_512`, `standard`.
"""

from __future__ import annotations

from typing import Any, Literal

from assay import _core
from assay.checks import name_of
from assay.filters.base import GrowingFilter, checked_count, checked_rate

__all__ = ["BloomFilter"]

Layout = Literal["split_block", "standard", "blocked_512"]


class BloomFilter(GrowingFilter):
    """A set of keys in a few bits each; build one with `BloomFilter.build` or `BloomFilter.from_bytes`.

    Filters of one layout, size and type of keys are joined by `|`: the result is what one build of all keys at this
    size gives. In `split_block`, keys of another type than the filter's are cast to it exactly (7 as int64, double or
    decimal is 7; text and binary are their bytes); a key without an exact value there is absent, and cannot be
    inserted. 0.0 and -0.0 are one key; a NaN is its bits. `key_count` counts insertions, duplicates too.

    Source:
        `assay explain split_block`, `blocked_512`, `standard`; METHODOLOGY.md, "Keys" and "False-positive rates".
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
                exact mixture over the loads of blocks. `blocked_512`: 1e-5 to 0.5, by its own. `standard`:
                1e-12 to 0.5.
            layout: `split_block` (Parquet's), `blocked_512` (k bits of one cache line) or `standard` (k bits
                anywhere).
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
            Apache Parquet, BloomFilter.md (split_block); Putze et al. 2007 (blocked_512); Bloom 1970 (standard).

        >>> import pyarrow as pa
        >>> f = BloomFilter.build(pa.array(["a", "b", None]))
        >>> f.contains(pa.array(["a", "c", None])).to_pylist()
        [True, False, None]
        """
        native = _core.BloomFilter.build(
            keys,
            false_positive_rate=checked_rate(false_positive_rate),
            layout=name_of("layout", layout, 'a layout, such as "split_block"'),
            block_count=checked_count("block_count", block_count),
            capacity=checked_count("capacity", capacity),
            threads=threads,
        )
        return cls._of(native)

    @classmethod
    def from_parquet(cls, source: Any, column: str, *, row_group: int = 0) -> BloomFilter:
        """The filter that a Parquet file keeps for a column of one row group; only the filter is read.

        Args:
            source: A path, or an open file that can seek, or a pyarrow buffer of the whole file.
            column: The column's name; a nested one by its path with dots, as `pyarrow.parquet` shows it.
            row_group: The row group's number, from 0.

        Returns:
            A filter of layout `split_block` in the column's own type; `key_count` is the number of values that are not
            null, as far as the file says.

        Raises:
            DataError: There is no Parquet file, it is damaged, or the chunk has no filter.
            ParameterError: There is no such row group.
            UnknownNameError: There is no such column.
            UnsupportedTypeError: The column's type has no keys here (INT96, BOOLEAN).

        Source:
            Apache Parquet, BloomFilter.md.
        """
        from assay.filters.parquet import read_filter

        return cls._of(read_filter(source, column, row_group))

    def _shape(self) -> str:
        size = f"block_count={self.block_count}" if self.block_count is not None else f"bits={self._native.bits}"
        return f"layout={self.layout!r} {size}"

    @property
    def layout(self) -> Layout:
        """`split_block`, `blocked_512` or `standard`."""
        found: Layout = self._native.layout  # type: ignore[assignment]  # one of these three
        return found

    @property
    def block_count(self) -> int | None:
        """The number of blocks, of 256 bits in `split_block` and of 512 in `blocked_512`; None for `standard`."""
        return self._native.block_count

    @property
    def probes(self) -> int:
        """The number of bits that a probe looks at."""
        return self._native.probes

    @property
    def expected_false_positive_rate(self) -> float:
        """The probability that a key with a random hash is answered yes, from the bits that are set.

        `standard`: (set bits / m)^k. `split_block`: the mean over blocks of the product over their
        eight words of (set bits / 32). `blocked_512`: the mean over lines of (set bits / 512)^k. Over m
        absent keys the measured rate is binomial around it, with a standard error of sqrt(p (1 - p) / m).
        Reads all bits.
        """
        return self._native.expected_false_positive_rate
