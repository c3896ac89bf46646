"""One placement over all its draws: what each draw gives, and what the draws say together."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from assay import _core
from assay.errors import MeasurementError
from assay.experiments.base import Cell, Point, Value
from assay.experiments.distinct import DistinctKeys, numpy_of
from assay.experiments.loads import Number, movement
from assay.experiments.placement.metrics import (
    adjacent_pairs_law,
    balance,
    fair_shares,
    optimum,
    ownership_cv_law,
    share_cv,
)
from assay.experiments.placement.spelling import PlacementSpec, build, node_name
from assay.intervals import Spread, over_seeds

__all__ = ["ACTIONS", "Contest", "measure"]

ACTIONS = ("add_one", "remove_one")
_NO_POINTS = "it has no points on a circle; only rings have"


@dataclass(frozen=True)
class Contest:
    """One placement on one number of nodes, over draws."""

    spec: PlacementSpec
    nodes: int
    draws: range
    weights: tuple[float, ...] | None
    cell: Cell

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
        owners = _owners(placement, keys)
        loads = numpy_of(_core.sum_by(pa.array(owners), pa.array(keys.rows), contest.nodes))
        counts = _point_counts(contest, placement)
        if draw == contest.draws[0]:
            _verify(contest, placement, keys, owners)
            found.fixed["memory_bytes"] = int(placement.memory_bytes)
            _laws(contest, counts, found)
            points = _series(contest, draw, placement.ownership(), loads, counts)
        _balance(contest, placement, loads, found)
        if counts is not None:
            found.drawn["adjacent_equal_pairs"].append(placement.adjacent_equal_pairs())
        for action in ACTIONS:
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


def _laws(contest: Contest, counts: np.ndarray | None, found: _Found) -> None:
    if counts is None:
        for name in ("adjacent_equal_pairs", "adjacent_equal_pairs_law", "ownership_cv_law", "ownership_cv_over_law"):
            found.fixed[name] = None
            found.notes[name] = _NO_POINTS
        return
    each = [int(count) for count in counts]
    found.fixed["ownership_cv_law"] = ownership_cv_law(each, fair_shares(contest.node_weights))
    found.fixed["adjacent_equal_pairs_law"] = adjacent_pairs_law(each)


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
    """What moves between the rows' nodes before and after; a node that comes has weight 1, the last one goes."""
    weights = contest.node_weights
    after_weights = (*weights, 1.0) if action == "add_one" else weights[:-1]
    if not after_weights:
        for name in ("moved_share", "moved_over_optimum", "stray_moves"):
            found.fixed[f"{name}.{action}"] = None
            found.notes[f"{name}.{action}"] = "no node would be left"
        return
    names = [node_name(position, draw) for position in range(len(after_weights))]
    after = _owners(placement.with_nodes(names, after_weights, [None] * len(names)), keys)
    before_nodes, after_nodes = list(range(len(weights))), list(range(len(after_weights)))
    rows = pa.array(keys.rows)
    loads = numpy_of(_core.sum_by(pa.array(owners), rows, len(weights)))
    carried = _core.journeys(pa.array(owners), pa.array(after), before_nodes, after_nodes, rows)
    least = optimum(
        {str(node): weight for node, weight in zip(before_nodes, weights, strict=True)},
        {str(node): weight for node, weight in zip(after_nodes, after_weights, strict=True)},
    )
    moved = movement(action, carried, loads, before_nodes, after_nodes, optimum=least)
    for name in ("moved_share", "moved_over_optimum", "stray_moves"):
        found.drawn[f"{name}.{action}"].append(moved[f"{name}.{action}"])


def _values(contest: Contest, found: _Found) -> list[Value]:
    """A value for each metric: the mean of the draws, between the least and the greatest."""
    cell_id = contest.cell.cell_id
    values = [Value(cell_id, name, value, note=found.notes.get(name)) for name, value in found.fixed.items()]
    for name, draws in found.drawn.items():
        spread = over_seeds([float(value) for value in draws if value is not None])
        values.append(Value(cell_id, name, spread.mean, spread.least, spread.greatest, _interval_note(spread)))
    law = found.fixed["ownership_cv_law"]
    if law:
        measured = [float(value) for value in found.drawn["ownership_cv"] if value is not None]
        together = math.sqrt(math.fsum(value * value for value in measured) / len(measured))
        values.append(Value(cell_id, "ownership_cv_over_law", together / law, min(measured) / law, max(measured) / law))
    elif law is not None:
        values.append(Value(cell_id, "ownership_cv_over_law", None, note="a single node has everything"))
    return values


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
