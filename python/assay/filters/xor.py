"""Xor filters of Arrow columns: 9.84 bits per key at 0.39 %.

Cost: 9.84 bits per key at a rate of 2^-8, 19.7 at 2^-16; three cache misses at once per probe. Choose them to compare
with: binary fuse filters are smaller and built faster. Source: Graf & Lemire 2020 (arXiv 1912.08258).
"""

from __future__ import annotations

from typing import Any

from assay import _core
from assay.filters.base import checked_count
from assay.filters.fingerprints import BuiltOnceFilter, fingerprint_width

__all__ = ["XorFilter"]


class XorFilter(BuiltOnceFilter):
    """A set of keys in 9.84 bits each; build one with `XorFilter.build` or `XorFilter.from_bytes`.

    One value is one key in every type that holds it. `key_count` counts distinct keys.

    Source:
        `assay explain xor`; METHODOLOGY.md, "Keys" and "Filters of fingerprints".
    """

    __slots__ = ()

    _native: _core.XorFilter
    _CORE = _core.XorFilter

    @classmethod
    def build(
        cls,
        keys: Any,
        *,
        false_positive_rate: float | None = None,
        fingerprint_bits: int | None = None,
        threads: int | None = None,
    ) -> XorFilter:
        """A filter that holds every key of a column; nulls are skipped, duplicates held once.

        Args:
            keys: Any Arrow column of shape (n,), chunked or not; see `assay.hash`.
            false_positive_rate: The share of absent keys that may be answered yes, at least 2^-16; picks 8 or 16 bits.
            fingerprint_bits: 8 (a rate of 0.39 %) or 16 (0.0015 %) instead; None and no rate means 8.
            threads: At most so many threads; None means all cores. The bits do not depend on it, nor on the order of
                the keys. Beside the filter, building takes about 20 bytes per key.

        Raises:
            ParameterError: A rate or width that there is not, or more than about 1.7 billion keys.
            UnsupportedTypeError: The column's type cannot be a key.

        Source:
            Graf & Lemire 2020, "Xor Filters: Faster and Smaller Than Bloom and Cuckoo Filters".

        >>> import pyarrow as pa
        >>> f = XorFilter.build(pa.array(["a", "b", "b", None]))
        >>> f.contains(pa.array(["a", "c", None])).to_pylist(), len(f)
        ([True, False, None], 2)
        """
        checked_count("fingerprint_bits", fingerprint_bits)
        width = fingerprint_width(cls.__name__, false_positive_rate, fingerprint_bits)
        return cls._of(_core.XorFilter.build(keys, fingerprint_bits=width, threads=threads))

    def _shape(self) -> str:
        return f"fingerprint_bits={self.fingerprint_bits}"

    @property
    def fingerprint_bits(self) -> int:
        """The width of a fingerprint; absent keys are answered yes at 2 to the minus that."""
        return self._native.fingerprint_bits
