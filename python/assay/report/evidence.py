"""The numbers that a claim rests on, as short sentences.

    round_robin on flights, 8 partitions: load max ÷ mean = 1.000 (below 1.001)

The store keeps each number with its contender, its settings, and what was expected of it. Here they
get the labels and units that the tables have, and what has one subject is told together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.report.run_view import ExperimentView
from assay.report.vocabulary import describe, in_a_sentence, settings_words
from assay.units import format_value

__all__ = ["Finding", "evidence_words", "findings_of"]

# Stored beside the settings of a number; all other names are settings.
_OWN = ("experiment_index", "contender", "metric", "value", "met")
# Settings that tell nobody anything: the column of keys of a generator, the first seed.
_SILENT = ("key", "seed")
_RELATION = re.compile(r"below|above|equals|between (?P<low>\S+) and|within (?P<within>\S+) of")


@dataclass(frozen=True)
class Finding:
    """Numbers of one subject: `round_robin on flights, 8 partitions` and `load max ÷ mean = 1.000 (below 1.001)`."""

    contender: str
    where: str  # " on flights, 8 partitions"
    experiment_index: int
    facts: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The finding on one line."""
        return f"{self.contender}{self.where}: {'; '.join(self.facts)}"


def findings_of(evidence: Any, experiments: Sequence[ExperimentView]) -> list[Finding] | None:
    """Stored evidence as findings, in its order; None if it has another form, which `evidence_words` tells."""
    if not isinstance(evidence, list) or not all(_is_fact(item) for item in evidence):
        return None
    known = {experiment.index: experiment for experiment in experiments}
    gathered: dict[tuple[str, str, int], list[str]] = {}
    for item in evidence:
        experiment = known.get(item["experiment_index"])
        subject = (str(item["contender"]), _where(item, experiment), item["experiment_index"])
        gathered.setdefault(subject, []).append(_fact(item, experiment))
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


def _fact(item: Mapping[str, Any], experiment: ExperimentView | None) -> str:
    metric, relation = item["metric"], _relation(item)
    assert relation is not None, "only facts are told"
    units = {} if experiment is None else {fact.name: fact.unit for fact in experiment.metrics}
    unit = units.get(metric, "ratio")
    label = in_a_sentence(metric)
    wanted = _wanted(relation, item[relation], unit)
    if item["value"] is None or item["met"] is None:
        return f"{label} was not measured (expected: {wanted})"
    value = _value(item["value"], item[relation], unit)
    return f"{label} = {value} ({wanted if item['met'] else f'not {wanted}'})"


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
