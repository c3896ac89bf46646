"""Student's t distribution: how far a mean of few numbers may be off.

Cost: a few dozen multiplications a call. The tail is the regularised incomplete beta function by its
continued fraction; the quantile is found by halving. scipy has both, but takes most of a second to load.

Source: Abramowitz & Stegun 1964, 26.5.8 (continued fraction) and 26.7.1 (tail); Lentz 1976 (evaluation).
"""

from __future__ import annotations

import math

__all__ = ["t_quantile", "t_tail"]

_TINY = 1e-300
_MOST_TERMS = 400


def t_tail(t: float, degrees: float) -> float:
    """The chance that a t of this many degrees of freedom is above `t`; degrees > 0 need not be whole;
    infinite ones are the normal distribution.

    >>> round(t_tail(2.776, 4), 4), t_tail(0.0, 3)
    (0.025, 0.5)
    """
    if math.isinf(t):
        return 0.0 if t > 0 else 1.0
    if math.isinf(degrees):
        return 0.5 * math.erfc(t / math.sqrt(2))
    half = 0.5 * _incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))
    return half if t >= 0 else 1 - half


def t_quantile(tail: float, degrees: float) -> float:
    """The t above which lies `tail` of the distribution, for 0 < tail < 0.5.

    >>> round(t_quantile(0.025, 4), 3)
    2.776
    """
    low, high = 0.0, 1.0
    while t_tail(high, degrees) > tail:
        low, high = high, 2 * high
    while high - low > 1e-10 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if t_tail(middle, degrees) > tail else (low, middle)
    return high


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """I_x(a, b), the regularised incomplete beta function."""
    if x <= 0:
        return 0.0
    if x >= 1:
        return 1.0
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )  # of both forms
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    """The continued fraction of the incomplete beta function, which converges fast for x < (a + 1) / (a + b + 2)."""
    c, d = 1.0, 1 / _not_zero(1 - (a + b) * x / (a + 1))
    value = d
    for m in range(1, _MOST_TERMS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 / _not_zero(1 + term * d)
            c = _not_zero(1 + term / c)
            value *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
