"""Estimates and intervals from interleaved rounds in several processes.

A round gives one datum per kernel: the minimum of m short samples, in ns per operation, as a short
minimum is what the kernel costs when nothing else ran. The estimate is the median over rounds.
Processes differ more than rounds do (layout, address space, hash seeds), so that the bootstrap
resamples processes first and rounds within them second. Kernels of one round ran next to each
other; ratios are therefore taken round by round.

Cost: O(resamples × rounds) time and memory, about 5 ms for 2000 × 90.

Source: Efron & Tibshirani 1993, "An Introduction to the Bootstrap", chapters 8 (two-level
resampling) and 13 (percentile intervals); Kalibera & Jones 2013, "Rigorous Benchmarking in
Reasonable Time" (variation between processes).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from assay.harness.records import Verdict

__all__ = ["RESAMPLES", "Estimate", "median_estimate", "noise_floor", "paired_ratio", "ratio_verdict"]

RESAMPLES = 2000
CONFIDENCE = 0.95
SMALLEST_EFFECT = 1.01  # a difference below 1 % is not called one, however sure it is

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A value with its 95 % percentile interval."""

    value: float
    low: float
    high: float


def median_estimate(processes: Sequence[Sequence[float]], *, seed: int) -> Estimate:
    """The median over all rounds with its two-level bootstrap interval.

    Args:
        processes: One sequence of rounds per process; at least one process, each with a round.
        seed: Of the resampling; the same seed gives the same interval.

    Returns:
        The estimate in the unit of the rounds; low <= value <= high.
    """
    data = [np.asarray(rounds, dtype=np.float64) for rounds in processes]
    assert data and all(rounds.size for rounds in data), "each process has at least one round"
    value = float(np.median(np.concatenate(data)))
    low, high = _interval(data, np.random.default_rng(seed))
    return Estimate(value, min(low, value), max(high, value))


def paired_ratio(baseline: Sequence[Sequence[float]], candidate: Sequence[Sequence[float]], *, seed: int) -> Estimate:
    """candidate / baseline: exp of the median over rounds of the log ratio, with its interval.

    Args:
        baseline: Rounds by process, all positive.
        candidate: Rounds by process; round i of process p ran beside the baseline's.
        seed: Of the resampling.

    Returns:
        A ratio; above 1 the candidate is slower. Two identical series give exactly 1, 1, 1.
    """
    logs = [
        np.log(np.asarray(b, dtype=np.float64) / np.asarray(a, dtype=np.float64))
        for a, b in zip(baseline, candidate, strict=True)
    ]
    estimate = median_estimate([list(rounds) for rounds in logs], seed=seed)
    return Estimate(math.exp(estimate.value), math.exp(estimate.low), math.exp(estimate.high))


def noise_floor(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]], *, seed: int) -> float:
    """How far apart two copies of one kernel may be: the farther end of their ratio's interval, >= 1."""
    ratio = paired_ratio(first, second, seed=seed)
    return max(ratio.high, 1 / ratio.low, 1.0)


def ratio_verdict(ratio: Estimate, floor: float, *, direction: Literal["lower", "higher", "none"] = "lower") -> Verdict:
    """Better or worse only if the whole interval lies beyond floor and 1 %; same only if it lies within.

    >>> ratio_verdict(Estimate(1.5, 1.4, 1.6), floor=1.02), ratio_verdict(Estimate(1.0, 0.9, 1.2), floor=1.02)
    ('worse', 'unclear')
    """
    limit = max(floor, SMALLEST_EFFECT)
    if ratio.low > limit:
        return "better" if direction == "higher" else "worse"
    if ratio.high < 1 / limit:
        return "worse" if direction == "higher" else "better"
    return "same" if ratio.low >= 1 / limit and ratio.high <= limit else "unclear"


def _interval(data: Sequence[Floats], random: np.random.Generator) -> tuple[float, float]:
    """Percentile interval of the median under resampling of processes, then of rounds within them."""
    sizes = np.array([rounds.size for rounds in data])
    longest = int(sizes.max())
    table = np.full((len(data), longest), np.nan)
    for row, rounds in zip(table, data, strict=True):
        row[: rounds.size] = rounds
    chosen = random.integers(len(data), size=(RESAMPLES, len(data)))  # processes
    places = random.random((RESAMPLES, len(data), longest))  # rounds, as shares of each process's own
    rounds_of = sizes[chosen][:, :, None]
    drawn = table[chosen[:, :, None], np.floor(places * rounds_of).astype(np.int64)]
    median: Callable[..., Floats] = np.median
    if not (sizes == longest).all():  # each process contributes as many rounds as it has
        drawn = np.where(np.arange(longest)[None, None, :] < rounds_of, drawn, np.nan)
        median = np.nanmedian
    medians = median(drawn.reshape(RESAMPLES, -1), axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(medians, [tail, 1 - tail])
    return float(low), float(high)
