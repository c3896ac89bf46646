"""The experiment `caching`: settings checked against a trace, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.caches.capacities import Capacity, objects_or_bytes
from assay.caches.policies import PolicySpec, parse_policy
from assay.datasets import Dataset
from assay.errors import AssayError, EmptyInputError, ParameterError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.caching.answer import answer
from assay.experiments.caching.contests import Contest
from assay.experiments.caching.job import CachingJob
from assay.experiments.caching.metrics import METRICS
from assay.experiments.caching.policies import draws_lots, propose
from assay.experiments.caching.settings import CachingSettings, Order
from assay.experiments.planning import Mistakes, key_column, parsed_once, raise_any, values_by_cell

__all__ = ["EXPERIMENT", "CachingExperiment"]


@dataclass(frozen=True)
class CachingExperiment:
    """Which cache policy, and how big?"""

    kind: str = "caching"
    question: str = "Which cache policy, and how big?"
    noun: str = "policy"
    settings: type[CachingSettings] = CachingSettings

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric, by its name."""
        return METRICS

    def job(self, dataset: Dataset, settings: CachingSettings, *, base: str | None = None) -> CachingJob:
        """Plans the cells.

        Raises:
            SuiteError: Several mistakes; a single one is raised as the error that it is.
        """
        mistakes: Mistakes = []
        specs = parsed_once(
            settings.policies or propose(), parse_policy, setting="policies", noun="policy", mistakes=mistakes
        )
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there is no request to replay")))
        key = _key(dataset, settings, mistakes)
        size = _size(dataset, settings, mistakes)
        counts_bytes = settings.counts == "bytes" or (settings.counts is None and settings.size is not None)
        if counts_bytes and size is None and not any(place == "size" for place, _ in mistakes):
            error = ParameterError(
                f"counts is bytes, and {dataset.name} has no sizes; name their column by size, or count objects"
            )
            mistakes.append(("counts", error))
        _check_capacities(settings, counts_bytes, mistakes)
        raise_any(self.kind, mistakes)
        contests = tuple(
            self._contest(dataset, spec, capacity, counts_bytes, order, key, size, settings)
            for order in settings.orders
            for capacity in settings.capacities
            for spec in specs
        )
        return CachingJob(dataset, contests, key, size, settings)

    def _contest(
        self,
        dataset: Dataset,
        spec: PolicySpec,
        capacity: Capacity,
        counts_bytes: bool,
        order: Order,
        key: str,
        size: str | None,
        settings: CachingSettings,
    ) -> Contest:
        parameters: dict[str, Any] = {
            "capacity": capacity,
            "key": key,
            "order": order,
            "seed": settings.seed,
            "windows": settings.windows,
        }
        if size is not None:
            parameters |= {"size": size, "counts": "bytes" if counts_bytes else "objects"}
        if draws_lots(spec):
            parameters["seeds"] = settings.seeds
        cell = Cell(self.kind, spec.text, spec.contender.version, parameters, dataset.name, dataset.fingerprint())
        return Contest(spec, capacity, counts_bytes, order, cell)

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: CachingSettings, job: Job | None = None
    ) -> Sequence[Answer]:
        """The answer for each order and capacity."""
        by_cell = values_by_cell(values)
        points: dict[tuple[Any, ...], list[Cell]] = {}
        for cell in cells:
            points.setdefault((cell.parameters["order"], cell.parameters["capacity"]), []).append(cell)
        return [answer(here, by_cell, first=place == 0) for place, here in enumerate(points.values())]


def _key(dataset: Dataset, settings: CachingSettings, mistakes: Mistakes) -> str:
    """The column of keys: named, by role, called `key`, or the one that looks most like one."""
    named = settings.key or dataset.roles.get("key")
    if named is None and "key" in dataset.schema.names:
        named = "key"
    return key_column(dataset, named, mistakes)


def _size(dataset: Dataset, settings: CachingSettings, mistakes: Mistakes) -> str | None:
    named = settings.size or dataset.roles.get("size")
    if named is None:
        return None
    try:
        return str(dataset.column(named).name)
    except AssayError as error:
        mistakes.append(("size", error))
        return None


def _check_capacities(settings: CachingSettings, counts_bytes: bool, mistakes: Mistakes) -> None:
    for place, given in enumerate(settings.capacities):
        try:
            objects_or_bytes(given, 1, bytes_=counts_bytes)
        except AssayError as error:
            where = f"capacity[{place}]" if isinstance(settings.capacity, list) else "capacity"
            mistakes.append((where, error))


EXPERIMENT = CachingExperiment()
