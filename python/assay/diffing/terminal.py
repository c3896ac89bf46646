"""A diff in the terminal: what was found in a line, the answers that changed, then every change by its verdict."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from rich.console import Console

from assay.diffing.changes import VERDICTS, Change, Outcome
from assay.diffing.wording import (
    MARKS,
    answer_words,
    change_words,
    gate_words,
    gone_words,
    labeller,
    sentence,
    side_words,
    value_words,
)
from assay.report.screen import Screen

if TYPE_CHECKING:
    from assay.diffing.result import Diff

__all__ = ["render"]

_MOST_ROWS = 25  # of one verdict, without --all
_INDENT = 4
_STYLES: dict[Outcome, str] = {
    "failed": "red",
    "worse": "red",
    "changed": "yellow",
    "better": "green",
    "recovered": "green",
    "unclear": "dim",
    "same": "dim",
}


def render(diff: Diff, *, all: bool = False, console: Console | None = None) -> None:
    """Prints the diff to `console` (standard output if None).

    Args:
        diff: What to print.
        all: Also what is unclear or the same, and every row.
        console: Where to.
    """
    screen = Screen(console or Console())
    style = {0: "bold", 1: "bold red", 3: "bold red", 4: "bold yellow"}[diff.exit_code]
    screen.line(sentence(diff), style)
    for judgement in diff.judgements:
        failed = judgement.exit_code != 0
        screen.line(f"{'✗ fails' if failed else '✓ passes'}: {gate_words(judgement)}", "red" if failed else "green")
    if diff.conditions and "failed" in diff.counts and not any(one.exit_code == 3 for one in diff.judgements):
        screen.line("✗ fails: cells of the candidate failed, which no gate lets pass", "red")
    for answer in diff.answers:
        screen.line(answer_words(answer), "yellow")
    rows = diff.rows(all=all)
    label = labeller(diff.compared)
    for verdict in VERDICTS:
        chosen = [row for row in rows if row.verdict == verdict]
        if chosen:
            _print_verdict(screen, verdict, chosen, label, all=all)
    screen.gap()
    for note in diff.notes:
        screen.line(f"Note: {note}", "yellow")
    unclear = diff.counts.get("unclear", 0)
    if unclear and not all:
        screen.line("--all shows what is unclear or the same too.", "dim")
    screen.line(f"base       {side_words(diff.base)}", "dim")
    screen.line(f"candidate  {side_words(diff.candidate)}", "dim")


def _print_verdict(
    screen: Screen, verdict: Outcome, rows: Sequence[Change], label: Callable[[Change], str], *, all: bool
) -> None:
    screen.gap()
    screen.line(f"{MARKS[verdict]} {verdict}: {VERDICTS[verdict]}", f"bold {_STYLES.get(verdict, '')}".strip())
    cells = [row for row in rows if row.metric is None]
    metrics = [row for row in rows if row.metric is not None]
    shown = cells if all else cells[:_MOST_ROWS]
    for row in shown:
        why = f": {'; '.join(row.notes)}" if row.notes else ""
        screen.line(f"{_cell(row, label)}{why}", _STYLES.get(verdict, ""), indent=2)
    left = len(cells) - len(shown)
    if verdict in ("removed", "added"):
        for words in gone_words(metrics):
            screen.line(words, indent=2)
    elif metrics:
        shown = metrics if all else metrics[:_MOST_ROWS]
        left += len(metrics) - len(shown)
        _print_metrics(screen, verdict, shown, label)
    if left:
        screen.line(f"and {left} more; --all shows them", "dim", indent=2)


def _print_metrics(screen: Screen, verdict: Outcome, rows: Sequence[Change], label: Callable[[Change], str]) -> None:
    """The metrics of each cell below its name; the columns of all cells are aligned."""
    by_cell: dict[str, list[Change]] = {}
    for row in rows:
        by_cell.setdefault(_cell(row, label), []).append(row)
    texts = {id(row): (*value_words(row), change_words(row)) for row in rows}
    widths = [max(len(texts[id(row)][column]) for row in rows) for column in range(3)]
    room = max(16, screen.width - sum(widths) - 2 * len(widths) - _INDENT)
    names = min(room, max(len(row.metric or "") for row in rows))
    for cell, own in by_cell.items():
        screen.line(cell, indent=2)
        for row in own:
            *values, change = (text.rjust(width) for text, width in zip(texts[id(row)], widths, strict=True))
            name = row.metric or ""
            if len(name) > names:  # its numbers follow on a line of their own
                screen.line(name, indent=_INDENT)
                name = ""
            line = screen.text(f"{' ' * _INDENT}{name:{names}}  {'  '.join(values)}  ")
            screen.console.print(line.append_text(screen.text(change, _STYLES.get(verdict, ""))), soft_wrap=True)
            if row.notes and verdict in ("unclear", "changed"):
                screen.line("; ".join(row.notes), "dim", indent=_INDENT + 2)


def _cell(row: Change, label: Callable[[Change], str]) -> str:
    where = label(row)
    return f"{row.contender}, {where}" if where else row.contender
