"""An advice for readers: which candidates to show, as which numbers, and which limits they miss.

The terminal, Markdown and the page show the same rows of numbers (`advice_columns`), the page all of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assay.report.run_view import AnswerView, ExperimentView
from assay.report.vocabulary import describe
from assay.units import format_value

__all__ = [
    "AdviceColumn",
    "advice_columns",
    "advice_payload",
    "counted",
    "keys_of",
    "limit_words",
    "missed",
    "set_of",
    "shown_candidates",
]

Candidate = Mapping[str, Any]

# What a candidate is weighed by: metric → heading, unit; in the order of columns.
_COLUMNS = {
    "load_max_over_mean": ("max ÷ mean", "ratio"),
    "cross_join_share": ("joins that cross", "share"),
    "workload_fan_out_mean": ("fan-out of the workload", "partitions"),
    "moved_over_optimum.add_one": ("moved ÷ opt add one", "ratio"),
    "moved_share.add_one": ("moved add one", "share"),
    "bytes_max": ("fullest holds", "bytes"),
    "bytes_max_estimated": ("fullest holds about", "bytes"),
    "growth_load_max_over_mean": ("newest tenth", "ratio"),
    "fan_out_mean": ("largest fan-out", "partitions"),
    "empty_partitions": ("empty", "partitions"),
}
# Which criterion a limit bounds, where it goes by another name.
_MISSES = {
    "skew_max": ("load_max_over_mean",),
    "moved_max": ("moved_share.add_one",),
    "partition_bytes_max": ("bytes_max", "bytes_max_estimated"),
    "fan_out_max": ("fan_out_mean", "workload_fan_out_mean"),
    "growth_skew_max": ("growth_load_max_over_mean",),
    "empty_partitions": ("empty_partitions",),
}
_USABLE_AT_MOST = 6
_BEATEN_BY_COUNT_AT_MOST = 3
_EXCLUDED_AT_MOST = 4


@dataclass(frozen=True)
class AdviceColumn:
    """One column: for each candidate its text, and whether a limit is missed in it."""

    metric: str
    heading: str
    unit: str
    texts: Sequence[str]
    misses: Sequence[bool]


def advice_columns(candidates: Sequence[Candidate]) -> list[AdviceColumn]:
    """The numbers that these candidates are weighed by; what none has is left out, as are empty partitions of none."""
    columns = []
    for metric, (heading, unit) in _COLUMNS.items():
        values = [candidate["criteria"].get(metric) for candidate in candidates]
        if all(value is None for value in values) or (metric == "empty_partitions" and not any(values)):
            continue
        misses = [metric in missed(candidate) for candidate in candidates]
        columns.append(AdviceColumn(metric, heading, unit, [format_value(value, unit) for value in values], misses))
    return columns


def missed(candidate: Candidate) -> set[str]:
    """The criteria in which a candidate misses a limit."""
    return {metric for limit in candidate["broken"] for metric in _MISSES.get(limit, ())}


def set_of(candidate: Candidate) -> str:
    """What a candidate is: the recommended one, one that nothing beats, one that is beaten, or one that is out."""
    if candidate["best"]:
        return "recommended"
    if candidate["broken"]:
        return "misses a limit"
    return "in the Pareto set" if candidate["pareto"] else "beaten by another"


def counted(candidate: Candidate) -> str:
    """The number of partitions of a candidate, as text."""
    return f"{candidate['parameters']['partitions']:,}"


def shown_candidates(advice: Mapping[str, Any]) -> list[Candidate]:
    """Those worth a line: the best and what comes next at its number of partitions, the Pareto set at others, and what
    came nearest among those that miss a limit."""
    candidates: list[Candidate] = list(advice["candidates"])
    best = next((one for one in candidates if one["best"]), None)
    usable = [one for one in candidates if not one["broken"]]
    here = [one for one in usable if best is not None and one["parameters"] == best["parameters"]][:_USABLE_AT_MOST]
    others = [one for one in usable if one["pareto"] and one not in here][:_BEATEN_BY_COUNT_AT_MOST]
    count = _EXCLUDED_AT_MOST if best else _EXCLUDED_AT_MOST + _USABLE_AT_MOST
    excluded = [one for one in candidates if one["broken"]]
    # Of those that are out, the ones at the recommended number of partitions say most.
    excluded.sort(key=lambda one: best is not None and one["parameters"] != best["parameters"])
    return [*here, *others, *excluded[:count]]


def limit_words(advice: Mapping[str, Any]) -> list[str]:
    """Each limit in words, with the number of candidates that miss it."""
    return [f"{limit['words']} ({limit['excluded']:,})" for limit in advice["limits"]]


def keys_of(advice: Mapping[str, Any], *, tried: bool) -> list[tuple[str, str]]:
    """The keys that were tried, or were not, each with what was known of it."""
    return [(key["name"], key["words"]) for key in advice["keys"] if key["tried"] is tried]


def advice_payload(experiment: ExperimentView) -> dict[str, Any] | None:
    """What the page's chart of an advice draws, as plain values; None without an advice."""
    answer: AnswerView | None = experiment.advice
    if answer is None or answer.advice is None or not answer.advice["candidates"]:
        return None
    candidates = answer.advice["candidates"]
    columns = advice_columns(candidates)
    return {
        "rows": [
            {
                "name": f"{candidate['contender']} on {counted(candidate)}",
                "set": set_of(candidate),
                "why": candidate["lost"] or "the recommended one",
                "values": [candidate["criteria"].get(column.metric) for column in columns],
                "texts": [column.texts[i] for column in columns],
            }
            for i, candidate in enumerate(candidates)
        ],
        "columns": [
            {"metric": column.metric, "label": describe(column.metric).label, "unit": column.unit} for column in columns
        ],
        "limits": {
            metric: limit["bound"]
            for limit in answer.advice["limits"]
            if limit["bound"] is not None
            for metric in _MISSES.get(limit["name"], ())
        },
        "point": next(
            (i for i, point in enumerate(experiment.points) if point.parameters.items() <= answer.parameters.items()), 0
        ),
    }
