"""2Q, the full version of Johnson and Shasha 1994."""

from __future__ import annotations

from oracles.pile import Pile


class TwoQ:
    """A queue for what is new, the ghosts of what left it, and LRU for what came back; none if it weighs nothing."""

    def __init__(self, capacity: int, in_share: float = 0.25, out_share: float = 0.5) -> None:
        self.capacity = capacity
        self.in_limit = max(1, int(capacity * in_share))
        self.out_limit = int(capacity * out_share)
        self.main_limit = capacity - int(capacity * in_share)
        self.a1_in, self.a1_out, self.am = Pile(), Pile(), Pile()

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return self.a1_in.weight + self.am.weight

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""
        if key in self.a1_in:
            return True
        if key in self.am:
            self.am.renew(key)
            return True
        ghost = key in self.a1_out
        if ghost:
            self.a1_out.take(key)
        # libCacheSim refuses what is larger than the first queue.
        if size > self.in_limit:
            return False
        while self.used + size > self.capacity:
            if self.a1_in.weight > self.in_limit or not self.am.weight:
                old, weight = self.a1_in.pop()
                if weight <= self.out_limit:
                    while self.a1_out.weight + weight > self.out_limit:
                        self.a1_out.pop()
                    self.a1_out.push(old, weight)
            else:
                self.am.pop()
        if ghost and size > self.main_limit:
            return False
        if ghost:
            # libCacheSim holds LRU to its own share, even where the queue leaves some of its room.
            while self.am.weight + size > self.main_limit:
                self.am.pop()
            self.am.push(key, size)
        else:
            self.a1_in.push(key, size)
        return False
