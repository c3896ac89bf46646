"""A histogram of whole numbers over many orders of magnitude, each kept to the same relative precision.

Buckets are linear within an octave and double from octave to octave: with b precision bits, a bucket is
never wider than 2**-b of its values, so that a percentile is off by at most that share. Numbers below
2**(b + 1) have a bucket of their own. Histograms of the same precision are added by adding counts, in any
order, with the same result as one over all numbers.

Cost: O(1) to add; memory by the buckets that are used, about 2**b an octave. Choose it for latencies, whose
tail a minimum or a median hides. Source: Tene, "HdrHistogram: A High Dynamic Range Histogram" (the layout).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from assay.errors import ParameterError

__all__ = ["PRECISION_BITS", "Histogram"]

PRECISION_BITS = 7  # buckets of at most 1/128 of their values


class Histogram:
    """Counts of whole numbers >= 0 by log-linear bucket.

    Args:
        precision_bits: b: a bucket is at most 2**-b of its values wide; from 1 to 14.

    >>> latencies = Histogram()
    >>> latencies.add_all([100, 200, 300, 100_000])
    >>> latencies.percentile(50), latencies.count
    (200, 4)
    """

    def __init__(self, precision_bits: int = PRECISION_BITS) -> None:
        if not 1 <= precision_bits <= 14:
            raise ParameterError(f"precision_bits is {precision_bits}; expected 1 to 14")
        self.precision_bits = precision_bits
        self._counts: Counter[int] = Counter()

    @classmethod
    def of_counts(cls, counts: Mapping[int, int], precision_bits: int = PRECISION_BITS) -> Histogram:
        """The histogram whose buckets, by number, hold these counts."""
        made = cls(precision_bits)
        made._counts.update({int(bucket): int(count) for bucket, count in counts.items() if count})
        return made

    def add(self, value: int, count: int = 1) -> None:
        """Counts `value` `count` times.

        Raises:
            ParameterError: The value is negative.
        """
        if value < 0:
            raise ParameterError(f"a histogram takes whole numbers from 0; {value} is negative")
        self._counts[bucket_of(int(value), self.precision_bits)] += count

    def add_all(self, values: Iterable[int] | npt.NDArray[np.int64]) -> None:
        """Counts every value once."""
        for value in values:
            self.add(int(value))

    def merge(self, other: Histogram) -> Histogram:
        """A new histogram of the numbers of both.

        Raises:
            ParameterError: Their precisions differ.
        """
        if other.precision_bits != self.precision_bits:
            raise ParameterError(
                f"histograms of {self.precision_bits} and {other.precision_bits} precision bits cannot be added; "
                "expected the same"
            )
        return Histogram.of_counts(self._counts + other._counts, self.precision_bits)

    @property
    def count(self) -> int:
        """How many numbers were counted."""
        return self._counts.total()

    @property
    def buckets(self) -> dict[int, int]:
        """The counts of the buckets that are not empty, by their number, ascending."""
        return dict(sorted(self._counts.items()))

    def bounds(self) -> list[tuple[int, int]]:
        """The least and the greatest whole number of each bucket that is not empty, ascending."""
        return [bucket_bounds(bucket, self.precision_bits) for bucket in self.buckets]

    def percentile(self, percent: float) -> int:
        """The nearest-rank percentile, up to the width of its bucket: its middle, rounded down.

        At least `percent` of the numbers are at most the bucket's greatest.

        Raises:
            ParameterError: `percent` is not within 0 and 100, or nothing was counted.
        """
        if not 0 <= percent <= 100:
            raise ParameterError(f"the percentile is {percent}; expected 0 to 100")
        if not self._counts:
            raise ParameterError("the histogram is empty, so that it has no percentiles; add a number first")
        rank = self.rank(percent)
        buckets = self.buckets
        place = next(place for place, seen in enumerate(accumulate(buckets.values())) if seen >= rank)
        low, high = bucket_bounds(list(buckets)[place], self.precision_bits)
        return (low + high) // 2

    def rank(self, percent: float) -> int:
        """The place, from 1, of the percentile among the numbers in ascending order."""
        return max(1, math.ceil(round(percent * self.count / 100, 6)))  # 99.9 % of 1000 is 999, whatever the binary

    def beyond(self, percent: float) -> int:
        """How many numbers stand behind the percentile: with few of them it rests on little."""
        return self.count - self.rank(percent)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Histogram):
            return NotImplemented
        return (self.precision_bits, self.buckets) == (other.precision_bits, other.buckets)

    def __repr__(self) -> str:
        return f"Histogram(count={self.count}, precision_bits={self.precision_bits})"


def bucket_of(value: int, bits: int) -> int:
    """The number of the bucket that holds `value`.

    >>> [bucket_of(value, 1) for value in range(10)]
    [0, 1, 2, 3, 4, 4, 5, 5, 6, 6]
    """
    shift = max(0, value.bit_length() - bits - 1)
    return (shift << bits) + (value >> shift)


def bucket_bounds(bucket: int, bits: int) -> tuple[int, int]:
    """The least and the greatest whole number in a bucket."""
    shift = max(0, (bucket >> bits) - 1)
    low = (bucket - (shift << bits)) << shift
    return low, low + (1 << shift) - 1
