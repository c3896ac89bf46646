"""A run in the terminal: the answer in a sentence, then the tables, then what to be careful about.

The table takes as many key metrics as the width allows, most telling first; names wrap, numbers
never do. Best and worst carry a sign as well as a colour, so that nothing depends on colour alone.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from assay.report.advice_terminal import print_advice
from assay.report.claims import print_claims
from assay.report.expectations import expectation_words
from assay.report.formats import to_rows
from assay.report.key_table import KeyColumn, key_columns, wrap_name
from assay.report.marks import BEST, WORST
from assay.report.plans import links_by_cell, plan_sentences
from assay.report.run_reader import read_run
from assay.report.run_view import ExpectationView, ExperimentView, GridPoint, RunView, Source, point_sentence
from assay.report.screen import Screen, plain
from assay.units import count_of

__all__ = ["render", "to_rows"]

_NAME_WIDTH_MIN = 22
_STYLES = {BEST: "green", WORST: "yellow"}
_LEGEND = "▶ recommended  ★ Pareto set: no other beats it everywhere  ▲ best  ▼ worst"
_SIGNS = {BEST: "▲", WORST: "▼"}


def render(store: Source, run_id: str, *, console: Console | None = None, experiment_index: int | None = None) -> None:
    """Prints the run, or one of its experiments, to `console` (standard output if None).

    Raises:
        UnknownNameError: the store holds no such run.
    """
    screen = Screen(console or Console())
    run = read_run(store, run_id)
    if run.status == "failed":
        screen.line(f"Parts of run {run.run_id} failed; the rest follows, and what went wrong below it.", "yellow")
    elif run.status != "done":
        screen.line(f"Run {run.run_id} is {run.status}: what follows is what was committed so far.", "yellow")
    chosen = [e for e in run.experiments if experiment_index in (None, e.index)]
    for experiment in chosen:
        _print_experiment(screen, experiment, links_by_cell(store, run_id, experiment.index))
    if run.claims and experiment_index is None:
        screen.gap()
        print_claims(run, screen)
    if not chosen and not run.claims:
        screen.line("This run holds no results.", "yellow")
    if experiment_index is None:
        _print_closing(screen, run)


def _print_experiment(screen: Screen, experiment: ExperimentView, links: Mapping[str, Any]) -> None:
    if experiment.advice is not None:
        print_advice(screen, experiment)
        _print_failures(screen, experiment)
        _print_errors(screen, experiment)
        _print_expectations(screen, experiment)
        return
    several = len(experiment.points) > 1
    for point in experiment.points:
        screen.line(point_sentence(experiment, point), "bold")
        for finding in point.answer.findings:
            screen.line(finding, "yellow")
    if not experiment.points:
        screen.line(f"No {experiment.noun} was measured.", "yellow")
    dataset = experiment.dataset
    rows = "" if dataset["rows"] is None else f", {count_of(dataset['rows'], 'row')}"
    screen.line(experiment.question + (f" · {dataset['name']}{rows}" if dataset["name"] else ""), "dim")
    for point in experiment.points:
        if several:
            screen.gap()
            screen.line(point.label, "bold")
        _print_point(screen, experiment, point, links)
    if experiment.points:
        screen.gap()
        screen.line(_LEGEND, "dim")
    for rule in dict.fromkeys(point.answer.rule for point in experiment.points if point.answer.rule):
        screen.line(f"Rule: {rule}.", "dim")
    _print_errors(screen, experiment)
    _print_expectations(screen, experiment)
    if experiment.reading:
        screen.gap()
        screen.line(experiment.reading, "italic")


def _print_failures(screen: Screen, experiment: ExperimentView) -> None:
    for point in experiment.points:
        for row in point.rows:
            if row.status == "failed":
                reason = row.error or "no reason was recorded"
                screen.line(f"✗ {row.contender}, {point.label}: failed: {reason}", "red")


def _print_errors(screen: Screen, experiment: ExperimentView) -> None:
    """What failed of the experiment as a whole, once all its contenders were told of."""
    for error in experiment.errors:
        screen.line(f"✗ {error}", "red")


def _print_point(screen: Screen, experiment: ExperimentView, point: GridPoint, links: Mapping[str, Any]) -> None:
    screen.gap()
    columns, left_out = _fitting(key_columns(experiment, point), point, screen.width)
    screen.console.print(_table(screen, experiment, point, columns))
    if left_out:
        screen.line(f"Not shown at this width: {', '.join(column.heading for column in left_out)}.", "dim")
    for contender, reason in point.answer.dropped.items():
        screen.line(f"Dropped: {contender}: {reason}.", "dim")
    for row in point.rows:
        if row.status == "failed":
            screen.line(f"✗ {row.contender} failed: {row.error or 'no reason was recorded'}", "red")
    for note in point.answer.notes:
        screen.line(f"Note: {note}", "yellow")
    measured = [row for row in point.rows if row.status != "failed"]
    if measured:
        first = next((row for row in measured if row.contender == point.answer.best), measured[0])
        for line in plan_sentences(first, links.get(first.cell_id, {})):
            screen.line(f"Plan for {first.contender}, {line}.")


def _fitting(columns: list[KeyColumn], point: GridPoint, width: int) -> tuple[list[KeyColumn], list[KeyColumn]]:
    """The leading columns that leave room for the names, and those left out."""
    longest = max((len(row.contender) + 4 for row in point.rows), default=0)
    room = width - min(_NAME_WIDTH_MIN, longest)
    taken: list[KeyColumn] = []
    for column in columns:
        room -= _column_width(column) + 1
        if room < 0:
            break
        taken.append(column)
    return taken, columns[len(taken) :]


def _column_width(column: KeyColumn) -> int:
    """Wide enough for the longest word of the heading and the longest number with its sign."""
    return 2 + max(map(len, [*column.heading.split(), *column.texts]))


def _table(screen: Screen, experiment: ExperimentView, point: GridPoint, columns: list[KeyColumn]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    numbers_width = sum(_column_width(column) + 1 for column in columns)
    name_width = max(_NAME_WIDTH_MIN, screen.width - numbers_width - 1)
    headings = [textwrap.wrap(column.heading, _column_width(column)) for column in columns]
    height = max((len(lines) for lines in headings), default=1)
    table.add_column(screen.text("\n" * (height - 1) + "   " + experiment.noun), max_width=name_width)
    for column, lines in zip(columns, headings, strict=True):
        heading = "\n".join([""] * (height - len(lines)) + [f"{line}  " for line in lines])
        table.add_column(screen.text(heading), justify="right", width=_column_width(column), no_wrap=True)
    for i, row in enumerate(point.rows):
        best = row.contender == point.answer.best
        sign = ("▶" if best else " ") + ("★" if row.contender in point.answer.pareto else " ")
        lines = wrap_name(plain(row.contender), name_width - 3)
        name = f"\n{' ' * 3}".join(lines)
        style = "bold" if best else "red" if row.status == "failed" else ""
        style = "dim" if row.contender in point.answer.dropped else style
        cells = [_cell(screen, column, i) for column in columns]
        table.add_row(screen.text(f"{sign} ", style).append_text(screen.text(name, style)), *cells)
    return table


def _cell(screen: Screen, column: KeyColumn, i: int) -> Text:
    marked = column.marks[i]
    sign = _SIGNS.get(marked or "", " ")
    return screen.text(f"{column.texts[i]} {sign}", _STYLES.get(marked or "", ""))


def _print_expectations(screen: Screen, experiment: ExperimentView) -> None:
    units = {fact.name: fact.unit for fact in experiment.metrics}
    if not experiment.expectations:
        return
    screen.gap()
    met = sum(expected.met is True for expected in experiment.expectations)
    screen.line(f"{met} of {len(experiment.expectations)} expectations met.")
    for expected in _unmet(experiment.expectations):
        words = expectation_words(expected, units.get(expected.metric, "count"))
        screen.line(f"✗ {words}", "red" if expected.met is False else "yellow", indent=2)


def _unmet(expectations: Iterable[ExpectationView]) -> list[ExpectationView]:
    return [expected for expected in expectations if expected.met is not True]


def _print_closing(screen: Screen, run: RunView) -> None:
    screen.gap()
    screen.line(f"run {run.run_id} · assay {run.tool_version} · seed {run.seed} · again:", "dim")
    screen.command(run.command, "dim")
