"""The folds of the experiment `partitioning` over one table.

Stage 0 counts the distinct values of every key that a strategy or an aspect needs. Then all
strategies are learned, and each distinct key gets its partitions, its parent's partitions, its
query instances (`facts.py`). Stage 1 scans the rows once more where something depends on more than
a strategy's own key, and by the keys' numbers sums what only rows can tell (`rows.py`). What is
measured is the aspects' to say (`aspects/`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from assay.datasets import Batch, Dataset
from assay.errors import AssayError, EmptyInputError, MeasurementError, ParameterError
from assay.experiments import packing
from assay.experiments.base import Cell, Findings, Lesson, Timer
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter, give_back_memory, numpy_of
from assay.experiments.partitioning import memory
from assay.experiments.partitioning.advise import Grid
from assay.experiments.partitioning.aspects import Aspect, Found, Study, suits
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.strategies import Learned, learn
from assay.experiments.partitioning.timers import PERCENTILES, timers_of

__all__ = ["PartitioningJob"]


VERIFIED_AT_ONCE = 1 << 20  # distinct keys, so that a check needs no copy of all of them


@dataclass
class CountState:
    """Stage 0: distinct keys, counted."""

    counter: KeyCounter
    rows: int = 0


@lru_cache(maxsize=2)
def _unpacked(learned: bytes) -> Facts:
    return Facts.unpack(learned)


def _facts(learned: Lesson | None) -> Facts:
    assert learned is not None, "stage 1 follows stage 0"
    if isinstance(learned, Facts):
        return learned
    assert isinstance(learned, bytes), "facts travel as bytes"
    return _unpacked(learned)


@dataclass(frozen=True)
class PartitioningJob:
    """The strategies and numbers of partitions to measure on one dataset, and what to measure of them."""

    dataset: Dataset
    contests: tuple[Contest, ...]
    aspects: tuple[Aspect, ...]
    weight: str | None
    advice: Grid | None = None  # what is tried and why, where advice is asked for
    memory_limit: int | None = None  # bytes of the process; beyond a share of it counted keys go to disk
    stages: int = 2

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each strategy and number of partitions."""
        return [contest.cell for contest in self.contests]

    @property
    def timed(self) -> bool:
        """Not where advice is asked for: no rule of it looks at a time."""
        return self.advice is None

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """What the aspects' metrics may be called."""
        found: dict[str, Sequence[str]] = {"ACTION": (), "FK": (), "QUERY": (), "PERCENTILE": PERCENTILES}
        for aspect in self.aspects:
            found |= aspect.variables
        return found

    @cached_property
    def keys(self) -> list[Key]:
        """Every key whose distinct values are needed."""
        found: list[Key] = []
        for contest in self.contests:
            found += contest.spec.keys
        for aspect in self.aspects:
            found += aspect.keys()
        return list(dict.fromkeys(found))

    def columns(self, stage: int) -> Sequence[str]:
        """Those of all keys, the weight, and in the scan of the rows what aspects need."""
        names = [name for key in self.keys for name in key] + ([self.weight] if self.weight else [])
        if stage == 1:
            names += [name for aspect in self.aspects for name in aspect.columns()]
        return list(dict.fromkeys(names))

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """Stage 1 is left out where the distinct keys tell everything."""
        return stage == 0 or any(self._scanning(_facts(learned)))

    # Stage by stage

    def start(self, stage: int, learned: Lesson | None) -> CountState | RowState:
        """An empty state."""
        return CountState(KeyCounter(self.keys, self._limit)) if stage == 0 else RowState(_facts(learned))

    def update(self, state: CountState | RowState, batch: Batch) -> None:
        """Counts keys (stage 0), or sums what rows tell (stage 1)."""
        weights = self._weights(batch)
        if isinstance(state, CountState):
            columns = {name: batch.data.column(name) for name in batch.data.schema.names}
            state.counter.add(columns, weights)
            state.rows += batch.data.num_rows
            return
        rows = Rows(batch, weights, state.facts, self._learner(state.facts))
        for aspect, contest in self._scanning(state.facts):
            aspect.add(rows, contest, state)
        for key, numbers in rows.looked_up.items():
            state.sums(f"rows of {', '.join(key)}", len(state.facts.distinct[key])).add(numbers)

    def merge(self, state: Any, other: Any) -> Any:
        """Both states as one; exact sums and bits do not depend on the order."""
        if isinstance(state, CountState):
            state.counter.absorb(other.counter)
            state.rows += other.rows
        else:
            state.merge(other)
        return state

    def pack(self, state: Any) -> bytes:
        """The state as bytes."""
        if isinstance(state, RowState):
            return state.pack()
        found = state.counter.finish()
        tables = {f"key{index}": found[key].table for index, key in enumerate(state.counter.keys)}
        return packing.pack({"rows": state.rows}, tables)

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> Any:
        """The state that was packed."""
        if stage == 1:
            return RowState.unpack(packed, _facts(learned))
        header, tables = packing.unpack(packed)
        counter = KeyCounter(self.keys)
        counter.add_distinct({key: DistinctKeys(key, tables[f"key{i}"]) for i, key in enumerate(counter.keys)})
        return CountState(counter, header["rows"])

    def learn(self, stage: int, state: Any) -> Facts:
        """Every strategy, learned and applied to the distinct keys; what aspects put beside them."""
        assert stage == 0, "only stage 0 teaches"
        if state.rows == 0:
            raise EmptyInputError(f"{self.dataset.name} has no rows; there is nothing to partition")
        distinct = state.counter.finish()
        give_back_memory()
        counter = None if state.counter.spilled else state.counter
        if self.memory_limit is not None:
            tables = {} if counter is None else counter.table_bytes
            memory.check_fits(self.memory_limit, distinct, tables, self.contests)
        facts = Facts(distinct, {"rows": state.rows, "failures": {}}, counter)
        causes: list[AssayError] = []
        for aspect in self.aspects:
            aspect.prepare(facts)
        for contest in self.contests:
            try:
                self._teach(contest, facts)
            except AssayError as error:
                facts.header["failures"][contest.cell.cell_id] = str(error)
                causes.append(error)
        if len(causes) == len(self.contests):
            raise causes[0]
        facts.release()
        give_back_memory()  # what learning needed is not held beside what it taught
        return facts

    def finish(self, learned: Sequence[Lesson], state: Any) -> Findings:
        """All exact metrics, from the distinct keys and what the rows told."""
        facts = _facts(learned[0])
        self._check_counts(facts, state)
        failures: dict[str, str] = dict(facts.header["failures"])
        found: list[Found] = []
        for contest in self.contests:
            if contest.cell.cell_id in failures:
                continue
            one = Found(contest.cell.cell_id)
            try:
                study = self._study(contest, facts, state)
                for aspect in self.aspects:
                    if suits(aspect, contest):
                        aspect.measure(study, one)
                found.append(one)
            except AssayError as error:
                failures[contest.cell.cell_id] = str(error)
        values = [value for one in found for value in one.values()]
        points = [point for one in found for point in one.points]
        return Findings(values, points, failures, facts.header["rows"])

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """Lookup and build of every strategy, on the table's own keys."""
        facts = _facts(learned[0])
        alive = [contest for contest in self.contests if facts.alive(contest) and not contest.spec.groups]
        return timers_of(alive, self.dataset, self._learner(facts), facts.distinct)

    # The parts of the stages

    @property
    def _limit(self) -> int | None:
        """What each of the threads that count side by side may hold."""
        return None if self.memory_limit is None else memory.counting_bytes(self.memory_limit)

    def _scanning(self, facts: Facts) -> list[tuple[Aspect, Contest]]:
        """Which aspects sum rows for which strategies."""
        return facts.once(
            "scanning",
            lambda: [
                (aspect, contest)
                for contest in self.contests
                if facts.alive(contest)
                for aspect in self.aspects
                if suits(aspect, contest) and aspect.scans(facts, contest)
            ],
        )

    def _weights(self, batch: Batch) -> pa.Array | None:
        if self.weight is None:
            return None
        column = batch.data.column(self.weight)
        if column.null_count:
            raise ParameterError(
                f'weight "{self.weight}" is null in {column.null_count} rows from row {batch.first_row} on; '
                "expected a non-negative integer in each row"
            )
        try:
            return column.cast(pa.uint64())
        except pa.ArrowException as error:
            raise ParameterError(
                f'weight "{self.weight}" holds a value that is no non-negative 64-bit integer ({error})'
            ) from None

    def _learner(self, facts: Facts) -> Any:
        return lambda contest: self._learn(contest, facts.distinct)

    def _learn(self, contest: Contest, distinct: Mapping[Key, DistinctKeys]) -> Learned:
        key = contest.spec.columns
        if key and distinct[key].is_null.all():
            raise EmptyInputError(
                f"{contest.spec.text}: every value of {', '.join(key)} is null; choose a key that has values"
            )
        nodes = contest.cluster
        return learn(
            contest.spec,
            nodes.nodes,
            lambda wanted: distinct[wanted],
            capacities=nodes.capacities,
            racks=nodes.racks,
        )

    def _study(self, contest: Contest, facts: Facts, state: RowState | None) -> Study:
        learner = self._learner(facts)
        return Study(contest, facts.learned(contest, learner), facts, learner, state)

    def _teach(self, contest: Contest, facts: Facts) -> None:
        study = self._study(contest, facts, None)
        if contest.spec.keyed:
            own = study.own
            found = study.learned.assign(own.columns, len(own), narrow=True)
            _verify(study, found)
            facts.keep(contest.spec.columns, f"assign:{contest.index}", found, contest.partitions)
        for aspect in self.aspects:
            if suits(aspect, contest):
                aspect.teach(study)

    def _check_counts(self, facts: Facts, state: RowState) -> None:
        """The rows of each key, counted once more in the second scan, must be those of the first."""
        for key, distinct in facts.distinct.items():
            name = f"rows of {', '.join(key)}"
            if state.has(name) and not np.array_equal(numpy_of(state.sums(name, 0).narrow()), distinct.rows):
                raise MeasurementError(
                    f"{', '.join(key)}: the two scans counted different rows; the data changed while it was "
                    "measured; measure a snapshot"
                )


def _verify(study: Study, found: np.ndarray) -> None:
    """A strategy must answer alike when asked again, in another order, and null must live in partition 0."""
    own, text = study.own, study.contest.spec.text
    for first in range(0, len(own), VERIFIED_AT_ONCE):
        last = min(first + VERIFIED_AT_ONCE, len(own))
        backwards = pa.array(np.arange(last - 1, first - 1, -1, dtype=np.int64))
        columns = [column.take(backwards) for column in own.columns]
        again = study.learned.assign(columns, last - first, threads=1, narrow=True)
        if not np.array_equal(again[::-1], found[first:last]):
            raise MeasurementError(
                f"{text} puts a key into different partitions when asked again; a strategy must depend on the key alone"
            )
    if found[own.is_null].any():
        raise MeasurementError(f"{text} does not keep null keys in partition 0")
