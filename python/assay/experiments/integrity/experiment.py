"""The experiment `integrity`: settings checked, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.datasets import Dataset
from assay.errors import EmptyInputError, ParameterError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.integrity.answer import answer
from assay.experiments.integrity.job import IntegrityJob
from assay.experiments.integrity.metrics import METRICS
from assay.experiments.integrity.schemes import parse_checksum, propose
from assay.experiments.integrity.settings import IntegritySettings
from assay.experiments.integrity.trials import Contest
from assay.experiments.planning import Mistakes, parsed_once, raise_any, values_by_cell

__all__ = ["EXPERIMENT", "IntegrityExperiment"]


@dataclass(frozen=True)
class IntegrityExperiment:
    """Is it still the same data?"""

    kind: str = "integrity"
    question: str = "Is it still the same data?"
    noun: str = "checksum"
    settings: type[IntegritySettings] = IntegritySettings

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric, by its name with the variable part in capitals."""
        return METRICS

    def job(self, dataset: Dataset, settings: IntegritySettings, *, base: str | None = None) -> IntegrityJob:
        """Plans the cells.

        Raises:
            SuiteError: Several mistakes; a single one is raised as the error that it is.
        """
        mistakes: Mistakes = []
        schemes = parsed_once(
            settings.checksums or propose(), parse_checksum, setting="checksums", noun="checksum", mistakes=mistakes
        )
        if dataset.rows == 0 and not dataset.files:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows, and so no bytes to damage")))
        for size in settings.grid:
            if settings.size < 2 * size:
                error = ParameterError(
                    f"sample_bytes is {settings.sample_bytes}, less than two blocks of {size:,}; "
                    "take more bytes, or smaller blocks"
                )
                mistakes.append(("sample_bytes", error))
        raise_any(self.kind, mistakes)
        faults = tuple(dict.fromkeys(settings.faults))
        fingerprint = dataset.fingerprint()
        contests = []
        for size in settings.grid:
            parameters: dict[str, Any] = {
                "block_bytes": size,
                "sample_bytes": settings.size,
                "faults": list(faults),
                "trials": settings.trials,
                "seed": settings.seed,
            }
            for scheme in schemes:
                cell = Cell(self.kind, scheme.text, scheme.contender.version, parameters, dataset.name, fingerprint)
                contests.append(Contest(scheme, size, faults, settings.trials, settings.seed, cell))
        return IntegrityJob(dataset, tuple(contests), settings.size, faults)

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: IntegritySettings, job: Job | None = None
    ) -> Sequence[Answer]:
        """The answer for each size of blocks."""
        by_cell = values_by_cell(values)
        return [
            answer(here, by_cell, adversary=settings.adversary)
            for size in settings.grid
            if (here := [cell for cell in cells if cell.parameters["block_bytes"] == size])
        ]


EXPERIMENT = IntegrityExperiment()
