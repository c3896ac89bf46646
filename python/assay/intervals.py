"""Exact intervals for rates, and intervals of a mean over seeds; no library but the standard one.

    rate_interval(7, 1000)        k of n: Clopper-Pearson, which covers at least as often as it says, for any k and n
    over_seeds([1.10, 1.14, ...]) what draws of a seeded metric say together: the mean, its interval, and their range

Cost: microseconds. Source: Clopper & Pearson 1934, "The Use of Confidence or Fiducial Limits"; Student 1908; the
incomplete beta function by its continued fraction, Press et al., "Numerical Recipes", section 6.4.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from assay.errors import ParameterError

__all__ = ["Spread", "incomplete_beta", "over_seeds", "rate_interval", "student_quantile"]


@dataclass(frozen=True)
class Spread:
    """What the draws of a seeded metric say together."""

    mean: float
    low: float  # of the mean's interval
    high: float
    least: float  # draw
    greatest: float
    draws: int


def rate_interval(hits: int, trials: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """The exact binomial interval of a rate: (low, high) within 0 and 1.

    Args:
        hits: How often it came out so, from 0 to `trials`.
        trials: How often it was tried, at least 1.
        confidence: How often the interval holds the true rate, at least.

    Raises:
        ParameterError: A number is outside of its bounds.

    >>> [round(end, 4) for end in rate_interval(0, 100)]
    [0.0, 0.0362]
    """
    if trials < 1:
        raise ParameterError(f"trials is {trials}; expected at least 1")
    if not 0 <= hits <= trials:
        raise ParameterError(f"hits is {hits}; expected 0 to {trials}, the number of trials")
    if not 0 < confidence < 1:
        raise ParameterError(f"confidence is {confidence}; expected more than 0 and less than 1")
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _solved(lambda p: incomplete_beta(hits, trials - hits + 1, p), tail)
    high = 1.0 if hits == trials else _solved(lambda p: incomplete_beta(hits + 1, trials - hits, p), 1 - tail)
    return low, high


def over_seeds(draws: Sequence[float], *, confidence: float = 0.95) -> Spread:
    """The mean over seeds with Student's interval, and the least and greatest draw.

    The interval is of the *mean*: where another ten seeds' mean would be. A single cluster is one draw, and lies
    anywhere between `least` and `greatest`, or beyond. One draw is its own interval.

    Raises:
        ParameterError: There is no draw.
    """
    if not draws:
        raise ParameterError("there are no draws; expected at least 1")
    n = len(draws)
    mean = math.fsum(draws) / n
    half = 0.0
    if n > 1:
        variance = math.fsum((draw - mean) ** 2 for draw in draws) / (n - 1)
        half = student_quantile((1 + confidence) / 2, n - 1) * math.sqrt(variance / n)
    return Spread(mean, mean - half, mean + half, min(draws), max(draws), n)


def student_quantile(probability: float, degrees: int) -> float:
    """The quantile t of Student's distribution: P(T <= t) = probability.

    >>> round(student_quantile(0.975, 9), 4)
    2.2622
    """
    if not 0 < probability < 1 or degrees < 1:
        raise ParameterError(
            f"the probability is {probability} and the degrees of freedom are {degrees}; expected a probability "
            "between 0 and 1 and at least 1 degree"
        )
    if probability < 0.5:
        return -student_quantile(1 - probability, degrees)
    # P(|T| > t) = I_x(degrees / 2, 1 / 2) with x = degrees / (degrees + t²).
    outside = 2 * (1 - probability)
    x = _solved(lambda value: incomplete_beta(degrees / 2, 0.5, value), outside)
    return math.sqrt(degrees * (1 - x) / x)


def incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function I_x(a, b), for a, b > 0 and 0 <= x <= 1."""
    if x <= 0 or x >= 1:
        return 0.0 if x <= 0 else 1.0
    log_front = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    if x < (a + 1) / (a + b + 2):  # where the fraction converges fast
        return math.exp(log_front) * _fraction(a, b, x) / a
    return 1 - math.exp(log_front) * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, by Lentz's method."""
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value = d
    for m in range(1, 10_000):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + term * d
            c = 1 + term / c
            d = 1 / (d if abs(d) > tiny else tiny)
            c = c if abs(c) > tiny else tiny
            value *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return value


def _solved(rising: Callable[[float], float], target: float) -> float:
    """The x in [0, 1] at which a rising function reaches `target`, by bisection to the last bits."""
    low, high = 0.0, 1.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if rising(middle) < target:
            low = middle
        else:
            high = middle
    return (low + high) / 2
