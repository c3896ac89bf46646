"""A run's results for machines and for pasting: JSON, CSV (RFC 4180) and Markdown.

JSON and CSV hold every number of the run in full precision; Markdown holds the table that people
read. Keys beyond those that are promised (`run`, `answer`, `results`) may be added, never changed.
"""

from __future__ import annotations

import csv
import io
import json
import math
import re
from typing import Any

from assay.errors import UnknownNameError
from assay.report.advice import advice_columns, counted, shown_candidates
from assay.report.key_table import key_columns
from assay.report.marks import BEST, WORST
from assay.report.run_reader import read_run
from assay.report.run_view import AnswerView, ExperimentView, GridPoint, RunView, Source, answer_sentence
from assay.report.screen import plain

__all__ = ["FORMATS", "format_run", "to_csv", "to_json", "to_markdown", "to_rows"]

FORMATS = ("json", "csv", "markdown")

_COLUMNS = (
    "run",
    "experiment",
    "contender",
    "parameters",
    "dataset",
    "metric",
    "unit",
    "kind",
    "value",
    "low",
    "high",
    "note",
)
_FRACTIONAL_UNITS = {"ratio", "share", "ns", "GB/s"}


def to_rows(store: Source, run_id: str) -> dict[str, Any]:
    """The run as plain values: `run`, `answer` and one entry in `results` for each metric of each cell.

    Returns:
        {"run", "answer", "results": [{"experiment", "contender", "parameters", "dataset", "metric", "unit", "kind",
        "value", "low", "high", "note"}], "answers": [...], "advice": [...], "datasets": [...], "failures": [...],
        "expectations": [...]}. A failure without a contender is one of the whole experiment.
        Numbers that do not exist are None, never NaN.

    Raises:
        UnknownNameError: the store holds no such run.
    """
    run = read_run(store, run_id)
    return {
        "run": run.run_id,
        "answer": answer_sentence(run),
        "results": [result for experiment in run.experiments for result in _results(experiment)],
        "answers": [
            {
                "experiment": experiment.kind,
                "dataset": experiment.dataset["name"],
                "parameters": dict(point.parameters),
                "sentence": point.answer.sentence,
                "best": point.answer.best,
                "rule": point.answer.rule,
                "pareto": list(point.answer.pareto),
                "dropped": dict(point.answer.dropped),
                "notes": list(point.answer.notes),
                "findings": list(point.answer.findings),
            }
            for experiment in run.experiments
            for point in experiment.points
        ],
        "advice": [
            {
                "experiment": experiment.kind,
                "dataset": experiment.dataset["name"],
                "parameters": dict(experiment.advice.parameters),
                "sentence": experiment.advice.sentence,
                "best": experiment.advice.best,
                "rule": experiment.advice.rule,
                "findings": list(experiment.advice.findings),
                "notes": list(experiment.advice.notes),
                **(experiment.advice.advice or {}),
            }
            for experiment in run.experiments
            if experiment.advice is not None
        ],
        "datasets": [dict(experiment.dataset) for experiment in _first_of_each_dataset(run)],
        "failures": [
            {
                "experiment": experiment.kind,
                "contender": row.contender,
                "parameters": dict(row.parameters),
                "error": row.error,
            }
            for experiment in run.experiments
            for point in experiment.points
            for row in point.rows
            if row.status == "failed"
        ]
        + [
            {"experiment": experiment.kind, "contender": None, "parameters": {}, "error": error}
            for experiment in run.experiments
            for error in experiment.errors
        ],
        "expectations": [
            {
                "experiment": experiment.kind,
                "contender": expected.contender,
                "parameters": dict(expected.parameters),
                "metric": expected.metric,
                "relation": expected.relation,
                "bound": _plain(expected.bound),
                "value": _plain(expected.value),
                "met": expected.met,
            }
            for experiment in run.experiments
            for expected in experiment.expectations
        ],
    }


def format_run(store: Source, run_id: str, format: str) -> str:
    """The run in one of FORMATS.

    Raises:
        UnknownNameError: there is no such format, or no such run.
    """
    if format == "markdown":
        return to_markdown(read_run(store, run_id))
    if format == "json":
        return to_json(to_rows(store, run_id))
    if format == "csv":
        return to_csv(to_rows(store, run_id))
    raise UnknownNameError.of("format", format, FORMATS)


def to_json(rows: dict[str, Any]) -> str:
    """`rows` as JSON that every parser accepts: no NaN, no infinity."""
    return json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_csv(rows: dict[str, Any]) -> str:
    """The results as RFC 4180: CRLF, quotes doubled, a header; parameters are one JSON field."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for result in rows["results"]:
        record = result | {"run": rows["run"], "parameters": json.dumps(result["parameters"], sort_keys=True)}
        writer.writerow(["" if record[name] is None else record[name] for name in _COLUMNS])
    return out.getvalue()


def to_markdown(run: RunView) -> str:
    """The answers and the key tables; the best of a column is bold, the worst in italics, the Pareto set starred."""
    parts = []
    for experiment in run.experiments:
        heading = f"## {_escape(experiment.question)}"
        name = experiment.dataset["name"]
        parts.append(heading + (f" ({_escape(name)})" if name else ""))
        parts += [f"✗ {_escape(error)}" for error in experiment.errors]
        if experiment.advice is not None:
            parts += _markdown_advice(experiment, experiment.advice)
            continue
        for point in experiment.points:
            if len(experiment.points) > 1:
                parts.append(f"### {_escape(point.label)}")
            if point.answer.sentence:
                parts.append(_escape(point.answer.sentence))
            parts += [_escape(finding) for finding in point.answer.findings]
            parts.append(_markdown_table(experiment, point))
            if point.answer.rule:
                parts.append(f"Rule: {_escape(point.answer.rule)}.")
    return "\n\n".join(parts) + "\n"


def _results(experiment: ExperimentView) -> list[dict[str, Any]]:
    return [
        {
            "experiment": experiment.kind,
            "contender": row.contender,
            "parameters": dict(row.parameters),
            "dataset": experiment.dataset["name"],
            "metric": fact.name,
            "unit": fact.unit,
            "kind": fact.kind,
            "value": _plain(row.numbers[fact.name].value, fact.unit),
            "low": _plain(row.numbers[fact.name].low),
            "high": _plain(row.numbers[fact.name].high),
            "note": row.numbers[fact.name].note,
        }
        for point in experiment.points
        for row in point.rows
        for fact in experiment.metrics
        if fact.name in row.numbers
    ]


def _first_of_each_dataset(run: RunView) -> list[ExperimentView]:
    return list({experiment.dataset["fingerprint"]: experiment for experiment in run.experiments}.values())


def _plain(value: float | None, unit: str = "ratio") -> float | int | None:
    """None for what is no number; a whole count as an integer, so that nobody reads 50094.0 rows."""
    if value is None or not math.isfinite(value):
        return None
    if unit not in _FRACTIONAL_UNITS and float(value).is_integer():
        return int(value)
    return value


def _markdown_table(experiment: ExperimentView, point: GridPoint) -> str:
    columns = key_columns(experiment, point)
    lines = [
        "| " + " | ".join([experiment.noun, *(column.heading for column in columns)]) + " |",
        "|---|" + "---:|" * len(columns),
    ]
    for i, row in enumerate(point.rows):
        name = _escape(row.contender)
        name = f"**{name}**" if row.contender == point.answer.best else name
        name += " ★" if row.contender in point.answer.pareto else ""
        name += " (failed)" if row.status == "failed" else ""
        wraps = {BEST: "**{}**", WORST: "*{}*"}
        cells = [wraps.get(column.marks[i] or "", "{}").format(column.texts[i]) for column in columns]
        lines.append("| " + " | ".join([name, *cells]) + " |")
    return "\n".join(lines)


def _markdown_advice(experiment: ExperimentView, answer: AnswerView) -> list[str]:
    """The answer over the whole grid and the candidates worth a line."""
    shown = shown_candidates(answer.advice or {"candidates": []})
    columns = advice_columns(shown)
    lines = [
        "| " + " | ".join([experiment.noun, "partitions", *(column.heading for column in columns), "why not"]) + " |",
        "|---|---:|" + "---:|" * len(columns) + "---|",
    ]
    for i, one in enumerate(shown):
        name = f"**{_escape(one['contender'])}**" if one["best"] else _escape(one["contender"])
        name += " ★" if one["pareto"] else ""
        cells = [column.texts[i] + (" ✗" if column.misses[i] else "") for column in columns]
        lines.append("| " + " | ".join([name, counted(one), *cells, _escape(one["lost"] or "")]) + " |")
    said = [_escape(text) for text in (answer.sentence, *answer.findings)]
    return [*said, *(["\n".join(lines)] if shown else []), f"Rule: {_escape(answer.rule)}."]


def _escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line."""
    return re.sub(r"([\\`*_\[\]<>|#~])", r"\\\1", " ".join(plain(str(text)).split()))
