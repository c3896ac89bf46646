"""The experiment `membership`: settings checked against a table, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.datasets import Dataset, open_dataset
from assay.errors import EmptyInputError, UsageError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.membership.answer import answer
from assay.experiments.membership.contests import Contest
from assay.experiments.membership.job import MembershipJob
from assay.experiments.membership.metrics import METRICS
from assay.experiments.membership.settings import MembershipSettings, Order
from assay.experiments.membership.spelling import FilterSpec, build, parse_filter, propose
from assay.experiments.planning import Mistakes, key_column, parsed_once, raise_any, values_by_cell

__all__ = ["EXPERIMENT", "MembershipExperiment"]


@dataclass(frozen=True)
class MembershipExperiment:
    """Which filter, how many bits?"""

    kind: str = "membership"
    question: str = "Which filter, how many bits?"
    noun: str = "filter"
    settings: type[MembershipSettings] = MembershipSettings

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric, by its name with the variable part in capitals."""
        return METRICS

    def job(self, dataset: Dataset, settings: MembershipSettings, *, base: str | None = None) -> MembershipJob:
        """Plans the cells.

        Raises:
            SuiteError: Several mistakes; a single one is raised as the error that it is.
        """
        mistakes: Mistakes = []
        specs = parsed_once(
            settings.filters or propose(), parse_filter, setting="filters", noun="filter", mistakes=mistakes
        )
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there are no keys to hold")))
        key = key_column(dataset, settings.key, mistakes)
        workload = _workload(settings, key, base, mistakes) if key else None
        raise_any(self.kind, mistakes)
        left_out = {} if settings.filters else _left_out(dataset, specs, key, settings)
        contests = tuple(
            self._contest(dataset, spec, rate, count, order, key, settings, workload)
            for count in settings.key_counts
            for order in settings.orders
            for rate in settings.rates
            for spec in specs
            if spec.text not in left_out.get(rate, {})
        )
        own = dataset.row_groups if settings.row_group_rows is None else None
        return MembershipJob(
            dataset, contests, key, settings, own if own and len(own) > 1 else None, workload, left_out
        )

    def _contest(
        self,
        dataset: Dataset,
        spec: FilterSpec,
        rate: float,
        count: int | None,
        order: Order,
        key: str,
        settings: MembershipSettings,
        workload: Dataset | None,
    ) -> Contest:
        parameters: dict[str, Any] = {"false_positive_rate": rate, "key": key, "order": order}
        for name in ("absent_keys", "held_out_share", "queries_max", "absent_share", "seed"):
            parameters[name] = getattr(settings, name)
        if count is not None:
            parameters["key_count"] = count
        if settings.row_group_rows is not None:
            parameters["row_group_rows"] = settings.row_group_rows
        if workload is not None:
            parameters["workload"] = workload.fingerprint()
        cell = Cell(self.kind, spec.text, spec.contender.version, parameters, dataset.name, dataset.fingerprint())
        return Contest(spec, rate, count, order, cell)

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: MembershipSettings, job: Job | None = None
    ) -> Sequence[Answer]:
        """The answer for each target rate, number of keys and order."""
        by_cell = values_by_cell(values)
        points: dict[tuple[Any, ...], list[Cell]] = {}
        for cell in cells:
            point = tuple(cell.parameters.get(name) for name in ("key_count", "order", "false_positive_rate"))
            points.setdefault(point, []).append(cell)
        left_out = job.left_out if isinstance(job, MembershipJob) else None
        return [answer(here, by_cell, (left_out or {}).get(rate)) for (*_, rate), here in points.items()]


def _left_out(
    dataset: Dataset, specs: Sequence[FilterSpec], key: str, settings: MembershipSettings
) -> dict[float, dict[str, str]]:
    """Target rate → the filters that nobody named and that cannot be for it, or for this type of key, and why.

    Raises:
        UsageError: None is left for a rate; the reason is that of the first.
    """
    none = pa.nulls(0, dataset.schema.field(key).type)
    found: dict[float, dict[str, str]] = {}
    for rate in settings.rates:
        refused: dict[str, UsageError] = {}
        for spec in specs:
            if spec.contender.implementation is not None:
                continue  # another package's speaks for itself when it is measured
            try:
                build(spec, none, rate, threads=1)
            except UsageError as error:
                refused[spec.text] = error
        if len(refused) == len(specs):
            raise next(iter(refused.values()))
        if refused:
            found[rate] = {name: str(error) for name, error in refused.items()}
    return found


def _workload(settings: MembershipSettings, key: str, base: str | None, mistakes: Mistakes) -> Dataset | None:
    if settings.workload is None:
        return None
    try:
        opened = open_dataset(settings.workload, base=None if base is None else Path(base))
        opened.column(key)
        return opened
    except UsageError as error:
        mistakes.append(("workload", error))
        return None


EXPERIMENT = MembershipExperiment()
