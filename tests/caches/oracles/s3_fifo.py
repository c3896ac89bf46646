"""S3-FIFO, after algorithm 1 of Yang, Zhang, Qiu, Yue and Vinayak 2023, with what libCacheSim 0.3.5 makes of it."""

from __future__ import annotations

from oracles.pile import Pile


class S3Fifo:
    """A small queue, from which what was asked for twice goes to the main one, and the rest to the ghosts."""

    def __init__(self, capacity: int, small: float = 0.1, ghost: float = 0.9, threshold: int = 2) -> None:
        self.capacity, self.threshold = capacity, threshold
        self.small_limit = max(1, int(capacity * small))
        self.main_limit = capacity - int(capacity * small)
        self.ghost_limit = int(capacity * ghost)
        self.small, self.main, self.ghosts = Pile(), Pile(), Pile()
        self.uses: dict[int, int] = {}
        self.has_evicted = False

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return self.small.weight + self.main.weight

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        if key in self.small or key in self.main:
            self.uses[key] += 1
            return True
        ghost = key in self.ghosts
        if ghost:
            self.ghosts.take(key)
        if size > self.small_limit:
            return False
        while self.used + size > self.capacity:
            self.evict()
        # libCacheSim makes room for an object as large as the small queue, and then does not put it in.
        if not ghost and size == self.small_limit and size > 1:
            return False
        # Until the first eviction, what comes while the small queue is full goes to the main one.
        full = self.small.weight >= self.small_limit
        (self.main if ghost or (full and not self.has_evicted) else self.small).push(key, size)
        self.uses[key] = 0
        return False

    def evict(self) -> None:
        """Until one object left."""
        self.has_evicted = True
        if self.main.weight > self.main_limit or not len(self.small):
            self.evict_from_main()
        else:
            self.evict_from_small()

    def evict_from_small(self) -> None:
        """Objects with enough uses go to the main queue, until one goes to the ghosts."""
        while len(self.small):
            key, size = self.small.pop()
            uses = self.uses.pop(key)
            if uses >= self.threshold:
                self.main.push(key, size)
                self.uses[key] = 0
                continue
            if size <= self.ghost_limit:
                while self.ghosts.weight + size > self.ghost_limit:
                    self.ghosts.pop()
                self.ghosts.push(key, size)
            return

    def evict_from_main(self) -> None:
        """Objects with uses go to the end of the queue with one less, of three at most, until one leaves."""
        while len(self.main):
            key, size = self.main.pop()
            uses = self.uses.pop(key)
            if uses == 0:
                return
            self.main.push(key, size)
            self.uses[key] = min(uses, 3) - 1
