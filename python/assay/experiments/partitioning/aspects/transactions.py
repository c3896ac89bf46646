"""Distributed transactions: how many partitions the rows of one transaction lie in.

A transaction is the rows that share a value of a column, or else what a query log holds between
BEGIN and COMMIT: the partitions in which its point accesses find something, and those that its
inserts go to.
Source: METHODOLOGY, "Transactions"; Curino et al. 2010, "Schism: a Workload-Driven Approach to
Database Replication and Partitioning".
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay import _core
from assay.datasets import Dataset
from assay.datasets.workload import Transactions as Blocks
from assay.errors import UsageError
from assay.experiments.distinct import Key, numpy_of, total
from assay.experiments.partitioning.aspects import fan_out
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.fan_out import FanOut
from assay.experiments.partitioning.cells import marks_width
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.queries import check_marks
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["ColumnTransactions", "LoggedTransactions", "plan"]

_NAMES = ("distributed_transaction_share", "transaction_participants_mean")


def plan(
    dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes
) -> ColumnTransactions | LoggedTransactions | None:
    """By the column that names transactions, or else by the log."""
    if settings.transaction is not None:
        try:
            return ColumnTransactions(dataset.column(settings.transaction).name)
        except UsageError as error:
            mistakes.append(("transaction", error))
            return None
    if settings.log is None:
        return None
    asked = fan_out.plan(dataset, settings, [])
    assert asked is not None, "a log asks something"
    return LoggedTransactions(settings.log.transactions, asked)


@dataclass(frozen=True)
class ColumnTransactions(Aspect):
    """Transactions that a column names."""

    column: str

    def keys(self) -> Iterable[Key]:
        """The column."""
        return [(self.column,)]

    def prepare(self, facts: Facts) -> None:
        """Numbers the transactions; null is none."""
        distinct = facts.distinct[(self.column,)]
        known = ~distinct.is_null
        numbers = np.full(len(distinct), 0xFFFFFFFF, np.uint32)
        numbers[known] = np.arange(int(known.sum()), dtype=np.uint32)
        facts.keep((self.column,), "transaction", numbers, int(known.sum()))

    def teach(self, study: Study) -> None:
        """Refuses what would need too much memory."""
        check_marks(f"transaction {self.column}", self._count(study.facts), study.n)

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Unless the column is the strategy's own key."""
        return not self._by_key(contest)

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """Marks the partition of each row for its transaction."""
        if not self._by_key(contest):
            marks = self._marks(contest, rows.facts, state)
            marks.mark(rows.named((self.column,), "transaction"), rows.partitions(contest))

    def measure(self, study: Study, found: Found) -> None:
        """The share of transactions in more than one partition, and their mean number."""
        count = self._count(study.facts)
        if not count:
            for name in _NAMES:
                found.set(name, None, f"every value of {self.column} is null: there is no transaction")
            return
        assert study.state is not None, "transactions are measured after the rows are scanned"
        marks = self._marks(study.contest, study.facts, study.state)
        if self._by_key(study.contest):
            marks.mark(study.facts.numbers((self.column,), "transaction"), study.partitions)
        participants = numpy_of(marks.counts())
        found.set(_NAMES[0], int((participants > 1).sum()) / count)
        found.set(_NAMES[1], total(participants) / count)

    def _count(self, facts: Facts) -> int:
        distinct = facts.distinct[(self.column,)]
        return len(distinct) - int(distinct.is_null.sum())

    def _marks(self, contest: Contest, facts: Facts, state: RowState) -> _core.Marks:
        return state.marks(f"transaction:{contest.index}", self._count(facts), contest.partitions)

    def _by_key(self, contest: Contest) -> bool:
        return contest.spec.keyed and contest.spec.columns == (self.column,)


@dataclass(frozen=True)
class LoggedTransactions(Aspect):
    """Transactions of a query log. What they need of the table is what the log's templates need."""

    blocks: Blocks
    asked: FanOut

    def measure(self, study: Study, found: Found) -> None:
        """The share of transactions in more than one partition, and their mean number."""
        left_out = ", ".join(f"{count:,} {reason}" for reason, count in self.blocks.left_out.items())
        count = sum(self.blocks.frequencies)
        if not count:
            why = f"; left out: {left_out}" if left_out else "; name a column with transaction="
            for name in _NAMES:
                found.set(name, None, f"the log holds no transaction with point accesses (BEGIN ... COMMIT){why}")
            return
        note = f"left out: {left_out}" if left_out else None
        participants = self.participants(study)
        pairs = list(zip(participants, self.blocks.frequencies, strict=True))
        found.set(_NAMES[0], sum(often for most, often in pairs if most > 1) / count, note)
        found.set(_NAMES[1], sum(most * often for most, often in pairs) / count, note)

    def participants(self, study: Study) -> list[int]:
        """The number of partitions of each distinct transaction."""
        logged = [search for search in self.asked.searches if search.template is not None]
        used = {template for block in self.blocks.blocks for template, _ in block}
        width = marks_width(study.n) // 8
        rows: dict[int, Any] = {}  # marks of each instance
        unknown: dict[int, Any] = {}  # inserts whose partition the strategy cannot tell
        for template in used:
            search = logged[template]
            if not search.is_insert:
                rows[template] = self.asked.marks(study, search)
                continue
            routed = self.asked.routed(study, search)
            bits = np.zeros((len(routed.counts), width), np.uint8)
            instances, partitions = routed.pairs
            bits[instances, partitions // 8] = 1 << (partitions % 8)  # at most one each
            rows[template], unknown[template] = bits, ~bits.any(axis=1)
        found = []
        for block in self.blocks.blocks:
            joined = np.zeros(width, np.uint8)
            more = 0
            for template, instance in block:
                joined |= rows[template][instance]
                more += template in unknown and bool(unknown[template][instance])
            found.append(min(study.n, int(np.bitwise_count(joined).sum()) + more))
        return found
