"""Whether a placement is a hash and a list of nodes, one after the other: an identity that is tested key by key."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from assay import _core
from assay.experiments.distinct import numpy_of
from assay.experiments.placement.spelling import PlacementSpec, hash_seed

__all__ = ["NO_LIST", "differences"]

NO_LIST = "it computes the node and looks it up in no list that is known here"


def differences(
    spec: PlacementSpec, nodes: int, draw: int, placement: _core.Placement, keys: pa.Array, owners: np.ndarray
) -> int | None:
    """How many keys a hash and a list place elsewhere than the placement does; None if there is no list.

    The list of a ring is that of its arcs, in which a hash finds its place by its order; that of modulo has the nodes
    in their order, in which a hash finds its place by its remainder.

    Args:
        spec: The placement's spelling.
        nodes: The number of nodes.
        draw: Which draw of it.
        placement: The draw.
        keys: Keys, shape (m,); nulls are left out.
        owners: The node of each key by the placement (uint32).
    """
    if spec.name not in ("ring", "modulo"):
        return None
    hashes = _core.hash(keys, spec.hash, seed=hash_seed(spec, draw))
    valid = numpy_of(hashes.is_valid())
    values = numpy_of(hashes.fill_null(0)).astype(np.uint64)
    if spec.name == "modulo":
        listed = values % np.uint64(nodes)
    else:
        points, arcs = (numpy_of(column) for column in placement.arcs()[:2])
        listed = arcs[np.searchsorted(points, values, side="left") % len(arcs)]
    return int(np.count_nonzero((listed != owners) & valid))
