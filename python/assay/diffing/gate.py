"""What makes a diff fail: the conditions of `--fail-on`, and the exit code that follows.

    worse             a metric moved against its direction
    worse:5%          ... by more than 5 % of the base; of timed metrics the whole interval is beyond 5 %
    worse:lookup_ns:5%   only this metric; `moved_share` means all of its family
    changed           anything exact or sure differs, better or worse; what is recommended too
    unclear           a timed, seeded or estimated metric that allows for a change and for none
    unclear:5%        a timed metric that may be worse by more than 5 %, or may not
    removed           a cell or a metric that only the base has
    answer            what is recommended, or the verdict on a claim, is another
    failed            a cell has an error where the base has numbers; every other condition implies it

Several are separated by commas. Exit codes: 3 a cell failed, else 1 a condition is met, else 4 nothing was
there to be judged, or `unclear` is met, else 0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from assay.diffing.changes import AnswerChange, Change
from assay.errors import SpellingError, UnknownNameError

__all__ = ["STATES", "Condition", "Judgement", "judge_condition", "parse_conditions"]

STATES = ("worse", "changed", "unclear", "removed", "answer", "failed")
_SIZED = ("worse", "changed", "unclear")
_WITH_METRIC = (*_SIZED, "removed")
_SIZE = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*%")
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?")
_EXAMPLE = 'such as "worse:5%" or "worse:lookup_ns:5%"'


@dataclass(frozen=True)
class Condition:
    """One condition: a state, perhaps of one metric, perhaps beyond a share of the base."""

    state: str
    metric: str | None = None
    share: float = 0.0

    @property
    def spelled(self) -> str:
        """As `--fail-on` takes it."""
        size = f"{100 * self.share:g}%" if self.share else None
        return ":".join(part for part in (self.state, self.metric, size) if part)


@dataclass(frozen=True)
class Judgement:
    """What became of a condition: `met` holds what met it, `judged` counts what it looked at."""

    condition: Condition
    met: tuple[Change | AnswerChange, ...]
    judged: int

    @property
    def exit_code(self) -> int:
        """0 not met; 1 met; 3 met by a failed cell; 4 met by unclear numbers, or there was nothing to judge."""
        if self.met:
            return {"failed": 3, "unclear": 4}.get(self.condition.state, 1)
        return 0 if self.judged else 4


def parse_conditions(texts: str | Iterable[str] | None) -> list[Condition]:
    """The conditions of one or several `--fail-on`.

    Raises:
        SpellingError: A condition that is none; the message names it and what was expected.

    >>> parse_conditions("worse:lookup_ns:5%, removed")
    [Condition(state='worse', metric='lookup_ns', share=0.05), Condition(state='removed', metric=None, share=0.0)]
    """
    if texts is None:
        return []
    found = [
        _condition(part.strip()) for text in ([texts] if isinstance(texts, str) else texts) for part in text.split(",")
    ]
    return list(dict.fromkeys(found))


def _condition(text: str) -> Condition:
    if not text:
        raise SpellingError(f"--fail-on holds an empty condition; expected one of {', '.join(STATES)}, {_EXAMPLE}")
    state, *rest = [part.strip() for part in text.split(":")]
    if state not in STATES:
        error = UnknownNameError.of("condition", state, STATES, hint=f"expected STATE[:METRIC][:SIZE%], {_EXAMPLE}")
        raise SpellingError(f"--fail-on {text}: {error}")
    metric, share = None, None
    for part in rest:
        size = _SIZE.fullmatch(part)
        if size is not None and share is None:
            share = float(size[1]) / 100
        elif _NUMBER.fullmatch(part.rstrip("% ")):
            why = "there are two sizes" if size is not None else f'"{part}" is no size; write it in percent'
            raise SpellingError(f"--fail-on {text}: {why}; expected a number not below 0 and %, {_EXAMPLE}")
        elif part and metric is None and share is None and re.fullmatch(r"[A-Za-z_][\w.]*", part):
            metric = part
        else:
            raise SpellingError(
                f'--fail-on {text}: "{part}" is out of place; expected STATE[:METRIC][:SIZE%], {_EXAMPLE}'
            )
    if share is not None and state not in _SIZED:
        raise SpellingError(f"--fail-on {text}: {state} takes no size; only {', '.join(_SIZED)} do")
    if metric is not None and state not in _WITH_METRIC:
        raise SpellingError(f"--fail-on {text}: {state} takes no metric; only {', '.join(_WITH_METRIC)} do")
    return Condition(state, metric, share or 0.0)


def judge_condition(
    condition: Condition, rows: Sequence[Change], answers: Sequence[AnswerChange], *, cells: int, answered: int
) -> Judgement:
    """What meets a condition.

    Args:
        condition: One of `parse_conditions`.
        rows: Everything that was compared.
        answers: The answers that changed.
        cells: How many cells of the base have a counterpart or are removed.
        answered: How many answers were compared.

    Raises:
        UnknownNameError: Neither side has the condition's metric.
    """
    if condition.metric is not None:
        known = {row.metric for row in rows if row.metric is not None}
        if not any(_named(condition.metric, name) for name in known):
            raise UnknownNameError.of("metric", condition.metric, known, hint=f"--fail-on {condition.spelled}")
        rows = [row for row in rows if row.metric is not None and _named(condition.metric, row.metric)]
    state, share = condition.state, condition.share
    both = [row for row in rows if row.metric is not None and row.verdict not in ("added", "removed")]
    judged = [row for row in both if row.judged]
    if state == "failed":
        return Judgement(condition, tuple(row for row in rows if row.verdict == "failed"), cells)
    if state == "answer":
        return Judgement(condition, tuple(answers), answered)
    if state == "removed":
        return Judgement(condition, tuple(row for row in rows if row.verdict == "removed"), cells)
    if state == "unclear":
        if share:
            timed = [row for row in both if row.kind == "timed"]
            return Judgement(condition, tuple(row for row in timed if row.perhaps_worse_beyond(share)), len(timed))
        return Judgement(condition, tuple(row for row in both if row.verdict == "unclear"), len(both))
    if state == "worse":
        directed = [row for row in judged if row.direction != "none"]
        met = [row for row in directed if row.verdict == "worse" and (not share or row.surely_beyond(share))]
        return Judgement(condition, tuple(met), len(directed))
    moved = [
        row
        for row in judged
        if row.verdict in ("worse", "better", "changed") and (not share or row.surely_beyond(share))
    ]
    return Judgement(condition, (*moved, *(() if condition.metric else answers)), len(judged))


def _named(wanted: str, name: str | None) -> bool:
    """Whether `name` is the metric, or one of its family."""
    return name is not None and (name == wanted or name.startswith(f"{wanted}."))
