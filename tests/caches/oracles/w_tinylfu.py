"""W-TinyLFU, after Einziger, Friedman and Manes 2017, as libCacheSim has it."""

from __future__ import annotations

import math

import xxhash

from oracles.pile import Pile
from oracles.slru import Slru


class Sketch:
    """A counting Bloom filter of 32-bit counters, in which every add counts (not the least counters alone)."""

    def __init__(self, entries: int, error: float = 0.001) -> None:
        per_entry = -math.log(error) / 0.480453013918201
        self.hashes = math.ceil(0.693147180559945 * per_entry)
        counters = math.ceil(per_entry * entries)
        self.counters = [0] * (counters if counters >= self.hashes else 2 * self.hashes)

    def places(self, key: int) -> list[int]:
        """Its counters; some may come twice."""
        low, step = (xxhash.xxh64_intdigest(key.to_bytes(8, "little"), seed) for seed in (0x12345678, 0x12344321))
        return [((low + i * step) & 0xFFFF_FFFF) % len(self.counters) for i in range(self.hashes)]

    def add(self, key: int) -> None:
        """Counts once."""
        for place in self.places(key):
            self.counters[place] += 1

    def estimate(self, key: int) -> int:
        """At least as often as it was counted."""
        return min(self.counters[place] for place in self.places(key))

    def halve(self) -> None:
        """Ages all."""
        self.counters = [count >> 1 for count in self.counters]


class WTinyLfu:
    """A small LRU window; its victim enters the main SLRU (1 part to 4) only if it was asked for more often."""

    def __init__(self, capacity: int, window: float = 0.01) -> None:
        self.capacity = capacity
        self.window_limit = max(1, int(capacity * window))
        # libCacheSim refuses all where the window is rounded to zero; with max(1, ...) the main part gives one up.
        self.main_limit = capacity - self.window_limit
        limits = [max(1, int(part / 5 * self.main_limit)) for part in (1, 4)]
        self.window = Pile()
        self.main = Slru(self.main_limit, limits=limits)
        self.sketch = Sketch(self.main_limit)
        self.counted, self.period = 0, 32 * self.main_limit

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return self.window.weight + self.main.used

    def hit(self, key: int) -> bool:
        """Whether the object is there, and what the request does to it. Hits of the window are not counted."""
        if key in self.window:
            self.window.renew(key)
            return True
        if self.main.hit(key):
            self.sketch.add(key)
            self.counted += 1
            if self.counted >= self.period:
                self.counted = 0
                self.sketch.halve()
            return True
        return False

    def put(self, key: int, size: int) -> bool:
        """What a miss does; false where the object stays outside."""
        # A cache of one object is its window alone.
        if size > self.window_limit or (self.main_limit and not self.main.fits(size)):
            return False
        while self.used + size > self.capacity:
            self.evict()
        self.window.push(key, size)
        self.sketch.add(key)
        return True

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        hit = self.hit(key)
        if not hit:
            self.put(key, size)
        return hit

    def there(self) -> set[int]:
        """All objects."""
        return {*self.window.sizes, *self.main.there()}

    def remove(self, key: int) -> None:
        """Takes an object out."""
        if key in self.window:
            self.window.take(key)
        else:
            self.main.remove(key)

    def evict(self) -> None:
        """Until one object left."""
        while True:
            if not len(self.window):
                self.main.evict()
                return
            key, size = self.window.pop()
            if self.main.used + size <= self.main_limit:
                self.main.insert(key, size)
                self.sketch.add(key)
                continue
            if self.main.used and self.sketch.estimate(key) > self.sketch.estimate(self.main.victim()):
                self.main.evict()
                self.main.insert(key, size)
            self.sketch.add(key)
            return
