"""The claims as a front page: a card a sentence, with its verdict, its numbers as a chart and the command to rerun.

Cards stand by topic. They are native disclosures, so that they open by keyboard and are announced; the filters by
verdict, topic, origin and text are `assets/claims.js`, and without a script every card is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.report.claims import VERDICTS, condition_label, counted, verdict_summary, verdict_text
from assay.report.evidence import Number, evidence_words, numbers_of
from assay.report.evidence_chart import evidence_chart
from assay.report.markup import Html, command_block, element, escape, join
from assay.report.run_view import ClaimView, ExperimentView, RunView
from assay.report.screen import unbroken
from assay.report.vocabulary import in_a_sentence

__all__ = ["claims_section"]

_VERDICT_MEANINGS = {
    "holds": "all evidence is met, and nothing was found against it",
    "holds if": "all evidence is met, and so is a counterexample: it holds under the condition",
    "refuted": "evidence is not met",
    "unclear": "a number could not be measured",
}
_ORIGIN_MEANINGS = {
    "measured": "counted or timed on data",
    "replayed": "by replaying a recorded trace",
    "modelled": "computed from a model",
}


def claims_section(run: RunView) -> Html:
    """The cards, to filter by verdict, topic, origin and text; nothing if the run has no claims."""
    if not run.claims:
        return Html("")
    topics = dict.fromkeys(claim.topic for claim in run.claims)
    return element(
        "section",
        element("h2", verdict_summary(run.claims), class_="summary"),
        _proportions(run.claims),
        _toolbar(run.claims),
        _legend(run.claims),
        *(_topic(topic, run) for topic in topics),
        element("p", "No claim is like that: ask for less.", class_="no-claim", hidden=True),
        id="claims",
    )


def _proportions(claims: Sequence[ClaimView]) -> Html:
    """A bar of the verdicts; the words above and the buttons below say the same."""
    parts = [element("i", class_=_tone(verdict), style=f"flex-grow:{count}") for verdict, count, _ in counted(claims)]
    return element("div", *parts, class_="proportions", aria_hidden="true")


def _toolbar(claims: Sequence[ClaimView]) -> Html:
    chips = [
        element(
            "button",
            f"{verdict_text(verdict).split()[0]} {words}",
            type="button",
            class_=f"verdict {_tone(verdict)}",
            aria_pressed="false",
            data_verdict=verdict,
            title=_VERDICT_MEANINGS.get(verdict),
        )
        for verdict, _, words in counted(claims)
    ]
    search = element("input", type="search", id="claim-text", placeholder="words of a claim", autocomplete="off")
    return element(
        "div",
        element("div", *chips, role="group", aria_label="Verdicts to show", class_="chips"),
        element("label", "Topic ", _chooser("claim-topic", [claim.topic for claim in claims])),
        element("label", "Origin ", _chooser("claim-origin", [claim.origin for claim in claims])),
        element("label", "Find ", search),
        element("button", "Open all", type="button", id="claims-open"),
        element("output", class_="count", aria_live="polite"),
        class_="toolbar",
    )


def _chooser(identifier: str, values: Sequence[str]) -> Html:
    options = [element("option", f"all {len(values)}", value="")]
    options += [element("option", f"{value} ({values.count(value)})", value=value) for value in dict.fromkeys(values)]
    return element("select", *options, id=identifier)


def _topic(topic: str, run: RunView) -> Html:
    cards = [
        _card(claim, position, run.experiments) for position, claim in enumerate(run.claims) if claim.topic == topic
    ]
    return element("section", element("h3", topic), *cards, class_="topic")


def _card(claim: ClaimView, position: int, experiments: Sequence[ExperimentView]) -> Html:
    """Sentence, verdict, condition and a number of each side at a glance; opened, everything that it rests on."""
    sides = [numbers_of(side, experiments) for side in (claim.evidence, claim.counterexample)]
    said = [element("h4", claim.sentence)]
    if claim.condition:
        label = condition_label(claim.verdict)
        said.append(element("span", element("b", label), f" {claim.condition}", class_="condition"))
    if glance := _glance(*(side or [] for side in sides)):
        said.append(glance)
    summary = element(
        "summary",
        element("span", verdict_text(claim.verdict), class_=f"verdict {_tone(claim.verdict)}"),
        element("span", *said, class_="said"),
        element("span", claim.origin, class_="origin", title=_ORIGIN_MEANINGS.get(claim.origin)),
    )
    parts = [element("p", unbroken(claim.reading), class_="reading")] if claim.reading else []
    told = zip(("Evidence", "Counterexample"), (claim.evidence, claim.counterexample), sides, strict=True)
    parts += [_words(heading, side) for heading, side, numbers in told if numbers is None]
    parts.append(evidence_chart(*(side or [] for side in sides)))
    parts.append(element("h5", "Measure it again"))
    parts.append(command_block(claim.command))
    own = element("a", "address of this claim", href=f"#claim-{position + 1}")
    parts.append(element("p", *_links(claim), " · ", own, class_="links"))
    return element(
        "details",
        summary,
        element("div", *parts, class_="body"),
        class_="claim",
        id=f"claim-{position + 1}",
        data_topic=claim.topic,
        data_verdict=claim.verdict,
        data_origin=claim.origin,
    )


def _glance(evidence: Sequence[Number], counterexample: Sequence[Number]) -> Html:
    """A number for the sentence, or the one that refutes it, and one against it, of the same metric if there is one."""
    known = [[number for number in side if number.value is not None] for side in (evidence, counterexample)]
    first = next((number for number in known[0] if number.met is False), known[0][0] if known[0] else None)
    against = next((one for one in known[1] if first and one.metric == first.metric), known[1][0] if known[1] else None)
    told = []
    if first is not None and first.met is False:
        told.append(
            ("expected:", f"{in_a_sentence(first.metric)} {first.wanted}, found {first.value_text}{first.where}")
        )
    elif first is not None:
        told.append(("for:", f"{in_a_sentence(first.metric)} {first.value_text}{first.where}"))
    told_already = first is not None and first.met is False and against is not None and first.value == against.value
    if against is not None and not told_already:
        told.append(("against:", f"{in_a_sentence(against.metric)} {against.value_text}{against.where}"))
    parts = [element("span", element("b", f"{role} "), unbroken(words)) for role, words in told]
    return element("span", *parts, class_="glance") if parts else Html("")


def _words(heading: str, evidence: Any) -> Html:
    """Evidence of another form than numbers; nothing if there is none."""
    words = evidence_words(evidence)
    return element("div", element("h5", heading), element("p", words)) if words else Html("")


def _links(claim: ClaimView) -> list[Html]:
    """Links to the experiments that the numbers come from, in the order in which they are named."""
    indexes: dict[int, None] = {}
    for evidence in (claim.evidence, claim.counterexample):
        if isinstance(evidence, list):
            for item in evidence:
                index = item.get("experiment_index") if isinstance(item, dict) else None
                if isinstance(index, int):
                    indexes[index] = None
    if not indexes:
        return [escape(claim.origin)]
    links = [element("a", str(index), href=f"#experiment-{index}") for index in indexes]
    words = " in experiment " if len(links) == 1 else " in experiments "
    between = [join([link, ", " if i < len(links) - 1 else ""]) for i, link in enumerate(links)]
    return [escape(claim.origin), escape(words), *between]


def _legend(claims: Sequence[ClaimView]) -> Html:
    """What the signs of a card mean."""
    verdicts = [(verdict_text(verdict), _VERDICT_MEANINGS.get(verdict, "")) for verdict, _, _ in counted(claims)]
    origins = [(origin, _ORIGIN_MEANINGS.get(origin, "")) for origin in dict.fromkeys(claim.origin for claim in claims)]
    chart = "the mark is what was measured; the shaded part of the axis is what was expected, a line its bound"
    pairs = [*verdicts, *origins, ("● for", f"speaks for the sentence: {chart}"), ("◆ against", "speaks against it")]
    items = [join([element("dt", name), element("dd", meaning)]) for name, meaning in pairs if meaning]
    return element("details", element("summary", "How to read a card"), element("dl", *items, class_="facts"))


def _tone(verdict: str) -> str:
    return f"verdict-{verdict.replace(' ', '-')}" if verdict in VERDICTS else "verdict-unclear"
