"""The numbers that a page embeds: once, as columns, and never more than it can carry.

There is room for MOST_NUMBERS numbers, three quarters of them for metrics and a quarter for each kind of series; a page
that comes out too large is made again with less (`page.fitted`). Beyond the room the least telling metrics stay in the
store, cells that rank low are aggregated by family (`thinning.py`), and loads are joined into groups of adjacent
partitions, of which the fullest is kept; `notices` says so in words that the page shows.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.report.advice import advice_payload
from assay.report.growth import growth_by_cell
from assay.report.marks import BEST, mark
from assay.report.plans import links_by_cell
from assay.report.rebuild import rebuild_by_cell
from assay.report.rerun import point_again, rerun_of
from assay.report.run_view import (
    ExperimentView,
    GridPoint,
    MetricFacts,
    Number,
    Row,
    RunView,
    Source,
    family_mean,
)
from assay.report.series import other_series
from assay.report.thinning import AGGREGATED, thin
from assay.report.timed import latencies_by_name, ratios_by_metric, samples_by_metric
from assay.report.vocabulary import GROUPS, KEY_METRICS, SERIES, TRADE_OFFS, bounds_of, describe, split_name
from assay.units import format_bytes, format_value

__all__ = ["KEY_GROUP", "MOST_NUMBERS", "build_payload", "embed_run"]

MOST_NUMBERS = 32_000
KEY_GROUP = "Key metrics"

_SERIES_SHARE = 4  # a quarter of the room is kept for each kind of series
_FEWEST_BARS = 8
_FEWEST_CELLS = 40
_FEWEST_COLUMNS = 3  # are kept before cells are aggregated
_NUMBERS_OF_A_RATIO = 6
_KEYS = 8  # metrics that lead where none are listed for the kind
_NAMED = 12  # metrics that a notice lists


@dataclass(frozen=True)
class _Column:
    facts: MetricFacts
    label: str
    short: str
    group: str
    meaning: str
    key: bool
    family: bool  # the mean over `name.*`


def build_payload(store: Source, run: RunView, *, room: int | None = None, key: str = "") -> dict[str, Any]:
    """Everything that the page's script shows, as plain values for JSON.

    Args:
        store: Where the run is.
        run: The run, as it was read.
        room: How many numbers may be embedded; MOST_NUMBERS by default.
        key: What the experiments' names on the page begin with, where it shows several runs.

    Returns:
        {"run", "experiments": [{"index", "key", "noun", "columns", "groups", "axes", "again", "points", "advice",
        "ratios", "samples", "latencies", "series", "series_words", "fixed", "caches", "notices"}]}. A point holds its
        rows (names and flags), `values`, `texts` and `marks` (shape rows × columns), `intervals` and `notes` by
        "row:column", and `load`, `growth`, `rebuild` and `links`, the series of each row or None.
    """
    return {"run": run.run_id, "experiments": [data for _, data in embed_run(store, run, room=room, key=key)]}


def embed_run(
    store: Source, run: RunView, *, room: int | None = None, key: str = ""
) -> list[tuple[ExperimentView, dict[str, Any]]]:
    """Each experiment as the page shows it, with fewer rows where it has too many, and what the script needs of it."""
    room = (MOST_NUMBERS if room is None else room) // max(1, len(run.experiments))
    return [_experiment(store, run, experiment, room, key) for experiment in run.experiments]


def _fixed(experiment: ExperimentView) -> dict[str, Any]:
    """The parameters that are the same in every cell, but those that name a grid point all the same."""
    rows = [row.parameters for point in experiment.points for row in point.rows]
    named = {name for point in experiment.points for name in point.parameters}
    return {
        name: value
        for name, value in (rows[0] if rows else {}).items()
        if name not in named and value is not None and all(other.get(name) == value for other in rows)
    }


def _caches(run: RunView) -> list[list[Any]]:
    """The processor's caches by name and bytes, the smallest first; none where the run does not say."""
    return [[name, size] for name, size in (run.environment.get("cache_bytes") or {}).items()]


def _experiment(
    store: Source, run: RunView, experiment: ExperimentView, room: int, key: str
) -> tuple[ExperimentView, dict[str, Any]]:
    series_room = room // _SERIES_SHARE
    room -= series_room
    all_columns = _columns(experiment)
    experiment, notices = thin(experiment, max(_FEWEST_CELLS, room // min(_FEWEST_COLUMNS, max(1, len(all_columns)))))
    rows = sum(len(point.rows) for point in experiment.points)
    columns, left_out = _fit(all_columns, rows, room)
    if left_out:
        notices.append(
            f"{len(left_out)} metrics are not embedded, to keep the page small: {_listed(left_out)}. "
            "`assay sql` has them all."
        )
    own: dict[str, Any] = {"store": store, "run_id": run.run_id, "experiment_index": experiment.index}
    loads, group = _loads(store, run.run_id, experiment, series_room)
    if group > 1:
        notices.append(
            f"Loads are shown for groups of up to {group} adjacent partitions, to keep the page small: a bar is the "
            "fullest of its group. `assay sql` has every partition."
        )
    growth, without_growth = growth_by_cell(**own, room=series_room)
    if without_growth:
        notices.append(
            f"Growth is not drawn for {without_growth} of the cells, to keep the page small. `assay sql` has it all."
        )
    rebuild, without_rebuild = rebuild_by_cell(**own, room=series_room)
    if without_rebuild:
        notices.append(
            f"Rebuilds are not drawn for {without_rebuild} of the cells, to keep the page small; `assay sql` has all."
        )
    places = {row.cell_id: (p, i) for p, point in enumerate(experiment.points) for i, row in enumerate(point.rows)}
    ratios, without_ratio = ratios_by_metric(**own, places=places, room=series_room // _NUMBERS_OF_A_RATIO)
    if without_ratio:
        notices.append(f"{without_ratio:,} comparisons are not embedded; `assay sql` has them in timed_comparison.")
    samples, words = samples_by_metric(**own, places=places, room=series_room)
    notices += words
    latencies, without_latencies = latencies_by_name(**own, places=places, room=series_room)
    if without_latencies:
        notices.append(f"{without_latencies:,} latency distributions are not drawn; `assay sql` has them in histogram.")
    others, without_series = other_series(**own, places=places, room=series_room)
    if without_series:
        notices.append(f"{without_series:,} series are not drawn, to keep the page small; `assay sql` has them all.")
    series = {
        "load": loads,
        "growth": growth,
        "rebuild": rebuild,
        "links": _links(store, run.run_id, experiment, series_room),
    }
    data = {
        "index": experiment.index,
        "key": f"{key}{experiment.index}",
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
        "axes": _axes(experiment.kind, columns),
        "again": rerun_of(experiment),
        "advice": advice_payload(experiment),
        "points": [
            _point(
                point,
                columns,
                series,
                bounds_of(experiment.kind, point.answer.dropped),
                words=len(experiment.points) > 1,
            )
            for point in experiment.points
        ],
        "ratios": ratios,
        "samples": samples,
        "latencies": latencies,
        "series": others,
        "series_words": {name: SERIES[name] for name in others if name in SERIES},
        "fixed": _fixed(experiment),
        "caches": _caches(run),
        "notices": notices,
    }
    return experiment, data


def _axes(kind: str, columns: Sequence[_Column]) -> list[str]:
    """The two metrics that a trade-off shows first: as listed for the kind, else quality against time or bytes."""
    names = [column.facts.name for column in columns]
    for listed in TRADE_OFFS.get(kind, ()):
        if set(listed) <= set(names):
            return list(listed)
    told = [column for column in columns if column.key and column.facts.direction in ("lower", "higher")]
    costs = [column.facts.name for column in told if column.facts.kind == "timed" or column.facts.unit == "bytes"]
    qualities = [column.facts.name for column in told if column.facts.name not in costs]
    pair = [*qualities[:1], *costs[:1]] if costs and qualities else [*qualities, *costs][:2]
    return pair if len(pair) == 2 else []


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _columns(experiment: ExperimentView) -> list[_Column]:
    """Key metrics first, as they are listed; then all others in display order."""
    facts = {fact.name: fact for fact in experiment.metrics}
    families: dict[str, MetricFacts] = {}
    for fact in experiment.metrics:
        families.setdefault(split_name(fact.name)[0], fact)
    # An experiment that the vocabulary does not know leads with the metrics that have a better and a worse.
    telling = sorted(facts, key=lambda name: facts[name].direction == "none")
    key_names = KEY_METRICS.get(experiment.kind, tuple(telling[:_KEYS]))
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
    return kept, left_out


def _point(
    point: GridPoint,
    columns: Sequence[_Column],
    series: dict[str, dict[str, Any]],
    bounds: Collection[str],
    *,
    words: bool,
) -> dict[str, Any]:
    numbers = [
        [
            Number(family_mean(row.numbers, column.facts.name))
            if column.family
            else row.numbers.get(column.facts.name, Number(None))
            for column in columns
        ]
        for row in point.rows
    ]
    # What is aggregated is no contender, and a bound cannot be chosen: neither is best or worst.
    judged = [i for i, row in enumerate(point.rows) if row.status != AGGREGATED and row.contender not in bounds]
    marks = [[0] * len(columns) for _ in point.rows]
    for j, column in enumerate(columns):
        for i, found in zip(judged, mark([numbers[i][j] for i in judged], column.facts.direction), strict=True):
            marks[i][j] = 0 if found is None else 1 if found == BEST else -1
    partitions = point.parameters.get("partitions", point.parameters.get("nodes"))
    return {
        "label": point.label,
        "parameters": {name: value for name, value in point.parameters.items() if value is not None},
        "again": point_again(point),
        "sentence": point.answer.sentence if words else None,
        "partitions": partitions if isinstance(partitions, int) else None,
        "rows": [_row(row, point, bounds) for row in point.rows],
        "values": [[_finite(number.value) for number in row] for row in numbers],
        "texts": [
            [
                format_value(_finite(number.value), column.facts.unit)
                for number, column in zip(row, columns, strict=True)
            ]
            for row in numbers
        ],
        "marks": marks,
        "intervals": {
            f"{i}:{j}": [_short(number.low), _short(number.high)]
            for i, row in enumerate(numbers)
            for j, number in enumerate(row)
            if number.low is not None and number.high is not None
        },
        "notes": {
            f"{i}:{j}": number.note for i, row in enumerate(numbers) for j, number in enumerate(row) if number.note
        },
        **{name: [by_cell.get(row.cell_id) for row in point.rows] for name, by_cell in series.items() if by_cell},
    }


def _row(row: Row, point: GridPoint, bounds: Collection[str]) -> dict[str, Any]:
    """A contender's name, and what is not as usual with it."""
    found: dict[str, Any] = {"name": row.contender}
    if row.status != "done":
        found["status"] = row.status
    if row.error:
        found["error"] = row.error
    if row.contender == point.answer.best:
        found["best"] = True
    if row.contender in point.answer.pareto:
        found["pareto"] = True
    if row.contender in point.answer.dropped:
        found["dropped"] = point.answer.dropped[row.contender]
    if row.contender in bounds:
        found["bound"] = True
    return found


def _short(value: float) -> float | None:
    """A bound of an interval, as many digits as are shown of it."""
    return float(f"{value:.7g}") if math.isfinite(value) else None


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
