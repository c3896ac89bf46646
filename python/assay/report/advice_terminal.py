"""An advice in the terminal: the recommendation, the candidates worth a line, the limits and the keys."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table

from assay.report.advice import (
    AdviceColumn,
    Candidate,
    advice_columns,
    counted,
    keys_of,
    limit_words,
    set_of,
    shown_candidates,
)
from assay.report.key_table import wrap_name
from assay.report.run_view import ExperimentView
from assay.report.screen import Screen, plain
from assay.units import count_of

__all__ = ["print_advice"]

_NAME_WIDTH_MIN = 22
_REJECTED_AT_MOST = 6
_LEGEND = "▶ recommended  ★ Pareto set: meets all limits, and none that does beats it everywhere  ✗ misses a limit"


def print_advice(screen: Screen, experiment: ExperimentView) -> None:
    """Prints the answer over the whole grid."""
    answer = experiment.advice
    assert answer is not None and answer.advice is not None, "an advice is what makes it one"
    screen.line(answer.sentence, "bold")
    for finding in answer.findings:
        screen.line(finding, "yellow")
    dataset, candidates = experiment.dataset, answer.advice["candidates"]
    rows = "" if dataset["rows"] is None else f", {count_of(dataset['rows'], 'row')}"
    screen.line(f"{experiment.question} · {dataset['name']}{rows}, {len(candidates):,} candidates", "dim")
    shown = shown_candidates(answer.advice)
    if shown:
        screen.gap()
        _print_table(screen, experiment, shown)
        _print_reasons(screen, shown)
        left = len(candidates) - len(shown)
        if left:
            screen.line(f"{left:,} more: --report FILE shows all, --format csv their numbers.", "dim")
        screen.gap()
        screen.line(_LEGEND, "dim")
    screen.line(f"Rule: {answer.rule}.", "dim")
    words = "; ".join(limit_words(answer.advice))
    screen.line(f"Limits, each with how many of the {len(candidates):,} candidates miss it: {words}.", "dim")
    _print_keys(screen, answer.advice)
    for note in answer.notes:
        screen.line(f"Note: {note}", "yellow")


def _print_table(screen: Screen, experiment: ExperimentView, shown: Sequence[Candidate]) -> None:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    counts = AdviceColumn("partitions", "partitions", "", [counted(one) for one in shown], [False] * len(shown))
    columns = _fitting([counts, *advice_columns(shown)], screen.width - _NAME_WIDTH_MIN)
    name_width = max(_NAME_WIDTH_MIN, screen.width - sum(_width(column) + 1 for column in columns) - 1)
    headings = [textwrap.wrap(column.heading, _width(column)) for column in columns]
    height = max(len(lines) for lines in headings)
    table.add_column(screen.text("\n" * (height - 1) + "   " + experiment.noun), max_width=name_width)
    for column, lines in zip(columns, headings, strict=True):
        heading = "\n".join([""] * (height - len(lines)) + [f"{line}  " for line in lines])
        table.add_column(screen.text(heading), justify="right", width=_width(column), no_wrap=True)
    for i, candidate in enumerate(shown):
        sign = ("▶" if candidate["best"] else " ") + ("★" if candidate["pareto"] else " ")
        style = "bold" if candidate["best"] else "dim" if set_of(candidate) == "misses a limit" else ""
        name = f"\n{' ' * 3}".join(wrap_name(plain(candidate["contender"]), name_width - 3))
        cells = [
            screen.text(f"{column.texts[i]} {'✗' if column.misses[i] else ' '}", "red" if column.misses[i] else style)
            for column in columns
        ]
        table.add_row(screen.text(f"{sign} ", style).append_text(screen.text(name, style)), *cells)
    screen.console.print(table)


def _fitting(columns: list[AdviceColumn], room: int) -> list[AdviceColumn]:
    taken = []
    for column in columns:
        room -= _width(column) + 1
        if room < 0:
            break
        taken.append(column)
    return taken


def _width(column: AdviceColumn) -> int:
    return 2 + max(map(len, [*column.heading.split(), *column.texts]))


def _print_reasons(screen: Screen, shown: Sequence[Candidate]) -> None:
    """Why the runners-up lost, and what those that are out miss."""
    best = next((one for one in shown if one["best"]), None)
    # What lost to fewer partitions lost by the rule; the reasons at the recommended number are worth a line.
    runners = [one for one in shown if best and one["parameters"] == best["parameters"] and not one["broken"]][1:]
    # Without a recommendation the table's marks say all.
    excluded = [one for one in shown if one["broken"]] if best else []
    for one in [*runners, *excluded]:
        kind = "Excluded" if one["broken"] else "Lost"
        screen.line(f"{kind}: {one['contender']} on {counted(one)}: {one['lost']}.", "dim")


def _print_keys(screen: Screen, advice: Mapping[str, Any]) -> None:
    tried, rejected = keys_of(advice, tried=True), keys_of(advice, tried=False)
    if tried:
        screen.line("Keys tried: " + "; ".join(f"{name}: {words}" for name, words in tried) + ".", "dim")
    if rejected:
        shown = "; ".join(f"{name}: {words}" for name, words in rejected[:_REJECTED_AT_MOST])
        more = len(rejected) - _REJECTED_AT_MOST
        screen.line(f"Not tried: {shown}{f'; and {more} more' if more > 0 else ''}.", "dim")
