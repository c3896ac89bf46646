"""Student's t distribution: how far a mean of few numbers may be off.

Cost: a few dozen multiplications a call. The tail is the regularised incomplete beta function; the quantile is
found by halving. scipy has both, but takes most of a second to load.

Source: Abramowitz & Stegun 1964, 26.7.1 (tail).
"""

from __future__ import annotations

import math

from assay.intervals import incomplete_beta

__all__ = ["t_quantile", "t_tail"]


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
    half = 0.5 * incomplete_beta(degrees / 2, 0.5, degrees / (degrees + t * t))
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
