"""What became of each metric of each pair of cells, by the metric's kind; kinds are never mixed.

    exact      equal or not; any difference is a change
    seeded     equal, or the ranges over the seeds are apart; ranges that overlap are unclear
    estimated  equal, or the bounds are apart; bounds that overlap are unclear
    timed      the interval of the ratio beside the noise floor and 1 %, all timed cells together (timed.py)

Cost: O(metrics).
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from assay.diffing.changes import AnswerChange, Change, Outcome
from assay.diffing.pairing import Pair, Pairing
from assay.diffing.reading import AnswerOf, CellOf, Number, Side
from assay.diffing.timed import SMALLEST_EFFECT, Ratio, discoveries, numbers_needed, timed_verdict, unpaired_ratio

__all__ = ["RatioOf", "changed_answers", "compared_answers", "confirm", "failed_on_both", "judge"]

RatioOf = Callable[[Pair, Number, Number], Ratio | None]
_NORMAL_97_5 = 1.959964  # of the standard normal distribution


def judge(
    pairing: Pairing, *, timed: bool = True, timed_judged: bool = True, ratio_of: RatioOf | None = None
) -> list[Change]:
    """Everything that was compared, in the order of the cells.

    Args:
        pairing: The cells of both sides.
        timed: Whether to look at timed metrics at all.
        timed_judged: Whether timed metrics get a verdict; not where the machines differ, which gives ratios alone.
        ratio_of: The ratio of a timed metric of a pair; by default from the processes that both runs kept.
    """
    rows: list[Change] = []
    ratios: list[tuple[int, Ratio, float, int]] = []
    for pair in pairing.pairs:
        whole = _whole_cell(pair)
        if whole is not None:
            rows.append(whole)
        if _failed(pair.base) or _failed(pair.candidate):
            continue
        for name in dict.fromkeys([*pair.base.numbers, *pair.candidate.numbers]):
            one, other = pair.base.numbers.get(name), pair.candidate.numbers.get(name)
            kind = (other or one).kind  # type: ignore[union-attr]
            if kind == "timed" and not timed:
                continue
            row = _compared(pair, one, other)
            if kind == "timed" and one is not None and other is not None:
                ratio = (ratio_of or _stored_ratio)(pair, one, other)
                limit = max(one.floor, other.floor, SMALLEST_EFFECT)
                if ratio is not None:
                    ratios.append((len(rows), ratio, limit, min(len(one.processes), len(other.processes))))
                    row = replace(row, ratio=ratio.value, low=ratio.low, high=ratio.high, limit=limit)
            rows.append(row)
    for cells, verdict in ((pairing.removed, "removed"), (pairing.added, "added")):
        for cell in cells:
            failed_new = verdict == "added" and _failed(cell)
            rows.append(_cell_row(cell, "failed" if failed_new else verdict, cell.error if failed_new else None))  # type: ignore[arg-type]
    _judge_timed(rows, ratios, timed_judged)
    return rows


def failed_on_both(pairing: Pairing) -> int:
    """How many cells have an error on both sides."""
    return sum(_failed(pair.base) and _failed(pair.candidate) for pair in pairing.pairs)


def changed_answers(base: Side, candidate: Side) -> list[AnswerChange]:
    """Recommendations and claims on which the two sides differ; those that only one side has are left out."""
    changes = []
    for before, after in _same_questions(base.answers, candidate.answers):
        if before.best != after.best:
            changes.append(AnswerChange(after.experiment, after.dataset, after.parameters, before.best, after.best))
    for sentence, verdict in candidate.claims.items():
        if base.claims.get(sentence, verdict) != verdict:
            changes.append(AnswerChange("claim", sentence, {}, base.claims[sentence], verdict))
    return changes


def compared_answers(base: Side, candidate: Side) -> int:
    """How many questions and claims both sides answer."""
    return len(list(_same_questions(base.answers, candidate.answers))) + len(set(base.claims) & set(candidate.claims))


def _same_questions(base: Sequence[AnswerOf], candidate: Sequence[AnswerOf]) -> Iterable[tuple[AnswerOf, AnswerOf]]:
    """Answers to the same question; by the dataset's name, or without it if that finds nothing."""

    def key(answer: AnswerOf, *, with_dataset: bool) -> str:
        parameters = {} if answer.advice else dict(answer.parameters)  # an advice chooses its parameters itself
        where = answer.dataset if with_dataset else ""
        return json.dumps([answer.experiment, where, answer.advice, parameters], sort_keys=True)

    for with_dataset in (True, False):
        sides: list[dict[str, list[AnswerOf]]] = []
        for answers in (base, candidate):
            by_key: dict[str, list[AnswerOf]] = {}
            for answer in answers:
                by_key.setdefault(key(answer, with_dataset=with_dataset), []).append(answer)
            sides.append(by_key)
        found = [
            pair
            for name, answers in sides[1].items()
            if len(sides[0].get(name, ())) == len(answers)
            for pair in zip(sides[0][name], answers, strict=True)
        ]
        if found:
            return found
    return []


def _failed(cell: CellOf) -> bool:
    return cell.status != "done"


def _whole_cell(pair: Pair) -> Change | None:
    """A row for a cell that has an error on one side."""
    before, after = _failed(pair.base), _failed(pair.candidate)
    if before == after:
        return None
    side = pair.candidate if after else pair.base
    return _cell_row(
        pair.candidate, "failed" if after else "recovered", side.error or "it was not measured", pair.notes
    )


def _cell_row(cell: CellOf, verdict: Outcome, error: str | None, paired: tuple[str, ...] = ()) -> Change:
    if error is None and verdict == "failed":
        error = "it was not measured"
    return Change(
        verdict,
        cell.experiment,
        cell.contender,
        cell.parameters,
        cell.dataset,
        notes=(error,) if error else (),
        paired=paired,
        experiment_index=cell.experiment_index,
        cell_id=cell.cell_id,
    )


def _compared(pair: Pair, one: Number | None, other: Number | None) -> Change:
    """One metric on both sides; of timed ones the verdict is open."""
    known = other or one
    assert known is not None
    verdict, notes = _verdict(one, other)
    base, candidate = (None if number is None else number.value for number in (one, other))
    ratio = candidate / base if base and candidate is not None else None
    cell = pair.candidate
    return Change(
        verdict,
        cell.experiment,
        cell.contender,
        cell.parameters,
        cell.dataset,
        known.metric,
        known.unit,
        known.kind,
        known.direction,
        base,
        candidate,
        ratio if ratio is not None and math.isfinite(ratio) else None,
        notes=notes,
        paired=pair.notes,
        experiment_index=cell.experiment_index,
        cell_id=cell.cell_id,
    )


def _verdict(one: Number | None, other: Number | None) -> tuple[Outcome, tuple[str, ...]]:
    if one is None:
        return "added", ()
    if other is None:
        return "removed", ()
    if one.kind != other.kind:
        return "changed", (f"{one.kind} in the base, {other.kind} in the candidate",)
    if other.value is None or one.value is None:
        if other.value is one.value:
            return "same", ()
        side, number = ("candidate", other) if other.value is None else ("base", one)
        return "changed", (f"no number in the {side}{f': {number.note}' if number.note else ''}",)
    if other.kind == "timed":
        return "unclear", ()
    if (one.value, one.low, one.high) == (other.value, other.low, other.high):
        return "same", ()
    if other.kind in ("seeded", "estimated") and _overlap(one, other):
        ranges = "ranges over the seeds" if other.kind == "seeded" else "bounds"
        return "unclear", (f"the {ranges} overlap",)
    return _moved(one.value, other.value, other.direction), ()


def _moved(base: float, candidate: float, direction: str) -> Outcome:
    if base == candidate or direction == "none":
        return "changed"
    return "worse" if (candidate > base) == (direction == "lower") else "better"


def _overlap(one: Number, other: Number) -> bool:
    """Whether the ranges meet; a number without a range is one point."""
    ends = []
    for number in (one, other):
        assert number.value is not None
        ends.append(
            (number.value if number.low is None else number.low, number.value if number.high is None else number.high)
        )
    return ends[0][0] <= ends[1][1] and ends[1][0] <= ends[0][1]


def _stored_ratio(pair: Pair, one: Number, other: Number) -> Ratio | None:
    """From the processes of both runs; from the stored intervals where a run kept no samples."""
    if one.processes and other.processes:
        if pair.base.cell_id == pair.candidate.cell_id and one.processes == other.processes:
            return Ratio(1.0, 1.0, 1.0)  # the very same samples
        return unpaired_ratio(one.processes, other.processes)
    if not one.value or not other.value or one.value < 0 or other.value < 0:
        return None
    value = other.value / one.value
    if not all(number.low and number.high and 0 < number.low <= number.high for number in (one, other)):
        return Ratio(value, None, None)
    reach = math.hypot(*(math.log(number.high / number.low) / 2 for number in (one, other)))  # type: ignore[operator]
    return Ratio(value, value / math.exp(reach), value * math.exp(reach), reach / _NORMAL_97_5, math.inf)


def _judge_timed(rows: list[Change], ratios: Sequence[tuple[int, Ratio, float, int]], judged: bool) -> None:
    """Gives the timed rows their verdicts, all at once."""
    believed = discoveries([ratio.chance_beyond(limit) for _, ratio, limit, _ in ratios])
    for (position, ratio, limit, numbers), found in zip(ratios, believed, strict=True):
        row = rows[position]
        if not judged:
            rows[position] = replace(
                row, verdict="unclear", low=None, high=None, limit=None, notes=("other machine", *row.notes)
            )
            continue
        verdict = timed_verdict(ratio, limit, found=found, direction=row.direction or "lower")  # type: ignore[arg-type]
        notes = row.notes
        if ratio.low is None:
            notes = ("fewer than two processes on a side", *notes)
        elif verdict == "unclear" and not found and ratio.chance_beyond(limit) < 0.05:
            notes = (f"not beyond chance among {len(ratios)} timed comparisons", *notes)
        elif verdict == "unclear" and (needed := numbers_needed(ratio, limit, numbers)) is not None:
            notes = (f"about {needed} processes a side would tell", *notes)
        rows[position] = replace(row, verdict=verdict, notes=notes)


def confirm(rows: Sequence[Change], second: Mapping[tuple[int, str, str], Ratio]) -> list[Change]:
    """The rows, with those that were measured once more judged by the second measurement alone.

    Args:
        rows: As `judge` gave them.
        second: The second ratio by experiment, cell and metric of the candidate.

    Returns:
        A verdict that the second measurement shares, with its numbers; unclear where it does not.
    """
    flagged = [
        (position, second[row.experiment_index, row.cell_id, row.metric or ""], row)
        for position, row in enumerate(rows)
        if row.kind == "timed" and (row.experiment_index, row.cell_id, row.metric or "") in second
    ]
    believed = discoveries([ratio.chance_beyond(row.limit or SMALLEST_EFFECT) for _, ratio, row in flagged])
    found = list(rows)
    for (position, ratio, row), sure in zip(flagged, believed, strict=True):
        verdict = timed_verdict(
            ratio,
            row.limit or SMALLEST_EFFECT,
            found=sure,
            direction=row.direction or "lower",  # type: ignore[arg-type]
        )
        notes = row.notes
        if verdict != row.verdict:
            notes = (f"a first measurement said {row.verdict}, a second one {verdict}", *notes)
            verdict = "unclear"
        found[position] = replace(row, verdict=verdict, ratio=ratio.value, low=ratio.low, high=ratio.high, notes=notes)
    return found
