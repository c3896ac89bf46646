"""The folds of the experiment `partitioning` over one table.

Stage 0 counts the distinct values of every key that a strategy, foreign key or query needs. Then
all strategies are learned, and each distinct key gets its partitions, its parent's partitions and
its query instances. Stage 1 scans the rows once more and, by the keys' numbers, sums what only
rows can tell: joins, fan-out, bytes, and everything of strategies that go by the row's number.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Batch, Dataset, ForeignKey, Query
from assay.errors import AssayError, EmptyInputError, MeasurementError, ParameterError
from assay.experiments import packing
from assay.experiments.base import Cell, Findings, Timer
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter, numpy_of
from assay.experiments.loads import JOURNEYS, journeys
from assay.experiments.partitioning.findings import Measured, findings_of
from assay.experiments.partitioning.queries import NO_INSTANCE, check_marks, instances_of, marks_per_row
from assay.experiments.partitioning.references import (
    NO_PARENT,
    Reference,
    load_parent,
    parent_partitions,
    reference_of,
)
from assay.experiments.partitioning.row_bytes import row_bytes
from assay.experiments.partitioning.strategies import ACTIONS, Learned, StrategySpec, after, learn
from assay.experiments.partitioning.timers import timers_of

__all__ = ["Contest", "PartitioningJob"]


@dataclass(frozen=True)
class Contest:
    """One strategy at one number of partitions."""

    spec: StrategySpec
    partitions: int
    cell: Cell


@dataclass
class CountState:
    """Stage 0: distinct keys, counted."""

    counter: KeyCounter
    rows: int = 0


@dataclass
class RowState:
    """Stage 1: what only rows can tell; arrays of exact sums and bits by name."""

    lookup: RowLookup
    sums: dict[str, np.ndarray] = field(default_factory=dict)
    bits: dict[str, np.ndarray] = field(default_factory=dict)

    def add(self, name: str, values: np.ndarray) -> None:
        """Adds exact sums under a name."""
        if name in self.sums:
            self.sums[name] = self.sums[name] + values
        else:
            self.sums[name] = values

    def mark(self, name: str, values: np.ndarray) -> None:
        """Joins bits under a name."""
        self.bits[name] = self.bits[name] | values if name in self.bits else values


class RowLookup:
    """What stage 1 knows of each distinct key: partitions, parents' partitions, instances."""

    def __init__(self, learned: bytes) -> None:
        self.header, tables = packing.unpack(learned)
        self.keys: list[Key] = [tuple(key) for key in self.header["keys"]]
        self.distinct = {key: _distinct(key, tables[f"key{index}"]) for index, key in enumerate(self.keys)}
        self.counter = KeyCounter(self.keys)
        self.counter.add_distinct(self.distinct)
        self.tables = {key: tables[f"key{index}"] for index, key in enumerate(self.keys)}
        self.by_row: dict[int, tuple[Learned, dict[str, Learned]]] = {}

    def column(self, key: Key, name: str) -> np.ndarray:
        """A column of numbers beside the distinct values of a key."""
        return numpy_of(self.tables[key].column(name).combine_chunks())


def _distinct(key: Key, table: pa.Table) -> DistinctKeys:
    names = [f"k{index}" for index in range(len(key))]
    return DistinctKeys(key, table.select([*names, "rows", "weight"]))


@lru_cache(maxsize=2)
def _lookup(learned: bytes) -> RowLookup:
    return RowLookup(learned)


@dataclass(frozen=True)
class PartitioningJob:
    """The strategies, numbers of partitions, foreign keys and queries to measure on one dataset."""

    dataset: Dataset
    contests: tuple[Contest, ...]
    foreign_keys: tuple[ForeignKey, ...]
    queries: tuple[Query, ...]
    weight: str | None
    measure_bytes: bool
    all_columns: tuple[str, ...]
    stages: int = 2

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each strategy and number of partitions."""
        return [contest.cell for contest in self.contests]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The actions, and the names of foreign keys and queries."""
        return {
            "ACTION": ACTIONS,
            "FK": [key.name for key in self.foreign_keys],
            "QUERY": [query.name for query in self.queries],
        }

    @cached_property
    def keys(self) -> list[Key]:
        """Every key whose distinct values are needed."""
        found: list[Key] = []
        for contest in self.contests:
            if contest.spec.columns:
                found.append(contest.spec.columns)
            found += [leaf.columns for leaf in contest.spec.leaves if leaf.columns]
            found += [spec.columns for spec in _all_parts(contest.spec) if spec.columns]
        found += [key.columns for key in self.foreign_keys]
        found += [query.columns for query in self.queries]
        return list(dict.fromkeys(found))

    def columns(self, stage: int) -> Sequence[str]:
        """Those of all keys, and the weight; all columns where bytes are asked for."""
        if stage == 1 and self.measure_bytes:
            return self.all_columns
        names = [name for key in self.keys for name in key] + ([self.weight] if self.weight else [])
        return list(dict.fromkeys(names))

    # Stage by stage

    def start(self, stage: int, learned: bytes | None) -> CountState | RowState:
        """An empty state."""
        if stage == 0:
            return CountState(KeyCounter(self.keys))
        assert learned is not None, "stage 1 follows stage 0"
        return RowState(_lookup(learned))

    def update(self, state: CountState | RowState, batch: Batch) -> None:
        """Counts keys (stage 0), or sums what rows tell (stage 1)."""
        columns = {name: batch.data.column(name) for name in batch.data.schema.names}
        weights = self._weights(columns, batch.first_row)
        if isinstance(state, CountState):
            state.counter.add(columns, weights)
            state.rows += batch.data.num_rows
        else:
            self._sum_rows(state, batch, columns, weights)

    def merge(self, state: Any, other: Any) -> Any:
        """Both states as one; exact sums and bits do not depend on the order."""
        if isinstance(state, CountState):
            state.counter.add_distinct(other.counter.finish())
            state.rows += other.rows
        else:
            for name, values in other.sums.items():
                state.add(name, values)
            for name, values in other.bits.items():
                state.mark(name, values)
        return state

    def pack(self, state: Any) -> bytes:
        """The state as bytes."""
        if isinstance(state, CountState):
            found = state.counter.finish()
            tables = {f"key{index}": found[key].table for index, key in enumerate(state.counter.keys)}
            return packing.pack({"rows": state.rows}, tables)
        sums = {f"sum:{name}": pa.table({"v": values}) for name, values in state.sums.items()}
        bits = {f"bit:{name}": pa.table({"v": values}) for name, values in state.bits.items()}
        return packing.pack({}, sums | bits)

    def unpack(self, stage: int, packed: bytes, learned: bytes | None) -> Any:
        """The state that was packed."""
        header, tables = packing.unpack(packed)
        if stage == 0:
            counter = KeyCounter(self.keys)
            counter.add_distinct({key: _distinct(key, tables[f"key{i}"]) for i, key in enumerate(counter.keys)})
            return CountState(counter, header["rows"])
        state = self.start(1, learned)
        assert isinstance(state, RowState)
        for name, table in tables.items():
            values = numpy_of(table.column("v").combine_chunks())
            kind, _, rest = name.partition(":")
            (state.sums if kind == "sum" else state.bits)[rest] = values
        return state

    def learn(self, stage: int, state: Any) -> bytes:
        """Every strategy, learned and applied to the distinct keys; parents and query instances beside them."""
        assert stage == 0, "only stage 0 teaches"
        if state.rows == 0:
            raise EmptyInputError(f"{self.dataset.name} has no rows; there is nothing to partition")
        distinct: dict[Key, DistinctKeys] = state.counter.finish()
        tables = {key: found.table for key, found in distinct.items()}
        failures: dict[str, str] = {}
        causes: list[AssayError] = []
        notes: dict[str, str] = {}
        references = self._references(distinct)
        counts: dict[str, int] = {}
        for query in self.queries:
            found = instances_of(query, distinct[query.columns])
            counts[query.name] = found.count
            tables[query.columns] = _beside(tables[query.columns], f"instance:{query.name}", found.of_key)
        for index, contest in enumerate(self.contests):
            try:
                for query in self.queries:
                    check_marks(query, counts[query.name], contest.partitions)
                learned = self._learn(contest, distinct)
                if contest.spec.keyed:
                    key = contest.spec.columns
                    found_partitions = learned.assign(distinct[key].columns, len(distinct[key]))
                    self._verify(contest, learned, distinct[key], found_partitions)
                    tables[key] = _beside(tables[key], f"assign:{index}", found_partitions)
                for reference in references:
                    partitions, why = parent_partitions(learned, reference)
                    name = reference.foreign_key.name
                    if partitions is not None:
                        key = reference.foreign_key.columns
                        tables[key] = _beside(tables[key], f"parent:{name}:{index}", partitions)
                    elif why is not None:
                        notes[f"{name}:{index}"] = why
            except AssayError as error:
                failures[contest.cell.cell_id] = str(error)
                causes.append(error)
        if len(failures) == len(self.contests):
            raise causes[0]
        header = {
            "rows": state.rows,
            "keys": [list(key) for key in state.counter.keys],
            "instances": counts,
            "failures": failures,
            "notes": notes,
        }
        return packing.pack(header, {f"key{i}": tables[key] for i, key in enumerate(state.counter.keys)})

    def finish(self, learned: Sequence[bytes], state: Any) -> Findings:
        """All exact metrics, from the distinct keys and what the rows told."""
        lookup = _lookup(learned[0])
        references = self._references(lookup.distinct)
        measured = []
        failures: dict[str, str] = dict(lookup.header["failures"])
        for index, contest in enumerate(self.contests):
            if contest.cell.cell_id in failures:
                continue
            try:
                measured.append(self._measured(index, contest, lookup, references, state))
            except AssayError as error:
                failures[contest.cell.cell_id] = str(error)
        return findings_of(measured, lookup.distinct, references, self.queries, failures, lookup.header["rows"])

    def timers(self, learned: Sequence[bytes]) -> Sequence[Timer]:
        """Lookup and build of every strategy, on the table's own keys."""
        lookup = _lookup(learned[0])
        alive = [contest for contest in self.contests if contest.cell.cell_id not in lookup.header["failures"]]
        return timers_of(alive, self.dataset, lambda contest: self._learn(contest, lookup.distinct), lookup.distinct)

    # The parts of the stages

    def _weights(self, columns: Mapping[str, pa.Array], first_row: int) -> pa.Array | None:
        if self.weight is None:
            return None
        column = columns[self.weight]
        if column.null_count:
            raise ParameterError(
                f'weight "{self.weight}" is null in {column.null_count} rows from row {first_row} on; '
                "expected a non-negative integer in each row"
            )
        try:
            return column.cast(pa.uint64())
        except pa.ArrowException as error:
            raise ParameterError(
                f'weight "{self.weight}" holds a value that is no non-negative 64-bit integer ({error})'
            ) from None

    def _learn(self, contest: Contest, distinct: Mapping[Key, DistinctKeys]) -> Learned:
        key = contest.spec.columns
        if key and distinct[key].is_null.all():
            raise EmptyInputError(
                f"{contest.spec.text}: every value of {', '.join(key)} is null; choose a key that has values"
            )
        return learn(contest.spec, range(contest.partitions), lambda wanted: distinct[wanted])

    def _verify(self, contest: Contest, learned: Learned, distinct: DistinctKeys, found: np.ndarray) -> None:
        """A strategy must answer alike when asked again, in another order, and null must live in partition 0."""
        backwards = pa.array(np.arange(len(distinct), dtype=np.int64)[::-1])
        again = learned.assign([column.take(backwards) for column in distinct.columns], len(distinct), threads=1)
        if not np.array_equal(again[::-1], found):
            raise MeasurementError(
                f"{contest.spec.text} puts a key into different partitions when asked again; a strategy must depend "
                "on the key alone"
            )
        if found[distinct.is_null].any():
            raise MeasurementError(f"{contest.spec.text} does not keep null keys in partition 0")

    @cached_property
    def _parents(self) -> list[Any]:
        return [load_parent(self.dataset, key) for key in self.foreign_keys]

    def _references(self, distinct: Mapping[Key, DistinctKeys]) -> list[Reference]:
        return [reference_of(parent, distinct[parent.foreign_key.columns]) for parent in self._parents]

    def _sum_rows(
        self, state: RowState, batch: Batch, columns: Mapping[str, pa.Array], weights: pa.Array | None
    ) -> None:
        lookup = state.lookup
        numbers = lookup.counter.find(columns)
        sizes = row_bytes(batch.data) if self.measure_bytes else None
        for index, contest in enumerate(self.contests):
            if contest.cell.cell_id in lookup.header["failures"]:
                continue
            n = contest.partitions
            if contest.spec.keyed:
                partitions = lookup.column(contest.spec.columns, f"assign:{index}")[numbers[contest.spec.columns]]
            else:
                partitions = self._by_row(state, index, contest, batch, columns, weights)
            arrow = pa.array(partitions)
            state.add(f"rows:{index}", numpy_of(_core.sum_by(arrow, None, n)))
            if sizes is not None:
                state.add(f"bytes:{index}", numpy_of(_core.sum_by(arrow, sizes, n)))
            for foreign_key in self.foreign_keys:
                name = f"parent:{foreign_key.name}:{index}"
                key = foreign_key.columns
                if name in lookup.tables[key].schema.names:
                    parents = lookup.column(key, name)[numbers[key]]
                    cross = (parents != NO_PARENT) & (parents != partitions)
                    groups = pa.array(cross.astype(np.uint32))
                    state.add(f"cross:{foreign_key.name}:{index}", numpy_of(_core.sum_by(groups, weights, 2)))
            for query in self.queries:
                instances = lookup.column(query.columns, f"instance:{query.name}")
                count = lookup.header["instances"][query.name]
                of_row = instances[numbers[query.columns]]
                known = of_row != NO_INSTANCE
                groups = pa.array(of_row[known])
                bits = _core.mark_pairs(groups, pa.array(partitions[known]), count, n)
                state.mark(f"{query.name}:{index}", numpy_of(bits))

    def _by_row(
        self,
        state: RowState,
        index: int,
        contest: Contest,
        batch: Batch,
        columns: Mapping[str, pa.Array],
        weights: pa.Array | None,
    ) -> np.ndarray:
        """The partitions of a strategy that goes by the row's number, and what each action moves."""
        key = [columns[name] for name in contest.spec.columns]
        rows = batch.data.num_rows
        if index not in state.lookup.by_row:
            state.lookup.by_row[index] = self._with_actions(contest, state.lookup.distinct)
        learned, changes = state.lookup.by_row[index]
        partitions = learned.assign(key, rows, first_row=batch.first_row)
        arrow = pa.array(partitions)
        state.add(f"weight:{index}", numpy_of(_core.sum_by(arrow, weights, contest.partitions)))
        for action, changed in changes.items():
            now = changed.assign(key, rows, first_row=batch.first_row)
            kinds = journeys(partitions, now, learned.nodes, changed.nodes)
            state.add(f"carried:{action}:{index}", numpy_of(_core.sum_by(pa.array(kinds), weights, JOURNEYS)))
        return partitions

    def _with_actions(
        self, contest: Contest, distinct: Mapping[Key, DistinctKeys]
    ) -> tuple[Learned, dict[str, Learned]]:
        """A strategy, and what it becomes after each action that can be; `_measured` says why others cannot."""
        learned = self._learn(contest, distinct)
        changes = {}
        for action in ACTIONS:
            with contextlib.suppress(AssayError):
                changed = after(learned, action, lambda wanted: distinct[wanted])
                if changed is not None:
                    changes[action] = changed
        return learned, changes

    def _measured(
        self, index: int, contest: Contest, lookup: RowLookup, references: Sequence[Reference], state: RowState
    ) -> Measured:
        distinct, n = lookup.distinct, contest.partitions
        learned = self._learn(contest, distinct)
        measured = Measured(contest.cell, learned)
        own = distinct[contest.spec.columns] if contest.spec.keyed else None
        row_sums = state.sums.get(f"rows:{index}", np.zeros(n, np.uint64))
        if own is not None:
            partitions = lookup.column(contest.spec.columns, f"assign:{index}")
            weights = pa.array(own.weights)
            measured.loads = numpy_of(_core.sum_by(pa.array(partitions), weights, n))
            rows = numpy_of(_core.sum_by(pa.array(partitions), pa.array(own.rows), n))
            if not np.array_equal(rows, row_sums):
                raise MeasurementError(f"{contest.spec.text}: two ways of counting rows per partition disagree")
        else:
            measured.loads = state.sums[f"weight:{index}"]
        measured.rows = row_sums
        measured.bytes = state.sums.get(f"bytes:{index}")
        for action in ACTIONS:
            try:
                changed = after(learned, action, lambda wanted: distinct[wanted])
            except AssayError as error:
                measured.no_action[action] = str(error)
                continue
            if changed is None:
                measured.no_action[action] = "there is only one partition"
                continue
            if own is not None:
                now = changed.assign(own.columns, len(own))
                kinds = journeys(partitions, now, learned.nodes, changed.nodes)
                carried = numpy_of(_core.sum_by(pa.array(kinds), weights, JOURNEYS))
            else:
                carried = state.sums[f"carried:{action}:{index}"]
            measured.carried[action] = (carried, changed.nodes)
        for reference in references:
            name = reference.foreign_key.name
            why = lookup.header["notes"].get(f"{name}:{index}")
            if why is not None:
                measured.no_join[name] = why
            else:
                cross = state.sums.get(f"cross:{name}:{index}")
                measured.cross[name] = 0 if cross is None else int(cross[1])
        for query in self.queries:
            instances = instances_of(query, distinct[query.columns])
            bits = state.bits.get(f"{query.name}:{index}", np.zeros(0, np.uint8))
            measured.fan_outs[query.name] = (instances, marks_per_row(bits, instances.count, n))
        return measured


def _all_parts(spec: StrategySpec) -> list[StrategySpec]:
    return [part for inner in spec.parts for part in (inner, *_all_parts(inner))]


def _beside(table: pa.Table, name: str, values: np.ndarray) -> pa.Table:
    return table.append_column(name, pa.array(values, pa.uint32()))
