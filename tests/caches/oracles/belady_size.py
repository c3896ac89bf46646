"""Belady by size, as libCacheSim has it, but that objects never asked for again are put in the way of nobody."""

from __future__ import annotations

import math
from collections.abc import Sequence

from oracles.lots import Lots


class BeladySize:
    """Of some objects drawn with replacement the greatest size times distance to the next use goes."""

    def __init__(self, capacity: int, keys: Sequence[int], samples: int = 128, seed: int = 0) -> None:
        self.capacity, self.keys, self.samples, self.lots = capacity, list(keys), samples, Lots(seed)
        self.row: list[int] = []  # those that are asked for again; where one left, the last one takes its place
        self.idle: list[int] = []
        self.sizes: dict[int, int] = {}
        self.now = -1

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(self.sizes.values())

    def next_use(self, key: int) -> float:
        """The number of the next request for it."""
        later = self.keys[self.now + 1 :]
        return self.now + 1 + later.index(key) if key in later else math.inf

    def product(self, key: int) -> tuple[float, float]:
        """Size times distance; of equal ones the farther."""
        return self.sizes[key] * (self.next_use(key) - self.now), self.next_use(key)

    def unlist(self, key: int) -> None:
        """Out of those that are asked for again."""
        self.row[self.row.index(key)] = self.row[-1]
        self.row.pop()

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        self.now += 1
        again = self.next_use(key) < math.inf
        if key in self.sizes:
            if not again:
                self.unlist(key)
                self.idle.append(key)
            return True
        if size > self.capacity or not again:
            return False
        while self.used + size > self.capacity:
            if self.idle:
                del self.sizes[self.idle.pop()]
                continue
            few = len(self.row) <= self.samples
            drawn = self.row if few else [self.row[self.lots.below(len(self.row))] for _ in range(self.samples)]
            victim = max(drawn, key=self.product)
            self.unlist(victim)
            del self.sizes[victim]
        self.sizes[key] = size
        self.row.append(key)
        return False
