"""What runs inside a timing process: build the kernels, calibrate, run rounds, hand back samples.

Input: a pickled `TimingTask`. Output: the pickled samples and the errors by cell,
or a `NotBuilt`. Nothing else is
written to the output: it is moved away before the kernels are built, so that a kernel that prints
does no harm.
"""

from __future__ import annotations

import gc
import math
import os
import pickle
import signal
import statistics
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from assay.experiments.base import Timer
from assay.harness.records import SampleRecord
from assay.harness.timing import BASELINE_COPY, NotBuilt, TimingSettings, TimingTask

__all__ = ["calibrated_iterations", "main", "round_order", "time_kernels"]

_PROBES = 5
_MOST_ITERATIONS = 1 << 24


@dataclass(frozen=True)
class _Kernel:
    timer: Timer
    label: str


def main() -> None:
    """The entry point of a timing process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    output = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    result: tuple[list[SampleRecord], dict[str, str]] | NotBuilt
    try:
        task: TimingTask = pickle.load(sys.stdin.buffer)
        threading.Thread(target=_end_with_parent, daemon=True).start()
        timers = task.job.timers(task.learned)
    except Exception as error:
        result = NotBuilt(_described(error))
    else:
        result = time_kernels(timers, task.settings, seed=task.seed, process=task.process)
    pickle.dump(result, output)
    output.close()


def time_kernels(
    timers: Sequence[Timer], settings: TimingSettings, *, seed: int, process: int
) -> tuple[list[SampleRecord], dict[str, str]]:
    """Samples of all kernels, round by round, and the error of each cell whose kernel raised.

    The clock of `settings.seconds`, divided by the processes, starts after calibration.
    """
    failures: dict[str, str] = {}
    kernels = _with_baseline_copies(timers)
    iterations = {}
    for timer in timers:
        try:
            iterations[timer.cell_id, timer.metric] = calibrated_iterations(timer, settings.target_sample_ns)
        except Exception as error:
            failures[timer.cell_id] = _described(error)
    samples: list[SampleRecord] = []
    deadline = time.monotonic() + settings.seconds / settings.processes
    gc.collect()
    gc.disable()
    for number in range(settings.rounds):
        if number >= settings.least_rounds and time.monotonic() >= deadline:
            break
        for position, index in enumerate(round_order(len(kernels), seed, process, number)):
            timer, label = kernels[index].timer, kernels[index].label
            if timer.cell_id in failures:
                continue
            calls = iterations[timer.cell_id, timer.metric]
            try:
                found = [_sample(timer, calls) for _ in range(settings.samples)]
            except Exception as error:
                failures[timer.cell_id] = _described(error)
                continue
            samples.append(
                SampleRecord(
                    timer.cell_id,
                    timer.metric,
                    process,
                    number,
                    position,
                    label,
                    min(found),
                    statistics.median(found),
                    max(found),
                    settings.samples,
                    calls,
                    timer.operations,
                )
            )
    gc.enable()
    return [sample for sample in samples if sample.cell_id not in failures], failures


def calibrated_iterations(timer: Timer, target_ns: int) -> int:
    """How many calls take at least `target_ns`: the minimum of five probes decides, after a warm-up call."""
    timer.call()
    calls = 1
    while True:
        fastest = min(_sample(timer, calls) for _ in range(_PROBES)) * calls * timer.operations
        if fastest >= target_ns or calls >= _MOST_ITERATIONS:
            return calls
        # Aim a little beyond the target, but never leap: a short probe is a poor forecast.
        calls = min(_MOST_ITERATIONS, calls * 10, max(calls + 1, math.ceil(1.1 * calls * target_ns / max(fastest, 1))))


def round_order(kernels: int, seed: int, process: int, number: int) -> list[int]:
    """The order of one round, a pure function of its arguments."""
    order = list(range(kernels))
    Random(f"{seed}/{process}/{number}").shuffle(order)
    return order


def _with_baseline_copies(timers: Sequence[Timer]) -> list[_Kernel]:
    """All kernels, and the first of each metric once more under the label of the second copy."""
    kernels = [_Kernel(timer, "a") for timer in timers]
    baselines: dict[str, Timer] = {}
    for timer in timers:
        baselines.setdefault(timer.metric, timer)
    return kernels + [_Kernel(timer, BASELINE_COPY) for timer in baselines.values()]


def _sample(timer: Timer, calls: int) -> float:
    """ns per operation over `calls` calls in a row."""
    call = timer.call
    repeat = range(calls)
    started = time.perf_counter_ns()
    for _ in repeat:
        call()
    return (time.perf_counter_ns() - started) / (calls * timer.operations)


def _described(error: Exception) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _end_with_parent() -> None:
    # Not through sys.stdin: its lock, held by this thread, would abort the interpreter's shutdown.
    while os.read(0, 1):
        pass
    os._exit(1)  # the parent closes its side last, or died
