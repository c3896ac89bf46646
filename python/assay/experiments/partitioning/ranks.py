"""Where windows begin and end among the sorted values of a column.

Cost: a sort of values and bounds together. Text is compared by bytes, NaN lies in no window.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.experiments.distinct import numpy_of

__all__ = ["window_ranks"]


def window_ranks(
    values: pa.Array, first: pa.Array, last: pa.Array, last_open: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The values' order, and for each window the places in it where the window begins and ends.

    Args:
        values: Distinct values; nulls and NaN are in no window.
        first: The least value of each window, in the same type; null where it has no bound.
        last: The greatest value of each window; null where it has no bound.
        last_open: Whether the greatest value itself is outside.

    Returns:
        (order, low, high): window i holds values[order[low[i]:high[i]]].
    """
    usable = values.is_valid()
    if pa.types.is_floating(values.type):
        usable = pc.and_(usable, pc.invert(pc.fill_null(pc.is_nan(values), True)))
    kept = np.flatnonzero(numpy_of(usable))
    own = values.take(pa.array(kept))
    both = pa.concat_arrays([own, first.cast(own.type), last.cast(own.type)])
    ranks = numpy_of(pc.rank(both, sort_keys="ascending", tiebreaker="dense"))
    ranks = ranks.astype(np.int64)
    mine, starts, ends = np.split(ranks, [len(own), len(own) + len(first)])
    order = np.argsort(mine, kind="stable")
    mine = mine[order]
    low = np.where(numpy_of(first.is_null()), 0, np.searchsorted(mine, starts, "left"))
    side = np.searchsorted(mine, ends, "right")
    if last_open is not None:
        side = np.where(last_open, np.searchsorted(mine, ends, "left"), side)
    high = np.where(numpy_of(last.is_null()), len(own), side)
    return kept[order], low, high
