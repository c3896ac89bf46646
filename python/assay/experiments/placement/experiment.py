"""The experiment `placement`: settings checked against a table, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.datasets import Dataset
from assay.errors import EmptyInputError, ParameterError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.placement.answer import answer
from assay.experiments.placement.draws import Contest
from assay.experiments.placement.job import PlacementJob
from assay.experiments.placement.metrics import METRICS
from assay.experiments.placement.settings import REMOVALS, PlacementSettings
from assay.experiments.placement.spelling import PlacementSpec, parse_placement, propose
from assay.experiments.planning import Mistakes, key_column, parsed_once, raise_any, values_by_cell

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
        mistakes: Mistakes = []
        specs = _placements(settings, mistakes)
        if settings.weights is not None:
            for nodes in settings.grid:
                if len(settings.weights) != nodes:
                    count = len(settings.weights)
                    error = ParameterError(f"weights has {count} entries for {nodes} nodes; expected one per node")
                    mistakes.append(("weights", error))
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there are no keys to place")))
        key = key_column(dataset, settings.key, mistakes)
        raise_any(self.kind, mistakes)
        fingerprint = dataset.fingerprint()
        contests = tuple(
            self._contest(dataset.name, fingerprint, spec, nodes, key, settings)
            for nodes in settings.grid
            for spec in specs
        )
        return PlacementJob(dataset, contests, (key,))

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
        by_cell = values_by_cell(values)
        found = []
        for nodes in settings.grid:
            here = [cell for cell in cells if cell.parameters["nodes"] == nodes]
            if here:
                found.append(answer(here, by_cell, settings))
        return found


def _placements(settings: PlacementSettings, mistakes: Mistakes) -> list[PlacementSpec]:
    weighted = settings.weights is not None

    def parse(text: str) -> PlacementSpec:
        spec = parse_placement(text)
        if weighted and "weights" not in spec.contender.abilities:
            able = ", ".join(propose(weighted=True))
            raise ParameterError(f"{spec.text} cannot weigh nodes; leave it out, or compare those that can: {able}")
        return spec

    texts = settings.placements or propose(weighted=weighted)
    return parsed_once(texts, parse, setting="placements", noun="placement", mistakes=mistakes)


EXPERIMENT = PlacementExperiment()
