"""What only a whole curve tells: its knee, and the capacity that costs least, of each policy over the grid."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from assay.caches import knee
from assay.experiments.base import Value
from assay.experiments.caching.contests import Contest
from assay.experiments.planning import values_by_cell

__all__ = ["curve_values"]

_FEWEST = 3  # points that have a knee

Row = Mapping[str, Value]


def curve_values(contests: Sequence[Contest], values: Sequence[Value]) -> list[Value]:
    """For each cell the knee and the cheapest capacity of its policy's curve, where there are enough capacities."""
    rows = values_by_cell(values)
    curves: dict[tuple[object, ...], list[tuple[float, str, Row]]] = {}
    for contest in contests:
        row = rows.get(contest.cell.cell_id)
        if row is not None:
            capacity = row["capacity_bytes" if contest.counts_bytes else "capacity_objects"].value
            others = {name: value for name, value in contest.cell.parameters.items() if name != "capacity"}
            curve = curves.setdefault((contest.spec.text, str(sorted(others.items(), key=str))), [])
            curve.append((float(capacity or 0), contest.cell.cell_id, row))
    found: list[Value] = []
    for curve in curves.values():
        points = {capacity: row for capacity, _, row in sorted(curve, key=lambda point: point[0])}
        if len(points) < _FEWEST:
            continue
        bend = knee(
            pa.table(
                {"capacity": list(points), "miss_ratio": [row["miss_ratio"].value or 0.0 for row in points.values()]}
            )
        )
        costs = {at: row["cost"].value for at, row in points.items() if "cost" in row}
        known = {at: cost for at, cost in costs.items() if cost is not None}
        for _, cell_id, _ in curve:
            if bend is not None:
                found.append(Value(cell_id, "knee_capacity", bend.capacity))
            if known:
                found.append(Value(cell_id, "cheapest_capacity", min(known, key=lambda at: known[at])))
    return found
