"""Partitioning beside its peers: one script, interleaved rounds, processor time and wall time.

    python bench/peers/partitioning.py [--scale 2] [--big-scale 10] [--rounds 7] [--only NAME ...] [-o FILE]

Tables come from tpchgen-cli (TPC-H lineitem and orders as Parquet) and are kept in the cache folder. Rows of
one table are timed in turn, round by round, so that a noisy neighbour meets all of them; the figure is the
best round, since noise only adds. What needs much memory runs in a process of its own, which reports its
greatest resident set. Goals are printed beside the figures; a miss is printed as a miss.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from beside import Report, interleaved

PARTITIONS = 64
FIVE_KEYS = ("l_orderkey", "l_partkey", "l_suppkey", "l_shipdate", "l_shipmode")
SIX = ("hash({})", "ring({}, virtual_nodes=128)", "jump({})", "maglev({})", "range({})", "list({})")


def tpch(scale: float) -> Path:
    """The folder with lineitem and orders at this scale."""
    from assay import open_dataset

    [lineitem] = open_dataset(f"tpch(lineitem, scale={scale:g})").files
    [orders] = open_dataset(f"tpch(orders, scale={scale:g})").files
    assert lineitem.parent == orders.parent
    return Path(lineitem.parent)


# One table, one strategy


def count_from_parquet(folder: Path, rounds: int, report: Report) -> None:
    """Assign and count, straight from Parquet: hash(l_orderkey) on 64 partitions."""
    import duckdb
    import polars as pl

    import assay

    path = str(folder / "lineitem.parquet")
    rows = assay.open_dataset(path).rows
    assert rows is not None

    def by_assay() -> object:
        return assay.count_partitions(path, "hash(l_orderkey)", partitions=PARTITIONS)

    def by_polars() -> object:
        partition = (pl.col("l_orderkey").hash() % PARTITIONS).alias("p")
        return pl.scan_parquet(path).select(partition).group_by("p").agg(pl.len()).collect(engine="streaming")

    def by_duckdb() -> object:
        query = f"SELECT hash(l_orderkey) % {PARTITIONS} AS p, count(*) FROM read_parquet(?) GROUP BY p"
        return duckdb.execute(query, [path]).fetchall()

    counted = by_assay()
    assert sum(counted.to_pylist()) == rows  # type: ignore[attr-defined]
    found = interleaved({"assay": by_assay, "polars streaming": by_polars, "duckdb": by_duckdb}, rounds)
    report.say(f"\nassign + count from Parquet, {rows:,} rows, hash(l_orderkey) % {PARTITIONS}")
    for name, timed in found.items():
        rate = rows / timed.processor / 1e6
        report.say(
            f"  {name:18} {timed.wall:7.3f} s  {timed.processor:7.3f} processor-s  {rate:6.1f} M rows per processor-s"
        )
    report.goal("assay over polars", found["polars streaming"].processor / found["assay"].processor, 1.5)


# One table, many strategies: a process each, for its memory

CHILD = """
import json, resource, sys, time
import assay
data, settings = sys.argv[1], json.loads(sys.argv[2])
started = time.perf_counter(), time.process_time()
results = assay.compare("partitioning", data, timing=False, **settings)
wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"wall": wall, "processor": processor, "peak": peak, "best": results.best()}))
"""


def alone(code: str, *arguments: str) -> dict[str, Any]:
    """What a process of its own reports."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(data: str, **settings: Any) -> dict[str, Any]:
    """A comparison in a process of its own."""
    return alone(CHILD, data, json.dumps(settings))


def best_of(runs: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The least time, and the greatest memory."""
    all_runs = list(runs)
    best = dict(min(all_runs, key=lambda run: run["processor"]))
    best["wall"] = min(run["wall"] for run in all_runs)
    best["peak"] = max(run["peak"] for run in all_runs)
    return best


def many_strategies(folder: Path, rounds: int, report: Report) -> None:
    """32 strategies in one scan, beside one."""
    path = str(folder / "lineitem.parquet")
    functions = [
        "hash(l_orderkey)",
        *(f"hash(l_orderkey, seed={seed})" for seed in range(1, 6)),
        "hash(l_orderkey, function=xxh64)",
        "hash(l_orderkey, function=murmur3_32)",
    ]
    rings = [f"ring(l_orderkey, virtual_nodes={points})" for points in (16, 32, 64, 100, 128, 160, 200, 256)]
    grids: list[tuple[str, dict[str, Any]]] = [
        ("1 strategy", {"strategies": ["hash(l_orderkey)"], "partitions": PARTITIONS}),
        (
            "32 strategies",
            {"strategies": [*functions, *rings], "partitions": PARTITIONS},
        ),
    ]
    # Eight learned ranges and lists: one of each at eight numbers of partitions.
    learned = {"strategies": ["range(l_orderkey)", "list(l_orderkey)"], "partitions": [57, 58, 59, 60, 61, 62, 63, 64]}
    found: dict[str, dict[str, Any]] = {}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in ("1 strategy", "32 strategies")}
    for _ in range(max(2, rounds // 2)):
        runs["1 strategy"].append(compared(path, actions=[], **grids[0][1]))
        runs["32 strategies"].append(alone(THIRTY_TWO, path, json.dumps([grids[1][1], learned])))
    for name, all_runs in runs.items():
        found[name] = best_of(all_runs)
    report.say("\n32 strategies in one scan (8 each of hash, ring, range, list on l_orderkey; no actions)")
    for name, run in found.items():
        report.say(f"  {name:18} {run['wall']:7.2f} s  {run['processor']:7.2f} processor-s  {run['peak']:7.0f} MiB")
    one, many = found["1 strategy"], found["32 strategies"]
    report.goal("rate of 32 over the rate of 1, by wall time", one["wall"] / many["wall"], 1 / 8)
    report.goal("the same by processor time", one["processor"] / many["processor"], 1 / 8)


# Ranges and lists differ in the number of partitions, hashes and rings in their parameters: one job holds both.
THIRTY_TWO = """
import json, resource, sys, time
from assay.datasets import open_dataset
from assay.experiments.partitioning import EXPERIMENT
from assay.experiments.partitioning.settings import PartitioningSettings
from assay.harness.spans import fold_spans
from assay.store import Store
import threading, dataclasses
started = time.perf_counter(), time.process_time()
data, grids = sys.argv[1], json.loads(sys.argv[2])
dataset = open_dataset(data)
jobs = [EXPERIMENT.job(dataset, PartitioningSettings(actions=[], **grid)) for grid in grids]
contests = [contest for job in jobs for contest in job.contests]
contests = tuple(dataclasses.replace(contest, index=index) for index, contest in enumerate(contests))
job = dataclasses.replace(jobs[0], contests=contests)
assert len(contests) == 32
spans = dataset.spans(target_rows=1_000_000)
half = len(spans) // 2
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    parts = [pool.submit(fold_spans, job, dataset, 0, part, None, threading.Event(), lambda: None)
             for part in (spans[:half], spans[half:])]
    state = job.merge(parts[0].result(), parts[1].result())
facts = job.learn(0, state)
findings = job.finish([facts], job.start(1, facts))
assert not findings.failures, findings.failures
wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps({"wall": wall, "processor": processor, "peak": peak}))
"""


def five_keys(folder: Path, rounds: int, report: Report) -> None:
    """5 keys x 6 strategies: balance, four actions, one foreign key."""
    definition = folder / "lineitem-orders.toml"
    definition.write_text(
        'name = "lineitem"\nsource = { path = "lineitem.parquet" }\n'
        '[foreign_keys.orders]\ncolumns = ["l_orderkey"]\nparent = "orders.parquet"\nparent_columns = ["o_orderkey"]\n',
        encoding="utf-8",
    )
    strategies = [spelling.format(key) for key in FIVE_KEYS for spelling in SIX]
    runs = [
        compared(str(definition), strategies=strategies, partitions=PARTITIONS, queries={})
        for _ in range(max(2, rounds // 2))
    ]
    run = best_of(runs)
    report.say(f"\n5 keys x 6 strategies, balance + actions + one foreign key, n = {PARTITIONS}")
    report.say(
        f"  assay {run['wall']:.2f} s  {run['processor']:.2f} processor-s  {run['peak']:.0f} MiB; best: {run['best']}"
    )
    report.goal("wall time on all cores", run["wall"], 12, unit="s", most=True)
    report.goal("greatest resident set", run["peak"], 700, unit="MiB", most=True)


BIG_PEER = {
    "polars": """
import polars as pl
path = sys.argv[1]
partition = (pl.col("l_orderkey").hash() % 64).alias("p")
pl.scan_parquet(path).select(partition).group_by("p").agg(pl.len()).collect(engine="streaming")
""",
    "duckdb": """
import duckdb
duckdb.execute("SELECT hash(l_orderkey) % 64 AS p, count(*) FROM read_parquet(?) GROUP BY p", [sys.argv[1]]).fetchall()
""",
}
MEASURED = """
import json, resource, sys, time
started = time.perf_counter(), time.process_time()
{code}
wall, processor = time.perf_counter() - started[0], time.process_time() - started[1]
print(json.dumps({{"wall": wall, "processor": processor,
                  "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}}))
"""


def big_table(folder: Path, report: Report) -> None:
    """Six strategies on 60 million rows, with every exact metric; peers count one strategy's rows."""
    import assay

    path = str(folder / "lineitem.parquet")
    rows = assay.open_dataset(path).rows
    run = compared(path, strategies=[spelling.format("l_orderkey") for spelling in SIX], partitions=PARTITIONS)
    report.say(f"\n{rows:,} rows, 6 strategies of l_orderkey, balance + actions (peers: one strategy, counts alone)")
    report.say(f"  {'assay':18} {run['wall']:7.2f} s  {run['processor']:7.2f} processor-s  {run['peak']:7.0f} MiB")
    for name, code in BIG_PEER.items():
        peer = alone(MEASURED.format(code=code), path)
        report.say(f"  {name:18} {peer['wall']:7.2f} s  {peer['processor']:7.2f} processor-s  {peer['peak']:7.0f} MiB")
    report.goal("greatest resident set", run["peak"], 1536, unit="MiB", most=True)


def main() -> None:
    """Runs what is asked for and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=2, help="of TPC-H, for most tables (2 has 12 million rows)")
    parser.add_argument("--big-scale", type=float, default=10, help="of TPC-H, for the large table (10 has 60 million)")
    parser.add_argument("--rounds", type=int, default=7, help="interleaved rounds")
    parser.add_argument("--only", nargs="*", default=["count", "many", "five", "big"], help="which of them")
    parser.add_argument("-o", "--output", type=Path, help="a file for the report")
    options = parser.parse_args()
    report = Report()
    report.head(("assay", "polars", "duckdb", "pyarrow", "numpy"))
    if {"count", "many", "five"} & set(options.only):
        folder = tpch(options.scale)
        for name, measure in (("count", count_from_parquet), ("many", many_strategies), ("five", five_keys)):
            if name in options.only:
                measure(folder, options.rounds, report)
    if "big" in options.only:
        big_table(tpch(options.big_scale), report)
    if options.output is not None:
        report.write(options.output)


if __name__ == "__main__":
    main()
