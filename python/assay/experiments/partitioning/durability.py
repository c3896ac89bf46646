"""The chance that nodes failing at once lose data: copysets counted, all failures tried, or failures drawn.

A copyset is a set of nodes that holds all copies of some key; data is lost if all its nodes are among
the failed. With k failed nodes drawn uniformly from n:

    k < copies      0
    k = copies      copysets / C(n, k)
    k = n           1
    k > copies      the share of the C(n, k) failures that cover a copyset, all tried if they are at most MOST_TRIED,
                    else estimated from DRAWN seeded draws

Cost: k passes over the failures where all sets of copies to k nodes can be tried; else a pass over the
copysets for each 65,536 failures, ended once all of these lose data. Source:
Cidon et al. 2013, "Copysets: Reducing the Frequency of Data Loss in Cloud Storage".
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations, islice

import numpy as np

from assay.intervals import rate_interval

__all__ = ["DRAWN", "MOST_TRIED", "Chance", "loss_chance"]

MOST_TRIED = 1_000_000
DRAWN = 20_000
SEED = 0

_CHUNK = 1 << 16  # failures at a time
_CELLS = 1 << 27  # failures × nodes at a time, in bits
_LOOK = 64  # copysets between looks whether all failures lose data already


@dataclass(frozen=True)
class Chance:
    """A chance; of an estimate with its exact 95 % interval (Clopper-Pearson), else without."""

    value: float
    low: float | None = None
    high: float | None = None


def loss_chance(copysets: np.ndarray, n: int, failed: int) -> Chance:
    """The chance that `failed` of n nodes, drawn without replacement, cover a copyset.

    Args:
        copysets: The distinct copysets, unsigned integers below n of shape (m, copies), m >= 1.
        n: The number of nodes.
        failed: How many fail, from 1 to n.
    """
    copies = copysets.shape[1]
    if failed < copies:
        return Chance(0.0)
    if failed == n:
        return Chance(1.0)
    if failed == copies:
        return Chance(len(copysets) / math.comb(n, copies))
    if copies == 1:
        return Chance(1 - math.comb(n - len(copysets), failed) / math.comb(n, failed))
    if max(math.comb(n, size) for size in range(copies, failed + 1)) <= MOST_TRIED:
        return Chance(_closed_upwards(copysets, n, failed) / math.comb(n, failed))
    if math.comb(n, failed) <= MOST_TRIED:
        lost = sum(_lost(copysets, contains, count) for contains, count in _all_failures(n, failed))
        return Chance(lost / math.comb(n, failed))
    lost = sum(_lost(copysets, contains, count) for contains, count in _drawn_failures(n, failed))
    return _interval(lost, DRAWN)


def _closed_upwards(copysets: np.ndarray, n: int, failed: int) -> int:
    """How many sets of `failed` nodes cover a copyset: a set is lost if it is one, or without one of its nodes is lost.

    Sets of one size are numbered by rank: c_1 < c_2 < ... has the rank C(c_1, 1) + C(c_2, 2) + ...
    """
    copies = copysets.shape[1]
    binomial = np.array([[math.comb(node, size) for size in range(failed + 1)] for node in range(n)])
    lost = np.zeros(math.comb(n, copies), bool)
    lost[_ranks(np.sort(copysets, axis=1), binomial)] = True
    for size in range(copies + 1, failed + 1):
        sets = np.fromiter(chain.from_iterable(combinations(range(n), size)), np.int16).reshape(-1, size)
        covered = np.zeros(len(sets), bool)
        for left_out in range(size):
            covered |= lost[_ranks(np.delete(sets, left_out, axis=1), binomial)]
        lost = np.empty_like(covered)
        lost[_ranks(sets, binomial)] = covered
    return int(lost.sum())


def _ranks(sets: np.ndarray, binomial: np.ndarray) -> np.ndarray:
    """The rank of each row, whose members ascend."""
    found = np.zeros(len(sets), np.int64)
    for place in range(sets.shape[1]):
        found += binomial[sets[:, place], place + 1]
    return found


def _lost(copysets: np.ndarray, contains: np.ndarray, count: int) -> int:
    """How many of `count` failures cover a copyset; `contains` has for each node the failures that it is part of."""
    lost = np.zeros(contains.shape[1], np.uint8)
    full = np.packbits(np.ones(count, np.uint8))
    for start in range(0, len(copysets), _LOOK):
        covered = np.bitwise_and.reduce(contains[copysets[start : start + _LOOK]], axis=1)
        lost |= np.bitwise_or.reduce(covered, axis=0)
        if np.array_equal(lost, full):
            break
    return int(np.bitwise_count(lost).sum())


def _all_failures(n: int, failed: int) -> Iterator[tuple[np.ndarray, int]]:
    """All sets of fewer than n nodes that may fail, in chunks: packed bits for each node, and their number."""
    named = min(failed, n - failed)  # the smaller of a set and its complement
    sets = combinations(range(n), named)
    chunk = max(8, min(_CHUNK, _CELLS // n))
    while True:
        flat = np.fromiter(chain.from_iterable(islice(sets, chunk)), np.int64)
        count = len(flat) // named
        if not count:
            return
        part = np.zeros((n, count), np.uint8)
        part[flat, np.repeat(np.arange(count), named)] = 1
        yield np.packbits(part if named == failed else 1 - part, axis=1), count


def _drawn_failures(n: int, failed: int) -> Iterator[tuple[np.ndarray, int]]:
    """`DRAWN` seeded sets, in chunks as `_all_failures` has them; Floyd's sampling without replacement."""
    generator = np.random.Generator(np.random.PCG64(SEED))
    chunk = max(8, min(_CHUNK, _CELLS // n))
    for start in range(0, DRAWN, chunk):
        count = min(chunk, DRAWN - start)
        part = np.zeros((n, count), np.uint8)
        each = np.arange(count)
        for last in range(n - failed, n):
            drawn = generator.integers(0, last + 1, count)
            part[np.where(part[drawn, each], last, drawn), each] = 1
        yield np.packbits(part, axis=1), count


def _interval(lost: int, drawn: int) -> Chance:
    """The share of draws that lose data, with its exact interval."""
    return Chance(lost / drawn, *rate_interval(lost, drawn))
