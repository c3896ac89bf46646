"""The experiment `partitioning`: settings checked against a table, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.datasets import Dataset
from assay.datasets.workload import workload_of
from assay.errors import EmptyInputError, ParameterError, SuiteError, UsageError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.partitioning.advise import Grid, advise, plan_grid
from assay.experiments.partitioning.answer import answer
from assay.experiments.partitioning.aspects import plan
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.job import PartitioningJob
from assay.experiments.partitioning.join_notes import notes_on_joins
from assay.experiments.partitioning.limits import EMPTY, Limits
from assay.experiments.partitioning.memory import check_limit
from assay.experiments.partitioning.metrics import METRICS
from assay.experiments.partitioning.notes import notes_of_the_log, notes_on
from assay.experiments.partitioning.proposals import propose
from assay.experiments.partitioning.settings import PartitioningSettings
from assay.experiments.partitioning.strategies import StrategySpec, parse_strategy
from assay.experiments.partitioning.user_metrics import FAILED, user_metrics
from assay.experiments.planning import Mistakes, parsed_once, raise_any
from assay.units import parse_bytes

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
        """Every metric, by its name with the variable part in capitals; what users and plug-ins add comes last."""
        added = user_metrics()
        return {**METRICS, **added} if added else METRICS

    def job(self, dataset: Dataset, settings: PartitioningSettings, *, base: str | None = None) -> PartitioningJob:
        """Plans the cells.

        Raises:
            SuiteError: Several mistakes; a single one is raised as the error that it is.
        """
        mistakes: Mistakes = []
        if settings.advise:
            settings = _as_far_as_weighed(settings)
        settings = _with_log(dataset, settings, base, mistakes)
        _check_weight(dataset, settings, mistakes)
        grid = None
        if settings.advise and not mistakes and dataset.rows != 0:
            grid = _grid(dataset, settings, mistakes)
            if grid is not None and grid.time is not None:
                settings = settings.model_copy(update={"time": grid.time})
            _check_clusters(settings, grid.counts if grid else (), mistakes)
        specs = _strategies(dataset, settings, grid, mistakes)
        aspects = plan(dataset, settings, mistakes)
        _check_fan_out(dataset, settings, mistakes)
        limit = None if settings.memory_limit is None else parse_bytes(settings.memory_limit)
        if limit is not None:
            try:
                check_limit(limit)
            except UsageError as mistake:
                mistakes.append(("memory_limit", mistake))
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there is nothing to partition")))
        if len(mistakes) == 1 and len(settings.strategies) > 1:
            [(place, error)] = mistakes  # which of them is said
            raise SuiteError(self.kind, [(place, str(error))])
        raise_any(self.kind, mistakes)
        fingerprint = dataset.fingerprint()
        counts = grid.counts if grid else settings.grid
        clusters = {partitions: settings.cluster(partitions) for partitions in counts}
        of_cells = settings.of_cells
        parameters = {n: {"partitions": n, **of_cells, **cluster.parameters} for n, cluster in clusters.items()}
        contests = tuple(
            Contest(
                index,
                spec,
                partitions,
                self._cell(dataset, fingerprint, spec, parameters[partitions]),
                clusters[partitions],
            )
            for index, (partitions, spec) in enumerate(product(counts, specs))
        )
        return PartitioningJob(
            dataset=dataset,
            contests=contests,
            aspects=tuple(aspects),
            weight=settings.weight,
            advice=grid,
            memory_limit=limit,
        )

    def _cell(self, dataset: Dataset, fingerprint: str, spec: StrategySpec, parameters: Mapping[str, Any]) -> Cell:
        hints = {"time": dataset.roles["time"]} if "time" in dataset.roles else {}
        return Cell(self.kind, spec.text, spec.version, parameters, dataset.name, fingerprint, hints)

    def answer(
        self,
        cells: Sequence[Cell],
        values: Sequence[Value],
        settings: PartitioningSettings,
        job: Job | None = None,
    ) -> Sequence[Answer]:
        """The answer for each number of partitions; before them the one over all, where advice is asked for."""
        by_cell: dict[str, dict[str, float | None]] = {}
        texts: dict[str, dict[str, str]] = {}
        for value in values:
            by_cell.setdefault(value.cell_id, {})[value.metric] = value.value
            if value.note is not None:
                texts.setdefault(value.cell_id, {})[value.metric] = value.note
        reasons = {cell_id: notes[EMPTY] for cell_id, notes in texts.items() if EMPTY in notes}
        limits = Limits.of(settings)
        proposed = not settings.strategies
        found = []
        by_count: dict[int, list[Cell]] = {}
        for cell in cells:
            by_count.setdefault(cell.parameters["partitions"], []).append(cell)
        for here in by_count.values():
            notes = notes_on(here, by_cell, proposed=proposed and not settings.advise)
            notes += notes_of_the_log(here, values)
            notes += _notes_on_failed_metrics(texts)
            one = answer(here[0].parameters, here, by_cell, notes, limits, reasons)
            best = [cell for cell in here if cell.contender == (one.best or next(iter(one.pareto), None))]
            joins = [] if settings.advise else _notes_on_joins(best, by_cell, texts)
            found.append(replace(one, notes=(*one.notes, *joins)))
        if settings.advise:
            grid = job.advice if isinstance(job, PartitioningJob) else None
            over_all = advise(cells, by_cell, reasons, limits, grid or Grid((), ()))
            won = [c for c in cells if (c.contender, dict(c.parameters)) == (over_all.best, over_all.parameters)]
            notes = [*over_all.notes, *notes_on(won, by_cell, proposed=False), *_notes_on_joins(won, by_cell, texts)]
            found.insert(0, replace(over_all, notes=tuple(notes)))
        return found


def _as_far_as_weighed(settings: PartitioningSettings) -> PartitioningSettings:
    """The settings of an advice: what neither a rule nor a limit looks at is measured only if it is asked for.

    A query costs a bit for each instance and partition of each candidate, and there are a hundred candidates.
    """
    given = settings.model_fields_set
    changed: dict[str, Any] = {} if "actions" in given else {"actions": ["add_one"]}
    if "queries" not in given and settings.fan_out_max is None:
        changed["queries"] = {}
    return settings.model_copy(update=changed)


def _notes_on_joins(
    cells: Sequence[Cell], by_cell: Mapping[str, Mapping[str, float | None]], texts: Mapping[str, Mapping[str, str]]
) -> list[str]:
    return [
        note
        for cell in cells
        for note in notes_on_joins(
            cell.contender, cell.parameters["partitions"], by_cell.get(cell.cell_id, {}), texts.get(cell.cell_id, {})
        )
    ]


def _notes_on_failed_metrics(texts: Mapping[str, Mapping[str, str]]) -> list[str]:
    """One for each metric of a user that failed, however many cells it failed for."""
    failed = {metric: note for notes in texts.values() for metric, note in notes.items() if note.startswith(FAILED)}
    return [f"{metric} has no value: {note}." for metric, note in failed.items()]


def _grid(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Grid | None:
    try:
        return plan_grid(dataset, settings)
    except UsageError as error:
        places = ("partition_bytes_max", "moved_max", "growth_skew_max")
        place = next((name for name in places if str(error).startswith(name)), "advise")
        mistakes.append((place if isinstance(error, ParameterError) else "key", error))
        return None


def _check_fan_out(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> None:
    queries = dataset.queries if settings.queries is None else settings.queries
    if settings.fan_out_max is not None and not queries and settings.log is None:
        error = ParameterError(
            f"fan_out_max is {settings.fan_out_max:g}, but there is no query whose fan-out it could limit; declare "
            'some: queries = {by_key = "point(column)"}'
        )
        mistakes.append(("fan_out_max", error))


def _strategies(
    dataset: Dataset, settings: PartitioningSettings, grid: Grid | None, mistakes: Mistakes
) -> list[StrategySpec]:
    if settings.advise and grid is None and not settings.strategies:
        return []  # what kept the grid from being planned is told already
    try:
        texts = grid.strategies if grid else settings.strategies or propose(dataset, settings.keys)
    except UsageError as error:
        mistakes.append(("key", error))
        return []

    def parse(text: str) -> StrategySpec:
        return parse_strategy(text, dataset.schema, dataset.name)

    return parsed_once(texts, parse, setting="strategies", noun="strategy", mistakes=mistakes)


def _with_log(
    dataset: Dataset, settings: PartitioningSettings, base: str | None, mistakes: Mistakes
) -> PartitioningSettings:
    """The settings with their query log read, if they name one.

    Raises:
        DataError: The log cannot be read.
    """
    if settings.workload is None:
        return settings
    wanted = settings.foreign_keys
    keys = [key for key in dataset.foreign_keys if wanted is None or key.name in wanted]
    try:
        return settings.with_log(
            workload_of(settings.workload, dataset, keys, base=None if base is None else Path(base))
        )
    except UsageError as error:
        mistakes.append(("workload", error))
        return settings


def _check_clusters(settings: PartitioningSettings, counts: Sequence[int], mistakes: Mistakes) -> None:
    """The nodes must suit every number of partitions that advice looks at."""
    for n in counts:
        try:
            settings.check_cluster(n)
        except ValueError as error:
            mistakes.append(("partitions", ParameterError(f"{error}; name the numbers of partitions that it suits")))
            return


def _check_weight(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> None:
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
