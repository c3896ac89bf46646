"""Faults, each as something in the world makes it, at a place that a seed draws.

    bit_flip           one bit: a cosmic ray, a worn cell
    burst              up to 32 bits in a row: a scratch, a disturbed line
    zeroed_page        4 KiB of zeros at a multiple of 4 KiB: a page that never reached the disk, a hole punched
    torn_write         the first part of a block is new, the rest old: power was lost while it was written
    swapped_blocks     two whole blocks, each in the other's place: a table of addresses went wrong
    duplicated_block   a block that was written over another one too: a misdirected write
    stale_block        an old version of a block: a write that was acknowledged and lost
    lost_tail          the last blocks are gone, at a block's end: a file restored from too short a copy
    truncation         the end is gone, within a block: a transfer that broke off
    forged_crc         somebody changes a block and mends its CRC with a few more bytes; checksums are left alone
    md5_collision      somebody puts the other one of two messages with the same MD5 in the place of the first
    rewritten_block    somebody changes a block and the checksum behind it

A fault that cannot be made of this data (no second block, nothing but zeros) is None. Cost: what the blocks take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from assay.experiments.integrity.copies import Copy, Intact
from assay.experiments.integrity.forging import MESSAGES, forged
from assay.experiments.integrity.settings import Fault

__all__ = ["PAGE_BYTES", "inject", "prepared"]

PAGE_BYTES = 4096
MOST_BURST_BITS = 32
_TRIES = 50

Random = np.random.Generator


def prepared(fault: Fault, intact: Intact, random: Random) -> Intact:
    """The data that a fault needs: for a collision of MD5, the first message lies at the beginning of a block."""
    if fault != "md5_collision":
        return intact
    number = 0 if intact.scheme.kept == "whole" else int(random.integers(intact.whole_blocks))
    first = number * intact.block_bytes
    message = MESSAGES[0]
    return intact.with_bytes(number, intact.data[:first] + message + intact.data[first + len(message) :])


def inject(fault: Fault, intact: Intact, random: Random) -> Copy | None:
    """A copy with one fault of this kind; None where this data has no place for it."""
    for _ in range(_TRIES):
        copy = _MAKERS[fault](intact, random)
        if copy is None or copy.differs():
            return copy
    return None


def _bit_flip(intact: Intact, random: Random) -> Copy:
    return _flipped(intact, int(random.integers(8 * len(intact.data))), 1)


def _burst(intact: Intact, random: Random) -> Copy:
    """Bits in a row as CRCs see them, from the lowest of each byte on: the first and the last one flip."""
    length = int(random.integers(2, MOST_BURST_BITS + 1))
    pattern = 1 | 1 << (length - 1) | int(random.integers(1 << length)) & ((1 << length) - 1)
    return _flipped(intact, int(random.integers(8 * len(intact.data) - length + 1)), pattern)


def _flipped(intact: Intact, bit: int, pattern: int) -> Copy:
    copy = Copy(intact)
    place, pattern = bit // 8, pattern << (bit % 8)
    changes = {}
    while pattern:
        changes[place] = intact.data[place] ^ pattern & 0xFF
        place, pattern = place + 1, pattern >> 8
    copy.write_bytes(changes)
    return copy


def _zeroed_page(intact: Intact, random: Random) -> Copy:
    copy = Copy(intact)
    first = int(random.integers(-(-len(intact.data) // PAGE_BYTES))) * PAGE_BYTES
    end, size = min(first + PAGE_BYTES, len(intact.data)), intact.block_bytes
    for number in range(first // size, -(-end // size)):
        payload, start = intact.block(number), number * size
        low, high = max(first, start) - start, min(end, start + len(payload)) - start
        whole = low == 0 and high == len(payload)
        carried = intact.carried(number)
        gone = bytes(len(carried)) if whole and carried is not None else carried  # it lies behind its block
        copy.write(number, payload[:low] + bytes(high - low) + payload[high:], gone)
    return copy


def _torn_write(intact: Intact, random: Random) -> Copy:
    number, old = _old_version(intact, random)
    new = intact.block(number)
    apart = [place for place, (one, other) in enumerate(zip(new, old, strict=True)) if one != other]
    cut = int(random.integers(apart[0] + 1, apart[-1] + 1))
    copy = Copy(intact)
    copy.write(
        number, new[:cut] + old[cut:], intact.scheme.of(old, number) if intact.scheme.moves_with_blocks else None
    )
    return copy


def _stale_block(intact: Intact, random: Random) -> Copy:
    number, old = _old_version(intact, random)
    copy = Copy(intact)
    copy.write(number, old, intact.scheme.of(old, number) if intact.scheme.moves_with_blocks else None)
    return copy


def _old_version(intact: Intact, random: Random) -> tuple[int, bytes]:
    """A block and what it was before the last write: up to 64 of its bytes were others."""
    number = int(random.integers(intact.whole_blocks))
    old = bytearray(intact.block(number))
    places = random.choice(len(old), size=int(random.integers(2, 65)), replace=False)
    for place in places.tolist():
        old[place] ^= int(random.integers(1, 256))
    return number, bytes(old)


def _swapped_blocks(intact: Intact, random: Random) -> Copy | None:
    pair = _two_blocks(intact, random)
    if pair is None:
        return None
    copy = Copy(intact)
    one, other = pair
    copy.write(one, intact.block(other), intact.carried(other))
    copy.write(other, intact.block(one), intact.carried(one))
    return copy


def _duplicated_block(intact: Intact, random: Random) -> Copy | None:
    pair = _two_blocks(intact, random)
    if pair is None:
        return None
    copy = Copy(intact)
    copy.write(pair[1], intact.block(pair[0]), intact.carried(pair[0]))
    return copy


def _two_blocks(intact: Intact, random: Random) -> tuple[int, int] | None:
    """Two whole blocks; None if there are no two."""
    if intact.whole_blocks < 2:
        return None
    one, other = random.choice(intact.whole_blocks, size=2, replace=False).tolist()
    return one, other


def _lost_tail(intact: Intact, random: Random) -> Copy | None:
    if intact.blocks < 2:
        return None
    return Copy(intact, length=int(random.integers(1, intact.blocks)) * intact.block_bytes)


def _truncation(intact: Intact, random: Random) -> Copy:
    copy = Copy(intact)
    while copy.length is None or copy.length % intact.block_bytes == 0:
        copy.length = int(random.integers(1, len(intact.data)))
    number = copy.length // intact.block_bytes
    copy.write(number, intact.block(number)[: copy.length % intact.block_bytes], None)  # the checksum behind it is gone
    return copy


def _forged_crc(intact: Intact, random: Random) -> Copy:
    if intact.scheme.kept == "whole":
        payload = forged(intact.scheme, intact.data, random)
        copy = Copy(intact)
        for number in range(intact.blocks):
            part = payload[number * intact.block_bytes : (number + 1) * intact.block_bytes]
            if part != intact.block(number):
                copy.write(number, part, None)
        return copy
    copy = Copy(intact)
    number = int(random.integers(intact.whole_blocks))
    copy.write(number, forged(intact.scheme, intact.block(number), random, number), intact.carried(number))
    return copy


def _md5_collision(intact: Intact, random: Random) -> Copy:
    copy = Copy(intact)
    for number in range(intact.whole_blocks):
        payload = intact.block(number)
        if payload.startswith(MESSAGES[0]):
            copy.write(number, MESSAGES[1] + payload[len(MESSAGES[1]) :], intact.carried(number))
            break
    return copy


def _rewritten_block(intact: Intact, random: Random) -> Copy:
    number, other = _old_version(intact, random)
    copy = Copy(intact)
    copy.write(number, other, intact.scheme.of(other, number) if intact.scheme.moves_with_blocks else None)
    return copy


_MAKERS: Mapping[Fault, Callable[[Intact, Random], Copy | None]] = {
    "bit_flip": _bit_flip,
    "burst": _burst,
    "zeroed_page": _zeroed_page,
    "torn_write": _torn_write,
    "swapped_blocks": _swapped_blocks,
    "duplicated_block": _duplicated_block,
    "stale_block": _stale_block,
    "lost_tail": _lost_tail,
    "truncation": _truncation,
    "forged_crc": _forged_crc,
    "md5_collision": _md5_collision,
    "rewritten_block": _rewritten_block,
}
