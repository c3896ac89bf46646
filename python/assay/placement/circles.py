"""Placements on a circle of points: the ring, several probes, and bounded loads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from assay.checks import integer, number
from assay.placement.common import Placement

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["BoundedLoads", "MultiProbe", "Ring"]


class Ring(Placement):
    """Consistent hashing: nodes have many points on a circle; a key belongs to the first clockwise.

    A new node takes its share from many others and nothing else moves. With V virtual nodes each,
    n equal nodes have shares whose coefficient of variation is sqrt((n - 1) / (n V + 1)).

    Args:
        nodes: Distinct names, or a number n for `node-0` to `node-{n-1}`.
        virtual_nodes: Points per node of weight 1, from 1 to 1,000,000; a node has
            max(1, round(virtual_nodes x weight)) of them, halves rounded to even. Point i is the
            hash of the text `"<node>-<i>"`.
        hash: The function for keys and points, see `assay.hash`. `identity` takes uint64 keys as
            hashes; points are then `xxh3_64`.
        weights: One number above 0 per node; None means 1 each.
        racks: One name or None per node: what fails together.
        seed: The hash function's seed.

    Raises:
        ParameterError: No nodes, equal names, a weight that is not a finite number above 0, a list
            of the wrong length, or a number out of bounds.
        UnknownNameError: There is no such hash function.

    Source:
        Karger et al. 1997, "Consistent Hashing and Random Trees"; DeCandia et al. 2007, "Dynamo".

    >>> ring = Ring(["a", "b", "c"])
    >>> bigger = ring.with_node("d", weight=2)
    >>> ring.moved_share(bigger) == bigger.ownership()["d"]
    True
    """

    kind = "ring"

    def __init__(
        self, nodes: Iterable[str] | int, *, virtual_nodes: int = 128, hash: str = "xxh3_64",
        weights: Iterable[float] | None = None, racks: Iterable[str | None] | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        virtual_nodes = integer("virtual_nodes", virtual_nodes, 1, 1_000_000)
        self._build(nodes, weights, racks, {"virtual_nodes": virtual_nodes, "hash": hash, "seed": seed})

    def arcs(self) -> pa.Table:
        """The circle, clockwise: one row per point.

        Returns:
            A table with `point` (uint64: the hash value, as the function gives it), `node` (uint32:
            a position in `nodes`) and `share` (float64: how much of the circle ends in the point;
            shares add up to 1). Of equal points the first in the table takes all.
        """
        import pyarrow as pa

        return pa.table(dict(zip(("point", "node", "share"), self._placement.arcs(), strict=True)))

    def adjacent_equal_pairs(self) -> int:
        """How many neighbouring points on the circle belong to the same node.

        There the successor is nobody new, so that a lost node's keys fall to fewer others. Random
        points leave nV(V - 1)/(nV - 1) such pairs in expectation: about V, however many nodes.
        """
        return int(self._placement.adjacent_equal_pairs())


class MultiProbe(Placement):
    """Multi-probe consistent hashing: one point per node, and several probes per key.

    A key is hashed to `probes` places on the circle; of the points that follow them the nearest one has the
    key. The fullest of many nodes has about 1 + 1/(probes - 1) times its share, with one point a node; a lookup
    costs one search per probe. Only the keys of a node that comes or goes move.

    Args:
        nodes: As for `Ring`.
        probes: Places that a key is hashed to, from 1 to 1,024: SplitMix64's sequence that begins at the key's hash.
        virtual_nodes: Points per node of weight 1; a node has max(1, round(virtual_nodes x weight)), and shares go by
            points. One is enough but for weights that are no whole numbers. Point i is `xxh3_64` of the text
            `"<node>-<i>"`, whatever hashes the keys.
        hash: The function for keys.
        weights: As for `Ring`.
        racks: Kept but not used, since there are no replicas.
        seed: The hash function's seed.

    Raises:
        ParameterError: As for `Ring`, or a number out of bounds.

    Source:
        Appleton and O'Reilly 2015, "Multi-probe consistent hashing".

    >>> even = MultiProbe(100)
    >>> max(even.ownership().values()) < 1.1 / 100 and even.memory_bytes < 3000
    True
    """

    kind = "multi_probe"

    def __init__(
        self, nodes: Iterable[str] | int, *, probes: int = 21, virtual_nodes: int = 1, hash: str = "xxh3_64",
        weights: Iterable[float] | None = None, racks: Iterable[str | None] | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        own = {
            "probes": integer("probes", probes, 1, 1_024),
            "virtual_nodes": integer("virtual_nodes", virtual_nodes, 1, 1_000_000),
        }
        self._build(nodes, weights, racks, {**own, "hash": hash, "seed": seed})


class BoundedLoads(Placement):
    """Consistent hashing with bounded loads: no node holds more than 1 + epsilon times its share of the keys.

    On a ring, a key goes to the first point clockwise whose node is not full. Of m keys a node takes at most
    ⌈(1 + epsilon) x m x w⌉, w being its share by weight. So a key's node depends on the other keys, and
    **`lookup` places all distinct keys of its column at once**: they take their turn by a mix of their hashes,
    so that neither the order nor the repetition of rows matters, nor threads or chunks; a part of the column,
    looked up alone, may be placed otherwise. A change of nodes moves some keys between nodes that stay, too.

    Args:
        nodes: As for `Ring`.
        epsilon: How far the number of a node's keys may be above its share, from 0 (all equal) to 1,000; rounded to
            millionths.
        virtual_nodes: As for `Ring`.
        hash: As for `Ring`.
        weights: As for `Ring`; bounds go by them too.
        racks: Kept but not used, since there are no replicas.
        seed: As for `Ring`.

    `ownership` is what each node gets of ever more keys; `moved_share` is of a sample of 2^18 keys placed together.

    Raises:
        ParameterError: As for `Ring`, or a number out of bounds.

    Source:
        Mirrokni, Thorup and Zadimoghaddam 2016, "Consistent Hashing with Bounded Loads".

    >>> import pyarrow as pa
    >>> owners = BoundedLoads(4, epsilon=0.1).lookup(pa.array(range(1000)))
    >>> max(count["counts"] for count in owners.value_counts().to_pylist())  # ⌈1.1 x 1000 / 4⌉
    275
    """

    kind = "bounded_loads"

    def __init__(
        self, nodes: Iterable[str] | int, *, epsilon: float = 0.25, virtual_nodes: int = 128, hash: str = "xxh3_64",
        weights: Iterable[float] | None = None, racks: Iterable[str | None] | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        own = {
            "epsilon": number("epsilon", epsilon, 0, 1_000),
            "virtual_nodes": integer("virtual_nodes", virtual_nodes, 1, 1_000_000),
        }
        self._build(nodes, weights, racks, {**own, "hash": hash, "seed": seed})
