"""One run as the reports see it: experiments, grid points, contenders and their numbers.

    RunView
    ├── ExperimentView            a question on a dataset
    │   ├── metrics               what was measured, in display order
    │   ├── expectations          what the suite expected, and whether it was met
    │   └── GridPoint             the settings of one point of the grid: 8 partitions
    │       ├── answer            best, rule, Pareto set, dropped, notes
    │       └── Row               a contender with its numbers, or with its error
    └── ClaimView                 a textbook sentence and its verdict

`run_reader` fills these from the store; nothing is measured or chosen here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import pyarrow as pa

from assay.report.vocabulary import WEIGHTS, split_name

__all__ = [
    "AnswerView",
    "ClaimView",
    "ExpectationView",
    "ExperimentView",
    "GridPoint",
    "MetricFacts",
    "Number",
    "Row",
    "RunView",
    "Source",
    "answer_sentence",
    "family_mean",
    "point_sentence",
]


class Source(Protocol):
    """Anything that answers SQL over the store's tables and views."""

    def query(self, sql: str, parameters: Sequence[Any], /) -> pa.Table:
        """The rows of `sql`, with `?` bound to `parameters` in order."""


@dataclass(frozen=True)
class MetricFacts:
    """What the experiment declared of a metric."""

    name: str
    unit: str
    direction: str  # lower, higher, none
    kind: str  # exact, seeded, timed, estimated
    origin: str  # measured, replayed, modelled


@dataclass(frozen=True)
class Number:
    """A metric's value; None means not applicable, and `note` says why."""

    value: float | None
    low: float | None = None
    high: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class AnswerView:
    """An experiment's answer at one grid point, as it was stored."""

    sentence: str = ""
    best: str | None = None
    rule: str = ""
    pareto: tuple[str, ...] = ()
    dropped: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    findings: tuple[str, ...] = ()
    advice: Mapping[str, Any] | None = None  # where it speaks of the whole grid: candidates, limits, excluded, keys


@dataclass(frozen=True)
class Row:
    """A contender at a grid point."""

    cell_id: str
    contender: str
    parameters: Mapping[str, Any]  # all settings of the cell; a grid point names those that vary
    status: str  # planned, done, failed
    error: str | None
    numbers: Mapping[str, Number]  # metric name → number


@dataclass(frozen=True)
class GridPoint:
    """The settings of one point of the grid, its answer, and its contenders: best first, dropped last."""

    label: str  # "8 partitions"
    parameters: Mapping[str, Any]
    answer: AnswerView
    rows: Sequence[Row]


@dataclass(frozen=True)
class ExpectationView:
    """A line of `expect` in the suite; `met` None means that it was not measured."""

    contender: str
    parameters: Mapping[str, Any]
    metric: str
    relation: str
    bound: float | None
    value: float | None
    met: bool | None


@dataclass(frozen=True)
class ExperimentView:
    """A question on a dataset, with all its grid points."""

    index: int
    kind: str
    question: str
    noun: str
    dataset: Mapping[str, Any]  # name, fingerprint, fingerprint_kind, source, licence, rows, bytes
    settings: Mapping[str, Any]
    reading: str | None
    command: str
    metrics: Sequence[MetricFacts]
    points: Sequence[GridPoint]
    expectations: Sequence[ExpectationView]
    advice: AnswerView | None = None  # the answer over all grid points, where there is one
    timing: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)  # timed metric → processes, noise_floor ...
    errors: Sequence[str] = ()  # of steps of the whole experiment, such as its answer


@dataclass(frozen=True)
class ClaimView:
    """A textbook sentence with the experiment that tests it and a verdict."""

    topic: str
    sentence: str
    verdict: str  # holds, holds if, refuted, unclear
    condition: str | None
    evidence: Any
    counterexample: Any
    origin: str
    command: str
    reading: str | None


@dataclass(frozen=True)
class RunView:
    """One execution of a suite."""

    run_id: str
    suite_name: str
    question: str | None
    suite_toml: str | None
    seed: int
    started: datetime
    ended: datetime | None
    status: str
    command: str
    tool_version: str
    label: str | None
    environment: Mapping[str, Any]
    experiments: Sequence[ExperimentView]
    claims: Sequence[ClaimView]


def family_mean(numbers: Mapping[str, Number], metric: str) -> float | None:
    """The metric's value, or the mean over its variable parts if it has any; None if none is known.

    `cross_join_share` is the mean of `cross_join_share.planes`, `cross_join_share.airports` and so on: a plain one, or
    weighed by how often a query log asks for each (`join_statements.planes`).
    """
    if metric in numbers:
        return numbers[metric].value
    parts = [split_name(name) for name, number in numbers.items() if number.value is not None]
    weighing = WEIGHTS.get(metric, "")
    weights = {part: numbers[f"{weighing}.{part}"].value or 0 for name, part in parts if name == weighing}
    found = [
        (numbers[f"{metric}.{part}"].value or 0, weights.get(part, 0) if weights else 1)
        for name, part in parts
        if name == metric
    ]
    whole = sum(weight for _, weight in found)
    return sum(value * weight for value, weight in found) / whole if whole else None


def point_sentence(experiment: ExperimentView, point: GridPoint) -> str:
    """A grid point's answer, introduced by the point where there are several and the sentence names none."""
    sentence = point.answer.sentence or f"No {experiment.noun} can be recommended."
    if len(experiment.points) < 2 or re.search(rf"(?<!\w){re.escape(point.label)}(?!\w)", sentence):
        return sentence
    return f"{point.label}: {sentence}"


def answer_sentence(run: RunView) -> str:
    """The run's answers as one line of text: each grid point's sentence and findings, in order.

    An answer over all grid points stands for theirs.
    """
    said = []
    for experiment in run.experiments:
        if experiment.advice is not None:
            said += [experiment.advice.sentence, *experiment.advice.findings]
            continue
        for point in experiment.points:
            if point.answer.sentence:
                said += [point_sentence(experiment, point), *point.answer.findings]
    return " ".join(said)
