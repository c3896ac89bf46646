"""Two changes to single partitions: the fullest is split, the emptier of the two emptiest joins the other.

What systems do that cut ranges or tablets by load. Cost: a sort of the keys in the fullest partition; a copy
of the partition numbers. Source: METHODOLOGY, "Actions and movement"; Chang et al. 2006, "Bigtable" (tablets
are split and merged).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.experiments.distinct import DistinctKeys

__all__ = ["emptiest_two", "merged", "split"]


def split(keys: DistinctKeys, partitions: np.ndarray, loads: np.ndarray) -> np.ndarray | None:
    """The partitions once the fullest (ties: lowest) is cut in two, in key order, as near to half its weight as can be.

    Of two cuts as near, the lower is taken. Null keys stay where they are and have no part in the halves.

    Args:
        keys: The distinct keys.
        partitions: Unsigned, the partition of each.
        loads: uint64 of shape (n,).

    Returns:
        uint32: the upper half is in partition n; None where the fullest holds fewer than two keys that are not null.
    """
    hot = int(loads.argmax())
    inside = np.flatnonzero((partitions == hot) & ~keys.is_null)
    if len(inside) < 2:
        return None
    ordered = inside[_order([column.take(pa.array(inside)) for column in keys.columns])]
    below = keys.weights[ordered].cumsum(dtype=np.uint64)
    lower, upper = below[:-1], below[-1] - below[:-1]
    cut = int(np.argmin(np.maximum(lower, upper) - np.minimum(lower, upper))) + 1
    after = partitions.astype(np.uint32)
    after[ordered[cut:]] = len(loads)
    return after


def _order(columns: list[pa.Array]) -> np.ndarray:
    """Ascending: text by bytes, NaN after all numbers, a null part after all values."""
    names = [f"k{index}" for index in range(len(columns))]
    plain = [column.cast(pa.float32()) if pa.types.is_float16(column.type) else column for column in columns]
    keys = [(name, "ascending") for name in names]
    found: np.ndarray = pc.sort_indices(pa.table(plain, names=names), sort_keys=keys).to_numpy()
    return found


def emptiest_two(loads: np.ndarray) -> tuple[int, int]:
    """The emptiest partition and the one it joins, the next emptiest; of equal loads the lower first."""
    leaving, into = np.argsort(loads, kind="stable")[:2].tolist()
    return leaving, into


def merged(partitions: np.ndarray, n: int, leaving: int, into: int) -> np.ndarray:
    """The partitions once `leaving` has joined `into`, numbered without it (uint32)."""
    place = np.arange(n, dtype=np.uint32)
    place[leaving + 1 :] -= np.uint32(1)
    place[leaving] = place[into]
    found: np.ndarray = place[partitions]
    return found
