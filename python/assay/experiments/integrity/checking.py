"""Checking a copy, naming its broken blocks, and mending them from another copy.

Only blocks that differ from the intact data are computed again: of equal bytes a checksum is equal, which the checks of
the intact data itself (`false_alarms`) hold. Where one checksum or one root stands for everything, all is computed.
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.checksums import MerkleTree
from assay.experiments.integrity.copies import Copy, Intact

__all__ = ["Found", "Mended", "check", "false_alarms", "mended"]

_ALARMS_CHECKED = 8  # times that intact data is checked, at as many places in memory


@dataclass(frozen=True)
class Found:
    """What a check says of a copy."""

    caught: bool  # something is wrong
    broken: frozenset[int]  # the blocks that it names; none where it cannot


@dataclass(frozen=True)
class Mended:
    """What came of a repair."""

    refused: bool  # what was fetched does not agree with its checksum either
    equal: bool  # the data is what it was
    fetched_bytes: int


def check(copy: Copy) -> Found:
    """What the copy's checksums say."""
    intact, scheme = copy.intact, copy.intact.scheme
    if scheme.kept == "whole":
        return Found(scheme.of(copy.data()) != intact.checksums[0], frozenset())
    if scheme.kept == "tree":
        tree = copy.tree()
        wrong = (tree.root, tree.covered_bytes) != (intact.tree.root, intact.tree.covered_bytes)
        return Found(wrong, frozenset(tree.diff(intact.tree).to_pylist()) if wrong else frozenset())
    broken = set()
    for number, payload in copy.changed.items():
        if number < copy.blocks_left and scheme.of(payload, number) != _expected(copy, number):
            broken.add(number)
    if not scheme.moves_with_blocks:  # a list says how many there are
        broken |= set(range(copy.blocks_left, intact.blocks))
    return Found(bool(broken), frozenset(broken))


def _expected(copy: Copy, number: int) -> bytes | None:
    """The checksum that a block has to have: the one behind it, or in the list."""
    return copy.carried[number] if copy.intact.scheme.moves_with_blocks else copy.intact.checksums[number]


def mended(copy: Copy, found: Found, replica: Copy) -> Mended:
    """Fetches the blocks that were named, or everything, from a replica, and checks what came.

    Args:
        copy: The broken copy; it is not changed.
        found: What the check said of it; something is wrong.
        replica: Another copy of the same data, which may be broken too.
    """
    intact, scheme = copy.intact, copy.intact.scheme
    if not scheme.names_blocks:
        whole = replica.data()
        refused = scheme.of(whole) != intact.checksums[0]
        return Mended(refused, not refused and whole == intact.data, len(whole))
    result = Copy(intact, dict(copy.changed), dict(copy.carried), copy.length)
    if found.broken and max(found.broken) >= copy.blocks_left:
        result.length = replica.length  # the end is fetched with the blocks that are missing
    fetched = 0
    tree = replica.tree() if scheme.kept == "tree" else None
    for number in sorted(found.broken):
        payload = replica.block(number)
        carried = replica.carried.get(number, intact.carried(number))
        fetched += len(payload)
        if number >= replica.blocks_left:
            return Mended(True, False, fetched)
        if tree is not None:
            root, size = intact.tree.root, intact.tree.covered_bytes
            agrees = MerkleTree.verify(payload, tree.proof(number), root=root, covered_bytes=size)
        else:
            expected = carried if scheme.moves_with_blocks else intact.checksums[number]
            agrees = scheme.of(payload, number) == expected
        if not agrees:
            return Mended(True, False, fetched)
        result.write(number, payload, carried)
    if result.length is not None and found.broken and -(-result.length // intact.block_bytes) - 1 in found.broken:
        result.length = replica.length  # a block that was cut is whole again
    return Mended(False, not result.differs(), fetched)


def false_alarms(intact: Intact) -> int:
    """How often a check of intact data, copied to places of memory that no other checks have, says it is broken."""
    alarms = 0
    for shift in range(_ALARMS_CHECKED):
        moved = memoryview(bytes(shift) + intact.data)[shift:]
        alarms += intact.scheme.of_blocks(moved, intact.block_bytes) != intact.checksums
    return alarms
