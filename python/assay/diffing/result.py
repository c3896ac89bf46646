"""A diff: what changed between two runs, what that means, and whether it passes."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from assay.diffing.changes import VERDICTS, AnswerChange, Change, Outcome
from assay.diffing.gate import Condition, Judgement, judge_condition
from assay.diffing.reading import Side

if TYPE_CHECKING:
    import pyarrow as pa
    from rich.console import Console

__all__ = ["Diff", "Overall"]

Overall = Literal["failed", "worse", "changed", "better", "unclear", "same", "nothing"]
_BY_ORDER = {verdict: position for position, verdict in enumerate(VERDICTS)}


@dataclass(frozen=True)
class Diff:
    """Two runs side by side. Made by `assay.diff`.

    Attributes:
        base, candidate: What is known of the two runs.
        compared: Every metric and cell with its verdict.
        answers: Recommendations and claims that are others now.
        notes: What to be careful about, one sentence each.
        conditions: What makes it fail; without any, it fails only where nothing could be compared.
    """

    base: Side
    candidate: Side
    compared: tuple[Change, ...]
    answers: tuple[AnswerChange, ...] = ()
    notes: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()
    answered: int = 0  # how many answers both sides have
    judgements: tuple[Judgement, ...] = field(init=False)

    def __post_init__(self) -> None:
        cells = len(self.base.cells)
        found = tuple(
            judge_condition(condition, self.compared, self.answers, cells=cells, answered=self.answered)
            for condition in self.conditions
        )
        object.__setattr__(self, "judgements", found)

    @cached_property
    def changes(self) -> tuple[Change, ...]:
        """What changed, worst and largest first; what is the same or unclear is left out."""
        changed = [row for row in self.compared if row.verdict not in ("same", "unclear")]
        return tuple(sorted(changed, key=lambda row: (_BY_ORDER[row.verdict], -row.share)))

    @cached_property
    def counts(self) -> dict[Outcome, int]:
        """How many there are of each verdict, in the order of `VERDICTS`; zeros are left out."""
        counted = Counter(row.verdict for row in self.compared)
        return {verdict: counted[verdict] for verdict in VERDICTS if counted[verdict]}

    @property
    def metrics_compared(self) -> int:
        """How many metrics both sides have."""
        return sum(row.metric is not None and row.verdict not in ("added", "removed") for row in self.compared)

    @property
    def verdict(self) -> Overall:
        """The worst of what was found; "nothing" where nothing could be compared."""
        counts = self.counts
        if "failed" in counts:
            return "failed"
        if not self.metrics_compared:
            return "nothing"
        if "worse" in counts:
            return "worse"
        if self.answers or any(verdict in counts for verdict in ("changed", "removed", "added", "recovered")):
            return "changed"
        if "better" in counts:
            return "better"
        return "unclear" if "unclear" in counts else "same"

    @property
    def exit_code(self) -> int:
        """0 fine; 1 a condition is met; 3 cells failed; 4 unclear where asked, or nothing to compare.

        Without conditions it is 0 whatever changed, but where nothing could be compared.
        """
        codes = {judgement.exit_code for judgement in self.judgements}
        if "failed" in self.counts and (self.conditions or not self.metrics_compared):
            return 3
        if 3 in codes or 1 in codes:
            return 3 if 3 in codes else 1
        return 4 if 4 in codes or not self.metrics_compared else 0

    @property
    def sentence(self) -> str:
        """What was found, in one line."""
        from assay.diffing.wording import sentence

        return sentence(self)

    def show(self, *, all: bool = False, console: Console | None = None) -> None:
        """Prints what changed; with `all` also what did not."""
        from assay.diffing.terminal import render

        render(self, all=all, console=console)

    def to_arrow(self) -> pa.Table:
        """Everything that was compared, a row each.

        Returns:
            Columns verdict, experiment, contender, parameters (JSON), dataset, metric, unit, kind, direction, base,
            candidate, ratio, low, high, limit and note.
        """
        from assay.diffing.formats import to_arrow

        return to_arrow(self.compared)

    def to_markdown(self, *, all: bool = False) -> str:
        """A comment for a pull request: the verdict in a line, what changed, and details that unfold."""
        from assay.diffing.formats import to_markdown

        return to_markdown(self, all=all)

    def to_json(self, *, all: bool = False) -> str:
        """The same as `assay diff --format json`."""
        from assay.diffing.formats import to_rows

        return json.dumps(to_rows(self, all=all), indent=1, ensure_ascii=False)

    def badge(self, path: str | os.PathLike[str]) -> Path:
        """Writes the verdict as a small SVG picture and returns where it is."""
        from assay.diffing.badge import write_badge

        return write_badge(self, Path(path))

    def rows(self, *, all: bool = False) -> Sequence[Change]:
        """What changed; with `all` then what is unclear, and what is the same."""
        if not all:
            return self.changes
        rest = [row for row in self.compared if row.verdict in ("unclear", "same")]
        return (*self.changes, *sorted(rest, key=lambda row: _BY_ORDER[row.verdict]))

    def __repr__(self) -> str:
        return f"<Diff {self.base.name} → {self.candidate.name}: {self.sentence}>"
