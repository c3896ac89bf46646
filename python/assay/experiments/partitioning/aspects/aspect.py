"""What an aspect is, and what it is given: a study of one strategy, and where its findings go."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa

from assay import _core
from assay.experiments.base import Point, Value
from assay.experiments.distinct import DistinctKeys, Key, numpy_of
from assay.experiments.loads import Number
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts, Learn
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.strategies import Learned
from assay.experiments.planning import Mistakes

__all__ = ["Aspect", "Found", "Mistakes", "Study"]


@dataclass
class Found:
    """The findings of one cell: values by metric, why some have none, and series."""

    cell_id: str
    numbers: dict[str, Number] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)
    bounds: dict[str, tuple[float, float]] = field(default_factory=dict)  # of what is estimated or seeded
    points: list[Point] = field(default_factory=list)

    def set(
        self, metric: str, number: Number, note: str | None = None, *, bounds: tuple[float, float] | None = None
    ) -> None:
        """The value of a metric; None means not applicable, and `note` says why. An estimate has bounds."""
        self.numbers[metric] = number
        if bounds is not None:
            self.bounds[metric] = bounds
        if note is not None:
            self.notes[metric] = note

    def spread(self, metric: str, draws: Sequence[float]) -> None:
        """A seeded metric: the mean over the seeds, between the least draw and the greatest."""
        self.numbers[metric] = math.fsum(draws) / len(draws)
        self.bounds[metric] = min(draws), max(draws)

    def add(self, numbers: Mapping[str, Number]) -> None:
        """Several values at once."""
        self.numbers |= numbers

    def series(self, name: str, values: Iterable[float], labels: Iterable[str]) -> None:
        """A series: a value for each label, in order."""
        for position, (value, label) in enumerate(zip(values, labels, strict=True)):
            self.point(name, position, label, value)

    def point(self, name: str, position: int, label: str, value: float) -> None:
        """One point of a series."""
        self.points.append(Point(self.cell_id, name, position, label, float(value)))

    def values(self) -> list[Value]:
        """As the harness wants them."""
        return [
            Value(self.cell_id, name, number, low, high, self.notes.get(name))
            for name, number in self.numbers.items()
            for low, high in (self.bounds.get(name, (None, None)),)
        ]


@dataclass(frozen=True)
class Study:
    """One learned strategy with all that is known of it: what aspects teach and measure from.

    Attributes:
        contest: The strategy and its number of partitions.
        learned: As it was learned.
        facts: The distinct keys and the numbers beside them.
        learn: Learns any contest anew.
        state: The sums over the rows; None while strategies are being learned.
    """

    contest: Contest
    learned: Learned
    facts: Facts
    learn: Learn
    state: RowState | None = None

    @property
    def index(self) -> int:
        """The contest's place in the job, by which sums are named."""
        return self.contest.index

    @property
    def n(self) -> int:
        """The number of partitions."""
        return self.contest.partitions

    @property
    def keyed(self) -> bool:
        """Whether the partition depends on the key alone."""
        return self.contest.spec.keyed

    @property
    def own(self) -> DistinctKeys:
        """The distinct values of a keyed strategy's key."""
        return self.facts.distinct[self.contest.spec.columns]

    @cached_property
    def partitions(self) -> pa.Array:
        """The partition of each distinct value of a keyed strategy's key, in the narrowest unsigned type."""
        return self.facts.partitions(self.contest)

    @cached_property
    def loads(self) -> np.ndarray:
        """The weight in each partition, uint64 of shape (n,)."""
        if self.keyed:
            return numpy_of(_core.sum_by(self.partitions, self.own.arrow_weights, self.n))
        return self.sums(f"weight:{self.index}", self.n)

    def keys(self, key: Key) -> DistinctKeys:
        """The distinct values of any key."""
        return self.facts.distinct[key]

    def sums(self, name: str, count: int) -> np.ndarray:
        """Sums over the rows, uint64 of shape (count,); zeros if no row was met."""
        assert self.state is not None, "rows are summed after strategies are learned"
        return numpy_of(self.state.sums(name, count).values())


class Aspect(ABC):
    """A family of metrics. Frozen and picklable: it travels to workers within the job.

    What a family does not define it does not need: no key, no column, no scan of its own.
    """

    def keys(self) -> Iterable[Key]:
        """The keys whose distinct values it needs, beside those of the strategies."""
        return ()

    def columns(self) -> Iterable[str]:
        """The columns that its scan of the rows needs, beside those of keys and the weight."""
        return ()

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """What the variable part of its metrics may be: {"FK": ["planes"]}."""
        return {}

    def prepare(self, facts: Facts) -> None:  # noqa: B027 - most families share nothing
        """Once the distinct keys are known, before any strategy is learned: what all strategies share."""

    def teach(self, study: Study) -> None:  # noqa: B027 - most rows need no teaching
        """Once a strategy is learned: what rows must know of it; an AssayError fails the strategy alone."""

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Whether `add` has something to sum over rows for this strategy."""
        return False

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:  # noqa: B027 - see `scans`
        """Sums one batch of rows for one strategy; runs in workers."""

    @abstractmethod
    def measure(self, study: Study, found: Found) -> None:
        """Its metrics of one strategy, from exact sums."""
