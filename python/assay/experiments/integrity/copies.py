"""A copy of the data as it lies on a medium: blocks, and the checksums that move with them.

Only what differs from the intact data is held. Cost: the blocks that a fault touches.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from assay.checksums import MerkleTree
from assay.experiments.integrity.schemes import Scheme

__all__ = ["Copy", "Intact"]


@dataclass(frozen=True)
class Intact:
    """The data as it was written, and the checksums that were made of it."""

    scheme: Scheme
    data: bytes
    block_bytes: int

    @cached_property
    def checksums(self) -> list[bytes]:
        """What the scheme keeps."""
        return self.scheme.of_blocks(self.data, self.block_bytes)

    @cached_property
    def tree(self) -> MerkleTree:
        """The Merkle tree of the data, where one is kept."""
        return self.scheme.tree(self.data, self.block_bytes)

    @property
    def blocks(self) -> int:
        """The number of blocks; the last one may be short."""
        return -(-len(self.data) // self.block_bytes)

    @property
    def whole_blocks(self) -> int:
        """The number of blocks that are not short."""
        return len(self.data) // self.block_bytes

    def block(self, number: int) -> bytes:
        """The bytes of one block."""
        return self.data[number * self.block_bytes : (number + 1) * self.block_bytes]

    def with_bytes(self, number: int, data: bytes) -> Intact:
        """Other data, of which only this block is another: the checksums of the others are those that are known."""
        other = Intact(self.scheme, data, self.block_bytes)
        if self.scheme.names_blocks and self.scheme.kept != "tree":
            known = list(self.checksums)
            known[number] = self.scheme.of(other.block(number), number)
            vars(other)["checksums"] = known
        return other

    def carried(self, number: int) -> bytes | None:
        """The checksum that lies behind a block; None where they are kept apart."""
        return self.checksums[number] if self.scheme.moves_with_blocks else None


@dataclass
class Copy:
    """A copy: blocks that differ, by number, with the checksums behind them, and how many blocks are left."""

    intact: Intact
    changed: dict[int, bytes] = field(default_factory=dict)
    carried: dict[int, bytes | None] = field(default_factory=dict)  # of changed blocks; None: none is there
    length: int | None = None  # bytes that are left, where the end is lost

    @property
    def bytes_left(self) -> int:
        """The bytes of the copy."""
        return len(self.intact.data) if self.length is None else self.length

    @property
    def blocks_left(self) -> int:
        """The number of blocks that are there, one that was cut included."""
        return -(-self.bytes_left // self.intact.block_bytes)

    def block(self, number: int) -> bytes:
        """The bytes of one block as they are now; nothing of one that is lost."""
        return self.changed[number] if number in self.changed else self.intact.block(number)

    def damaged(self) -> set[int]:
        """The blocks that are not what they were: their bytes, the checksum behind them, or all of them."""
        found = set(range(self.blocks_left, self.intact.blocks))
        for number, payload in self.changed.items():
            if payload != self.intact.block(number) or self.carried[number] != self.intact.carried(number):
                found.add(number)
        return found

    def differs(self) -> bool:
        """Whether the data is not what it was."""
        lost = self.bytes_left != len(self.intact.data)
        return lost or any(payload != self.intact.block(number) for number, payload in self.changed.items())

    def data(self) -> bytes:
        """All bytes of the copy."""
        content = bytearray(self.intact.data)
        for number, payload in self.changed.items():
            first = number * self.intact.block_bytes
            content[first : first + len(payload)] = payload
        return bytes(content[: self.bytes_left])

    def tree(self) -> MerkleTree:
        """The Merkle tree of what is there now."""
        intact = self.intact
        if not self.changed and self.length is None:
            return intact.tree
        return intact.scheme.tree(self.data(), intact.block_bytes)

    def write(self, number: int, payload: bytes, carried: bytes | None) -> None:
        """Puts a block and the checksum behind it in place."""
        self.changed[number] = payload
        self.carried[number] = carried if self.intact.scheme.moves_with_blocks else None

    def write_bytes(self, changes: Mapping[int, int]) -> None:
        """Changes single bytes, by their place in the data; checksums behind the blocks stay as they are."""
        size = self.intact.block_bytes
        for place, value in changes.items():
            number = place // size
            payload = bytearray(self.block(number))
            payload[place % size] = value
            self.write(number, bytes(payload), self.carried.get(number, self.intact.carried(number)))
