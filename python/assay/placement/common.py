"""What all placements have in common: nodes, lookups, replicas, shares, changes, equality and pickling."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from assay import _core
from assay.checks import UINT64_HIGH, integer, name_of
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError
from assay.placement.checks import NODES_HIGH, names_of, racks_of, weights_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["NODES_SHOWN", "Placement"]

NODES_SHOWN = 8


class Placement:
    """What all placements have in common; use one of its subclasses.

    Placements are equal if their kinds, nodes and parameters are; they can be pickled and hashed.
    """

    kind: ClassVar[str]
    """The contender's name in the catalogue."""

    def __init__(
        self, nodes: Iterable[str] | int, *, hash: str = "xxh3_64",
        weights: Iterable[float] | None = None, racks: Iterable[str | None] | None = None, seed: int = 0,
    ) -> None:  # fmt: skip
        self._build(nodes, weights, racks, {"hash": hash, "seed": seed})

    def _build(
        self, nodes: Iterable[str] | int, weights: Iterable[float] | None, racks: Iterable[str | None] | None,
        parameters: dict[str, Any],
    ) -> None:  # fmt: skip
        """Checks everything and builds the native placement; `parameters` has `hash` and `seed` at least."""
        if type(self) is Placement:
            raise TypeError(
                "Placement is what placements have in common; use Ring, Jump, Rendezvous or another of assay.placement"
            )
        self._nodes = names_of(nodes)
        self._weights = weights_of(weights, self._nodes)
        self._racks = racks_of(racks, self._nodes)
        name_of("hash", parameters["hash"], "a hash function")
        self._parameters = parameters | {"seed": integer("seed", parameters["seed"], 0, UINT64_HIGH)}
        self._placement = _core.Placement(self.kind, self._nodes, self._weights, self._racks, **self._parameters)

    @property
    def nodes(self) -> tuple[str, ...]:
        """The names of the nodes; lookups answer with positions in it."""
        return self._nodes

    @property
    def weights(self) -> tuple[float, ...]:
        """The weight of each node."""
        return self._weights

    @property
    def racks(self) -> tuple[str | None, ...]:
        """The rack of each node; None for a node that fails alone."""
        return self._racks

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters by name, such as `hash` and `seed`."""
        return dict(self._parameters)

    @property
    def memory_bytes(self) -> int:
        """Bytes that a lookup reads beside the key: points and index, slots, or next to nothing.

        The names of the nodes do not count: every placement needs them, and none reads them to look
        up a key.
        """
        return int(self._placement.memory_bytes)

    def lookup(self, keys: Any, *, threads: int | None = None) -> pa.UInt32Array:
        """The position in `nodes` of each key's node.

        Args:
            keys: Any Arrow column of shape (n,), chunked or not; see `assay.hash`.
            threads: At most so many threads; None means all cores.

        Returns:
            A pyarrow UInt32Array of shape (n,). Null in, null out.

        Raises:
            UnsupportedTypeError: The column's type cannot be a key, or `hash="identity"` met a
                column that is not uint64.

        >>> import pyarrow as pa
        >>> from assay import Jump
        >>> Jump(10, hash="identity").lookup(pa.array([0, 256, None], pa.uint64())).to_pylist()
        [0, 3, None]
        """
        return self._placement.lookup(keys, threads=threads)

    def replicas(self, keys: Any, count: int = 3, *, threads: int | None = None) -> pa.FixedSizeListArray:
        """The positions of the `count` distinct nodes that hold each key's copies.

        The first is the node of `lookup`. Then follow, in the placement's order (clockwise on a
        ring, by falling score for rendezvous), the first node of each unseen rack, then the nodes
        that were skipped for their rack. A node without a rack is a rack of its own.

        Args:
            keys: Any Arrow column of shape (n,); see `assay.hash`.
            count: Copies of each key, from 1 to the number of nodes.
            threads: At most so many threads; None means all cores.

        Returns:
            A pyarrow FixedSizeListArray of shape (n,), lists of `count` uint32. Null in, null out.

        Raises:
            ParameterError: `count` is out of bounds, or the algorithm defines no replicas (all but
                rings and rendezvous).
            UnsupportedTypeError: As for `lookup`.

        Source:
            DeCandia et al. 2007 (Dynamo), section 4.3; racks as Cassandra's NetworkTopologyStrategy.
        """
        return self._placement.replicas(keys, integer("count", count, 1, NODES_HIGH), threads=threads)

    def ownership(self) -> dict[str, float]:
        """The share of the hash space of each node, by name, in order; shares add up to 1.

        Exact for rings (lengths of arcs), Maglev (slots) and modulo (remainders); for all others it is what
        each node gets of ever more keys. The share of your keys differs, above all if some are hot: look
        them up to see.
        """
        return dict(zip(self._nodes, self._placement.ownership(), strict=True))

    def moved_share(self, other: Placement) -> float:
        """The share of the hash space whose node has another name in `other`, in [0, 1].

        Between two placements of one kind that hash alike it follows from the algorithm: exact for
        rings (arcs), modulo (remainders), Maglev and Redis (slots); the expectation over keys for jump,
        rendezvous and multi-probe. If the hash functions or seeds differ, owners before and after are
        independent, and the share is 1 - sum of old share x new share over the names. Between two kinds
        that hash alike, and for bounded loads, it is estimated on 2^18 hash values (standard error at most 0.001).

        Raises:
            UnsupportedTypeError: `other` is no placement.

        >>> from assay import Jump, Modulo
        >>> Modulo(8).moved_share(Modulo(9)), round(Jump(8).moved_share(Jump(9)), 4)
        (0.8888888888888888, 0.1111)
        """
        if not isinstance(other, Placement):
            raise UnsupportedTypeError(
                f"moved_share got {type(other).__name__}; expected a placement, such as ring.with_node(name)"
            )
        return float(self._placement.moved_share(other._placement))

    def with_node(self, name: str, weight: float = 1.0, rack: str | None = None) -> Self:
        """The placement with one node more, at the end; this one is unchanged.

        Raises:
            ParameterError: The name is taken, or the algorithm cannot weigh nodes.
        """
        return self._with([*self._nodes, name], [*self._weights, weight], [*self._racks, rack])

    def without_node(self, name: str) -> Self:
        """The placement without this node; this one is unchanged.

        Raises:
            UnknownNameError: There is no such node.
            ParameterError: It is the only one, or the algorithm cannot remove it.
        """
        if name not in self._nodes:
            raise UnknownNameError.of("node", str(name), self._nodes)
        if len(self._nodes) == 1:
            raise ParameterError(f'"{name}" is the only node; a placement needs at least one: add another first')
        kept = [position for position, node in enumerate(self._nodes) if node != name]
        return self._with(
            [self._nodes[position] for position in kept],
            [self._weights[position] for position in kept],
            [self._racks[position] for position in kept],
        )

    def _with(self, nodes: Sequence[str], weights: Sequence[float], racks: Sequence[str | None]) -> Self:
        changed = object.__new__(type(self))  # a copy as pickling makes it would build the placement
        changed.__dict__.update(self.__dict__)
        changed._nodes = names_of(nodes)
        changed._weights = weights_of(weights, changed._nodes)
        changed._racks = racks_of(racks, changed._nodes)
        changed._placement = self._placement.with_nodes(changed._nodes, changed._weights, changed._racks)
        return changed

    def _identity(self) -> tuple[Any, ...]:
        return (self.kind, self._nodes, self._weights, self._racks, tuple(self._parameters.items()))

    def __eq__(self, other: object) -> bool:
        return self._identity() == other._identity() if isinstance(other, Placement) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity())

    def __reduce__(self) -> tuple[Any, ...]:
        make = functools.partial(type(self), weights=self._weights, racks=self._racks, **self._parameters)
        return (make, (self._nodes,))

    def __repr__(self) -> str:
        shown = [repr(name) for name in self._nodes[:NODES_SHOWN]]
        if len(self._nodes) > NODES_SHOWN:
            shown.append(f"... {len(self._nodes)} in all")
        parts = [f"[{', '.join(shown)}]"]
        parts += [f"{name}={value!r}" for name, value in self._parameters.items() if value is not None]
        if len(self._nodes) <= NODES_SHOWN:
            parts += [f"weights={list(self._weights)}"] if set(self._weights) != {1.0} else []
            parts += [f"racks={list(self._racks)}"] if set(self._racks) != {None} else []
        return f"{type(self).__name__}({', '.join(parts)})"
