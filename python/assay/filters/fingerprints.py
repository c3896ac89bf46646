"""What filters of fingerprints share: the width from the rate, and why they do not grow.

A fingerprint of b bits agrees with that of an absent key once in 2^b. The filters here are built once, from all keys:
their slots are solved together, so nothing can be added, and two of them have no union but the filter of both columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from assay.errors import ParameterError
from assay.filters.base import Filter, checked_rate

__all__ = ["BuiltOnceFilter", "fingerprint_width"]


def fingerprint_width(
    name: str, false_positive_rate: float | None, fingerprint_bits: int | None, widths: Sequence[int] = (8, 16)
) -> int:
    """The least of some widths of a fingerprint, ascending, that keeps a rate; 8 if nothing is asked.

    Raises:
        ParameterError: Both are given, or the rate is out of reach.
    """
    if false_positive_rate is None:
        return 8 if fingerprint_bits is None else fingerprint_bits
    if fingerprint_bits is not None:
        raise ParameterError(
            f"false_positive_rate is {false_positive_rate} and fingerprint_bits is {fingerprint_bits}; expected one of "
            "them: b bits keep a rate of 2^-b"
        )
    rate = checked_rate(false_positive_rate)
    for bits in widths:
        if 2.0**-bits <= rate < 1:
            return bits
    joined = "or" if len(widths) == 2 else "to"
    raise ParameterError(
        f"false_positive_rate is {false_positive_rate}; expected {2.0 ** -widths[-1]:.3g} or more and less than 1 for "
        f"a {name}, whose fingerprints have {widths[0]} {joined} {widths[-1]} bits; for less, choose BloomFilter with "
        'layout="standard"'
    )


class BuiltOnceFilter(Filter):
    """A filter whose slots are solved from all keys at once; it holds duplicates once and cannot change."""

    __slots__ = ()

    def insert(self, keys: Any, *, threads: int | None = None) -> NoReturn:
        """Refused: one key more would change the slots of others.

        Raises:
            ParameterError: Always.
        """
        raise ParameterError(
            f"a {type(self).__name__} is built once from all keys, and one more would change the slots of others; "
            "build it anew from all keys, or choose CuckooFilter or BloomFilter, which grow"
        )

    def __or__(self, other: object) -> NoReturn:
        """Refused: two solved sets of slots do not join.

        Raises:
            ParameterError: Always.
        """
        raise ParameterError(
            f"a {type(self).__name__} has no union: its slots are solved from all keys at once; build one from both "
            "columns, or choose BloomFilter"
        )
