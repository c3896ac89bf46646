"""Buckets by the bits of a hash: how many keys and rows each holds, beside what an ideal function gives.

Three ways from a hash h of b bits (64 of wider ones) to one of n buckets, each of which other bits decide:

    modulo   h % n, as `hash(column)` does; the lowest bits where n is a power of two
    high     floor(h n / 2^b): the highest bits, as multiply-shift, rings and ranges of tokens use them
    low      the same of the lower half of h: what is left where the upper half has chosen a shard or a block

Cost: a few ns a key. Source: METHODOLOGY, "Hash functions on your own keys"; Lemire 2019 (multiply-shift).
"""

from __future__ import annotations

import math

import numpy as np

from assay.experiments.chance import chi_squared_bounds, poisson_bounds
from assay.experiments.distinct import total
from assay.experiments.hashing.settings import Bits

__all__ = [
    "bucket_of",
    "collisions",
    "evenness",
    "evenness_bounds",
    "expected_collisions",
    "max_over_mean",
]

_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def bucket_of(words: np.ndarray, bits: Bits, width: int, n: int) -> np.ndarray:
    """The bucket of each hash (int64, shape of `words`).

    Args:
        words: The hashes, uint64, each below 2^width.
        bits: Which of their bits decide.
        width: How many bits they have, at most 64.
        n: The number of buckets, at most 2^32.

    >>> bucket_of(np.array([0, 2**63, 2**64 - 1], np.uint64), "high", 64, 10).tolist()
    [0, 5, 9]
    """
    if bits == "modulo":
        return (words % np.uint64(n)).astype(np.int64)
    if bits == "low":
        width //= 2
        words = words & np.uint64((1 << width) - 1)
    times = np.uint64(n)
    if width <= 32:
        return ((words * times) >> np.uint64(width)).astype(np.int64)
    words = words << np.uint64(64 - width)
    carried = ((words & _LOW) * times) >> _HALF  # of the 96-bit product
    return (((words >> _HALF) * times + carried) >> _HALF).astype(np.int64)


def evenness(counts: np.ndarray) -> float | None:
    """The unevenness of the buckets over that of an ideal function: sqrt(chi-squared / (n - 1)).

    It is the coefficient of variation of the counts over sqrt((n - 1) / m), m the keys. Below 1 is more even than
    chance. None without keys.
    """
    n, whole = len(counts), total(counts)
    if not whole:
        return None
    squares = sum(int(count) ** 2 for count in counts)
    return math.sqrt((n * squares - whole * whole) / (whole * (n - 1)))


def evenness_bounds(n: int) -> tuple[float, float]:
    """Between which numbers `evenness` of an ideal function lies, 999 times in 1,000."""
    low, high = chi_squared_bounds(n - 1)
    return math.sqrt(low / (n - 1)), math.sqrt(high / (n - 1))


def max_over_mean(counts: np.ndarray) -> float | None:
    """The fullest bucket over the mean; None if all are empty."""
    whole = total(counts)
    return int(counts.max()) * len(counts) / whole if whole else None


def collisions(hashes: np.ndarray) -> int:
    """The pairs of keys whose hashes are equal, from the hashes of distinct keys (shape (m,) or (m, bytes))."""
    if hashes.ndim == 2:
        hashes = np.ascontiguousarray(hashes).view(f"V{hashes.shape[1]}")[:, 0]
    ordered = np.sort(hashes)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if len(ordered) else np.array([])
    sizes = np.diff(np.append(starts, len(ordered)))
    return sum(int(size) * (int(size) - 1) // 2 for size in sizes[sizes > 1])


def expected_collisions(keys: int, width: int) -> tuple[float, int, int]:
    """The pairs that collide under an ideal function, m (m - 1) / 2^(b + 1), and the bounds that chance keeps to."""
    mean = keys * (keys - 1) / 2.0 ** (width + 1)
    return mean, *poisson_bounds(mean)
