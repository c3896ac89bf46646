"""Files of traces: every format equals a plain reading of a few lines, or both refuse the file.

Pieces of true files are put together, bytes changed, ends cut off; now and then the file is compressed, perhaps damaged
afterwards. A block is a few bytes long, so that lines and records lie across blocks.
"""

from __future__ import annotations

import gzip
import random
import re
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
from loop import run

from assay.datasets import line_blocks, open_dataset
from assay.datasets.twitter_files import OPERATIONS
from assay.errors import ReadError

FOLDER = tempfile.TemporaryDirectory()
Rows = list[tuple[Any, ...]] | None  # None: refused


def oracle_general(data: bytes) -> Rows:
    """Time, key, size and next access of each record."""
    if not data or len(data) % 24:
        return None
    rows = []
    for number, (time, key, size, following) in enumerate(struct.iter_unpack("<IQIq", data), 1):
        if following in (-1, 2**63 - 1):
            following = None
        elif not number <= following < 2**48:  # from 0, as some write them, the request after this one is `number`
            return None
        rows.append((time, key, size, following))
    return rows


def lines(data: bytes) -> list[bytes]:
    """The lines, without their line feeds."""
    return data.removesuffix(b"\n").split(b"\n")


def lis(data: bytes) -> Rows:
    """Line and block of each request."""
    if not data:
        return None
    rows = []
    for number, line in enumerate(lines(data)):
        if not re.fullmatch(rb"[0-9 \t\r]*", line):
            return None
        numbers = re.findall(rb"[0-9]+", line)
        if not 2 <= len(numbers) <= 4 or any(len(one) > 18 for one in numbers[:2]):
            return None
        first, count = int(numbers[0]), int(numbers[1])
        if not 1 <= count <= 2**20:
            return None
        rows += [(number, block) for block in range(first, first + count)]
    return rows


def keys(data: bytes) -> Rows:
    """The key of each line."""
    try:
        found = [line.removesuffix(b"\r").decode() for line in lines(data)]
    except UnicodeDecodeError:
        return None
    return [(key,) for key in found] if data and all(found) else None


def twitter(data: bytes) -> Rows:
    """Time, key, size and operation of each line."""
    rows: list[tuple[Any, ...]] = []
    for line in lines(data):
        try:
            fields = line.removesuffix(b"\r").decode().split(",")
        except UnicodeDecodeError:
            return None
        if "\r" in "".join(fields):  # would end a line elsewhere
            return None
        if len(fields) != 7 or not fields[1] or fields[5] not in OPERATIONS:
            return None
        time, key, key_size, value_size, _, op, ttl = fields
        if not all(re.fullmatch(r"[ \t]*-?[0-9]{1,9}[ \t]*", one) for one in (time, key_size, value_size, ttl)):
            return None
        if "-" in key_size + value_size + ttl:
            return None
        rows.append((int(time), key, int(key_size) + int(value_size), op))
    return rows


def records(chance: random.Random) -> bytes:
    """Something like oracleGeneral."""
    count = chance.randint(0, 40)
    following = [-1, 2**63 - 1, count - 1, count, count + 1, 2**48 - 1, 2**48, 0, -2]
    made = [
        struct.pack(
            "<IQIq",
            chance.getrandbits(32),
            chance.getrandbits(64),
            chance.choice([0, 1, 2**32 - 1]),
            chance.choice(following[:2] if chance.random() < 0.98 else following),
        )
        for _ in range(count)
    ]
    return b"".join(made)


def text(pieces: list[bytes], good: Callable[[random.Random], bytes]) -> Callable[[random.Random], bytes]:
    """Lines, most of them good ones."""

    def make(chance: random.Random) -> bytes:
        made = [
            good(chance) if chance.random() < 0.97 else b"".join(chance.choices(pieces, k=chance.randint(0, 6)))
            for _ in range(chance.randint(0, 20))
        ]
        return chance.choice([b"\n", b"\r\n"]).join(made) + chance.choice([b"", b"\n"])

    return make


def lis_line(chance: random.Random) -> bytes:
    """A line of ARC's."""
    return b"%d %d 0 %d" % (chance.choice([0, 7, 10**17]), chance.randint(1, 30), chance.randint(0, 9))


def key_line(chance: random.Random) -> bytes:
    """A key."""
    return b"k%d" % chance.randint(0, 9)


def twitter_line(chance: random.Random) -> bytes:
    """A line of Twitter's."""
    operation = chance.choice(OPERATIONS).encode()
    return b"%d,k%d,%d,%d,c,%s,0" % (chance.randint(-5, 99), chance.randint(0, 9), 3, chance.randint(0, 999), operation)


FORMATS: dict[str, tuple[Callable[[bytes], Rows], tuple[str, ...], Callable[[random.Random], bytes]]] = {
    "oracle_general": (oracle_general, ("time", "key", "size", "next_access"), records),
    "lis": (lis, ("time", "key"), text([b"1", b" ", b"-", b"9" * 19, b"0", b"\t", b"x"], lis_line)),
    "keys": (
        keys,
        ("key",),
        text([b"", b"\xff", b'"', b",", b"\xc3\x9f", b"\0"], lambda chance: b"k%d" % chance.randint(0, 9)),
    ),
    "twitter": (twitter, ("time", "key", "size", "op"), text([b",", b"1", b"get", b"-1", b'"', b"\xff"], twitter_line)),
}


def case(chance: random.Random) -> None:
    """One file, read by the product and plainly."""
    name = chance.choice(list(FORMATS))
    plainly, columns, make = FORMATS[name]
    data = bytearray(make(chance))
    if data and chance.random() < 0.2:
        data[chance.randrange(len(data))] = chance.randrange(256)
    if chance.random() < 0.1:
        del data[chance.randint(0, len(data)) :]
    wanted = plainly(bytes(data))
    suffix, stored, damaged = "", bytes(data), False
    if chance.random() < 0.3:
        suffix = chance.choice([".gz", ".zst"])
        stored = gzip.compress(stored) if suffix == ".gz" else bytes(pa.Codec("zstd").compress(stored, asbytes=True))
        if chance.random() < 0.3:
            damaged, stored = True, stored[: chance.randint(0, len(stored) - 1)]
    path = Path(FOLDER.name) / f"trace{suffix}"
    path.write_bytes(stored)
    line_blocks.BLOCK_BYTES = chance.choice([1, 7, 64, 4 << 20])
    try:
        table = open_dataset(f"{name}({path})").table().select(list(columns))
        found: Rows = list(zip(*(column.to_pylist() for column in table.columns), strict=True))
    except ReadError as error:
        assert str(path) in str(error), error
        found = None
    assert found == wanted or (damaged and found is None), (name, bytes(data), found, wanted)


if __name__ == "__main__":
    raise SystemExit(run(case))
