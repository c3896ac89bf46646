"""What stands in front of a cache: admission and expiry, each in a few lines."""

from __future__ import annotations

from collections import Counter

from oracles.lots import MASK


class Lru:
    """LRU whose objects may be taken out; it names its victim."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.sizes: dict[int, int] = {}  # in the order of use

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(self.sizes.values())

    def fits(self, size: int) -> bool:
        """Whether there is room."""
        return self.used + size <= self.capacity

    def hit(self, key: int) -> bool:
        """Whether it is there; then it is the newest."""
        if key in self.sizes:
            self.sizes[key] = self.sizes.pop(key)
            return True
        return False

    def insert(self, key: int, size: int) -> bool:
        """Whether it could be put in."""
        if size > self.capacity:
            return False
        while not self.fits(size):
            del self.sizes[next(iter(self.sizes))]
        self.sizes[key] = size
        return True


class Admission:
    """All come in."""

    def note(self, key: int) -> None:
        """A request."""

    def admits(self, key: int, size: int, cache: Lru) -> bool:
        """Whether the object of a miss comes in."""
        return True


class Size(Admission):
    """Up to so many bytes."""

    def __init__(self, at_most: int) -> None:
        self.at_most = at_most

    def admits(self, key: int, size: int, cache: Lru) -> bool:
        """By size alone."""
        return size <= self.at_most


class SecondHit(Admission):
    """Those that were missed within one to two windows; exact, so that it equals filters without false positives."""

    def __init__(self, window: int) -> None:
        self.window = window
        self.current: set[int] = set()
        self.before: set[int] = set()

    def admits(self, key: int, size: int, cache: Lru) -> bool:
        """Whether it was missed before."""
        if key in self.current | self.before:
            return True
        if len(self.current) == self.window:
            self.before, self.current = self.current, set()
        self.current.add(key)
        return False


def spread(number: int, seed: int) -> int:
    """A step of SplitMix64."""
    mixed = ((seed ^ ((number + 1) * 0x9E37_79B9_7F4A_7C15) & MASK) * 0xBF58_476D_1CE4_E5B9) & MASK
    mixed = ((mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB) & MASK
    return mixed ^ mixed >> 31


class TinyLfu(Admission):
    """More requests of late than the object that would go first, by a count-min sketch of four rows."""

    def __init__(self, objects: int, sample: int = 10, seed: int = 0) -> None:
        self.width = max(16, 1 << (4 * objects - 1).bit_length())
        self.period, self.seed, self.counted = sample * objects, seed, 0
        self.counters: Counter[tuple[int, int]] = Counter()

    def places(self, key: int) -> list[tuple[int, int]]:
        """A column in each row."""
        hash_ = spread(key, self.seed)
        turned = [(hash_ >> turn | hash_ << (64 - turn)) & MASK for turn in (0, 16, 32, 48)]
        return [(row, word % self.width) for row, word in enumerate(turned)]

    def note(self, key: int) -> None:
        """Counts it, up to 15; all are halved after a period."""
        for place in self.places(key):
            self.counters[place] = min(15, self.counters[place] + 1)
        self.counted += 1
        if self.counted % self.period == 0:
            self.counters = Counter({place: count // 2 for place, count in self.counters.items()})

    def count(self, key: int) -> int:
        """About how often of late."""
        return min(self.counters[place] for place in self.places(key))

    def admits(self, key: int, size: int, cache: Lru) -> bool:
        """Against LRU's oldest."""
        return cache.fits(size) or not cache.sizes or self.count(key) > self.count(next(iter(cache.sizes)))


class Guarded:
    """LRU behind an admission, whose objects expire at an age of `ttl`."""

    def __init__(self, capacity: int, admission: Admission, ttl: float) -> None:
        self.cache, self.admission, self.ttl = Lru(capacity), admission, ttl
        self.entered: dict[int, int] = {}
        self.evicted = 0

    def request(self, key: int, size: int, now: int) -> bool:
        """Whether the object was there and true."""
        self.admission.note(key)
        if key in self.cache.sizes and now - self.entered[key] >= self.ttl:
            del self.cache.sizes[key]
        if self.cache.hit(key):
            return True
        if self.admission.admits(key, size, self.cache):
            before = len(self.cache.sizes)
            if self.cache.insert(key, size):
                self.entered[key] = now
                self.evicted += before + 1 - len(self.cache.sizes)
        return False
