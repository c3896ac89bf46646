"""Binary fuse filters of Arrow columns: 9 bits per key at 0.39 %, the smallest that are as fast.

Cost: 9.0 bits per key with three slots and 8.6 with four at a rate of 2^-8, 18.0 and 17.2 at 2^-16; three cache misses
at once per probe. Choose them when all keys are known. Source: Graf & Lemire 2022 (arXiv 2201.01174).
"""

from __future__ import annotations

from typing import Any

from assay import _core
from assay.filters.base import checked_count
from assay.filters.fingerprints import BuiltOnceFilter, fingerprint_width

__all__ = ["BinaryFuseFilter"]


class BinaryFuseFilter(BuiltOnceFilter):
    """A set of keys in 9 bits each; build one with `BinaryFuseFilter.build` or `BinaryFuseFilter.from_bytes`.

    One value is one key in every type that holds it. `key_count` counts distinct keys.

    Source:
        `assay explain binary_fuse`; METHODOLOGY.md, "Keys" and "Filters of fingerprints".
    """

    __slots__ = ()

    _native: _core.BinaryFuseFilter
    _CORE = _core.BinaryFuseFilter

    @classmethod
    def build(
        cls,
        keys: Any,
        *,
        false_positive_rate: float | None = None,
        fingerprint_bits: int | None = None,
        arity: int = 3,
        threads: int | None = None,
    ) -> BinaryFuseFilter:
        """A filter that holds every key of a column; nulls are skipped, duplicates held once.

        Args:
            keys: Any Arrow column of shape (n,), chunked or not; see `assay.hash`.
            false_positive_rate: The share of absent keys that may be answered yes, at least 2^-16; picks 8 or 16 bits.
            fingerprint_bits: 8 (a rate of 0.39 %) or 16 (0.0015 %) instead; None and no rate means 8.
            arity: The slots of a key: 3, or 4 for 4 % less memory and slower probes.
            threads: At most so many threads; None means all cores. The bits do not depend on it, nor on the order of
                the keys. Beside the filter, building takes about 9 bytes per key.

        Raises:
            ParameterError: A rate, width or arity that there is not, or more than about 1.9 billion keys.
            UnsupportedTypeError: The column's type cannot be a key.

        Source:
            Graf & Lemire 2022, "Binary Fuse Filters: Fast and Smaller Than Xor Filters".

        >>> import pyarrow as pa
        >>> f = BinaryFuseFilter.build(pa.array(["a", "b", "b", None]))
        >>> f.contains(pa.array(["a", "c", None])).to_pylist(), len(f)
        ([True, False, None], 2)
        """
        checked_count("fingerprint_bits", fingerprint_bits)
        checked_count("arity", arity)
        width = fingerprint_width(cls.__name__, false_positive_rate, fingerprint_bits)
        return cls._of(_core.BinaryFuseFilter.build(keys, fingerprint_bits=width, arity=arity, threads=threads))

    def _shape(self) -> str:
        return f"fingerprint_bits={self.fingerprint_bits} arity={self.arity}"

    @property
    def fingerprint_bits(self) -> int:
        """The width of a fingerprint; absent keys are answered yes at 2 to the minus that."""
        return self._native.fingerprint_bits

    @property
    def arity(self) -> int:
        """The slots of a key."""
        return self._native.arity
