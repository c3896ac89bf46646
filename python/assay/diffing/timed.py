"""Ratios of timed cells: between runs (unpaired) or between commits (paired), and what they are worth.

The process is the unit. Rounds of one process share its layout and its hash seeds, so that many of them
say little about the next process; a process therefore counts once, as the median of its rounds. The
interval of the difference of the logs is Student's t: Welch's of two samples where the two runs were
measured apart, of one sample of differences where a process of each side ran in turns with the other.
With three processes a side a percentile bootstrap over processes and rounds called 11 to 14 % of equal
pairs different in a simulation, Welch's interval 2 to 5 % (METHODOLOGY, "Differences between runs").

Cost: O(processes) a cell.

Source: Welch 1947; Satterthwaite 1946 (degrees of freedom); Kalibera & Jones 2013, "Rigorous Benchmarking
in Reasonable Time" (the process as the unit); Benjamini & Hochberg 1995 (many cells).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assay.diffing.student import t_quantile, t_tail
from assay.harness.statistics import CONFIDENCE, FALSE_SHARE, SMALLEST_EFFECT, benjamini_hochberg

__all__ = [
    "LEAST_PROCESSES",
    "SMALLEST_EFFECT",
    "Ratio",
    "discoveries",
    "drift",
    "numbers_needed",
    "paired_ratio",
    "timed_verdict",
    "unpaired_ratio",
]

LEAST_PROCESSES = 2  # on each side; one process says nothing of how processes differ


@dataclass(frozen=True)
class Ratio:
    """candidate / base of a timed metric with its 95 % interval; `error` and `degrees` are of the log's t.

    `low` and `high` are None where a side has fewer than two processes.
    """

    value: float
    low: float | None
    high: float | None
    error: float = 0.0
    degrees: float = 0.0

    def chance_beyond(self, limit: float) -> float:
        """The two-sided p-value of "the true ratio is within 1/limit to limit"; 1 where it is estimated within."""
        if self.low is None:
            return 1.0
        beyond = abs(math.log(self.value)) - math.log(limit)
        if beyond <= 0:
            return 1.0
        return 0.0 if self.error == 0 else min(1.0, 2 * t_tail(beyond / self.error, self.degrees))


def unpaired_ratio(base: Sequence[float], candidate: Sequence[float]) -> Ratio:
    """candidate / base from the medians of processes that were measured apart.

    Args:
        base: One positive number per process, at least one.
        candidate: The same of the other side; the numbers of processes may differ.

    >>> unpaired_ratio([10.0, 10.0], [12.0, 12.0])
    Ratio(value=1.2, low=1.2, high=1.2, error=0.0, degrees=2.0)
    """
    one, other = _mean_and_variance(base), _mean_and_variance(candidate)
    difference = other[0] - one[0]
    if min(len(base), len(candidate)) < LEAST_PROCESSES:
        return Ratio(_ratio(difference), None, None)
    first, second = one[1] / len(base), other[1] / len(candidate)
    total = first + second
    if total == 0:
        degrees = float(len(base) + len(candidate) - 2)
    else:
        degrees = total**2 / (first**2 / (len(base) - 1) + second**2 / (len(candidate) - 1))
    return _with_interval(difference, math.sqrt(total), degrees)


def paired_ratio(base: Sequence[float], candidate: Sequence[float]) -> Ratio:
    """candidate / base from processes that ran in turns, pair by pair: number i of each side is a pair."""
    differences = [math.log(b / a) for a, b in zip(base, candidate, strict=True)]
    mean = math.fsum(differences) / len(differences)
    if len(differences) < LEAST_PROCESSES:
        return Ratio(_ratio(mean), None, None)
    variance = math.fsum((difference - mean) ** 2 for difference in differences) / (len(differences) - 1)
    return _with_interval(mean, math.sqrt(variance / len(differences)), float(len(differences) - 1))


def numbers_needed(ratio: Ratio, limit: float, numbers: int) -> int | None:
    """About how many processes a side, or pairs, would tell on which side of the limit an unclear ratio lies.

    The interval narrows with the root of their number; None where there is no interval, or where more than a
    hundred times as many would be needed.

    >>> numbers_needed(Ratio(1.1, 0.9, 1.34, 0.07, 4), 1.01, 3)
    17
    """
    if ratio.low is None or ratio.high is None or ratio.error == 0:
        return None
    reach = math.log(ratio.high / ratio.value)
    margin = abs(abs(math.log(ratio.value)) - math.log(limit))
    if reach > 10 * margin:
        return None
    return max(numbers + 1, math.ceil(numbers * (reach / margin) ** 2))


def timed_verdict(
    ratio: Ratio, limit: float, *, found: bool, direction: Literal["lower", "higher", "none"] = "lower"
) -> Literal["better", "worse", "changed", "same", "unclear"]:
    """Better or worse only if the whole interval lies beyond `limit` and the cell is among the `found`.

    Args:
        ratio: candidate / base.
        limit: What two copies of one kernel may differ by, at least 1.01.
        found: Whether `discoveries` names the cell, when all timed cells are looked at together.
        direction: Of the metric.
    """
    if ratio.low is None or ratio.high is None:
        return "unclear"
    if ratio.low >= 1 / limit and ratio.high <= limit:
        return "same"
    if not found or not (ratio.low > limit or ratio.high < 1 / limit):
        return "unclear"
    if direction == "none":
        return "changed"
    return "worse" if (ratio.value > 1) == (direction == "lower") else "better"


def discoveries(chances: Sequence[float]) -> list[bool]:
    """Which of many p-values to believe, so that at most 5 % of those believed are false on average.

    >>> discoveries([0.001, 0.04, 0.03, 0.9])
    [True, False, False, False]
    """
    return [adjusted <= FALSE_SHARE for adjusted in benjamini_hochberg(chances)]


def drift(ratios: Sequence[float]) -> float | None:
    """The median ratio where nearly all ratios lie on one side of 1, as when the machine was busier in one run.

    None where there are fewer than four, where they disagree, or where it is within 2 %.

    >>> drift([1.1, 1.12, 1.08, 1.1, 1.2]), drift([1.1, 0.9, 1.0, 1.02])
    (1.1, None)
    """
    if len(ratios) < 4:
        return None
    middle = sorted(ratios)[len(ratios) // 2]
    above = sum(ratio > 1 for ratio in ratios) / len(ratios)
    return middle if abs(math.log(middle)) > math.log(1.02) and not 0.1 < above < 0.9 else None


def _mean_and_variance(numbers: Sequence[float]) -> tuple[float, float]:
    """Mean and sample variance of the logs; the variance of one number is 0."""
    logs = [math.log(number) for number in numbers]
    mean = math.fsum(logs) / len(logs)
    return mean, math.fsum((log - mean) ** 2 for log in logs) / max(1, len(logs) - 1)


def _with_interval(difference: float, error: float, degrees: float) -> Ratio:
    reach = 0.0 if error == 0 else t_quantile((1 - CONFIDENCE) / 2, degrees) * error
    return Ratio(_ratio(difference), _ratio(difference - reach), _ratio(difference + reach), error, degrees)


def _ratio(log: float) -> float:
    """The ratio of a log; 12 digits, which is more than any clock has, so that exact halves stay exact."""
    return float(f"{math.exp(max(-700.0, min(700.0, log))):.12g}")
