"""From exact sums to values and series: the last step of the experiment."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from assay.datasets import Query
from assay.experiments.base import Cell, Findings, Point, Value
from assay.experiments.distinct import DistinctKeys, Key, total
from assay.experiments.loads import load_metrics, movement
from assay.experiments.partitioning.metrics import lower_bound
from assay.experiments.partitioning.queries import Instances
from assay.experiments.partitioning.references import Reference
from assay.experiments.partitioning.routing import routed
from assay.experiments.partitioning.strategies import Learned

__all__ = ["Measured", "findings_of"]


@dataclass
class Measured:
    """The exact sums of one cell."""

    cell: Cell
    learned: Learned
    loads: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    rows: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    bytes: np.ndarray | None = None
    carried: dict[str, tuple[np.ndarray, tuple[int, ...]]] = field(default_factory=dict)  # action → sums, nodes after
    no_action: dict[str, str] = field(default_factory=dict)  # action → why it has no value
    cross: dict[str, int] = field(default_factory=dict)  # foreign key → weight whose parent lives elsewhere
    no_join: dict[str, str] = field(default_factory=dict)  # foreign key → why it has no value
    fan_outs: dict[str, tuple[Instances, np.ndarray]] = field(default_factory=dict)  # query → partitions per instance


def findings_of(
    measured: Sequence[Measured],
    distinct: Mapping[Key, DistinctKeys],
    references: Sequence[Reference],
    queries: Sequence[Query],
    failures: Mapping[str, str],
    rows: int,
) -> Findings:
    """The values and series of all cells."""
    values: list[Value] = []
    points: list[Point] = []
    for one in measured:
        found: dict[str, float | int | None] = {}
        notes: dict[str, str] = {}
        _balance(one, distinct, found, notes)
        _movement(one, found, notes)
        _joins(one, references, found, notes)
        for query in queries:
            _fan_out(one, query, distinct[query.columns], found, notes)
        found["routing_bytes"] = one.learned.routing_bytes
        if one.bytes is not None:
            found["bytes_max_over_mean"] = load_metrics(one.bytes)["load_max_over_mean"]
        values += [Value(one.cell.cell_id, name, value, note=notes.get(name)) for name, value in found.items()]
        points += _series(one)
    return Findings(values, points, dict(failures), rows)


def _balance(
    one: Measured, distinct: Mapping[Key, DistinctKeys], found: dict[str, float | int | None], notes: dict[str, str]
) -> None:
    n = one.learned.partitions
    found |= load_metrics(one.loads)
    spec = one.learned.spec
    load = found["load_max_over_mean"]
    if not spec.keyed:
        found["avoidable_skew"] = load
        found["sampling_floor_cv"] = None
        notes["sampling_floor_cv"] = "rows are placed by their number, not by a hash of a key"
        return
    own = distinct[spec.columns]
    found["avoidable_skew"] = None if load is None else load / lower_bound(own.weights, n)
    keys = len(own) - int(own.is_null.any())
    found["sampling_floor_cv"] = math.sqrt(n / keys) if keys else None


def _movement(one: Measured, found: dict[str, float | int | None], notes: dict[str, str]) -> None:
    for action, (carried, nodes) in one.carried.items():
        found |= movement(action, carried, one.loads, one.learned.nodes, nodes)
    for action, why in one.no_action.items():
        for name in ("moved_share", "moved_over_optimum", "stray_moves", "rebalance_minimum_share"):
            found[f"{name}.{action}"] = None
            notes[f"{name}.{action}"] = why


def _joins(
    one: Measured, references: Sequence[Reference], found: dict[str, float | int | None], notes: dict[str, str]
) -> None:
    for reference in references:
        name = reference.foreign_key.name
        share = f"cross_join_share.{name}"
        if name in one.no_join:
            found[share] = None
            notes[share] = one.no_join[name]
        elif reference.matched_weight:
            found[share] = one.cross[name] / reference.matched_weight
        else:
            found[share] = None
            notes[share] = "no row has a parent"
        found[f"orphan_rows.{name}"] = reference.orphan_rows
        found[f"orphan_values.{name}"] = reference.orphan_values
        found[f"null_rows.{name}"] = reference.null_rows


def _fan_out(
    one: Measured,
    query: Query,
    distinct: DistinctKeys,
    found: dict[str, float | int | None],
    notes: dict[str, str],
) -> None:
    instances, counts = one.fan_outs[query.name]
    names = [f"{name}.{query.name}" for name in ("fan_out_mean", "fan_out_max", "routed_fan_out_mean")]
    if not instances.count:
        found |= dict.fromkeys(names)
        notes |= dict.fromkeys(names, "the query has no instance: every value is null")
        return
    asked = routed(one.learned, instances, distinct)
    found[names[0]] = total(counts) / instances.count
    found[names[1]] = int(counts.max())
    found[names[2]] = total(asked) / instances.count


def _series(one: Measured) -> list[Point]:
    cell_id = one.cell.cell_id
    return [
        Point(cell_id, "load", position, f"node-{node}", float(load))
        for position, (node, load) in enumerate(zip(one.learned.nodes, one.loads.tolist(), strict=True))
    ]
