"""Placements of hashed keys on named nodes, naively: ring, jump, rendezvous, Maglev and others.

Each is a function from nodes (names in order of their positions) to a function from a hash value
to a position. Written from METHODOLOGY.md, "Placements as strategies".
"""

from __future__ import annotations

import bisect
import re
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


def bounded_loads(
    nodes: Sequence[str], values: set[int], virtual_nodes: int, function: str, seed: int, quarters: int = 5
) -> Owner:
    """Each of the keys' values, by its mix, goes to the first point clockwise whose node holds fewer than
    ceil(quarters/4 x keys / nodes); what is not among them, where the ring has it."""
    hash_text = hash_bytes(function, seed)
    points = sorted(
        (hash_text(f"{node}-{i}".encode()), position)
        for position, node in enumerate(nodes)
        for i in range(virtual_nodes)
    )
    room = [-(-quarters * len(values) // (4 * len(nodes)))] * len(nodes)
    owners = {}
    for value in sorted(values, key=_splitmix64_finalised):
        start = bisect.bisect_left(points, (value, 0))
        owner = next(position for _, position in points[start:] + points[:start] if room[position])
        room[owner] -= 1
        owners[value] = owner
    alone = ring(nodes, virtual_nodes, function, seed)
    return lambda value: owners[value] if value in owners else alone(value)


def multi_probe(nodes: Sequence[str], probes: int = 21) -> Owner:
    """Of the points after the probes, SplitMix64's sequence from the value on, the nearest one's node."""
    points = [hash_bytes("xxh3_64")(f"{node}-0".encode()) for node in nodes]

    def owner(value: int) -> int:
        starts = [_splitmix64_finalised((value + i * 0x9E3779B97F4A7C15) & _MASK) for i in range(1, probes + 1)]
        return min(((point - s) & _MASK, position) for s in starts for position, point in enumerate(points))[1]

    return owner


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


REDIS_SLOTS = 16_384


def redis_slot(data: bytes, is_text: bool) -> int:
    """CRC-16/XMODEM of the key, or of its first tag in braces if it is text with one that is not empty."""
    if is_text and (match := re.search(rb"\{([^}]*)\}", data)) and match[1]:
        data = match[1]
    return hash_bytes("crc16_xmodem")(data) % REDIS_SLOTS


def redis_table(nodes: int) -> list[int]:
    """The holder of each slot at first: node i holds those from floor(i 16384 / n) on."""
    return [
        node for node in range(nodes) for _ in range(node * REDIS_SLOTS // nodes, (node + 1) * REDIS_SLOTS // nodes)
    ]


def redis_after(table: Sequence[int], before: Sequence[str], after: Sequence[str]) -> list[int]:
    """The holders after a change of equal nodes: the fewest slots move by which each holds its share.

    Who stays keeps its slots; a newcomer in the place of one that went has them. Shares are rounded up for those
    that hold more than the share rounded down, lowest first, as far as there are slots. Who holds too many loses
    its last ones; the free slots go in order to those with too few, in the nodes' order.
    """
    names: list[str | None] = [before[holder] for holder in table]
    for place, (old, new) in enumerate(zip(before, after, strict=False)):
        if old not in after and new not in before:
            names = [after[place] if name == old else name for name in names]
    names = [name if name in after else None for name in names]
    wanted = {name: REDIS_SLOTS // len(after) for name in after}
    fuller = sorted(after, key=lambda name: names.count(name) <= wanted[name])  # stable: then by position
    for name in fuller[: REDIS_SLOTS % len(after)]:
        wanted[name] += 1
    for name in after:
        for slot in [slot for slot, holder in enumerate(names) if holder == name][wanted[name] :]:
            names[slot] = None
    free = iter([slot for slot, holder in enumerate(names) if holder is None])
    for name in after:
        for _ in range(wanted[name] - names.count(name)):
            names[next(free)] = name
    return [after.index(name) for name in names if name is not None]


def rendezvous_bits(value: int, node: str) -> int:
    """What a node bids for a hash value, before weights."""
    return _splitmix64_finalised(value ^ hash_bytes("xxh3_64")(node.encode()))


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
