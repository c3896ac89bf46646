"""Claims: textbook sentences with the experiment that tests each, and the verdict.

`print_claims` shows them in the terminal; the page shows the same words from `claim_words`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from rich.console import Console

from assay.report.evidence import evidence_words, findings_of
from assay.report.run_reader import read_run
from assay.report.run_view import ClaimView, ExperimentView, RunView, Source
from assay.report.screen import Screen

__all__ = [
    "UNKNOWN_VERDICT",
    "VERDICTS",
    "condition_label",
    "counted",
    "evidence_lines",
    "print_claims",
    "render_claims",
    "verdict_summary",
    "verdict_text",
]

# verdict → (sign, terminal style), in the order in which a summary counts them
VERDICTS = {
    "holds": ("✓", "green"),
    "holds if": ("◐", "cyan"),
    "refuted": ("✗", "red"),
    "unclear": ("?", "yellow"),
}
UNKNOWN_VERDICT = VERDICTS["unclear"]
_PLURALS = {"holds": "hold", "holds if": "hold if ..."}
_SINGULARS = {"holds if": "holds if ..."}
_INDENT = 4


def render_claims(store: Source, run_id: str, *, console: Console | None = None) -> None:
    """Prints the claims of a run.

    Raises:
        UnknownNameError: the store holds no such run.
    """
    print_claims(read_run(store, run_id), Screen(console or Console()))


def print_claims(run: RunView, screen: Screen) -> None:
    """Prints a summary line, then the claims topic by topic: verdict, sentence, evidence, command to rerun."""
    screen.line(verdict_summary(run.claims), "bold")
    topic = None
    for claim in run.claims:
        if claim.topic != topic:
            topic = claim.topic
            screen.gap()
            screen.line(topic, "bold underline")
        screen.gap()
        _print_claim(claim, run.experiments, screen)


def _print_claim(claim: ClaimView, experiments: Sequence[ExperimentView], screen: Screen) -> None:
    _, style = VERDICTS.get(claim.verdict, UNKNOWN_VERDICT)
    screen.line(claim.sentence, "bold")
    condition = f" {claim.condition}" if claim.condition and claim.verdict == "holds if" else ""
    screen.line(f"{verdict_text(claim.verdict)}{condition}", style, indent=2)
    if claim.condition and claim.verdict != "holds if":
        screen.line(f"{condition_label(claim.verdict)} {claim.condition}", indent=_INDENT)
    for label, evidence in (("evidence", claim.evidence), ("counterexample", claim.counterexample)):
        lines = evidence_lines(evidence, experiments)
        if lines:
            screen.line(f"{label}:", "dim", indent=_INDENT)
        for line in lines:
            screen.line(line, indent=_INDENT, bullet="· ")
    if claim.reading:
        screen.line(claim.reading, "italic", indent=_INDENT)
    screen.line(f"{claim.origin}; again:", "dim", indent=_INDENT)
    screen.command(claim.command, "dim", indent=_INDENT)


def verdict_text(verdict: str) -> str:
    """A verdict with its sign, which tells it apart without colour."""
    sign, _ = VERDICTS.get(verdict, UNKNOWN_VERDICT)
    return f"{sign} {verdict}"


def condition_label(verdict: str) -> str:
    """How a condition begins: a sentence that is refuted as it stands would hold under it."""
    return "would hold if" if verdict == "refuted" else "if"


def evidence_lines(evidence: Any, experiments: Sequence[ExperimentView]) -> list[str]:
    """Evidence as sentences, a subject a line."""
    findings = findings_of(evidence, experiments)
    if findings is not None:
        return [finding.sentence for finding in findings]
    words = evidence_words(evidence)
    return [words] if words else []


def counted(claims: Sequence[ClaimView]) -> list[tuple[str, int, str]]:
    """(verdict, how many, in words) for each verdict that occurs: `("holds if", 5, "5 hold if ...")`."""
    counts = Counter(claim.verdict for claim in claims)
    verdicts = [verdict for verdict in VERDICTS if counts[verdict]] + sorted(set(counts) - set(VERDICTS))
    return [(verdict, counts[verdict], f"{counts[verdict]} {_words(verdict, counts[verdict])}") for verdict in verdicts]


def verdict_summary(claims: Sequence[ClaimView]) -> str:
    """`8 claims tested: 2 hold, 5 hold if ..., 1 refuted`."""
    listed = ", ".join(words for _, _, words in counted(claims))
    return f"{len(claims)} claim{'' if len(claims) == 1 else 's'} tested: {listed}"


def _words(verdict: str, count: int) -> str:
    return (_SINGULARS if count == 1 else _PLURALS).get(verdict, verdict)
