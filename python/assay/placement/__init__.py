"""Which node holds a key: rings and other circles, rendezvous, jump and other buckets, tables of slots, plain modulo.

A placement maps keys to positions in its list of nodes. All have the same verbs, so that one can be
tried in place of another; each refuses what its algorithm cannot do and says what can. They never
change: `with_node` and `without_node` give a new placement, and `moved_share` tells what moves.
"""

from assay.placement.buckets import Anchor, Memento
from assay.placement.circles import BoundedLoads, MultiProbe, Ring
from assay.placement.common import Placement
from assay.placement.functions import Jump, Modulo, Rendezvous
from assay.placement.tables import Maglev, RedisSlots

__all__ = [
    "Anchor",
    "BoundedLoads",
    "Jump",
    "Maglev",
    "Memento",
    "Modulo",
    "MultiProbe",
    "Placement",
    "RedisSlots",
    "Rendezvous",
    "Ring",
]
