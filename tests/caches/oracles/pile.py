"""Objects in an order, with what they weigh."""

from __future__ import annotations

from collections import OrderedDict


class Pile:
    """Keys with their sizes, oldest first."""

    def __init__(self) -> None:
        self.sizes: OrderedDict[int, int] = OrderedDict()
        self.weight = 0

    def __contains__(self, key: int) -> bool:
        return key in self.sizes

    def __len__(self) -> int:
        return len(self.sizes)

    def push(self, key: int, size: int) -> None:
        """Puts an object in as the newest."""
        assert key not in self.sizes
        self.sizes[key] = size
        self.weight += size

    def take(self, key: int) -> int:
        """Takes an object out: its size."""
        size = self.sizes.pop(key)
        self.weight -= size
        return size

    def renew(self, key: int) -> None:
        """Makes it the newest."""
        self.sizes.move_to_end(key)

    def oldest(self) -> int:
        """The oldest object."""
        return next(iter(self.sizes))

    def pop(self) -> tuple[int, int]:
        """Takes the oldest out: the object and its size."""
        key = self.oldest()
        return key, self.take(key)
