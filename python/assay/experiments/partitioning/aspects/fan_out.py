"""Queries: partitions that hold a match, partitions that a router must ask, and the bytes in them.

With a query log its templates are measured, each instance as often as it was asked, and all of them
together per statement. Otherwise the queries that are declared, every instance alike.
Source: METHODOLOGY, "Queries" and "Workload".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Dataset, Query
from assay.errors import UsageError
from assay.experiments.distinct import Key, numpy_of, total
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.cells import marks_width
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.queries import Instances, check_marks, check_query
from assay.experiments.partitioning.routing import Routed, routed
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.searches import Search
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["FanOut", "plan"]


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> FanOut | None:
    """The templates of the log, the queries given, or all that the dataset declares."""
    types = {field.name: field.type for field in dataset.schema}
    queries = list(dataset.queries) if settings.log is None else []
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
            found.append(Search(query.name, query, None, types))
        except UsageError as error:
            mistakes.append((f"queries.{query.name}", error))
    if settings.log is not None:
        taken = {search.name for search in found}
        for template in settings.log.templates:
            name = template.name if template.name not in taken else f"log_{template.name}"
            found.append(Search(name, template.assumed, template, types))
    return FanOut(tuple(found), tuple(types) if settings.bytes else ()) if found else None


@dataclass(frozen=True)
class FanOut(Aspect):
    """The partitions that queries find something in, and that they must ask."""

    searches: tuple[Search, ...]
    sized: tuple[str, ...]  # the table's columns where bytes are asked for, else none

    def keys(self) -> Iterable[Key]:
        """The columns of each query."""
        return [search.key for search in self.searches if search.key]

    def columns(self) -> Iterable[str]:
        """Those that are read, where bytes are asked for."""
        return [name for columns in self._reads for name in columns]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The names of the queries."""
        return {"QUERY": [search.name for search in self.searches]}

    @cached_property
    def _reads(self) -> list[tuple[str, ...]]:
        """The sets of columns whose bytes are summed."""
        if not self.sized:
            return []
        return list(dict.fromkeys(columns for search in self.searches for columns in search.reads if columns))

    def prepare(self, facts: Facts) -> None:
        """The cell that each distinct value of a query's columns belongs to."""
        counts = facts.header.setdefault("cells", {})
        for search in self.searches:
            if search.key:
                found = self.instances(facts, search)
                counts[search.name] = found.cells
                facts.keep(search.key, f"cell:{search.name}", found.of_key, found.cells)

    def teach(self, study: Study) -> None:
        """Refuses what would need too much memory."""
        for search in self.searches:
            if search.key:
                check_marks(search.name, self.instances(study.facts, search).cells, study.n)

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Queries that ask for another key than the strategy's, and bytes."""
        return bool(self._reads) or any(_needs_rows(search, contest) for search in self.searches)

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """Marks the partition of each row for the cell that it is in; sums the bytes that are read."""
        partitions = rows.partitions(contest)
        for search in self.searches:
            if search.key and not _by_key(search, contest):
                self._marks(search, contest, rows.facts, state).mark(rows.named(search.key, _cell(search)), partitions)
        if not contest.spec.keyed and any(not search.key for search in self.searches):
            state.sums(f"rows:{contest.index}", contest.partitions).add(partitions)
        for columns in self._reads:
            state.sums(_sized(columns, contest), contest.partitions).add(partitions, rows.sizes(columns))

    def measure(self, study: Study, found: Found) -> None:
        """Fan-out by what is there and by what the router knows; bytes; per statement of the log."""
        measured = [one for search in self.searches if (one := self._measured(study, search, found)) is not None]
        logged = [one for one in measured if one.search.template is not None]
        if not logged:
            return
        often = sum(one.often for one in logged)
        for name, unit in (("fan_out_mean", "held"), ("routed_fan_out_mean", "asked")):
            found.set(f"workload_{name}", float(sum(getattr(one, unit) * one.often for one in logged) / often))
        if self.sized:
            found.set("workload_bytes_read", float(sum(one.bytes * one.often for one in logged) / often))

    def _measured(self, study: Study, search: Search, found: Found) -> _Measured | None:
        instances = self.instances(study.facts, search)
        if search.frequency is not None:
            found.set(f"query_statements.{search.name}", search.frequency)
        names = ["fan_out_mean", "fan_out_max", "routed_fan_out_mean", "rows_reassembled_share"]
        names += ["bytes_read", "pruned_bytes_share"] if self.sized else []
        if not instances.weight:
            for name in names:
                found.set(f"{name}.{search.name}", None, "the query has no instance: every value is null")
            return None
        asked = self.routed(study, search)
        counts = self.counts(study, search)
        held = Fraction(instances.weighted(counts), instances.weight)
        must = Fraction(instances.weighted(asked.counts), instances.weight)
        found.set(f"fan_out_mean.{search.name}", float(held))
        found.set(f"fan_out_max.{search.name}", int(counts.max()))
        found.set(f"routed_fan_out_mean.{search.name}", float(must))
        found.set(f"rows_reassembled_share.{search.name}", 0)  # whole rows lie in each partition
        read, whole = self._bytes(study, search, asked)
        if self.sized:
            found.set(f"bytes_read.{search.name}", float(read))
            share = float(1 - read / whole) if whole else None
            found.set(f"pruned_bytes_share.{search.name}", share, None if whole else "it reads no bytes")
        return _Measured(search, search.frequency or 0, held, must, read)

    def _bytes(self, study: Study, search: Search, asked: Routed) -> tuple[Fraction, Fraction]:
        """Mean bytes of the columns read in the partitions asked, and in all partitions."""
        if not self.sized or search.is_insert:
            return Fraction(0), Fraction(0)
        read = whole = often = 0
        for columns in search.reads:
            weights = search.reading(columns, len(asked.counts))
            often += total(weights)
            if columns:
                sizes = study.sums(_sized(columns, study.contest), study.n)
                sums = asked.sums(sizes)
                read += sum(int(one) * int(weight) for one, weight in zip(sums, weights, strict=True) if weight)
                whole += total(sizes) * total(weights)
        return Fraction(read, often), Fraction(whole, often)

    # What other aspects ask

    def instances(self, facts: Facts, search: Search) -> Instances:
        """The instances of a query on this table, found once."""
        distinct = facts.distinct[search.key] if search.key else None
        return facts.once(f"instances:{search.name}", lambda: search.instances(distinct))

    def routed(self, study: Study, search: Search) -> Routed:
        """The partitions that each instance must ask; a row that is inserted goes to one."""
        instances = self.instances(study.facts, search)
        asked = routed(study.learned, instances.asked, study.keys)
        if not search.is_insert:
            return asked
        known = asked.counts == 1  # others go to one partition too, but which is not known before
        return Routed(study.n, np.ones(instances.count, np.uint64), lambda: _of(asked, known))

    def counts(self, study: Study, search: Search) -> np.ndarray:
        """How many partitions each instance finds something in, uint64 of shape (instances,)."""
        instances = self.instances(study.facts, search)
        if search.is_insert:
            return np.ones(instances.count, np.uint64)
        if not search.key:
            return np.full(instances.count, np.count_nonzero(self._rows(study)), np.uint64)
        if instances.spans is None:
            return numpy_of(self._marked(study, search).counts())
        return np.asarray(np.bitwise_count(self.marks(study, search)).sum(axis=1, dtype=np.uint64))

    def matched(self, study: Study, search: Search) -> np.ndarray:
        """How many rows each instance finds, uint64 of shape (instances,)."""
        instances = self.instances(study.facts, search)
        if not search.key:
            return np.full(instances.count, study.facts.header["rows"], np.uint64)
        sums = _core.Sums(instances.cells)
        sums.add(pa.array(instances.of_key), pa.array(study.keys(search.key).rows, pa.uint64()))
        cells = numpy_of(sums.values())
        return cells if instances.spans is None else instances.spans.sums(cells, instances.count)

    def marks(self, study: Study, search: Search) -> np.ndarray:
        """The partitions that each instance of a template finds something in: bits, uint8 (instances, width / 8)."""
        instances = self.instances(study.facts, search)
        assert instances.spans is not None, "only templates of a log have spans"
        bits = numpy_of(self._marked(study, search).values()).reshape(instances.cells, marks_width(study.n) // 8)
        return instances.spans.join(bits, instances.count)

    def _rows(self, study: Study) -> np.ndarray:
        """The rows of each partition."""
        if study.keyed:
            return numpy_of(_core.sum_by(study.partitions, pa.array(study.own.rows), study.n))
        return study.sums(f"rows:{study.index}", study.n)

    def _marked(self, study: Study, search: Search) -> _core.Marks:
        state = study.state
        assert state is not None, "fan-out is measured after the rows are scanned"
        marks = self._marks(search, study.contest, study.facts, state)
        if _by_key(search, study.contest):
            marks.mark(study.facts.numbers(search.key, _cell(search)), study.partitions)
        return marks

    def _marks(self, search: Search, contest: Contest, facts: Facts, state: RowState) -> _core.Marks:
        width = contest.partitions if search.template is None else marks_width(contest.partitions)
        return state.marks(f"{search.name}:{contest.index}", facts.header["cells"][search.name], width)


@dataclass(frozen=True)
class _Measured:
    """The means of one query, exact, and how often the log asks it."""

    search: Search
    often: int
    held: Fraction
    asked: Fraction
    bytes: Fraction


def _by_key(search: Search, contest: Contest) -> bool:
    """Whether the distinct keys tell it all, so that rows need not be asked."""
    return contest.spec.keyed and contest.spec.columns == search.key


def _needs_rows(search: Search, contest: Contest) -> bool:
    """Whether only the rows tell where its matches are: those of another key, or of all partitions."""
    return not _by_key(search, contest) if search.key else not (contest.spec.keyed or search.is_insert)


def _of(asked: Routed, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of the instances that are known."""
    if not known.any():
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    instances, partitions = asked.pairs
    kept = known[instances]
    return instances[kept], partitions[kept]


def _cell(search: Search) -> str:
    return f"cell:{search.name}"


def _sized(columns: tuple[str, ...], contest: Contest) -> str:
    return f"bytes:{','.join(columns)}:{contest.index}"
