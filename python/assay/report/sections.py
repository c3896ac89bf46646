"""The parts of the page that need no script: answers, reading, expectations, claims, provenance.

Parts that a script fills (the table, the charts, the matrices) are left here as empty, labelled
frames, and only where the run has something to fill them with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from assay.report.expectations import expectation_words
from assay.report.markup import Html, definitions, element, escape, join, table
from assay.report.run_view import ExperimentView, GridPoint, RunView, family_mean
from assay.report.vocabulary import KIND_MEANINGS, RANKING, describe, split_name
from assay.units import format_bytes, format_count

__all__ = ["experiment_section", "provenance_section", "warnings_section"]


def warnings_section(run: RunView) -> Html:
    """What a reader must know before any number: an unfinished run, failed cells, unmet expectations."""
    warnings: list[str] = []
    if run.status != "done":
        warnings.append(f"This run is {run.status}: the page shows what was committed so far.")
    for experiment in run.experiments:
        units = {fact.name: fact.unit for fact in experiment.metrics}
        for point in experiment.points:
            warnings += [
                f"{row.contender}, {point.label}: failed: {row.error or 'no reason was recorded'}"
                for row in point.rows
                if row.status == "failed"
            ]
        warnings += [
            f"Expectation not met: {expectation_words(expected, units.get(expected.metric, 'count'))}"
            for expected in experiment.expectations
            if expected.met is False
        ]
    if not run.experiments and not run.claims:
        warnings.append("This run holds no results.")
    if not warnings:
        return Html("")
    return element("ul", *(element("li", warning) for warning in warnings), class_="warnings", role="alert")


def experiment_section(experiment: ExperimentView) -> Html:
    """One question: its answers, then the frames for the numbers."""
    dataset = experiment.dataset
    about = [str(dataset["name"])] if dataset["name"] else []
    about += [f"{format_count(dataset['rows'])} rows"] if dataset["rows"] is not None else []
    about += [f"{sum(len(point.rows) for point in experiment.points)} cells"]
    parts = [
        element("h2", experiment.question),
        element("p", " · ".join(about), class_="about"),
        _answers(experiment),
    ]
    if experiment.reading:
        parts.append(element("blockquote", *(element("p", text) for text in experiment.reading.split("\n\n"))))
    if experiment.points:
        parts.append(_toolbar(experiment))
        parts += [_frame(experiment, *frame) for frame in _frames(experiment)]
        parts.append(_orphans(experiment))
    parts.append(_expectations(experiment))
    parts.append(_glossary(experiment))
    parts.append(element("p", "Again: ", element("code", experiment.command), class_="again"))
    index = str(experiment.index)
    return element("section", *parts, class_="experiment", id=f"experiment-{index}", data_experiment=index)


def provenance_section(run: RunView, licences: Iterable[tuple[str, str]]) -> Html:
    """Where every number comes from, and how to get it again."""
    ended = "" if run.ended is None else f"{run.ended:%Y-%m-%d %H:%M:%S} UTC"
    facts = definitions(
        [
            ("run", run.run_id),
            ("again", element("code", run.command)),
            ("suite", run.suite_name),
            ("status", run.status),
            ("label", run.label or ""),
            ("seed", str(run.seed)),
            ("started", f"{run.started:%Y-%m-%d %H:%M:%S} UTC"),
            ("ended", ended),
            ("assay", run.tool_version),
        ]
    )
    parts = [element("h2", "Provenance"), facts]
    for dataset in {e.dataset["fingerprint"]: e.dataset for e in run.experiments}.values():
        parts.append(element("h3", f"Dataset {dataset['name'] or 'not recorded'}"))
        size = "" if dataset["bytes"] is None else format_bytes(dataset["bytes"])
        parts.append(
            definitions(
                [
                    ("source", dataset["source"] or ""),
                    ("licence", dataset["licence"] or ""),
                    ("rows", "" if dataset["rows"] is None else format_count(dataset["rows"])),
                    ("size", size),
                    (
                        f"fingerprint ({dataset['fingerprint_kind'] or 'unknown'})",
                        element("code", dataset["fingerprint"]),
                    ),
                ]
            )
        )
    if run.environment:
        parts.append(_details("Environment", definitions(_environment(run.environment))))
    if run.suite_toml:
        parts.append(_details("Suite", element("pre", run.suite_toml)))
    notices = join(join([element("h4", name), element("pre", text)]) for name, text in licences)
    parts.append(_details("Licences of the chart library in this page", notices))
    return element("section", *parts, id="provenance")


def _answers(experiment: ExperimentView) -> Html:
    several = len(experiment.points) > 1
    return element("div", *(_answer(experiment, i, several) for i in range(len(experiment.points))), class_="answers")


def _answer(experiment: ExperimentView, i: int, several: bool) -> Html:
    point = experiment.points[i]
    answer = point.answer
    sentence = answer.sentence or f"No {experiment.noun} can be recommended."
    parts = [element("h3", point.label)] if several else []
    parts.append(element("p", sentence, class_="sentence"))
    parts.append(element("p", certainty(experiment, point), class_="certainty"))
    for note in answer.notes:
        parts.append(element("p", note, class_="note"))
    if answer.rule:
        dropped = [element("li", element("code", name), f": {reason}") for name, reason in answer.dropped.items()]
        pareto = join(element("li", element("code", name)) for name in answer.pareto)
        body = [element("p", f"Rule: {answer.rule}.")]
        body += [element("p", "Dropped before choosing:"), element("ul", *dropped)] if dropped else []
        body += (
            [element("p", "Pareto set, which no other beats on every criterion:"), element("ul", pareto)]
            if pareto
            else []
        )
        parts.append(_details("How this was chosen", join(body)))
    return element("article", *parts, class_="answer", data_point=str(i))


def certainty(experiment: ExperimentView, point: GridPoint) -> str:
    """How sure the answer is: the kinds of the numbers that decided it, and whether it was close."""
    criteria = RANKING.get(experiment.kind, ())
    kinds = {fact.kind for fact in experiment.metrics if fact.name in criteria or split_name(fact.name)[0] in criteria}
    known = [f"{kind} ({KIND_MEANINGS[kind]})" for kind in KIND_MEANINGS if kind in kinds]
    rows = experiment.dataset["rows"]
    measured = f", from {format_count(rows)} rows" if rows is not None else ""
    words = f"The numbers that decide are {' and '.join(known)}{measured}." if known else ""
    best = next((row for row in point.rows if row.contender == point.answer.best), None)
    if best is not None and criteria:
        own = [family_mean(best.numbers, metric) for metric in criteria]
        equal = [
            row.contender
            for row in point.rows
            if row is not best
            and row.contender not in point.answer.dropped
            and [family_mean(row.numbers, metric) for metric in criteria] == own
        ]
        if equal:
            words += f" Too close to call: {', '.join(equal)} did exactly as well; the name decided."
    return words.strip()


def _toolbar(experiment: ExperimentView) -> Html:
    options = join(element("option", point.label, value=str(i)) for i, point in enumerate(experiment.points))
    choice = element("label", "Grid point ", element("select", options, class_="choose-point"))
    search = element(
        "label", "Filter ", element("input", type="search", class_="filter", placeholder=f"name of a {experiment.noun}")
    )
    parts = [choice, search] if len(experiment.points) > 1 else [search]
    return element("div", *parts, element("output", class_="count", aria_live="polite"), class_="toolbar")


def _frames(experiment: ExperimentView) -> list[tuple[str, str, str]]:
    """(identifier, heading, explanation) of the frames that this run can fill."""
    bases = {split_name(fact.name)[0] for fact in experiment.metrics}
    timed = any(fact.kind == "timed" for fact in experiment.metrics)
    noun = experiment.noun
    frames = [
        ("numbers", "All numbers", "Choose groups of metrics; press a heading to sort. ▲ is best, ▼ worst.", True)
    ]
    frames += [
        ("load", "Load per partition",
         "Bars are load over the mean; the line at 1 is the mean. One scale for all, unless it says otherwise.",
         "load_max_over_mean" in bases),
        ("movement", "Movement", "What moves when the number of nodes changes. The mark is the least that must move.",
         "moved_share" in bases),
        ("trade_off", "Balance against join locality",
         f"Lower left is best; a larger point needs more memory to route. Each number is a {noun} of the list.",
         {"load_max_over_mean", "cross_join_share"} <= bases),
        ("joins", "Joins and foreign keys", "The share of matching rows whose parent lives in another partition.",
         "cross_join_share" in bases),
        ("queries", "Query fan-out", "Partitions that hold a match: mean over all queries of a template (largest).",
         "fan_out_mean" in bases),
        ("timing", "Timing", "The point is the estimate, the line its interval; overlaps are too close to call.",
         timed),
    ]  # fmt: skip
    return [(identifier, heading, words) for identifier, heading, words, present in frames if present]


def _frame(experiment: ExperimentView, identifier: str, heading: str, words: str) -> Html:
    name = f"{identifier}-{experiment.index}"
    return element(
        "section",
        element("h3", heading, id=name),
        element("p", words, class_="about"),
        element("div", class_="filled"),
        class_="frame",
        data_frame=identifier,
        aria_labelledby=name,
    )


def _orphans(experiment: ExperimentView) -> Html:
    """Foreign keys as they are in the data, whatever the contender."""
    found: dict[str, dict[str, float]] = {}
    for point in experiment.points:
        for row in point.rows:
            for metric, number in row.numbers.items():
                base, key = split_name(metric)
                if base in ("orphan_rows", "orphan_values", "null_rows") and key and number.value is not None:
                    found.setdefault(key, {}).setdefault(base, number.value)
    if not found:
        return Html("")
    names = ("orphan_rows", "orphan_values", "null_rows")
    rows = [
        [key, *("–" if name not in counts else format_count(counts[name]) for name in names)]
        for key, counts in sorted(found.items())
    ]
    heads = ["foreign key", *(describe(name).label for name in names)]
    return element(
        "section",
        table("References of the data itself: orphans have no parent anywhere", heads, rows),
        class_="frame orphans",
    )


def _expectations(experiment: ExperimentView) -> Html:
    if not experiment.expectations:
        return Html("")
    units = {fact.name: fact.unit for fact in experiment.metrics}
    signs = {True: "✓ met", False: "✗ not met", None: "? not measured"}
    rows = [
        [signs[expected.met], expectation_words(expected, units.get(expected.metric, "count"))]
        for expected in experiment.expectations
    ]
    return element(
        "section", table("Expectations of the suite", ["", "expectation"], rows), class_="frame expectations"
    )


def _glossary(experiment: ExperimentView) -> Html:
    rows = [
        [element("code", fact.name), describe(fact.name).meaning, fact.unit, fact.direction, fact.kind, fact.origin]
        for fact in experiment.metrics
    ]
    if not rows:
        return Html("")
    heads = ["metric", "meaning", "unit", "better", "kind", "origin"]
    return _details("What the metrics mean", table("Metrics", heads, rows))


def _environment(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in facts.items()
    ]


def _details(summary: str, content: Html) -> Html:
    return element("details", element("summary", summary), escape(content))
