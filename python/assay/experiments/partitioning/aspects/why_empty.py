"""Why a strategy leaves partitions empty, from the distinct keys: exact, and in words.

    modulo(l_orderkey) at 64    only 16 of the 64 remainders modulo 64 occur among the keys, which come in runs of 8
                                in every 32 numbers
    modulo(id) at 8             only 4 of the 8 remainders modulo 8 occur among the keys, which are all multiples of 10
    list(carrier) at 64         only 16 distinct keys

A modulo sees nothing of a key but its remainder. Which remainders occur is marked in one pass over the distinct keys,
modulo a multiple of n; those modulo any divisor of that multiple follow by folding the marks. The period of the keys
is the divisor with the smallest part of its remainders present.
Cost: one remainder a distinct key, and at most 2^22 marks. Source: METHODOLOGY, "Empty partitions".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay.experiments.distinct import DistinctKeys, numpy_of
from assay.experiments.partitioning.aspects.aspect import Study
from assay.experiments.partitioning.strategies import Learned, StrategySpec

__all__ = ["Remainders", "is_structure", "remainders_of", "why_empty"]

_MOST_MARKS = 2**22
_MULTIPLES = (720, 240, 48, 16, 8, 4, 2, 1)  # of n: many divisors, so that periods beside n's own are seen
_LONGEST = 16  # times n's own period
_KEYS_PER_REMAINDER = 4  # fewer keys may miss a remainder by chance
_SAID = " remainders modulo "


def is_structure(reason: str | None) -> bool:
    """Whether `why_empty` blames what the keys have in common, rather than their number."""
    return reason is not None and _SAID in reason


def why_empty(study: Study) -> str | None:
    """Why partitions of a learned strategy are empty; None where the keys do not tell."""
    if not study.keyed:
        rows = study.facts.header["rows"]
        return f"only {rows:,} rows" if rows < study.n else None
    return _why(study.learned, study)


def _why(learned: Learned, study: Study) -> str | None:
    if learned.parts:
        for part in learned.parts:
            reason = _why(part, study) if part.spec.keyed else None
            if reason is not None:
                return f"{reason} (in {part.spec.text}, {part.partitions} of them)"
        return None
    own, n = study.keys(learned.spec.columns), learned.partitions
    keys = len(own) - int(own.is_null.any())
    if keys < n:
        return f"only {keys:,} distinct key{'s' if keys != 1 else ''}"
    if _sees_remainders_only(learned.spec):
        name = f"remainders:{','.join(learned.spec.columns)}:{n}"
        return study.facts.once(name, lambda: remainders_of(own, n)).reason
    if learned.spec.name == "range":
        share = int(own.rows.max()) / max(1, study.facts.header["rows"])
        held = f"{100 * share:.0f} %" if share >= 0.01 else f"{100 * share:.1g} %"
        return f"equal keys are never split, and the heaviest has {held} of the rows" if share > 1 / n else None
    left = n * (1 - 1 / n) ** keys
    return f"{keys:,} keys dealt at random leave about {left:,.0f} of {n:,} partitions empty" if left >= 0.5 else None


def _sees_remainders_only(spec: StrategySpec) -> bool:
    identity = spec.name == "hash" and len(spec.columns) == 1 and spec.parameters.get("function") == "identity"
    return spec.name == "modulo" or identity


@dataclass(frozen=True)
class Remainders:
    """Which remainders modulo n the distinct keys have, and what they have in common.

    Attributes:
        n: The divisor, the number of partitions.
        present: How many of the n remainders occur.
        period: The keys' own period m: the remainders modulo m tell which numbers can be keys.
        of_period: How many remainders modulo `period` occur.
        run: Whether these lie side by side, the last beside the first.
        stride: The greatest common divisor of the keys' distances, where all lie on one remainder of the period.
        offset: Their remainder modulo `stride`.
        keys: The number of distinct keys.
    """

    n: int
    present: int
    period: int
    of_period: int
    run: bool
    stride: int
    offset: int
    keys: int

    @property
    def reason(self) -> str | None:
        """Why a modulo leaves partitions empty, in words; None if it leaves none."""
        if self.present == self.n:
            return None
        text = f"only {self.present:,} of the {self.n:,}{_SAID}{self.n:,} occur among the keys"
        if self.stride > 1:
            if self.offset == 0:
                return f"{text}, which are all multiples of {self.stride:,}"
            return f"{text}, which all leave {self.offset:,} when divided by {self.stride:,}"
        if self.run:
            return f"{text}, which come in runs of {self.of_period:,} in every {self.period:,} numbers"
        if self.period != self.n:
            return f"{text}, which have only {self.of_period:,} of the {self.period:,} modulo {self.period:,}"
        if self.keys < _KEYS_PER_REMAINDER * self.n:
            return f"only {self.keys:,} distinct keys, which miss {self.n - self.present:,} remainders"
        return text


def remainders_of(distinct: DistinctKeys, n: int) -> Remainders:
    """What the remainders of an integer key have in common.

    Args:
        distinct: The distinct values of one column of integers, at least one of them not null.
        n: The number of partitions, at least 1.
    """
    column = distinct.columns[0]
    kept = column.filter(pa.array(~distinct.is_null)) if column.null_count else column
    wide = pa.uint64() if pa.types.is_uint64(kept.type) else pa.int64()
    keys = numpy_of(kept.cast(wide))
    whole = n * next(multiple for multiple in _MULTIPLES if n * multiple <= max(n, _MOST_MARKS))
    marks = np.zeros(whole, bool)
    marks[keys % keys.dtype.type(whole)] = True  # of negative keys too: the remainder has the divisor's sign
    occur = _folded(marks, n)
    present = int(occur.sum())
    # The smallest divisor of n whose remainders explain those modulo n: nothing is lost by folding n onto it.
    own = next(m for m in range(1, n + 1) if n % m == 0 and int(_folded(occur, m).sum()) * n == present * m)
    period = _period(marks, own, len(keys))
    shape = _folded(marks, period)
    count = int(shape.sum())
    stride, offset = _stride(keys) if count == 1 and period > 1 else (1, 0)
    starts = int((shape & ~np.roll(shape, 1)).sum())
    return Remainders(n, present, period, count, starts == 1 and 1 < count < period, stride, offset, len(keys))


def _folded(marks: np.ndarray, m: int) -> np.ndarray:
    """Which remainders modulo m occur, from those modulo a multiple of m."""
    folded = marks.reshape(-1, m).any(axis=0)
    return np.asarray(folded)


def _period(marks: np.ndarray, own: int, keys: int) -> int:
    """The multiple of `own` with the smallest part of its remainders present; the smallest such.

    Only as far as there are keys enough for each remainder, and only where the remainders modulo it lie side by side
    or are one: anything else would be a worse explanation than `own`.
    """
    best, least = own, int(_folded(marks, own).sum()) / own
    for times in range(2, _LONGEST + 1):
        m = own * times
        if len(marks) % m or keys < _KEYS_PER_REMAINDER * m:
            continue
        shape = _folded(marks, m)
        part = int(shape.sum()) / m
        if part < least and int((shape & ~np.roll(shape, 1)).sum()) == 1:
            best, least = m, part
    return best


def _stride(keys: np.ndarray) -> tuple[int, int]:
    """The greatest common divisor of the keys' distances, and the remainder that they all have modulo it."""
    least = keys.min()
    apart = keys.astype(np.uint64) - least.astype(np.uint64)  # modulo 2^64, in which no distance overflows
    stride = int(np.gcd.reduce(apart))
    return stride, int(least) % stride if stride else 0
