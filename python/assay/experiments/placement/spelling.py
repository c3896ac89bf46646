"""Placements: from their spelling to ones that are built, draw by draw.

A placement is spelled by its name and parameters, without a column: `ring(virtual_nodes=64, hash=md5)`.
Draw s is the placement with seed s: draw 0 is what users have, any other has nodes of other names,
and another seed of the hash function where it takes one. So every contender that chance has a part
in is drawn anew, and `jump(hash=md5)`, where it has none, stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from assay import _core
from assay.catalogue import Contender, contenders, find
from assay.datasets.spelling import parse_nested, without_blanks
from assay.errors import ParameterError, SpellingError
from assay.hashing import hash as hash_of

__all__ = ["PlacementSpec", "build", "hash_seed", "node_name", "parse_placement", "propose"]

_SEED_HIGH = 2**63 - 1
_REDIS_HASH = "crc16_xmodem"  # of redis_slots, which leaves no choice


@dataclass(frozen=True)
class PlacementSpec:
    """A placement as it was spelled, checked against the catalogue."""

    text: str  # its spelling without blanks
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def contender(self) -> Contender:
        """The catalogue's entry."""
        return find(self.name, contenders("placement"), "placement")

    @property
    def has_points(self) -> bool:
        """Whether it is a circle of which each point has the arc before it: there is a law of such shares."""
        return self.name == "ring"

    @property
    def hash(self) -> str:
        """The name of its hash function."""
        default = next((one.default for one in self.contender.parameters if one.name == "hash"), _REDIS_HASH)
        return str(self.parameters.get("hash", default))

    @property
    def hash_bits(self) -> int:
        """The bits of its hash values."""
        if self.hash == "identity":
            return 64
        return {"uint16": 16, "uint32": 32}.get(str(hash_of(pa.array(["a"]), self.hash).type), 64)

    def setting(self, name: str) -> Any:
        """A parameter as it was spelled, or its default."""
        default = next(one.default for one in self.contender.parameters if one.name == name)
        return self.parameters.get(name, default)

    @property
    def takes_seed(self) -> bool:
        """Whether its hash function takes a seed."""
        return "seed" in find(self.hash, contenders("hash"), "hash function").abilities


def parse_placement(text: str) -> PlacementSpec:
    """The placement that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or names a column.
        UnknownNameError: There is no such placement or parameter.
        ParameterError: A parameter out of its bounds, or a seed for a function that takes none.
    """
    node = parse_nested(text)
    contender = find(node.name, contenders("placement"), "placement")
    if node.positional:
        raise SpellingError(
            f"{node.text}: a placement is spelled without a column; name the column of keys by the setting key, "
            f"and write {node.name} or {node.name}(parameter=value)"
        )
    spec = PlacementSpec(without_blanks(node.text), node.name, contender.check(node.keywords))
    if spec.parameters.get("seed") and not spec.takes_seed:
        raise ParameterError(f"{spec.text}: {spec.hash} takes no seed; leave the seed out, or choose xxh3_64")
    return spec


def propose(*, weighted: bool) -> list[str]:
    """Every placement of the catalogue, or every one that can weigh nodes."""
    return [contender.name for contender in contenders("placement") if not weighted or "weights" in contender.abilities]


def node_name(position: int, draw: int) -> str:
    """The name of a node in a draw.

    >>> node_name(3, 0), node_name(3, 7)
    ('node-3', 'draw-7-node-3')
    """
    return f"node-{position}" if draw == 0 else f"draw-{draw}-node-{position}"


def hash_seed(spec: PlacementSpec, draw: int) -> int:
    """The seed of the hash function in a draw; 0 for a function that takes none."""
    seed = int(spec.parameters.get("seed", 0))
    return (seed + draw) & _SEED_HIGH if spec.takes_seed else seed


def build(spec: PlacementSpec, weights: Sequence[float], draw: int) -> _core.Placement:
    """The placement of nodes with these weights, one node each.

    Raises:
        ParameterError: It cannot be for these nodes or weights.
    """
    names = [node_name(position, draw) for position in range(len(weights))]
    seed = hash_seed(spec, draw)
    given = {name: value for name, value in spec.parameters.items() if name not in ("hash", "seed")}
    racks = [None] * len(names)
    return _core.Placement(spec.name, names, list(weights), racks, hash=spec.hash, seed=seed, **given)
