"""Which node holds a key: rings, jump, rendezvous, Maglev, Redis's slots and plain modulo.

A placement maps keys to positions in its list of nodes. All have the same verbs, so that one can be
tried in place of another; each refuses what its algorithm cannot do and says what can. They never
change: `with_node` and `without_node` give a new placement, and `moved_share` tells what moves.
"""

from __future__ import annotations

import functools
import math
import numbers
import operator
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from assay import _core
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Jump", "Maglev", "Modulo", "Placement", "RedisSlots", "Rendezvous", "Ring"]

_UINT64_HIGH = 2**64 - 1
_NODES_HIGH = 2**32 - 1
_NODES_SHOWN = 8
_SLOTS = 16_384


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
                "Placement is what placements have in common; use Ring, Jump, Rendezvous, Maglev, RedisSlots or Modulo"
            )
        self._nodes = _names(nodes)
        self._weights = _weights(weights, self._nodes)
        self._racks = _racks(racks, self._nodes)
        if not isinstance(parameters["hash"], str):
            raise ParameterError(f"hash is {parameters['hash']!r}; expected the name of a hash function")
        self._parameters = parameters | {"seed": _integer("seed", parameters["seed"], 0, _UINT64_HIGH)}
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
            ParameterError: `count` is out of bounds, or the algorithm defines no replicas (jump,
                Maglev, Redis's slots, modulo).
            UnsupportedTypeError: As for `lookup`.

        Source:
            DeCandia et al. 2007 (Dynamo), section 4.3; racks as Cassandra's NetworkTopologyStrategy.
        """
        return self._placement.replicas(keys, _integer("count", count, 1, _NODES_HIGH), threads=threads)

    def ownership(self) -> dict[str, float]:
        """The share of the hash space of each node, by name, in order; shares add up to 1.

        Exact for rings (lengths of arcs), Maglev (slots) and modulo (remainders); for jump and
        rendezvous it is what each node gets of ever more keys. The share of your keys differs, above all
        if some are hot: look them up to see.
        """
        return dict(zip(self._nodes, self._placement.ownership(), strict=True))

    def moved_share(self, other: Placement) -> float:
        """The share of the hash space whose node has another name in `other`, in [0, 1].

        Between two placements of one kind that hash alike it follows from the algorithm: exact for
        rings (arcs), modulo (remainders), Maglev and Redis (slots); the expectation over keys for jump
        and rendezvous. If the hash functions or seeds differ, owners before and after are
        independent, and the share is 1 - sum of old share x new share over the names. Between two kinds
        that hash alike it is estimated on 2^18 hash values (standard error at most 0.001).

        Raises:
            UnsupportedTypeError: `other` is no placement.

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
        make: Any = type(self)
        placement: Self = make(nodes, weights=weights, racks=racks, **self._parameters)
        return placement

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
        shown = [repr(name) for name in self._nodes[:_NODES_SHOWN]]
        if len(self._nodes) > _NODES_SHOWN:
            shown.append(f"... {len(self._nodes)} in all")
        parts = [f"[{', '.join(shown)}]"]
        parts += [f"{name}={value!r}" for name, value in self._parameters.items() if value is not None]
        if len(self._nodes) <= _NODES_SHOWN:
            parts += [f"weights={list(self._weights)}"] if set(self._weights) != {1.0} else []
            parts += [f"racks={list(self._racks)}"] if set(self._racks) != {None} else []
        return f"{type(self).__name__}({', '.join(parts)})"


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
        virtual_nodes = _integer("virtual_nodes", virtual_nodes, 1, 1_000_000)
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


class Rendezvous(Placement):
    """Highest random weight: every node bids a hash of key and node; the highest bid wins.

    Shares are proportional to weights without rounding, any node can come and go, and only its own
    keys move. A lookup costs one mix per node, so it is for tens of nodes, not thousands.

    The bid is SplitMix64's finaliser of hash(key) XOR xxh3_64(name); with unequal weights it is
    -weight / ln(u), u in (0, 1) from the upper 53 bits. Ties go to the lower position.

    Args and errors: as for `Ring`, without virtual nodes.

    Source:
        Thaler and Ravishankar 1998, "Using name-based mappings to increase hit rates"; Schindelhauer
        and Schomaker 2005, "Weighted distributed hash tables".
    """

    kind = "rendezvous"


class Jump(Placement):
    """Jump consistent hashing: numbered shards, perfect balance in expectation, no state.

    Shards can be added and removed at the end only; names serve to tell what moved.

    Args and errors: as for `Ring`, without virtual nodes; weights other than 1 are refused, and
    racks are kept but not used, since there are no replicas.

    Source:
        Lamping and Veach 2014, "A Fast, Minimal Memory, Consistent Hash Algorithm".
    """

    kind = "jump"

    def without_node(self, name: str) -> Self:
        """The placement without its last node; jump cannot remove any other.

        Raises:
            UnknownNameError: There is no such node.
            ParameterError: It is not the last node, or it is the only one.
        """
        if name in self._nodes and name != self._nodes[-1]:
            raise ParameterError(
                f'jump cannot remove "{name}", node {self._nodes.index(name)} of {len(self._nodes)}; expected the '
                f'last, "{self._nodes[-1]}": let that node take the lost one\'s place and name, or choose Ring or '
                "Rendezvous"
            )
        return super().without_node(name)


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
            table_size = _integer("table_size", table_size, 2, 134_217_689)
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
        given = None if slots is None else _slots(slots)
        self._build(nodes, weights, racks, {"hash": "crc16_xmodem", "seed": 0, "slots": given})
        self._parameters = {}

    @property
    def slots(self) -> tuple[int, ...]:
        """The position in `nodes` of each slot's node."""
        return tuple(self._placement.slots)

    def _with(self, nodes: Sequence[str], weights: Sequence[float], racks: Sequence[str | None]) -> Self:
        changed = type(self)(nodes, weights=weights, racks=racks)
        moved = self._placement.with_nodes(changed._nodes, changed._weights, changed._racks)
        return type(self)(nodes, slots=moved.slots, weights=weights, racks=racks)

    def _identity(self) -> tuple[Any, ...]:
        return (*super()._identity(), self.slots)

    def __reduce__(self) -> tuple[Any, ...]:
        make = functools.partial(type(self), weights=self._weights, racks=self._racks, slots=self.slots)
        return (make, (self._nodes,))

    def __repr__(self) -> str:
        if self.slots == type(self)(self._nodes, weights=self._weights).slots:
            return super().__repr__()
        counts = ", ".join(f"{share * _SLOTS:.0f}" for share in list(self.ownership().values())[:_NODES_SHOWN])
        more = ", ..." if len(self._nodes) > _NODES_SHOWN else ""
        return f"<{super().__repr__()} after a change: {counts}{more} slots>"


class Modulo(Placement):
    """The remainder of the hash by the number of nodes: fast and even, and all moves if n changes.

    One node more moves n/(n + 1) of all keys, where 1/(n + 1) would do.

    Args and errors: as for `Ring`, without virtual nodes; weights other than 1 are refused, and
    racks are kept but not used, since there are no replicas.

    Source:
        Knuth, "The Art of Computer Programming" 3, section 6.4.
    """

    kind = "modulo"


def _integer(name: str, value: Any, low: int, high: int) -> int:
    """The integer within its bounds, whatever library it comes from."""
    try:
        number = None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        number = None
    if number is None or not low <= number <= high:
        raise ParameterError(f"{name} is {value!r}; expected an integer from {low} to {high}")
    return number


def _values(name: str, values: Any, expected: str) -> list[Any]:
    """A list of plain values from any sequence, Arrow and numpy ones included."""
    for method in ("to_pylist", "tolist", "to_list"):
        if hasattr(values, method):
            return list(getattr(values, method)())
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise ParameterError(f"{name} is {values!r}; expected {expected}")
    return list(values)


def _slots(slots: Iterable[int]) -> list[int]:
    expected = f"{_SLOTS} positions of nodes"
    values = _values("slots", slots, expected)
    if len(values) != _SLOTS:
        raise ParameterError(f"slots has {len(values)} entries; expected {expected}")
    return [_integer(f"slots[{slot}]", value, 0, _SLOTS - 1) for slot, value in enumerate(values)]


def _names(nodes: Iterable[str] | int) -> tuple[str, ...]:
    expected = "a list of names, or the number of nodes"
    if isinstance(nodes, numbers.Integral):
        return tuple(f"node-{position}" for position in range(_integer("nodes", nodes, 1, _NODES_HIGH)))
    names = _values("nodes", nodes, expected)
    for position, name in enumerate(names):
        if not isinstance(name, str):
            raise ParameterError(f"nodes[{position}] is {name!r}; expected a name (text)")
        if not name.isascii() and name != name.encode("utf-8", "replace").decode("utf-8"):
            raise ParameterError(
                f"nodes[{position}] is {name!r}; expected text that UTF-8 can hold, without surrogates"
            )
    return tuple(names)


def _one_per_node(name: str, values: list[Any], nodes: tuple[str, ...]) -> None:
    if len(values) != len(nodes):
        raise ParameterError(f"{name} has {len(values)} entries for {len(nodes)} nodes; expected one per node")


def _weights(weights: Iterable[float] | None, nodes: tuple[str, ...]) -> tuple[float, ...]:
    if weights is None:
        return (1.0,) * len(nodes)
    values = _values("weights", weights, "one number above 0 per node")
    _one_per_node("weights", values, nodes)
    for position, value in enumerate(values):
        number = math.nan
        if not isinstance(value, bool | str | bytes) and hasattr(value, "__float__"):
            number = float(value)
        if not (math.isfinite(number) and number > 0):
            raise ParameterError(
                f'weights[{position}], of node "{nodes[position]}", is {value!r}; expected a finite number above 0: '
                "leave out a node that is to hold nothing"
            )
        values[position] = number
    return tuple(values)


def _racks(racks: Iterable[str | None] | None, nodes: tuple[str, ...]) -> tuple[str | None, ...]:
    if racks is None:
        return (None,) * len(nodes)
    values = _values("racks", racks, "one name or None per node")
    _one_per_node("racks", values, nodes)
    for position, value in enumerate(values):
        if value is not None and not isinstance(value, str):
            raise ParameterError(
                f"racks[{position}] is {value!r}; expected a name (text), or None for a rack of its own"
            )
    return tuple(values)
