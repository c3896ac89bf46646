"""A metric's value from one number for each seed."""

from __future__ import annotations

from collections.abc import Sequence

from assay.experiments.base import Value
from assay.intervals import over_seeds

__all__ = ["spread"]


def spread(cell_id: str, metric: str, draws: Sequence[float | None], why: str | None = None) -> Value:
    """The mean over the seeds with the least and the greatest; the number itself where there is one seed.

    Args:
        cell_id: Of which cell.
        metric: Its name.
        draws: One number for each seed, at least one; None where it is not applicable.
        why: Why it is not.
    """
    known = [draw for draw in draws if draw is not None]
    if len(known) < len(draws):
        return Value(cell_id, metric, None, note=why)
    if len(known) == 1:
        return Value(cell_id, metric, known[0])
    found = over_seeds(known)
    return Value(cell_id, metric, found.mean, found.least, found.greatest, f"mean of {len(known)} seeds")
