"""What chance predicts for a placement: the spread of shares of the hash space, and of loads.

A ring's points are random: the share of a node with c of C points is Beta(c, C - c). With k probes a point's share
has a variance that is known in closed form. Tables deal their slots as evenly as they can. All else has equal shares
in expectation over keys. Loads vary on top of that because keys do. Derivations: METHODOLOGY, "Placements over seeds".
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from assay import _core
from assay.experiments.distinct import total
from assay.experiments.placement.metrics import fair_shares
from assay.experiments.placement.spelling import PlacementSpec

__all__ = [
    "adjacent_pairs_law",
    "even_slots_cv",
    "key_weight_concentration",
    "load_cv_law",
    "ownership_cv_law",
    "shares_law",
]

_REDIS_SLOTS = 16_384
_EQUAL = ("anchor", "jump", "memento", "rendezvous")


def shares_law(
    spec: PlacementSpec, weights: Sequence[float], placement: _core.Placement, counts: np.ndarray | None
) -> tuple[float | None, str]:
    """The predicted `ownership_cv`, or None and why there is none.

    Args:
        spec: The placement as it was spelled.
        weights: Those of the nodes.
        placement: One that was built, whose table tells its slots.
        counts: The points of each node of a ring.
    """
    nodes, fair = len(weights), fair_shares(weights)
    if counts is not None:
        return ownership_cv_law([int(count) for count in counts], fair), ""
    if spec.name in _EQUAL:
        return 0.0, ""
    if spec.name == "multi_probe":
        probes, points = (int(spec.setting(name)) for name in ("probes", "virtual_nodes"))
        each = [max(1, round(points * weight)) for weight in weights]
        return ownership_cv_law(each, fair, probes=probes), ""
    if len(set(weights)) > 1:
        return None, "no law is known of its shares with unequal weights"
    if spec.name == "maglev":
        return even_slots_cv(placement.memory_bytes // 4, nodes), ""
    if spec.name == "redis_slots":
        return even_slots_cv(_REDIS_SLOTS, nodes), ""
    if spec.name == "modulo":
        return even_slots_cv(2**spec.hash_bits, nodes), ""
    return None, "no law is known of its shares"


def ownership_cv_law(points: Sequence[int], fair: Sequence[float], *, probes: int = 1) -> float:
    """The root mean square of `ownership_cv` over random circles whose nodes have so many points each.

    With one probe, a ring's, the share of c among C random points is Beta(c, C - c): mean c/C, variance
    c(C-c)/(C^2 (C+1)). With V points on each of n equal nodes this is sqrt((n-1)/(nV+1)). With k probes a point's
    share has C^2 times the variance 2k/(2k-1) (1 - 1/binomial(C+2k-1, C)) - 1; shares of points are exchangeable and
    add up to 1, so that the variance of c of them is c(C-c)/(C-1) times a point's. What rounding takes from a weight
    adds to it.
    """
    whole = sum(points)
    point = 2 * probes / (2 * probes - 1) * (1 - 1 / math.comb(whole + 2 * probes - 1, whole)) - 1
    terms = []
    for count, part in zip(points, fair, strict=True):
        variance = count * (whole - count) / (whole * whole * (whole - 1)) * point if whole > 1 else 0.0
        terms.append((variance + (count / whole - part) ** 2) / part)
    return math.sqrt(math.fsum(terms))


def even_slots_cv(slots: int, nodes: int) -> float:
    """`ownership_cv` of slots that are dealt as evenly as can be: r of n nodes have one more, r = slots mod n."""
    more = slots % nodes
    return math.sqrt(more * (nodes - more)) / slots


def load_cv_law(shares_cv: float, nodes: int, concentration: float) -> float:
    """The root mean square of `load_cv` when keys fall independently on nodes by shares of this spread.

    A key with the part w of all rows adds w^2 s(1 - s) to the variance of a load with the share s; over random shares
    with mean f and sum f E(s/f - 1)^2 = c^2, sum E(s - s^2)/f = n - 1 - c^2.
    """
    square = shares_cv * shares_cv
    return math.sqrt(square + concentration * (nodes - 1 - square))


def key_weight_concentration(rows: np.ndarray) -> float:
    """The sum of the squared shares of the keys (uint64 rows, shape (m,)): 1/m if all are alike, 1 if one has all."""
    whole = total(rows)
    return math.fsum((float(count) / whole) ** 2 for count in rows.tolist())


def adjacent_pairs_law(points: Sequence[int]) -> float:
    """The expected number of neighbours on the circle that belong to the same node: sum c(c-1) / (C-1)."""
    whole = sum(points)
    return sum(count * (count - 1) for count in points) / (whole - 1) if whole > 1 else 0.0
