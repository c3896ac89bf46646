"""A suite of 10,000 cells: how long it takes to plan, to store and to view.

    python bench/harness/ten_thousand_cells.py [--repeat 5] [-o FILE]

Planned: the suite's TOML is read, checked, and its cells are made (what `assay check` does first). Then it is
measured once, into memory, which has no goal and is shown beside. Stored: the run with its plan, its metrics and
series, its answers and its end are written into a new file. Viewed: that file is opened, runs are listed and all of
the view `result` is read. `assay list runs`, `check` and `report` are run as a user runs them, each in a process of
its own, start included.

Every step is repeated, and the fastest and the median are shown, as wall time and as processor time of all
threads: on a machine that is shared, wall time also holds what others did. Goals stand beside; a miss is printed
as one.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from assay.harness import TimingSettings, load_suite, run_suite
from assay.store import Store

PARTITIONS = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48]
SEEDS = range(250)
STRATEGIES = [
    *(f"{name}(key, seed={seed})" for name in ("jump", "rendezvous") for seed in SEEDS),
    *(f"ring(key, virtual_nodes=16, seed={seed})" for seed in SEEDS),
    *(f"ring(key, virtual_nodes={points}, hash=md5)" for points in range(1, len(SEEDS) + 1)),
]
SUITE = """name = "ten thousand cells"

[[experiment]]
kind = "partitioning"
dataset = "uniform(rows=1000, keys=500, seed=1)"
actions = ["add_one"]
partitions = {partitions}
strategies = {strategies}
"""
GOALS = {"planned": 1.0, "stored and viewed": 2.0}
ASSAY = [sys.executable, "-m", "assay"]


class Recording(Store):
    """A store in memory that remembers what it was given, to be written again to a file."""

    def __init__(self) -> None:
        super().__init__(None)
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in ("begin_run", "commit_findings", "finish_experiment", "end_run"):
            return found

        def call(*args: Any, **options: Any) -> Any:
            self.calls.append((name, args, options))
            return found(*args, **options)

        return call


def clocked(step: Callable[[], object], repeat: int) -> list[tuple[float, float]]:
    """(wall, processor) seconds of each repetition."""
    found = []
    for _ in range(repeat):
        wall, processor = time.perf_counter(), time.process_time()
        step()
        found.append((time.perf_counter() - wall, time.process_time() - processor))
    return found


def words(name: str, times: list[tuple[float, float]]) -> str:
    """One line: fastest and median, and the goal if there is one."""
    walls, processors = zip(*times, strict=True)
    line = f"{name:<22}{min(walls):>8.2f}{statistics.median(walls):>9.2f}{min(processors):>12.2f}"
    if name in GOALS:
        verdict = "met" if min(walls) <= GOALS[name] else "MISSED"
        line += f"   goal {GOALS[name]:.0f} s wall: {verdict}"
    return line


def child(arguments: list[str]) -> tuple[float, float]:
    """(wall, processor) seconds of one command of assay."""
    wall, before = time.perf_counter(), os.times()
    subprocess.run([*ASSAY, *arguments], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    after = os.times()
    processor = after.children_user - before.children_user + after.children_system - before.children_system
    return time.perf_counter() - wall, processor


def measure(folder: Path, repeat: int) -> list[str]:
    """The lines of the table."""
    path = folder / "ten_thousand_cells.toml"
    spelled = "[" + ", ".join(f'"{one}"' for one in STRATEGIES) + "]"
    path.write_text(SUITE.format(partitions=PARTITIONS, strategies=spelled), encoding="utf-8")
    suite = load_suite(path)
    cells = sum(len(experiment.cells) for experiment in suite.experiments)
    assert cells == 10_000, cells
    lines = [f"{'step':<22}{'wall s':>8}{'median':>9}{'processor s':>12}"]
    lines.append(words("planned", clocked(lambda: load_suite(path), repeat)))

    recorded = Recording()
    measured = clocked(lambda: run_suite(suite, recorded, timing=TimingSettings.off()), 1)
    store = folder / "results.duckdb"

    def write() -> None:
        store.unlink(missing_ok=True)
        with Store(store) as results:
            for name, args, options in recorded.calls:
                getattr(results, name)(*args, **options)

    def view() -> None:
        with Store.read_only(store) as results:
            assert results.query("SELECT * FROM run_summary").to_pylist()[0]["cells_done"] == cells
            results.query("SELECT * FROM result")

    stored = clocked(write, repeat)
    viewed = clocked(view, repeat)
    lines += [words("stored", stored), words("viewed", viewed)]
    both = [(a + c, b + d) for (a, b), (c, d) in zip(stored, viewed, strict=True)]
    lines.append(words("stored and viewed", both))
    lines.append(words("measured, no goal", measured))
    lines.append(words("assay list runs", [child(["list", "runs", "--store", str(store)]) for _ in range(repeat)]))
    lines.append(words("assay check", [child(["check", str(path)]) for _ in range(repeat)]))
    page = folder / "page.html"
    lines.append(words("assay report", [child(["report", "--store", str(store), "-o", str(page)])]))
    with Store.read_only(store) as results:
        [counts] = results.query(
            "SELECT (SELECT count(*) FROM metric) AS metrics, (SELECT count(*) FROM series) AS points"
        ).to_pylist()
    sizes = f"{store.stat().st_size / 1e6:.1f} MB of store, {page.stat().st_size / 1e6:.2f} MB of page"
    lines.append(f"{cells:,} cells, {counts['metrics']:,} metrics, {counts['points']:,} points of series; {sizes}")
    return lines


def main() -> None:
    """Measures and prints, and writes what it prints to a file if asked."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("-o", "--output", type=Path)
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="assay-ten-thousand-") as folder:
        lines = measure(Path(folder), arguments.repeat)
    packages = ", ".join(f"{name} {version(name)}" for name in ("duckdb", "pyarrow", "pydantic"))
    head = [
        f"Ten thousand cells, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"{os.cpu_count()} cores, {platform.machine()}, load {load:.1f} before and {os.getloadavg()[0]:.1f} after; "
        f"{platform.python_implementation()} {platform.python_version()}, {packages}",
        f"python bench/harness/ten_thousand_cells.py --repeat {arguments.repeat}",
        "",
    ]
    text = "\n".join([*head, *lines]) + "\n"
    sys.stdout.write(text)
    if arguments.output:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
