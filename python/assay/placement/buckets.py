"""Placements in numbered buckets, any of which can lose its node and get one again: Anchor and Memento."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Self

from assay import _core
from assay.checks import integer
from assay.placement.checks import names_of
from assay.placement.common import Placement

__all__ = ["Anchor", "Memento"]

_CAPACITY_HIGH = 2**27


class _Bucketed(Placement):
    """Nodes in buckets: what becomes of a change depends on the changes before."""

    @property
    def buckets(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The bucket of each node, by position, and the buckets without one in the order of their removal."""
        of_nodes, removed = self._placement.buckets
        return tuple(of_nodes), tuple(removed)

    def _identity(self) -> tuple[Any, ...]:
        return (*super()._identity(), self.buckets)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restored, (type(self), self._nodes, self._weights, self._racks, self._parameters, self.buckets))

    def __repr__(self) -> str:
        fresh: Any = type(self)(self._nodes, **self._parameters)
        changed = fresh.buckets != self.buckets
        return f"<{super().__repr__()} after changes>" if changed else super().__repr__()

    @classmethod
    def _of(
        cls, nodes: tuple[str, ...], weights: tuple[float, ...], racks: tuple[str | None, ...],
        parameters: Mapping[str, Any], buckets: tuple[tuple[int, ...], tuple[int, ...]],
    ) -> Self:  # fmt: skip
        """The placement whose changes led to these buckets."""
        made = cls.__new__(cls)
        made._nodes, made._weights, made._racks, made._parameters = nodes, weights, racks, dict(parameters)
        made._placement = _core.Placement(cls.kind, nodes, weights, racks, **parameters, buckets=buckets)
        return made


def _restored(kind: type[_Bucketed], *state: Any) -> _Bucketed:
    return kind._of(*state)


class Anchor(_Bucketed):
    """AnchorHash: equal shares, any node may go, and the most nodes that there will be are known.

    A key is hashed over all buckets up to `capacity`. If its bucket has no node, it is hashed again over the
    buckets that had one when this one lost its own, and so on: 1 + ln(capacity / nodes) steps on average. Only
    the keys of a node that goes move, evenly to all others; a new node has the bucket that was removed last, with
    all its keys.

    Args:
        nodes: As for `Ring`. The node at position i has bucket i at first.
        capacity: The most nodes that there can be, from their number to 2^27; None means twice the nodes. Another
            capacity places keys anew.
        hash: The function for keys.
        weights: Refused unless they are 1.
        racks: Kept but not used, since there are no replicas.
        seed: The hash function's seed.

    Raises:
        ParameterError: As for `Ring`, or a capacity below the number of nodes; `with_node` raises it where
            the capacity is reached.

    Source:
        Mendelson et al. 2020, "AnchorHash: A Scalable Consistent Hash".

    >>> anchor = Anchor(["a", "b", "c", "d"])
    >>> without = anchor.without_node("b")
    >>> anchor.moved_share(without), without.with_node("new").buckets
    (0.25, ((0, 2, 3, 1), (7, 6, 5, 4)))
    """

    kind = "anchor"

    def __init__(
        self, nodes: Iterable[str] | int, *, capacity: int | None = None, hash: str = "xxh3_64",
        weights: Iterable[float] | None = None, racks: Iterable[str | None] | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        nodes = names_of(nodes)
        if capacity is None:
            capacity = max(1, 2 * len(nodes))
        capacity = integer("capacity", capacity, 1, _CAPACITY_HIGH)
        self._build(nodes, weights, racks, {"capacity": capacity, "hash": hash, "seed": seed})


class Memento(_Bucketed):
    """MementoHash: jump, and a note of each bucket that has lost its node.

    With no node missing it is `Jump`, with no state at all. A key whose bucket has lost its node is hashed again
    over as many buckets as had one afterwards. Only the keys of a node that goes move, evenly to all others; a new
    node has the bucket that was removed last, with all its keys, or a new bucket at the end.

    Args:
        nodes: As for `Ring`. The node at position i has bucket i at first.
        hash: The function for keys.
        weights: Refused unless they are 1.
        racks: Kept but not used, since there are no replicas.
        seed: The hash function's seed.

    Raises:
        ParameterError: As for `Ring`.

    Source:
        Coluzzi et al. 2024, "MementoHash: A Stateful, Minimal Memory, Best Performing Consistent Hash Algorithm".

    >>> memento = Memento(10)
    >>> memento.memory_bytes, round(memento.moved_share(memento.without_node("node-4")), 12)
    (8, 0.1)
    """

    kind = "memento"
