"""Times an experiment's kernels: alone, in fresh processes, in interleaved rounds.

Each of P processes builds the kernels afresh, finds for each how many calls make a sample of at
least half a millisecond (the minimum of five probes; then frozen), and runs rounds: every kernel
once a round, in an order that a seed shuffles; the datum is the minimum of m short samples. The
first kernel of each metric is the baseline; it runs twice, under the labels "a" and "a/a", and the
difference between the two is the noise floor. `timing_child.py` is what runs in the process,
`statistics.py` what becomes of the rounds.

The rounds end when there are enough of them, or when the time is up; never when a difference has
become significant, which would find differences that are none.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO

from assay.errors import ParameterError
from assay.experiments.base import Job, Lesson, Metric, Value
from assay.harness.executors import thread_environment
from assay.harness.folds import packed_lesson
from assay.harness.records import ComparisonRecord, SampleRecord
from assay.harness.statistics import Estimate, median_estimate, noise_floor, paired_ratio, ratio_verdict

__all__ = ["BASELINE_COPY", "NotBuilt", "Timing", "TimingSettings", "TimingTask", "summarise", "time_job"]

BASELINE_COPY = "a/a"
KernelKey = tuple[str, str, str]  # cell_id, metric, label


@dataclass(frozen=True)
class TimingSettings:
    """How much timing: more processes and rounds narrow the intervals, `seconds` caps an experiment's time."""

    processes: int = 3
    rounds: int = 30
    samples: int = 5  # short samples per round and kernel
    target_sample_ns: int = 500_000
    seconds: float = 30.0  # for all processes of an experiment together; at least `least_rounds` are run
    least_rounds: int = 5
    enabled: bool = True

    def __post_init__(self) -> None:
        for name in ("processes", "rounds", "samples", "target_sample_ns", "least_rounds"):
            if getattr(self, name) < 1:
                raise ParameterError(f"timing.{name} is {getattr(self, name)}; expected at least 1")
        if not self.seconds > 0:
            raise ParameterError(f"timing.seconds is {self.seconds}; expected more than 0")

    @classmethod
    def quick(cls) -> TimingSettings:
        """One process and few rounds: a first look, whose intervals speak of that process alone."""
        return cls(processes=1, rounds=10, seconds=5.0)

    @classmethod
    def off(cls) -> TimingSettings:
        """No timing at all; timed metrics are left out."""
        return cls(enabled=False)


@dataclass(frozen=True)
class TimingTask:
    """What one timing process is told."""

    job: Job
    learned: tuple[bytes, ...]
    settings: TimingSettings
    seed: int
    process: int


@dataclass(frozen=True)
class NotBuilt:
    """The answer of a timing process that could not build the kernels."""

    error: str


@dataclass(frozen=True)
class Timing:
    """What was timed: samples, the values made of them, ratios to the baseline, and errors by cell."""

    samples: tuple[SampleRecord, ...] = ()
    values: tuple[Value, ...] = ()
    comparisons: tuple[ComparisonRecord, ...] = ()
    failures: Mapping[str, str] = field(default_factory=dict)


def time_job(
    job: Job,
    learned: Sequence[Lesson],
    metrics: Mapping[str, Metric],
    settings: TimingSettings,
    *,
    seed: int,
    on_process: Callable[[], None] = lambda: None,
) -> Timing:
    """Times all kernels of `job` in `settings.processes` processes, one after the other.

    Args:
        job: The experiment's job; picklable.
        learned: What its stages have learned.
        metrics: The experiment's declarations: the direction of each timed metric.
        settings: How much.
        seed: Of the orders and resamples.
        on_process: Called after each process.

    Returns:
        Samples and values. A kernel that raises fails its own cell; a process that dies fails the
        cells that no other process has timed. Kernels that only this process can build are timed
        in this process.
    """
    samples: list[SampleRecord] = []
    failures: dict[str, str] = {}
    deaths: list[str] = []
    lessons = tuple(packed_lesson(lesson) for lesson in learned)
    for process in range(settings.processes):
        task = TimingTask(job, lessons, settings, seed, process)
        try:
            answer = _run_child(task)
            if isinstance(answer, NotBuilt):
                # What was defined or registered in this process alone, in a notebook or a script, is
                # not known to a fresh one: the kernels are then timed here, once, and the note says so.
                return summarise(*_time_here(task), metrics, settings, seed=seed)
            timed, failed = answer
            samples += timed
            failures |= failed
            if not timed and not failed:
                break  # the job has no kernels
        except _DeadProcessError as error:
            deaths.append(str(error))
        on_process()
    if deaths:
        timed_cells = {sample.cell_id for sample in samples}
        for cell in job.cells:
            if cell.cell_id not in timed_cells and len(deaths) == settings.processes:
                failures.setdefault(cell.cell_id, deaths[0])
    return summarise(samples, failures, metrics, settings, seed=seed)


def summarise(
    samples: Sequence[SampleRecord],
    failures: Mapping[str, str],
    metrics: Mapping[str, Metric],
    settings: TimingSettings,
    *,
    seed: int,
) -> Timing:
    """Values, intervals and ratios from samples; cells in `failures` have no value."""
    rounds: dict[KernelKey, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for sample in sorted(samples, key=lambda sample: (sample.process, sample.round)):
        if sample.cell_id not in failures:
            rounds[sample.cell_id, sample.metric, sample.label][sample.process].append(sample.ns_min)
    values: list[Value] = []
    comparisons: list[ComparisonRecord] = []
    for metric in dict.fromkeys(name for _, name, _ in rounds):
        copies = [cell for cell, name, label in rounds if name == metric and label == BASELINE_COPY]
        baseline = rounds.get((copies[0], metric, "a")) if copies else None
        floor = 1.0
        if baseline is not None:
            first, second = _paired(baseline, rounds[copies[0], metric, BASELINE_COPY])
            floor = noise_floor(first, second, seed=seed)
        for (cell, name, label), series in rounds.items():
            if name != metric or label == BASELINE_COPY:
                continue
            estimate = median_estimate(list(series.values()), seed=seed)
            note = _note(series, settings)
            values.append(Value(cell, metric, estimate.value, estimate.low, estimate.high, note))
            if baseline is None or cell == copies[0]:
                continue
            pair = _paired(baseline, series)
            if not pair[0]:
                continue
            ratio = paired_ratio(*pair, seed=seed)
            comparisons.append(_comparison(cell, metric, copies[0], ratio, floor, series, metrics))
    kept = tuple(sample for sample in samples if sample.cell_id not in failures)
    return Timing(kept, tuple(values), tuple(comparisons), dict(failures))


def _comparison(
    cell: str,
    metric: str,
    baseline: str,
    ratio: Estimate,
    floor: float,
    series: Mapping[int, Sequence[float]],
    metrics: Mapping[str, Metric],
) -> ComparisonRecord:
    direction = metrics[metric].direction if metric in metrics else "lower"
    return ComparisonRecord(
        cell,
        metric,
        baseline,
        ratio.value,
        ratio.low,
        ratio.high,
        floor,
        ratio_verdict(ratio, floor, direction=direction),
        len(series),
        sum(map(len, series.values())),
    )


def _paired(
    first: Mapping[int, Sequence[float]], second: Mapping[int, Sequence[float]]
) -> tuple[list[Sequence[float]], list[Sequence[float]]]:
    """The rounds that both ran, process by process; rounds of one process stand in the same order."""
    common = [process for process in first if process in second]
    lengths = [min(len(first[process]), len(second[process])) for process in common]
    return (
        [first[process][:length] for process, length in zip(common, lengths, strict=True)],
        [second[process][:length] for process, length in zip(common, lengths, strict=True)],
    )


def _note(series: Mapping[int, Sequence[float]], settings: TimingSettings) -> str | None:
    """What a reader must know before trusting the interval, or None."""
    notes = []
    if len(series) < 3:
        notes.append(f"within {len(series)} process{'es' if len(series) > 1 else ''} only")
    shortest = min(map(len, series.values()))
    if shortest < settings.rounds:
        notes.append(f"stopped by time after {shortest} of {settings.rounds} rounds")
    return "; ".join(notes) or None


class _DeadProcessError(Exception):
    """A timing process ended without its results."""


def _run_child(task: TimingTask) -> tuple[list[SampleRecord], dict[str, str]] | NotBuilt:
    """Runs one timing process to its end and returns its samples and the errors by cell.

    The process is a fresh interpreter that imports no more than it unpickles, so that a script
    without a main guard is not run again. Its input stays open: when it ends, this process has
    died, and so does the child.
    """
    environment = {**os.environ, **thread_environment(1)}
    child = subprocess.Popen(
        [sys.executable, "-c", "import sys, pickle; sys.path[:] = pickle.load(sys.stdin.buffer); "
         "from assay.harness.timing_child import main; main()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None and child.stderr is not None
    errors: list[bytes] = []
    reader = threading.Thread(target=_drain, args=(child.stderr, errors), daemon=True)
    reader.start()
    try:
        with contextlib.suppress(BrokenPipeError):  # it died at once; its exit status says more
            pickle.dump(sys.path, child.stdin)
            pickle.dump(task, child.stdin)
            child.stdin.flush()
        answer = child.stdout.read()
        status = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    finally:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.close()
        child.stdout.close()
    reader.join(timeout=5)
    child.stderr.close()
    if status != 0 or not answer:
        lines = b"".join(errors).decode("utf-8", "replace").strip().splitlines()
        why = f": {lines[-1]}" if lines else ""
        how = f"signal {-status}" if status < 0 else f"status {status}"
        raise _DeadProcessError(f"the timing process ended with {how}{why}")
    result: tuple[list[SampleRecord], dict[str, str]] | NotBuilt = pickle.loads(answer)
    return result


def _time_here(task: TimingTask) -> tuple[list[SampleRecord], dict[str, str]]:
    """Times the kernels in this process; an error in building them fails every cell."""
    from assay.harness.timing_child import time_kernels

    try:
        timers = task.job.timers(task.learned)
    except Exception as error:
        return [], {cell.cell_id: f"{type(error).__name__}: {error}" for cell in task.job.cells}
    return time_kernels(timers, task.settings, seed=task.seed, process=task.process)


def _drain(stream: IO[bytes], into: list[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError):
        into.append(stream.read())
