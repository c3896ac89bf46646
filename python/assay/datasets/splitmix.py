"""Random numbers by counter: draw i of a stream depends on (seed, stream, i) alone.

So any range of rows can be made without those before it, and the same bits come out for ever and on
any machine: only wrapping uint64 arithmetic is used, and for logarithms and powers only the four
operations that IEEE 754 rounds exactly. Cost: a few ns per draw, no state.
Source: Steele, Lea, Flood 2014, "Fast Splittable Pseudorandom Number Generators" (SplitMix64).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["Floats", "Integers", "draws", "exp", "log", "power", "unit_interval", "up_to"]

Integers = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]

_GAMMA = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
_LN2_HIGH = 6.93147180369123816490e-01  # ln 2 to 33 bits, so that a small multiple of it is exact
_LN2_LOW = 1.90821492927058770002e-10  # the rest


def draws(seed: int, rows: Integers, *, stream: int = 0) -> Integers:
    """One uniform uint64 per row number; stream 0 is SplitMix64 started at `seed`.

    Args:
        seed: Any integer from 0 to 2^64 - 1.
        rows: Row numbers, shape (n,).
        stream: Which of the independent streams of this seed; a column each.
    """
    start = seed if stream == 0 else int(_mix(np.array([(seed ^ (stream * 0xD1B54A32D192ED03)) & _MASK], np.uint64))[0])
    with np.errstate(over="ignore"):  # wrapping is meant
        return _mix(np.uint64(start & _MASK) + (rows + np.uint64(1)) * np.uint64(_GAMMA))


def unit_interval(bits: Integers) -> Floats:
    """Uniform in [0, 1), from the upper 53 bits."""
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def up_to(bits: Integers, count: int) -> Integers:
    """Uniform in 0..count-1, count <= 2^32; the bias is below count / 2^32."""
    return ((bits >> np.uint64(32)) * np.uint64(count)) >> np.uint64(32)


def power(base: Floats, exponent: float) -> Floats:
    """base ** exponent for base > 0, alike on every machine; relative error below 1e-13."""
    return exp(exponent * log(base))


def log(values: Floats) -> Floats:
    """Natural logarithm of positive values: ln 2 times the binary exponent, plus an atanh series."""
    mantissa, exponent = np.frexp(values)
    low = mantissa < 0.7071067811865476
    mantissa = np.where(low, mantissa * 2.0, mantissa)
    exponent = (exponent - low).astype(np.float64)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)  # |ratio| <= 0.1716
    square = ratio * ratio
    series = np.zeros_like(ratio)
    for odd in range(23, 0, -2):
        series = series * square + 1.0 / odd
    return exponent * _LN2_HIGH + (exponent * _LN2_LOW + 2.0 * ratio * series)


def exp(values: Floats) -> Floats:
    """e to the power of values in [-700, 700]: a power of two times a Taylor series."""
    whole = np.rint(values / (_LN2_HIGH + _LN2_LOW))
    rest = (values - whole * _LN2_HIGH) - whole * _LN2_LOW  # |rest| <= 0.3466
    series = np.ones_like(rest)
    for term in range(16, 0, -1):
        series = 1.0 + rest / term * series
    return np.ldexp(series, whole.astype(np.int32))


def _mix(z: Integers) -> Integers:
    with np.errstate(over="ignore"):
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))
