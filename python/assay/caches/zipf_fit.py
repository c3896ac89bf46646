"""How skewed a trace's popularity is: the exponent of Zipf's law, by maximum likelihood, and how well the law fits.

Keys are ranked by how often they were asked for. Zipf's law with the exponent s says that a request for one of R ranks
is for rank r (from 1) with the probability r ** -s / H(s), H(s) being their sum. The likelihood is greatest where the
mean of ln r under the law is that of the requests: one equation with one solution, found by Newton's method. Only ranks
with at least 10 requests are fitted, as the order of rarer keys is chance: with all of them, or by a line through the
points' logarithms, s comes out wrong. Cost: a sort of the distinct keys' counts and some ten passes over the ranks.
Source: Clauset, Shalizi, Newman 2009, "Power-Law Distributions in Empirical Data", sections 3.1 and 3.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["LEAST_REQUESTS", "ZipfFit", "fit_zipf"]

LEAST_REQUESTS = 10
_LEAST_RANKS = 10
_LARGEST_EXPONENT = 20.0
_TOLERANCE = 1e-10


@dataclass(frozen=True)
class ZipfFit:
    """Zipf's law as it fits best.

    Attributes:
        exponent: s; 0 where popularity is no steeper than uniform.
        standard_error: By how much chance moves s, if the law holds and requests are independent.
        distance: The greatest difference of the cumulative shares of requests, measured and by the law
            (Kolmogorov-Smirnov): 0 fits perfectly, above 0.05 the law says little about this trace.
        ranks: Keys that were fitted, those with at least 10 requests.
        requests: Their requests.
    """

    exponent: float
    standard_error: float
    distance: float
    ranks: int
    requests: int


def fit_zipf(counts: npt.NDArray[np.int64]) -> ZipfFit | None:
    """Zipf's law for keys that were asked for so often each, shape (keys,), in any order; None for too few keys.

    At least 10 keys with at least 10 requests each are needed.
    """
    ranked = np.sort(counts[counts >= LEAST_REQUESTS])[::-1].astype(np.float64)
    if len(ranked) < _LEAST_RANKS:
        return None
    logarithm = np.log(np.arange(1, len(ranked) + 1, dtype=np.float64))
    total = float(ranked.sum())
    wanted = float(ranked @ logarithm) / total
    exponent, low, high = 1.0, 0.0, _LARGEST_EXPONENT
    for _ in range(100):
        mean, variance = _moments(logarithm, exponent)
        if mean > wanted:  # the law is too flat
            low = exponent
        else:
            high = exponent
        step = exponent + (mean - wanted) / variance if variance > 0 else math.inf
        following = step if low < step < high else (low + high) / 2
        if abs(following - exponent) < _TOLERANCE:
            break
        exponent = following
    exponent = 0.0 if exponent < 1e-6 else exponent
    _, variance = _moments(logarithm, exponent)
    law = np.cumsum(np.exp(-exponent * logarithm))
    distance = float(np.abs(np.cumsum(ranked) / total - law / law[-1]).max())
    error = 1 / math.sqrt(total * variance) if variance > 0 else math.inf
    return ZipfFit(exponent, error, distance, len(ranked), int(total))


def _moments(logarithm: npt.NDArray[np.float64], exponent: float) -> tuple[float, float]:
    """Mean and variance of ln r under the law."""
    weight = np.exp(-exponent * logarithm)
    total = float(weight.sum())
    mean = float(weight @ logarithm) / total
    return mean, float(weight @ (logarithm - mean) ** 2) / total
