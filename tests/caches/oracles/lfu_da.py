"""LFU with dynamic ageing, after Arlitt, Cherkasova, Dilley, Friedrich and Jin 2000."""

from __future__ import annotations


class LfuDa:
    """K = L + F at each request; the least K goes, of equal ones the longest unused; L becomes its K."""

    def __init__(self, capacity: int) -> None:
        self.capacity, self.level, self.now = capacity, 0.0, 0
        self.sizes: dict[int, int] = {}
        self.frequency: dict[int, int] = {}
        self.rank: dict[int, tuple[float, int]] = {}

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(self.sizes.values())

    def gain(self, key: int) -> float:
        """What is added to L."""
        return self.frequency[key]

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        self.now += 1
        hit = key in self.sizes
        if not hit:
            if size > self.capacity:
                return False
            while self.used + size > self.capacity:
                victim = min(self.sizes, key=lambda other: self.rank[other])
                self.level = self.rank[victim][0]
                del self.sizes[victim]
            self.sizes[key], self.frequency[key] = size, 0
        self.frequency[key] += 1
        self.rank[key] = (self.level + self.gain(key), self.now)
        return hit
