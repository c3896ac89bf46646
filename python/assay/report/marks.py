"""Which numbers of a column are its best and its worst.

Exact numbers are compared as they are. A number with an interval is best only if nothing else can
be told apart from it: all whose intervals touch the leader's share the mark, and where everything
touches there is no mark at all. Missing numbers are never marked.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.report.run_view import Number

__all__ = ["BEST", "WORST", "mark"]

BEST = "best"
WORST = "worst"


def mark(numbers: Sequence[Number], direction: str) -> list[str | None]:
    """For each number BEST, WORST or None; all None if there is nothing to choose.

    Args:
        numbers: One column, shape (m,).
        direction: Which way is better: "lower", "higher" or "none".
    """
    known = [(i, *_bounds(number)) for i, number in enumerate(numbers) if number.value is not None]
    marks: list[str | None] = [None] * len(numbers)
    if direction not in ("lower", "higher") or len(known) < 2:
        return marks
    least_high = min(high for _, _, high in known)
    greatest_low = max(low for _, low, _ in known)
    lowest = {i for i, low, _ in known if low <= least_high}
    highest = {i for i, _, high in known if high >= greatest_low}
    if lowest & highest:
        # Some number cannot be told apart from either end: it is neither.
        lowest, highest = lowest - highest, highest - lowest
        if not lowest or not highest:
            return marks
    best, worst = (lowest, highest) if direction == "lower" else (highest, lowest)
    for i in best:
        marks[i] = BEST
    for i in worst:
        marks[i] = WORST
    return marks


def _bounds(number: Number) -> tuple[float, float]:
    assert number.value is not None
    low = number.value if number.low is None else number.low
    high = number.value if number.high is None else number.high
    return low, high
