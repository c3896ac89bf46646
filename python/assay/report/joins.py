"""Joins on the page: the references of the data itself, and what each way to join costs under the best contender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.report.markup import Html, element, join, table
from assay.report.run_view import ExperimentView, GridPoint, Number
from assay.report.vocabulary import describe, split_name
from assay.units import format_value

__all__ = ["joins_tables"]

_IN_THE_DATA = ("matched_rows", "parent_rows", "orphan_rows", "orphan_values", "null_rows")
_COSTS = (
    "cross_join_share",
    "broadcast_bytes",
    "repartition_bytes",
    "denormalized_bytes",
    "update_rows_mean",
    "update_partitions_mean",
)
_HEADS = {"broadcast_bytes": "reference table", "repartition_bytes": "repartition, each join"}

Keys = Mapping[str, Mapping[str, Number]]  # by foreign key: metric without variable part → number


def joins_tables(experiment: ExperimentView) -> Html:
    """Both tables, as far as there is something to show."""
    units = {split_name(fact.name)[0]: fact.unit for fact in experiment.metrics}
    return join([_references(experiment, units), *(_costs(point, experiment, units) for point in experiment.points)])


def _references(experiment: ExperimentView, units: Mapping[str, str]) -> Html:
    """Foreign keys as they are in the data, whatever the contender: counts, and the most frequent orphans."""
    numbers: dict[str, Number] = {}
    for point in experiment.points:
        for row in point.rows:
            numbers |= {name: number for name, number in row.numbers.items() if name not in numbers}
    keys = {key: found for key, found in _by_key(numbers, _IN_THE_DATA).items() if "orphan_rows" in found}
    if not keys:
        return Html("")
    names = _present(keys, _IN_THE_DATA)
    examples = {
        key: (found["orphan_values"].note or "").removeprefix("most frequent: ")
        for key, found in keys.items()
        if "orphan_values" in found
    }
    heads = ["foreign key", *(describe(name).label for name in names)]
    rows = [[key, *_cells(found, names, units)] for key, found in sorted(keys.items())]
    if any(examples.values()):
        heads.append("most frequent orphans")
        rows = [[*row, element("span", examples.get(row[0], ""), class_="examples")] for row in rows]
    caption = "References of the data itself: orphans have no parent anywhere"
    return element("section", table(caption, heads, rows), class_="frame orphans")


def _costs(point: GridPoint, experiment: ExperimentView, units: Mapping[str, str]) -> Html:
    """What each way to join costs under the contender that is recommended, or that stands first."""
    best = (row for row in point.rows if row.contender == point.answer.best)
    shown = next(best, next(iter(point.rows), None))
    if shown is None:
        return Html("")
    keys = _by_key(shown.numbers, _COSTS)
    names = _present(keys, _COSTS)
    if "update_rows_mean" not in names:
        return Html("")
    heads = ["foreign key", *(_HEADS.get(name, describe(name).label) for name in names)]
    rows = [[key, *_cells(found, names, units)] for key, found in sorted(keys.items())]
    where = f" on {point.label}" if len(experiment.points) > 1 else ""
    caption = (
        f"Joins under {shown.contender}{where}: a reference table and denormalization are paid once and with every "
        "change, repartitioning with each join; an update is one of a parent whose columns were copied into its rows"
    )
    return element("section", table(caption, heads, rows), class_="frame orphans")


def _by_key(numbers: Mapping[str, Number], names: Sequence[str]) -> Keys:
    found: dict[str, dict[str, Number]] = {}
    for metric, number in numbers.items():
        base, key = split_name(metric)
        if base in names and key:
            found.setdefault(key, {})[base] = number
    return found


def _present(keys: Keys, names: Sequence[str]) -> list[str]:
    """The metrics that some foreign key has a value of, in the order of `names`."""
    return [name for name in names if any(name in found and found[name].value is not None for found in keys.values())]


def _cells(found: Mapping[str, Number], names: Sequence[str], units: Mapping[str, str]) -> list[str]:
    return [format_value(found[name].value if name in found else None, units.get(name, "count")) for name in names]
