"""Placements of hashed keys on named nodes, naively: ring, jump, rendezvous and Maglev.

Each is a function from nodes (names in order of their positions) to a function from a hash value
to a position. Written from METHODOLOGY.md, "Placements as strategies".
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from functools import lru_cache

from oracle_keys import hash_bytes

Owner = Callable[[int], int]
_MASK = 0xFFFFFFFFFFFFFFFF


def ring(nodes: Sequence[str], virtual_nodes: int, function: str, seed: int) -> Owner:
    """First point at or after the key's value, clockwise; among equal points the lower position."""
    hash_text = hash_bytes(function, seed)
    points = sorted(
        (hash_text(f"{node}-{i}".encode()), position)
        for position, node in enumerate(nodes)
        for i in range(max(1, virtual_nodes))
    )
    values = [value for value, _ in points]
    return lambda value: points[bisect.bisect_left(values, value) % len(points)][1]


def jump(nodes: Sequence[str]) -> Owner:
    """Lamping and Veach 2014, figure 1."""
    buckets = len(nodes)

    def owner(key: int) -> int:
        b, j = -1, 0
        while j < buckets:
            b = j
            key = (key * 2862933555777941757 + 1) & _MASK
            j = int((b + 1) * (float(1 << 31) / float((key >> 33) + 1)))
        return b

    return owner


def rendezvous(nodes: Sequence[str]) -> Owner:
    """The node with the largest score; ties to the lower position."""
    names = [hash_bytes("xxh3_64")(node.encode()) for node in nodes]

    def owner(value: int) -> int:
        scores = [_splitmix64_finalised(value ^ name) for name in names]
        return scores.index(max(scores))

    return owner


def maglev(nodes: Sequence[str]) -> Owner:
    """The table entry of the value's slot, value % M."""
    table = maglev_table(tuple(nodes))
    return lambda value: table[value % len(table)]


@lru_cache(maxsize=64)
def maglev_table(nodes: tuple[str, ...]) -> list[int]:
    size = maglev_size(len(nodes))
    offsets = [hash_bytes("xxh3_64", 0)(node.encode()) % size for node in nodes]
    skips = [hash_bytes("xxh3_64", 1)(node.encode()) % (size - 1) + 1 for node in nodes]
    return fill_maglev(offsets, skips, size)


def fill_maglev(offsets: Sequence[int], skips: Sequence[int], size: int) -> list[int]:
    """Eisenbud et al. 2016, pseudocode 1: each node in turn takes the next free slot of its permutation."""
    table = [-1] * size
    slots = list(offsets)
    filled = 0
    while True:
        for position, skip in enumerate(skips):
            slot = slots[position]
            while table[slot] >= 0:
                slot += skip
                if slot >= size:
                    slot -= size
            table[slot] = position
            slots[position] = slot
            filled += 1
            if filled == size:
                return table


def maglev_size(nodes: int) -> int:
    """65537, or the smallest prime above 100 n if that is larger."""
    size = 100 * nodes + 1
    while any(size % divisor == 0 for divisor in range(2, int(size**0.5) + 1)):
        size += 1
    return max(65537, size)


def _splitmix64_finalised(value: int) -> int:
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)
