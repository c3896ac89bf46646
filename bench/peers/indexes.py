"""Indexes beside their peers: interleaved rounds, processor time of one thread, Arrow in and out.

    python bench/peers/indexes.py [--rows 10000000] [--probes 1000000] [--rounds 5] [--kinds NAME ...] [-o FILE]

Keys are distinct random uint64. Every structure of the room `index` that can hold so many is built on them, or those of
`--kinds`; peers are numpy.searchsorted (with the batch as it comes and sorted first), pandas.Index, DuckDB's join, and,
where they are installed, BTrees.QQBTree, sortedcontainers.SortedDict and LMDB, which take Python objects and so get
`--slow-probes` of them; Rust's BTreeMap runs in a program of its own, which cargo builds, one round on the same keys.
A peer's answer is checked before it is timed. Goals are printed beside the figures; a miss is printed as a miss.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
from beside import Report, Row

import assay
from assay import _core

ROOT = Path(__file__).resolve().parents[2]
RANGE_ROWS = 100
RANGES = 10_000
# Every question reads the whole column, or every block of it: not for a million probes.
READ_WHOLE = ("scan", "zone_map", "bloom_blocks", "bitmap")
STATIC = ("sorted", "eytzinger", "pgm")
STRUCTURES = [one for one in _core.catalogue() if one["room"] == "index"]
ORDERED = {one["name"] for one in STRUCTURES if "ordered" in one["abilities"]}


def draw(first: int, count: int) -> np.ndarray:
    """SplitMix64's numbers from `first` on, shape (count,): a bijection, so that they are distinct."""
    word = (np.arange(first, first + count, dtype=np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    word = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return word ^ (word >> np.uint64(31))


def main() -> None:
    """Prints, and writes where it is told to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--probes", type=int, default=1_000_000)
    parser.add_argument("--slow-probes", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kinds", nargs="+", help="structures of the room; by default all that suit so many probes")
    parser.add_argument("--no-slow", action="store_true", help="leave out peers that take Python objects")
    parser.add_argument("-o", "--output", type=Path)
    given = parser.parse_args()
    report = Report()
    report.head(("numpy", "pandas", "duckdb", "pyarrow"))
    keys = draw(0, given.rows)
    probes = keys[(draw(0, given.probes) % np.uint64(given.rows)).astype(np.int64)]
    kinds = given.kinds or [one["name"] for one in STRUCTURES if one["name"] not in READ_WHOLE]
    bench = Bench(report, keys, probes, kinds, given)
    bench.builds()
    bench.lookups()
    bench.ranges()
    bench.inserts()
    report.say(f"{report.missed} goals missed")
    if given.output is not None:
        report.write(given.output)


class Bench:
    """Keys, probes, and the structures and peers over them."""

    def __init__(self, report: Report, keys: np.ndarray, probes: np.ndarray, kinds: list[str], given: Any) -> None:
        self.report, self.keys, self.probes, self.kinds, self.given = report, keys, probes, kinds, given
        self.column, self.asked = pa.array(keys), pa.array(probes)
        self.order = np.argsort(keys, kind="stable")
        self.sorted = keys[self.order]
        self.rows_of = self.order[np.searchsorted(self.sorted, probes)]
        self.indexes: dict[str, assay.Index] = {}
        self.peers: dict[str, tuple[Callable[[np.ndarray], Any], int]] = {}
        self.rust = _btree_map(len(keys), len(probes))
        self.sorted_dict: Any = None

    def builds(self) -> None:
        """Building on one thread, each once and in turn; numpy's argsort beside it."""
        self.report.say(f"build of {len(self.keys):,} keys, ns per key (bytes per key)")
        argsort = min(_seconds(lambda: np.argsort(self.keys)) for _ in range(2))
        self.report.say(f"  numpy argsort: {argsort * 1e9 / len(self.keys):.1f}")
        if self.rust:
            self.report.say(f"  Rust BTreeMap: {self.rust['build']:.1f}")
        for kind in self.kinds:
            best = float("inf")
            for _ in range(2):
                self.indexes.pop(kind, None)
                before = time.process_time()
                self.indexes[kind] = assay.Index.build(self.column, kind=kind, threads=1)
                best = min(best, time.process_time() - before)
            index = self.indexes[kind]
            size = index.memory_bytes / len(self.keys)
            self.report.say(f"  {kind}: {best * 1e9 / len(self.keys):.1f} ({size:.2f}; {index.statistics})")
            if kind in STATIC:
                self.report.goal(f"{kind}: build against argsort", argsort / best, 3)
                self.report.goal(f"{kind}: bytes over keys and rows", size / 12, 1.1, most=True)
            if "learned_bytes" in index.statistics:
                learned = index.statistics["learned_bytes"] / len(self.keys)
                self.report.goal(f"{kind}: learned bytes a key", learned, 0.2, unit="B", most=True)

    def lookups(self) -> None:
        """Bulk lookups in random order."""
        self.report.say(f"lookup, {len(self.probes):,} present keys in random order")
        rows = {
            kind: Row(
                lambda index=index: index.lookup_first(self.asked, threads=1), len(self.probes), self.given.rounds
            )
            for kind, index in self.indexes.items()
        }
        rows |= {
            f"{kind}, lists": Row(
                lambda index=index: index.lookup(self.asked, threads=1), len(self.probes), self.given.rounds
            )
            for kind, index in self.indexes.items()
        }
        for kind, index in self.indexes.items():
            found = index.lookup_first(self.asked, threads=1).to_numpy()
            assert (found == self.rows_of).all(), f"{kind} answers wrongly"
        for name, (ask, probes) in self._peers().items():
            part = self.probes[:probes]
            found = np.asarray(ask(part))
            assert (found == self.rows_of[:probes]).all(), f"{name} answers wrongly"
            rows[name] = Row(lambda ask=ask, part=part: ask(part), probes, self.given.rounds)
        figures = self.report.table(rows)
        if self.rust:
            figures["Rust BTreeMap"] = self.rust["lookup"]
            self.report.say(f"  {'Rust BTreeMap (one round)':44} {self.rust['lookup']:10.2f} ns per key")
        self._goals(figures)

    def _goals(self, figures: dict[str, float]) -> None:
        wanted = [
            (("sorted", "eytzinger"), "numpy.searchsorted", 12),
            (("sorted", "eytzinger"), "numpy.searchsorted, batch sorted first", 1.5),
            (("hash",), "pandas.Index.get_indexer", 2.5),
            (("hash",), "DuckDB join", 4),
            (("btree", "art"), "BTrees.QQBTree", 6),
            (("btree", "art"), "Rust BTreeMap", 4),
        ]
        for ours, peer, times in wanted:
            for kind in ours:
                if kind in figures and peer in figures:
                    self.report.goal(f"{kind} against {peer}", figures[peer] / figures[kind], times)

    def _peers(self) -> dict[str, tuple[Callable[[np.ndarray], Any], int]]:
        """How each peer finds the rows of a batch, and how large a batch it gets."""
        every, slow = len(self.probes), min(self.given.slow_probes, len(self.probes))
        index = pd.Index(self.keys)
        connection = duckdb.connect(config={"threads": 1})
        table = pa.table({"k": self.column, "row": pa.array(np.arange(len(self.keys)))})
        connection.register("arrow", table)
        connection.execute("create table held as select * from arrow")

        def sorted_first(batch: np.ndarray) -> np.ndarray:
            order = np.argsort(batch)
            found = np.empty(len(batch), np.int64)
            found[order] = self.order[np.searchsorted(self.sorted, batch[order])]
            return found

        def join(batch: np.ndarray) -> np.ndarray:
            asked = pa.table({"k": batch, "place": np.arange(len(batch))})
            connection.register("asked", asked)
            joined = connection.execute("select place, row from asked join held using (k)").fetchnumpy()
            found = np.empty(len(batch), np.int64)
            found[joined["place"]] = joined["row"]
            return found

        peers: dict[str, tuple[Callable[[np.ndarray], Any], int]] = {
            "numpy.searchsorted": (lambda batch: self.order[np.searchsorted(self.sorted, batch)], every),
            "numpy.searchsorted, batch sorted first": (sorted_first, every),
            "pandas.Index.get_indexer": (index.get_indexer, every),
            "DuckDB join": (join, every),
        }
        if not self.given.no_slow:
            peers |= {name: (ask, slow) for name, ask in self._slow().items()}
        return peers

    def _slow(self) -> dict[str, Callable[[np.ndarray], Any]]:
        found: dict[str, Callable[[np.ndarray], Any]] = {}
        pairs = [(int(key), int(row)) for key, row in zip(self.sorted, self.order, strict=True)]
        if importlib.util.find_spec("BTrees"):
            from BTrees.QQBTree import QQBTree

            tree = QQBTree(pairs)
            found["BTrees.QQBTree"] = lambda batch: [tree[key] for key in batch.tolist()]
        if importlib.util.find_spec("sortedcontainers"):
            from sortedcontainers import SortedDict

            held = self.sorted_dict = SortedDict(pairs)
            found["sortedcontainers.SortedDict"] = lambda batch: [held[key] for key in batch.tolist()]
        if importlib.util.find_spec("lmdb"):
            import lmdb

            self.folder = tempfile.TemporaryDirectory()
            store = lmdb.open(self.folder.name, map_size=max(1 << 26, 128 * len(pairs)), sync=False)
            with store.begin(write=True) as changes:
                cursor = changes.cursor()
                cursor.putmulti(
                    ((key.to_bytes(8, "big"), row.to_bytes(4, "little")) for key, row in pairs), append=True
                )

            def ask(batch: np.ndarray) -> np.ndarray:
                with store.begin(buffers=True) as reader:
                    rows = b"".join(reader.get(key) for key in _big_endian(batch))
                return np.frombuffer(rows, "<u4")

            self.store = store
            found["LMDB"] = ask
        return found

    def ranges(self) -> None:
        """Ranges of 100 rows in a batch."""
        starts = (draw(0, RANGES) % np.uint64(max(len(self.keys) - RANGE_ROWS, 1))).astype(np.int64)
        lows, highs = self.sorted[starts], self.sorted[np.minimum(starts + RANGE_ROWS - 1, len(self.keys) - 1)]
        low_keys, high_keys = pa.array(lows), pa.array(highs)
        self.report.say(f"{RANGES:,} ranges of {RANGE_ROWS} rows in a batch")

        def sliced() -> list[np.ndarray]:
            first = np.searchsorted(self.sorted, lows)
            last = np.searchsorted(self.sorted, highs, side="right")
            return [self.order[start:end] for start, end in zip(first, last, strict=True)]

        expected = np.concatenate(sliced())
        rows = {"numpy.searchsorted and slices": Row(sliced, RANGES, self.given.rounds)}
        for kind, index in self.indexes.items():
            if kind.partition("(")[0] not in ORDERED:
                continue
            found = index.ranges(low_keys, high_keys, threads=1)
            assert (found.values.to_numpy() == expected).all(), f"{kind} answers wrongly"
            rows[kind] = Row(
                lambda index=index: index.ranges(low_keys, high_keys, threads=1), RANGES, self.given.rounds
            )
        if hasattr(self, "store"):
            few = 1_000
            rows["LMDB"] = Row(lambda: self._cursor(lows[:few]), few, self.given.rounds)
        figures = self.report.table(rows, unit="ns per range")
        if self.rust:
            self.report.say(f"  {'Rust BTreeMap (one round)':44} {self.rust['range']:10.2f} ns per range")
        for kind in (one for one in self.indexes if one in figures and one in (*STATIC, "btree")):
            self.report.goal(f"{kind} against numpy", figures["numpy.searchsorted and slices"] / figures[kind], 5)
            if "LMDB" in figures:
                self.report.goal(f"{kind} against LMDB", figures["LMDB"] / figures[kind], 50)

    def _cursor(self, lows: np.ndarray) -> int:
        total = 0
        with self.store.begin(buffers=True) as reader:
            cursor = reader.cursor()
            for key in _big_endian(lows):
                cursor.set_range(key)
                for _, row in zip(range(RANGE_ROWS), cursor.iternext(keys=False), strict=False):
                    total += len(row)
        return total

    def inserts(self) -> None:
        """A tenth more keys in one batch, once; lookups before and after."""
        more = draw(len(self.keys), max(len(self.keys) // 10, 1))
        column, numbers = pa.array(more), pa.array(np.arange(len(more), dtype=np.uint64) + np.uint64(len(self.keys)))
        self.report.say(f"insert of {len(more):,} more, ns per key")
        if self.rust:
            self.report.say(f"  Rust BTreeMap: {self.rust['insert']:.1f}")
        if self.sorted_dict is not None:
            pairs = list(zip(more.tolist(), numbers.to_pylist(), strict=True))
            python = _seconds(lambda: self.sorted_dict.update(pairs)) * 1e9 / len(pairs)
            assert len(self.sorted_dict) == len(self.keys) + len(pairs), "sortedcontainers has lost keys"
            self.report.say(f"  sortedcontainers.SortedDict: {python:.1f}")
        for kind, index in self.indexes.items():
            before = min(_seconds(lambda index=index: index.lookup_first(self.asked, threads=1)) for _ in range(3))
            took = _seconds(lambda index=index: index.insert(column, numbers)) * 1e9 / len(more)
            after = min(_seconds(lambda index=index: index.lookup_first(self.asked, threads=1)) for _ in range(3))
            self.report.say(f"  {kind}: {took:.1f}, lookups afterwards {after / before:.2f} times as long")
            if kind == "btree":
                if self.rust:
                    self.report.goal("btree: insert against Rust BTreeMap", self.rust["insert"] / took, 4)
                if self.sorted_dict is not None:
                    self.report.goal("btree: insert against sortedcontainers", python / took, 20)
                self.report.goal("btree: lookups afterwards", after / before, 1.3, most=True)


def _big_endian(keys: np.ndarray) -> list[bytes]:
    whole = keys.astype(">u8").tobytes()
    return [whole[at : at + 8] for at in range(0, len(whole), 8)]


def _seconds(call: Callable[[], object]) -> float:
    before = time.process_time()
    call()
    return time.process_time() - before


def _btree_map(keys: int, probes: int) -> dict[str, float]:
    """The figures of std's BTreeMap, from the program beside the crate; nothing where there is no cargo."""
    if shutil.which("cargo") is None:
        return {}
    command = ["cargo", "run", "--quiet", "--release", "-p", "assay-index", "--example", "peer", "--"]
    made = subprocess.run([*command, str(keys), str(probes)], cwd=ROOT, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(made.stdout)
    return found


if __name__ == "__main__":
    main()
