"""Placements by a table of slots: Maglev's and Redis Cluster's."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

from assay.checks import integer
from assay.placement.checks import SLOTS, slots_of
from assay.placement.common import NODES_SHOWN, Placement

__all__ = ["Maglev", "RedisSlots"]


class Maglev(Placement):
    """Maglev hashing: nodes take the slots of a table in turn; a key's slot is its hash modulo the size.

    Shares differ by at most one slot. A change of nodes moves a little more than it must, between old
    nodes too.

    Args:
        nodes: As for `Ring`.
        table_size: Slots, a prime from the number of nodes to 134,217,689; None means 65537, or the
            smallest prime above 100 n if that is larger.
        hash: As for `Ring`.
        weights: Refused unless they are 1.
        racks: Kept but not used, since there are no replicas.
        seed: The hash function's seed; permutations come from the names alone.

    Raises:
        ParameterError: As for `Ring`, or the table's size is not such a prime.

    Source:
        Eisenbud et al. 2016, "Maglev: A Fast and Reliable Software Network Load Balancer", 3.4.
    """

    kind = "maglev"

    def __init__(
        self, nodes: Iterable[str] | int, *, table_size: int | None = None, hash: str = "xxh3_64",
        weights: Iterable[float] | None = None, racks: Iterable[str | None] | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        if table_size is not None:
            table_size = integer("table_size", table_size, 2, 134_217_689)
        self._build(nodes, weights, racks, {"table_size": table_size, "hash": hash, "seed": seed})


class RedisSlots(Placement):
    """Redis Cluster's 16,384 slots, each held by one node.

    A key's slot is the CRC-16/XMODEM of the key modulo 16,384; of a key of text or binary that holds a tag,
    `{tag}`, only the first tag is hashed, if it is not empty. At first node i of n holds the slots from
    ⌊i x 16384 / n⌋ on, or as many as its weight says. `with_node` and `without_node` move the fewest slots by
    which every node holds its share, rounded down or up: a node that holds too many gives its last ones.

    Args:
        nodes: As for `Ring`, at most 16,384.
        slots: The position of each slot's node, 16,384 integers, such as those of a cluster that is there; None
            lets the nodes hold consecutive slots.
        weights: As for `Ring`.
        racks: Kept but not used, since there are no replicas.

    Raises:
        ParameterError: As for `Ring`, more nodes than slots, or slots that are not 16,384 positions.

    Source:
        Redis Cluster specification, "Key distribution model" and "Hash tags".

    >>> import pyarrow as pa
    >>> cluster = RedisSlots(3)
    >>> cluster.lookup(pa.array(["{user1000}.following", "user1000", "foo"])).to_pylist()  # slots 3443, 3443, 12182
    [0, 0, 2]
    >>> cluster.moved_share(cluster.with_node("node-3"))
    0.25
    """

    kind = "redis_slots"

    def __init__(
        self, nodes: Iterable[str] | int, *, slots: Iterable[int] | None = None,
        weights: Iterable[float] | None = None, racks: Iterable[str | None] | None = None,
    ) -> None:  # fmt: skip
        given = None if slots is None else slots_of(slots)
        self._build(nodes, weights, racks, {"hash": "crc16_xmodem", "seed": 0, "slots": given})
        self._parameters = {}

    @property
    def slots(self) -> tuple[int, ...]:
        """The position in `nodes` of each slot's node."""
        return tuple(self._placement.slots)

    def _identity(self) -> tuple[Any, ...]:
        return (*super()._identity(), self.slots)

    def __reduce__(self) -> tuple[Any, ...]:
        make = functools.partial(type(self), weights=self._weights, racks=self._racks, slots=self.slots)
        return (make, (self._nodes,))

    def __repr__(self) -> str:
        if self.slots == type(self)(self._nodes, weights=self._weights).slots:
            return super().__repr__()
        counts = ", ".join(f"{share * SLOTS:.0f}" for share in list(self.ownership().values())[:NODES_SHOWN])
        more = ", ..." if len(self._nodes) > NODES_SHOWN else ""
        return f"<{super().__repr__()} after a change: {counts}{more} slots>"
