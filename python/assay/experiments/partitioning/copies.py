"""Where the copies of keys live, keys with the same nodes in the same order taken together as one group.

Everything about replicas follows from the groups: loads with all copies, racks, who rebuilds whom, and
which sets of nodes hold all copies of something. Strategies that chain their copies through the nodes
have at most n groups; a placement with a rule of its own at most one for each distinct key.

Cost: a placement's own replicas are asked for in chunks of keys; 4 bytes a distinct key for its group's
number, 4 bytes a group and copy. Source: METHODOLOGY, "Replicas and capacities".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from assay import _core
from assay.experiments.distinct import numpy_of
from assay.experiments.partitioning.strategies import Learned, StrategySpec

__all__ = ["Groups", "Senders", "chains", "group_keys", "has_own_replicas", "rebuilds"]

_CHUNK = 1 << 18  # keys at a time


@dataclass(frozen=True)
class Groups:
    """Groups of keys whose copies live on the same nodes, in the same order of preference.

    Attributes:
        copies: Positions of nodes, uint32 of shape (groups, replicas); the first is the partition.
        rows: The rows of each group, uint64 of shape (groups,), at least 1.
        weights: Their weight, uint64.
        sizes: Their bytes, uint64; None where bytes are not measured.
    """

    copies: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    sizes: np.ndarray | None = None

    @property
    def replicas(self) -> int:
        """The number of copies."""
        return int(self.copies.shape[1])

    def copysets(self) -> np.ndarray:
        """The distinct sets of nodes that hold all copies of a key, each ascending, of shape (copysets, replicas)."""
        return np.unique(np.sort(self.copies, axis=1), axis=0)

    def loads(self, n: int) -> np.ndarray:
        """The weight on each node with all copies, uint64 of shape (n,)."""
        sums = _core.Sums(n)
        for place in range(self.replicas):
            sums.add(pa.array(self.copies[:, place]), pa.array(self.weights))
        return numpy_of(sums.values())

    def racks(self, rack_of: np.ndarray) -> np.ndarray:
        """How many racks the copies of each group stand on.

        Args:
            rack_of: The number of each node's rack.
        """
        ordered = np.sort(rack_of[self.copies], axis=1)
        found: np.ndarray = 1 + (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1)
        return found


@dataclass(frozen=True)
class Senders:
    """Who sends what to make the copies anew that each lost node held: one entry for each pair that sends.

    Attributes:
        lost: The position of the lost node, uint32.
        donor: The position of the node that sends.
        rows: The rows that it sends, uint64.
        weights: Their weight.
        sizes: Their bytes; None where bytes are not measured.
    """

    lost: np.ndarray
    donor: np.ndarray
    rows: np.ndarray
    weights: np.ndarray
    sizes: np.ndarray | None = None


def has_own_replicas(spec: StrategySpec) -> bool:
    """Whether the strategy places copies by a rule of its own, key by key, rather than in the order of the nodes."""
    return not spec.parts and "replicas" in spec.contender.abilities


def chains(learned: Learned, count: int) -> np.ndarray:
    """The copies of each partition in the order of the nodes, uint32 of shape (n, count)."""
    n = learned.partitions
    found = _core.chained_replicas(pa.array(np.arange(n, dtype=np.uint32)), n, count, racks=learned.racks)
    return numpy_of(found).reshape(n, count)


def group_keys(learned: Learned, columns: list[pa.Array], count: int) -> tuple[np.ndarray, np.ndarray]:
    """The group of each key, and the copies of each group, of a strategy with replicas of its own.

    Args:
        learned: The strategy.
        columns: The distinct keys.
        count: The number of copies, at least 1.

    Returns:
        uint32 of shape (keys,), and uint32 of shape (groups, count), in the order in which groups appear.
    """
    rows = len(columns[0])
    tables = [_core.KeyTable() for _ in range(max(1, count - 1))]
    numbers, fresh = [], []
    for start in range(0, rows, _CHUNK):
        part = [column.slice(start, _CHUNK) for column in columns]
        copies = np.ascontiguousarray(learned.replicas(part, len(part[0]), count))
        found = pa.array(copies[:, 0])
        new: Any = None
        for place, table in enumerate(tables, 1):
            found, new = table.insert_pairs(found, pa.array(copies[:, place] if count > 1 else copies[:, 0]))
        numbers.append(numpy_of(found))
        fresh.append(copies[numpy_of(new)])
    return np.concatenate(numbers), np.concatenate(fresh)


def rebuilds(groups: Groups) -> Senders:
    """For each node, who sends what if it is lost: each key's first copy in the order of preference that is left."""
    table, numbers = _core.KeyTable(), []
    first, second = groups.copies[:, 0], groups.copies[:, 1]
    lost, donors = [], []
    for place in range(groups.replicas):
        gone, donor = groups.copies[:, place], first if place else second
        number, fresh = table.insert_pairs(pa.array(gone), pa.array(donor))
        numbers.append(number)
        lost.append(gone[numpy_of(fresh)])
        donors.append(donor[numpy_of(fresh)])

    def summed(values: np.ndarray | None) -> np.ndarray | None:
        return None if values is None else _sum_pairs(numbers, values, len(table))

    rows, weights = summed(groups.rows), summed(groups.weights)
    assert rows is not None and weights is not None
    return Senders(np.concatenate(lost), np.concatenate(donors), rows, weights, summed(groups.sizes))


def _sum_pairs(numbers: list[pa.Array], values: np.ndarray, count: int) -> np.ndarray:
    """The exact sums of the same values under each of several numberings, uint64 of shape (count,)."""
    sums = _core.Sums(count)
    for number in numbers:
        sums.add(number, pa.array(values))
    return numpy_of(sums.values())
