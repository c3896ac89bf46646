"""Times an experiment's kernels: alone, in fresh processes whose rounds alternate.

P processes build the kernels afresh, all before anything is timed. The first finds for each kernel how many
calls make a sample of at least half a millisecond; the number is frozen, and the others take it. Then
rounds: each process in turn, in an order that a seed shuffles, runs every kernel once, in an order that the
seed shuffles too; the datum is the minimum of m short samples. The first kernel of each metric is the
baseline; it runs twice, under the labels "a" and "a/a", and the difference between the two is the noise
floor. `timing_process.py` is a live process, `timing_summary.py` what becomes of the rounds.

The rounds of a metric end when all its intervals are narrow enough, when there are enough of them, when the
processes differ so much that more rounds would not narrow them (within a budget, more processes are begun
then), or when the time is up; never when a difference has become significant, which would find differences
that are none.
"""

from __future__ import annotations

import contextlib
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Protocol

from assay.experiments.base import HoldsMemory, Job, Lesson, Metric
from assay.harness.histogram import PRECISION_BITS, Histogram
from assay.harness.kernels import Calibration, KernelFacts, Kernels, RoundResult, described
from assay.harness.records import CalibrationRecord, HistogramRecord, SampleRecord, StopRule
from assay.harness.spans import packed_lesson
from assay.harness.statistics import half_width, log_ratios, processes_differ
from assay.harness.timing_process import DeadProcessError, JobTask, NotBuiltError, TimingProcess
from assay.harness.timing_settings import TimingSettings
from assay.harness.timing_summary import BASELINE_COPY, Timing, summarise

__all__ = ["BASELINE_COPY", "Share", "Timing", "TimingSettings", "round_order", "time_job", "time_kernels"]

PRECISE_ROUNDS = 10  # in each process, before the width of an interval is believed
DECIDED_ROUNDS = 20  # in each process, before it is said that processes differ
MOST_PROCESSES = 3  # times the settings', within a budget
MOST_LIVE_BYTES = 256 << 20  # of what was learned; beyond it processes live one after the other
MOST_HELD_BYTES = 4 << 30  # that processes which live at once may hold, where their job tells

KernelKey = tuple[str, str]  # cell_id, metric
Share = Callable[[float, int], float]
"""From the seconds that one round of all processes takes, and the number of kernels, to the seconds that the rounds
of this experiment may take."""


class _Process(Protocol):
    """What a timing process and kernels in this process have in common."""

    @property
    def kernels(self) -> Sequence[KernelFacts]: ...

    def calibrate(self, target_ns: int, iterations: Sequence[int | None] | None = None) -> Calibration: ...

    def round(self, order: Sequence[int], samples: int, singles: int = 0) -> RoundResult: ...

    def kill(self) -> None: ...


def time_job(
    job: Job,
    learned: Sequence[Lesson],
    metrics: Mapping[str, Metric],
    settings: TimingSettings,
    *,
    seed: int,
    share: Share | None = None,
    on_progress: Callable[[float], None] = lambda _: None,
) -> Timing:
    """Times all kernels of `job` in `settings.processes` processes.

    Args:
        job: The experiment's job; picklable.
        learned: What its stages have learned.
        metrics: The experiment's declarations: the direction of each timed metric.
        settings: How much.
        seed: Of the orders and resamples.
        share: How long the rounds may take, given what one costs; by default `settings.seconds`.
        on_progress: Told of the share that is done, from 0 to 1, between rounds.

    Returns:
        Samples and values. A kernel that raises fails its own cell; a process that dies fails the
        cells that no other process has timed. Kernels that only this process can build are timed
        in this process.
    """
    lessons = tuple(packed_lesson(lesson) for lesson in learned)
    rounds = _Rounds(settings, seed, share, on_progress)
    at_once = settings.processes if sum(map(len, lessons)) <= MOST_LIVE_BYTES else 1
    if isinstance(job, HoldsMemory) and settings.processes * job.timed_bytes(lessons) > MOST_HELD_BYTES:
        at_once = 1
    begun = 0
    while begun < settings.processes or rounds.wants_processes(begun):
        try:
            rounds.run([TimingProcess(JobTask(job, lessons)) for _ in range(at_once)], begun)
        except NotBuiltError:
            # What was defined or registered in this process alone, in a notebook or a script, is
            # not known to a fresh one: the kernels are then timed here, once, and the note says so.
            return _time_here(job, lessons, metrics, settings, seed, share, on_progress)
        begun += at_once
        if rounds.is_empty:
            break  # the job has no kernels
    rounds.fail_untimed([cell.cell_id for cell in job.cells])
    return rounds.summary(metrics)


def time_kernels(kernels: Kernels, settings: TimingSettings, metrics: Mapping[str, Metric], *, seed: int) -> Timing:
    """Times kernels that this process holds, in this process; what `time_job` does where no other can build them."""
    rounds = _Rounds(settings, seed, None, lambda _: None)
    rounds.run([_Here(kernels)], 0)
    return rounds.summary(metrics)


def round_order(count: int, seed: int, process: int, number: int) -> list[int]:
    """The order of one round, a pure function of its arguments."""
    order = list(range(count))
    Random(f"{seed}/{process}/{number}").shuffle(order)
    return order


def _time_here(
    job: Job,
    lessons: tuple[bytes, ...],
    metrics: Mapping[str, Metric],
    settings: TimingSettings,
    seed: int,
    share: Share | None,
    on_progress: Callable[[float], None],
) -> Timing:
    """Times the kernels in this process; an error in building them fails every cell."""
    try:
        timers = job.timers(lessons)
    except Exception as error:
        return Timing(failures={cell.cell_id: described(error) for cell in job.cells})
    rounds = _Rounds(settings, seed, share, on_progress)
    rounds.run([_Here(Kernels(timers))], 0)
    return rounds.summary(metrics)


class _Here:
    """Kernels in this process, with the verbs of a timing process."""

    def __init__(self, kernels: Kernels) -> None:
        self.kernels = kernels.facts
        self.calibrate = kernels.calibrate
        self.round = kernels.round

    def kill(self) -> None:
        """Nothing to end."""


@dataclass(frozen=True)
class _Slot:
    """One kernel of a round: the baselines have two."""

    kernel: int
    label: str


@dataclass
class _Live:
    """A live process with its number and the kernels of a round."""

    process: _Process
    number: int
    slots: list[_Slot] = field(default_factory=list)


class _Rounds:
    """The rounds of one experiment: who runs when, what came of it, and when it is enough."""

    def __init__(
        self, settings: TimingSettings, seed: int, share: Share | None, on_progress: Callable[[float], None]
    ) -> None:
        self.settings = settings
        self.seed = seed
        self.share = share
        self.on_progress = on_progress
        self.samples: list[SampleRecord] = []
        self.failures: dict[str, str] = {}
        self.deaths: list[str] = []
        self.facts: dict[KernelKey, KernelFacts] = {}
        self.iterations: dict[KernelKey, int] = {}
        self.calibrated_ns: dict[KernelKey, float] = {}
        self.histograms: dict[tuple[str, str, int], Histogram] = {}  # cell, name, process
        self.stops: dict[str, StopRule] = {}  # by metric
        self.allowed = 0.0  # seconds that rounds may take; known after the first one
        self.end = 0.0  # when they must have ended
        self.round_s = 0.0  # that one round of all processes takes
        self.rounds_run = 0  # in each process
        self.starting_s = 0.0  # that starting, building and calibrating has taken
        self.data: dict[tuple[KernelKey, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to time."""
        return not self.facts and not self.deaths

    def run(self, processes: Sequence[_Process], first: int) -> None:
        """Calibrates and runs the rounds of processes that live together; `first` is the number of the first."""
        started = time.monotonic()
        try:
            live = [_Live(process, first + place) for place, process in enumerate(processes)]
            live = [one for one in live if self._built(one)]
            live = [one for one in live if self._calibrated(one)]
            self.starting_s = max(self.starting_s, time.monotonic() - started)
            share = len(processes) / self.settings.processes
            self._alternate(live, share, more=first >= self.settings.processes)
        finally:
            for process in processes:
                with contextlib.suppress(OSError):
                    process.kill()

    def _built(self, live: _Live) -> bool:
        try:
            kernels = list(live.process.kernels)
        except DeadProcessError as error:
            self.deaths.append(str(error))
            return False
        live.slots = _with_baseline_copies(kernels)
        for fact in kernels:
            self.facts.setdefault((fact.cell_id, fact.metric), fact)
        return True

    def _calibrated(self, live: _Live) -> bool:
        keys = [(fact.cell_id, fact.metric) for fact in live.process.kernels]
        known = [self.iterations.get(key) for key in keys]
        try:
            found = live.process.calibrate(self.settings.target_sample_ns, known)
        except DeadProcessError as error:
            self.deaths.append(str(error))
            return False
        self.failures |= found.failures
        for key, calls, sample_ns in zip(keys, found.iterations, found.sample_ns, strict=True):
            if calls is not None:
                self.iterations.setdefault(key, calls)
            if sample_ns is not None:
                self.calibrated_ns.setdefault(key, sample_ns)
        return True

    def wants_processes(self, begun: int) -> bool:
        """Whether some metric needs more processes, and a budget has room for as many rounds of them as there were."""
        expected = self.starting_s + self.rounds_run * self.round_s
        return (
            self.settings.budget_s is not None
            and begun < MOST_PROCESSES * self.settings.processes
            and "processes" in self.stops.values()
            and time.monotonic() + expected < self.end
        )

    def _alternate(self, live: list[_Live], share: float, *, more: bool) -> None:
        """Rounds of all live processes in turn, until every metric's rounds have ended.

        `share` is how many of the settings' processes these are; one after the other they share the time. `more` than
        the settings' run the metrics that need them, for as many rounds as the first ones did.
        """
        settings = self.settings
        metrics = dict.fromkeys(metric for _, metric in self.facts)
        active = {metric: None for metric in metrics if not more or self.stops.get(metric) == "processes"}
        most = self.rounds_run if more else settings.rounds
        ended: dict[str, StopRule] = dict.fromkeys(active, "processes") if more else {}
        started, end, number = time.monotonic(), self.end, 0
        while active and number < most and live:
            for place in round_order(len(live), self.seed, -1, number):
                self._round(live[place], number, active)
            live = [one for one in live if one.slots]
            number += 1
            now = time.monotonic()
            if number == 1 and not more:  # the first round of all has shown what one costs
                if self.allowed == 0:
                    self.round_s = (now - started) / share
                    self.allowed = settings.seconds if self.share is None else self.share(self.round_s, len(self.facts))
                end = started + share * self.allowed
                self.end = max(self.end, started + self.allowed)
            if number >= settings.least_rounds and now >= end:
                ended |= dict.fromkeys(active, "time" if settings.budget_s is None else "budget")
                break
            if number >= PRECISE_ROUNDS and number % 5 == 0:
                for metric, why in self._settled(active, number).items():
                    ended[metric] = why
                    del active[metric]
            self.on_progress(min(1.0, max(number / most, (now - started) / max(end - started, 1e-9))))
        self.rounds_run = max(self.rounds_run, number)
        for metric in metrics if not more else list(ended):
            self.stops[metric] = ended.get(metric, "rounds" if live else "died")

    def _round(self, live: _Live, number: int, active: Mapping[str, None]) -> None:
        """One round of one process; if it dies, it has no more slots."""
        kernels = live.process.kernels
        slots = [
            slot
            for slot in live.slots
            if kernels[slot.kernel].metric in active and kernels[slot.kernel].cell_id not in self.failures
        ]
        order = [slots[place] for place in round_order(len(slots), self.seed, live.number, number)]
        try:
            result = live.process.round(
                [slot.kernel for slot in order], self.settings.samples, self.settings.single_operations
            )
        except DeadProcessError as error:
            self.deaths.append(str(error))
            live.slots = []
            return
        self.failures |= result.failures
        for position, (slot, ns, cpu_ns) in enumerate(zip(order, result.ns, result.cpu_ns, strict=True)):
            if ns:
                self._keep(live, number, position, slot, ns, cpu_ns)
        for kernel, buckets in result.latencies.items():
            fact = kernels[kernel]
            key = (fact.cell_id, fact.latency or "", live.number)
            found = Histogram.of_counts(buckets)
            self.histograms[key] = self.histograms[key].merge(found) if key in self.histograms else found

    def _keep(self, live: _Live, number: int, position: int, slot: _Slot, ns: list[float], cpu_ns: list[float]) -> None:
        fact = live.process.kernels[slot.kernel]
        key = (fact.cell_id, fact.metric)
        ordered = sorted(ns)
        middle = (ordered[(len(ns) - 1) // 2] + ordered[len(ns) // 2]) / 2
        self.samples.append(
            SampleRecord(
                *key, live.number, number, position, slot.label, ordered[0], middle, ordered[-1], len(ns),
                self.iterations[key], fact.operations, tuple(ns), tuple(cpu_ns),
            )
        )  # fmt: skip
        self.data[key, slot.label][live.number].append(ordered[0])

    def _settled(self, active: Mapping[str, None], number: int) -> dict[str, StopRule]:
        """The metrics that need no more rounds: all their intervals are narrow enough, or would stay as wide."""
        found: dict[str, StopRule] = {}
        for metric in active:
            keys = [key for key in self.facts if key[1] == metric and key[0] not in self.failures]
            ratios = self._ratios(keys)
            wide = [logs for logs in ratios if half_width(logs) > precision_of(logs, self.settings.precision)]
            if not wide:
                found[metric] = "precise"
            elif number >= DECIDED_ROUNDS and all(map(processes_differ, wide)):
                found[metric] = "processes"
        return found

    def _ratios(self, keys: Sequence[KernelKey]) -> list[list[list[float]]]:
        """The log ratios by process of every kernel, and of the baseline's copy, to the baseline."""
        if not keys:
            return []
        base = self.data[keys[0], "a"]
        found = []
        for key, label in [(keys[0], BASELINE_COPY), *((key, "a") for key in keys[1:])]:
            pairs = [
                (base[process][: len(rounds)], rounds[: len(base[process])])
                for process, rounds in self.data[key, label].items()
                if base.get(process)
            ]
            if pairs:
                found.append(log_ratios(*zip(*pairs, strict=True)))
        return found

    def fail_untimed(self, cells: Sequence[str]) -> None:
        """Where all processes have died, the cells that none has timed are failures."""
        timed = {sample.cell_id for sample in self.samples}
        if len(self.deaths) >= self.settings.processes:
            for cell in cells:
                if cell not in timed:
                    self.failures.setdefault(cell, self.deaths[0])

    def summary(self, metrics: Mapping[str, Metric]) -> Timing:
        """Everything that was found, and what it says."""
        return summarise(
            self.samples,
            self.failures,
            metrics,
            self.settings,
            seed=self.seed,
            stops=self.stops,
            calibrations=self._calibrations(),
            throughputs={
                key: (fact.throughput, fact.bytes / fact.operations)
                for key, fact in self.facts.items()
                if fact.throughput is not None
            },
            histograms=[
                _histogram_record(cell, name, process, histogram)
                for (cell, name, process), histogram in self.histograms.items()
            ],
        )

    def _calibrations(self) -> list[CalibrationRecord]:
        seconds: dict[KernelKey, float] = defaultdict(float)
        rounds: dict[KernelKey, set[tuple[int, int]]] = defaultdict(set)
        for sample in self.samples:
            key = (sample.cell_id, sample.metric)
            seconds[key] += sum(sample.ns) * sample.iterations * sample.operations * 1e-9
            rounds[key].add((sample.process, sample.round))
        return [
            CalibrationRecord(
                *key,
                calls,
                self.facts[key].operations,
                self.calibrated_ns.get(key),
                len({process for process, _ in rounds[key]}),
                len(rounds[key]),
                seconds[key],
                self.stops.get(key[1], "died"),
            )
            for key, calls in self.iterations.items()
        ]


def precision_of(logs: Sequence[Sequence[float]], precision: float) -> float:
    """How wide half an interval may be: `precision`, or of a great difference a twentieth of its logarithm."""
    middle = statistics.median(log for rounds in logs for log in rounds)
    return max(precision, abs(middle) / 20) if precision > 0 else 0.0


def _with_baseline_copies(kernels: Sequence[KernelFacts]) -> list[_Slot]:
    """All kernels, and the first of each metric once more under the label of the second copy."""
    baselines: dict[str, int] = {}
    for number, fact in enumerate(kernels):
        baselines.setdefault(fact.metric, number)
    slots = [_Slot(number, "a") for number in range(len(kernels))]
    return slots + [_Slot(number, BASELINE_COPY) for number in baselines.values()]


def _histogram_record(cell: str, name: str, process: int, histogram: Histogram) -> HistogramRecord:
    bounds = histogram.bounds()
    return HistogramRecord(
        cell,
        name,
        process,
        PRECISION_BITS,
        tuple(float(low) for low, _ in bounds),
        tuple(float(high) for _, high in bounds),
        tuple(histogram.buckets.values()),
    )
