"""Policies as what stands in front of a cache sees them: which objects a step drove out is the difference it made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from oracles.lirs import Lirs
from oracles.slru import Slru
from oracles.w_tinylfu import WTinyLfu


class Policy(Protocol):
    """Decides which objects go."""

    def hit(self, key: int) -> bool:
        """Whether the object is there; takes note of the request if so."""

    def put(self, key: int, size: int) -> bool:
        """Puts the object of a miss in; false where it stays outside."""

    def remove(self, key: int) -> None:
        """Takes an object out that is there."""

    def there(self) -> set[int]:
        """All objects that are there."""


class Ordered:
    """LRU, or FIFO: objects with the sizes that they were put in with, the next to go first."""

    def __init__(self, capacity: int, *, renews: bool) -> None:
        self.capacity, self.renews = capacity, renews
        self.sizes: dict[int, int] = {}

    def hit(self, key: int) -> bool:
        """A hit makes LRU's object the newest."""
        if key in self.sizes and self.renews:
            self.sizes[key] = self.sizes.pop(key)
        return key in self.sizes

    def put(self, key: int, size: int) -> bool:
        """The oldest go until there is room."""
        if size > self.capacity:
            return False
        while sum(self.sizes.values()) + size > self.capacity:
            del self.sizes[next(iter(self.sizes))]
        self.sizes[key] = size
        return True

    def remove(self, key: int) -> None:
        """Takes an object out that is there."""
        del self.sizes[key]

    def there(self) -> set[int]:
        """All objects that are there."""
        return set(self.sizes)


MAKERS: dict[str, Callable[[int], Policy]] = {
    "lru": lambda capacity: Ordered(capacity, renews=True),
    "fifo": lambda capacity: Ordered(capacity, renews=False),
    "slru": Slru,
    "lirs": Lirs,
    "w_tinylfu": WTinyLfu,
}
