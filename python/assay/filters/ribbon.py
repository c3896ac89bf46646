"""Ribbon filters of Arrow columns: the fewest bits per key, for any width.

Cost: about 1.01 r bits per key at a rate of 2^-r, r from 1 to 32; a few neighbouring cache lines per probe. Choose them
where bits are dear and all keys are known; binary fuse filters are faster. Source: Dillinger, Hübschle-Schneider,
Sanders & Walzer 2022 (arXiv 2109.01892).
"""

from __future__ import annotations

from typing import Any

from assay import _core
from assay.filters.base import checked_count
from assay.filters.fingerprints import BuiltOnceFilter, fingerprint_width

__all__ = ["RibbonFilter"]


class RibbonFilter(BuiltOnceFilter):
    """A set of keys in hardly more than a bit for each halving of the rate; build one with `RibbonFilter.build` or
    `RibbonFilter.from_bytes`.

    One value is one key in every type that holds it. `key_count` counts distinct keys.

    Source:
        `assay explain ribbon`; METHODOLOGY.md, "Keys" and "Filters of fingerprints".
    """

    __slots__ = ()

    _native: _core.RibbonFilter
    _CORE = _core.RibbonFilter

    @classmethod
    def build(
        cls,
        keys: Any,
        *,
        false_positive_rate: float | None = None,
        fingerprint_bits: int | None = None,
        threads: int | None = None,
    ) -> RibbonFilter:
        """A filter that holds every key of a column; nulls are skipped, duplicates held once.

        Args:
            keys: Any Arrow column of shape (n,), chunked or not; see `assay.hash`.
            false_positive_rate: The share of absent keys that may be answered yes, at least 2^-32; picks the fewest
                bits that keep it: 7 (a rate of 0.78 %) for 0.01.
            fingerprint_bits: 1 (a rate of 50 %) to 32 instead; None and no rate means 8.
            threads: At most so many threads; None means all cores. The bits do not depend on it, nor on the order of
                the keys. Beside the filter, building takes about 9 bytes per key.

        Raises:
            ParameterError: A rate or width that there is not, or more than 2^31 keys.
            UnsupportedTypeError: The column's type cannot be a key.

        Source:
            Dillinger et al. 2022, "Fast Succinct Retrieval and Approximate Membership Using Ribbon".

        >>> import pyarrow as pa
        >>> f = RibbonFilter.build(pa.array(["a", "b", "b", None]), false_positive_rate=0.001)
        >>> f.contains(pa.array(["a", "c", None])).to_pylist(), len(f), f.fingerprint_bits
        ([True, False, None], 2, 10)
        """
        checked_count("fingerprint_bits", fingerprint_bits)
        width = fingerprint_width(cls.__name__, false_positive_rate, fingerprint_bits, range(1, 33))
        return cls._of(_core.RibbonFilter.build(keys, fingerprint_bits=width, threads=threads))

    def _shape(self) -> str:
        return f"fingerprint_bits={self.fingerprint_bits}"

    @property
    def fingerprint_bits(self) -> int:
        """The width of a fingerprint; absent keys are answered yes at 2 to the minus that."""
        return self._native.fingerprint_bits
