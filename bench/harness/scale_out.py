"""What a Dask cluster reaches beside independent processes, on one table of 12 M rows; and what a store costs.

    python bench/harness/scale_out.py [--scale 2] [--rounds 5] [--only NAME ...] [-o FILE]

Two workers with a thread each are compared, in turn and in the same run, with *two independent processes* with a
thread each that know nothing of one another: started at once, each makes the same comparison over one half of the
table's row groups, and they reach the rows of the table over the time of the slower one. That is a fair bound: they
read the same row groups by the same code, merge nothing across, send nothing, and learn from half the keys each; what
a cluster does more (packing, sending, merging, learning once from all keys while workers wait) is what is measured.
Starting interpreters, importing and opening the table is left out of both. Results of the cluster are compared, bit
for bit, with those of one process. Then the same comparison in one process with the store in memory and on disk.
The figure is the median over rounds of the ratio within a round. On a busy machine whoever has more processes gets
more of it, which flatters the cluster: run it with priority (nice -n -15), and look at processor time too. Goals are
printed beside the figures; a miss is printed as a miss.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import assay
from assay.harness.dask_cluster import connect
from assay.harness.executors import thread_environment

GOAL = 0.85
KEYS = ("l_orderkey", "l_partkey", "l_suppkey", "l_shipdate", "l_shipmode")
COMPARISONS: dict[str, tuple[str, dict[str, Any]]] = {
    "bytes": (
        "the bytes of partitions, which reads all 16 columns: hash of 3 keys and of the ship date",
        {
            "strategies": [f"hash({key})" for key in ("l_partkey", "l_suppkey", "l_shipdate")],
            "partitions": 64, "bytes": True, "foreign_keys": [], "queries": {},
        },
    ),
    "five keys": (
        "hash of five keys and round robin, one of them with 3 M distinct values",
        {
            "strategies": [*(f"hash({key})" for key in KEYS), "round_robin"],
            "partitions": 64, "foreign_keys": [], "queries": {},
        },
    ),
    "proposed": (
        "the nine strategies that are proposed at 8 and 64 partitions, with all foreign keys and queries",
        {"partitions": [8, 64]},
    ),
}  # fmt: skip

CHILD = """
import json, sys, time
from assay.harness.executors import cap_threads
cap_threads(1)
import assay
data, settings, number, count = sys.argv[1], json.loads(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
dataset = assay.open_dataset(data)
whole = dataset.spans
def part(*, target_rows=1_000_000):
    spans = whole(target_rows=100_000)  # row group by row group
    return spans[len(spans) * number // count : len(spans) * (number + 1) // count]
dataset.spans = part
print("ready", flush=True)
sys.stdin.readline()
started = time.perf_counter(), time.process_time()
assay.compare("partitioning", dataset, timing=False, **settings)
print(json.dumps([time.perf_counter() - started[0], time.process_time() - started[1]]), flush=True)
"""


@dataclass
class Report:
    """What is printed, and written where `-o` says."""

    lines: list[str] = field(default_factory=list)

    def say(self, text: str = "") -> None:
        """One line more."""
        print(text, flush=True)
        self.lines.append(text)


@contextmanager
def cluster() -> Iterator[tuple[str, list[int]]]:
    """A scheduler and two workers with a thread each, without nannies; its address, and its processes."""
    folder = Path(tempfile.mkdtemp(prefix="assay-scale-out-"))
    file, log = folder / "scheduler.json", folder / "log.txt"
    processes = []
    with log.open("wb") as sink:

        def start(program: str, *options: str) -> None:
            command = [sys.executable, "-m", f"distributed.cli.dask_{program}", "--scheduler-file", str(file), *options]
            processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink))

        try:
            start("scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-jupyter")
            for number in range(2):
                start(
                    "worker", "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny", "--no-dashboard",
                    "--memory-limit", "0", "--local-directory", str(folder / f"worker-{number}"),
                )  # fmt: skip
            deadline = time.monotonic() + 120
            while not file.exists() or log.read_bytes().count(b"Registered to") < 2:
                if time.monotonic() > deadline:
                    raise RuntimeError(log.read_text())
                time.sleep(0.1)
            yield json.loads(file.read_text())["address"], [process.pid for process in processes]
        finally:
            for process in processes:  # a worker that is asked to end waits for its scheduler
                process.kill()
            for process in processes:
                process.wait()


def independent(data: str, settings: dict[str, Any], count: int = 2) -> tuple[float, float]:
    """The seconds of the slower of `count` processes that each take their share, and the processor seconds of all."""
    environment = {**os.environ, **thread_environment(1)}
    children = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, data, json.dumps(settings), str(number), str(count)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True,
        )
        for number in range(count)
    ]  # fmt: skip
    for child in children:
        assert child.stdout is not None and child.stdout.readline() == "ready\n"
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    walls, processor = [], 0.0
    for child in children:
        output, _ = child.communicate()
        if child.returncode:
            raise RuntimeError(f"a process ended with status {child.returncode}")
        wall, used = json.loads(output)
        walls.append(wall)
        processor += used
    return max(walls), processor


def processor_seconds(pids: list[int]) -> float:
    """What these processes, and this one, have used so far."""
    import psutil

    used = [psutil.Process(pid).cpu_times() for pid in pids]
    return time.process_time() + sum(times.user + times.system for times in used)


def timed(data: Any, settings: dict[str, Any], **options: Any) -> tuple[float, Any]:
    """The seconds of a comparison in this process, and its results."""
    started = time.perf_counter()
    results = assay.compare("partitioning", data, timing=False, **settings, **options)
    return time.perf_counter() - started, results


def scale_out(data: str, rows: int, name: str, executor: Any, pids: list[int], rounds: int, report: Report) -> None:
    """Both, in turn."""
    what, settings = COMPARISONS[name]
    report.say(f"\n{name}: {what}")
    dataset = assay.open_dataset(data)
    _, alone = timed(dataset, settings)
    ratios, works = [], []
    for number in range(rounds):
        seconds: dict[str, tuple[float, float]] = {}
        for side in ("independent", "dask") if number % 2 == 0 else ("dask", "independent"):
            if side == "independent":
                seconds[side] = independent(data, settings)
                continue
            before = processor_seconds(pids)
            wall, found = timed(dataset, settings, executor=executor)
            seconds[side] = wall, processor_seconds(pids) - before
            assert found.to_arrow().equals(alone.to_arrow()), "a cluster gave other numbers"
            measured_by = found.store.query("SELECT count(DISTINCT pid) AS n FROM block").to_pylist()
            assert measured_by[0]["n"] == 2, "a worker was idle"
        (wall, used), (dask_wall, dask_used) = seconds["independent"], seconds["dask"]
        ratios.append(wall / dask_wall)
        works.append(used / dask_used)
        report.say(
            f"  round {number + 1}: independent {wall:6.2f} s ({used:6.2f} processor-s), "
            f"Dask {dask_wall:6.2f} s ({dask_used:6.2f} processor-s), ratio {ratios[-1]:.2f} ({works[-1]:.2f})"
        )
    ratio = statistics.median(ratios)
    told = "met" if ratio >= GOAL else "MISSED"
    report.say(
        f"  two workers reach {ratio:.2f} of two independent processes (goal >= {GOAL}: {told}), rounds from "
        f"{min(ratios):.2f} to {max(ratios):.2f}; by processor time {statistics.median(works):.2f}; "
        f"{rows:,} rows; results equal bit for bit"
    )


def store_on_disk(data: str, name: str, rounds: int, report: Report) -> None:
    """What it costs that a killed run can go on."""
    what, settings = COMPARISONS[name]
    report.say(f"\na store on disk beside one in memory, one process, {name}: {what}")
    dataset = assay.open_dataset(data)
    ratios = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            in_memory, _ = timed(dataset, settings)
            path = Path(folder, "r.duckdb")
            on_disk, results = timed(dataset, settings, store=path)
            del results
            left = sorted(file.name for file in Path(folder).iterdir())
            ratios.append(on_disk / in_memory)
            report.say(
                f"  round {number + 1}: in memory {in_memory:6.2f} s, on disk {on_disk:6.2f} s, "
                f"ratio {ratios[-1]:.2f}; {path.stat().st_size / 1e6:.1f} MB; left behind: {', '.join(left)}"
            )
    report.say(f"  on disk takes {statistics.median(ratios):.2f} times as long")


def main() -> None:
    """Everything, or what `--only` names."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=[*COMPARISONS, "store"], default=[*COMPARISONS, "store"])
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    data = f"tpch(lineitem, scale={options.scale:g})"
    rows = assay.open_dataset(data).rows
    assert rows is not None
    report = Report()
    packages = ", ".join(f"{name} {version(name)}" for name in ("pyarrow", "duckdb", "distributed"))
    report.say(f"Scale-out on Dask: {data}, {rows:,} rows")
    report.say(
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC; {platform.machine()}, {os.cpu_count()} cores, shared with others, "
        f"load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, assay {assay.__version__}, {packages}"
    )
    report.say(f"python bench/harness/scale_out.py {' '.join(sys.argv[1:])}")
    with cluster() as (address, pids):
        executor = connect(address)
        try:
            for name in COMPARISONS:
                if name in options.only:
                    scale_out(data, rows, name, executor, pids, options.rounds, report)
        finally:
            executor.shutdown()
    if "store" in options.only:
        store_on_disk(data, "proposed", max(1, options.rounds // 2), report)
    report.say(f"\nload at the end {os.getloadavg()[0]:.1f}")
    if options.output:
        options.output.write_text("\n".join(report.lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
