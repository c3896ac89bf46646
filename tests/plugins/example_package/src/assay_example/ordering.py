"""An experiment: by which column does a table lie in order already?

A table that is in order by a column can be cut into ranges of it without moving a row, and zone maps prune it. One
scan; each column keeps its first and its last value and two counts, whatever the table's size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field

from assay.errors import SuiteError, UnknownNameError
from assay.experiments.base import Answer, Cell, Findings, Job, Metric, Value
from assay.experiments.single_scan import SingleScan


class OrderingSettings(BaseModel):
    """Which columns to look at.

    Attributes:
        columns: Names of columns whose values have an order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: list[str] = Field(min_length=1)


@dataclass
class Order:
    """What is known of one column over a run of rows; null values are passed over."""

    values: int = 0
    descents: int = 0  # neighbours of which the second is less
    first: Any = None
    last: Any = None

    def add(self, column: pa.Array) -> None:
        """The values that follow."""
        column = column.drop_null()
        if len(column):
            inner = pc.sum(pc.less(column[1:], column[:-1])).as_py() or 0
            self.join(Order(len(column), inner, column[0].as_py(), column[-1].as_py()))

    def join(self, other: Order) -> None:
        """The run of rows that follows this one."""
        if other.values and self.values:
            self.descents += int(other.first < self.last)
        self.first = self.first if self.values else other.first
        self.last = other.last if other.values else self.last
        self.values += other.values
        self.descents += other.descents


@dataclass(frozen=True)
class OrderingJob(SingleScan):
    """One scan for all columns; picklable, as it travels to worker processes."""

    names: tuple[str, ...]
    cells: Sequence[Cell]

    def columns(self, stage: int) -> Sequence[str]:
        return self.names

    def start(self, stage: int, learned: Any) -> list[Order]:
        return [Order() for _ in self.names]

    def update(self, state: list[Order], batch: Any) -> None:
        for order, column in zip(state, batch.data.columns, strict=True):
            order.add(column)

    def merge(self, state: list[Order], other: list[Order]) -> list[Order]:
        for order, following in zip(state, other, strict=True):
            order.join(following)
        return state

    def finish(self, learned: Sequence[Any], state: list[Order]) -> Findings:
        values = []
        for cell, order in zip(self.cells, state, strict=True):
            pairs = order.values - 1
            values.append(Value(cell.cell_id, "runs", order.descents + 1 if order.values else 0))
            share = order.descents / pairs if pairs > 0 else None
            values.append(
                Value(cell.cell_id, "descents_share", share, note=None if pairs > 0 else "fewer than two values")
            )
        return Findings(values)


class Ordering:
    """By which column does this table lie in order already?"""

    kind = "ordering"
    question = "By which column does this table lie in order already?"
    noun = "column"
    settings = OrderingSettings
    metrics: Mapping[str, Metric] = {
        metric.name: metric
        for metric in (
            Metric("runs", "count", "lower", "exact", "measured", "descents + 1", "ascending runs; 1 is in order"),
            Metric(
                "descents_share", "share", "lower", "exact", "measured", "descents / (values - 1)",
                "neighbours that are out of order",
            ),
        )
    }  # fmt: skip

    def job(self, dataset: Any, settings: OrderingSettings, *, base: str | None = None) -> OrderingJob:
        """Plans a cell for each column.

        Raises:
            SuiteError: Columns that are not there; all are listed.
        """
        names = dataset.schema.names
        mistakes = [
            (f"columns[{place}]", str(UnknownNameError.of(f"column of {dataset.name}", name, names)))
            for place, name in enumerate(settings.columns)
            if name not in names
        ]
        if mistakes:
            raise SuiteError(self.kind, mistakes)
        wanted = tuple(dict.fromkeys(settings.columns))
        fingerprint = dataset.fingerprint()
        return OrderingJob(wanted, [Cell(self.kind, name, 1, {}, dataset.name, fingerprint) for name in wanted])

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: OrderingSettings, job: Job | None = None
    ) -> Sequence[Answer]:
        """The column with the fewest runs."""
        runs = {value.cell_id: value.value for value in values if value.metric == "runs"}
        measured = [cell for cell in cells if runs.get(cell.cell_id)]
        if not measured:
            return [Answer("No column holds a value", None, "fewest ascending runs, then name")]
        best = min(measured, key=lambda cell: (runs[cell.cell_id], cell.contender))
        found = int(runs[best.cell_id] or 0)
        sentence = (
            f"{best.dataset} lies in order by {best.contender}"
            if found == 1
            else f"{best.contender} comes closest to being in order: {found} ascending runs"
        )
        return [Answer(sentence, best.contender, "fewest ascending runs, then name")]


ORDERING = Ordering()
