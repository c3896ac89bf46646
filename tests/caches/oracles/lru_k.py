"""LRU-K, after O'Neil, O'Neil and Weikum 1993, figure 2.1, with a Correlated Reference Period of 0."""

from __future__ import annotations


class LruK:
    """The least HIST(q, K) goes, which is 0 where K uses are not known; of equal ones the least LAST(q)."""

    def __init__(self, capacity: int, k: int = 2, retained: int | None = None) -> None:
        self.capacity, self.k, self.retained, self.now = capacity, k, retained, 0
        self.sizes: dict[int, int] = {}
        self.history: dict[int, list[int]] = {}

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(self.sizes.values())

    def distance(self, key: int) -> tuple[int, int]:
        """HIST(key, K) and LAST(key)."""
        uses = self.history[key]
        return (uses[-self.k] if len(uses) >= self.k else 0, uses[-1])

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        self.now += 1
        hit = key in self.sizes
        if not hit:
            if size > self.capacity:
                return False
            while self.used + size > self.capacity:
                del self.sizes[min(self.sizes, key=self.distance)]
            self.sizes[key] = size
            uses = self.history.get(key, [])
            if uses and self.retained is not None and self.now - uses[-1] > self.retained:
                del self.history[key]
        self.history.setdefault(key, []).append(self.now)
        return hit
