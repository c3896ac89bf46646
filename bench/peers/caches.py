"""Cache policies beside their peers: interleaved rounds, processor time, one thread; miss counts checked for equality.

    python bench/peers/caches.py [--rows 10000000] [--rounds 3] [--only NAME ...] [--peer FOLDER] [-o FILE]

The trace is Zipf(1.0) over a million objects, seed 42; capacities are 1,000, 10,000 and 100,000 objects. Peers are
libCacheSim's Python package (`process_trace`, a loop in C) and its native program `cachesim`, in the folder that
`--peer` names (github.com/1a1a11a/libCacheSim, built by cmake in Release), both reading oracleGeneral, the format that
they read fastest; and cachetools, one request at a time from Python. assay reads a Parquet file of keys spread over 64
bits, and one of the same keys as they are drawn, small and dense; with "ids ready" a trace was read before. A peer must
miss as often as assay, but where a policy draws lots or the native program has another version of it. Goals are
printed beside the figures; a miss is printed as a miss. `--only` takes policies, `sweep`, `memory` and `mappings`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import resource
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from beside import Report

import assay
from assay import _core
from assay.caches.traces import read_trace
from assay.catalogue import contenders

OBJECTS, SEED = 1_000_000, 42
CAPACITIES = (1_000, 10_000, 100_000)
SWEEP_POLICIES = (
    "fifo", "lru", "clock", "sieve", "lfu", "random", "slru", "two_q", "arc", "lirs", "s3_fifo", "w_tinylfu",
)  # fmt: skip
SWEEP_CAPACITIES = tuple(round(1_000 * 1.8**step) for step in range(12))


@dataclass(frozen=True)
class Goals:
    """How many times as fast as a peer: from Parquet, with ids ready; the peers' names; whose misses are the same."""

    end_to_end: float
    ids_ready: float | None
    native: str
    package: str
    equal: tuple[str, ...] = ("native", "package")
    hashes_keys: bool = False  # so that keys which are spread miss a little more or less than dense ones


POLICIES = {
    "fifo": Goals(6, 20, "fifo", "FIFO"),
    "lru": Goals(5, 20, "lru", "LRU"),
    "clock": Goals(6, 20, "clock", "Clock"),
    "sieve": Goals(4, 20, "sieve", "Sieve"),
    "lfu": Goals(5, 12, "lfu", "LFU"),
    "random": Goals(2, None, "random", "Random", equal=()),
    "arc": Goals(5, 12, "arc", "ARC"),
    "s3_fifo": Goals(5, 12, "s3fifo", "S3FIFO", equal=("package",)),
    "slru": Goals(0, 10, "slru", "SLRU"),
    "two_q": Goals(0, 10, "twoq", "TwoQ"),
    "lirs": Goals(0, 10, "lirs", "LIRS"),
    "w_tinylfu": Goals(0, 10, "wtinylfu", "WTinyLFU", equal=("package",), hashes_keys=True),
}
KNOWN = {contender.name for contender in contenders("cache")}


@dataclass(frozen=True)
class Files:
    """One trace in the forms that the contestants read."""

    spread: Path
    dense: Path
    oracle_general: Path
    keys: np.ndarray[Any, Any]


def drawn(rows: int, folder: Path) -> Files:
    """Zipf(1.0) over OBJECTS objects, as Parquet files of keys and as oracleGeneral."""
    generator = np.random.default_rng(SEED)
    sums = np.cumsum(1.0 / np.arange(1, OBJECTS + 1))
    keys = np.searchsorted(sums, generator.random(rows) * sums[-1], side="right").astype(np.uint64)
    spread, dense, oracle = folder / "spread.parquet", folder / "dense.parquet", folder / "trace.oracleGeneral"
    pq.write_table(pa.table({"key": keys * np.uint64(0x9E37_79B9_7F4A_7C15)}), spread)
    pq.write_table(pa.table({"key": keys}), dense)
    records = np.zeros(rows, np.dtype([("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next", "<i8")]))
    records["key"], records["size"], records["next"] = keys, 1, -1  # its policies here do not look ahead
    records.tofile(oracle)
    return Files(spread, dense, oracle, keys)


def simulated(trace: Any, policy: str, capacity: int) -> int:
    """Misses with ids ready, on one thread."""
    windows = _core.simulate_caches(trace, [(policy, {}, capacity, False, 0)], threads=1)[0]
    return windows[0][0] - windows[0][1]


def end_to_end(file: Path, policy: str, capacity: int) -> int:
    """Misses, from the Parquet file on, on one thread."""
    found = assay.simulate_cache(str(file), policy, capacity=capacity, threads=1)
    return int(found["misses"][0].as_py())


def native(program: Path, file: Path, policy: str, capacity: int) -> Callable[[], int]:
    """Misses that `cachesim` prints, to four digits of the ratio."""

    def call() -> int:
        command = [str(program), str(file), "oracleGeneral", policy, str(capacity), "--ignore-obj-size", "1"]
        # It writes its results into a folder beside where it runs.
        out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=file.parent).stdout
        requests, ratio = re.findall(r"(\d+) req, miss ratio ([\d.]+)", out)[-1]
        return round(int(requests) * float(ratio))

    return call


def package(file: Path, policy: str, capacity: int, requests: int) -> Callable[[], int]:
    """Misses of the package's loop in C; the reader begins anew each time."""
    import libcachesim

    def call() -> int:
        reader = libcachesim.TraceReader(str(file), libcachesim.TraceType.ORACLE_GENERAL_TRACE)
        ratio, _ = getattr(libcachesim, policy)(capacity).process_trace(reader)
        return round(ratio * requests)

    return call


def timed(calls: dict[str, Callable[[], int]], rounds: int) -> tuple[dict[str, float], dict[str, int]]:
    """The best processor seconds of each call in interleaved rounds, children's included, and what each gave."""
    best = {name: float("inf") for name in calls}
    given: dict[str, int] = {}
    for _ in range(rounds):
        for name, call in calls.items():
            before = processor_seconds()
            given[name] = call()
            best[name] = min(best[name], processor_seconds() - before)
    return best, given


def processor_seconds() -> float:
    """Of this process and of the children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def peers_of(policy: str, files: Files, capacity: int, program: Path | None) -> dict[str, Callable[[], int]]:
    """The peers that are at hand, by name."""
    goals, found = POLICIES[policy], {}
    if program is not None:
        found["native"] = native(program, files.oracle_general, goals.native, capacity)
    if find_spec("libcachesim") is not None:
        found["package"] = package(files.oracle_general, goals.package, capacity, len(files.keys))
    return found


def one_policy(policy: str, files: Files, trace: Any, arguments: argparse.Namespace, report: Report) -> None:
    """A policy at each capacity, from Parquet and with ids ready, beside both peers."""
    goals, rows = POLICIES[policy], len(files.keys)
    report.say(f"\n{policy}")
    for capacity in CAPACITIES:
        peers = peers_of(policy, files, capacity, arguments.peer and arguments.peer / "cachesim")
        ours = {
            "ids ready": lambda capacity=capacity: simulated(trace, policy, capacity),
            "from Parquet, spread keys": lambda capacity=capacity: end_to_end(files.spread, policy, capacity),
            "from Parquet, dense keys": lambda capacity=capacity: end_to_end(files.dense, policy, capacity),
        }
        best, misses = timed({**ours, **peers}, arguments.rounds)
        assert goals.hashes_keys or len({misses[name] for name in ours}) == 1
        for name in peers:
            # The native program prints four digits of the ratio.
            slack = rows * 0.00005 + 1 if name == "native" else 0
            apart = abs(misses[name] - misses["from Parquet, dense keys"])  # the peers' file holds these
            assert name not in goals.equal or apart <= slack, f"{policy} of {capacity}: {name} misses {misses[name]}"
        for name, seconds in best.items():
            report.say(
                f"  {capacity:7,}  {name:28} {rows / seconds / 1e6:8.1f} M requests per processor-second"
                f"   {misses[name] / rows:.6f} missed"
            )
        for name in peers:
            if goals.ids_ready and name == "native":
                report.goal(f"{capacity:,}: ids ready over {name}", best[name] / best["ids ready"], goals.ids_ready)
            if goals.end_to_end:
                ratio = best[name] / best["from Parquet, spread keys"]
                report.goal(f"{capacity:,}: from Parquet over {name}", ratio, goals.end_to_end)


def sweep(trace: Any, report: Report) -> None:
    """Twelve policies at twelve capacities, on one thread and on two, by wall time."""
    policies = [policy for policy in SWEEP_POLICIES if policy in KNOWN]
    tasks = [(policy, {}, capacity, False, 0) for policy in policies for capacity in SWEEP_CAPACITIES]
    report.say(f"\nsweep of {len(policies)} policies, {len(SWEEP_CAPACITIES)} capacities")
    for threads, wanted in ((1, 25), (2, 14)):
        started, processor = time.perf_counter(), time.process_time()
        _core.simulate_caches(trace, tasks, threads=threads)
        report.goal(f"{threads} threads", time.perf_counter() - started, wanted, unit="s", most=True)
        report.say(f"  of the processor: {time.process_time() - processor:.1f} s")


def memory(trace: Any, report: Report) -> None:
    """What a running policy adds to its process, per key of the trace, where the cache holds half of them or all."""
    report.say("\nmemory of a running policy")
    context = multiprocessing.get_context("fork")
    for policy in (policy for policy in POLICIES if policy in KNOWN):
        most = 0.0
        for capacity in (trace.distinct // 2, trace.distinct):
            queue = context.SimpleQueue()
            child = context.Process(target=_grown, args=(trace, policy, capacity, queue))
            child.start()
            most = max(most, queue.get() / trace.distinct)
            child.join()
        report.goal(policy, most, 32, unit="bytes per key", most=True)


def _grown(trace: Any, policy: str, capacity: int, queue: Any) -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins at what is in use now
    before = _peak_bytes()
    simulated(trace, policy, capacity)
    queue.put(_peak_bytes() - before)


def _peak_bytes() -> int:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert found is not None
    return int(found[1]) * 1024


def mappings(files: Files, trace: Any, report: Report) -> None:
    """cachetools' LRU and LFU beside ours, ids ready; a tenth of the requests is enough for it."""
    import cachetools

    report.say("\ncachetools, 10,000 objects")
    keys = files.keys[: len(files.keys) // 10].tolist()
    part = read_trace(pa.table({"key": keys}))

    def asked(kind: Any) -> int:
        cache, misses = kind(10_000), 0
        for key in keys:
            if key in cache:
                cache[key]
            else:
                misses += 1
                cache[key] = None
        return misses

    for policy, kind in (("lru", cachetools.LRUCache), ("lfu", cachetools.LFUCache)):
        calls = {
            "ours": lambda policy=policy: simulated(trace, policy, 10_000),
            "cachetools": lambda kind=kind: asked(kind),
        }
        best, misses = timed(calls, 2)
        if policy == "lru":  # of objects asked for equally often, its LFU takes another
            assert misses["cachetools"] == simulated(part, policy, 10_000)
        rates = best["cachetools"] / len(keys) / (best["ours"] / len(files.keys))
        report.say(f"  cachetools {policy}: {len(keys) / best['cachetools'] / 1e6:.2f} M requests per processor-second")
        report.goal(f"{policy} over cachetools", rates, 100)


def main() -> None:
    """Runs what is asked for and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=[], help="policies, sweep, memory, mappings")
    parser.add_argument("--peer", type=Path, help="the folder of libCacheSim's program cachesim")
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    report = Report()
    names = [name for name in ("libcachesim", "cachetools") if find_spec(name)]
    report.head(("pyarrow", "numpy", *names))
    if arguments.peer is None:
        report.say("the native program is skipped: --peer names no folder with cachesim")
    if "libcachesim" not in names:
        report.say("libCacheSim's package is skipped: pip install libcachesim")

    def chosen(name: str) -> bool:
        return not arguments.only or name in arguments.only

    with tempfile.TemporaryDirectory() as folder:
        files = drawn(arguments.rows, Path(folder))
        trace = read_trace(files.spread)
        report.say(f"Zipf(1.0), {len(trace):,} requests, {OBJECTS:,} objects of which {trace.distinct:,} occur")
        for policy in POLICIES:
            if chosen(policy) and policy in KNOWN:
                one_policy(policy, files, trace, arguments, report)
        if chosen("sweep"):
            sweep(trace, report)
        if chosen("memory"):
            memory(trace, report)
        if chosen("mappings") and "cachetools" in names:
            mappings(files, trace, report)
    report.say(f"\n{report.missed} goals missed")
    if arguments.output:
        report.write(arguments.output)


if __name__ == "__main__":
    main()
