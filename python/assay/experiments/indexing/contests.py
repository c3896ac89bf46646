"""One index on one key: the questions that it is asked, the rows that it is told of, and whether it is right.

What is timed is checked first, in every process that times it: an index that answers otherwise than a scan, or forgets
what it was told, has no timing.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, get_args

import numpy as np
import pyarrow as pa

from assay.errors import MeasurementError
from assay.experiments.base import Cell
from assay.experiments.indexing.changes import Batch, Change, batches_of
from assay.experiments.indexing.contenders import NO_INDEX, IndexSpec, build
from assay.experiments.indexing.drawing import hits, misses, question_of, ranges_of_rows
from assay.experiments.indexing.keys import KeyRows
from assay.experiments.indexing.mix import Mix, serves
from assay.experiments.indexing.questions import Index, InOrder, Lookups, Question
from assay.experiments.indexing.settings import IndexingSettings, Order
from assay.experiments.indexing.table import Columns

__all__ = ["RANGE_ROWS", "Contest", "Key", "Plan", "plan_of", "verify"]

RANGE_ROWS = (1, 100, 10_000)
_CHECKED = 1_000  # instances of a question
_CHECKED_NS = 300_000_000  # that a question may take to check, about
_CHANGED_BARE = 50  # rows of a batch, where each is searched for
_CHECKED_ROWS = 500_000  # that their answers have
_CHANGED = 2  # batches that are applied before an index is asked again


@dataclass(frozen=True)
class Key:
    """A key as it is varied."""

    names: tuple[str, ...]
    rows: int | None
    order: Order
    duplicates: int | None

    def of(self, columns: Columns, seed: int) -> KeyRows:
        """Its rows."""
        return columns.key(self.names, self.rows, self.order, self.duplicates, seed)


@dataclass(frozen=True)
class Contest:
    """One cell."""

    spec: IndexSpec
    key: Key
    threads: int
    cell: Cell

    @property
    def is_none(self) -> bool:
        """Whether it is the scan, which has nothing to build and nothing to be told."""
        return self.spec.name == NO_INDEX

    @property
    def is_processor_bound(self) -> bool:
        """Whether the thread that asks does all the work, and waits for nothing."""
        return self.threads == 1 and not self.spec.is_engine

    def built(self, rows: KeyRows, settings: IndexingSettings) -> Index:
        """The index of these rows."""
        limit = None if self.is_none else settings.memory_limit_bytes
        return build(self.spec, rows, threads=self.threads, memory_limit=limit)


@dataclass(frozen=True)
class Plan:
    """What is asked and changed of one key, alike for all contenders.

    Attributes:
        rows: The key.
        questions: By the metric that it is timed for; None where the column has no instance.
        needs_order: The metrics of the questions that only an ordered index answers.
        changes: Batches by kind.
        written: The kinds of changes that the workload makes.
    """

    rows: KeyRows
    questions: Mapping[str, Question | None]
    needs_order: frozenset[str]
    changes: Mapping[str, Sequence[Batch]]
    written: frozenset[str]

    def asked(self, spec: IndexSpec) -> dict[str, Question]:
        """The questions that an index answers by itself."""
        return {
            metric: question
            for metric, question in self.questions.items()
            if question is not None and len(question) and (spec.is_ordered or metric not in self.needs_order)
        }


def plan_of(key: Key, columns: Columns, mix: Mix, settings: IndexingSettings) -> Plan:
    """What is asked and changed of a key; made once in a process."""
    return columns.once(("plan", key), lambda: _planned(key, columns, mix, settings))


def _planned(key: Key, columns: Columns, mix: Mix, settings: IndexingSettings) -> Plan:
    rows, seed = key.of(columns, settings.seed), settings.seed
    questions: dict[str, Question | None] = {
        "lookup_ns.hit": hits(rows, seed),
        "lookup_ns.miss": misses(rows, seed),
        "ordered_scan_ns": InOrder(rows, by_row=True),
    }
    needs_order = {"ordered_scan_ns"}
    for count in RANGE_ROWS:
        questions[f"range_ns.{count}"] = ranges_of_rows(rows, count, seed)
        needs_order.add(f"range_ns.{count}")
    for operation in mix.reads:
        if serves(operation, key.names, is_ordered=True):
            metric = f"query_ns.{operation.name}"
            questions[metric] = question_of(operation, rows, absent_share=settings.absent_share, seed=seed)
            if not serves(operation, key.names, is_ordered=False):
                needs_order.add(metric)
    every = {str(kind): batches_of(kind, rows, settings.batch, seed) for kind in get_args(Change)}
    changes = {kind: batches for kind, batches in every.items() if batches}
    return Plan(rows, questions, frozenset(needs_order), changes, frozenset(mix.writes_of(key.names)))


def verify(contest: Contest, plan: Plan, index: Index, columns: Columns) -> int:
    """How many answers were compared with a scan's, before and after rows have come, gone and changed.

    Raises:
        MeasurementError: One differs; the message says which.
    """
    compared = 0
    try:
        for question in plan.asked(contest.spec).values():
            compared += _checked(question, index, contest)
        for kind, batches in plan.changes.items():
            is_slow = contest.spec.is_bare and contest.spec.is_engine
            applied = [batch.first(_CHANGED_BARE) if is_slow else batch for batch in batches[:_CHANGED]]
            for batch in applied:
                batch.apply(index)
            place = ("afterwards", contest.key, kind, is_slow)
            afterwards = columns.once(place, partial(_afterwards, plan.rows, applied))
            try:
                for question, needs_order in afterwards:
                    if contest.spec.is_ordered or not needs_order:
                        compared += _checked(question, index, contest)
            except MeasurementError as error:
                raise MeasurementError(f"after {kind}: {error}") from None
            for batch in reversed(applied):
                batch.take_back(index)
        compared += _checked(hits(plan.rows, 1), index, contest)
    except MeasurementError as error:
        raise MeasurementError(f"{contest.spec.text} on {plan.rows.label} is wrong: {error}") from None
    return compared


def _checked(question: Question, index: Index, contest: Contest) -> int:
    """Checks as many instances as are not too many rows; at least one, if there is any."""
    count = min(len(question), _CHECKED)
    if not count:
        return 0
    while count > 1 and question.rows(0, count) > _CHECKED_ROWS:
        count = max(1, count // 4)
    first = min(count, 2)
    started = time.perf_counter_ns()
    question.check(question.ask(index, 0, first, contest.threads), 0, first)
    each = (time.perf_counter_ns() - started) / first
    count = max(first, min(count, int(_CHECKED_NS / max(1.0, each))))
    question.check(question.ask(index, 0, count, contest.threads), 0, count)
    return count


def _changed(rows: KeyRows, batches: Sequence[Batch]) -> KeyRows:
    """The key after batches of changes; a row that has gone has no key."""
    come = [batch for batch in batches if batch.come is not None]
    numbers = np.concatenate([np.asarray(batch.rows) for batch in batches]).astype(np.int64)
    places: np.ndarray = np.arange(max(len(rows), int(numbers.max()) + 1))
    is_gone = places >= len(rows)
    if come:
        places[numbers] = len(rows) + np.arange(len(numbers))
        is_gone[numbers] = False
    else:
        is_gone[numbers] = True
    taken = pa.array(places, mask=is_gone)
    columns = []
    for number, column in enumerate(rows.columns):
        new = [_column(batch.come, number) for batch in come]
        columns.append(pa.concat_arrays([column, *(one.cast(column.type) for one in new)]).take(taken))
    return KeyRows(rows.names, tuple(columns))


def _column(keys: Any, number: int) -> pa.Array:
    if not isinstance(keys, pa.Table):
        return keys
    column = keys.column(number).combine_chunks()
    return column.chunk(0) if isinstance(column, pa.ChunkedArray) else column


def _afterwards(rows: KeyRows, batches: Sequence[Batch]) -> list[tuple[Question, bool]]:
    """What an index is asked after a change, and whether it must be ordered: the keys that it was told of, others, and
    ranges."""
    changed, gone = _changed(rows, batches), [batch.gone for batch in batches if batch.gone is not None]
    asked: list[tuple[Question | None, bool]] = []
    if gone:
        changed, lost = _with_keys(changed, gone).divided(len(changed))
        asked.append((Lookups(changed, _joined(gone), lost), False))
    touched = np.unique(changed.numbers[np.concatenate([np.asarray(batch.rows) for batch in batches]).astype(np.int64)])
    touched = touched[touched >= 0]
    touched = touched[~changed.has_null[touched]][:_CHECKED]
    if len(touched):
        asked.append((Lookups(changed, changed.keys(touched), touched), False))
    if changed.indexed:
        asked += [(hits(changed, 2), False), (ranges_of_rows(changed, 100, 2), True)]
    return [(question, ordered) for question, ordered in asked if question is not None and len(question)]


def _with_keys(rows: KeyRows, keys: Sequence[Any]) -> KeyRows:
    """Rows, and behind them a row for each of these keys."""
    columns = [
        pa.concat_arrays([column, *(_column(one, place) for one in keys)]) for place, column in enumerate(rows.columns)
    ]
    return KeyRows(rows.names, tuple(columns))


def _joined(keys: Sequence[Any]) -> Any:
    if isinstance(keys[0], pa.Table):
        return pa.concat_tables(keys).combine_chunks()
    return pa.concat_arrays(keys)
