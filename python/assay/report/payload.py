"""The numbers that a page embeds: once, as columns, and never more than it can carry.

A page holds at most MOST_NUMBERS numbers of metrics and points of series. Beyond that the least
telling metrics stay in the store and loads are joined into groups of adjacent partitions, of which
the fullest is kept; `notices` says so in words that the page shows.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.report.advice import advice_payload
from assay.report.growth import growth_by_cell
from assay.report.marks import BEST, mark
from assay.report.plans import links_by_cell
from assay.report.rebuild import rebuild_by_cell
from assay.report.run_view import ExperimentView, GridPoint, MetricFacts, Number, RunView, Source, family_mean
from assay.report.vocabulary import GROUPS, KEY_METRICS, describe, order_of, split_name
from assay.units import format_bytes, format_value

__all__ = ["KEY_GROUP", "MOST_NUMBERS", "build_payload"]

MOST_NUMBERS = 20_000
KEY_GROUP = "Key metrics"

_SERIES_SHARE = 4  # a quarter of the room is kept for series
_FEWEST_BARS = 8


@dataclass(frozen=True)
class _Column:
    facts: MetricFacts
    label: str
    short: str
    group: str
    meaning: str
    key: bool
    family: bool  # the mean over `name.*`


def build_payload(store: Source, run: RunView) -> dict[str, Any]:
    """Everything that the page's script shows, as plain values for JSON.

    Returns:
        {"run", "experiments": [{"index", "noun", "columns", "groups", "points", "advice",
        "notices"}]}. A point holds its rows
        (names and flags), `values`, `texts` and `marks` (shape rows × columns), `intervals` and `notes` by
        "row:column", and `load`, `growth`, `rebuild` and `links`, the series of each row or None.
    """
    room = MOST_NUMBERS // max(1, len(run.experiments))
    return {
        "run": run.run_id,
        "experiments": [_experiment(store, run, experiment, room) for experiment in run.experiments],
    }


def _experiment(store: Source, run: RunView, experiment: ExperimentView, room: int) -> dict[str, Any]:
    rows = sum(len(point.rows) for point in experiment.points)
    series_room = room // _SERIES_SHARE
    columns, left_out = _fit(_columns(experiment), rows, room - series_room)
    notices = []
    if left_out:
        notices.append(
            f"{len(left_out)} metrics are not embedded, to keep the page small: {', '.join(left_out)}. "
            "`assay sql` has them all."
        )
    loads, group = _loads(store, run.run_id, experiment, series_room)
    if group > 1:
        notices.append(
            f"Loads are shown for groups of up to {group} adjacent partitions, to keep the page small: a bar is the "
            "fullest of its group. `assay sql` has every partition."
        )
    growth, without_growth = growth_by_cell(store, run.run_id, experiment.index, series_room)
    if without_growth:
        notices.append(
            f"Growth is not drawn for {without_growth} of the cells, to keep the page small. `assay sql` has it all."
        )
    rebuild, without_rebuild = rebuild_by_cell(store, run.run_id, experiment.index, series_room)
    if without_rebuild:
        notices.append(
            f"Rebuilds are not drawn for {without_rebuild} of the cells, to keep the page small; `assay sql` has all."
        )
    links = _links(store, run.run_id, experiment, series_room)
    series = {"load": loads, "growth": growth, "rebuild": rebuild, "links": links}
    return {
        "index": experiment.index,
        "kind": experiment.kind,
        "noun": experiment.noun,
        "columns": [
            {
                "name": column.facts.name,
                "label": column.label,
                "short": column.short,
                "group": column.group,
                "key": column.key,
                "meaning": column.meaning,
                "unit": column.facts.unit,
                "direction": column.facts.direction,
                "kind": column.facts.kind,
                "origin": column.facts.origin,
                "family": column.family,
            }
            for column in columns
        ],
        "groups": [KEY_GROUP, *(group for group in GROUPS if any(column.group == group for column in columns))],
        "advice": advice_payload(experiment),
        "points": [_point(point, columns, series) for point in experiment.points],
        "notices": notices,
    }


def _columns(experiment: ExperimentView) -> list[_Column]:
    """Key metrics first, as they are listed; then all others in display order."""
    facts = {fact.name: fact for fact in experiment.metrics}
    families: dict[str, MetricFacts] = {}
    for fact in experiment.metrics:
        families.setdefault(split_name(fact.name)[0], fact)
    key_names = KEY_METRICS.get(experiment.kind, tuple(facts)[:8])
    columns: list[_Column] = []
    for name in (*key_names, *facts):
        known = facts.get(name)
        key = name in key_names
        if any(column.facts.name == name for column in columns):
            continue
        words = describe(name)
        if known is None and name not in families:
            continue
        family = known is None
        columns.append(
            _Column(
                facts=known or replace(families[name], name=name),
                label=words.label + (" (mean)" if family else ""),
                short=words.short + (" (mean)" if family else ""),
                group=KEY_GROUP if family else words.group,
                meaning=words.meaning
                + (", averaged over all that were asked for (by a query log's frequencies)" if family else ""),
                key=key,
                family=family,
            )
        )
    return columns


def _fit(columns: list[_Column], rows: int, room: int) -> tuple[list[_Column], list[str]]:
    """The leading columns that fit, back in display order, and the names of the others."""
    most = max(1, room // max(1, rows))
    kept = columns[:most]
    left_out = [column.facts.name for column in columns[most:]]
    return sorted(kept, key=lambda column: (not column.key, _position(column, columns))), left_out


def _position(column: _Column, columns: list[_Column]) -> tuple[Any, ...]:
    return (columns.index(column),) if column.key else order_of(column.facts.name)


def _point(point: GridPoint, columns: Sequence[_Column], series: dict[str, dict[str, Any]]) -> dict[str, Any]:
    numbers = [
        [
            Number(family_mean(row.numbers, column.facts.name))
            if column.family
            else row.numbers.get(column.facts.name, Number(None))
            for column in columns
        ]
        for row in point.rows
    ]
    marks = [mark([row[i] for row in numbers], column.facts.direction) for i, column in enumerate(columns)]
    partitions = point.parameters.get("partitions", point.parameters.get("nodes"))
    return {
        "label": point.label,
        "partitions": partitions if isinstance(partitions, int) else None,
        "rows": [
            {
                "name": row.contender,
                "status": row.status,
                "error": row.error,
                "best": row.contender == point.answer.best,
                "pareto": row.contender in point.answer.pareto,
                "dropped": point.answer.dropped.get(row.contender),
            }
            for row in point.rows
        ],
        "values": [[_finite(number.value) for number in row] for row in numbers],
        "texts": [
            [
                format_value(_finite(number.value), column.facts.unit)
                for number, column in zip(row, columns, strict=True)
            ]
            for row in numbers
        ],
        "marks": [
            [0 if marks[j][i] is None else 1 if marks[j][i] == BEST else -1 for j in range(len(columns))]
            for i in range(len(numbers))
        ],
        "intervals": {
            f"{i}:{j}": [number.low, number.high, format_value(number.low, unit), format_value(number.high, unit)]
            for i, row in enumerate(numbers)
            for j, number in enumerate(row)
            if number.low is not None and number.high is not None
            for unit in (columns[j].facts.unit,)
        },
        "notes": {
            f"{i}:{j}": number.note for i, row in enumerate(numbers) for j, number in enumerate(row) if number.note
        },
        **{name: [by_cell.get(row.cell_id) for row in point.rows] for name, by_cell in series.items()},
    }


def _links(store: Source, run_id: str, experiment: ExperimentView, room: int) -> dict[str, dict[str, list[str]]]:
    """The busiest links of each cell's plans by action, in words, as far as there is room for them."""
    found: dict[str, dict[str, list[str]]] = {}
    for cell_id, plans in links_by_cell(store, run_id, experiment.index).items():
        room -= sum(map(len, plans.values()))
        if room < 0:
            break
        found[cell_id] = {
            action: [f"{label} {format_bytes(carried)}" for label, carried in links] for action, links in plans.items()
        }
    return found


def _loads(store: Source, run_id: str, experiment: ExperimentView, room: int) -> tuple[dict[str, dict[str, Any]], int]:
    """Each cell's load per partition or group of partitions, and the size of the largest group.

    Where capacities differ, `fair` has the fair share of each bar.
    """
    where = "run_id = ? AND experiment_index = ? AND name IN ('load', 'load_rows')"
    counts = store.query(
        f"SELECT count(DISTINCT cell_id) AS cells FROM series WHERE {where}", [run_id, experiment.index]
    ).to_pylist()
    bars = max(_FEWEST_BARS, room // max(1, counts[0]["cells"]))
    rows = store.query(
        f"""WITH fair AS (
                SELECT cell_id, position, value AS fair FROM series
                WHERE run_id = ? AND experiment_index = ? AND name = 'fair_load'),
            counted AS (
                SELECT cell_id, position, label, value, avg(value) OVER cell AS mean, fair,
                       value / coalesce(nullif(fair, 0), 1) AS relative, ceil(count(*) OVER cell / ?)::BIGINT AS size
                FROM series LEFT JOIN fair USING (cell_id, position) WHERE {where}
                WINDOW cell AS (PARTITION BY cell_id))
            SELECT cell_id, position // size AS bar, max(size) AS size, max(mean) AS mean,
                   max_by(value, relative) AS value, max_by(fair, relative) AS fair,
                   min_by(label, position) AS first, max_by(label, position) AS last
            FROM counted GROUP BY cell_id, position // size ORDER BY cell_id, bar""",
        [run_id, experiment.index, bars, run_id, experiment.index],
    ).to_pylist()
    loads: dict[str, dict[str, Any]] = {}
    largest = 1
    for row in rows:
        largest = max(largest, row["size"])
        load = loads.setdefault(row["cell_id"], {"mean": row["mean"], "size": row["size"], "labels": [], "values": []})
        load["labels"].append(row["first"] if row["first"] == row["last"] else f"{row['first']} … {row['last']}")
        load["values"].append(row["value"])
        if row["fair"] is not None:
            load.setdefault("fair", []).append(row["fair"])
    return loads, largest


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
