"""The folds of the experiment `indexing`: one scan collects the columns; then every index is built, asked and timed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from assay.datasets import Batch, Dataset
from assay.errors import AssayError, EmptyInputError
from assay.experiments.base import Cell, Findings, Lesson, Timer, Times, Value
from assay.experiments.distinct import give_back_memory
from assay.experiments.indexing.conclude import conclude
from assay.experiments.indexing.contests import RANGE_ROWS, Contest, plan_of, verify
from assay.experiments.indexing.kernels import copies_of, timers_of
from assay.experiments.indexing.measure import measure
from assay.experiments.indexing.metrics import AGAINST, PROBES
from assay.experiments.indexing.mix import Mix
from assay.experiments.indexing.settings import IndexingSettings
from assay.experiments.indexing.table import ColumnLog, Columns

__all__ = ["PERCENTILES", "IndexingJob"]

PERCENTILES = ("p50", "p90", "p99", "p99_9")


_BYTES_A_ROW = 32  # of an index, with its keys, about
_LARGE = 2_000_000  # rows from which one index is both read and changed
_COPIES = 3  # of an index with fewer


def _is_large(columns: Columns, contest: Contest) -> bool:
    """Whether an index is too large to be held several times."""
    return (contest.key.rows or columns.rows) > _LARGE


@lru_cache(maxsize=2)
def _unpacked(learned: bytes) -> Columns:
    return Columns.unpack(learned)


def _columns(learned: Lesson | None) -> Columns:
    if isinstance(learned, Columns):
        return learned
    assert isinstance(learned, bytes), "columns are collected first, and travel as bytes"
    return _unpacked(learned)


@dataclass(frozen=True)
class IndexingJob:
    """The indexes to compare on the keys of one dataset.

    `skipped` are the contenders of the catalogue that cannot be here, and why.
    """

    dataset: Dataset
    contests: tuple[Contest, ...]
    mix: Mix
    settings: IndexingSettings
    notes: tuple[str, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    stages: int = 2
    finish_steps: int = 100
    timed: bool = True

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each index on each key, as it is varied."""
        return [contest.cell for contest in self.contests]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """What metrics' names end in."""
        return {
            "QUERY": [one.name for one in self.mix.reads],
            "AGAINST": AGAINST,
            "PROBE": PROBES,
            "ROWS": [str(rows) for rows in RANGE_ROWS],
            "PERCENTILE": PERCENTILES,
        }

    def columns(self, stage: int) -> Sequence[str]:
        """The columns of all keys."""
        return list(dict.fromkeys(name for contest in self.contests for name in contest.key.names))

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """The table is read once."""
        return stage == 0

    def start(self, stage: int, learned: Lesson | None) -> ColumnLog:
        """A log without rows."""
        return ColumnLog(self.columns(0))

    def update(self, state: ColumnLog, batch: Batch) -> None:
        """Appends the rows of a batch."""
        state.add(batch.data)

    def merge(self, state: ColumnLog, other: ColumnLog) -> ColumnLog:
        """Both, one after the other."""
        state.absorb(other)
        return state

    def pack(self, state: ColumnLog) -> bytes:
        """The log as bytes."""
        return state.pack()

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> ColumnLog:
        """The log that was packed."""
        return ColumnLog.unpack(packed)

    def learn(self, stage: int, state: ColumnLog) -> Columns:
        """The columns, whole."""
        return Columns.of(state)

    def finish(self, learned: Sequence[Lesson], state: Any) -> Findings:
        """Every index, built and asked; one that answers otherwise than a scan fails its cell.

        Raises:
            EmptyInputError: The table has no rows.
        """
        return self.finish_in_steps(learned, state, lambda _: None)

    def finish_in_steps(self, learned: Sequence[Lesson], state: Any, on_progress: Callable[[float], None]) -> Findings:
        """The same; `on_progress` is told of the share that is done, from 0 to 1."""
        columns = _columns(learned[0])
        if not columns.rows:
            raise EmptyInputError(f"{self.dataset.name} has no rows; there is nothing to index")
        values: list[Value] = []
        failures: dict[str, str] = {}
        for place, contest in enumerate(self.contests):
            try:
                plan = plan_of(contest.key, columns, self.mix, self.settings)
                values += measure(contest, plan, columns, self.settings)
            except AssayError as error:
                failures[contest.cell.cell_id] = str(error)
            on_progress((place + 1) / len(self.contests))
        give_back_memory()
        return Findings(values, (), failures, columns.rows)

    def timed_bytes(self, learned: Sequence[Lesson]) -> int:
        """What the indexes of all cells take at once, about."""
        columns = _columns(learned[0])
        rows = sum(
            (contest.key.rows or columns.rows) * (1 if _is_large(columns, contest) else _COPIES)
            for contest in self.contests
        )
        return rows * _BYTES_A_ROW + int(columns.table.nbytes)

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """The kernels of every index whose answers are right in this process too."""
        columns = _columns(learned[0])
        timers: list[Timer] = []
        for contest in self.contests:
            _ = (
                contest.spec.contender
            )  # one that only another process knows cannot be timed here, and must not be missed
            try:
                plan = plan_of(contest.key, columns, self.mix, self.settings)
                copies = copies_of(contest, plan, self.settings, _is_large(columns, contest))
                verify(contest, plan, copies.changed, columns)
            except AssayError:
                continue  # it has failed in `finish`, with its reason
            timers += timers_of(contest, plan, copies, self.settings)
        return timers

    def conclude(
        self, learned: Sequence[Lesson], values: Sequence[Value], times: Times, on_progress: Callable[[float], None]
    ) -> Findings:
        """Costs, regrets and break-even mixes, predicted from the times and measured directly."""
        if any(contest.spec.is_engine for contest in self.contests):
            from assay.engines.folder import EngineFolder

            EngineFolder().remove()  # and with it the folders of engines whose processes have been ended
        contests = [contest for contest in self.contests if (contest.cell.cell_id, "lookup_ns.hit") in times.wall]
        return conclude(contests, _columns(learned[0]), self.mix, self.settings, times, on_progress)
