"""The base of jobs whose one scan counts the distinct keys of a table, and that measure every contest on them.

@dataclass(frozen=True)
class MyJob(DistinctScan[Contest]):
    ...                              what is compared
    def finish(self, ...): ...       Findings, from `self.keys_of(state)`
    def timers(self, ...): ...       the kernels to time
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from assay.datasets import Batch, Dataset
from assay.errors import AssayError, EmptyInputError
from assay.experiments import packing
from assay.experiments.base import Cell, Findings, Lesson, Point, Value
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter

__all__ = ["DistinctScan", "HasCell"]


class HasCell(Protocol):
    """What is measured for one cell."""

    @property
    def cell(self) -> Cell:
        """The cell."""


_Contest = TypeVar("_Contest", bound=HasCell)


@dataclass(frozen=True)
class DistinctScan(Generic[_Contest]):
    """A job of one stage; see `assay.experiments.base.Job` for what each method is asked."""

    dataset: Dataset
    contests: tuple[_Contest, ...]
    key: Key
    stages: ClassVar[int] = 1
    timed: ClassVar[bool] = True

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each contest."""
        return [contest.cell for contest in self.contests]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """No metric's name has a variable part, unless the job says so."""
        return {}

    def columns(self, stage: int) -> Sequence[str]:
        """The columns of the key."""
        return self.key

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """Its one stage does."""
        return True

    def start(self, stage: int, learned: Lesson | None) -> KeyCounter:
        """A counter that has seen nothing."""
        return KeyCounter([self.key])

    def update(self, state: KeyCounter, batch: Batch) -> None:
        """Counts a batch of keys."""
        state.add({name: batch.data.column(name) for name in self.key}, None)

    def merge(self, state: KeyCounter, other: KeyCounter) -> KeyCounter:
        """Both counts as one."""
        state.add_distinct(other.finish())
        return state

    def pack(self, state: KeyCounter) -> bytes:
        """The counts as bytes."""
        return packing.pack({}, {"keys": state.finish()[self.key].table})

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> KeyCounter:
        """The counts that were packed."""
        _, tables = packing.unpack(packed)
        counter = KeyCounter([self.key])
        counter.add_distinct({self.key: DistinctKeys(self.key, tables["keys"])})
        return counter

    def learn(self, stage: int, state: Any) -> bytes:
        """Never asked, as no stage follows."""
        raise AssertionError("there is one stage, and nothing follows it")

    def keys_of(self, state: KeyCounter) -> DistinctKeys:
        """The distinct keys that were counted.

        Raises:
            EmptyInputError: There is no key that is not null.
        """
        keys = state.finish()[self.key]
        if keys.is_null.all():
            names = ", ".join(f'"{name}"' for name in self.key)
            columns, have = ("column", "has") if len(self.key) == 1 else ("columns", "have")
            raise EmptyInputError(
                f"{columns} {names} of {self.dataset.name} {have} no key that is not null; choose another"
            )
        return keys

    def measured(self, measure: Callable[[_Contest], tuple[Sequence[Value], Sequence[Point]]]) -> Findings:
        """What `measure` finds of every contest; one that fails keeps its error, and the others go on."""
        values: list[Value] = []
        points: list[Point] = []
        failures: dict[str, str] = {}
        for contest in self.contests:
            try:
                found, series = measure(contest)
            except AssayError as error:
                failures[contest.cell.cell_id] = str(error)
            else:
                values += found
                points += series
        return Findings(values, points, failures)
