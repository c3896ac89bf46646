"""From which mix of reads and writes on one index pays against another, with an interval made of the samples.

A read costs R and a write W nanoseconds with an index, R0 and W0 with what it is compared with. At r reads for each
write the index is the cheaper one where r (R0 - R) > W - W0:

    saved per read   added per write    the index pays
    > 0              > 0                from r = added / saved on
    > 0              <= 0               always: writes are no dearer with it
    <= 0             > 0                never
    <= 0             <= 0               up to r = added / saved: it makes writes cheaper, and reads dearer

Nothing assumes that an index makes writes dearer. The interval is that of 2,000 bootstrap resamples: where times were
taken apart, of the rounds of every time that goes in, in two levels (processes, then rounds within them), as the
harness makes its own; where rounds timed both, of those rounds.
Source: METHODOLOGY, "Indexing"; Efron and Tibshirani 1993, chapter 8.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "BreakEven",
    "Draws",
    "Pays",
    "break_even",
    "break_even_of_rounds",
    "cheapest",
    "interval",
    "pays_from",
    "sense_of",
    "summed",
    "typical_draws",
]

Floats = npt.NDArray[np.float64]
Pays = Literal["always", "never", "from", "up to"]

RESAMPLES = 2000
_TAIL = 0.025
_QUARTILE = 0.25


@dataclass(frozen=True)
class Draws:
    """A time: what it typically is, and what it is in the resamples."""

    value: float
    draws: Floats


@dataclass(frozen=True)
class BreakEven:
    """The mix at which two are alike: reads for each write, and its interval; None where there is none."""

    pays: Pays
    reads: float | None
    low: float | None = None
    high: float | None = None

    @property
    def words(self) -> str:
        """What it means."""
        return {
            "always": "pays at every mix: writes are no dearer with it, and reads are cheaper",
            "never": "pays at no mix: neither reads nor writes are cheaper with it",
            "from": "pays from so many reads for each write on",
            "up to": "pays up to so many reads for each write: it makes writes cheaper, and reads dearer",
        }[self.pays]


def typical_draws(processes: Sequence[Sequence[float]], name: str, seed: int) -> Draws:
    """The lower quartile over all rounds, and of resamples of processes and of the rounds within them.

    What else a machine does only ever adds to a time. Where cores are shared, half of the rounds may take half as long
    again, and whether a median is one of them is chance, apart for each time that a prediction is made of.

    Args:
        processes: The rounds of each process; at least one.
        name: Of the time: each has draws of its own.
        seed: The same seed gives the same draws.
    """
    data = [np.asarray(rounds, np.float64) for rounds in processes if len(rounds)]
    random = np.random.default_rng([seed, zlib.crc32(name.encode())])
    chosen = random.integers(len(data), size=(RESAMPLES, len(data)))
    longest = max(len(rounds) for rounds in data)
    table = np.full((len(data), longest), np.nan)
    for row, rounds in zip(table, data, strict=True):
        row[: len(rounds)] = rounds
    sizes = np.array([len(rounds) for rounds in data])[chosen][:, :, None]
    places = np.floor(random.random((RESAMPLES, len(data), longest)) * sizes).astype(np.int64)
    drawn = table[chosen[:, :, None], places]
    drawn = np.where(np.arange(longest)[None, None, :] < sizes, drawn, np.nan).reshape(RESAMPLES, -1)
    return Draws(float(_quartiles(np.concatenate(data)[None, :])[0]), _quartiles(drawn))


def _quartiles(table: Floats) -> Floats:
    """The lower quartile of each row, between two values in proportion; what is not a number does not count."""
    ordered = np.sort(table, axis=1)  # those come last
    place = _QUARTILE * (np.count_nonzero(~np.isnan(table), axis=1) - 1)
    below = np.floor(place).astype(np.int64)
    rows = np.arange(len(table))
    low, high = ordered[rows, below], ordered[rows, np.ceil(place).astype(np.int64)]
    return np.asarray(low + (high - low) * (place - below), np.float64)


def summed(parts: Sequence[tuple[float, Draws]]) -> Draws:
    """The sum of times, each with its share."""
    value = sum(share * part.value for share, part in parts)
    draws = np.sum([share * part.draws for share, part in parts], axis=0) if parts else np.zeros(RESAMPLES)
    return Draws(value, draws)


def interval(one: Draws) -> tuple[float, float]:
    """The 95 % percentile interval, widened to the value itself."""
    low, high = np.quantile(one.draws, [_TAIL, 1 - _TAIL])
    return min(float(low), one.value), max(float(high), one.value)


def pays_from(saved: float, added: float) -> tuple[Pays, float | None]:
    """When an index pays that saves so much per read and adds so much per write.

    >>> pays_from(100.0, 50.0), pays_from(100.0, -5.0), pays_from(-1.0, 5.0), pays_from(-10.0, -5.0)
    (('from', 0.5), ('always', 0.0), ('never', None), ('up to', 0.5))
    """
    if saved > 0:
        return ("from", added / saved) if added > 0 else ("always", 0.0)
    if added < 0 and saved < 0:
        return "up to", added / saved
    return ("always", None) if added < 0 else ("never", None)


def sense_of(predicted: Pays, measured: Pays) -> Pays:
    """Whether an index pays from a mix on or up to one, where at least one of two knows."""
    return predicted if predicted in ("from", "up to") else measured


def break_even(read: Draws, write: Draws, other_read: Draws, other_write: Draws) -> BreakEven:
    """The mix at which an index and another cost the same, of times that were taken apart."""
    return _break_even(
        Draws(other_read.value - read.value, other_read.draws - read.draws),
        Draws(write.value - other_write.value, write.draws - other_write.draws),
    )


def break_even_of_rounds(rounds: Sequence[tuple[float, float]], name: str) -> BreakEven:
    """The same of rounds that timed both, one right after the other: what the machine does meanwhile drops out.

    Args:
        rounds: What a read saves and a write adds, in each; the typical one is the median.
        name: Of the draws.
    """
    chosen = np.random.default_rng(zlib.crc32(name.encode())).integers(len(rounds), size=(RESAMPLES, len(rounds)))
    saved, added = (
        Draws(float(np.median(times)), np.median(times[chosen], axis=1)) for times in np.array(rounds, np.float64).T
    )
    return _break_even(saved, added)


def _break_even(saved: Draws, added: Draws) -> BreakEven:
    """By what a read saves and a write adds.

    The interval is of the resamples that come out the same way; where a twentieth or more come out another way, an end
    of it is open: 0, or none above.
    """
    pays, reads = pays_from(saved.value, added.value)
    if reads is None or pays == "always":
        return BreakEven(pays, reads)
    sign = 1.0 if pays == "from" else -1.0
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(
            sign * saved.draws > 0,
            np.where(sign * added.draws > 0, added.draws / saved.draws, 0.0),
            np.inf,
        )
    low, high = (float(end) for end in np.quantile(ratios, [_TAIL, 1 - _TAIL], method="nearest"))
    return BreakEven(pays, reads, min(low, reads), max(high, reads) if np.isfinite(high) else None)


def cheapest(costs: Mapping[str, float]) -> str:
    """The name of the least cost; of equal ones the first by name."""
    return min(costs, key=lambda name: (costs[name], name))
