"""What every primitive answers on the same keys, as one line of JSON: name → SHA-256 of the answer's bytes.

Run as a script, on the instructions that the processor (or the environment) allows; the answers must not depend on
them. What there is to run is read from the catalogue, so a contender that is added is here too.
"""

from __future__ import annotations

import hashlib
import json
import random

import pyarrow as pa

import assay
from assay import _core, catalogue
from assay.experiments.membership.spelling import MAKERS

ROWS = 1500  # several batches of every kernel, and a rest
BYTES = 300_007


def columns() -> dict[str, pa.Array]:
    """Keys of several types and lengths, with nulls; what `random` gives for a seed is the same everywhere."""
    draw = random.Random(7)
    lengths = [draw.choice([0, 1, 3, 4, 8, 9, 16, 17, 55, 56, 64, 65, 130, 241, 700]) for _ in range(ROWS)]
    texts = ["".join(draw.choices("abcdefghij", k=length)) for length in lengths]
    words = [draw.getrandbits(63) for _ in range(ROWS)]
    holes = [draw.random() < 0.1 for _ in range(ROWS)]
    return {
        "int64": pa.array([None if hole else word for word, hole in zip(words, holes, strict=True)], pa.int64()),
        "uint64": pa.array(words, pa.uint64()),
        "int32": pa.array([word & 0x7FFFFFFF for word in words], pa.int32()),
        "float64": pa.array([word / 3 for word in words]),
        "text": pa.array(texts).slice(3),
        "nulls": pa.array([None if hole else text for text, hole in zip(texts, holes, strict=True)]),
        "view": pa.array(texts, pa.string_view()),
        "fixed": pa.array([word.to_bytes(16, "big") for word in words], pa.binary(16)),
    }


def digest_of(answer: object) -> str:
    """SHA-256 of an answer: an array's values, or what it is."""
    values = answer.to_pylist() if isinstance(answer, (pa.Array, pa.ChunkedArray)) else answer
    return hashlib.sha256(repr(values).encode()).hexdigest()


def names(room: str) -> list[str]:
    """The contenders of a room."""
    return sorted(contender.name for contender in catalogue.contenders(room))


def answers() -> dict[str, str]:
    """Every primitive's answer, by its name and the column."""
    keys = columns()
    table = pa.table({name: column for name, column in keys.items() if name != "text"})
    found = {}
    for name in names("hash"):
        takes = ["uint64"] if name == "identity" else keys
        for column in takes:
            found[f"hash {name} {column}"] = digest_of(assay.hash(keys[column], name))
        if name != "identity":
            found[f"hash_rows {name}"] = digest_of(assay.hash_rows(table, name))
    for name in names("digest"):
        for column in keys:
            found[f"digest {name} {column}"] = digest_of(assay.digest(keys[column], name))
    data = random.Random(8).randbytes(BYTES)
    for name in names("checksum"):
        found[f"checksum {name}"] = digest_of(assay.checksum(data, name))
        found[f"checksum_blocks {name}"] = digest_of(assay.checksum_blocks(data, name, block_bytes=4096))
    for name in names("filter"):
        kind, distinguished = MAKERS[name]
        for column in keys:
            made = getattr(assay, kind).build(keys[column], **distinguished)
            found[f"filter {name} {column}"] = digest_of((made.to_bytes(), made.contains(keys[column]).to_pylist()))
    nodes = [f"node-{index}" for index in range(23)]
    for name in names("placement"):
        placement = getattr(assay, "".join(part.capitalize() for part in name.split("_")))(nodes)
        for column in keys:
            found[f"placement {name} {column}"] = digest_of(placement.lookup(keys[column]))
    return found


if __name__ == "__main__":
    print(json.dumps({"instructions": _core.instructions(), "answers": answers()}))
