"""What a suite expects of its numbers, and whether the numbers oblige.

    { strategy = "round_robin", metric = "load_max_over_mean", below = 1.001 }
    { strategy = "hash(tailnum)", partitions = 8, metric = "empty_partitions", equals = 0 }
    { strategy = "ring(id)", metric = "moved_share.add_one", between = [0.10, 0.13] }
    { strategy = "ring(id)", metric = "load_cv", equals = 0.07, within = 0.01 }

The contender is named by the experiment's noun or by `contender`; any other key is a setting that
selects cells of the grid. An expectation that several cells match is checked for each of them.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assay.errors import UnknownNameError, nearest
from assay.experiments.base import Cell, Metric, Value
from assay.harness.records import ExpectationRecord

__all__ = ["Expectation", "Outcome", "evaluate", "expectation_records", "parse_expectation", "without_blanks"]

RELATIONS = ("below", "above", "equals", "between")


@dataclass(frozen=True)
class Expectation:
    """A bound on one metric of the cells of one contender."""

    contender: str
    metric: str
    relation: str  # one of RELATIONS
    bound: float  # of `between`, the lower one
    upper: float | None = None  # of `between`
    within: float = 0.0  # tolerance of `equals`, absolute
    parameters: Mapping[str, Any] = field(default_factory=dict)
    experiment: int = 0  # position among a claim's experiments

    def is_met_by(self, value: float) -> bool:
        """Whether `value` satisfies the relation; `below` and `above` are strict, `between` is not."""
        if self.relation == "below":
            return value < self.bound
        if self.relation == "above":
            return value > self.bound
        if self.relation == "between":
            assert self.upper is not None
            return self.bound <= value <= self.upper
        return abs(value - self.bound) <= self.within

    def matches(self, cell: Cell) -> bool:
        """Whether the expectation speaks of this cell."""
        return without_blanks(cell.contender) == self.contender and all(
            name in cell.parameters and _plain(cell.parameters[name]) == _plain(wanted)
            for name, wanted in self.parameters.items()
        )

    @property
    def relation_words(self) -> str:
        """The relation in words that read on into its last number: "below", "between 1 and"."""
        if self.relation == "between":
            return f"between {self.bound:g} and"
        if self.relation == "equals" and self.within:
            return f"within {self.within:g} of"
        return self.relation

    @property
    def last_number(self) -> float:
        """The number that `relation_words` lead to."""
        return self.bound if self.upper is None else self.upper

    def __str__(self) -> str:
        where = "".join(f", {name} = {value}" for name, value in self.parameters.items())
        return f"{self.metric} of {self.contender}{where} {self.relation_words} {self.last_number:g}"


@dataclass(frozen=True)
class Outcome:
    """An expectation and one cell that it speaks of; `met` None means that nothing was measured."""

    expectation: Expectation
    parameters: Mapping[str, Any]
    value: float | None
    met: bool | None

    def __str__(self) -> str:
        if self.met is None:
            return f"{self.expectation}: not measured"
        where = ", ".join(f"{name} = {value}" for name, value in self.parameters.items())
        return f"{self.expectation}: {'met' if self.met else 'unmet'}, it is {self.value:g}" + (
            f" at {where}" if where else ""
        )


def parse_expectation(
    entry: Mapping[str, Any],
    *,
    noun: str,
    metrics: Mapping[str, Metric],
    cells: Sequence[Cell] | None,
    variables: Mapping[str, Sequence[str]] | None = None,
    extra: Sequence[str] = (),
) -> tuple[Expectation | None, list[tuple[str | None, str]]]:
    """The expectation that `entry` spells, or every mistake in it as (key or None, message).

    `cells` None (the grid could not be planned) leaves contender and settings unchecked, `variables`
    None what stands for the capitals in a metric's name; keys among `extra` belong to the caller.
    """
    mistakes: list[tuple[str | None, str]] = []
    names = {noun, "contender"} & entry.keys()
    contender = without_blanks(str(entry[min(names)])) if names else ""
    if len(names) != 1:
        mistakes.append((None, f'expected exactly one of "{noun}" and "contender", the spelling of a {noun}'))
    metric = entry.get("metric")
    if not isinstance(metric, str):
        mistakes.append((None, 'the key "metric" is missing; expected the name of a metric'))
    elif metric in metrics and not _is_declared(metric, metrics):
        capitals = metric.partition(".")[2]
        known = ", ".join((variables or {}).get(capitals, ())) or "what it is called here"
        mistakes.append(("metric", f"metric is {metric!r}; expected a name in place of {capitals}: {known}"))
    elif not _is_declared(metric, metrics):
        mistakes.append(("metric", str(UnknownNameError.of("metric", metric, metrics))))
    elif why := _unknown_part(metric, metrics, variables or {}):
        mistakes.append(("metric", why))
    relations = [relation for relation in RELATIONS if relation in entry]
    if len(relations) != 1:
        found = ", ".join(relations) or "none"
        mistakes.append((None, f"expected exactly one of {', '.join(RELATIONS)}; found {found}"))
    bound, upper, within = 0.0, None, 0.0
    for relation in relations[:1]:
        given = entry[relation]
        if relation == "between":
            if not (
                isinstance(given, list) and len(given) == 2 and all(map(_is_number, given)) and given[0] <= given[1]
            ):
                mistakes.append((relation, f"between is {given!r}; expected two numbers, the lower one first: [1, 2]"))
            else:
                bound, upper = float(given[0]), float(given[1])
        elif not _is_number(given):
            mistakes.append((relation, f"{relation} is {given!r}; expected a number"))
        else:
            bound = float(given)
    if "within" in entry:
        given = entry["within"]
        if relations != ["equals"]:
            mistakes.append(("within", "within is the tolerance of equals; remove it, or use equals"))
        elif not _is_number(given) or given < 0:
            mistakes.append(("within", f"within is {given!r}; expected a number of at least 0"))
        else:
            within = float(given)
    own = {noun, "contender", "metric", "within", *RELATIONS, *extra}
    parameters = {name: value for name, value in entry.items() if name not in own}
    mistakes += _unmatched(contender, parameters, own, noun, cells)
    if mistakes:
        return None, mistakes
    assert isinstance(metric, str)
    experiment = entry.get("experiment", 0) if "experiment" in extra else 0
    return Expectation(contender, metric, relations[0], bound, upper, within, parameters, experiment), []


def evaluate(expectation: Expectation, cells: Sequence[Cell], values: Mapping[tuple[str, str], Value]) -> list[Outcome]:
    """One outcome for each cell that the expectation speaks of; `values` is by (cell id, metric)."""
    outcomes = []
    for cell in cells:
        if expectation.matches(cell):
            value = values.get((cell.cell_id, expectation.metric))
            number = None if value is None or value.value is None else float(value.value)
            met = None if number is None or math.isnan(number) else expectation.is_met_by(number)
            outcomes.append(Outcome(expectation, dict(cell.parameters), number, met))
    return outcomes or [Outcome(expectation, dict(expectation.parameters), None, None)]


def expectation_records(experiment_index: int, outcomes: Sequence[Outcome]) -> list[ExpectationRecord]:
    """The outcomes of one experiment as rows."""
    return [
        ExpectationRecord(
            experiment_index,
            position,
            outcome.expectation.contender,
            json.dumps(outcome.parameters, sort_keys=True, default=str),
            outcome.expectation.metric,
            outcome.expectation.relation_words,
            outcome.expectation.last_number,
            outcome.value,
            outcome.met,
        )
        for position, outcome in enumerate(outcomes)
    ]


def without_blanks(spelling: str) -> str:
    """A contender's spelling without blanks, but for those within double quotes.

    >>> without_blanks('hash( "tail num" , function = md5 )')
    'hash("tail num",function=md5)'
    """
    parts = spelling.split('"')
    return '"'.join(part if index % 2 else "".join(part.split()) for index, part in enumerate(parts))


def _unmatched(
    contender: str, parameters: Mapping[str, Any], own: set[str], noun: str, cells: Sequence[Cell] | None
) -> list[tuple[str | None, str]]:
    """Why no planned cell matches, if none does."""
    if cells is None:
        return []
    mistakes: list[tuple[str | None, str]] = []
    contenders = {without_blanks(cell.contender) for cell in cells}
    if contender and contender not in contenders:
        mistakes.append((noun, str(UnknownNameError.of(noun, contender, contenders, "name one of this experiment"))))
    settings = {name for cell in cells for name in cell.parameters}
    for name, wanted in parameters.items():
        if name not in settings:
            guess = nearest(name, settings | own)
            hint = f'; did you mean "{guess}"?' if guess else ""
            mistakes.append((name, f'"{name}" is neither a key of an expectation nor a setting of the cells{hint}'))
            continue
        met = {json.dumps(_plain(cell.parameters.get(name)), default=str) for cell in cells}
        if json.dumps(_plain(wanted), default=str) not in met:
            mistakes.append(
                (name, f"{name} is {wanted!r}; expected one of the grid's values: {', '.join(sorted(met))}")
            )
    if (
        not mistakes
        and contender
        and not any(Expectation(contender, "", "", 0, parameters=parameters).matches(c) for c in cells)
    ):
        mistakes.append((None, "no cell of the grid has these settings together"))
    return mistakes


def _is_declared(name: str, metrics: Mapping[str, Metric]) -> bool:
    if name in metrics:
        return "." not in name or not name.partition(".")[2].isupper()
    stem, dot, _ = name.partition(".")
    return bool(dot) and any(known.partition(".")[0] == stem and known.partition(".")[2].isupper() for known in metrics)


def _unknown_part(name: str, metrics: Mapping[str, Metric], variables: Mapping[str, Sequence[str]]) -> str | None:
    """Why the variable part of a declared metric's name stands for nothing, if so."""
    stem, _, part = name.partition(".")
    capitals = [known.partition(".")[2] for known in metrics if known.partition(".")[0] == stem]
    allowed = [found for one in capitals for found in variables.get(one, ())]
    if name in metrics or part in allowed or not any(one in variables for one in capitals):
        return None
    things = {"ACTION": "action", "FK": "foreign key", "QUERY": "query", "PERCENTILE": "percentile"}
    thing = next((things.get(one, one.lower()) for one in capitals if one in variables), "")
    return f"{name}: {UnknownNameError.of(thing, part, allowed, '' if allowed else 'the dataset declares none')}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and not math.isnan(value)


def _plain(value: object) -> object:
    """A value as JSON would give it back, so that a tuple equals a list."""
    return json.loads(json.dumps(value, default=str))
