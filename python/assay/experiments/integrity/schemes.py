"""Ways to keep checksums: which function, over what, and where they lie.

A contender is spelled by its function and how its checksums are kept: `crc32c`, `crc32c(kept=block)`, `crc32c(bits=8)`.

    list       one for each block, in a list apart from the data: a block's place is bound, and so is their number
    block      one behind each block, with which it moves: what belongs elsewhere, or is old, agrees with itself
    numbered   as `block`, over the block's number (8 bytes, little-endian) and the block
    tree       a Merkle tree, of which only the root lies apart: the leaves may share the fate of the data
    whole      one for everything: whether something is wrong, and never where

`bits` keeps the lowest bits only, as formats with 8 or 16 bits do: of b bits, a random fault slips by one in 2^b.

Cost: one pass of the function over the data. Source: METHODOLOGY, "Faults and checksums".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import pyarrow as pa

from assay import _core
from assay.catalogue import Contender, contenders, find
from assay.checksums import MerkleTree
from assay.datasets.spelling import parse_nested, without_blanks
from assay.errors import ParameterError, SpellingError, UnknownNameError
from assay.experiments.hashing.spelling import bytes_of

__all__ = ["Kept", "Scheme", "numbered", "parse_checksum", "propose"]

Kept = Literal["list", "block", "numbered", "tree", "whole"]
_KEPT: tuple[Kept, ...] = get_args(Kept)
_NUMBER_BYTES = 8
_LEAF = b"\0"  # what a tree's leaf is computed over begins with, RFC 6962


@dataclass(frozen=True)
class Scheme:
    """A function and how its checksums are kept, checked against the catalogue."""

    text: str  # its spelling without blanks
    name: str
    kept: Kept = "list"
    bits: int | None = None  # kept of each checksum; None for all

    @property
    def contender(self) -> Contender:
        """The catalogue's entry."""
        return find(self.name, contenders("checksum"), "checksum")

    @property
    def full_bits(self) -> int:
        """The bits of the function."""
        return _full_bits(self.name)

    @property
    def kept_bits(self) -> int:
        """The bits that are kept of each checksum."""
        return self.full_bits if self.bits is None else self.bits

    @property
    def width(self) -> int:
        """The bytes that each checksum takes."""
        return (self.kept_bits + 7) // 8

    @property
    def names_blocks(self) -> bool:
        """Whether it can tell which block is broken."""
        return self.kept != "whole"

    @property
    def moves_with_blocks(self) -> bool:
        """Whether each checksum lies behind its block, and shares its fate."""
        return self.kept in ("block", "numbered")

    def of(self, payload: bytes | memoryview, number: int = 0) -> bytes:
        """The checksum of one block, or of everything.

        Args:
            payload: The bytes.
            number: The block's number, which counts where checksums are numbered.
        """
        if self.kept == "numbered":
            payload = number.to_bytes(_NUMBER_BYTES, "little") + payload
        elif self.kept == "tree":
            payload = _LEAF + payload
        return self._cut(_core.checksum(payload, self.name, threads=1))

    def of_blocks(self, data: bytes | memoryview, block_bytes: int) -> list[bytes]:
        """The checksums that are kept of intact data, one for each block; one alone for everything."""
        if self.kept == "whole":
            return [self.of(data)]
        if self.kept == "tree":
            return [leaf.as_py() for leaf in self.tree(data, block_bytes).leaves]
        content, size = data, block_bytes
        if self.kept == "numbered":
            content, size = numbered(data, block_bytes), block_bytes + _NUMBER_BYTES
        return [self._cut(row.tobytes()) for row in bytes_of(_checksums(content, self.name, size))]

    def tree(self, data: bytes | memoryview, block_bytes: int) -> MerkleTree:
        """The Merkle tree over the data."""
        return MerkleTree.build(data, block_bytes=block_bytes, algorithm=self.name, threads=1)

    def kernel(self, data: bytes, block_bytes: int) -> Callable[[], object]:
        """What checks all of the data once, on one thread."""
        if self.kept == "whole":
            return lambda: _core.checksum(data, self.name, threads=1)
        if self.kept == "tree":
            return lambda: self.tree(data, block_bytes)
        if self.kept == "numbered":
            content = numbered(data, block_bytes)  # a program feeds the number, and copies nothing
            return lambda: _checksums(content, self.name, block_bytes + _NUMBER_BYTES)
        return lambda: _checksums(data, self.name, block_bytes)

    def _cut(self, checksum: int | bytes) -> bytes:
        """The bytes that are kept: of a number its lowest bits, little-endian; of a digest its first ones."""
        full = checksum.to_bytes(self.full_bits // 8, "little") if isinstance(checksum, int) else checksum
        if self.bits is None:
            return full
        found = bytearray(full[: self.width])
        if self.bits % 8:
            found[-1] &= (1 << self.bits % 8) - 1
        return bytes(found)


@lru_cache(maxsize=64)
def _full_bits(name: str) -> int:
    return int(_checksums(b"", name, 1).type.bit_width)


def _checksums(data: bytes | memoryview, name: str, block_bytes: int) -> pa.Array:
    blocks = _core.BlockChecksums(name, block_bytes)
    blocks.update(data, threads=1)
    return blocks.finish()


def numbered(data: bytes | memoryview, block_bytes: int) -> bytes:
    """The data with its number before each block."""
    return b"".join(
        (first // block_bytes).to_bytes(_NUMBER_BYTES, "little") + data[first : first + block_bytes]
        for first in range(0, len(data), block_bytes)
    )


def parse_checksum(text: str) -> Scheme:
    """The checksum that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or has an argument without a name.
        UnknownNameError: There is no such checksum, parameter or way to keep it.
        ParameterError: More bits than the function has, or none.
    """
    node = parse_nested(text)
    find(node.name, contenders("checksum"), "checksum")
    if node.positional:
        raise SpellingError(
            f"{node.text}: a checksum is spelled {node.name}, {node.name}(kept=block) or {node.name}(bits=16)"
        )
    for name in node.keywords:
        if name not in ("kept", "bits"):
            raise UnknownNameError.of(f"parameter of {node.name}", name, ["kept", "bits"])
    kept = node.keywords.get("kept", "list")
    if kept not in _KEPT:
        raise UnknownNameError.of("way to keep checksums", str(kept), _KEPT)
    bits = node.keywords.get("bits")
    if kept == "tree":
        digests = _digests()
        if node.name not in digests:
            raise ParameterError(
                f"{node.text}: a tree's root by {node.name} would prove nothing, as blocks with a wanted checksum are "
                f"easily made; choose one of {', '.join(digests)}, or keep a list"
            )
        if bits is not None:
            raise ParameterError(f"{node.text}: a tree keeps whole digests; leave bits out")
    full = _full_bits(node.name)
    if bits is not None and (not isinstance(bits, int) or isinstance(bits, bool) or not 1 <= bits <= full):
        raise ParameterError(
            f"{node.name}: bits is {bits!r}; expected an integer from 1 to {full}, the checksum's width"
        )
    return Scheme(without_blanks(node.text), node.name, kept, None if bits == full else bits)


def propose() -> list[str]:
    """Every checksum of the catalogue in a list, and one of each other way to keep them."""
    names = [contender.name for contender in contenders("checksum")]
    usual = "crc32c" if "crc32c" in names else names[0]
    others = [f"{_digests()[-1] if kept == 'tree' else usual}(kept={kept})" for kept in _KEPT if kept != "list"]
    return [*names, *others, f"{usual}(bits=8)"]


def _digests() -> list[str]:
    return [contender.name for contender in contenders("checksum") if "cryptographic" in contender.abilities]
