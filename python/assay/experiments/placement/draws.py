"""One placement over all its draws: what each draw gives, and what the draws say together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import pyarrow as pa

from assay import _core
from assay.errors import MeasurementError
from assay.experiments.base import Cell, Point, Value
from assay.experiments.distinct import DistinctKeys, numpy_of, total
from assay.experiments.loads import Number, movement
from assay.experiments.placement.hash_and_list import NO_LIST, differences
from assay.experiments.placement.laws import adjacent_pairs_law, key_weight_concentration, load_cv_law, shares_law
from assay.experiments.placement.metrics import balance, fair_shares, optimum, share_cv
from assay.experiments.placement.spelling import PlacementSpec, build, node_name
from assay.hashing import hash as hash_of
from assay.intervals import Spread, over_seeds

__all__ = ["ACTIONS", "Contest", "measure", "nodes_after"]

ACTIONS = ("add_one", "remove_one")
_NO_POINTS = "it has no points with arcs of their own on a circle; only rings have"
_EQUAL = 1e-12  # a spread below it is that of rounding


@dataclass(frozen=True)
class Contest:
    """One placement on one number of nodes, over draws."""

    spec: PlacementSpec
    nodes: int
    draws: range
    weights: tuple[float, ...] | None
    cell: Cell
    removals: tuple[int, ...] = ()

    @property
    def actions(self) -> tuple[str, ...]:
        """Each change of nodes that is measured, by its name in metrics."""
        return (*ACTIONS, *(f"remove_{percent}" for percent in self.removals))

    @property
    def node_weights(self) -> tuple[float, ...]:
        """The weight of each node."""
        return self.weights or (1.0,) * self.nodes


@dataclass
class _Found:
    """Numbers by metric: one for each draw, or one for all; and why a number is missing."""

    drawn: dict[str, list[Number]] = field(default_factory=lambda: defaultdict(list))
    fixed: dict[str, Number] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)


def measure(contest: Contest, keys: DistinctKeys) -> tuple[list[Value], list[Point]]:
    """All values and series of one cell; series show the first draw.

    Args:
        contest: What to measure.
        keys: The distinct keys with their rows.

    Raises:
        ParameterError: The placement cannot be for these nodes or weights.
        MeasurementError: It answers differently when asked again.
    """
    found = _Found()
    points: list[Point] = []
    for draw in contest.draws:
        placement = build(contest.spec, contest.node_weights, draw)
        placement = placement.of_keys(keys.columns[0]) or placement
        owners = _owners(placement, keys)
        loads = numpy_of(_core.sum_by(pa.array(owners), pa.array(keys.rows), contest.nodes))
        counts = _point_counts(contest, placement)
        if draw == contest.draws[0]:
            _verify(contest, placement, keys, owners)
            found.fixed["memory_bytes"] = int(placement.memory_bytes)
            listed = differences(contest.spec, contest.nodes, draw, placement, keys.columns[0], owners)
            found.fixed["hash_and_list_differences"] = listed
            if listed is None:
                found.notes["hash_and_list_differences"] = NO_LIST
            _laws(contest, placement, counts, keys, found)
            points = _series(contest, draw, placement.ownership(), loads, counts)
        _balance(contest, placement, loads, found)
        if counts is not None:
            found.drawn["adjacent_equal_pairs"].append(placement.adjacent_equal_pairs())
        for action in contest.actions:
            _movement(contest, action, draw, placement, owners, keys, found)
    distinct = len(keys) - int(keys.is_null.any())
    found.fixed["sampling_floor_cv"] = math.sqrt(contest.nodes / distinct)
    return _values(contest, found), points


def _owners(placement: _core.Placement, keys: DistinctKeys) -> np.ndarray:
    """The position of each key's node (uint32); the null key lives on the first node."""
    return numpy_of(placement.lookup(keys.columns[0]).fill_null(0))


def _verify(contest: Contest, placement: _core.Placement, keys: DistinctKeys, owners: np.ndarray) -> None:
    """A placement must answer alike when asked in another order, on one thread, and only with nodes it has."""
    backwards = pa.array(np.arange(len(keys), dtype=np.int64)[::-1])
    again = numpy_of(placement.lookup(keys.columns[0].take(backwards), threads=1).fill_null(0))
    if not np.array_equal(again[::-1], owners):
        raise MeasurementError(f"{contest.spec.text} puts a key on different nodes when asked again")
    if owners.max() >= contest.nodes:
        raise MeasurementError(f"{contest.spec.text} answers with node {owners.max()} of {contest.nodes}")


def _point_counts(contest: Contest, placement: _core.Placement) -> np.ndarray | None:
    """The number of points of each node on a circle."""
    if not contest.spec.has_points:
        return None
    return np.bincount(numpy_of(placement.arcs()[1]), minlength=contest.nodes)


def _laws(
    contest: Contest, placement: _core.Placement, counts: np.ndarray | None, keys: DistinctKeys, found: _Found
) -> None:
    law, note = shares_law(contest.spec, contest.node_weights, placement, counts)
    found.fixed["ownership_cv_law"] = law
    found.fixed["load_cv_law"] = None
    if law is None:
        found.notes |= dict.fromkeys(("ownership_cv_law", "load_cv_law", *_OVER_LAW), note)
    else:
        found.fixed["load_cv_law"] = load_cv_law(law, contest.nodes, key_weight_concentration(keys.rows))
    if counts is None:
        for name in ("adjacent_equal_pairs", "adjacent_equal_pairs_law"):
            found.fixed[name] = None
            found.notes[name] = _NO_POINTS
    else:
        found.fixed["adjacent_equal_pairs_law"] = adjacent_pairs_law([int(count) for count in counts])


_OVER_LAW = ("ownership_cv_over_law", "load_cv_over_law")


def _balance(contest: Contest, placement: _core.Placement, loads: np.ndarray, found: _Found) -> None:
    for name, value in balance(loads, contest.weights).items():
        found.drawn[name].append(value)
    shares, fair = placement.ownership(), fair_shares(contest.node_weights)
    over = [share / part for share, part in zip(shares, fair, strict=True)]
    found.drawn["ownership_cv"].append(share_cv(shares, fair))
    found.drawn["share_over_weight_max"].append(max(over))
    found.drawn["share_over_weight_min"].append(min(over))


def _movement(
    contest: Contest,
    action: str,
    draw: int,
    placement: _core.Placement,
    owners: np.ndarray,
    keys: DistinctKeys,
    found: _Found,
) -> None:
    """What moves between the rows' nodes before and after; a node that comes has weight 1."""
    weights = contest.node_weights
    numbers = nodes_after(action, len(weights), draw)
    if not numbers:
        for name in _OF_ACTIONS:
            found.fixed[f"{name}.{action}"] = None
            found.notes[f"{name}.{action}"] = "no node would be left"
        return
    names = [node_name(number, draw) for number in numbers]
    after_weights = [weights[number] if number < len(weights) else 1.0 for number in numbers]
    after = _owners(placement.with_nodes(names, after_weights, [None] * len(names)), keys)
    before_nodes = list(range(len(weights)))
    rows = pa.array(keys.rows)
    loads = numpy_of(_core.sum_by(pa.array(owners), rows, len(weights)))
    carried = _core.journeys(pa.array(owners), pa.array(after), before_nodes, numbers, rows)
    least = optimum(
        {str(node): weight for node, weight in zip(before_nodes, weights, strict=True)},
        {str(node): weight for node, weight in zip(numbers, after_weights, strict=True)},
    )
    moved = movement(action, carried, loads, before_nodes, numbers, optimum=least)
    for name in ("moved_share", "moved_over_optimum", "stray_moves"):
        found.drawn[f"{name}.{action}"].append(moved[f"{name}.{action}"])
    moves = owners != np.asarray(numbers, np.uint32)[after]
    for name, places, count in (
        ("effective_senders", owners, len(weights)),
        ("effective_receivers", after, len(numbers)),
    ):
        carried_by = _core.sum_by(pa.array(places[moves]), pa.array(keys.rows[moves]), count)
        found.drawn[f"{name}.{action}"].append(_as_if_equal(numpy_of(carried_by)))


_OF_ACTIONS = ("moved_share", "moved_over_optimum", "stray_moves", "effective_senders", "effective_receivers")


def _as_if_equal(carried: np.ndarray) -> float | None:
    """By how many equal ones all would be carried in the time of the busiest; None if nothing is."""
    most = int(carried.max(initial=0))
    return total(carried) / most if most else None


def nodes_after(action: str, nodes: int, draw: int) -> list[int]:
    """The numbers of the nodes after an action, in order; none if no node would be left.

    `remove_PERCENT` takes so many percent of the nodes, rounded half to even but at least one: those whose text
    `draw-<draw>-removal-<number>` has the least `xxh3_64`; so a larger share takes the nodes of a smaller one, too.
    """
    if action == "add_one":
        return list(range(nodes + 1))
    if nodes == 1:
        return []
    if action == "remove_one":
        return list(range(nodes - 1))
    percent = int(action.removeprefix("remove_"))
    count = min(nodes - 1, max(1, round(Fraction(nodes * percent, 100))))
    ranks = hash_of(pa.array([f"draw-{draw}-removal-{number}" for number in range(nodes)])).to_pylist()
    gone = set(sorted(range(nodes), key=lambda number: (ranks[number], number))[:count])
    return [number for number in range(nodes) if number not in gone]


def _values(contest: Contest, found: _Found) -> list[Value]:
    """A value for each metric: the mean of the draws, between the least and the greatest."""
    cell_id = contest.cell.cell_id
    values = [Value(cell_id, name, value, note=found.notes.get(name)) for name, value in found.fixed.items()]
    for name, draws in found.drawn.items():
        drawn = [float(value) for value in draws if value is not None]
        if not drawn:
            values.append(Value(cell_id, name, None, note="nothing moves"))
            continue
        spread = over_seeds(drawn)
        values.append(Value(cell_id, name, spread.mean, spread.least, spread.greatest, _interval_note(spread)))
    for name, measured, law in (
        ("ownership_cv_over_law", "ownership_cv", found.fixed["ownership_cv_law"]),
        ("load_cv_over_law", "load_cv", found.fixed["load_cv_law"]),
    ):
        values.append(_over_law(cell_id, name, found, measured, law))
    return values


def _over_law(cell_id: str, name: str, found: _Found, measured: str, law: Number) -> Value:
    """The root mean square of the draws over what the law predicts for it."""
    draws = [float(value) for value in found.drawn[measured] if value is not None]
    if law is None or law < _EQUAL or not draws:
        return Value(cell_id, name, None, note=found.notes.get(name, "all nodes are predicted to have the same"))
    together = math.sqrt(math.fsum(value * value for value in draws) / len(draws))
    return Value(cell_id, name, together / law, min(draws) / law, max(draws) / law)


def _interval_note(spread: Spread) -> str | None:
    """Where the mean of other seeds would lie; None for a single draw, or where all are alike."""
    if spread.low == spread.high:
        return None
    return f"95 % interval of the mean of {spread.draws} seeds: {spread.low:.4g} to {spread.high:.4g}"


def _series(
    contest: Contest, draw: int, shares: Sequence[float], loads: np.ndarray, counts: np.ndarray | None
) -> list[Point]:
    cell_id = contest.cell.cell_id
    series: dict[str, Sequence[float]] = {"load": loads.tolist(), "ownership": list(shares)}
    if counts is not None:
        series["points"] = counts.tolist()
    return [
        Point(cell_id, name, position, node_name(position, draw), float(value))
        for name, values in series.items()
        for position, value in enumerate(values)
    ]
