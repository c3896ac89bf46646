"""ARC, after figure 4 of Megiddo and Modha 2003."""

from __future__ import annotations

import math

from oracles.pile import Pile


class Arc:
    """Two lists by number of uses, each with the ghosts that left it; the share of the first, p, learns from ghosts.

    A list is empty if it weighs nothing.
    """

    def __init__(self, capacity: int) -> None:
        self.capacity, self.p = capacity, 0.0
        self.t1, self.t2, self.b1, self.b2 = Pile(), Pile(), Pile(), Pile()

    @property
    def used(self) -> int:
        """Weight of what is there."""
        return self.t1.weight + self.t2.weight

    def request(self, key: int, size: int = 1) -> bool:
        """Cases I to IV of the paper."""
        for there in (self.t1, self.t2):
            if key in there:
                self.t2.push(key, there.take(key))
                return True
        in_b1, in_b2 = key in self.b1, key in self.b2
        if in_b1:
            self.p = min(self.p + max(over(self.b2.weight, self.b1.weight), 1), self.capacity)
            self.b1.take(key)
        if in_b2:
            self.p = max(self.p - max(over(self.b1.weight, self.b2.weight), 1), 0)
            self.b2.take(key)
        if size > self.capacity:
            return False
        # Counted in objects there is room until the lists are full, and then one round makes it: the paper's cases.
        while self.used + size > self.capacity:
            if in_b1 or in_b2:
                self.replace(in_b2)
            elif self.t1.weight + self.b1.weight + size > self.capacity:
                if self.b1.weight:
                    self.b1.pop()
                    self.replace(False)
                else:
                    self.t1.pop()
            else:
                if self.used + self.b1.weight + self.b2.weight >= 2 * self.capacity and len(self.b2):
                    self.b2.pop()
                self.replace(False)
        (self.t2 if in_b1 or in_b2 else self.t1).push(key, size)
        return False

    def replace(self, in_b2: bool) -> None:
        """REPLACE of the paper."""
        ones = self.t1.weight
        first = ones > 0 and (ones > self.p or (in_b2 and ones == self.p))
        source, ghosts = (self.t1, self.b1) if first or not self.t2.weight else (self.t2, self.b2)
        ghosts.push(*source.pop())


def over(part: int, whole: int) -> float:
    """Their ratio; of ghosts that weigh nothing, as objects of size 0 do."""
    return part / whole if whole else math.inf if part else 1.0
