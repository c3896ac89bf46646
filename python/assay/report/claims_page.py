"""The claims as a front page: a card a sentence, with its verdict, its numbers and the command to rerun."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.report.claims import VERDICTS, condition_label, counted, verdict_summary, verdict_text
from assay.report.evidence import Finding, evidence_words, findings_of
from assay.report.markup import Html, command_block, element, escape, join
from assay.report.run_view import ClaimView, ExperimentView, RunView
from assay.report.screen import unbroken

__all__ = ["claims_section"]


def claims_section(run: RunView) -> Html:
    """The cards, to filter by topic and verdict; nothing if the run has no claims."""
    if not run.claims:
        return Html("")
    return element(
        "section",
        element("h2", verdict_summary(run.claims), class_="summary"),
        _toolbar(run.claims),
        *(_card(claim, run.experiments) for claim in run.claims),
        id="claims",
    )


def _toolbar(claims: Sequence[ClaimView]) -> Html:
    chips = [
        element(
            "button",
            f"{verdict_text(verdict).split()[0]} {words}",
            type="button",
            class_=_chip(verdict),
            aria_pressed="false",
            data_verdict=verdict,
        )
        for verdict, _, words in counted(claims)
    ]
    topics = dict.fromkeys(claim.topic for claim in claims)
    choices = [element("option", "all", value=""), *(element("option", topic, value=topic) for topic in topics)]
    return element(
        "div",
        element("div", *chips, role="group", aria_label="Verdicts to show", class_="chips"),
        element("label", "Topic ", element("select", *choices, id="claim-topic")),
        element("button", "Open all", type="button", id="claims-open"),
        element("output", class_="count", aria_live="polite"),
        class_="toolbar",
    )


def _card(claim: ClaimView, experiments: Sequence[ExperimentView]) -> Html:
    """Sentence, verdict and condition at a glance; opened, the numbers, what they mean and how to get them again."""
    label = condition_label(claim.verdict)
    condition = [element("span", element("b", label), f" {claim.condition}", class_="condition")]
    summary = element(
        "summary",
        element("span", verdict_text(claim.verdict), class_=_chip(claim.verdict)),
        element("span", element("h3", claim.sentence), *(condition if claim.condition else []), class_="said"),
        element("span", claim.topic, class_="topic"),
    )
    numbers = [
        _numbers("Evidence", claim.evidence, experiments),
        _numbers("Counterexample", claim.counterexample, experiments),
    ]
    parts = [element("p", unbroken(claim.reading), class_="reading")] if claim.reading else []
    parts += [element("div", *numbers, class_="numbers")] if any(numbers) else []
    parts.append(element("h4", "Run it again"))
    parts.append(command_block(claim.command))
    parts.append(element("p", claim.origin, *_links(claim), class_="origin"))
    body = element("div", *parts, class_="body")
    return element("details", summary, body, class_="claim", data_topic=claim.topic, data_verdict=claim.verdict)


def _numbers(heading: str, evidence: Any, experiments: Sequence[ExperimentView]) -> Html:
    """One list of numbers, a subject an item; nothing if there are none."""
    findings = findings_of(evidence, experiments)
    if findings is None:
        words = evidence_words(evidence)
        items = [element("li", words)] if words else []
    else:
        items = [_item(finding) for finding in findings]
    return element("div", element("h4", heading), element("ul", *items)) if items else Html("")


def _item(finding: Finding) -> Html:
    """A subject with its number, or with its numbers below it."""
    subject = [element("code", finding.contender), f"{finding.where}: "]
    if len(finding.facts) == 1:
        return element("li", *subject, unbroken(finding.facts[0]))
    return element("li", *subject, element("ul", *(element("li", unbroken(fact)) for fact in finding.facts)))


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
        return []
    links = [element("a", str(index), href=f"#experiment-{index}") for index in indexes]
    words = " in experiment " if len(links) == 1 else " in experiments "
    return [escape(words), *(join([link, ", " if i < len(links) - 1 else ""]) for i, link in enumerate(links))]


def _chip(verdict: str) -> str:
    return f"verdict verdict-{verdict.replace(' ', '-')}" if verdict in VERDICTS else "verdict"
