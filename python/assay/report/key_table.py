"""The table of contenders × key metrics that the terminal and Markdown show.

A column is a metric or, for a family such as `cross_join_share.FK`, the mean over its members.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from assay.report.marks import mark
from assay.report.run_view import ExperimentView, GridPoint, Number, family_mean
from assay.report.vocabulary import KEY_METRICS, bounds_of, describe, split_name
from assay.units import format_value

__all__ = ["KeyColumn", "key_columns", "wrap_name"]

_MOST_COLUMNS = 8


@dataclass(frozen=True)
class KeyColumn:
    """One column: its heading, and for each row of the grid point the text and the mark."""

    metric: str
    heading: str
    texts: Sequence[str]
    marks: Sequence[str | None]  # BEST, WORST or None


def key_columns(experiment: ExperimentView, point: GridPoint) -> list[KeyColumn]:
    """The columns of a grid point, most telling first; metrics that nothing has are left out.

    An experiment without a list of key metrics shows its first ones in display order.
    """
    facts = {fact.name: fact for fact in experiment.metrics}
    families = {split_name(fact.name)[0]: fact for fact in experiment.metrics}
    names = KEY_METRICS.get(experiment.kind) or tuple(facts)[:_MOST_COLUMNS]
    bounds = bounds_of(experiment.kind, point.answer.dropped)
    columns = []
    for name in names:
        fact = facts.get(name) or families.get(name)
        if fact is None:
            continue
        numbers = [row.numbers.get(name) or Number(family_mean(row.numbers, name)) for row in point.rows]
        if all(number.value is None for number in numbers):
            continue
        heading = describe(name).short + ("" if name in facts else " (mean)")
        texts = [format_value(number.value, fact.unit) for number in numbers]
        # A bound cannot be chosen: it is neither best nor worst.
        judged = [i for i, row in enumerate(point.rows) if row.contender not in bounds]
        marks: list[str | None] = [None] * len(numbers)
        for i, found in zip(judged, mark([numbers[i] for i in judged], fact.direction), strict=True):
            marks[i] = found
        columns.append(KeyColumn(name, heading, texts, marks))
    return columns


def wrap_name(name: str, width: int) -> list[str]:
    """A contender's spelling in lines of at most `width`, broken after commas and brackets, not in quotes, if possible.

    >>> wrap_name("composite(list(origin),hash(tailnum))", 24)
    ['composite(list(origin),', 'hash(tailnum))']
    """
    pieces, piece, quoted = [], "", False
    for character in name:
        piece += character
        quoted ^= character == '"'
        if character in ",( " and not quoted:
            pieces.append(piece)
            piece = ""
    pieces.append(piece)
    lines = [""]
    for part in pieces:
        if lines[-1] and len(lines[-1]) + len(part) > width:
            lines.append("")
        lines[-1] += part
        while len(lines[-1]) > width:
            lines[-1], rest = lines[-1][:width], lines[-1][width:]
            lines.append(rest)
    return [line for line in lines if line] or [""]
