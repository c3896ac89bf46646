"""What the harness costs: processor time beyond that of the work, for each second of work.

    python bench/harness/overhead.py            about a minute; Linux only, for the processor time of a child

The work is a loop that ends after so much processor time of its thread, so that it is known exactly, and what
else runs on the machine does not count. Three parts of the harness are looked at:

    rounds     calibrating, ordering, keeping and judging samples, in one process
    messages   the same kernels in a timing process: what both sides spend on their messages
    scan       a cell whose fold works a second over ten spans, committed to a store one by one
"""

from __future__ import annotations

import argparse
import json
import shlex
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel
from workloads import METRICS, PlainCell, Spin, spin

from assay.experiments import registry
from assay.experiments.base import Answer, Cell, Findings, Metric, Timer, Value
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.harness.environment import environment_facts, load_1m
from assay.harness.kernels import Kernels
from assay.harness.timing import time_kernels
from assay.harness.timing_process import TimingProcess
from assay.store import Store

GOAL = 0.01
SPANS = 10


def rounds_overhead(rounds: int) -> float:
    """Processor seconds beyond the samples' own for each of theirs, everything in this process but calibration."""
    kernels = Kernels(Spin().timers())
    calibrating = [0.0]
    calibrate = kernels.calibrate

    def watched(*arguments: Any) -> Any:
        started = time.process_time()
        found = calibrate(*arguments)
        calibrating[0] += time.process_time() - started
        return found

    kernels.calibrate = watched  # type: ignore[method-assign]
    settings = TimingSettings(processes=1, rounds=rounds, precision=0, seconds=3600)
    started = time.process_time()
    timing = time_kernels(kernels, settings, METRICS, seed=0)
    spent = time.process_time() - started - calibrating[0]
    sampled = sum(sum(one.cpu_ns) * one.iterations for one in timing.samples) * 1e-9
    return (spent - sampled) / sampled


def message_overhead(rounds: int) -> float:
    """Processor seconds of both sides beyond the samples' own for each of theirs; the samples are in the child."""
    with TimingProcess(Spin()) as process:
        process.calibrate(500_000, [5, 5])
        process.round([0, 1, 0], 10)
        calls = process.calibrate(500_000, [5, 5]).iterations
        pid = process._child.pid
        started = time.process_time() + child_seconds(pid)
        sampled = 0.0
        for _ in range(rounds):
            for kernel, cpu_ns in zip([0, 1, 0], process.round([0, 1, 0], 10).cpu_ns, strict=True):
                sampled += sum(cpu_ns) * 1e-9 * (calls[kernel] or 0)
        return (time.process_time() + child_seconds(pid) - started - sampled) / sampled


def child_seconds(pid: int) -> float:
    """The processor time of all threads of another process."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) * 1e-9


class Settings(BaseModel):
    """The only setting tells cells apart."""

    part: int = 0


@dataclass
class ScanJob:
    """One cell, whose fold works a second in all."""

    cell: Cell
    stages: int = 1
    timed: bool = False

    @property
    def cells(self) -> Sequence[Cell]:
        return [self.cell]

    @property
    def variables(self) -> dict[str, Sequence[str]]:
        return {}

    def columns(self, stage: int) -> Sequence[str]:
        return ["id"]

    def scans(self, stage: int, learned: object) -> bool:
        return True

    def start(self, stage: int, learned: object) -> list[int]:
        return [0]

    def update(self, state: list[int], batch: Any) -> None:
        state[0] += batch.data.num_rows
        spin(1 / SPANS)

    def merge(self, state: list[int], other: list[int]) -> list[int]:
        return [state[0] + other[0]]

    def pack(self, state: list[int]) -> bytes:
        return json.dumps(state).encode()

    def unpack(self, stage: int, packed: bytes, learned: object) -> list[int]:
        found: list[int] = json.loads(packed)
        return found

    def learn(self, stage: int, state: list[int]) -> bytes:
        return b""

    def finish(self, learned: object, state: list[int]) -> Findings:
        return Findings([Value(self.cell.cell_id, "rows", state[0])])

    def timers(self, learned: object) -> Sequence[Timer]:
        return []


class ScanExperiment:
    """Counts rows, slowly."""

    kind = "slow_count"
    question = "How many rows are there?"
    noun = "counter"
    settings = Settings
    metrics: Mapping[str, Metric] = {"rows": Metric("rows", "rows", "none", "exact", "measured", "count", "rows")}

    def job(self, dataset: Any, settings: Settings, *, base: str | None = None) -> ScanJob:
        return ScanJob(PlainCell("slow_count", f"count{settings.part}", 1, {}, dataset.name, dataset.fingerprint()))

    def answer(self, cells: Any, values: Any, settings: Any, job: Any = None) -> Sequence[Answer]:
        return [Answer("counted", None, "none")]


def scan_seconds(cells: int, folder: Path) -> float:
    """Processor seconds of a run of so many cells beyond the second that each works, kept in a file."""
    table = folder / "table.parquet"
    pq.write_table(pa.table({"id": range(SPANS * 100)}), table, row_group_size=100)
    entries = [{"kind": "slow_count", "dataset": str(table), "part": part} for part in range(cells)]
    suite = suite_from_dict({"name": "overhead", "experiment": entries})
    started = time.process_time()
    with Store(folder / f"{cells}.duckdb") as store:
        outcome = run_suite(suite, store, timing=TimingSettings.off(), span_rows=100)
    assert outcome.exit_code == 0, outcome
    (folder / f"{cells}.duckdb").unlink()
    return time.process_time() - started - cells


def main() -> None:
    """Measures the parts and writes the report."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("reports/harness/overhead.txt"))
    options = parser.parse_args()
    started, load = datetime.now(UTC), load_1m()
    registry.register(ScanExperiment())
    rounds = [rounds_overhead(70) for _ in range(options.repeats)]  # a second of samples
    messages = [message_overhead(70) for _ in range(options.repeats)]
    with tempfile.TemporaryDirectory() as folder:
        few = [scan_seconds(1, Path(folder)) for _ in range(options.repeats)]
        many = [scan_seconds(6, Path(folder)) for _ in range(options.repeats)]
    a_cell = (statistics.median(many) - statistics.median(few)) / 5
    timed = statistics.median(rounds) + statistics.median(messages)
    facts = environment_facts()
    lines = [
        "What the harness costs beside the work, in processor time",
        "",
        f"command   {shlex.join(['python', 'bench/harness/overhead.py', *sys.argv[1:]])}",
        f"date      {started:%Y-%m-%d %H:%M} UTC",
        f"machine   {facts.get('cpu_model')}, {facts.get('cpu_architecture')}, {facts.get('cores_usable')} cores"
        f"{', virtual' if facts.get('virtualised') else ''}; load {load:.1f} to {load_1m():.1f}",
        f"versions  assay {facts['assay']}, {facts['python']}, duckdb {facts['packages']['duckdb']}",
        "",
        f"a timed cell of a second of samples: {timed:.2%} (goal at most {GOAL:.0%}: {_judged(timed)})",
        f"  rounds, in one process    {_all(rounds)}",
        f"  messages of both sides    {_all(messages)}",
        f"a scanned cell of a second:          {a_cell:.2%} (goal at most {GOAL:.0%}: {_judged(a_cell)})",
        "  by what a run of 6 cells costs more than one of 1; a run as such costs "
        f"{statistics.median(few) - a_cell:.2f} s",
        f"  of 1 cell {_seconds(few)}; of 6 cells {_seconds(many)}",
        "",
        "Not in it: starting a timing process (half a second of processor time) and calibrating in it, once for an",
        "experiment and process; reading the table; what a busy machine adds to wall time. Rounds of more kernels",
        "share the messages' fixed part. The store is written by the clock on the wall, every one to five seconds:",
        "the busier the machine, the more writes come upon a second of work.",
        "",
    ]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text("\n".join(lines), encoding="utf-8")
    print("\n".join(lines))


def _judged(share: float) -> str:
    return "met" if share <= GOAL else "MISSED"


def _all(shares: Sequence[float]) -> str:
    return "  ".join(f"{share:.2%}" for share in shares)


def _seconds(found: Sequence[float]) -> str:
    return ", ".join(f"{seconds:.3f} s" for seconds in found)


if __name__ == "__main__":
    main()
