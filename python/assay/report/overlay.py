"""Several runs laid over each other: the numbers that they have in common, what changed first.

Cells are the same where kind, dataset, contender and parameters are. An exact number has changed if it differs at all;
one with intervals if they lie apart; what overlaps is within what was measured. That is a way to read a page, not a
verdict: `assay diff` judges two runs, with noise floors and limits.

Cost: one pass over the runs' numbers; the page embeds MOST_LINES of them, those that changed most first.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.report.run_view import ExperimentView, MetricFacts, Number, RunView
from assay.report.vocabulary import COUNTED, describe, settings_words

__all__ = ["MOST_LINES", "Line", "common_lines", "overlay_payload", "summary_of"]

MOST_LINES = 6_000
CHANGES = ("changed", "apart", "differs", "missing", "within", "same")  # most telling first

_Key = tuple[str, str | None, int, str, str]  # kind, dataset, which of them, contender, parameters


@dataclass(frozen=True)
class Line:
    """One metric of one cell in every run; None where a run lacks it."""

    contender: str
    where: str  # "flights, 8 partitions"
    metric: MetricFacts
    numbers: tuple[Number | None, ...]  # None also where a run has no such cell
    change: str  # one of CHANGES

    @property
    def effect(self) -> str:
        """Whether the last run is better or worse than the first; empty where that cannot be said."""
        known = [value for value in map(_value, self.numbers) if value is not None]
        if self.change not in ("changed", "apart") or len(known) < 2 or known[0] == known[-1]:
            return ""
        first, last = known[0], known[-1]
        if self.metric.direction not in ("lower", "higher"):
            return ""
        return "better" if (last < first) == (self.metric.direction == "lower") else "worse"


def common_lines(runs: Sequence[RunView]) -> list[Line]:
    """Every number of a cell that at least two runs have; what changed first, and most first among those.

    Args:
        runs: At least two, in the order in which the page shows them.
    """
    cells = [_cells(run) for run in runs]
    keys = dict.fromkeys(key for found in cells for key in found)
    places = _places(keys)
    lines = []
    for key in keys:
        having = [found.get(key) for found in cells]
        if sum(cell is not None for cell in having) < 2:
            continue
        facts: dict[str, MetricFacts] = {}
        for cell in having:
            facts |= {name: fact for name, fact in (cell[1] if cell else {}).items() if name not in facts}
        for name, fact in facts.items():
            numbers = tuple(None if cell is None else cell[0].get(name) for cell in having)
            if any(_value(number) is not None for number in numbers):
                present = [number for number, cell in zip(numbers, having, strict=True) if cell is not None]
                lines.append(Line(key[3], places[key], fact, numbers, _change(fact, present)))
    return sorted(lines, key=lambda line: (CHANGES.index(line.change), -_size(line)))


def summary_of(lines: Sequence[Line]) -> str:
    """How many numbers are common, and how many changed, in a sentence."""
    counts = {change: sum(line.change == change for line in lines) for change in CHANGES}
    if not lines:
        return "These runs have no cell in common: nothing can be laid over."
    told = [
        f"{counts['changed']:,} exact {'number differs' if counts['changed'] == 1 else 'numbers differ'}",
        f"{counts['apart']:,} lie apart beyond their intervals",
        f"{counts['differs']:,} differ without an interval" if counts["differs"] else "",
        f"{counts['missing']:,} are missing from a run" if counts["missing"] else "",
    ]
    return f"Of {len(lines):,} numbers that the runs share, {', '.join(word for word in told if word)}."


def overlay_payload(lines: Sequence[Line], names: Sequence[str]) -> dict[str, Any]:
    """What the page's script lays over, as plain values.

    Returns:
        {"runs": names, "metrics": [{"name", "label", "unit", "direction"}], "lines": [[contender, where, metric's
        position, values, intervals or None, change, effect]], "all": how many lines there are}.
    """
    places: dict[str, int] = {}
    metrics: list[dict[str, str]] = []
    embedded: list[list[Any]] = []
    for line in lines[:MOST_LINES]:
        if line.metric.name not in places:
            places[line.metric.name] = len(metrics)
            metrics.append(
                {
                    "name": line.metric.name,
                    "label": describe(line.metric.name).label,
                    "unit": line.metric.unit,
                    "direction": line.metric.direction,
                }
            )
        intervals = [None if number is None else _interval(number) for number in line.numbers]
        embedded.append(
            [
                line.contender,
                line.where,
                places[line.metric.name],
                [_value(number) for number in line.numbers],
                intervals if any(intervals) else None,
                line.change,
                line.effect,
            ]
        )
    return {"runs": list(names), "metrics": metrics, "lines": embedded, "all": len(lines)}


def _cells(run: RunView) -> dict[_Key, tuple[Mapping[str, Number], Mapping[str, MetricFacts]]]:
    """By key each cell's numbers and what was declared of them."""
    seen: dict[tuple[str, str | None], int] = {}
    found: dict[_Key, tuple[Mapping[str, Number], Mapping[str, MetricFacts]]] = {}
    for experiment in run.experiments:
        about = (experiment.kind, experiment.dataset["name"])
        which = seen[about] = seen.get(about, -1) + 1
        facts = {fact.name: fact for fact in experiment.metrics}
        for row in _rows(experiment):
            key = (*about, which, row.contender, json.dumps(row.parameters, sort_keys=True))
            found[key] = (row.numbers, {name: facts[name] for name in row.numbers})
    return found


def _rows(experiment: ExperimentView) -> list[Any]:
    return [row for point in experiment.points for row in point.rows]


def _places(keys: Iterable[_Key]) -> dict[_Key, str]:
    """What tells each cell from others of its contender, in words: its data and those parameters that vary."""
    keys = list(keys)
    parameters = {key: json.loads(key[4]) for key in keys}
    values: dict[str, set[str]] = {}
    for found in parameters.values():
        for name, value in found.items():
            values.setdefault(name, set()).add(json.dumps(value, sort_keys=True))
    names = {name for name, seen in values.items() if len(seen) > 1 or name in COUNTED}
    several = len({key[:3] for key in keys}) > 1
    places = {}
    for key in keys:
        kind, dataset, which, _, _ = key
        words = [f"{dataset or kind}{f' ({which + 1})' if which else ''}"] if several else []
        words += [settings_words({name: value for name, value in parameters[key].items() if name in names})]
        places[key] = ", ".join(word for word in words if word) or dataset or kind
    return places


def _value(number: Number | None) -> float | None:
    return None if number is None or number.value is None or not math.isfinite(number.value) else number.value


def _interval(number: Number) -> list[float] | None:
    if number.low is None or number.high is None:
        return None
    return [float(f"{number.low:.7g}"), float(f"{number.high:.7g}")]


def _change(fact: MetricFacts, numbers: Sequence[Number | None]) -> str:
    values = [_value(number) for number in numbers]
    if any(value is None for value in values):
        return "missing"
    if len(set(values)) == 1:
        return "same"
    if fact.kind == "exact":
        return "changed"
    known = [number for number in numbers if number is not None and number.low is not None and number.high is not None]
    if len(known) < len(numbers):
        return "differs"
    highest_low = max(number.low for number in known if number.low is not None)
    lowest_high = min(number.high for number in known if number.high is not None)
    return "apart" if highest_low > lowest_high else "within"


def _size(line: Line) -> float:
    """How far the values are apart: the logarithm of the greatest over the least, or all there is if one is 0."""
    values = [value for value in map(_value, line.numbers) if value is not None]
    if not values or min(values) == max(values):
        return 0.0
    least, most = sorted((abs(min(values, key=abs)), abs(max(values, key=abs))))
    return math.inf if least == 0 else math.log(most / least) if most != least else 1.0
