"""The policies that need one order of objects at most, by definition: lists, searched and sorted anew each time.

Each has `request(key, size=1) -> bool` (was the object there?), `used`, what the objects that are there weigh, and
`evictions`. An object larger than the cache stays outside; room is made before one is put in.
"""

from __future__ import annotations

SPLIT_MIX_STEP = 0x9E37_79B9_7F4A_7C15
U64 = 2**64


class Simple:
    """Objects that are there with their sizes, in the order in which they came; a policy says who goes."""

    def __init__(self, capacity: int, seed: int = 0) -> None:
        self.capacity, self.seed, self.evictions = capacity, seed, 0
        self.sizes: dict[int, int] = {}

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return sum(self.sizes.values())

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        if key in self.sizes:
            self.hit(key)
            return True
        if size <= self.capacity:
            while self.used + size > self.capacity:
                self.sizes.pop(self.victim())
                self.evictions += 1
            self.sizes[key] = size
            self.came(key)
        return False

    def hit(self, key: int) -> None:
        """An object that is there is asked for."""

    def came(self, key: int) -> None:
        """An object was put in."""

    def victim(self) -> int:
        """Who goes."""
        raise NotImplementedError

    def renew(self, key: int) -> None:
        """Puts an object behind all others."""
        self.sizes[key] = self.sizes.pop(key)


class Fifo(Simple):
    """Who came first."""

    def victim(self) -> int:
        return next(iter(self.sizes))


class Lifo(Simple):
    """Who came last."""

    def victim(self) -> int:
        return list(self.sizes)[-1]


class Lru(Fifo):
    """Whose last use is longest ago."""

    def hit(self, key: int) -> None:
        self.renew(key)


class Mru(Lifo):
    """Whose last use is the latest."""

    def hit(self, key: int) -> None:
        self.renew(key)


class Lfu(Lru):
    """Who was asked for least often in this stay; of several, whose last use is longest ago."""

    def __init__(self, capacity: int, seed: int = 0) -> None:
        super().__init__(capacity, seed)
        self.counts: dict[int, int] = {}

    def hit(self, key: int) -> None:
        super().hit(key)
        self.counts[key] += 1

    def came(self, key: int) -> None:
        self.counts[key] = 1

    def victim(self) -> int:
        return min(self.sizes, key=self.counts.__getitem__)  # of equals the first, which `renew` made the oldest


class Random(Simple):
    """The upper 64 bits of a number of SplitMix64 times the objects in a row say who goes; the last moves up."""

    def __init__(self, capacity: int, seed: int = 0) -> None:
        super().__init__(capacity, seed)
        self.row: list[int] = []

    def came(self, key: int) -> None:
        self.row.append(key)

    def victim(self) -> int:
        self.seed = (self.seed + SPLIT_MIX_STEP) % U64
        mixed = (self.seed ^ self.seed >> 30) * 0xBF58_476D_1CE4_E5B9 % U64
        mixed = (mixed ^ mixed >> 27) * 0x94D0_49BB_1331_11EB % U64
        place = (mixed ^ mixed >> 31) * len(self.row) >> 64
        gone, self.row[place] = self.row[place], self.row[-1]
        self.row.pop()
        return gone


class Clock(Simple):
    """Who came first and was not asked for since; those in front of it lose their mark and go behind all others."""

    def __init__(self, capacity: int, seed: int = 0) -> None:
        super().__init__(capacity, seed)
        self.marked: set[int] = set()

    def hit(self, key: int) -> None:
        self.marked.add(key)

    def victim(self) -> int:
        while (first := next(iter(self.sizes))) in self.marked:
            self.marked.remove(first)
            self.renew(first)
        return first


class Sieve(Clock):
    """From the hand on, old to new and round, who was not asked for since the hand last passed."""

    def __init__(self, capacity: int, seed: int = 0) -> None:
        super().__init__(capacity, seed)
        self.hand: int | None = None

    def victim(self) -> int:
        order = list(self.sizes)
        place = 0 if self.hand is None else order.index(self.hand)
        while order[place] in self.marked:
            self.marked.remove(order[place])
            place = (place + 1) % len(order)
        self.hand = order[place + 1] if place + 1 < len(order) else None
        return order[place]


POLICIES: dict[str, type[Simple]] = {
    "fifo": Fifo,
    "lifo": Lifo,
    "lru": Lru,
    "mru": Mru,
    "lfu": Lfu,
    "random": Random,
    "clock": Clock,
    "sieve": Sieve,
}
