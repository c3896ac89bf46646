"""The experiment `caching`: settings checked against a trace, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.caches.capacities import Capacity, objects_or_bytes
from assay.caches.policies import PolicySpec, parse_policy
from assay.datasets import Dataset, TraceRoles, trace_roles
from assay.errors import AssayError, EmptyInputError, ParameterError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.caching.answer import answer
from assay.experiments.caching.contests import Contest
from assay.experiments.caching.job import CachingJob
from assay.experiments.caching.metrics import METRICS
from assay.experiments.caching.policies import propose
from assay.experiments.caching.settings import CachingSettings, Order
from assay.experiments.planning import Mistakes, parsed_once, raise_any, values_by_cell

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
        roles = _roles(dataset, settings, mistakes)
        key, size = roles.key, roles.size
        counts_bytes = settings.counts == "bytes" or (settings.counts is None and settings.size is not None)
        if counts_bytes and size is None and not any(place == "size" for place, _ in mistakes):
            error = ParameterError(
                f"counts is bytes, and {dataset.name} has no sizes; name their column by size, or count objects"
            )
            mistakes.append(("counts", error))
        _check_capacities(settings, counts_bytes, mistakes)
        _check_prices(settings, counts_bytes, size, mistakes)
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
            "seeds": settings.seeds,
            "windows": settings.windows,
        }
        for name in ("price_per_miss", "price_per_object", "price_per_byte"):
            if getattr(settings, name) is not None:
                parameters[name] = getattr(settings, name)
        if size is not None:
            parameters |= {"size": size, "counts": "bytes" if counts_bytes else "objects"}
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
        return [answer(here, by_cell, cells if place == 0 else ()) for place, here in enumerate(points.values())]


def _roles(dataset: Dataset, settings: CachingSettings, mistakes: Mistakes) -> TraceRoles:
    """The trace's columns: those that are named, declared, or have a usual name; each mistake is told."""
    named: dict[str, str] = {}
    for role in ("key", "size"):
        column = getattr(settings, role)
        try:
            if column is not None:
                named[role] = str(dataset.column(column).name)
                trace_roles(dataset, **{"key": dataset.schema.names[0], role: column})
        except AssayError as error:
            mistakes.append((role, error))
            named.pop(role, None)
    try:
        return trace_roles(dataset, **named)
    except AssayError as error:
        if not any(place in ("key", "size") for place, _ in mistakes):
            mistakes.append(("key", error))
        return TraceRoles("")


def _check_prices(settings: CachingSettings, counts_bytes: bool, size: str | None, mistakes: Mistakes) -> None:
    room = [name for name in ("price_per_object", "price_per_byte") if getattr(settings, name) is not None]
    if len(room) == 2:
        mistakes.append(
            ("price_per_byte", ParameterError("room is priced twice; give price_per_object or price_per_byte"))
        )
    elif bool(room) != (settings.price_per_miss is not None):
        one = "price_per_miss" if room else "price_per_byte, or price_per_object"
        place = room[0] if room else "price_per_miss"
        mistakes.append((place, ParameterError(f"{place} is given alone; give {one} too, as a cost is of both")))
    elif room == ["price_per_object"] and counts_bytes:
        error = ParameterError("price_per_object is given, and capacities count bytes; give price_per_byte")
        mistakes.append(("price_per_object", error))
    elif room == ["price_per_byte"] and size is None:
        error = ParameterError("price_per_byte is given, and objects have no sizes; name their column by size")
        mistakes.append(("price_per_byte", error))


def _check_capacities(settings: CachingSettings, counts_bytes: bool, mistakes: Mistakes) -> None:
    for place, given in enumerate(settings.capacities):
        try:
            objects_or_bytes(given, 1, bytes_=counts_bytes)
        except AssayError as error:
            where = f"capacity[{place}]" if isinstance(settings.capacity, list) else "capacity"
            mistakes.append((where, error))


EXPERIMENT = CachingExperiment()
