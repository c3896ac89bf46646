"""Estimates, intervals and verdicts from rounds in several processes.

A round gives one datum per kernel: the minimum of m short samples, in ns per operation, as a short
minimum is what the kernel costs when nothing else ran. The estimate is the median over rounds.
Processes differ more than rounds do (layout, address space, hash seeds), so that the bootstrap
resamples processes first and rounds within them second. Kernels of one round ran next to each
other; their ratios are taken round by round (`paired_ratio`).

    ratio = paired_ratio(baseline, candidate, seed=0)
    floor = noise_floor(baseline, copy_of_baseline, seed=0)
    adjusted = benjamini_hochberg([p_value(ratio, limit(floor)), ...])
    verdict = ratio_verdict(ratio, floor, p_adjusted=adjusted[0])
    more = rounds_needed(logs, limit(floor))            # where it is unclear

Cost: O(resamples × rounds) time, about 5 ms for 2000 × 90, in chunks of bounded memory.

Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapters 8 (two-level
resampling) and 13 (percentile intervals); Kalibera & Jones 2013, "Rigorous Benchmarking in
Reasonable Time" (variation between processes); Benjamini & Hochberg 1995, "Controlling the False
Discovery Rate"; Tukey 1977, "Exploratory Data Analysis" (fences).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from assay.errors import ParameterError
from assay.harness.records import Verdict
from assay.intervals import rate_interval

__all__ = [
    "CONFIDENCE",
    "FALSE_SHARE",
    "METHOD",
    "RESAMPLES",
    "SMALLEST_EFFECT",
    "Estimate",
    "Outliers",
    "benjamini_hochberg",
    "half_width",
    "limit",
    "log_ratios",
    "median_estimate",
    "noise_floor",
    "outliers",
    "p_value",
    "paired_ratio",
    "processes_differ",
    "rate_interval",
    "ratio_verdict",
    "rounds_needed",
]

METHOD = 2  # rises when the same samples would give another verdict
RESAMPLES = 2000
CONFIDENCE = 0.95
SMALLEST_EFFECT = 1.01  # a difference below 1 % is not called one, however sure it is
FALSE_SHARE = 0.05  # of the differences that are called, how many may be none

_Z = 1.959963984540054  # of a 95 % interval
_MOSTLY = 0.8
_CHUNK = 1 << 21  # numbers drawn at a time

Floats = npt.NDArray[np.float64]
Rounds = Sequence[Sequence[float]]  # by process


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % percentile interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Outliers:
    """How many data lie beyond Tukey's fences: more than 1.5 (mild) or 3 (severe) quartile distances outside."""

    low_severe: int
    low_mild: int
    high_mild: int
    high_severe: int

    @property
    def count(self) -> int:
        """All of them."""
        return self.low_severe + self.low_mild + self.high_mild + self.high_severe


def median_estimate(processes: Rounds, *, seed: int) -> Estimate:
    """The median over all rounds with its two-level bootstrap interval.

    Args:
        processes: One sequence of rounds per process; at least one process, each with a round.
        seed: Of the resampling; the same seed gives the same interval.

    Returns:
        The estimate in the unit of the rounds; low <= value <= high.
    """
    data = _arrays(processes)
    value = float(np.median(np.concatenate(data)))
    low, high = _ends(_medians(data, np.random.default_rng(seed)))
    return Estimate(value, min(low, value), max(high, value))


def paired_ratio(baseline: Rounds, candidate: Rounds, *, seed: int) -> Estimate:
    """candidate / baseline: exp of the median over rounds of the log ratio, with its interval.

    Args:
        baseline: Rounds by process, all positive.
        candidate: Rounds by process; round i of process p ran beside the baseline's.
        seed: Of the resampling.

    Returns:
        A ratio; above 1 the candidate is slower. Two identical series give exactly 1, 1, 1.
    """
    return _exp(median_estimate(log_ratios(baseline, candidate), seed=seed))


def log_ratios(baseline: Rounds, candidate: Rounds) -> list[list[float]]:
    """log(candidate / baseline) round by round, by process."""
    return [
        list(np.log(np.asarray(b, dtype=np.float64) / np.asarray(a, dtype=np.float64)))
        for a, b in zip(baseline, candidate, strict=True)
    ]


def noise_floor(first: Rounds, second: Rounds, *, seed: int) -> float:
    """How far apart two copies of one kernel may be: the farther end of their ratio's interval, >= 1."""
    ratio = paired_ratio(first, second, seed=seed)
    return max(ratio.high, 1 / ratio.low, 1.0)


def limit(floor: float, threshold: float = SMALLEST_EFFECT) -> float:
    """The ratio that a difference has to exceed: the noise floor, or the smallest effect that matters."""
    return max(floor, threshold, 1.0)


def p_value(ratio: Estimate, bound: float) -> float:
    """How likely so large a ratio is if the true one is within `bound` and 1 / `bound`; two-sided, at most 1.

    The log ratio is taken as normal with the width of its bootstrap interval, so that p falls below 0.05 about
    where the interval leaves the bound, and is not held up by the number of resamples.

    Args:
        ratio: The ratio and its interval.
        bound: At least 1; `limit` gives it.
    """
    if not (ratio.low > 0 and bound >= 1):
        raise ParameterError(f"the ratio begins at {ratio.low} and the bound is {bound}; expected > 0 and >= 1")
    distance = abs(math.log(ratio.value)) - math.log(bound)
    if distance <= 0:
        return 1.0
    # The half of the interval that faces the bound: intervals of medians are seldom symmetric.
    near = math.log(ratio.value / ratio.low) if ratio.value > 1 else math.log(ratio.high / ratio.value)
    if near <= 0:
        return 0.0
    return math.erfc(_Z * distance / near / math.sqrt(2))


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values, in the order given: called at most 5 %, of what is called at most 5 % is false, on average.

    Args:
        p_values: Of all that was compared, including what shows nothing; each within 0 and 1.

    >>> benjamini_hochberg([0.01, 0.04, 0.03])
    [0.03, 0.04, 0.04]
    """
    if any(not 0 <= p <= 1 for p in p_values):
        raise ParameterError(f"the p values are {list(p_values)}; expected each from 0 to 1")
    order = sorted(range(len(p_values)), key=lambda place: -p_values[place])
    adjusted = [1.0] * len(p_values)
    least = 1.0
    for rank, place in zip(range(len(order), 0, -1), order, strict=True):
        least = min(least, p_values[place] * len(order) / rank)
        adjusted[place] = least
    return adjusted


def ratio_verdict(
    ratio: Estimate,
    floor: float,
    *,
    direction: Literal["lower", "higher", "none"] = "lower",
    threshold: float = SMALLEST_EFFECT,
    p_adjusted: float = 0.0,
) -> Verdict:
    """Better or worse only if the whole interval lies beyond floor and threshold; same only if it lies within.

    Args:
        ratio: candidate / baseline with its interval.
        floor: What two copies of the baseline differ by; `noise_floor`.
        direction: Which way the metric is better; of "none", more is called worse as for "lower".
        threshold: The smallest ratio that matters.
        p_adjusted: Of this ratio among all that were compared; above 5 % it is unclear.

    >>> ratio_verdict(Estimate(1.5, 1.4, 1.6), floor=1.02), ratio_verdict(Estimate(1.0, 0.9, 1.2), floor=1.02)
    ('worse', 'unclear')
    """
    bound = limit(floor, threshold)
    if ratio.low > bound or ratio.high < 1 / bound:
        if p_adjusted > FALSE_SHARE:
            return "unclear"
        return "better" if (ratio.low > bound) == (direction == "higher") else "worse"
    return "same" if ratio.low >= 1 / bound and ratio.high <= bound else "unclear"


def half_width(processes: Rounds) -> float:
    """About half the width of the interval of the median, without resampling: what decides on more rounds.

    1.96 × √(B / P + W / N) with B the variance between the processes' medians beyond what their rounds explain,
    W = π/2 × the squared robust deviation of the rounds within their process (the variance of a median), P
    processes and N rounds in all. In the unit of the rounds; of log ratios it is relative.
    """
    between, within, count = _variances(_arrays(processes))
    return _Z * math.sqrt(between / len(processes) + within / count)


def processes_differ(processes: Rounds) -> bool:
    """Whether the width of the interval comes from how processes differ, so that more rounds would not narrow it."""
    between, within, count = _variances(_arrays(processes), sure=True)
    return between / len(processes) > _MOSTLY * (between / len(processes) + within / count)


def rounds_needed(logs: Rounds, bound: float, *, most: int = 100_000) -> int | None:
    """About how many more rounds in each process make an unclear ratio clear, or None if rounds alone cannot.

    The interval must come to lie wholly beyond, or wholly within, `bound`; its within-process part shrinks with the
    root of the rounds, its between-process part only with more processes.

    Args:
        logs: Log ratios by process.
        bound: The ratio that a difference has to exceed; `limit` gives it.
        most: More than so many in all are called none.
    """
    data = _arrays(logs)
    between, within, count = _variances(data, sure=True)
    gap = abs(abs(float(np.median(np.concatenate(data)))) - math.log(bound)) / _Z
    left = gap * gap - between / len(data)  # what the rounds' part of the variance may be
    if left <= 0 or within / left > most:
        return None
    return max(1, math.ceil((within / left - count) / len(data)))


def outliers(data: Sequence[float]) -> Outliers:
    """Classifies data by Tukey's fences; nothing is dropped for being an outlier."""
    values = np.asarray(data, dtype=np.float64)
    first, third = np.quantile(values, [0.25, 0.75])
    distance = third - first
    beyond = [
        int((values < first - 3 * distance).sum()),
        int((values < first - 1.5 * distance).sum()),
        int((values > third + 1.5 * distance).sum()),
        int((values > third + 3 * distance).sum()),
    ]
    return Outliers(beyond[0], beyond[1] - beyond[0], beyond[2] - beyond[3], beyond[3])


def _exp(logs: Estimate) -> Estimate:
    return Estimate(math.exp(logs.value), math.exp(logs.low), math.exp(logs.high))


def _arrays(processes: Rounds) -> list[Floats]:
    data = [np.asarray(rounds, dtype=np.float64) for rounds in processes]
    assert data and all(rounds.size for rounds in data), "each process has at least one round"
    return data


def _variances(data: Sequence[Floats], *, sure: bool = False) -> tuple[float, float, int]:
    """(variance between processes, variance of a median times its rounds, all rounds).

    The medians of a few processes differ by chance too: if `sure`, a variance between them that chance exceeds more
    than about one time in twenty counts as none.
    """
    medians = np.array([np.median(rounds) for rounds in data])
    residuals = np.concatenate([rounds - median for rounds, median in zip(data, medians, strict=True)])
    deviation = 1.4826 * float(np.median(np.abs(residuals)))
    within = math.pi / 2 * deviation * deviation
    between = 0.0
    if len(data) > 1:
        explained = within * float(np.mean([1 / rounds.size for rounds in data]))
        found = float(np.var(medians, ddof=1))
        by_chance = 1 + 1.645 * math.sqrt(2 / (len(data) - 1)) if sure else 1.0  # a variance's own deviation
        between = max(0.0, found - explained) if found > by_chance * explained else 0.0
    return between, within, int(residuals.size)


def _ends(medians: Floats) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return float(low), float(high)


def _medians(data: Sequence[Floats], random: np.random.Generator) -> Floats:
    """The medians of `RESAMPLES` draws of processes, and of rounds within them."""
    sizes = np.array([rounds.size for rounds in data])
    longest = int(sizes.max())
    table = np.full((len(data), longest), np.nan)
    for row, rounds in zip(table, data, strict=True):
        row[: rounds.size] = rounds
    equal = bool((sizes == longest).all())
    step = max(1, _CHUNK // (len(data) * longest))
    found = []
    for start in range(0, RESAMPLES, step):
        count = min(step, RESAMPLES - start)
        chosen = random.integers(len(data), size=(count, len(data)))  # processes
        places = random.random((count, len(data), longest))  # rounds, as shares of each process's own
        rounds_of = sizes[chosen][:, :, None]
        drawn = table[chosen[:, :, None], np.floor(places * rounds_of).astype(np.int64)]
        if equal:
            found.append(np.median(drawn.reshape(count, -1), axis=1))
        else:  # each process contributes as many rounds as it has
            drawn = np.where(np.arange(longest)[None, None, :] < rounds_of, drawn, np.nan)
            found.append(np.nanmedian(drawn.reshape(count, -1), axis=1))
    return np.concatenate(found)
