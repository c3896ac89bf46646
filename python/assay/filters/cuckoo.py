"""Cuckoo filters of Arrow columns: keys can be taken out again.

Cost: 10.6 bits per key at a rate of 0.73 %; two cache misses at once per probe. Choose them where keys are removed and
their number is known. Source: Fan, Andersen, Kaminsky & Mitzenmacher 2014.
"""

from __future__ import annotations

import math
from typing import Any, NoReturn

from assay import _core
from assay.checks import integer
from assay.errors import ParameterError
from assay.filters.base import Filter, checked_count, checked_rate

__all__ = ["CuckooFilter"]

_SLOTS_PER_BUCKET = 4


class CuckooFilter(Filter):
    """A set of keys that come and go; build one with `CuckooFilter.build` or `CuckooFilter.from_bytes`.

    A call of `build`, `insert` or `remove` counts equal keys once; a key that is inserted by several calls is held
    as often, eight times at most, and must be removed as often. `key_count` counts the fingerprints held. One value is
    one key in every type that holds it. An insertion or removal waits for the probes.

    Source:
        `assay explain cuckoo`; METHODOLOGY.md, "Keys" and "Filters of fingerprints".
    """

    __slots__ = ()

    _native: _core.CuckooFilter
    _CORE = _core.CuckooFilter

    @classmethod
    def build(
        cls,
        keys: Any,
        *,
        false_positive_rate: float = 0.01,
        capacity: int | None = None,
        threads: int | None = None,
    ) -> CuckooFilter:
        """A filter that holds every key of a column; nulls are skipped, duplicates held once.

        Args:
            keys: Any Arrow column of shape (n,), chunked or not; see `assay.hash`.
            false_positive_rate: The share of absent keys that may be answered yes at capacity, 1.25e-4 to 0.5; picks
                fingerprints of 8, 10, 12, 14 or 16 bits.
            capacity: The number of keys to make room for; None means the distinct keys of the column.
            threads: At most so many threads hash and sort; None means all cores. The bits do not depend on it, nor on
                the order of the keys.

        Raises:
            ParameterError: A rate out of reach, more keys than the capacity, or too large a capacity.
            UnsupportedTypeError: The column's type cannot be a key.

        Source:
            Fan et al. 2014, "Cuckoo Filter: Practically Better Than Bloom".

        >>> import pyarrow as pa
        >>> f = CuckooFilter.build(pa.array(["a", "b", "b", None]), capacity=100)
        >>> f.insert(pa.array(["c"]))
        >>> f.remove(pa.array(["a"]))
        >>> f.contains(pa.array(["a", "b", "c", None])).to_pylist()
        [False, True, True, None]
        """
        room = checked_count("capacity", capacity)
        native = _core.CuckooFilter.build(
            keys, false_positive_rate=checked_rate(false_positive_rate), capacity=room, threads=threads
        )
        return cls._of(native)

    def insert(self, keys: Any, *, threads: int | None = None) -> None:
        """Adds the keys of a column, equal ones once; nulls are skipped. The size stays, so the rate grows.

        Args:
            keys: Any Arrow column of shape (n,).
            threads: At most so many threads hash and sort; None means all cores.

        Raises:
            ParameterError: There is no room for all of them; nothing was added, and nothing is lost.
            UnsupportedTypeError: The column's type cannot be a key.
        """
        self._native.insert(keys, threads=threads)

    def remove(self, keys: Any, *, threads: int | None = None) -> None:
        """Takes the keys of a column out, equal ones once; nulls are skipped.

        Remove only keys that were inserted: one that the filter surely does not hold is refused, but at the
        false-positive rate another key's fingerprint is taken for its own, and then that key is denied.

        Args:
            keys: Any Arrow column of shape (n,).
            threads: At most so many threads hash and sort; None means all cores.

        Raises:
            ParameterError: A key is not held; nothing was removed.
            UnsupportedTypeError: The column's type cannot be a key.
        """
        self._native.remove(keys, threads=threads)

    def __or__(self, other: object) -> NoReturn:
        """Refused: fingerprints of two filters do not fit one.

        Raises:
            ParameterError: Always.
        """
        raise ParameterError(
            "a CuckooFilter has no union: the keys of both need not fit one; insert the other's keys, or choose "
            "BloomFilter"
        )

    def _shape(self) -> str:
        return f"fingerprint_bits={self.fingerprint_bits} buckets={self._native.buckets}"

    @property
    def fingerprint_bits(self) -> int:
        """The width of a fingerprint."""
        return self._native.fingerprint_bits

    def false_positive_rate_at(self, keys: int) -> float:
        """The false-positive rate with so many keys held, by the formula of `expected_false_positive_rate`.

        Raises:
            ParameterError: `keys` is no count, or more than the filter has slots.
        """
        slots = _SLOTS_PER_BUCKET * self._native.buckets
        used = integer("keys", keys, 0, slots, f"a number of keys, 0 to the {slots} slots of the filter") / slots
        agree = (2**self.fingerprint_bits + 2) / 4**self.fingerprint_bits
        return -math.expm1(2 * _SLOTS_PER_BUCKET * used * math.log1p(-agree))

    @property
    def expected_false_positive_rate(self) -> float:
        """The probability that an absent key is answered yes, from the share of slots in use.

        With f bits, of which 0 is an empty slot, two fingerprints agree with probability q = (2^f + 2) / 2^2f; an
        absent key meets eight slots, in use with probability a: 1 - (1 - q)^(8 a).
        """
        return self._native.expected_false_positive_rate
