"""The experiment `partitioning`: settings checked against a table, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import pyarrow as pa

from assay.datasets import Dataset
from assay.errors import EmptyInputError, ParameterError, SuiteError, UsageError
from assay.experiments.base import Answer, Cell, Metric, Value
from assay.experiments.partitioning.answer import answer
from assay.experiments.partitioning.aspects import plan
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.job import PartitioningJob
from assay.experiments.partitioning.metrics import METRICS
from assay.experiments.partitioning.notes import notes_on
from assay.experiments.partitioning.proposals import propose
from assay.experiments.partitioning.settings import PartitioningSettings
from assay.experiments.partitioning.strategies import StrategySpec, parse_strategy

__all__ = ["EXPERIMENT", "Partitioning"]


@dataclass(frozen=True)
class Partitioning:
    """Which partitioning strategy suits this table?"""

    kind: str = "partitioning"
    question: str = "Which partitioning strategy suits this table?"
    noun: str = "strategy"
    settings: type[PartitioningSettings] = PartitioningSettings

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric, by its name with the variable part in capitals."""
        return METRICS

    def job(self, dataset: Dataset, settings: PartitioningSettings, *, base: str | None = None) -> PartitioningJob:
        """Plans the cells.

        Raises:
            SuiteError: Several mistakes; a single one is raised as the error that it is.
        """
        mistakes: list[tuple[str, UsageError]] = []
        specs = _strategies(dataset, settings, mistakes)
        aspects = plan(dataset, settings, mistakes)
        _check_weight(dataset, settings, mistakes)
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there is nothing to partition")))
        if len(mistakes) == 1 and len(settings.strategies) <= 1:
            place, error = mistakes[0]
            error.place = place
            raise error
        if mistakes:
            raise SuiteError(self.kind, [(place, str(error)) for place, error in mistakes])
        fingerprint = dataset.fingerprint()
        contests = tuple(
            Contest(index, spec, partitions, self._cell(dataset, fingerprint, spec, partitions, settings))
            for index, (partitions, spec) in enumerate(product(settings.grid, specs))
        )
        return PartitioningJob(dataset=dataset, contests=contests, aspects=tuple(aspects), weight=settings.weight)

    def _cell(
        self, dataset: Dataset, fingerprint: str, spec: StrategySpec, partitions: int, settings: PartitioningSettings
    ) -> Cell:
        parameters: dict[str, Any] = {"partitions": partitions} | settings.of_cells
        hints = {"time": dataset.roles["time"]} if "time" in dataset.roles else {}
        return Cell(self.kind, spec.text, spec.version, parameters, dataset.name, fingerprint, hints)

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: PartitioningSettings
    ) -> Sequence[Answer]:
        """The answer for each number of partitions."""
        by_cell: dict[str, dict[str, float | None]] = {}
        for value in values:
            by_cell.setdefault(value.cell_id, {})[value.metric] = value.value
        found = []
        for partitions in settings.grid:
            here = [cell for cell in cells if cell.parameters["partitions"] == partitions]
            if here:
                found.append(
                    answer(here[0].parameters, here, by_cell, notes_on(here, by_cell, proposed=not settings.strategies))
                )
        return found


def _strategies(
    dataset: Dataset, settings: PartitioningSettings, mistakes: list[tuple[str, UsageError]]
) -> list[StrategySpec]:
    specs: dict[str, StrategySpec] = {}
    try:
        texts = settings.strategies or propose(dataset, settings.keys)
    except UsageError as error:
        mistakes.append(("key", error))
        return []
    for index, text in enumerate(texts):
        try:
            spec = parse_strategy(text, dataset.schema, dataset.name)
            if spec.text in specs:
                raise ParameterError(f"{spec.text} is named twice; name each strategy once")
            specs[spec.text] = spec
        except UsageError as error:
            mistakes.append((f"strategies[{index}]", error))
    return list(specs.values())


def _check_weight(dataset: Dataset, settings: PartitioningSettings, mistakes: list[tuple[str, UsageError]]) -> None:
    if settings.weight is None:
        return
    try:
        kind = dataset.column(settings.weight).type
        if not pa.types.is_integer(kind):
            raise ParameterError(
                f'weight "{settings.weight}" is of type {kind}; expected non-negative integers: the sum of floats '
                "depends on their order; scale and round the column first"
            )
    except UsageError as error:
        mistakes.append(("weight", error))


EXPERIMENT = Partitioning()
