"""What somebody does who wants a change to pass: a CRC is mended with a few bytes, MD5 has collisions ready to use.

A CRC is affine over bits: crc(m ^ d) = crc(m) ^ crc(d) ^ crc(0), all of one length. Whoever changes a block therefore
solves a system of linear equations for a few more bytes, and the CRC is what it was. The same is done to every
checksum: of those that are not linear the solution is none, and they notice.

Cost: one checksum of a block for each bit that may be mended, once for each function and length; then one elimination.
Source: Stigge et al. 2006, "Reversing CRC"; Wang, Feng, Lai, Yu 2004, "Collisions for Hash Functions MD4, MD5,
HAVAL-128 and RIPEMD", whose pair of messages is the one below.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import numpy as np

from assay.experiments.integrity.schemes import Scheme

__all__ = ["MESSAGES", "forged"]

_SPARE_BYTES = 4  # beyond the checksum's width: a part of a CRC may need more
_CHANGED_BYTES = 16

# Two messages of 128 bytes whose MD5 is 79054025255fb1a26e4bc422aef54eb4.
_FIRST = bytes.fromhex(
    "d131dd02c5e6eec4693d9a0698aff95c2fcab58712467eab4004583eb8fb7f89"
    "55ad340609f4b30283e488832571415a085125e8f7cdc99fd91dbdf280373c5b"
    "d8823e3156348f5bae6dacd436c919c6dd53e2b487da03fd02396306d248cda0"
    "e99f33420f577ee8ce54b67080a80d1ec69821bcb6a8839396f9652b6ff72a70"
)
_APART = {19: 0x80, 45: 0x80, 59: 0x80, 83: 0x80, 109: 0x80, 123: 0x80}  # bytes, and the bit in which they differ
MESSAGES = _FIRST, bytes(byte ^ _APART.get(place, 0) for place, byte in enumerate(_FIRST))


def forged(scheme: Scheme, block: bytes, random: np.random.Generator, number: int = 0) -> bytes:
    """A block with other content, and the same checksum if the function is linear.

    Args:
        scheme: Whose checksum is to stay.
        block: At least 128 bytes.
        random: Which bytes are changed.
        number: The block's number.
    """
    room = min(scheme.width + _SPARE_BYTES, len(block) - _CHANGED_BYTES)
    changed = bytearray(block)
    first = int(random.integers(room, len(block) - _CHANGED_BYTES + 1))
    for place in range(first, first + _CHANGED_BYTES):
        changed[place] ^= int(random.integers(1, 256))
    wanted = _number(scheme.of(block, number)) ^ _number(scheme.of(bytes(changed), number))
    _, members = _reduced(_basis(scheme, len(block), room), wanted, 0)
    for bit in range(8 * room):
        if members >> bit & 1:
            changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@lru_cache(maxsize=256)
def _basis(scheme: Scheme, length: int, room: int) -> Mapping[int, tuple[int, int]]:
    """What bits of the first `room` bytes of a block of zeros change in its checksum, in echelon form over GF(2).

    By highest bit: a sum of such changes, and the bits of the block that make it, as the bits of a number.
    """
    block = bytearray(length)
    nothing = _number(scheme.of(bytes(block)))
    rows: dict[int, tuple[int, int]] = {}
    for bit in range(8 * room):
        block[bit // 8] = 1 << bit % 8
        value, members = _reduced(rows, _number(scheme.of(bytes(block))) ^ nothing, 1 << bit)
        block[bit // 8] = 0
        if value:
            rows[value.bit_length()] = value, members
    return rows


def _reduced(rows: Mapping[int, tuple[int, int]], value: int, members: int) -> tuple[int, int]:
    """What the rows leave of a value, and which bits of the block have taken the rest away."""
    left = 0
    while value:
        top = value.bit_length()
        if top in rows:
            value ^= rows[top][0]
            members ^= rows[top][1]
        else:
            left |= 1 << (top - 1)
            value ^= 1 << (top - 1)
    return left, members


def _number(checksum: bytes) -> int:
    return int.from_bytes(checksum, "little")
