"""Times the kernels of two sides beside each other: pairs of live processes, whose samples alternate.

A pair is a fresh process of the base and one of the candidate, each with its own interpreter and folder. In a
round every kernel is sampled on both sides, one right after the other; the order of the kernels, and which
side goes first, a seed shuffles. The datum is the log of the ratio of the two minima of m short samples. A pair
counts once, as the median of its rounds; the interval is Student's t over the pairs (`timed.py`). Calls per
sample are found on the base in the first pair and shared by all. Pairs are added until all intervals are
narrow enough or the time is up; never by what they show.

Cost: two processes of half a second and 100 MB each a pair, and about 6 ms a kernel and round.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import TypeVar

from assay.diffing.interpreters import Interpreter
from assay.diffing.side_run import SideTask
from assay.diffing.timed import Ratio, paired_ratio
from assay.errors import MeasurementError, ParameterError
from assay.harness.timing_process import DeadProcessError, NotBuiltError, TimingProcess

__all__ = ["KernelKey", "PairedSettings", "PairedTimes", "time_pairs"]

KernelKey = tuple[str, str]  # cell of the base, metric

_T = TypeVar("_T")


@dataclass(frozen=True)
class PairedSettings:
    """How much timing: `pairs` at least, then more until all intervals are as narrow as `precision` or time is up."""

    pairs: int = 5
    pairs_most: int = 40
    precision: float = 0.01  # half the width of an interval that is narrow enough, relative
    seconds: float = 60.0  # of an experiment, starting processes included; `pairs` of `least_rounds` are run anyway
    rounds: int = 40  # of a pair, at most
    samples: int = 5
    target_sample_ns: int = 500_000
    least_rounds: int = 5

    def __post_init__(self) -> None:
        for name in ("pairs", "pairs_most", "rounds", "samples", "target_sample_ns", "least_rounds"):
            if getattr(self, name) < 1:
                raise ParameterError(f"timing.{name} is {getattr(self, name)}; expected at least 1")


@dataclass
class PairedTimes:
    """What came out for one experiment: by kernel one number per pair; errors of cells by side."""

    base_ns: dict[KernelKey, list[float]] = field(default_factory=dict)  # the median over rounds, of each pair
    candidate_ns: dict[KernelKey, list[float]] = field(default_factory=dict)
    ratios: dict[KernelKey, list[float]] = field(default_factory=dict)  # candidate / base
    base_failures: dict[str, str] = field(default_factory=dict)  # by cell of the base
    candidate_failures: dict[str, str] = field(default_factory=dict)  # by cell of the candidate

    @property
    def width(self) -> float:
        """Half the width of the widest interval, relative; infinite where there is one pair."""
        found = [self.ratio(key) for key in self.ratios]
        return max((math.inf if one.high is None else one.high / one.value - 1 for one in found), default=0.0)

    def ratio(self, key: KernelKey) -> Ratio:
        """The ratio of a kernel over all pairs."""
        ratios = self.ratios[key]
        return paired_ratio([1.0] * len(ratios), ratios)


def time_pairs(
    base: tuple[Interpreter, Path],
    candidate: tuple[Interpreter, Path],
    counterparts: Mapping[str, str],
    settings: PairedSettings,
    *,
    seed: int,
    only: Collection[KernelKey] | None = None,
    on_pair: Callable[[], None] = lambda: None,
) -> PairedTimes:
    """Times one experiment's kernels on both sides.

    Args:
        base: The base's interpreter, and the file of its kernels.
        candidate: The candidate's.
        counterparts: The candidate's cell of each cell of the base.
        settings: How much.
        seed: Of the orders.
        only: The kernels to time; by default all that both sides have.
        on_pair: Called after each pair.

    Raises:
        MeasurementError: A side's kernels cannot be built, or its process died.
    """
    times = PairedTimes()
    iterations: dict[KernelKey, int | None] = {}
    started = time.monotonic()
    for pair in range(max(settings.pairs, settings.pairs_most)):
        enough = times.width <= settings.precision or time.monotonic() - started >= settings.seconds
        if pair >= settings.pairs and enough:
            break
        with _process(*base) as a, _process(*candidate) as b:
            both = _kernels_of_both(a, b, counterparts, only)
            if not both:
                break
            _calibrate(a, b, both, iterations, settings, times)
            rounds = _rounds(a, b, both, settings, Random(f"{seed}/{pair}"), times)
        for key, found in rounds.items():
            times.base_ns.setdefault(key, []).append(statistics.median(one for one, _ in found))
            times.candidate_ns.setdefault(key, []).append(statistics.median(other for _, other in found))
            ratio = statistics.median(math.log(other / one) for one, other in found)
            times.ratios.setdefault(key, []).append(math.exp(ratio))
        on_pair()
    return times


def _process(interpreter: Interpreter, kernels: Path) -> TimingProcess:
    return TimingProcess(
        SideTask(str(kernels)),
        executable=interpreter.executable,
        environment=interpreter.environment,
        cwd=interpreter.folder,
    )


def _kernels_of_both(
    a: TimingProcess, b: TimingProcess, counterparts: Mapping[str, str], only: Collection[KernelKey] | None
) -> dict[KernelKey, tuple[int, int]]:
    """The number of each kernel in both processes."""
    numbers = []
    for process, side in ((a, "base"), (b, "candidate")):
        try:
            numbers.append({(fact.cell_id, fact.metric): place for place, fact in enumerate(process.kernels)})
        except (NotBuiltError, DeadProcessError) as error:
            raise MeasurementError(
                f"the kernels of the {side} cannot be timed in a process of their own: {error}; "
                "--no-timing compares everything else"
            ) from error
    return {
        (cell, metric): (place, numbers[1][counterparts[cell], metric])
        for (cell, metric), place in numbers[0].items()
        if (counterparts.get(cell), metric) in numbers[1] and (only is None or (cell, metric) in only)
    }


def _calibrate(
    a: TimingProcess,
    b: TimingProcess,
    both: Mapping[KernelKey, tuple[int, int]],
    iterations: dict[KernelKey, int | None],
    settings: PairedSettings,
    times: PairedTimes,
) -> None:
    """Fixes the calls per sample, on the base first; both sides share them."""
    given: list[int | None] = [0] * len(a.kernels)  # a kernel that is not timed is not called more than once
    for key, (place, _) in both.items():
        given[place] = iterations.get(key)
    found = _asked(lambda: a.calibrate(settings.target_sample_ns, given), "base")
    times.base_failures |= found.failures
    shared: list[int | None] = [0] * len(b.kernels)
    for key, (place, other) in both.items():
        iterations[key] = shared[other] = found.iterations[place]
    found = _asked(lambda: b.calibrate(settings.target_sample_ns, shared), "candidate")
    times.candidate_failures |= found.failures


def _rounds(
    a: TimingProcess,
    b: TimingProcess,
    both: Mapping[KernelKey, tuple[int, int]],
    settings: PairedSettings,
    random: Random,
    times: PairedTimes,
) -> dict[KernelKey, list[tuple[float, float]]]:
    """The minima of each round of one pair: (base, candidate) in ns per operation."""
    deadline = time.monotonic() + settings.seconds / settings.pairs
    found: dict[KernelKey, list[tuple[float, float]]] = {}
    sides = (("base", a), ("candidate", b))
    for number in range(settings.rounds):
        if number >= settings.least_rounds and time.monotonic() >= deadline:
            break
        order: Sequence[KernelKey] = random.sample(list(both), len(both))
        for key in order:
            least = [0.0, 0.0]
            for side in random.sample((0, 1), 2):
                name, process = sides[side]
                place = both[key][side]
                result = _asked(partial(process.round, [place], settings.samples), name)
                (times.candidate_failures if side else times.base_failures).update(result.failures)
                least[side] = min(result.ns[0], default=0.0)
            if min(least) > 0:
                found.setdefault(key, []).append((least[0], least[1]))
    return found


def _asked(ask: Callable[[], _T], side: str) -> _T:
    try:
        return ask()
    except DeadProcessError as error:
        raise MeasurementError(f"a timing process of the {side} died: {error}") from error
