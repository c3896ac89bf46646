"""What is left of a run's budget, and which part of it an experiment may time for.

The budget is wall time of the whole run. Scans take what they take; of what is left, after what later scans
are expected to take, the experiments get parts in proportion to what a round of theirs costs. An experiment
knows its cost once it is calibrated; those still to come are taken to cost as much a cell. What one does not
use, because it is precise before, goes to the later ones.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["BudgetClock", "ExperimentSize"]


@dataclass(frozen=True)
class ExperimentSize:
    """What is known of an experiment before it runs."""

    scanned: int  # rows x cells; 0 where the rows are unknown
    timed_cells: int  # 0 if nothing is timed


class BudgetClock:
    """The time of one run; it begins when it is made.

    Args:
        budget_s: For the whole run; None if there is no end.
        sizes: Of the experiments, in the order in which they run.
    """

    def __init__(self, budget_s: float | None, sizes: Sequence[ExperimentSize]) -> None:
        self._end = None if budget_s is None else time.monotonic() + budget_s
        self._sizes = list(sizes)
        self._scan: tuple[int, float] | None = None
        self._scanned = 0
        self._scan_s = 0.0
        self._round_s = 0.0
        self._round_cells = 0

    def scan_begins(self, index: int) -> None:
        """The stages of an experiment begin."""
        self._scan = (index, time.monotonic())

    def scan_ends(self) -> None:
        """They have ended, well or not."""
        assert self._scan is not None
        index, started = self._scan
        self._scanned += self._sizes[index].scanned
        self._scan_s += time.monotonic() - started
        self._scan = None

    def share(self, index: int, round_s: float, kernels: int) -> float:
        """The seconds that the rounds of an experiment may take, counted from the beginning of its first one.

        Args:
            index: The experiment.
            round_s: What one round of all its processes costs; that round is over.
            kernels: How many there are; an experiment without any needs no time.
        """
        assert self._end is not None, "without a budget nothing is shared"
        if not kernels:
            return 0.0
        cells = max(1, self._sizes[index].timed_cells)
        self._round_s += round_s
        self._round_cells += cells
        later = self._sizes[index + 1 :]
        later_round_s = self._round_s / self._round_cells * sum(size.timed_cells for size in later)
        later_scans = self._scan_s / self._scanned * sum(size.scanned for size in later) if self._scanned else 0.0
        left = self._end - time.monotonic() - later_scans
        return max(0.0, left) * round_s / (round_s + later_round_s) + round_s
