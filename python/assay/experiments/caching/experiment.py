"""The experiment `caching`: settings checked against a trace, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assay.caches.capacities import Capacity
from assay.caches.policies import parse_policy
from assay.datasets import Dataset, TraceRoles
from assay.errors import EmptyInputError, ParameterError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.caching.answer import answer
from assay.experiments.caching.checking import (
    check_capacities,
    check_policies,
    check_prices,
    check_ttl,
    check_writes,
    proposed,
    roles_of,
)
from assay.experiments.caching.contests import Contest
from assay.experiments.caching.guards import Guard, guards_of
from assay.experiments.caching.job import CachingJob
from assay.experiments.caching.metrics import METRICS
from assay.experiments.caching.settings import CachingSettings, Order
from assay.experiments.caching.write_answer import write_findings
from assay.experiments.caching.writes import WriteSetting, write_settings
from assay.experiments.planning import Mistakes, parsed_once, raise_any, values_by_cell

__all__ = ["EXPERIMENT", "CachingExperiment"]

_POINT = ("order", "capacity", "admission", "ttl", "coherence")  # what makes a grid point, beside the write scheme


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
            settings.policies or proposed(settings), parse_policy, setting="policies", noun="policy", mistakes=mistakes
        )
        check_policies(specs, settings, mistakes)
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there is no request to replay")))
        roles = roles_of(dataset, settings, mistakes)
        counts_bytes = settings.counts == "bytes" or (settings.counts is None and settings.size is not None)
        if counts_bytes and roles.size is None and not any(place == "size" for place, _ in mistakes):
            error = ParameterError(
                f"counts is bytes, and {dataset.name} has no sizes; name their column by size, or count objects"
            )
            mistakes.append(("counts", error))
        check_capacities(settings, counts_bytes, mistakes)
        check_prices(settings, counts_bytes, roles.size, mistakes)
        check_ttl(dataset, settings, mistakes)
        check_writes(dataset, settings, roles, mistakes)
        writes = write_settings(settings, mistakes)
        guards = guards_of(settings, mistakes)
        raise_any(self.kind, mistakes)
        contests = tuple(
            Contest(
                spec,
                capacity,
                counts_bytes,
                order,
                scheme,
                guard,
                Cell(
                    self.kind,
                    spec.text,
                    spec.contender.version,
                    _parameters(settings, roles, capacity, counts_bytes, order, scheme, guard),
                    dataset.name,
                    dataset.fingerprint(),
                ),
            )
            for order in settings.orders
            for capacity in settings.capacities
            for guard in guards
            for scheme in writes
            for spec in specs
        )
        return CachingJob(dataset, contests, roles, settings)

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: CachingSettings, job: Job | None = None
    ) -> Sequence[Answer]:
        """The answer for each order, capacity and write scheme."""
        by_cell = values_by_cell(values)
        points: dict[tuple[Any, ...], list[Cell]] = {}
        for cell in cells:
            point = tuple(cell.parameters.get(name) for name in (*_POINT, "write"))
            points.setdefault(point, []).append(cell)
        found: list[Answer] = []
        told: set[tuple[Any, ...]] = set()
        for place, here in enumerate(points.values()):
            given = answer(here, by_cell, cells if place == 0 else ())
            beside = _beside(here[0])
            if "write" in here[0].parameters and beside not in told:
                told.add(beside)
                schemes = write_findings([cell for cell in cells if _beside(cell) == beside], by_cell)
                given = replace(given, findings=(*given.findings, *schemes))
            found.append(given)
        return found


def _beside(cell: Cell) -> tuple[Any, ...]:
    """What write schemes must have in common to be told beside each other."""
    return tuple(cell.parameters.get(name) for name in _POINT)


def _parameters(
    settings: CachingSettings,
    roles: TraceRoles,
    capacity: Capacity,
    counts_bytes: bool,
    order: Order,
    writes: WriteSetting | None,
    guard: Guard,
) -> dict[str, Any]:
    """What makes a cell."""
    parameters: dict[str, Any] = {
        "capacity": capacity,
        "key": roles.key,
        "order": order,
        "seed": settings.seed,
        "seeds": settings.seeds,
        "windows": settings.windows,
        **guard.parameters,
    }
    if guard.ttl is not None:
        parameters["time"] = roles.time
    for name in ("price_per_miss", "price_per_object", "price_per_byte"):
        if getattr(settings, name) is not None:
            parameters[name] = getattr(settings, name)
    if roles.size is not None:
        parameters |= {"size": roles.size, "counts": "bytes" if counts_bytes else "objects"}
    if writes is not None:
        parameters |= {"op": roles.op, "time": roles.time, **writes.parameters}
    return parameters


EXPERIMENT = CachingExperiment()
