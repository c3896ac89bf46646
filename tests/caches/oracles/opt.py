"""OPT, after Belady 1966, and the least that any cache can miss, by trying everything."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache


class Opt:
    """It knows the keys to come: the object whose next use is farthest away goes; never again: the latest first."""

    def __init__(self, capacity: int, keys: Sequence[int], *, bypass: bool = False) -> None:
        self.capacity, self.keys, self.bypass = capacity, list(keys), bypass
        self.sizes: dict[int, int] = {}
        self.last: dict[int, int] = {}
        self.now = -1

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(self.sizes.values())

    def next_use(self, key: int) -> float:
        """The number of the next request for it."""
        later = self.keys[self.now + 1 :]
        return self.now + 1 + later.index(key) if key in later else math.inf

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        self.now += 1
        assert self.keys[self.now] == key
        hit = key in self.sizes
        if not hit and size <= self.capacity:
            full = self.used + size > self.capacity
            farthest = max((self.next_use(other) for other in self.sizes), default=0)
            if self.bypass and full and (self.next_use(key) == math.inf or self.next_use(key) > farthest):
                return False
            while self.used + size > self.capacity:
                del self.sizes[max(self.sizes, key=lambda other: (self.next_use(other), self.last[other]))]
            self.sizes[key] = size
        self.last[key] = self.now
        return hit


def least_misses(keys: Sequence[int], capacity: int, *, bypass: bool) -> int:
    """The fewest misses of any policy among objects of size 1, over all choices at every miss."""

    @cache
    def from_here(at: int, held: frozenset[int]) -> int:
        if at == len(keys):
            return 0
        key = keys[at]
        if key in held:
            return from_here(at + 1, held)
        choices = [held | {key}] if len(held) < capacity else [held - {victim} | {key} for victim in held]
        if bypass:
            choices.append(held)
        return 1 + min(from_here(at + 1, choice) for choice in choices)

    return from_here(0, frozenset())


def least_weighted_misses(keys: Sequence[int], sizes: dict[int, int], capacity: int, *, by_bytes: bool = False) -> int:
    """The fewest misses, or missed bytes, of any cache whatever, which may refuse objects and drop them at any time."""

    @cache
    def from_here(at: int, held: frozenset[int]) -> int:
        if at == len(keys):
            return 0
        key = keys[at]
        pool = held | {key}
        cost = 0 if key in held else (sizes[key] if by_bytes else 1)
        subsets = [frozenset()]
        for other in pool:
            subsets += [subset | {other} for subset in subsets]
        fitting = [subset for subset in subsets if sum(sizes[other] for other in subset) <= capacity]
        return cost + min(from_here(at + 1, subset) for subset in fitting)

    return from_here(0, frozenset())
