"""Bloom filters beside their peers: interleaved rounds, processor time, rates and bits per key of each.

    python bench/peers/filters.py [--rows 10000000] [--rounds 5] [--only NAME ...] [-o FILE]

Keys are random int64 and 16-byte texts; a filter for 1 % is built on all of them, and probed with as many keys of which
half are present. assay takes Arrow columns and gives a Boolean array; its peers take Python objects one by one, or in
lists where they can; pybloom-live gets 200,000 keys, given as nanoseconds per key: its filter is smaller then, which
favours it. A peer's answer is checked: it holds every present key, and its rate is measured
on the absent ones. Goals are printed beside the figures; a miss is printed as a miss.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from beside import Report, Row, threads_over_processes

import assay

RATE = 0.01
LAYOUTS = ("split_block", "blocked_512", "standard")
# Peer → how many times faster split_block is to be, in building and in probing.
GOALS = {"rbloom": 18.0, "abloom": 9.0, "fastbloom-rs": 13.0}
SLOW_ROWS = 200_000


@dataclass(frozen=True)
class Peer:
    """How a peer builds a filter of a list, probes it with a list, and how many bits it takes."""

    build: Callable[[list[Any]], Any]
    probe: Callable[[Any, list[Any]], list[bool]]
    bits: Callable[[Any], float]
    rows: int | None = None  # as many as asked for


def _by_one(made: Any, keys: list[Any]) -> list[bool]:
    return [key in made for key in keys]


def _rbloom(keys: list[Any]) -> Any:
    from rbloom import Bloom

    made = Bloom(len(keys), RATE)
    made.update(keys)
    return made


def _abloom(keys: list[Any]) -> Any:
    from abloom import BloomFilter

    made = BloomFilter(len(keys), RATE)
    made.update(keys)
    return made


def _fastbloom(keys: list[Any]) -> Any:
    from fastbloom_rs import BloomFilter

    made = BloomFilter(len(keys), RATE)
    (made.add_int_batch if isinstance(keys[0], int) else made.add_str_batch)(keys)
    return made


def _fastbloom_probe(made: Any, keys: list[Any]) -> list[bool]:
    answers: list[bool] = (made.contains_int_batch if isinstance(keys[0], int) else made.contains_str_batch)(keys)
    return answers


def _pybloom(keys: list[Any]) -> Any:
    from pybloom_live import BloomFilter

    made = BloomFilter(len(keys), RATE)
    for key in keys:
        made.add(key)
    return made


PEERS = {
    "rbloom": Peer(_rbloom, _by_one, lambda made: made.size_in_bits),
    "abloom": Peer(_abloom, _by_one, lambda made: made.byte_count * 8),
    "fastbloom-rs": Peer(_fastbloom, _fastbloom_probe, lambda made: len(made.get_bytes()) * 8),
    "pybloom-live": Peer(_pybloom, _by_one, lambda made: made.num_bits, SLOW_ROWS),
}


def drawn(kind: str, rows: int) -> tuple[pa.Array, pa.Array]:
    """Keys to be held, and as many probes of which every second one is held."""
    numbers = np.random.default_rng(5).integers(0, 2**62, rows + (rows + 1) // 2)
    probes = numbers[:rows].copy()
    probes[1::2] = numbers[rows : rows + rows // 2]
    if kind == "int64":
        return pa.array(numbers[:rows]), pa.array(probes)

    def text(values: np.ndarray) -> pa.Array:
        return pa.array([f"{value:016x}" for value in values.tolist()])

    return text(numbers[:rows]), text(probes)


def one_kind(kind: str, arguments: argparse.Namespace, report: Report) -> None:
    """Build and probe, of assay and its peers."""
    keys, probes = drawn(kind, arguments.rows)
    builds: dict[str, Row] = {}
    asks: dict[str, Row] = {}
    notes = {}
    for layout in LAYOUTS:
        name = f"assay {layout}"
        if not chosen(name, arguments):
            continue

        def build(layout: Any = layout) -> assay.BloomFilter:
            return assay.BloomFilter.build(keys, layout=layout, false_positive_rate=RATE, threads=1)

        made = build()
        answers = made.contains(probes, threads=1).to_numpy(zero_copy_only=False)
        assert answers[::2].all(), f"{name} denies a key it holds"
        rate, theory = float(answers[1::2].mean()), made.false_positive_rate_at(len(keys))
        notes[name] = (rate, made.bits_per_key, len(keys))
        builds[name] = Row(build, len(keys), arguments.rounds)
        asks[name] = Row(lambda made=made: made.contains(probes, threads=1), len(probes), arguments.rounds)  # type: ignore[misc]
        if layout == "split_block":
            report.goal(f"{kind} split_block: measured rate over theory", rate / theory, 1.03, most=True)
    for name, peer in PEERS.items():
        if not chosen(name, arguments):
            continue
        few_keys, few_probes = drawn(kind, min(peer.rows or arguments.rows, arguments.rows))
        listed, asked = few_keys.to_pylist(), few_probes.to_pylist()
        theirs = peer.build(listed)
        found = np.array(peer.probe(theirs, asked))
        assert found[::2].all(), f"{name} denies a key it holds"
        notes[name] = (float(found[1::2].mean()), peer.bits(theirs) / len(listed), len(listed))
        builds[name] = Row(lambda peer=peer, listed=listed: peer.build(listed), len(listed), arguments.rounds)  # type: ignore[misc]
        asks[name] = Row(
            lambda peer=peer, theirs=theirs, asked=asked: peer.probe(theirs, asked),  # type: ignore[misc]
            len(asked),
            arguments.rounds,
        )
    report.say(f"\n{kind}: sizes and rates for {RATE:.0%}")
    for name, (rate, bits, rows) in notes.items():
        report.say(f"  {name:44} {rate:10.3%} of absent keys   {bits:6.2f} bits per key, {rows:,} keys")
    report.say(f"\n{kind}: build")
    building = report.table(builds)
    report.say(f"\n{kind}: probe, half present")
    probing = report.table(asks)
    ours = "assay split_block"
    if ours in building:
        report.say()
        report.goal(f"{kind} split_block build", building[ours], 10, unit="ns per key", most=True)
        report.goal(f"{kind} split_block probe", probing[ours], 10, unit="ns per key", most=True)
        for name, goal in GOALS.items():
            if name in building:
                report.goal(f"{kind} build over {name}", building[name] / building[ours], goal)
                report.goal(f"{kind} probe over {name}", probing[name] / probing[ours], goal)


def threads(arguments: argparse.Namespace, report: Report) -> None:
    """Two threads beside two independent processes of one thread."""
    keys, probes = drawn("int64", arguments.rows)
    made = assay.BloomFilter.build(keys, false_positive_rate=RATE)

    def build(count: int) -> object:
        return assay.BloomFilter.build(keys, false_positive_rate=RATE, threads=count)

    report.say("\ntwo threads over two processes, int64, split_block")
    ratio = threads_over_processes(lambda: build(1), lambda: build(2))
    report.goal("build", ratio, 0.85)
    ratio = threads_over_processes(lambda: made.contains(probes, threads=1), lambda: made.contains(probes, threads=2))
    report.goal("probe", ratio, 0.85)


def chosen(name: str, arguments: argparse.Namespace) -> bool:
    return not arguments.only or any(part in name for part in arguments.only)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", default=[], help="parts of names: rbloom, split_block, threads ...")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    report = Report()
    report.head(("rbloom", "abloom", "fastbloom-rs", "pybloom-live", "pyarrow", "numpy"))
    report.say(f"{arguments.rows:,} keys; pybloom-live {SLOW_ROWS:,}")
    for kind in ("int64", "text"):
        one_kind(kind, arguments, report)
    if chosen("threads", arguments):
        threads(arguments, report)
    report.say(f"\n{report.missed} goals missed")
    if arguments.output:
        report.write(arguments.output)


if __name__ == "__main__":
    main()
