"""The answers at the top of an experiment: a sentence for each grid point, and what it rests on."""

from __future__ import annotations

from assay.report.advice import keys_of, limit_words
from assay.report.markup import Html, definitions, details, element, join
from assay.report.run_view import ExperimentView, GridPoint, family_mean
from assay.report.screen import unbroken
from assay.report.vocabulary import KIND_MEANINGS, RANKING, split_name
from assay.units import count_of

__all__ = ["MOST_ANSWERS", "advice_card", "answers_block", "certainty"]

MOST_ANSWERS = 24  # cards; the answers of further grid points are told when they are chosen


def answers_block(experiment: ExperimentView) -> Html:
    """A card for each grid point: the sentence, how sure it is, and how it was chosen."""
    several = len(experiment.points) > 1
    points = experiment.points[:MOST_ANSWERS]
    sure = [certainty(experiment, point) for point in points]
    # What holds for every grid point is said once, below them all.
    common = sure[0] if several and len(set(sure)) == 1 else ""
    cards = [
        _answer(experiment, point, i, several=several, sure="" if common else sure[i]) for i, point in enumerate(points)
    ]
    more = len(experiment.points) - len(points)
    if more > 0:
        words = f"{more:,} more grid points: choose one below to read its answer, or ask `assay show` for all of them."
        common = f"{common} {words}".strip()
    below = element("p", common, class_="certainty") if common else ""
    return join([element("div", *cards, class_="answers"), below])


def advice_card(experiment: ExperimentView) -> Html:
    """The answer over all grid points: the recommendation, what stands out, and how it was chosen."""
    answer = experiment.advice
    if answer is None or answer.advice is None:
        return Html("")
    parts = [element("p", unbroken(answer.sentence), class_="sentence")]
    parts += [element("p", unbroken(finding), class_="finding") for finding in answer.findings]
    parts += [element("p", unbroken(note), class_="note") for note in answer.notes]
    body = [
        element("p", f"Rule: {unbroken(answer.rule)}."),
        element("p", f"Limits, each with how many of the {len(answer.advice['candidates']):,} candidates miss it:"),
        element("ul", *(element("li", unbroken(words)) for words in limit_words(answer.advice))),
    ]
    for heading, tried in (("Keys that were tried:", True), ("Columns that were not:", False)):
        keys = [(name, unbroken(words)) for name, words in keys_of(answer.advice, tried=tried)]
        body += [element("p", heading), definitions(keys)] if keys else []
    parts.append(details("How this was chosen, and what was tried", join(body)))
    return element("article", *parts, class_="advice")


def _answer(experiment: ExperimentView, point: GridPoint, i: int, *, several: bool, sure: str) -> Html:
    answer = point.answer
    parts = [element("h3", point.label)] if several else []
    parts.append(element("p", *_sentence(experiment, point), class_="sentence"))
    parts += [element("p", unbroken(finding), class_="finding") for finding in answer.findings]
    if sure:
        parts.append(element("p", sure, class_="certainty"))
    for note in answer.notes:
        parts.append(element("p", unbroken(note), class_="note"))
    if answer.rule:
        dropped = [
            element("li", element("code", name), f": {unbroken(reason)}") for name, reason in answer.dropped.items()
        ]
        pareto = join(element("li", element("code", name)) for name in answer.pareto)
        body = [element("p", f"Rule: {unbroken(answer.rule)}.")]
        body += [element("p", "Dropped before choosing:"), element("ul", *dropped)] if dropped else []
        body += (
            [element("p", "Pareto set, which no other beats on every criterion:"), element("ul", pareto)]
            if pareto
            else []
        )
        parts.append(details("How this was chosen", join(body)))
    return element("article", *parts, class_="answer", data_point=str(i))


def _sentence(experiment: ExperimentView, point: GridPoint) -> list[str | Html]:
    """The answer, with the name of the best set as code where the sentence begins with it."""
    sentence, best = point.answer.sentence or f"No {experiment.noun} can be recommended.", point.answer.best
    if best and sentence.startswith(best):
        return [element("code", best), unbroken(sentence.removeprefix(best))]
    return [unbroken(sentence)]


def certainty(experiment: ExperimentView, point: GridPoint) -> str:
    """How sure the answer is: the kinds of the numbers that decided it, and whether it was close."""
    criteria = RANKING.get(experiment.kind, ())
    kinds = {fact.kind for fact in experiment.metrics if fact.name in criteria or split_name(fact.name)[0] in criteria}
    known = [f"{kind} ({KIND_MEANINGS[kind]})" for kind in KIND_MEANINGS if kind in kinds]
    rows = experiment.dataset["rows"]
    measured = f", from {count_of(rows, 'row')}" if rows is not None else ""
    words = f"The numbers that decide are {' and '.join(known)}{measured}." if known else ""
    best = next((row for row in point.rows if row.contender == point.answer.best), None)
    if best is not None and criteria:
        own = [family_mean(best.numbers, metric) for metric in criteria]
        equal = [
            row.contender
            for row in point.rows
            if row is not best
            and row.contender not in point.answer.dropped
            and [family_mean(row.numbers, metric) for metric in criteria] == own
        ]
        if equal:
            words += f" Too close to call: {', '.join(equal)} did exactly as well; the name decided."
    return words.strip()
