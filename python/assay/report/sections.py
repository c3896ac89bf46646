"""The parts of the page that need no script: answers, reading, expectations, claims, provenance.

Parts that a script fills (the table, the charts, the matrices) are left here as empty, labelled
frames, and only where the run has something to fill them with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from assay.report.answers import MOST_ANSWERS, advice_card, answers_block
from assay.report.candidates import candidates_table
from assay.report.expectations import expectation_words
from assay.report.frames import Frame, contents, frame_section, frames_of, toolbar
from assay.report.joins import joins_tables
from assay.report.markup import Html, command_block, definitions, details, element, join, table
from assay.report.run_view import ExperimentView, RunView
from assay.report.screen import unbroken
from assay.report.vocabulary import describe
from assay.units import count_of, format_bytes, format_count

__all__ = ["Place", "experiment_about", "experiment_section", "provenance_section"]


_NAMED = 4  # contenders that a folded experiment names
_METRICS_AT_MOST = 300  # in the list of what they mean
Place = Literal["alone", "among others", "folded"]


def experiment_section(
    experiment: ExperimentView, data: Mapping[str, Any], place: Place = "among others", key: str = ""
) -> Html:
    """One question: its answers, then the frames for the numbers.

    Args:
        experiment: What was measured.
        data: What the page embeds of it, which decides what can be drawn.
        key: What the names of its parts begin with, where a page shows several runs.
        place: "alone": the page's heading already says the question and what it is about. "among others": under a
            heading of its own. "folded": behind a claim, closed until somebody opens it.
    """
    alone = place == "alone"
    about = "" if alone else element("p", experiment_about(experiment), class_="about")
    name = f"{key}{experiment.index}"
    parts = [about, *_answers(experiment, name)]
    if experiment.reading:
        texts = experiment.reading.strip().split("\n\n")
        parts.append(element("blockquote", *(element("p", unbroken(text)) for text in texts), aria_label="Reading"))
    frames = frames_of(experiment, data) if experiment.points else []
    if frames:
        parts.append(element("h3", "What was measured", class_="quiet-heading"))
        parts.append(contents(frames, name))
        parts.append(toolbar(experiment))
        if len(experiment.points) > MOST_ANSWERS:
            parts.append(element("p", "", class_="other-answer", role="status"))
        for one in frames:
            parts.append(frame_section(one, name))
            if one.identifier == "joins":
                parts.append(joins_tables(experiment))
    parts.append(_expectations(experiment))
    parts.append(_glossary(experiment))
    if not alone:
        parts.append(element("h3", "Run it again", class_="small-heading"))
        parts.append(command_block(experiment.command))
    if place == "among others":
        parts.insert(0, element("h2", experiment.question))
    elif alone:
        parts.insert(0, element("h2", "Answer", class_="quiet-heading"))
    section = element(
        "section",
        *parts,
        class_="experiment",
        id=None if place == "folded" else f"experiment-{name}",
        data_experiment=name,
        aria_label=experiment.question if alone else f"Experiment {name}: {experiment.question}",
    )
    if place != "folded":
        return section
    names = list(dict.fromkeys(row.contender for point in experiment.points for row in point.rows))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    summary = element(
        "summary",
        element("b", f"Experiment {experiment.index}"),
        f" {experiment.kind} of {experiment.dataset['name'] or 'data that was not recorded'} ",
        element("small", ", ".join(names[:_NAMED]) + more),
    )
    return element("details", summary, section, class_="fold", id=f"experiment-{name}")


def _answers(experiment: ExperimentView, name: str) -> list[Html]:
    """The answer of each grid point; where one speaks of all, that one, its chart and its candidates first."""
    if experiment.advice is None or experiment.advice.advice is None:
        return [answers_block(experiment)]
    candidates = experiment.advice.advice["candidates"]
    parts = [advice_card(experiment)]
    if candidates:
        words = (
            "Lower left is best. Dashed lines are limits. A number names a candidate of the table below; those in the "
            "Pareto set bear theirs."
        )
        frame = Frame("advice", "The trade-off", words)
        parts += [frame_section(frame, name), candidates_table(experiment, candidates)]
    several = len(experiment.points) > 1
    each = "Each number of partitions, all strategies" if several else "All strategies"
    return [*parts, element("h3", each), details("The answer for each of them", answers_block(experiment))]


def experiment_about(experiment: ExperimentView) -> str:
    """What an experiment is about, in few words: `flights · 336,776 rows · 10 contenders`."""
    dataset = experiment.dataset
    contenders = len({row.contender for point in experiment.points for row in point.rows})
    about = [str(dataset["name"])] if dataset["name"] else []
    about += [count_of(dataset["rows"], "row")] if dataset["rows"] is not None else []
    about += [f"{contenders} contender{'' if contenders == 1 else 's'}"]
    return " · ".join(about)


def provenance_section(run: RunView, licences: Iterable[tuple[str, str]] = (), key: str = "") -> Html:
    """Where every number comes from, and how to get it again."""
    ended = "" if run.ended is None else f"{run.ended:%Y-%m-%d %H:%M:%S} UTC"
    facts = definitions(
        [
            ("run", run.run_id),
            ("again", command_block(run.command)),
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
        parts.append(details("Environment", definitions(_environment(run.environment))))
    if run.suite_toml:
        parts.append(details("Suite", element("pre", run.suite_toml)))
    notices = join(join([element("h3", name, class_="small-heading"), element("pre", text)]) for name, text in licences)
    if notices:
        parts.append(
            element(
                "details", element("summary", "Licences of the chart library in this page"), notices, class_="licences"
            )
        )
    return element("section", *parts, id=f"{key}provenance")


def _expectations(experiment: ExperimentView) -> Html:
    if not experiment.expectations:
        return Html("")
    units = {fact.name: fact.unit for fact in experiment.metrics}
    signs = {True: "✓ met", False: "✗ not met", None: "? not measured"}
    rows = [
        [signs[expected.met], expectation_words(expected, units.get(expected.metric, "count"))]
        for expected in sorted(experiment.expectations, key=lambda expected: expected.met is True)
    ]
    met = sum(expected.met is True for expected in experiment.expectations)
    summary = f"Expectations of the suite: {met} of {len(rows)} met"
    box = table("Expectations of the suite", ["outcome", "expectation"], rows)
    return element("section", details(summary, box), class_="frame expectations")


def _glossary(experiment: ExperimentView) -> Html:
    rows = [
        [element("code", fact.name), describe(fact.name).meaning, fact.unit, fact.direction, fact.kind, fact.origin]
        for fact in experiment.metrics[:_METRICS_AT_MOST]
    ]
    if not rows:
        return Html("")
    heads = ["metric", "meaning", "unit", "better", "kind", "origin"]
    return details("What the metrics mean", table("Metrics", heads, rows))


def _environment(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _fact(value)) for name, value in facts.items()]


def _fact(value: Any) -> str:
    """A fact in words: "pyarrow 26.0.1; polars 2.1.0", "yes"."""
    if isinstance(value, Mapping):
        return "; ".join(f"{name}: {one}" if " " in name else f"{name} {one}" for name, one in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
