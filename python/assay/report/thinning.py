"""Fewer cells than a run has, where a page cannot carry them all: the best of each grid point, the rest by family.

Nothing is dropped silently. What follows the leading contenders of a grid point becomes one line for each family
(`ring(…) × 412`) that holds the median of every metric and, as its interval, the least and the greatest; grid points
beyond what a page can hold are left out evenly, first and last kept. `thin` says in words what it did.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import replace

from assay.report.run_view import ExperimentView, GridPoint, Number, Row
from assay.units import plural

__all__ = ["AGGREGATED", "thin"]

AGGREGATED = "aggregated"
_FEWEST_ROWS = 8  # of a grid point, before grid points are left out
_FAMILIES = 6  # lines for the rest of a grid point


def thin(experiment: ExperimentView, most_cells: int) -> tuple[ExperimentView, list[str]]:
    """The experiment with at most about `most_cells` rows, and what was aggregated or left out, in words.

    Args:
        experiment: What was measured; its rows stand in the order in which they are ranked.
        most_cells: How many rows the page can hold, at least 1.
    """
    cells = sum(len(point.rows) for point in experiment.points)
    if cells <= most_cells:
        return experiment, []
    notices = []
    points: Sequence[GridPoint] = experiment.points
    most_points = max(2, most_cells // _FEWEST_ROWS)
    if len(points) > most_points:
        step = (len(points) - 1) / (most_points - 1)
        points = [points[round(i * step)] for i in range(most_points)]
        notices.append(
            f"{len(points):,} of {len(experiment.points):,} grid points are embedded, evenly chosen, to keep the page "
            "small."
        )
    quota = max(1, most_cells // len(points))
    thinned = [_thin_point(point, quota) for point in points]
    most = max(len(point.rows) for point in points)
    if most > quota:
        notices.append(
            f"{cells:,} cells were measured: each grid point shows its leading {max(1, quota - _FAMILIES):,} of up to "
            f"{most:,} {plural(experiment.noun)}; the others are aggregated by family, with the median and from the "
            "least to the greatest."
        )
    notices.append("`assay sql` and `assay export` have every one of them.")
    return replace(experiment, points=thinned), notices


def _thin_point(point: GridPoint, quota: int) -> GridPoint:
    if len(point.rows) <= quota:
        return point
    kept = list(point.rows[: max(1, quota - _FAMILIES)])
    families: dict[str, list[Row]] = {}
    for row in point.rows[len(kept) :]:
        families.setdefault(row.contender.partition("(")[0], []).append(row)
    if len(families) > _FAMILIES:
        ordered = sorted(families.items(), key=lambda item: -len(item[1]))
        families = dict(ordered[: _FAMILIES - 1])
        families["other contenders"] = [row for _, rows in ordered[_FAMILIES - 1 :] for row in rows]
    return replace(point, rows=[*kept, *(_family(name, rows) for name, rows in families.items())])


def _family(name: str, rows: Sequence[Row]) -> Row:
    """One line for many: medians, and from the least to the greatest."""
    values: dict[str, list[float]] = {}
    for row in rows:
        for metric, number in row.numbers.items():
            if number.value is not None:
                values.setdefault(metric, []).append(number.value)
    failed = sum(row.status == "failed" for row in rows)
    return Row(
        cell_id=f"{AGGREGATED}:{rows[0].cell_id}",
        contender=f"{name}(…) × {len(rows):,}" if name != "other contenders" else f"{name} × {len(rows):,}",
        parameters={},
        status=AGGREGATED,
        error=f"{failed:,} of them failed" if failed else None,
        numbers={metric: Number(statistics.median(found), min(found), max(found)) for metric, found in values.items()},
    )
