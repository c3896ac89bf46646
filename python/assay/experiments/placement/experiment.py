"""The experiment `placement`: settings checked against a table, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.datasets import Dataset, guess_roles
from assay.errors import EmptyInputError, ParameterError, SuiteError, UsageError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.placement.answer import answer
from assay.experiments.placement.draws import Contest
from assay.experiments.placement.job import PlacementJob
from assay.experiments.placement.metrics import METRICS
from assay.experiments.placement.settings import REMOVALS, PlacementSettings
from assay.experiments.placement.spelling import PlacementSpec, parse_placement, propose

__all__ = ["EXPERIMENT", "PlacementExperiment"]


@dataclass(frozen=True)
class PlacementExperiment:
    """Which placement of keys on nodes?"""

    kind: str = "placement"
    question: str = "Which placement of keys on nodes?"
    noun: str = "placement"
    settings: type[PlacementSettings] = PlacementSettings

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric, by its name with the variable part in capitals."""
        return METRICS

    def job(self, dataset: Dataset, settings: PlacementSettings, *, base: str | None = None) -> PlacementJob:
        """Plans the cells.

        Raises:
            SuiteError: Several mistakes; a single one is raised as the error that it is.
        """
        mistakes: list[tuple[str, UsageError]] = []
        specs = _placements(settings, mistakes)
        if settings.weights is not None:
            for nodes in settings.grid:
                if len(settings.weights) != nodes:
                    count = len(settings.weights)
                    error = ParameterError(f"weights has {count} entries for {nodes} nodes; expected one per node")
                    mistakes.append(("weights", error))
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there are no keys to place")))
        key = _key(dataset, settings, mistakes)
        if len(mistakes) == 1:
            raise mistakes[0][1]
        if mistakes:
            raise SuiteError(self.kind, [(place, str(error)) for place, error in mistakes])
        fingerprint = dataset.fingerprint()
        contests = tuple(
            self._contest(dataset.name, fingerprint, spec, nodes, key, settings)
            for nodes in settings.grid
            for spec in specs
        )
        return PlacementJob(dataset, contests, key)

    def _contest(
        self,
        dataset: str,
        fingerprint: str,
        spec: PlacementSpec,
        nodes: int,
        key: str,
        settings: PlacementSettings,
    ) -> Contest:
        parameters: dict[str, Any] = {
            "nodes": nodes,
            "key": key,
            "seeds": settings.seeds,
            "seed": settings.seed,
        }
        if settings.weights is not None:
            parameters["weights"] = settings.weights
        removals = tuple(dict.fromkeys(settings.removals))
        if removals != REMOVALS:
            parameters["removals"] = list(removals)
        cell = Cell(self.kind, spec.text, spec.contender.version, parameters, dataset, fingerprint)
        weights = None if settings.weights is None else tuple(settings.weights)
        return Contest(spec, nodes, range(settings.seed, settings.seed + settings.seeds), weights, cell, removals)

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: PlacementSettings, job: Job | None = None
    ) -> Sequence[Answer]:
        """The answer for each number of nodes."""
        by_cell: dict[str, dict[str, Value]] = {}
        for value in values:
            by_cell.setdefault(value.cell_id, {})[value.metric] = value
        found = []
        for nodes in settings.grid:
            here = [cell for cell in cells if cell.parameters["nodes"] == nodes]
            if here:
                found.append(answer(here, by_cell, settings))
        return found


def _placements(settings: PlacementSettings, mistakes: list[tuple[str, UsageError]]) -> list[PlacementSpec]:
    specs: dict[str, PlacementSpec] = {}
    for index, text in enumerate(settings.placements or propose(weighted=settings.weights is not None)):
        try:
            spec = parse_placement(text)
            if spec.text in specs:
                raise ParameterError(f"{spec.text} is named twice; name each placement once")
            if settings.weights is not None and "weights" not in spec.contender.abilities:
                able = ", ".join(propose(weighted=True))
                raise ParameterError(f"{spec.text} cannot weigh nodes; leave it out, or compare those that can: {able}")
            specs[spec.text] = spec
        except UsageError as error:
            mistakes.append((f"placements[{index}]", error))
    return list(specs.values())


def _key(dataset: Dataset, settings: PlacementSettings, mistakes: list[tuple[str, UsageError]]) -> str:
    try:
        if settings.key is not None:
            return str(dataset.column(settings.key).name)
        guessed = guess_roles(dataset).keys
        if not guessed:
            raise EmptyInputError(f'{dataset.name} has no column that looks like a key; name one: key = "..."')
        return guessed[0]
    except UsageError as error:
        mistakes.append(("key", error))
        return ""


EXPERIMENT = PlacementExperiment()
