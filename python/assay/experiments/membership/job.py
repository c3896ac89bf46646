"""The folds of the experiment `membership`: the distinct keys, then which row group holds which of them.

The second scan is left out where nothing is to be learned of row groups: there is one, keys are counted out
(`key_count`), or the rows are sorted by the key, which the counts of the keys tell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from assay.datasets import Batch, Dataset
from assay.errors import AssayError, EmptyInputError, ParameterError
from assay.experiments import packing
from assay.experiments.base import Cell, Findings, Lesson, Timer, Value
from assay.experiments.distinct import Key, KeyCounter, numpy_of
from assay.experiments.membership.absent import shuffled
from assay.experiments.membership.contests import Contest, measure, no_groups
from assay.experiments.membership.group_reads import GroupReads
from assay.experiments.membership.keys import ColumnKeys, KeySet
from assay.experiments.membership.metrics import KEYS
from assay.experiments.membership.row_groups import Grouping, unique_pairs
from assay.experiments.membership.settings import MembershipSettings

__all__ = ["MembershipJob"]

ROWS_BY_DEFAULT = 122_880  # of a row group, as DuckDB has it
_SCANNED = ("stored", "shuffled")  # orders that only the rows can tell
_TIMED_KEYS = 1 << 20  # asked for in one call: their cache lines are more than a cache holds
_TIMING = 6  # stream of the seed


@dataclass
class CountState:
    """Stage 0: distinct keys, counted."""

    counter: KeyCounter
    rows: int = 0


@dataclass
class PairState:
    """Stage 1: pairs group * 2^32 + key (uint64), by order; a batch's are distinct and ascending."""

    keys: ColumnKeys
    pairs: dict[str, list[np.ndarray]] = field(default_factory=dict)


@lru_cache(maxsize=2)
def _unpacked(learned: bytes) -> ColumnKeys:
    return ColumnKeys.unpack(learned)


def _keys(learned: Lesson | None) -> ColumnKeys:
    if isinstance(learned, ColumnKeys):
        return learned
    assert isinstance(learned, bytes), "stage 1 follows stage 0, and keys travel as bytes"
    return _unpacked(learned)


@dataclass(frozen=True)
class MembershipJob:
    """The filters, rates and orders to measure with the keys of one dataset."""

    dataset: Dataset
    contests: tuple[Contest, ...]
    key: str
    settings: MembershipSettings
    own_groups: tuple[int, ...] | None  # the first row of each row group of the table; None where rows are counted out
    workload: Dataset | None
    left_out: Mapping[float, Mapping[str, str]] = field(default_factory=dict)  # by target rate: filters, and why
    stages: int = 2
    timed: bool = True

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each filter, rate, number of keys and order."""
        return [contest.cell for contest in self.contests]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """Whether a key that is asked for is there."""
        return {"KEYS": KEYS}

    @property
    def _key(self) -> Key:
        return (self.key,)

    @property
    def _orders(self) -> list[str]:
        """The orders that the scan of the rows tells."""
        return [order for order in self.settings.orders if order in _SCANNED]

    def _grouping(self, rows: int) -> Grouping | None:
        """How so many rows are cut into groups; None where they are not, or nothing is asked of groups."""
        if self.settings.key_count is not None:
            return None
        first = self.own_groups or tuple(range(0, rows, self.settings.row_group_rows or ROWS_BY_DEFAULT))
        return Grouping(first, self.settings.seed) if len(first) > 1 else None

    def columns(self, stage: int) -> Sequence[str]:
        """The column of keys."""
        return [self.key]

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """Whether the table is read."""
        return stage == 0 or (bool(self._orders) and self._grouping(_keys(learned).rows) is not None)

    def start(self, stage: int, learned: Lesson | None) -> CountState | PairState:
        """An empty state."""
        return CountState(KeyCounter([self._key])) if stage == 0 else PairState(_keys(learned))

    def update(self, state: CountState | PairState, batch: Batch) -> None:
        """Counts the keys of a batch, or notes which group holds them."""
        column = batch.data.column(self.key)
        if isinstance(state, CountState):
            state.counter.add({self.key: column}, None)
            state.rows += batch.data.num_rows
            return
        grouping = self._grouping(state.keys.rows)
        assert grouping is not None, "only groups are scanned for"
        found = numpy_of(state.keys.counter.find(self._key, {self.key: column}))
        numbers = state.keys.numbers[found]
        rows = np.arange(batch.first_row, batch.first_row + len(numbers))
        valid = numbers >= 0
        for order in self._orders:
            groups = getattr(grouping, order)(rows[valid]).astype(np.uint64)
            pairs = np.unique(groups << np.uint64(32) | numbers[valid].astype(np.uint64))
            state.pairs.setdefault(order, []).append(pairs)

    def merge(self, state: Any, other: Any) -> Any:
        """Both states as one."""
        if isinstance(state, CountState):
            state.counter.absorb(other.counter)
            state.rows += other.rows
        else:
            for order, parts in other.pairs.items():
                state.pairs.setdefault(order, []).extend(parts)
        return state

    def pack(self, state: CountState | PairState) -> bytes:
        """The state as bytes."""
        if isinstance(state, CountState):
            return packing.pack({"rows": state.rows}, {"keys": state.counter.finish()[self._key].table})
        tables = {order: pa.table({"pairs": unique_pairs(parts)}) for order, parts in state.pairs.items()}
        return packing.pack({}, tables)

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> CountState | PairState:
        """The state that was packed."""
        head, tables = packing.unpack(packed)
        if stage == 0:
            keys = ColumnKeys.unpack(packing.pack({"key": [self.key], "rows": head["rows"]}, tables))
            counter = KeyCounter([self._key])
            counter.add_distinct({self._key: keys.distinct})
            return CountState(counter, head["rows"])
        pairs = {order: [numpy_of(table.column(0))] for order, table in tables.items()}
        return PairState(_keys(learned), pairs)

    def learn(self, stage: int, state: Any) -> ColumnKeys:
        """The distinct keys."""
        return ColumnKeys(state.counter.finish()[self._key], state.rows, state.counter)

    def finish(self, learned: Sequence[Lesson], state: PairState) -> Findings:
        """Every filter on every set of keys, and on every row group.

        Raises:
            EmptyInputError: There is no key that is not null.
        """
        keys = _keys(learned[0])
        if not len(keys.values):
            raise EmptyInputError(
                f'column "{self.key}" of {self.dataset.name} has no key that is not null; choose another'
            )
        values: list[Value] = []
        failures: dict[str, str] = {}
        grouping = self._grouping(keys.rows)
        groups = None if grouping is None else GroupReads(self, keys, grouping, state.pairs)
        measured: dict[tuple[str, float, int | None], list[Value]] = {}
        for key_count in self.settings.key_counts:
            asked = self.key_set(keys, key_count)
            for contest in self.contests:
                if contest.key_count != key_count:
                    continue
                try:
                    if key_count is not None and len(asked.keys) < key_count:
                        raise ParameterError(
                            f"key_count is {key_count}, and the type of {self.key} has only {len(asked.keys)} values "
                            "that could be made; ask for fewer"
                        )
                    same = (contest.spec.text, contest.rate, key_count)  # orders do not change what a filter is
                    if same not in measured:
                        measured[same] = measure(contest, asked)
                    found = no_groups(contest, self._why_no_groups(keys.rows))
                    if groups is not None:
                        found = groups.values(contest)
                except AssayError as error:
                    failures[contest.cell.cell_id] = str(error)
                else:
                    cell_id = contest.cell.cell_id
                    for value in measured[same]:
                        values.append(Value(cell_id, value.metric, value.value, value.low, value.high, value.note))
                    values += found
        return Findings(values, (), failures, keys.rows)

    def _why_no_groups(self, rows: int) -> str:
        if self.settings.key_count is not None:
            return "row groups are of the table's own keys; leave key_count out"
        return f"all {rows:,} rows are in one group; row_group_rows makes more"

    def key_set(self, keys: ColumnKeys, count: int | None) -> KeySet:
        """The keys to ask about."""
        settings = self.settings
        return keys.key_set(count, settings.absent_keys, settings.held_out_share, settings.seed)

    # Timing

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """Probes of present and of absent keys, and a build, on one thread; of one order, as they do not differ."""
        keys = _keys(learned[0])
        probes, builds = [], []
        for key_count in self.settings.key_counts:
            asked = self.key_set(keys, key_count)
            order = shuffled(len(asked.keys), self.settings.seed, _TIMING)[:_TIMED_KEYS]
            batches = {"present": asked.keys.take(pa.array(order)), "absent": asked.absent[:_TIMED_KEYS]}
            for contest in self.contests:
                if contest.key_count != key_count or contest.order != self.settings.orders[0]:
                    continue
                try:
                    built = contest.built(asked.keys)
                except AssayError:
                    continue  # it has failed in `finish`, with its reason
                cell_id = contest.cell.cell_id
                for name, batch in batches.items():
                    if len(batch):
                        probes.append(Timer(cell_id, f"probe_ns.{name}", _probe(built, batch), len(batch)))
                builds.append(Timer(cell_id, "build_ns", _build(contest, asked.keys), len(asked.keys)))
        return [*probes, *builds]


def _probe(built: Any, keys: pa.Array) -> Callable[[], object]:
    return lambda: built.contains(keys, threads=1)


def _build(contest: Contest, keys: pa.Array) -> Callable[[], object]:
    return lambda: contest.built(keys, threads=1)
