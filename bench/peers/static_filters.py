"""Filters of fingerprints beside their peers: interleaved rounds, processor time, rates and bits per key of each.

    python bench/peers/static_filters.py [--rows 10000000] [--rounds 5] [--only NAME ...] [--peer FOLDER] [-o FILE]

Keys are random int64; a filter is built on all of them, and probed with as many keys of which half are present. assay
takes Arrow columns and gives a Boolean array. The peer is FastFilter's C: `--peer` names a folder with its
`binaryfusefilter.h` and `xorfilter.h` (github.com/FastFilter/xor_singleheader, `include/`), which are compiled here
with `cc -O3 -march=native` and called in loops over arrays of 64-bit words, so no call costs anything; without it they
are skipped. No Python package builds such filters of a column, and pyfusefilter 1.3, which wraps the same C for lists,
fails with xxhash 4. A peer's answer is checked: it holds every present key, and its rate is measured on the absent
ones. Goals are printed beside the figures; a miss is printed as a miss. Building changes the order of the C peer's
keys, so it gets a copy each time.
"""

from __future__ import annotations

import argparse
import ctypes
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from beside import Report, Row, threads_over_processes

import assay

# assay's name → how it is built, and the peers of the same kind.
OURS: dict[str, Callable[..., Any]] = {
    "binary_fuse 8": lambda keys, **options: assay.BinaryFuseFilter.build(keys, **options),
    "binary_fuse 8, arity 4": lambda keys, **options: assay.BinaryFuseFilter.build(keys, arity=4, **options),
    "binary_fuse 16": lambda keys, **options: assay.BinaryFuseFilter.build(keys, fingerprint_bits=16, **options),
    "xor 8": lambda keys, **options: assay.XorFilter.build(keys, **options),
    "ribbon 8": lambda keys, **options: assay.RibbonFilter.build(keys, **options),
    "ribbon 7": lambda keys, **options: assay.RibbonFilter.build(keys, fingerprint_bits=7, **options),
    "cuckoo, 1 %": lambda keys, **options: assay.CuckooFilter.build(keys, **options),
}
# FastFilter's own figures at 10 million keys, ns per key (build, probe), where its C is not at hand.
PUBLISHED = {"binary_fuse 8": (70.0, 28.0)}
C_CODE = """
#include <stdlib.h>
#include "binaryfusefilter.h"
#include "xorfilter.h"
#define KIND(NAME, TYPE, ALLOCATE, POPULATE, CONTAIN, FREE, BYTES) \\
void *peer_##NAME##_build(uint64_t *keys, uint32_t count) { \\
    TYPE *made = malloc(sizeof(TYPE)); \\
    if (!ALLOCATE(count, made) || !POPULATE(keys, count, made)) { free(made); return NULL; } \\
    return made; \\
} \\
void peer_##NAME##_probe(const TYPE *made, const uint64_t *keys, uint32_t count, uint8_t *out) { \\
    for (uint32_t i = 0; i < count; i++) out[i] = CONTAIN(keys[i], made); \\
} \\
uint64_t peer_##NAME##_bytes(const TYPE *made) { return BYTES(made); } \\
void peer_##NAME##_free(TYPE *made) { FREE(made); free(made); }
KIND(fuse8, binary_fuse8_t, binary_fuse8_allocate, binary_fuse8_populate, binary_fuse8_contain, binary_fuse8_free,
     binary_fuse8_size_in_bytes)
KIND(fuse16, binary_fuse16_t, binary_fuse16_allocate, binary_fuse16_populate, binary_fuse16_contain, binary_fuse16_free,
     binary_fuse16_size_in_bytes)
KIND(xor8, xor8_t, xor8_allocate, xor8_buffered_populate, xor8_contain, xor8_free, xor8_size_in_bytes)
"""
C_KINDS = {"fuse8": "binary_fuse 8", "fuse16": "binary_fuse 16", "xor8": "xor 8"}


@dataclass(frozen=True)
class Peer:
    """How a peer builds a filter of keys, answers others, what it takes, and whose like it is."""

    build: Callable[[], Any]
    probe: Callable[[Any], Any]
    bits: Callable[[Any], float]
    of: str
    keys: int


class CFilter:
    """A filter of FastFilter's C."""

    def __init__(self, library: ctypes.CDLL, name: str, keys: np.ndarray) -> None:
        self._library, self._name = library, name
        copied = keys.copy()
        self.handle = self._call("build", ctypes.c_void_p)(_pointer(copied), ctypes.c_uint32(len(copied)))
        assert self.handle, f"{name} was not built"

    def _call(self, verb: str, result: Any = None) -> Any:
        function = getattr(self._library, f"peer_{self._name}_{verb}")
        function.restype = result
        return function

    def probe(self, keys: np.ndarray) -> np.ndarray:
        """A byte for each key."""
        out = np.empty(len(keys), np.uint8)
        self._call("probe")(ctypes.c_void_p(self.handle), _pointer(keys), ctypes.c_uint32(len(keys)), _pointer(out))
        return out

    @property
    def bits(self) -> int:
        """All bits of the filter."""
        return int(self._call("bytes", ctypes.c_uint64)(ctypes.c_void_p(self.handle))) * 8

    def __del__(self) -> None:
        self._call("free")(ctypes.c_void_p(self.handle))


def _pointer(values: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)


def compiled(headers: Path) -> ctypes.CDLL:
    """The C peer as a library."""
    folder = Path(tempfile.mkdtemp())
    (folder / "peer.c").write_text(C_CODE, encoding="utf-8")
    command = ["cc", "-O3", "-march=native", "-fPIC", "-shared", f"-I{headers}", "-o", str(folder / "peer.so")]
    subprocess.run([*command, str(folder / "peer.c"), "-lm"], check=True)
    return ctypes.CDLL(str(folder / "peer.so"))


def drawn(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Keys to be held, and as many probes of which every second one is held."""
    numbers = np.random.default_rng(5).integers(0, 2**62, rows + (rows + 1) // 2)
    probes = numbers[:rows].copy()
    probes[1::2] = numbers[rows : rows + rows // 2]
    return numbers[:rows], probes


def c_peers(library: ctypes.CDLL, keys: np.ndarray, probes: np.ndarray) -> dict[str, Peer]:
    """FastFilter's C on all keys."""
    held, asked = keys.astype(np.uint64), probes.astype(np.uint64)

    def peer(name: str) -> Peer:
        return Peer(
            lambda: CFilter(library, name, held),
            lambda made: made.probe(asked),
            lambda made: made.bits,
            C_KINDS[name],
            len(held),
        )

    return {f"FastFilter's C {name}": peer(name) for name in C_KINDS}


def measure(peers: dict[str, Peer], arguments: argparse.Namespace, report: Report) -> None:
    """Sizes and rates, builds and probes of all that are chosen."""
    numbers, asked = drawn(arguments.rows)
    keys, probes = pa.array(numbers), pa.array(asked)
    builds: dict[str, Row] = {}
    asks: dict[str, Row] = {}
    report.say("\nsizes and rates")

    def note(name: str, answers: np.ndarray, bits_per_key: float) -> None:
        assert answers[::2].all(), f"{name} denies a key it holds"
        report.say(f"  {name:44} {float(answers[1::2].mean()):10.4%} of absent keys   {bits_per_key:6.2f} bits per key")

    for name, make in OURS.items():
        if chosen(name, arguments):
            made = make(keys)
            answers = made.contains(probes).to_numpy(zero_copy_only=False)
            note(name, answers, made.bits_per_key)
            builds[name] = Row(lambda make=make: make(keys, threads=1), len(keys), arguments.rounds)  # type: ignore[misc]
            asks[name] = Row(lambda made=made: made.contains(probes, threads=1), len(probes), arguments.rounds)  # type: ignore[misc]
    for name, peer in peers.items():
        if chosen(name, arguments):
            theirs = peer.build()
            note(name, np.array(peer.probe(theirs), np.bool_), peer.bits(theirs) / peer.keys)
            builds[name] = Row(peer.build, peer.keys, arguments.rounds)
            asks[name] = Row(lambda peer=peer, theirs=theirs: peer.probe(theirs), peer.keys, arguments.rounds)  # type: ignore[misc]
    report.say("\nbuild")
    building = report.table(builds)
    report.say("\nprobe, half present")
    probing = report.table(asks)
    report.say()
    if "binary_fuse 8" in building:
        report.goal("binary_fuse 8 build", building["binary_fuse 8"], 50, unit="ns per key", most=True)
        report.goal("binary_fuse 8 probe", probing["binary_fuse 8"], 15, unit="ns per key", most=True)
    for name, peer in peers.items():
        if name in building and peer.of in building:
            report.goal(f"{peer.of}: build over {name}", building[name] / building[peer.of], 1)
            report.goal(f"{peer.of}: probe over {name}", probing[name] / probing[peer.of], 1)
    for name, (build, probe) in PUBLISHED.items():
        if name in building:
            report.say(f"  {name}: FastFilter's published figures are {build:g} and {probe:g} ns per key")


def threads(arguments: argparse.Namespace, report: Report) -> None:
    """Two threads beside two independent processes of one thread."""
    numbers, asked = drawn(arguments.rows)
    keys, probes = pa.array(numbers), pa.array(asked)
    made = assay.BinaryFuseFilter.build(keys)
    report.say("\ntwo threads over two processes, binary_fuse 8")
    build = assay.BinaryFuseFilter.build
    ratio = threads_over_processes(lambda: build(keys, threads=1), lambda: build(keys, threads=2))
    report.goal("build", ratio, 0.85)
    ratio = threads_over_processes(lambda: made.contains(probes, threads=1), lambda: made.contains(probes, threads=2))
    report.goal("probe", ratio, 0.85)


def chosen(name: str, arguments: argparse.Namespace) -> bool:
    """Whether a row is asked for."""
    return not arguments.only or any(part in name for part in arguments.only)


def main() -> None:
    """Runs what is asked for and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--only", nargs="*", default=[], help="parts of names: fuse, xor, ribbon, cuckoo, FastFilter, threads ..."
    )
    parser.add_argument("--peer", type=Path, help="a folder with FastFilter's binaryfusefilter.h and xorfilter.h")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    report = Report()
    report.head(("pyarrow", "numpy"))
    report.say(f"{arguments.rows:,} int64 keys")
    peers: dict[str, Peer] = {}
    if arguments.peer is None:
        report.say("FastFilter's C is skipped: --peer names no folder with its headers")
    else:
        keys, probes = drawn(arguments.rows)
        peers = c_peers(compiled(arguments.peer), keys, probes)
    measure(peers, arguments, report)
    if chosen("threads", arguments):
        threads(arguments, report)
    report.say(f"\n{report.missed} goals missed")
    if arguments.output:
        report.write(arguments.output)


if __name__ == "__main__":
    main()
