"""The fold of the experiment `placement`: one scan that counts the distinct keys, then every draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from assay import _core
from assay.datasets import Batch, Dataset
from assay.errors import AssayError, EmptyInputError
from assay.experiments import packing
from assay.experiments.base import Cell, Findings, Lesson, Point, Timer, Value
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter
from assay.experiments.placement.draws import Contest, measure
from assay.experiments.placement.spelling import build
from assay.experiments.sample import first_rows

__all__ = ["PlacementJob"]


@dataclass(frozen=True)
class PlacementJob:
    """The placements and numbers of nodes to measure with the keys of one dataset."""

    dataset: Dataset
    contests: tuple[Contest, ...]
    key: str
    stages: int = 1
    timed: bool = True

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each placement and number of nodes."""
        return [contest.cell for contest in self.contests]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The actions."""
        return {"ACTION": list(dict.fromkeys(action for contest in self.contests for action in contest.actions))}

    @property
    def _key(self) -> Key:
        return (self.key,)

    def columns(self, stage: int) -> Sequence[str]:
        """The column of keys."""
        return [self.key]

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """Its one stage does."""
        return True

    def start(self, stage: int, learned: Lesson | None) -> KeyCounter:
        """A counter that has seen nothing."""
        return KeyCounter([self._key])

    def update(self, state: KeyCounter, batch: Batch) -> None:
        """Counts a batch of keys."""
        state.add({self.key: batch.data.column(self.key)}, None)

    def merge(self, state: KeyCounter, other: KeyCounter) -> KeyCounter:
        """Both counts as one."""
        state.add_distinct(other.finish())
        return state

    def pack(self, state: KeyCounter) -> bytes:
        """The counts as bytes."""
        return packing.pack({}, {"keys": state.finish()[self._key].table})

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> KeyCounter:
        """The counts that were packed."""
        _, tables = packing.unpack(packed)
        counter = KeyCounter([self._key])
        counter.add_distinct({self._key: DistinctKeys(self._key, tables["keys"])})
        return counter

    def learn(self, stage: int, state: Any) -> bytes:
        """Nothing: a single stage teaches no other."""
        raise AssertionError("placement has a single stage")

    def finish(self, learned: Sequence[Lesson], state: KeyCounter) -> Findings:
        """Every draw of every placement, on the distinct keys.

        Raises:
            EmptyInputError: There is no key that is not null.
        """
        keys = state.finish()[self._key]
        if keys.is_null.all():
            raise EmptyInputError(
                f'column "{self.key}" of {self.dataset.name} has no key that is not null; choose another'
            )
        values: list[Value] = []
        points: list[Point] = []
        failures: dict[str, str] = {}
        for contest in self.contests:
            try:
                found, series = measure(contest, keys)
            except AssayError as error:
                failures[contest.cell.cell_id] = str(error)
            else:
                values += found
                points += series
        return Findings(values, points, failures)

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """A lookup and a build of every placement's first draw, on one thread, on the table's own keys."""
        rows, sample = first_rows(self.dataset, [self.key])
        lookups, builds = [], []
        for contest in self.contests:
            try:
                placement = build(contest.spec, contest.node_weights, contest.draws[0])
            except AssayError:
                continue  # it has failed in `finish`, with its reason
            cell_id = contest.cell.cell_id
            lookups.append(Timer(cell_id, "lookup_ns", _lookup(placement, sample[self.key]), rows))
            builds.append(Timer(cell_id, "build_ns", _build(contest), 1))
        return [*lookups, *builds]


def _lookup(placement: _core.Placement, keys: pa.Array) -> Callable[[], object]:
    return lambda: placement.lookup(keys, threads=1)


def _build(contest: Contest) -> Callable[[], object]:
    weights = contest.node_weights
    return lambda: build(contest.spec, weights, contest.draws[0])
