"""The cluster that partitions live on: capacities, racks, and how many copies there are of each key.

By default all nodes are equal, each fails alone, and there is one copy. What an action makes of it: a
new node has capacity 1, one that takes another's place has its capacity and rack, and a doubled
cluster repeats the capacities. Racks are dealt in turn: further nodes get the racks from the first on
again. Source: METHODOLOGY, "Replicas and capacities".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from assay.catalogue import strategies
from assay.experiments.loads import are_equal

__all__ = ["Cluster", "heeding_capacities", "node_name"]

_DEALT = ("list", "directory")  # strategies that deal keys by capacity; placements that weigh nodes say so themselves


def node_name(number: int) -> str:
    """What node `number` is called: its name is hashed."""
    return f"node-{number}"


def heeding_capacities() -> list[str]:
    """The names of the strategies that give a node more where it can hold more."""
    return [one.name for one in strategies() if "weights" in one.abilities or one.name in _DEALT]


@dataclass(frozen=True)
class Cluster:
    """The nodes `node-{nodes[p]}` of partitions p.

    Attributes:
        nodes: The number of each partition's node.
        capacities: That of each node, in the same order; None where all are 1.
        racks: The rack of each node, in the same order; None where each fails alone.
        replicas: How many copies there are of each key.
        dealt: The racks in the order in which further nodes get them.
    """

    nodes: tuple[int, ...]
    capacities: tuple[float, ...] | None = None
    racks: tuple[str, ...] | None = None
    replicas: int = 1
    dealt: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        n: int,
        *,
        capacities: Sequence[float] | Mapping[str, float] | None = None,
        racks: Sequence[str] | int | None = None,
        replicas: int = 1,
    ) -> Cluster:
        """The cluster of the nodes 0 to n - 1 that settings describe, which are checked already."""
        if isinstance(capacities, Mapping):
            capacities = [float(capacities.get(node_name(number), 1)) for number in range(n)]
        given = None if capacities is None else tuple(float(capacity) for capacity in capacities)
        dealt = tuple(f"rack-{rack}" for rack in range(racks)) if isinstance(racks, int) else tuple(racks or ())
        return cls(
            tuple(range(n)),
            None if given is None or set(given) == {1.0} else given,
            tuple(dealt[number % len(dealt)] for number in range(n)) if dealt else None,
            replicas,
            dealt,
        )

    @property
    def is_plain(self) -> bool:
        """Whether all nodes are equal and there is one copy."""
        return self.capacities is None and self.racks is None and self.replicas == 1

    @property
    def unequal(self) -> tuple[float, ...] | None:
        """The capacities where they differ."""
        return None if self.capacities is None or are_equal(self.capacities) else self.capacities

    @property
    def all_capacities(self) -> tuple[float, ...]:
        """The capacity of each node."""
        return self.capacities or (1.0,) * len(self.nodes)

    @property
    def rack_count(self) -> int:
        """The number of racks that nodes stand on."""
        return len(self.nodes) if self.racks is None else len(set(self.racks))

    @property
    def parameters(self) -> dict[str, object]:
        """What of it is part of a cell's identity: only what was given and matters."""
        found: dict[str, object] = {}
        if self.capacities is not None:
            named = zip(self.nodes, self.capacities, strict=True)
            found["capacities"] = {node_name(node): _plain(capacity) for node, capacity in named if capacity != 1}
        if self.racks is not None:
            counted = self.dealt == tuple(f"rack-{rack}" for rack in range(len(self.dealt)))
            found["racks"] = len(self.dealt) if counted else list(self.racks)
        if self.replicas != 1:
            found["replicas"] = self.replicas
        return found

    def after(self, action: str, nodes: Sequence[int]) -> Cluster:
        """The cluster after an action: nodes that were there are as they were.

        Args:
            action: Its name.
            nodes: The number of each partition's node afterwards.
        """
        place = {node: position for position, node in enumerate(self.nodes)}
        capacity_of, rack_of = dict(place), dict(place)
        if action == "replace_one":
            (gone,), (come,) = set(self.nodes) - set(nodes), set(nodes) - set(self.nodes)
            capacity_of[come] = rack_of[come] = place[gone]
        elif action == "double":
            capacity_of |= {node + len(place): position for node, position in place.items()}
        capacities = racks = None
        if self.capacities is not None:
            known = self.capacities
            capacities = tuple(known[capacity_of[node]] if node in capacity_of else 1.0 for node in nodes)
            capacities = None if set(capacities) == {1.0} else capacities
        if self.racks is not None:
            standing, dealt = self.racks, self.dealt
            racks = tuple(standing[rack_of[node]] if node in rack_of else dealt[node % len(dealt)] for node in nodes)
        return replace(self, nodes=tuple(nodes), capacities=capacities, racks=racks)


def _plain(capacity: float) -> float | int:
    return int(capacity) if capacity == int(capacity) else capacity
