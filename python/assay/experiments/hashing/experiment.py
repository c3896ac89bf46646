"""The experiment `hashing`: settings checked against a table, cells planned, answers given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.datasets import Dataset
from assay.errors import EmptyInputError, ParameterError, UsageError
from assay.experiments.base import Answer, Cell, Job, Metric, Value
from assay.experiments.hashing.answer import answer
from assay.experiments.hashing.job import HashingJob
from assay.experiments.hashing.measuring import Contest
from assay.experiments.hashing.metrics import METRICS
from assay.experiments.hashing.settings import HashingSettings
from assay.experiments.hashing.spelling import HashSpec, functions, parse_function, refusal
from assay.experiments.planning import Mistakes, guessed_key, parsed_once, raise_any, values_by_cell

__all__ = ["EXPERIMENT", "HashingExperiment"]


@dataclass(frozen=True)
class HashingExperiment:
    """Which hash function for these keys?"""

    kind: str = "hashing"
    question: str = "Which hash function for these keys?"
    noun: str = "function"
    settings: type[HashingSettings] = HashingSettings

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Every metric, by its name with the variable part in capitals."""
        return METRICS

    def job(self, dataset: Dataset, settings: HashingSettings, *, base: str | None = None) -> HashingJob:
        """Plans the cells.

        Raises:
            SuiteError: Several mistakes; a single one is raised as the error that it is.
        """
        mistakes: Mistakes = []
        if dataset.rows == 0:
            mistakes.append(("dataset", EmptyInputError(f"{dataset.name} has no rows; there are no keys to hash")))
        key = _key(dataset, settings, mistakes)
        specs, left_out = _functions(dataset, settings, key, mistakes)
        raise_any(self.kind, mistakes)
        bits = tuple(dict.fromkeys(settings.bits))
        fingerprint = dataset.fingerprint()
        contests = []
        for n in settings.grid:
            parameters: dict[str, Any] = {
                "partitions": n,
                "key": key[0] if len(key) == 1 else list(key),
                "bits": list(bits),
                "flipped_keys": settings.flipped_keys,
                "seed": settings.seed,
            }
            for spec in specs:
                cell = Cell(self.kind, spec.text, spec.contender.version, parameters, dataset.name, fingerprint)
                contests.append(Contest(spec, n, bits, cell))
        return HashingJob(dataset, tuple(contests), key, bits, settings.flipped_keys, settings.seed, left_out)

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: HashingSettings, job: Job | None = None
    ) -> Sequence[Answer]:
        """The answer for each number of buckets."""
        by_cell = values_by_cell(values)
        left_out: Mapping[str, str] = job.left_out if isinstance(job, HashingJob) else {}
        return [
            answer(here, by_cell, left_out)
            for n in settings.grid
            if (here := [cell for cell in cells if cell.parameters["partitions"] == n])
        ]


def _functions(
    dataset: Dataset, settings: HashingSettings, key: Sequence[str], mistakes: Mistakes
) -> tuple[list[HashSpec], dict[str, str]]:
    """The functions to compare, and those of the catalogue that do not take these keys."""
    types = [dataset.schema.field(name).type for name in key]
    left_out: dict[str, str] = {}
    named = bool(settings.functions)

    def parse(text: str) -> HashSpec:
        spec = parse_function(text)
        refused = refusal(spec, types, every_value=not named) if types else None
        if refused is not None and named:
            raise refused
        if refused is not None:
            left_out[spec.text] = str(refused)
        return spec

    texts = settings.functions or [contender.name for contender in functions()]
    parsed = parsed_once(texts, parse, setting="functions", noun="function", mistakes=mistakes)
    specs = [spec for spec in parsed if spec.text not in left_out]
    if not specs and left_out:
        mistakes.append(("key", UsageError(f"no function takes these keys: {next(iter(left_out.values()))}")))
    return specs, left_out


def _key(dataset: Dataset, settings: HashingSettings, mistakes: Mistakes) -> tuple[str, ...]:
    try:
        if settings.columns is not None:
            names = tuple(str(dataset.column(name).name) for name in settings.columns)
            twice = next((name for name in names if names.count(name) > 1), None)
            if twice is not None:
                raise ParameterError(f'the key names column "{twice}" twice; name each column once')
            return names
        return (guessed_key(dataset),)
    except UsageError as error:
        mistakes.append(("key", error))
        return ()


EXPERIMENT = HashingExperiment()
