"""Placements that are computed from key and nodes, with no table: rendezvous, jump and plain modulo."""

from __future__ import annotations

from typing import Self

from assay.errors import ParameterError
from assay.placement.common import Placement

__all__ = ["Jump", "Modulo", "Rendezvous"]


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


class Modulo(Placement):
    """The remainder of the hash by the number of nodes: fast and even, and all moves if n changes.

    One node more moves n/(n + 1) of all keys, where 1/(n + 1) would do.

    Args and errors: as for `Ring`, without virtual nodes; weights other than 1 are refused, and
    racks are kept but not used, since there are no replicas.

    Source:
        Knuth, "The Art of Computer Programming" 3, section 6.4.
    """

    kind = "modulo"
