"""The numbers that a claim rests on, as short sentences and as what a chart draws.

    round_robin on flights, 8 partitions: load max ÷ mean = 1.000 (below 1.001)

The store keeps each number with its contender, its settings, and what was expected of it. Here they
get the labels and units that the tables have, and what has one subject is told together.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.report.run_view import ExperimentView
from assay.report.vocabulary import describe, in_a_sentence, settings_words
from assay.units import format_value

__all__ = ["Finding", "Number", "evidence_words", "findings_of", "numbers_of"]

# Stored beside the settings of a number; all other names are settings.
_OWN = ("experiment_index", "contender", "metric", "value", "met")
# Settings that tell nobody anything: the column of keys of a generator, the first seed.
_SILENT = ("key", "seed")
_RELATION = re.compile(r"below|above|equals|between (?P<low>\S+) and|within (?P<within>\S+) of")


@dataclass(frozen=True)
class Number:
    """One number with what was expected of it."""

    contender: str
    where: str  # " on flights, 8 partitions"
    experiment_index: int
    metric: str
    unit: str
    value: float | None
    """None if it was not measured."""
    low: float
    high: float
    """What was expected lies between them; infinite where there is no such bound."""
    met: bool | None
    value_text: str
    wanted: str
    """What was expected: `below 1.001`, `exactly 0`, `between 90 % and 92 %`."""

    @property
    def fact(self) -> str:
        """`load max ÷ mean = 1.000 (below 1.001)`."""
        label = in_a_sentence(self.metric)
        if self.value is None or self.met is None:
            return f"{label} was not measured (expected: {self.wanted})"
        return f"{label} = {self.value_text} ({self.wanted if self.met else f'not {self.wanted}'})"


@dataclass(frozen=True)
class Finding:
    """Numbers of one subject: `round_robin on flights, 8 partitions` and `load max ÷ mean = 1.000 (below 1.001)`."""

    contender: str
    where: str
    experiment_index: int
    facts: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The finding on one line."""
        return f"{self.contender}{self.where}: {'; '.join(self.facts)}"


def numbers_of(evidence: Any, experiments: Sequence[ExperimentView]) -> list[Number] | None:
    """Stored evidence as numbers, in its order; None if it has another form, which `evidence_words` tells."""
    if evidence is None:
        return []
    if not isinstance(evidence, list) or not all(_is_fact(item) for item in evidence):
        return None
    known = {experiment.index: experiment for experiment in experiments}
    return [_number(item, known.get(item["experiment_index"])) for item in evidence]


def findings_of(evidence: Any, experiments: Sequence[ExperimentView]) -> list[Finding] | None:
    """Stored evidence by its subjects, in its order; None if it has another form, which `evidence_words` tells."""
    numbers = numbers_of(evidence, experiments)
    if numbers is None:
        return None
    gathered: dict[tuple[str, str, int], list[str]] = {}
    for number in numbers:
        gathered.setdefault((number.contender, number.where, number.experiment_index), []).append(number.fact)
    return [Finding(*subject, tuple(facts)) for subject, facts in gathered.items()]


def evidence_words(evidence: Any) -> str:
    """Evidence of any other form as text: names and numbers, in the order in which they were stored.

    >>> evidence_words([{"n": 8, "moved_share": 0.1101}])
    'n 8, moved 0.1101'
    """
    if evidence is None:
        return ""
    if isinstance(evidence, Mapping):
        return ", ".join(f"{describe(name).label} {evidence_words(value)}" for name, value in evidence.items())
    if isinstance(evidence, list):
        return "; ".join(evidence_words(item) for item in evidence)
    if isinstance(evidence, bool):
        return "yes" if evidence else "no"
    if isinstance(evidence, int):
        return f"{evidence:,}"
    if isinstance(evidence, float):
        return f"{evidence:,.6g}" if abs(evidence) < 1e6 else f"{evidence:,.0f}"
    return str(evidence)


def _is_fact(item: Any) -> bool:
    return isinstance(item, Mapping) and all(name in item for name in _OWN) and _relation(item) is not None


def _relation(item: Mapping[str, Any]) -> str | None:
    """The name under which the expected number is stored: `below`, `between 0.9 and`."""
    return next((name for name in item if _RELATION.fullmatch(name) and name not in _OWN), None)


def _where(item: Mapping[str, Any], experiment: ExperimentView | None) -> str:
    relation = _relation(item)
    settings = {name: value for name, value in item.items() if name not in (*_OWN, *_SILENT, relation)}
    dataset = experiment.dataset["name"] if experiment is not None else None
    words = settings_words(settings)
    return (f" on {dataset}" if dataset else "") + (f", {words}" if words else "")


def _number(item: Mapping[str, Any], experiment: ExperimentView | None) -> Number:
    metric, relation = item["metric"], _relation(item)
    assert relation is not None, "only facts are told"
    units = {} if experiment is None else {fact.name: fact.unit for fact in experiment.metrics}
    unit = units.get(metric, "ratio")
    bound = item[relation]
    low, high = _expected(relation, bound)
    return Number(
        contender=str(item["contender"]),
        where=_where(item, experiment),
        experiment_index=item["experiment_index"],
        metric=metric,
        unit=unit,
        value=item["value"],
        low=low,
        high=high,
        met=item["met"],
        value_text="not measured" if item["value"] is None else _value(item["value"], bound, unit),
        wanted=_wanted(relation, bound, unit),
    )


def _expected(relation: str, bound: float) -> tuple[float, float]:
    """The bounds between which a number was expected."""
    if relation == "below":
        return -math.inf, bound
    if relation == "above":
        return bound, math.inf
    if relation == "equals":
        return bound, bound
    found = _RELATION.fullmatch(relation)
    assert found is not None, "only relations are told"
    if found["low"]:
        return float(found["low"]), bound
    return bound - float(found["within"]), bound + float(found["within"])


def _wanted(relation: str, number: float, unit: str) -> str:
    """What was expected: `below 1.001`, `exactly 0`, `between 90 % and 92 %`."""
    bound = _bound(number, unit)
    if relation == "equals":
        return f"exactly {bound}"
    found = _RELATION.fullmatch(relation)
    assert found is not None, "only relations are told"
    if found["low"]:
        return f"between {_bound(float(found['low']), unit)} and {bound}"
    return f"within {_bound(float(found['within']), unit)} of {bound}" if found["within"] else f"{relation} {bound}"


def _bound(number: float, unit: str) -> str:
    """A number that somebody wrote, as it was written."""
    return f"{100 * number:g} %" if unit == "share" else f"{number:,g}" if abs(number) < 1e5 else f"{number:,.0f}"


def _value(value: float, bound: float, unit: str) -> str:
    """A measured number, with as many decimals as its bound has, so that both can be compared by eye."""
    decimals = len(f"{bound:g}".partition(".")[2])
    if unit == "ratio" and (decimals > 3 or (decimals > 1 and abs(value) >= 10)):
        return f"{value:,.{decimals}f}"
    return format_value(value, unit)
