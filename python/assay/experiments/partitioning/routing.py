"""How many partitions a query must ask, knowing only the strategy and its routing state.

A key strategy answers a point query from the key; a list or a hash answers an IN-list value by
value; a range answers a window from its bounds, a list from its values. A strategy that cannot
tell asks all its partitions. Within a composite the two parts multiply.
"""

from __future__ import annotations

import numpy as np

from assay import _core
from assay.experiments.distinct import DistinctKeys, numpy_of
from assay.experiments.partitioning.facts import NONE
from assay.experiments.partitioning.queries import Instances
from assay.experiments.partitioning.strategies import Learned

__all__ = ["routed"]


def routed(learned: Learned, instances: Instances, distinct: DistinctKeys) -> np.ndarray:
    """The number of partitions to ask for each instance, uint64 of shape (instances.count,).

    Args:
        learned: The strategy.
        instances: The query's instances.
        distinct: The distinct values of the query's columns.
    """
    if learned.parts:
        outer, inner = learned.parts
        found: np.ndarray = routed(outer, instances, distinct) * routed(inner, instances, distinct)
        return found
    everywhere = np.full(instances.count, learned.partitions, np.uint64)
    spec, query = learned.spec, instances.query
    if not spec.keyed:
        return everywhere
    if query.kind == "point":
        return np.ones(instances.count, np.uint64) if set(spec.columns) <= set(query.columns) else everywhere
    if spec.columns != query.columns:
        return everywhere
    if query.kind == "range":
        if isinstance(learned.core, _core.Strategy):
            windows = learned.core.routed_windows(instances.first, instances.last)
            if windows is not None:
                return numpy_of(windows).astype(np.uint64)
        if "enumerable" not in spec.contender.abilities:
            return everywhere
    return _distinct_partitions(learned, instances, distinct)


def _distinct_partitions(learned: Learned, instances: Instances, distinct: DistinctKeys) -> np.ndarray:
    """How many partitions the values of each instance live in."""
    known = np.flatnonzero(instances.of_key != NONE)
    partitions = learned.assign(distinct.columns, len(distinct))[known]
    pairs = np.unique(instances.of_key[known].astype(np.uint64) * np.uint64(learned.partitions) + partitions)
    return np.bincount((pairs // np.uint64(learned.partitions)).astype(np.int64), minlength=instances.count).astype(
        np.uint64
    )
