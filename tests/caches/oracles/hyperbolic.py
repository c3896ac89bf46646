"""Hyperbolic caching, after Blankstein, Sen and Freedman 2017."""

from __future__ import annotations

import math

from oracles.lots import Lots


class Hyperbolic:
    """Of some objects drawn with replacement the least F / (T S) goes, of equal ones the one that came first."""

    def __init__(self, capacity: int, samples: int = 64, seed: int = 0, *, by_size: bool = False) -> None:
        self.capacity, self.samples, self.by_size = capacity, samples, by_size
        self.lots, self.now = Lots(seed), 0
        self.row: list[int] = []  # where an object left, the last one takes its place
        self.sizes: dict[int, int] = {}
        self.frequency: dict[int, int] = {}
        self.entered: dict[int, int] = {}

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(self.sizes.values())

    def rank(self, key: int) -> tuple[float, int]:
        """Priority, and when it came in."""
        age = (self.now - self.entered[key]) * (self.sizes[key] if self.by_size else 1)
        return (self.frequency[key] / age if age else math.inf, self.entered[key])

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        self.now += 1
        if key in self.sizes:
            self.frequency[key] += 1
            return True
        if size > self.capacity:
            return False
        while self.used + size > self.capacity:
            few = len(self.row) <= self.samples
            drawn = self.row if few else [self.row[self.lots.below(len(self.row))] for _ in range(self.samples)]
            victim = min(drawn, key=self.rank)
            self.row[self.row.index(victim)] = self.row[-1]
            self.row.pop()
            del self.sizes[victim]
        self.sizes[key], self.frequency[key], self.entered[key] = size, 1, self.now
        self.row.append(key)
        return False
