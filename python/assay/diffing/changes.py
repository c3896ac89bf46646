"""The words of a diff: what became of each metric, of each cell, and of the answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["VERDICTS", "AnswerChange", "Change", "Outcome"]

Outcome = Literal["failed", "worse", "changed", "better", "removed", "added", "recovered", "unclear", "same"]

# What each word means, in the order in which people are shown them.
VERDICTS: dict[Outcome, str] = {
    "failed": "the candidate has an error where the base has numbers",
    "worse": "the metric moved against its direction",
    "changed": "the metric moved, and has no better direction",
    "better": "the metric moved in its direction",
    "removed": "only the base has it",
    "added": "only the candidate has it",
    "recovered": "the base has an error where the candidate has numbers",
    "unclear": "the interval allows for a change and for none",
    "same": "equal, or the whole interval is within the limit",
}


@dataclass(frozen=True)
class Change:
    """One metric of one cell on both sides; or, with no metric, a cell as a whole.

    `ratio` is candidate / base, None where the base is 0 or a side has no number; `low` and `high` bound it
    for timed metrics, and `limit` (at least 1) is how far from 1 such a ratio counts as the same.
    """

    verdict: Outcome
    experiment: str
    contender: str
    parameters: Mapping[str, Any]
    dataset: str
    metric: str | None = None
    unit: str | None = None
    kind: str | None = None
    direction: str | None = None
    base: float | None = None
    candidate: float | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    notes: tuple[str, ...] = ()
    paired: tuple[str, ...] = ()  # in what the two cells differ
    experiment_index: int = 0  # of the candidate, or of the base where only that has the cell
    cell_id: str = ""

    @property
    def share(self) -> float:
        """How large the change is, as a share of the base: 0.05 for five percent either way.

        Infinite where the base is 0 and the candidate is not, or where only one side has a number.
        """
        if self.base is None or self.candidate is None:
            return 0.0 if self.base == self.candidate else math.inf
        if self.kind == "timed" and self.ratio is not None:
            return abs(self.ratio - 1)
        if self.base == self.candidate:
            return 0.0
        return abs(self.candidate - self.base) / abs(self.base) if self.base else math.inf

    @property
    def judged(self) -> bool:
        """Whether the verdict rests on something: a timed metric without an interval has none."""
        return self.kind != "timed" or self.low is not None

    def surely_beyond(self, share: float) -> bool:
        """Whether the change is larger than `share` of the base, by the whole interval where there is one."""
        if self.kind == "timed":
            if self.low is None or self.high is None:
                return False
            return self.low > 1 + share or self.high < 1 - share
        return self.share > share

    def perhaps_worse_beyond(self, share: float) -> bool:
        """Whether the interval of a timed metric reaches from what is allowed to what is too bad, or is not known."""
        if self.kind != "timed" or self.verdict == "same":
            return False
        if self.low is None or self.high is None:
            return True
        if self.direction == "higher":
            return self.low < 1 - share <= self.high
        return self.low <= 1 + share < self.high


@dataclass(frozen=True)
class AnswerChange:
    """What is recommended, or the verdict on a claim, where the two sides say different things."""

    question: str  # the experiment, or "claim"
    about: str  # the dataset, or the claim's sentence
    parameters: Mapping[str, Any] = field(default_factory=dict)
    base: str | None = None
    candidate: str | None = None
