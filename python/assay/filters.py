"""Bloom filters of Arrow columns: a set in a few bits per key, that never denies a key it holds.

A filter answers "surely not" or "perhaps", and is wrong about an absent key at a rate that is
chosen when it is built. Two layouts: `split_block` is Parquet's, bit for bit, and touches one cache
line per key; `standard` takes the fewest bits and hashes canonical bytes, so that int32 and int64,
text and its views agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from assay import _core
from assay.errors import ParameterError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BloomFilter"]

Layout = Literal["split_block", "standard"]

_LIMIT = 2**64


def _count(name: str, value: int | None) -> int | None:
    """`value` if it is a count that fits 64 bits; ParameterError otherwise."""
    if value is not None and not 0 <= value < _LIMIT:
        raise ParameterError(f"{name} is {value}; expected 1 or more")
    return value


class BloomFilter:
    """A set of keys in a few bits each; build one with `BloomFilter.build` or `BloomFilter.from_bytes`.

    Filters of one layout, size and type of keys are joined by `|`. They compare by their bits, can
    be pickled, and may be probed by many threads at once; an insertion waits for the probes.

    Source:
        `assay explain split_block`, `assay explain standard`; METHODOLOGY.md, "Keys".
    """

    __slots__ = ("_native",)

    _native: _core.BloomFilter

    def __init__(self) -> None:
        raise TypeError("a filter is made by BloomFilter.build(keys) or BloomFilter.from_bytes(data)")

    @classmethod
    def _of(cls, native: _core.BloomFilter) -> BloomFilter:
        made = object.__new__(cls)
        made._native = native
        return made

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
            block_count=_count("block_count", block_count),
            capacity=_count("capacity", capacity),
            threads=threads,
        )
        return cls._of(native)

    @classmethod
    def from_bytes(cls, data: Any) -> BloomFilter:
        """The filter that `to_bytes` wrote, on any machine.

        Args:
            data: Any contiguous bytes-like object.

        Raises:
            DataError: The bytes are no filter, are truncated or too long, have changed, or are of a
                newer version. Nothing is allocated beyond their own length.
        """
        return cls._of(_core.BloomFilter.from_bytes(data))

    def contains(self, keys: Any, *, threads: int | None = None) -> pa.BooleanArray:
        """Whether the filter may hold each key: false is certain, true may be wrong.

        Args:
            keys: Any Arrow column of shape (n,). In `split_block`, keys of another type than the
                filter's are cast to it exactly (7 as int64, double or decimal is 7; text and binary
                are their bytes); a key without an exact value there is absent. 0.0 and -0.0 are one
                key; a NaN is its bits.
            threads: At most so many threads; None means all cores.

        Returns:
            A pyarrow BooleanArray of shape (n,). Null in, null out.

        Raises:
            UnsupportedTypeError: The column's type cannot be a key.
        """
        return self._native.contains(keys, threads=threads)

    def insert(self, keys: Any, *, threads: int | None = None) -> None:
        """Adds the keys of a column; nulls are skipped. The size stays, so the rate grows.

        Args:
            keys: Any Arrow column; in `split_block` every key must have an exact value in the filter's
                type.
            threads: At most so many threads; None means all cores.

        Raises:
            UnsupportedTypeError: A key has no exact value in the filter's type; nothing was added.
        """
        self._native.insert(keys, threads=threads)

    def copy(self) -> BloomFilter:
        """A filter of its own with the same bits."""
        return self._of(self._native.copy())

    def to_bytes(self) -> bytes:
        """The stored form: portable, versioned, with a checksum.

        Little-endian throughout: magic `assaybf\\0`, version (u16, 1), layout (u8: 1 standard, 2
        split_block), a zero, probes (u32), the type of the keys (8 bytes), size (u64: bits or
        blocks), keys inserted (u64); from byte 40 the bits (of `split_block` Parquet's bitset); last
        the XXH3_64 of all that (u64).
        """
        return self._native.to_bytes()

    def __or__(self, other: object) -> BloomFilter:
        """The filter that holds the keys of both: what one build of all keys at this size gives.

        Raises:
            ParameterError: The two differ in layout, size or type of keys.
        """
        if not isinstance(other, BloomFilter):
            return NotImplemented
        return self._of(self._native.union(other._native))

    def __eq__(self, other: object) -> bool:
        """Whether both have the same bits, layout, type of keys and number of insertions."""
        if not isinstance(other, BloomFilter):
            return NotImplemented
        return self._native.equals(other._native)

    __hash__ = None  # type: ignore[assignment]  # it can change

    def __contains__(self, key: object) -> bool:
        """Whether the filter may hold one Python value; None is never held. Slow: probe columns."""
        import pyarrow as pa

        return bool(self.contains(pa.array([key]), threads=1)[0].as_py())

    def __len__(self) -> int:
        """The number of keys inserted, duplicates counted, nulls not."""
        return self.keys_inserted

    def __reduce__(self) -> tuple[Any, ...]:
        return (BloomFilter.from_bytes, (self.to_bytes(),))

    def __repr__(self) -> str:
        size = f"block_count={self.block_count}" if self.block_count is not None else f"bits={self._native.bits}"
        return (
            f"<BloomFilter layout={self.layout!r} {size} memory_bytes={self.memory_bytes} "
            f"keys_inserted={self.keys_inserted} key_type={self.key_type!r}>"
        )

    @property
    def layout(self) -> Layout:
        """`split_block` or `standard`."""
        found: Layout = "standard" if self._native.layout == "standard" else "split_block"
        return found

    @property
    def key_type(self) -> str:
        """The type of the column that the filter was built on, as pyarrow prints it (large and view types as
        their plain kind, a dictionary as its values, a timestamp without its zone)."""
        return self._native.key_type

    @property
    def block_count(self) -> int | None:
        """The number of blocks of 256 bits; None for `standard`, which has none."""
        return self._native.block_count

    @property
    def probes(self) -> int:
        """The number of bits that a probe looks at."""
        return self._native.probes

    @property
    def memory_bytes(self) -> int:
        """The bytes of the bits."""
        return self._native.memory_bytes

    @property
    def keys_inserted(self) -> int:
        """The number of keys inserted, duplicates counted, nulls not."""
        return self._native.keys_inserted

    @property
    def bits_per_key(self) -> float | None:
        """Bits of the filter over keys inserted; None without keys."""
        return self._native.bits / self.keys_inserted if self.keys_inserted else None

    @property
    def expected_false_positive_rate(self) -> float:
        """The probability that a key with a random hash is answered yes, from the bits that are set.

        `standard`: (set bits / m)^k. `split_block`: the mean over blocks of the product over their
        eight words of (set bits / 32). Over m absent keys the measured rate is binomial around it,
        with a standard error of sqrt(p (1 - p) / m). Reads all bits.
        """
        return self._native.expected_false_positive_rate
