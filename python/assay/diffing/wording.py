"""The words for a diff, the same in the terminal, in Markdown and on a badge."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from assay.diffing.changes import AnswerChange, Change, Outcome
from assay.diffing.gate import Judgement
from assay.diffing.reading import Side
from assay.report.vocabulary import COUNTED, settings_words
from assay.units import format_value

if TYPE_CHECKING:
    from assay.diffing.result import Diff

__all__ = [
    "MARKS",
    "answer_words",
    "change_words",
    "counted_words",
    "gate_words",
    "gone_words",
    "labeller",
    "sentence",
    "side_words",
    "value_words",
]

_DIGITS_OF_A_DOUBLE = 17

MARKS: dict[Outcome, str] = {
    "failed": "✗",
    "worse": "▼",
    "changed": "◆",
    "better": "▲",
    "removed": "−",
    "added": "+",
    "recovered": "✓",
    "unclear": "?",
    "same": "=",
}
_MOST_MET = 3  # of what met a condition
_UNSHOWN = ("same", "unclear")


def sentence(diff: Diff) -> str:
    """What was found, in one line, with what is to be done where nothing was."""
    if not diff.metrics_compared and not diff.counts:
        return "Nothing could be compared: neither run has a cell."
    if not diff.metrics_compared:
        if "failed" in diff.counts:
            return f"Nothing could be compared: {counted_words(diff)}."
        return (
            f"Nothing could be compared: the runs share no metric ({counted_words(diff)}); "
            "`assay list runs` shows what each measured."
        )
    changed = [verdict for verdict in diff.counts if verdict not in _UNSHOWN]
    answers = [f"{len(diff.answers)} answer{'s' if len(diff.answers) > 1 else ''} changed"] if diff.answers else []
    if not changed and not answers:
        return f"No change was found: {counted_words(diff)}."
    return f"{', '.join([*answers, counted_words(diff)])}."


def counted_words(diff: Diff) -> str:
    """How many of each verdict: `2 worse, 1 better, 40 same`; cells that fail are counted as cells."""
    words = []
    for verdict, count in diff.counts.items():
        cells = sum(row.metric is None for row in diff.compared if row.verdict == verdict)
        if cells and cells < count:
            words.append(f"{cells} cell{'s' if cells > 1 else ''} and {count - cells} metrics {verdict}")
        else:
            words.append(f"{count} cell{'s' if count > 1 else ''} {verdict}" if cells else f"{count} {verdict}")
    return ", ".join(words)


def gate_words(judgement: Judgement) -> str:
    """What became of one condition."""
    name = judgement.condition.spelled
    count = len(judgement.met)
    if count:
        shown = [_met_words(one) for one in sorted(judgement.met, key=_by_size)[:_MOST_MET]]
        more = f", and {count - len(shown)} more" if count > len(shown) else ""
        return f"{name} holds for {count} of {judgement.judged}: {', '.join(shown)}{more}"
    if not judgement.judged:
        return f"{name}: there was nothing to judge"
    return f"{name} holds for none of {judgement.judged}"


def _by_size(one: Change | AnswerChange) -> float:
    return -one.share if isinstance(one, Change) else 0.0


def _met_words(one: Change | AnswerChange) -> str:
    """What met a condition, in few words."""
    if isinstance(one, AnswerChange):
        return f"{one.base or 'none'} → {one.candidate or 'none'}"
    change = change_words(one).partition(" (")[0]
    return " ".join(part for part in (one.contender, one.metric or "", change) if part)


def side_words(side: Side) -> str:
    """A run in one line."""
    if side.commit is not None:
        return f"{side.name}, {side.suite}, measured {_time(side)}, assay {side.tool_version}"
    label = f' "{side.label}"' if side.label else ""
    where = f" in {side.store}" if side.store else ""
    return f"{side.suite}{label}, run {side.run_id}{where}, {_time(side)}, assay {side.tool_version}"


def _time(side: Side) -> str:
    return side.started[:16].replace("T", " ")


def answer_words(answer: AnswerChange) -> str:
    """What is recommended now, or what became of a claim."""
    if answer.question == "claim":
        return f'The claim "{answer.about}" was {answer.base} and is {answer.candidate}.'
    counted = settings_words({name: value for name, value in answer.parameters.items() if name in COUNTED})
    where = f" at {counted}" if counted else ""
    return (
        f"The answer changed: {answer.question} of {answer.about}{where}: {answer.base or 'none'} → "
        f"{answer.candidate or 'none'}."
    )


def change_words(row: Change) -> str:
    """How large a change is: `+8.3 % (+6.1 to +10.2 %)`; nothing where a side has no number."""
    if row.base is None or row.candidate is None:
        return ""
    if row.base == row.candidate and row.kind != "timed":
        return ""
    if row.ratio is None:
        return "from 0"
    change = _percent(row.ratio - 1 if row.kind == "timed" else (row.candidate - row.base) / abs(row.base))
    if row.kind == "timed" and row.low is not None and row.high is not None:
        low, high = (_percent(end - 1).removesuffix(" %") for end in (row.low, row.high))
        return f"{change} ({low} to {high} %)"
    return change


def value_words(row: Change) -> tuple[str, str]:
    """Both values as people read them; exact ones with more digits where they would look alike but are not."""
    unit = row.unit or "count"
    if unit == "ns" and row.base is not None and row.candidate is not None and max(row.base, row.candidate) < 10:
        return f"{row.base:.2f} ns", f"{row.candidate:.2f} ns"
    texts = format_value(row.base, unit), format_value(row.candidate, unit)
    if texts[0] == texts[1] and row.base is not None and row.candidate is not None and row.base != row.candidate:
        return texts if row.kind == "timed" else _told_apart(row.base, row.candidate, unit)
    return texts


def _told_apart(base: float, candidate: float, unit: str) -> tuple[str, str]:
    """Two values that differ with as few digits as show it; those of a double at most."""
    scale, sign = (100, " %") if unit == "share" else (1, "")
    for digits in range(4, _DIGITS_OF_A_DOUBLE):
        shown = f"{scale * base:.{digits}g}{sign}", f"{scale * candidate:.{digits}g}{sign}"
        if shown[0] != shown[1]:
            return shown
    return f"{base!r}", f"{candidate!r}"


def gone_words(rows: Sequence[Change]) -> list[str]:
    """Metrics that only one side has, by name: `lookup_ns: only the base has it, in 40 cells`."""
    by_name: dict[tuple[str, Outcome], int] = {}
    for row in rows:
        if row.metric is not None and row.verdict in ("removed", "added"):
            by_name[row.metric, row.verdict] = by_name.get((row.metric, row.verdict), 0) + 1
    return [
        f"{name}: only the {'base' if verdict == 'removed' else 'candidate'} has it, in {count} "
        f"cell{'s' if count > 1 else ''}"
        for (name, verdict), count in by_name.items()
    ]


def labeller(rows: Sequence[Change]) -> Callable[[Change], str]:
    """What tells a row's cell from cells of the same contender: the settings in which the cells differ.

    Datasets and experiments are named where there are several.
    """
    names = sorted({name for row in rows for name in row.parameters})
    varying = [
        name
        for name in names
        if len({json.dumps(row.parameters.get(name), sort_keys=True) for row in rows}) > 1 or name in COUNTED
    ]
    kinds = {row.experiment for row in rows}
    datasets = {row.dataset for row in rows}

    def label(row: Change) -> str:
        settings: Mapping[str, object] = {name: row.parameters.get(name) for name in varying}
        parts = [settings_words(settings)]
        parts += [row.dataset] if len(datasets) > 1 else []
        parts += [row.experiment] if len(kinds) > 1 else []
        return ", ".join(part for part in parts if part)

    return label


def _percent(share: float) -> str:
    """A share with its sign, with as many digits as tell it from 0."""
    percent = 100 * share
    if not math.isfinite(percent):
        return ""
    if abs(percent) >= 1000:
        return f"{percent:+,.0f} %"
    if percent == 0 or abs(percent) >= 0.05:
        return f"{percent:+.1f} %"
    return f"{percent:+.1g} %"
