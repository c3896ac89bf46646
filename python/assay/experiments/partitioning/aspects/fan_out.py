"""Queries: how many partitions hold a match, and how many a router must ask.

Source: METHODOLOGY, "Queries".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assay import _core
from assay.datasets import Dataset, Query
from assay.errors import UsageError
from assay.experiments.distinct import Key, numpy_of, total
from assay.experiments.partitioning.aspects.aspect import Found, Mistakes, Study
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.queries import Instances, check_marks, check_query, instances_of
from assay.experiments.partitioning.routing import routed
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["FanOut", "plan"]


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> FanOut | None:
    """The queries given, or all that the dataset declares."""
    queries = list(dataset.queries)
    if settings.queries is not None:
        queries = []
        for name, spelling in settings.queries.items():
            try:
                queries.append(Query.parse(name, spelling))
            except UsageError as error:
                mistakes.append((f"queries.{name}", error))
    found = []
    for query in queries:
        try:
            for column in query.needed:
                dataset.column(column)
            check_query(query, dataset.schema)
            found.append(query)
        except UsageError as error:
            mistakes.append((f"queries.{query.name}", error))
    return FanOut(tuple(found)) if found else None


@dataclass(frozen=True)
class FanOut:
    """The partitions that queries find something in, and that they must ask."""

    queries: tuple[Query, ...]

    def keys(self) -> Iterable[Key]:
        """The columns of each query."""
        return [query.columns for query in self.queries]

    def columns(self) -> Iterable[str]:
        """None beside them."""
        return ()

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The names of the queries."""
        return {"QUERY": [query.name for query in self.queries]}

    def prepare(self, facts: Facts) -> None:
        """The instance that each distinct value of a query's columns belongs to."""
        counts = facts.header.setdefault("instances", {})
        for query in self.queries:
            found = self.instances(facts, query)
            counts[query.name] = found.count
            facts.keep(query.columns, f"instance:{query.name}", found.of_key, found.count)

    def teach(self, study: Study) -> None:
        """Refuses what would need too much memory."""
        for query in self.queries:
            check_marks(query, self.instances(study.facts, query).count, study.n)

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Queries that ask for another key than the strategy's."""
        return any(not self._by_key(query, contest) for query in self.queries)

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """Marks the partition of each row for the instance that finds it."""
        for query in self.queries:
            if not self._by_key(query, contest):
                instances = rows.named(query.columns, f"instance:{query.name}")
                self._marks(query, contest, rows.facts, state).mark(instances, rows.partitions(contest))

    def measure(self, study: Study, found: Found) -> None:
        """Fan-out by what is there, and by what the router knows."""
        for query in self.queries:
            instances = self.instances(study.facts, query)
            names = [f"{name}.{query.name}" for name in ("fan_out_mean", "fan_out_max", "routed_fan_out_mean")]
            if not instances.count:
                for name in names:
                    found.set(name, None, "the query has no instance: every value is null")
                continue
            counts = self._counts(query, study)
            asked = routed(study.learned, instances, study.keys(query.columns))
            found.set(names[0], total(counts) / instances.count)
            found.set(names[1], int(counts.max()))
            found.set(names[2], total(asked) / instances.count)

    def instances(self, facts: Facts, query: Query) -> Instances:
        """The instances of a query on this table, found once."""
        return facts.once(f"instances:{query.name}", lambda: instances_of(query, facts.distinct[query.columns]))

    def _counts(self, query: Query, study: Study) -> np.ndarray:
        """How many partitions each instance finds something in, uint64 of shape (instances,)."""
        state = study.state
        assert state is not None, "fan-out is measured after the rows are scanned"
        marks = self._marks(query, study.contest, study.facts, state)
        if self._by_key(query, study.contest):
            marks.mark(study.facts.numbers(query.columns, f"instance:{query.name}"), study.partitions)
        return numpy_of(marks.counts())

    def _marks(self, query: Query, contest: Contest, facts: Facts, state: RowState) -> _core.Marks:
        count = facts.header["instances"][query.name]
        return state.marks(f"{query.name}:{contest.index}", count, contest.partitions)

    def _by_key(self, query: Query, contest: Contest) -> bool:
        """Whether the distinct keys tell it all, so that rows need not be asked."""
        return contest.spec.keyed and contest.spec.columns == query.columns
