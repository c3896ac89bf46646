"""Checksums beside their peers: one large buffer, blocks of 4 KiB, a file, and two threads.

    python bench/peers/checksums.py [--bytes 268435456] [--rounds 7] [--only buffer blocks file threads] [-o FILE]

One thread, by processor time, in GB/s (10^9 bytes); rows of one table are timed in turn, and the figure is the best
round. Peers: zlib and hashlib of Python, google-crc32c, xxhash, blake3. Values are compared before anything is timed.
The memory read limit is the faster of two plain passes over the same buffer in the same rounds: numpy's sum of its
64-bit words, and numpy's maximum. A checksum can pass it, as a loop with more arithmetic may prefetch better; what is
printed is the share.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path

import blake3
import google_crc32c
import numpy as np
import xxhash
from beside import Report, Row, threads_over_processes

import assay

BLOCK = 4096
CRCS = ("crc32", "crc32c", "crc64_nvme")
DIGESTS = ("md5", "sha1", "sha256", "sha512")
SERIAL = (*CRCS, "xxh3_64", "xxh64", *DIGESTS, "blake3")

Peers = dict[str, tuple[str, Callable[[bytes], object]]]
# What each algorithm is called elsewhere, and how; the answers are assay's.
PEERS: Peers = {
    "crc32": ("zlib", zlib.crc32),
    "crc32c": ("google-crc32c", google_crc32c.value),
    "xxh3_64": ("xxhash", xxhash.xxh3_64_intdigest),
    "xxh64": ("xxhash", xxhash.xxh64_intdigest),
    "md5": ("hashlib", lambda data: hashlib.md5(data).digest()),
    "sha1": ("hashlib", lambda data: hashlib.sha1(data).digest()),
    "sha256": ("hashlib", lambda data: hashlib.sha256(data).digest()),
    "sha512": ("hashlib", lambda data: hashlib.sha512(data).digest()),
    "blake3": ("blake3", lambda data: blake3.blake3(data).digest()),
}


def buffer(data: bytes, rounds: int, report: Report) -> None:
    """One buffer, far larger than any cache."""
    words = np.frombuffer(data, np.uint64)
    rows = {
        "memory read: numpy sum": Row(lambda: words.sum(), len(data), rounds),
        "memory read: numpy max": Row(lambda: words.max(), len(data), rounds),
    }
    for name in SERIAL:
        rows[f"assay {name}"] = Row(lambda name=name: assay.checksum(data, name, threads=1), len(data), rounds)
        if name in PEERS:
            peer, call = PEERS[name]
            assert call(data) == assay.checksum(data, name), f"{peer} disagrees on {name}"
            rows[f"{peer} {name}"] = Row(lambda call=call: call(data), len(data), rounds)
    report.say(f"\none buffer of {len(data) >> 20} MiB")
    found = report.table(rows, unit="GB/s")
    limit = max(found["memory read: numpy sum"], found["memory read: numpy max"])
    for name in CRCS:
        report.goal(f"assay {name} over the read limit", found[f"assay {name}"] / limit, 0.85)
    report.goal("assay crc32 over zlib", found["assay crc32"] / found["zlib crc32"], 5)
    report.goal("assay crc32c over google-crc32c", found["assay crc32c"] / found["google-crc32c crc32c"], 2)
    for name in ("xxh3_64", *DIGESTS, "blake3"):
        peer = PEERS[name][0]
        report.goal(f"assay {name} over {peer} (parity)", found[f"assay {name}"] / found[f"{peer} {name}"], 0.95)


def cached(data: bytes, rounds: int, report: Report) -> None:
    """A buffer that stays in the second-level cache: what the kernels could do if memory were faster."""
    part, times = data[: 1 << 19], 256
    rows = {}
    for name in (*CRCS, "xxh3_64"):
        rows[f"assay {name}"] = Row(
            lambda name=name: [assay.checksum(part, name, threads=1) for _ in range(times)], times * len(part), rounds
        )
        if name in PEERS:
            peer, call = PEERS[name]
            rows[f"{peer} {name}"] = Row(
                lambda call=call: [call(part) for _ in range(times)], times * len(part), rounds
            )
    report.say(f"\none buffer of {len(part) >> 10} KiB, in the cache")
    report.table(rows, unit="GB/s")


def blocks(data: bytes, rounds: int, report: Report) -> None:
    """A value for each block of 4 KiB: one call of assay's beside a loop over the peer's."""
    parts = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]  # cut before anything is timed
    rows = {}
    for name in SERIAL:
        rows[f"assay {name}"] = Row(
            lambda name=name: assay.checksum_blocks(data, name, block_bytes=BLOCK, threads=1), len(data), rounds
        )
        if name in PEERS:
            peer, call = PEERS[name]
            answers = assay.checksum_blocks(data[: 64 * BLOCK], name, block_bytes=BLOCK).to_pylist()
            assert answers == [call(part) for part in parts[:64]], f"{peer} disagrees on {name}"
            rows[f"{peer} {name}, a loop"] = Row(lambda call=call: [call(part) for part in parts], len(data), rounds)
    report.say(f"\nblocks of {BLOCK} bytes of {len(data) >> 20} MiB")
    found = report.table(rows, unit="GB/s")

    def over(name: str) -> float:
        return found[f"assay {name}"] / found[f"{PEERS[name][0]} {name}, a loop"]

    report.goal("assay crc32c", found["assay crc32c"], 20, unit="GB/s")
    report.goal("assay crc32c over the loop", over("crc32c"), 3)
    report.goal("assay md5", found["assay md5"], 4, unit="GB/s")
    report.goal("assay md5 over the loop", over("md5"), 5)
    report.goal("assay blake3", found["assay blake3"], 5, unit="GB/s")
    report.goal("assay blake3 over the loop", over("blake3"), 2.5)


def file(data: bytes, rounds: int, report: Report) -> None:
    """A file in the page cache, read by one thread, beside hashlib.file_digest and a loop over its pieces."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data"
        path.write_bytes(data)

        def looped() -> int:
            value = 0
            with path.open("rb", buffering=0) as source:
                while piece := source.read(1 << 18):
                    value = google_crc32c.extend(value, piece)
            return value

        def by_hashlib() -> bytes:
            with path.open("rb") as source:
                return hashlib.file_digest(source, "sha256").digest()

        assert looped() == assay.checksum(path) and by_hashlib() == assay.checksum(path, "sha256")
        rows = {
            "assay crc32c": Row(lambda: assay.checksum(path, "crc32c", threads=1), len(data), rounds),
            "google-crc32c, a loop over read": Row(looped, len(data), rounds),
            "assay sha256": Row(lambda: assay.checksum(path, "sha256", threads=1), len(data), rounds),
            "hashlib.file_digest sha256": Row(by_hashlib, len(data), rounds),
            "assay blake3": Row(lambda: assay.checksum(path, "blake3", threads=1), len(data), rounds),
            "assay MerkleTree (blake3, 64 KiB)": Row(
                lambda: assay.MerkleTree.build(path, threads=1), len(data), rounds
            ),
        }
        report.say(f"\na file of {len(data) >> 20} MiB in the page cache")
        report.table(rows, unit="GB/s")


def threads(data: bytes, rounds: int, report: Report) -> None:
    """Two threads beside two independent processes with one thread each, by wall time."""
    report.say(f"\ntwo threads over two processes, {len(data) >> 20} MiB")
    copies = {os.getpid(): data}

    def own() -> bytes:
        """A buffer of this process's own: two that read one would share its lines of the cache."""
        if os.getpid() not in copies:
            copies[os.getpid()] = bytes(bytearray(data))
        return copies[os.getpid()]

    for name, use in {
        "crc32c": lambda count: assay.checksum(own(), "crc32c", threads=count),
        "blake3": lambda count: assay.checksum(own(), "blake3", threads=count),
        "crc32c of blocks": lambda count: assay.checksum_blocks(own(), "crc32c", threads=count),
        "sha256 of blocks": lambda count: assay.checksum_blocks(own(), "sha256", threads=count),
    }.items():
        ratio = threads_over_processes(lambda use=use: use(1), lambda use=use: use(2), rounds=rounds)
        report.goal(name, ratio, 0.85)


PARTS = {"buffer": buffer, "cached": cached, "blocks": blocks, "file": file, "threads": threads}


def main() -> None:
    """Runs the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bytes", type=int, default=256 << 20, help="of the buffer; a multiple of 4096")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", nargs="*", choices=sorted(PARTS), default=[])
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    if arguments.bytes % BLOCK or arguments.bytes < 1 << 20:
        parser.error(f"--bytes is {arguments.bytes}; expected a multiple of {BLOCK}, 1 MiB or more")
    data = np.random.default_rng(1).bytes(arguments.bytes)
    report = Report()
    report.head(("assay", "google-crc32c", "xxhash", "blake3", "numpy"))
    for name, part in PARTS.items():
        if not arguments.only or name in arguments.only:
            part(data, arguments.rounds, report)
    if arguments.output:
        report.write(arguments.output)


if __name__ == "__main__":
    main()
