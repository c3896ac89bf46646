"""Claims: textbook sentences with the experiment that tests each, and the verdict.

`print_claims` shows them in the terminal; the page shows the same words from `claim_words`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from assay.report.run_reader import read_run
from assay.report.run_view import ClaimView, Source
from assay.report.screen import Screen
from assay.report.vocabulary import describe

__all__ = [
    "UNKNOWN_VERDICT",
    "VERDICTS",
    "claim_words",
    "evidence_words",
    "print_claims",
    "render_claims",
    "verdict_summary",
]

# verdict → (sign, terminal style), in the order in which a summary counts them
VERDICTS = {
    "holds": ("✓", "green"),
    "holds if": ("◐", "cyan"),
    "refuted": ("✗", "red"),
    "unclear": ("?", "yellow"),
}
UNKNOWN_VERDICT = VERDICTS["unclear"]


def render_claims(store: Source, run_id: str, *, console: Console | None = None) -> None:
    """Prints the claims of a run.

    Raises:
        UnknownNameError: the store holds no such run.
    """
    print_claims(read_run(store, run_id).claims, Screen(console or Console()))


def print_claims(claims: Sequence[ClaimView], screen: Screen) -> None:
    """Prints a summary line, then the claims topic by topic: verdict, sentence, evidence, command to rerun."""
    screen.line(verdict_summary(claims), "bold")
    table = Table(box=None, padding=(0, 1), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    topic = None
    for claim in claims:
        if claim.topic != topic:
            topic = claim.topic
            table.add_row(screen.text(""), screen.text(topic, "bold"))
        sign, style = VERDICTS.get(claim.verdict, UNKNOWN_VERDICT)
        words = screen.text(claim.sentence)
        for label, value in claim_words(claim):
            words.append_text(screen.text(f"\n{label}: {value}", "dim"))
        table.add_row(screen.text(f"{sign} {claim.verdict}", style), words)
    screen.console.print(table)


def claim_words(claim: ClaimView) -> list[tuple[str, str]]:
    """What stands below a claim's sentence: pairs of label and text, empty ones left out."""
    pairs = [
        ("if", claim.condition or ""),
        ("evidence", evidence_words(claim.evidence)),
        ("counterexample", evidence_words(claim.counterexample)),
        ("reading", claim.reading or ""),
        ("origin", claim.origin),
        ("again", claim.command),
    ]
    return [(label, text) for label, text in pairs if text]


def verdict_summary(claims: Sequence[ClaimView]) -> str:
    """`4 claims: 1 holds, 1 holds if, 1 refuted, 1 unclear`."""
    counts = Counter(claim.verdict for claim in claims)
    known = [verdict for verdict in VERDICTS if counts[verdict]]
    listed = [f"{counts[verdict]} {verdict}" for verdict in known + sorted(set(counts) - set(VERDICTS))]
    return f"{len(claims)} claim{'' if len(claims) == 1 else 's'}: " + ", ".join(listed)


def evidence_words(evidence: Any) -> str:
    """Stored evidence as text: names and numbers, in the order in which they were stored.

    >>> evidence_words([{"n": 8, "moved_share": 0.1101}])
    'n 8, moved 0.1101'
    """
    if evidence is None:
        return ""
    if isinstance(evidence, Mapping):
        return ", ".join(f"{_label(name)} {evidence_words(value)}" for name, value in evidence.items())
    if isinstance(evidence, list):
        return "; ".join(evidence_words(item) for item in evidence)
    if isinstance(evidence, bool):
        return "yes" if evidence else "no"
    if isinstance(evidence, int):
        return f"{evidence:,}"
    if isinstance(evidence, float):
        return f"{evidence:,.6g}" if abs(evidence) < 1e6 else f"{evidence:,.0f}"
    return str(evidence)


def _label(name: str) -> str:
    return describe(name).label
