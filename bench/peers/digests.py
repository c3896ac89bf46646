"""Cryptographic digests beside their peers: many short keys, and the blocks of a buffer; interleaved, processor time.

    python bench/peers/digests.py [--rows 10000000] [--mebibytes 256] [--rounds 5] [--only NAME ...] [-o FILE]

Keys are random 16-byte texts in an Arrow column; assay gives FixedSizeBinary, duckdb and polars-hash give hexadecimal
text, loops over hashlib and blake3 a list of bytes. polars-hash gets 2 million keys at most and loops 1 million, given
as nanoseconds per key. Blocks are the 4 KiB of a buffer of random bytes, beside loops over slices of a memoryview. One
buffer as a whole is serial by construction (but for BLAKE3's tree): there parity is what can be had, and nothing is
promised. A peer's answer is checked against assay's. Goals are printed beside the figures, and so is a miss.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from beside import Report, Row, threads_over_processes

import assay

ALGORITHMS = ("md5", "sha1", "sha256", "sha512", "blake3")
POLARS_ROWS = 2_000_000
LOOP_ROWS = 1_000_000
BLOCK_BYTES = 4096
# Algorithm → nanoseconds per key at most; peer → how many times faster at least, None for the best of all.
KEY_GOALS: dict[str, tuple[float | None, dict[str | None, float]]] = {
    "md5": (14, {"duckdb": 10, "loop": 25}),
    "sha1": (55, {None: 3}),
    "sha256": (55, {None: 3}),
    "sha512": (None, {}),
    "blake3": (20, {None: 6}),
}
# Algorithm → GB/s of 4 KiB blocks at least, and how many times faster than a loop.
BLOCK_GOALS: dict[str, tuple[float | None, float | None]] = {
    "md5": (4, 5),
    "sha1": (2.5, None),
    "sha256": (2.5, None),
    "sha512": (None, None),
    "blake3": (5, 2.5),
}


def chosen(name: str, arguments: argparse.Namespace) -> bool:
    """Whether a row or a table is asked for."""
    return not arguments.only or any(part in name for part in arguments.only)


def one_at_a_time(algorithm: str) -> Callable[[Any], bytes]:
    """A function of one message, as a loop calls it."""
    if algorithm == "blake3":
        from blake3 import blake3

        return lambda message: blake3(message).digest()
    function = getattr(hashlib, algorithm)
    return lambda message: function(message).digest()


def looped(algorithm: str, messages: list[Any]) -> list[bytes]:
    """A list of digests, by the shortest loop that there is."""
    if algorithm == "blake3":
        from blake3 import blake3

        return [blake3(message).digest() for message in messages]
    function = getattr(hashlib, algorithm)
    return [function(message).digest() for message in messages]


def random_keys(rows: int) -> pa.Array:
    """Texts of 16 hexadecimal digits."""
    numbers = np.random.default_rng(0).integers(0, 2**64, rows, dtype=np.uint64)
    digits = np.frombuffer(b"0123456789abcdef", dtype=np.uint8)
    texts = np.empty((rows, 16), dtype=np.uint8)
    for place in range(16):
        texts[:, place] = digits[(numbers >> np.uint64(4 * place)) & np.uint64(15)]
    offsets = np.arange(0, 16 * (rows + 1), 16, dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), rows, [None, pa.py_buffer(offsets), pa.py_buffer(texts)])


def key_peers(algorithm: str, keys: pa.Array) -> dict[str, tuple[Callable[[], list[bytes]], Row]]:
    """Name → the first digests, and the row to be timed."""
    import duckdb
    import polars as pl
    import polars_hash as plh

    peers: dict[str, tuple[Callable[[], list[bytes]], Row]] = {}
    if algorithm in ("md5", "sha1", "sha256"):
        connection = duckdb.connect()
        connection.execute("SET threads = 1")
        connection.register("keys", pa.table({"key": keys}))
        query = f"SELECT {algorithm}(key) AS digest FROM keys"

        def by_duckdb() -> pa.Table:
            return connection.sql(query).to_arrow_table()

        def first_of_duckdb() -> list[bytes]:
            found = connection.execute(query + " LIMIT 1000").fetchall()
            return [bytes.fromhex(digest) for (digest,) in found]

        peers["duckdb"] = first_of_duckdb, Row(by_duckdb, len(keys), 2)
    some = keys.slice(0, POLARS_ROWS)
    frame = pl.DataFrame({"key": some})
    method = {"sha256": "sha2_256", "sha512": "sha2_512"}.get(algorithm, algorithm)
    key = plh.col("key")
    # It counts md5 and sha1 among those that do not resist an attacker.
    expression = getattr(key.nchash if algorithm in ("md5", "sha1") else key.chash, method)()

    def first_of_polars() -> list[bytes]:
        return [bytes.fromhex(digest) for digest in frame.head(1000).select(expression).to_series().to_list()]

    peers["polars-hash"] = first_of_polars, Row(lambda: frame.select(expression), len(some), 2)
    messages = [key.encode() for key in keys.slice(0, LOOP_ROWS).to_pylist()]
    peers["loop"] = (
        lambda: looped(algorithm, messages[:1000]),
        Row(lambda: looped(algorithm, messages), len(messages), 2),
    )
    return peers


def keys_beside_peers(algorithm: str, keys: pa.Array, arguments: argparse.Namespace, report: Report) -> None:
    """One digest of all keys."""
    report.say(f"\n{algorithm} of {len(keys):,} keys of 16 bytes")
    rows = {"assay": Row(lambda: assay.digest(keys, algorithm, threads=1), len(keys), arguments.rounds)}
    expected = assay.digest(keys.slice(0, 1000), algorithm).to_pylist()
    for name, (first, row) in key_peers(algorithm, keys).items():
        assert first() == expected[: len(first())], f"{name} and assay differ"
        rows[name] = row
    figures = report.table(rows)
    most, ratios = KEY_GOALS[algorithm]
    if most is not None:
        report.goal("assay", figures["assay"], most, unit="ns", most=True)
    best = min(figures[name] for name in figures if name != "assay")
    for peer, wanted in ratios.items():
        reached = (best if peer is None else figures[peer]) / figures["assay"]
        report.goal(f"over {peer or 'the best peer'}", reached, wanted)


def blocks_beside_loops(algorithm: str, data: bytes, arguments: argparse.Namespace, report: Report) -> None:
    """One digest of each block, and of the whole buffer."""
    view = memoryview(data)
    report.say(f"\n{algorithm} of {len(data) >> 20} MiB")

    def loop() -> list[bytes]:
        return looped(algorithm, [view[start : start + BLOCK_BYTES] for start in range(0, len(view), BLOCK_BYTES)])

    one = one_at_a_time(algorithm)

    def blocks() -> pa.Array:
        return assay.checksum_blocks(data, algorithm, block_bytes=BLOCK_BYTES, threads=1)

    assert blocks().to_pylist() == loop()
    assert assay.checksum(data, algorithm, threads=1) == one(data)
    figures = report.table(
        {
            "assay, 4 KiB blocks": Row(blocks, len(data), arguments.rounds),
            "loop, 4 KiB blocks": Row(loop, len(data), arguments.rounds),
            "assay, one buffer": Row(lambda: assay.checksum(data, algorithm, threads=1), len(data), arguments.rounds),
            "hashlib or blake3, one buffer": Row(lambda: one(data), len(data), arguments.rounds),
        },
        unit="GB/s",
    )
    rate, ratio = BLOCK_GOALS[algorithm]
    if rate is not None:
        report.goal("assay's blocks", figures["assay, 4 KiB blocks"], rate, unit="GB/s")
    if ratio is not None:
        report.goal("over the loop", figures["assay, 4 KiB blocks"] / figures["loop, 4 KiB blocks"], ratio)


def threads(keys: pa.Array, data: bytes, report: Report) -> None:
    """Two threads beside two independent processes of one."""
    report.say("\ntwo threads over two processes with one thread each, wall time")
    for algorithm in ("md5", "sha256", "blake3"):
        reached = threads_over_processes(
            partial(assay.digest, keys, algorithm, threads=1), partial(assay.digest, keys, algorithm, threads=2)
        )
        report.goal(f"{algorithm} of keys", reached, 0.85)
    reached = threads_over_processes(
        lambda: assay.checksum_blocks(data, "md5", threads=1), lambda: assay.checksum_blocks(data, "md5", threads=2)
    )
    report.goal("md5 of 4 KiB blocks", reached, 0.85)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--mebibytes", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names: md5, keys, blocks, threads ...")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    report = Report()
    report.head(("duckdb", "polars", "polars-hash", "blake3", "pyarrow", "numpy"))
    keys = random_keys(arguments.rows)
    data = np.random.default_rng(1).bytes(arguments.mebibytes << 20)
    for algorithm in ALGORITHMS:
        if chosen(f"keys {algorithm}", arguments):
            keys_beside_peers(algorithm, keys, arguments, report)
    for algorithm in ALGORITHMS:
        if chosen(f"blocks {algorithm}", arguments):
            blocks_beside_loops(algorithm, data, arguments, report)
    if chosen("threads", arguments):
        threads(keys, data, report)
    report.say(f"\n{report.missed} goals missed")
    if arguments.output:
        report.write(arguments.output)


if __name__ == "__main__":
    main()
