"""What can only be found out by measuring: the clock, the memory, who else uses the processor, and the noise floor.

Each probe takes a bounded time and changes nothing. The noise floor is found as every run finds it (`timing.py`): one
kernel of the core is timed against itself, in fresh processes whose rounds alternate; how far the two copies may be
apart is what no difference below can be told from.

Source: McCalpin 1995, "Memory Bandwidth and Machine Balance in Current High Performance Computers" (copy and sum);
METHODOLOGY, "Timing".
"""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assay.errors import MeasurementError
from assay.experiments.base import Cell, Lesson, Metric, Timer
from assay.harness.machine import Machine
from assay.harness.statistics import limit, noise_floor
from assay.harness.timing import BASELINE_COPY, TimingSettings, time_job

__all__ = ["Bandwidth", "Clock", "NoiseFloor", "Use", "memory_bandwidth", "noise_floors", "probe_clock", "watch_use"]

_READS = 20_000
_LEAST_BYTES, _MOST_BYTES = 32 << 20, 512 << 20  # of an array that is to be out of every cache
_CACHED_KEYS = 4_096  # 32 KiB
_UNCACHED_KEYS = 2_000_000  # 16 MB: beyond the caches of one core, mostly


@dataclass(frozen=True)
class Clock:
    """What the harness's clock can tell apart, and what it costs to read it."""

    resolution_ns: float  # as the system states it
    step_ns: float  # the smallest difference that was met between two readings
    read_ns: float  # a reading, from Python
    thread_read_ns: float  # a reading of the thread's processor time


@dataclass(frozen=True)
class Bandwidth:
    """Bytes a second that one thread moves between processor and memory, beyond the caches."""

    array_bytes: int
    copy: float  # read and written, both counted
    sum: float  # read


@dataclass(frozen=True)
class Use:
    """Who had the processors while nothing was done here; shares of all of them, None where not visible."""

    seconds: float
    busy: float | None
    steal: float | None
    throttled: int | None  # periods


@dataclass(frozen=True)
class NoiseFloor:
    """Two copies of one kernel, timed as a run times contenders."""

    kernel: str  # "hash_cached_ns"
    floor: float  # a ratio of at least 1: the farther end of the interval of copy / copy
    bound: float  # what a difference has to exceed: the floor, or the smallest effect that is called one
    single: float  # p95 / median of single samples: what one measurement without repetition may be off by
    ns: float  # the kernel's median, per key
    processes: int
    rounds: int


def probe_clock() -> Clock:
    """The clock that times kernels."""
    clock = time.perf_counter_ns
    readings = [clock() for _ in range(_READS)]
    steps = [later - earlier for earlier, later in itertools.pairwise(readings) if later > earlier]
    return Clock(
        time.get_clock_info("perf_counter").resolution * 1e9,
        float(min(steps, default=0)),
        _cost(clock),
        _cost(time.thread_time_ns),
    )


def _cost(read: Callable[[], int]) -> float:
    """ns of one call: the fastest of five loops."""
    found = []
    for _ in range(5):
        started = time.perf_counter_ns()
        for _ in range(_READS // 10):
            read()
        found.append((time.perf_counter_ns() - started) / (_READS // 10))
    return min(found)


def memory_bandwidth(machine: Machine, *, seconds: float = 0.3) -> Bandwidth:
    """Copies and sums an array of four times the largest cache, as often as the time allows; the fastest counts.

    Raises:
        MeasurementError: There is not enough memory for it.
    """
    size = min(_MOST_BYTES, max(_LEAST_BYTES, 4 * (machine.last_cache_bytes or 0)))
    bounds = [bound for bound in (machine.memory_available_bytes, machine.memory_limit_bytes) if bound is not None]
    size = max(1 << 20, min([size, *(bound // 8 for bound in bounds)]))
    try:
        source = np.ones(size // 8, dtype=np.uint64)
        target = np.zeros_like(source)  # touched below, before anything counts
    except MemoryError:
        raise MeasurementError(
            f"there is no memory for two arrays of {size:,} bytes; free some and ask again"
        ) from None
    copy = _fastest(lambda: np.copyto(target, source), seconds / 2)
    total = _fastest(lambda: source.sum(), seconds / 2)
    return Bandwidth(size, 2 * source.nbytes / copy, source.nbytes / total)


def _fastest(call: Callable[[], object], seconds: float) -> float:
    """The seconds of the fastest call, of as many as the time allows, after one that does not count."""
    call()
    found: list[float] = []
    deadline = time.perf_counter() + seconds
    while not found or time.perf_counter() < deadline:
        started = time.perf_counter()
        call()
        found.append(time.perf_counter() - started)
    return min(found)


def watch_use(machine: Machine, seconds: float) -> Use:
    """Does nothing for a while, and looks who used the processors meanwhile."""
    before, throttled = machine.processor_times(), machine.throttled_periods
    time.sleep(seconds)
    after, now = machine.processor_times(), machine.throttled_periods
    shares = after.since(before) if before is not None and after is not None else None
    stopped = now - throttled if now is not None and throttled is not None else None
    return Use(seconds, shares and shares[0], shares and shares[1], stopped)


@dataclass(frozen=True)
class _HashJob:
    """Kernels of the core whose copies are compared: a hash of keys within a cache, and one of keys beyond it."""

    metrics: tuple[str, ...]
    cells: Sequence[Cell] = ()

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """Built afresh in the process that times them."""
        import pyarrow as pa

        from assay.hashing import hash as hash_keys

        def timer(metric: str) -> Timer:
            count = _CACHED_KEYS if metric == "hash_cached_ns" else _UNCACHED_KEYS
            keys = pa.array(np.arange(count, dtype=np.int64))
            return Timer(metric, metric, lambda: hash_keys(keys, "xxh3_64", threads=1), count)

        return [timer(metric) for metric in self.metrics]


def noise_floors(settings: TimingSettings, *, uncached: bool, seed: int = 0) -> list[NoiseFloor]:
    """What differences cannot be told apart here and now, for a kernel within the cache and one beyond it.

    Raises:
        MeasurementError: No timing process came to an end.
    """
    names = ("hash_cached_ns", "hash_uncached_ns") if uncached else ("hash_cached_ns",)
    declared = {
        name: Metric(name, "ns", "lower", "timed", "measured", "time / keys", "a hash of a key") for name in names
    }
    job: _HashJob = _HashJob(names)
    timing = time_job(job, (), declared, settings, seed=seed)  # type: ignore[arg-type]  # it asks for timers only
    found = []
    for name in names:
        rounds: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
        singles: list[float] = []
        for sample in sorted(timing.samples, key=lambda one: (one.process, one.round)):
            if sample.metric == name:
                rounds[sample.label][sample.process].append(sample.ns_min)
                singles += sample.ns
        pairs = [
            (first[: len(second)], second[: len(first)])
            for process, first in rounds["a"].items()
            if (second := rounds[BASELINE_COPY].get(process))
        ]
        if not pairs:
            why = "; ".join(timing.failures.values()) or "no timing process came to an end"
            raise MeasurementError(f"the noise floor cannot be measured: {why}; is there memory for another process?")
        floor = noise_floor([first for first, _ in pairs], [second for _, second in pairs], seed=seed)
        middle, most = np.quantile(singles, [0.5, 0.95])
        count = sum(len(first) for first, _ in pairs)
        found.append(NoiseFloor(name, floor, limit(floor), float(most / middle), float(middle), len(pairs), count))
    return found
