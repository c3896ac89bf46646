"""What chance alone gives: the counts and the unevenness that an ideal random function would have.

    poisson_bounds(3.2)         between which counts a rare event with this mean stays, 999 times in 1,000
    chi_squared_bounds(63)      the same of a sum of 63 squared deviations
    bias_bound(1000, 64)        how far the most biased of 64 fair coins strays in 1,000 throws

Cost: microseconds. Source: the incomplete gamma function by its series and its continued fraction, Press et al.,
"Numerical Recipes", section 6.2; Garwood 1936 (Poisson by chi-squared); the bound of many coins is Bonferroni's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import NormalDist

from assay.errors import ParameterError

__all__ = ["CONFIDENCE", "bias_bound", "chi_squared_bounds", "incomplete_gamma", "poisson_bounds"]

CONFIDENCE = 0.999  # an ideal function is called uneven once in a thousand times, or once in two thousand


def poisson_bounds(mean: float, *, confidence: float = CONFIDENCE) -> tuple[int, int]:
    """The least and the greatest count that a Poisson variable of this mean has, but for its rare tails.

    Args:
        mean: At least 0.
        confidence: Each tail beyond the bounds has at most half of what is left of 1.

    Raises:
        ParameterError: A number is outside of its bounds.

    >>> poisson_bounds(0.001), poisson_bounds(124.7)
    ((0, 1), (90, 163))
    """
    if not mean >= 0 or not 0 < confidence < 1:
        raise ParameterError(f"mean is {mean} and confidence {confidence}; expected at least 0, and between 0 and 1")
    tail = (1 - confidence) / 2
    if mean == 0:
        return 0, 0
    # P(X <= k) = 1 - P(k + 1, mean), with P the incomplete gamma function.
    low = _first(lambda count: 1 - incomplete_gamma(count + 1, mean) >= tail, mean)
    high = _first(lambda count: incomplete_gamma(count + 1, mean) <= tail, mean)
    return low, high


def chi_squared_bounds(degrees: int, *, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Between which values chi-squared of so many degrees of freedom lies.

    Raises:
        ParameterError: There are no degrees of freedom.

    >>> [round(bound, 2) for bound in chi_squared_bounds(10, confidence=0.95)]
    [3.25, 20.48]
    """
    if degrees < 1 or not 0 < confidence < 1:
        raise ParameterError(f"degrees is {degrees} and confidence {confidence}; expected at least 1, and below 1")
    tail = (1 - confidence) / 2
    return _quantile(tail, degrees), _quantile(1 - tail, degrees)


def bias_bound(throws: int, coins: int, *, confidence: float = CONFIDENCE) -> float:
    """The bias |2p - 1| that none of so many fair coins shows in so many throws, by the normal approximation.

    >>> round(bias_bound(10_000, 64), 4)
    0.0432
    """
    if throws < 1 or coins < 1:
        raise ParameterError(f"throws is {throws} and coins {coins}; expected at least 1 of each")
    return min(1.0, NormalDist().inv_cdf(1 - (1 - confidence) / (2 * coins)) / math.sqrt(throws))


def incomplete_gamma(a: float, x: float) -> float:
    """The regularised lower incomplete gamma function P(a, x), for a > 0 and x >= 0."""
    if x <= 0:
        return 0.0
    log_front = a * math.log(x) - x - math.lgamma(a)
    if log_front < -740:  # its exponential is 0
        return 0.0 if x < a else 1.0
    if x < a + 1:
        term = total = 1 / a
        while abs(term) > abs(total) * 1e-16:
            a += 1
            term *= x / a
            total += term
        return min(1.0, total * math.exp(log_front))
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    value = d
    for step in range(1, 1_000_000):
        factor = -step * (step - a)
        b += 2
        d = 1 / _not_zero(factor * d + b, tiny)
        c = _not_zero(b + factor / c, tiny)
        value *= d * c
        if abs(d * c - 1) < 1e-15:
            break
    return max(0.0, 1 - math.exp(log_front) * value)


def _not_zero(value: float, tiny: float) -> float:
    return value if abs(value) > tiny else tiny


def _first(holds: Callable[[int], bool], near: float) -> int:
    """The first count from 0 on for which a condition holds that then stays true."""
    low, high = 0, max(16, math.ceil(2 * near + 50))
    while not holds(high):
        low, high = high, 2 * high
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _quantile(probability: float, degrees: int) -> float:
    low, high = 0.0, degrees + 20 * math.sqrt(2 * degrees) + 60.0
    for _ in range(200):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if incomplete_gamma(degrees / 2, middle / 2) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
