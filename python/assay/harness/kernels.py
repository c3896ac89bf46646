"""Timed kernels in the process that holds them: calibrated, then sampled round by round.

A sample is a number of calls in a row, in wall time and in processor time of the thread. How many calls
is calibrated once: enough to last for the target, by the fastest of five probes, since a single probe is
at the mercy of whatever else runs. Single operations, where a kernel offers them, are timed one at a
time into a histogram.

Cost: a round takes samples x target per kernel, and the clock's 0.1 us for each single operation.
"""

from __future__ import annotations

import contextlib
import gc
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from assay.experiments.base import Timer
from assay.harness.histogram import PRECISION_BITS, bucket_of

__all__ = ["Calibration", "KernelFacts", "Kernels", "RoundResult", "calibrated_iterations", "described"]

PROBES = 5
MOST_ITERATIONS = 1 << 24
SINGLES_NS = 10_000_000  # that the single operations of a kernel may take in a round, about
WARM_SINGLES = 20  # that are not counted, and show what one takes


@dataclass(frozen=True)
class KernelFacts:
    """What others must know of a kernel; its place in the list is its number."""

    cell_id: str
    metric: str
    operations: int  # per call
    latency: str | None = None  # the metric of its latencies, if it can be called one operation at a time
    throughput: str | None = None  # the metric of its bytes a second, if it is told how many bytes a call works through
    bytes: int = 0  # per call


@dataclass(frozen=True)
class Calibration:
    """By kernel: calls per sample, and the ns of a sample as probed; None for both where the kernel raised."""

    iterations: list[int | None]
    sample_ns: list[float | None]  # None too where the calls were given
    failures: dict[str, str] = field(default_factory=dict)  # by cell


@dataclass(frozen=True)
class RoundResult:
    """What one round gave, by place in its order; an empty list where the kernel has failed."""

    ns: list[list[float]]  # ns per operation, sample by sample, in the order in which they ran
    cpu_ns: list[list[float]]
    latencies: dict[int, dict[int, int]] = field(default_factory=dict)  # kernel → bucket → count
    failures: dict[str, str] = field(default_factory=dict)  # by cell; those of this round


class Kernels:
    """The kernels of one process.

    Args:
        timers: The kernels; one that raises fails its cell, and is not called again.
    """

    def __init__(self, timers: Sequence[Timer]) -> None:
        self._timers = list(timers)
        self._failed: dict[str, str] = {}
        self._iterations: list[int | None] = [None] * len(self._timers)
        self._next_operation = [0] * len(self._timers)
        self._singles_allowed: dict[int, int] = {}  # by kernel, found once

    @property
    def facts(self) -> list[KernelFacts]:
        """The kernels, in the order in which they were built."""
        return [
            KernelFacts(
                timer.cell_id,
                timer.metric,
                timer.operations,
                None if timer.latency is None else timer.latency.metric,
                *(() if timer.throughput is None else (timer.throughput.metric, timer.throughput.bytes)),
            )
            for timer in self._timers
        ]

    def calibrate(self, target_ns: int, iterations: Sequence[int | None] | None = None) -> Calibration:
        """Fixes the calls per sample of each kernel, once.

        Args:
            target_ns: How long a sample lasts at least.
            iterations: The calls, where they were found before: in another process, or for the other version of
                the same implementation. A None among them is calibrated here.
        """
        known = list(iterations) if iterations is not None else [None] * len(self._timers)
        before = dict(self._failed)
        sample_ns: list[float | None] = []
        for index, timer in enumerate(self._timers):
            given, probed = known[index] if index < len(known) else None, None
            if timer.cell_id not in self._failed:
                try:
                    if given is None:
                        given, probed = calibrated_iterations(timer, target_ns)
                    else:
                        _warm(timer)
                except Exception as error:
                    self._failed[timer.cell_id] = described(error)
            self._iterations[index] = given
            sample_ns.append(probed)
        return Calibration(list(self._iterations), sample_ns, self._news(before))

    def round(self, order: Sequence[int], samples: int, singles: int = 0) -> RoundResult:
        """Samples the kernels of `order`, one after the other; a kernel may be named twice.

        Args:
            order: Numbers of kernels.
            samples: How many samples each gives.
            singles: How many single operations are timed after a kernel's first samples, if it offers them.
        """
        before = dict(self._failed)
        walls: list[list[float]] = []
        cpus: list[list[float]] = []
        latencies: dict[int, dict[int, int]] = {}
        with _no_collection():
            for index in order:
                timer, calls = self._timers[index], self._iterations[index]
                wall: list[float] = []
                cpu: list[float] = []
                if timer.cell_id not in self._failed and calls is not None:
                    try:
                        _warm(timer, timer.warm_up_ns)
                        for _ in range(samples if timer.samples is None else min(samples, timer.samples)):
                            elapsed, used = _sample(timer, calls)
                            wall.append(elapsed)
                            cpu.append(used)
                        if singles and timer.latency is not None and index not in latencies:
                            latencies[index] = self._singles(index, singles)
                    except Exception as error:
                        self._failed[timer.cell_id] = described(error)
                        wall, cpu = [], []
                walls.append(wall)
                cpus.append(cpu)
        return RoundResult(walls, cpus, latencies, self._news(before))

    def _singles(self, index: int, count: int) -> dict[int, int]:
        """Buckets of the latencies of `count` operations, or of fewer slow ones; the next round goes on after them."""
        latency = self._timers[index].latency
        assert latency is not None
        call, operations, first = latency.call, latency.operations, self._next_operation[index]
        clock = time.perf_counter_ns
        if index not in self._singles_allowed:
            started = clock()
            for operation in range(WARM_SINGLES):
                call(operation % operations)
            each = max(1, clock() - started) // WARM_SINGLES
            self._singles_allowed[index] = max(WARM_SINGLES, SINGLES_NS // max(1, each))
        count = min(count, self._singles_allowed[index])
        self._next_operation[index] = (first + count) % operations
        found = []
        for operation in [(first + step) % operations for step in range(count)]:
            started = clock()
            call(operation)
            found.append(clock() - started)
        return dict(Counter(bucket_of(elapsed, PRECISION_BITS) for elapsed in found))

    def _news(self, before: Mapping[str, str]) -> dict[str, str]:
        return {cell: error for cell, error in self._failed.items() if cell not in before}


def calibrated_iterations(timer: Timer, target_ns: int) -> tuple[int, float]:
    """How many calls take at least `target_ns`, and the ns that so many took, after a warm-up call."""
    _warm(timer)
    calls, most = 1, min(MOST_ITERATIONS, timer.calls or MOST_ITERATIONS)
    probes = PROBES if timer.samples is None else min(PROBES, timer.samples)
    while True:
        fastest = min(_sample(timer, calls)[0] for _ in range(probes)) * calls * timer.operations
        if fastest >= target_ns or calls >= most:
            return calls, fastest
        # Aim a little beyond the target, but never leap: a short probe is a poor forecast.
        calls = min(most, calls * 10, max(calls + 1, math.ceil(1.1 * calls * target_ns / max(fastest, 1))))


def _sample(timer: Timer, calls: int) -> tuple[float, float]:
    """ns per operation over `calls` calls in a row: wall time, and processor time of this thread."""
    call = timer.call
    repeat = range(calls)
    # The processor's clock is a system call; it is read outside of the wall time.
    used = time.thread_time_ns()
    started = time.perf_counter_ns()
    for _ in repeat:
        call()
    elapsed = time.perf_counter_ns() - started
    used = time.thread_time_ns() - used
    if timer.undo is not None:
        timer.undo()
    operations = calls * timer.operations
    return elapsed / operations, used / operations


def _warm(timer: Timer, least_ns: int = 1) -> None:
    """Calls that are not counted, for so long at least."""
    started = time.perf_counter_ns()
    while time.perf_counter_ns() - started < least_ns:
        timer.call()
        if timer.undo is not None:
            timer.undo()


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """No garbage is collected while kernels are timed; between rounds it may be."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def described(error: Exception) -> str:
    """An error in one line: its class and what it says."""
    text = str(error).strip()
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
