"""Placements beside other packages: lookups of many keys, on one thread by processor time, Arrow in and out.

    python bench/peers/placements.py [--rows 10000000] [--rounds 5] [--only ring jump ...] [-o FILE]

The ring by MD5 is hashlib's and numpy's, point by point; jump's buckets are jump-consistent-hash's; uhashring and
clandestined hash otherwise, so that their answers are not ours. Peers that look up one key at a time get some of the
keys. Figures are the best of interleaved rounds; goals stand beside them.
"""

from __future__ import annotations

import argparse
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from beside import Report, Row, interleaved, threads_over_processes

import assay

NODES = [f"node-{index}" for index in range(1000)]
POINTS = 160
SOME = 20_000  # keys for peers that look up one at a time
TWO_THREADS = 0.85  # of two independent processes


def text_keys(rows: int) -> pa.Array:
    """Texts of 13 bytes."""
    return pa.array(np.char.add("user-", np.char.zfill(np.arange(rows).astype("U8"), 8)))


def hashed_keys(rows: int) -> pa.Array:
    """Well-mixed values that stand for hashes."""
    return pa.array(np.random.default_rng(1).integers(0, 2**64, rows, dtype=np.uint64))


def on_two_threads(report: Report, placement: Any, keys: pa.Array) -> None:
    """The speed of two threads beside two processes of one thread."""
    reached = threads_over_processes(
        lambda: placement.lookup(keys, threads=1), lambda: placement.lookup(keys, threads=2)
    )
    report.goal("two threads over two processes", reached, TWO_THREADS)


def ring(rows: int, rounds: int, report: Report) -> None:
    """A ring of MD5, 1000 nodes x 160 points: lookups of texts, the search alone, the build, a node more."""
    from uhashring import HashRing

    keys = text_keys(rows)
    fewer = keys.slice(0, min(rows, 1_000_000))
    texts = fewer.to_pylist()
    ours, by_xxh3 = (assay.Ring(NODES, virtual_nodes=POINTS, hash=function) for function in ("md5", "xxh3_64"))
    named = [f"{node}-{index}".encode() for node in NODES for index in range(POINTS)]
    values = np.array([int.from_bytes(hashlib.md5(name).digest()[:8], "little") for name in named], np.uint64)
    order = np.argsort(values, kind="stable")
    points, owners = values[order], (order // POINTS).astype(np.uint32)

    def hashlib_and_numpy() -> Any:
        digests = b"".join(hashlib.md5(text.encode()).digest()[:8] for text in fewer.to_pylist())
        return owners[np.searchsorted(points, np.frombuffer(digests, "<u8")) % len(points)]

    assert (ours.lookup(fewer).to_numpy() == hashlib_and_numpy()).all(), "the same ring, the same owners"
    peer = HashRing(nodes=NODES, vnodes=POINTS)
    report.say(f"\nring of MD5, {len(NODES)} x {POINTS} points, {rows:,} text keys of 13 bytes")
    found = report.table(
        {
            "assay": Row(lambda: ours.lookup(keys, threads=1), rows, rounds),
            "assay, xxh3_64": Row(lambda: by_xxh3.lookup(keys, threads=1), rows, rounds),
            f"hashlib + numpy ({len(fewer):,} keys)": Row(hashlib_and_numpy, len(fewer), rounds),
            f"uhashring ({SOME:,} keys)": Row(
                lambda: [peer.get_node(text) for text in texts[:SOME]], min(SOME, len(texts)), rounds
            ),
        }
    )
    ns, numpys, uhashrings = (found[name] for name in found if name != "assay, xxh3_64")
    report.goal("assay", ns, 30, unit="ns", most=True)
    report.goal("over hashlib + numpy", numpys / ns, 20)
    report.goal("over uhashring", uhashrings / ns, 15)
    on_two_threads(report, ours, keys)

    hashes = hashed_keys(rows)
    numbers = hashes.to_numpy()
    by_identity = assay.Ring(NODES, virtual_nodes=POINTS, hash="identity")
    report.say(f"\nthe ring's search alone, {rows:,} hashes that are there")
    found = report.table(
        {
            "assay": Row(lambda: by_identity.lookup(hashes, threads=1), rows, rounds),
            "numpy searchsorted": Row(lambda: np.searchsorted(points, numbers), rows, rounds),
        }
    )
    report.goal("over numpy", found["numpy searchsorted"] / found["assay"], 15)

    calls = {
        "assay, anew": lambda: assay.Ring(NODES, virtual_nodes=POINTS, hash="md5"),
        "assay, one node more": lambda: ours.with_node("node-1000"),
        "uhashring, anew": lambda: HashRing(nodes=NODES, vnodes=POINTS),
    }
    report.say(f"\nthe ring's build, {len(NODES) * POINTS:,} points")
    builds = interleaved(calls, max(3, rounds // 2))
    for name, timed in builds.items():
        report.say(f"  {name:44} {timed.processor * 1e3:10.2f} ms")
    report.goal("over uhashring", builds["uhashring, anew"].processor / builds["assay, anew"].processor, 20)
    report.goal("memory", ours.memory_bytes / 2**20, 5, unit="MiB", most=True)


def jump(rows: int, rounds: int, report: Report) -> None:
    """Jump at 1000 nodes from hashed keys."""
    import jump as peer

    hashes = hashed_keys(rows)
    ours = assay.Jump(NODES, hash="identity")
    some = hashes.slice(0, min(rows, 1_000_000)).to_pylist()
    buckets = [peer.hash(value, len(NODES)) for value in some]
    assert ours.lookup(hashes.slice(0, len(some))).to_pylist() == buckets, "the same walk, the same bucket"
    report.say(f"\njump, {len(NODES)} nodes, {rows:,} hashes that are there")
    found = report.table(
        {
            "assay": Row(lambda: ours.lookup(hashes, threads=1), rows, rounds),
            f"jump-consistent-hash ({len(some):,} keys)": Row(
                lambda: [peer.hash(value, len(NODES)) for value in some], len(some), rounds
            ),
        }
    )
    ns, theirs = found.values()
    report.goal("assay", ns, 15, unit="ns", most=True)
    report.goal("over jump-consistent-hash", theirs / ns, 5)
    on_two_threads(report, ours, hashes)


def rendezvous(rows: int, rounds: int, report: Report) -> None:
    """Rendezvous at 1000 nodes."""
    from clandestined import RendezvousHash

    rows = min(rows, 1_000_000)
    hashes = hashed_keys(rows)
    ours = assay.Rendezvous(NODES, hash="identity")
    peer, few = RendezvousHash(nodes=NODES), 50
    report.say(f"\nrendezvous, {len(NODES)} nodes, {rows:,} hashes that are there")
    found = report.table(
        {
            "assay": Row(lambda: ours.lookup(hashes, threads=1), rows, rounds),
            f"clandestined ({few} keys)": Row(
                lambda: [peer.find_node(f"user-{index:08d}") for index in range(few)], few, min(rounds, 3)
            ),
        }
    )
    ns, theirs = found.values()
    report.goal("assay", ns, 150, unit="ns", most=True)
    report.goal("over clandestined", theirs / ns, 1000)
    on_two_threads(report, ours, hashes)


def others(rows: int, rounds: int, report: Report) -> None:
    """The placements that no other package has for columns, from hashed keys."""
    hashes = hashed_keys(rows)
    away = [f"node-{index}" for index in range(0, 1000, 10)]
    memento, anchor = assay.Memento(NODES, hash="identity"), assay.Anchor(NODES, hash="identity")
    for name in away:
        memento, anchor = memento.without_node(name), anchor.without_node(name)
    placements = {
        "maglev": assay.Maglev(NODES, hash="identity"),
        "modulo": assay.Modulo(NODES, hash="identity"),
        "multi_probe": assay.MultiProbe(NODES, hash="identity"),
        "bounded_loads": assay.BoundedLoads(NODES, hash="identity"),
        "anchor": assay.Anchor(NODES, hash="identity"),
        "anchor, 100 of 1000 away": anchor,
        "memento": assay.Memento(NODES, hash="identity"),
        "memento, 100 of 1000 away": memento,
    }
    report.say(f"\nothers, {len(NODES)} nodes, {rows:,} hashes that are there (no goals)")
    report.table(
        {
            name: Row(lambda placement=placement: placement.lookup(hashes, threads=1), rows, rounds)
            for name, placement in placements.items()
        }
    )


PARTS: dict[str, Callable[[int, int, Report], None]] = {
    "ring": ring,
    "jump": jump,
    "rendezvous": rendezvous,
    "others": others,
}


def main() -> None:
    """Runs what is asked for and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000, help="keys, where a goal is for as many")
    parser.add_argument("--rounds", type=int, default=5, help="interleaved rounds")
    parser.add_argument("--only", nargs="*", choices=PARTS, default=list(PARTS), help="which of them")
    parser.add_argument("-o", "--output", type=Path, help="a file for the report")
    options = parser.parse_args()
    report = Report()
    report.head(("assay", "pyarrow", "numpy", "uhashring", "jump-consistent-hash", "clandestined"))
    for name in options.only:
        PARTS[name](options.rows, options.rounds, report)
    report.say(f"\n{report.missed} goals missed" if report.missed else "\nall goals met")
    if options.output:
        report.write(options.output)


if __name__ == "__main__":
    main()
