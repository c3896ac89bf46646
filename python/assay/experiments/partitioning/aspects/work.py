"""The log itself: how many statements count, and how often each parent is joined.

Alike for every strategy, so that the answer can weigh the foreign keys and the reader sees by what.
Source: METHODOLOGY, "Workload".
"""

from __future__ import annotations

from dataclasses import dataclass

from assay.datasets import Dataset
from assay.datasets.workload import Workload
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["Work", "plan"]


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Work | None:
    """Where there is a log."""
    return None if settings.log is None else Work(settings.log, dataset.name)


@dataclass(frozen=True)
class Work(Aspect):
    """What the log asks, whatever the strategy."""

    log: Workload
    table: str

    def measure(self, study: Study, found: Found) -> None:
        """Statements that count, with what was left out and assumed, and the joins."""
        notes = "\n".join((self.log.summary(self.table), *self.log.assumptions))
        found.set("workload_statements", self.log.used, notes)
        for name, often in self.log.joins.items():
            found.set(f"join_statements.{name}", often)
