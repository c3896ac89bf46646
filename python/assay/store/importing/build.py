"""Rows of the store from what another harness measured.

Each process of a benchmark becomes a process of samples. Where it has many values, consecutive ones
are gathered into at most 90 rounds, each with all of its values and their minimum, median and maximum:
what the harness keeps of a round of its own. Estimate and interval are then the harness's (median over
rounds of the minimum, two-level bootstrap). What the file cannot tell stays out: contenders were
not interleaved and there is no A/A row, so that there is no comparison and no noise floor.

Cost: O(values) and about 5 ms of resampling per benchmark.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import numpy as np

from assay.experiments.base import Answer, Cell, Findings, Metric, Value
from assay.harness.environment import environment_id
from assay.harness.records import DatasetRecord, ExperimentRecord, RunRecord, SampleRecord
from assay.harness.statistics import median_estimate
from assay.store.database import Change, tool_version
from assay.store.importing.imported import Benchmark, ImportedRun, Process
from assay.store.store import Store
from assay.units import format_value

__all__ = ["METRICS", "MOST_ROUNDS", "build_run", "content_run_id"]

MOST_ROUNDS = 90
METRICS = {
    metric.name: metric
    for metric in (
        Metric("time_ns", "ns", "lower", "timed", "measured", "median over rounds of the minimum", "time of a call"),
        Metric("memory_bytes", "bytes", "lower", "timed", "measured", "median over rounds", "memory of a call"),
        Metric("number", "count", "none", "timed", "measured", "median over rounds", "a number that a call returned"),
    )
}
_METRIC_OF = {"ns": "time_ns", "bytes": "memory_bytes", "count": "number"}


def content_run_id(content: bytes, started: datetime) -> str:
    """A UUID of version 7 whose time is `started` and whose other bits are the content's hash."""
    digest = int.from_bytes(hashlib.sha256(content).digest()[:10])
    milliseconds = max(0, int(started.timestamp() * 1000))
    bits = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | (digest >> 62 & 0xFFF) << 64
    bits |= 0b10 << 62 | digest & (1 << 62) - 1
    digits = f"{bits:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


def build_run(run: ImportedRun, run_id: str, command: str, label: str | None) -> Store:
    """A store in memory that holds `run` alone; the caller closes it."""
    groups: dict[str | None, list[Benchmark]] = {}
    for benchmark in run.benchmarks:
        groups.setdefault(benchmark.group, []).append(benchmark)
    dataset = _dataset(run)
    experiments = [
        (_experiment(index, run, group, benchmarks, dataset, command), dataset, _cells(run, benchmarks, dataset))
        for index, (group, benchmarks) in enumerate(groups.items())
    ]
    ids = sorted(cell.cell_id for _, _, cells in experiments for cell in cells)
    facts = {"measured_by": f"{run.tool} {run.tool_version}", **run.environment}
    record = RunRecord(
        run_id,
        run.name,
        None,
        None,
        hashlib.sha256("\0".join(ids).encode()).hexdigest(),
        0,
        run.started,
        "running",
        command,
        tool_version(),
        environment_id(facts),
        label if label is not None else run.label,
    )
    store = Store(None)
    store.begin_run(record, facts, experiments)
    for (experiment, _, cells), (group, benchmarks) in zip(experiments, groups.items(), strict=True):
        _fill(store, run, run_id, experiment.experiment_index, group, cells, benchmarks)
    store.end_run(run_id, "done")
    ended = run.ended or run.started
    store.commit([Change("UPDATE run SET ended = ? WHERE run_id = ?", (ended.astimezone(UTC), run_id))], now=True)
    return store


def _fill(
    store: Store,
    run: ImportedRun,
    run_id: str,
    index: int,
    group: str | None,
    cells: Sequence[Cell],
    benchmarks: Sequence[Benchmark],
) -> None:
    values: list[Value] = []
    samples: list[SampleRecord] = []
    failures: dict[str, str] = {}
    for cell, benchmark in zip(cells, benchmarks, strict=True):
        if not benchmark.processes and benchmark.median is None:
            failures[cell.cell_id] = benchmark.missing or "there is no value"
            continue
        rows = [_rounds(process) for process in benchmark.processes]
        values.append(_value(cell.cell_id, benchmark, rows))
        if benchmark.unit == "ns":
            samples += _samples(cell.cell_id, benchmark, rows)
    store.commit_findings(run_id, index, Findings((), (), failures), METRICS)
    answers = [asdict(_answer(run, group, cells, values))]
    store.finish_experiment(
        run_id, index, answers=answers, samples=samples, values=values, comparisons=(), failures={}, metrics=METRICS
    )


def _rounds(process: Process) -> list[list[float]]:
    """Consecutive values of a process, gathered into rounds of about equal numbers."""
    count = min(MOST_ROUNDS, len(process.values))
    bounds = [len(process.values) * place // count for place in range(count + 1)]
    return [list(process.values[low:high]) for low, high in pairwise(bounds)]


def _value(cell_id: str, benchmark: Benchmark, rows: Sequence[Sequence[Sequence[float]]]) -> Value:
    name = _METRIC_OF[benchmark.unit]
    if not rows:
        return Value(cell_id, name, benchmark.median, note=benchmark.missing)
    data = [[min(values) for values in rounds] for rounds in rows]
    if sum(map(len, data)) == 1:
        return Value(cell_id, name, data[0][0], note="one value, so that there is no interval")
    estimate = median_estimate(data, seed=0)
    note = "one process: how processes differ is not in the interval" if len(data) == 1 else None
    return Value(cell_id, name, estimate.value, estimate.low, estimate.high, note)


def _samples(cell_id: str, benchmark: Benchmark, rows: Sequence[Sequence[Sequence[float]]]) -> list[SampleRecord]:
    return [
        SampleRecord(
            cell_id,
            "time_ns",
            process,
            place,
            0,
            "a",
            min(values),
            float(np.median(values)),
            max(values),
            len(values),
            benchmark.processes[process].iterations,
            benchmark.operations,
            tuple(values),
        )
        for process, rounds in enumerate(rows)
        for place, values in enumerate(rounds)
    ]


def _answer(run: ImportedRun, group: str | None, cells: Sequence[Cell], values: Sequence[Value]) -> Answer:
    """Which of a group is fastest, if its interval lies apart; of benchmarks without a group what they take."""
    notes = (
        f"Imported from {run.tool} {run.tool_version}: measured one after the other, so that the machine's drift is in "
        "the numbers.",
    )
    names = {cell.cell_id: cell.contender for cell in cells}
    timed = sorted((value for value in values if value.metric == "time_ns"), key=lambda value: value.value or 0)
    if len(cells) == 1 and timed:
        sentence = f"{names[timed[0].cell_id]} takes {format_value(timed[0].value, 'ns')}"
        return Answer(sentence, None, "", notes=notes)
    if group is None or len(timed) < 2:
        count = f"{len(cells):,} benchmark{'' if len(cells) == 1 else 's'}"
        sentence = f"{count} without a group: nothing compares them" if group is None else f"{count} of {group}"
        return Answer(sentence, None, "", notes=notes)
    rule = "the smallest time, if its interval lies below the next one's"
    first, second = timed[0], timed[1]
    if first.high is None or second.low is None or first.high >= second.low or not first.value:
        sentence = f"{names[first.cell_id]} and {names[second.cell_id]} of {group} are too close to call"
        return Answer(sentence, None, rule, notes=notes)
    factor = float(second.value or 0) / float(first.value)
    sentence = (
        f"{names[first.cell_id]} is the fastest of {group}; {names[second.cell_id]} takes {factor:.2f} × its time"
    )
    return Answer(sentence, names[first.cell_id], rule, notes=notes)


def _experiment(
    index: int,
    run: ImportedRun,
    group: str | None,
    benchmarks: Sequence[Benchmark],
    dataset: DatasetRecord,
    command: str,
) -> ExperimentRecord:
    about = f"each benchmark of {run.name}" if group is None else f"each benchmark of the group {group}"
    settings: dict[str, Any] = {} if group is None else {"group": group}
    if parameters := {one.name: _jsonable(one.parameters) for one in benchmarks if one.parameters}:
        settings["parameters"] = parameters  # a benchmark's name says them too, as its tool spells them
    return ExperimentRecord(
        index,
        run.tool,
        f"How long does {about} take?",
        "benchmark",
        dataset.fingerprint,
        json.dumps(settings),
        None,
        command,
    )


def _dataset(run: ImportedRun) -> DatasetRecord:
    """What stands for the table that these benchmarks do not have; the same for all files of a tool."""
    fingerprint = hashlib.sha256(f"assay import {run.tool}".encode()).hexdigest()
    return DatasetRecord(fingerprint, "none", f"no table ({run.tool})", None, None, None, None, "[]", "{}")


def _cells(run: ImportedRun, benchmarks: Sequence[Benchmark], dataset: DatasetRecord) -> list[Cell]:
    cells = []
    seen: dict[str, int] = {}
    for one in benchmarks:
        times = seen[one.name] = seen.get(one.name, 0) + 1
        name = one.name if times == 1 else f"{one.name} ({times})"
        cells.append(Cell(run.tool, name, 1, {}, dataset.name, dataset.fingerprint))
    return cells


def _jsonable(parameters: Mapping[str, Any]) -> Any:
    """Parameters as JSON that every parser accepts; what is no number is a text."""
    return json.loads(json.dumps(dict(parameters), default=str), parse_constant=str)
