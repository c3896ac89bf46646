"""Segmented LRU, after Karedla, Love and Wherry 1994, with any number of segments."""

from __future__ import annotations

from oracles.pile import Pile


class Slru:
    """Segments of equal size: a hit moves its object one up, what overflows there goes one down."""

    def __init__(self, capacity: int, segments: int = 4, limits: list[int] | None = None) -> None:
        self.capacity = capacity
        self.limits = limits or [max(1, capacity // segments)] * segments
        self.parts = [Pile() for _ in self.limits]

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(part.weight for part in self.parts)

    def hit(self, key: int) -> bool:
        """One segment up; what overflows goes one down, and out of the lowest one."""
        for number, part in enumerate(self.parts):
            if key in part:
                up = min(number + 1, len(self.parts) - 1)
                self.parts[up].push(key, part.take(key))
                self.cool(up)
                return True
        return False

    def cool(self, number: int) -> None:
        """Moves the oldest down until the segment is within its limit, and so on below."""
        while self.parts[number].weight > self.limits[number]:
            key, size = self.parts[number].pop()
            if number > 0:
                self.parts[number - 1].push(key, size)
                self.cool(number - 1)

    def victim(self) -> int:
        """The oldest of the lowest segment that weighs anything."""
        return next(part.oldest() for part in self.parts if part.weight)

    def evict(self) -> None:
        """The victim goes."""
        next(part for part in self.parts if part.weight).pop()

    def fits(self, size: int) -> bool:
        """Whether an object can be put in at all: libCacheSim refuses what is larger than the lowest segment."""
        return size <= self.capacity and size <= self.limits[0]

    def insert(self, key: int, size: int) -> None:
        """Into the lowest segment with room, as libCacheSim does; in the paper always the lowest."""
        room = [n for n, limit in enumerate(self.limits) if self.parts[n].weight + size <= limit]
        while not room and self.used + size > self.capacity:
            self.evict()
        self.parts[room[0] if room else 0].push(key, size)

    def put(self, key: int, size: int) -> bool:
        """What a miss does; false where the object stays outside."""
        if not self.fits(size):
            return False
        while self.used + size > self.capacity:
            self.evict()
        self.insert(key, size)
        return True

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        hit = self.hit(key)
        if not hit:
            self.put(key, size)
        return hit

    def there(self) -> set[int]:
        """All objects."""
        return {key for part in self.parts for key in part.sizes}

    def remove(self, key: int) -> None:
        """Takes an object out."""
        next(part for part in self.parts if key in part).take(key)
