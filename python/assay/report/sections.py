"""The parts of the page that need no script: answers, reading, expectations, claims, provenance.

Parts that a script fills (the table, the charts, the matrices) are left here as empty, labelled
frames, and only where the run has something to fill them with.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from assay.report.advice import AdviceColumn, Candidate, advice_columns, counted, set_of
from assay.report.answers import advice_card, answers_block
from assay.report.expectations import expectation_words
from assay.report.joins import joins_tables
from assay.report.markup import Html, command_block, definitions, details, element, join, table
from assay.report.run_view import ExperimentView, RunView
from assay.report.screen import unbroken
from assay.report.vocabulary import describe, split_name
from assay.units import format_bytes, format_count

__all__ = ["experiment_about", "experiment_section", "provenance_section", "warnings_section"]


_NAMED = 4  # contenders that a folded experiment names
_CANDIDATES_AT_MOST = 200
_TALL = 16
Place = Literal["alone", "among others", "folded"]


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


def experiment_section(experiment: ExperimentView, place: Place = "among others") -> Html:
    """One question: its answers, then the frames for the numbers.

    Args:
        experiment: What was measured.
        place: "alone": the page's heading already says the question and what it is about. "among others": under a
            heading of its own. "folded": behind a claim, closed until somebody opens it.
    """
    alone = place == "alone"
    about = "" if alone else element("p", experiment_about(experiment), class_="about")
    parts = [about, *_answers(experiment)]
    if experiment.reading:
        texts = experiment.reading.strip().split("\n\n")
        parts.append(element("blockquote", *(element("p", unbroken(text)) for text in texts), aria_label="Reading"))
    if experiment.points:
        parts.append(_toolbar(experiment))
        for frame in _frames(experiment):
            parts.append(_frame(experiment, *frame))
            if frame[0] == "joins":
                parts.append(joins_tables(experiment))
    parts.append(_expectations(experiment))
    parts.append(_glossary(experiment))
    if not alone:
        parts.append(element("h4", "Run it again"))
        parts.append(command_block(experiment.command))
    index = str(experiment.index)
    if place == "among others":
        parts.insert(0, element("h2", experiment.question))
    section = element(
        "section",
        *parts,
        class_="experiment",
        id=None if place == "folded" else f"experiment-{index}",
        data_experiment=index,
        aria_label=experiment.question,
    )
    if place != "folded":
        return section
    names = list(dict.fromkeys(row.contender for point in experiment.points for row in point.rows))
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    summary = element(
        "summary",
        element("b", f"Experiment {index}"),
        f" {experiment.kind} of {experiment.dataset['name'] or 'data that was not recorded'} ",
        element("small", ", ".join(names[:_NAMED]) + more),
    )
    return element("details", summary, section, class_="fold", id=f"experiment-{index}")


def _answers(experiment: ExperimentView) -> list[Html]:
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
        parts += [_frame(experiment, "advice", "The trade-off", words), _candidates(experiment, candidates)]
    several = len(experiment.points) > 1
    each = "Each number of partitions, all strategies" if several else "All strategies"
    return [*parts, element("h3", each), details("The answer for each of them", answers_block(experiment))]


def _candidates(experiment: ExperimentView, candidates: Sequence[Candidate]) -> Html:
    """All candidates, best first, with the limits that they miss."""
    shown = candidates[:_CANDIDATES_AT_MOST]
    columns = advice_columns(shown)
    numbers = ["#", experiment.noun, "partitions", *(column.heading for column in columns), "why not"]
    head = join(
        element("th", name, scope="col", class_="number" if 1 < i < len(numbers) - 1 else None)
        for i, name in enumerate(numbers)
    )
    body = join(_candidate(i, one, columns) for i, one in enumerate(shown))
    more = len(candidates) - len(shown)
    caption = f"Candidates, best first{f'; {more:,} more are in the tables below' if more else ''}"
    inner = join([element("caption", caption), element("thead", element("tr", head)), element("tbody", body)])
    about = (
        "▶ recommended, ★ Pareto set: meets every limit, and none that does beats it on every criterion, "
        "✗ misses a limit."
    )
    return element(
        "section",
        element("h3", "Candidates"),
        element("p", about, class_="about"),
        element(
            "div",
            element("table", inner, class_="candidates"),
            class_="box tall" if len(shown) > _TALL else "box",
            tabindex="0",
            role="region",
            aria_label="Candidates",
        ),
        class_="frame",
    )


def _candidate(i: int, one: Candidate, columns: Sequence[AdviceColumn]) -> Html:
    sign = ("▶ " if one["best"] else "") + ("★" if one["pareto"] else "")
    cells = [
        element(
            "td",
            *((element("span", "✗ ", class_="sign", title="misses a limit"),) if column.misses[i] else ()),
            column.texts[i],
            class_="number missed" if column.misses[i] else "number",
        )
        for column in columns
    ]
    return element(
        "tr",
        element("td", str(i + 1), class_="number"),
        element("th", element("span", one["contender"], class_="name"), f" {sign}" if sign else "", scope="row"),
        element("td", counted(one), class_="number"),
        *cells,
        element("td", element("small", unbroken(one["lost"] or ""))),
        class_="recommended" if one["best"] else "dropped" if set_of(one) == "misses a limit" else None,
    )


def experiment_about(experiment: ExperimentView) -> str:
    """What an experiment is about, in few words: `flights · 336,776 rows · 10 contenders`."""
    dataset = experiment.dataset
    contenders = len({row.contender for point in experiment.points for row in point.rows})
    about = [str(dataset["name"])] if dataset["name"] else []
    about += [f"{format_count(dataset['rows'])} rows"] if dataset["rows"] is not None else []
    about += [f"{contenders} contender{'' if contenders == 1 else 's'}"]
    return " · ".join(about)


def provenance_section(run: RunView, licences: Iterable[tuple[str, str]]) -> Html:
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
    notices = join(join([element("h4", name), element("pre", text)]) for name, text in licences)
    parts.append(details("Licences of the chart library in this page", notices))
    return element("section", *parts, id="provenance")


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
        (
            "numbers",
            "All numbers",
            "▶ recommended, ★ Pareto set, ▲ best, ▼ worst. Choose groups of metrics; press a heading to sort.",
            True,
        )
    ]
    frames += [
        ("load", "Load per node" if any("nodes" in p.parameters for p in experiment.points) else "Load per partition",
         "Load over the mean, which the line at 1 shows. One scale for all, unless it says otherwise.",
         "load_max_over_mean" in bases),
        ("movement", "Movement",
         "The share of the load that moves, each change on its own scale. The mark is what equal shares need; "
         "the number is moved over that.",
         "moved_share" in bases),
        ("trade_off", "Balance against join locality",
         f"Lower left is best; a larger point needs more memory to route. Each number is a {noun} in the list.",
         {"load_max_over_mean", "cross_join_share"} <= bases),
        ("joins", "Joins and foreign keys", "The share of matching rows whose parent lives in another partition.",
         "cross_join_share" in bases),
        ("queries", "Query fan-out", "Partitions that hold a match: mean over all queries of a template (largest).",
         "fan_out_mean" in bases),
        ("durability", "Rebuild against durability",
         "Right: more nodes share the rebuild of a lost one; low: nodes that fail at once lose data more seldom. What "
         f"speeds up the one often costs the other. Each number is a {noun} in the list.",
         "effective_donors" in bases),
        ("rebuild", "Rebuild of a lost node",
         "For each lost node, the donors as if all sent alike (bar) and all that send something (mark).",
         "effective_donors" in bases),
        ("growth", "Growth",
         "Load over the mean, tenth by tenth of the rows by time, with the strategy as compared. Solid: each tenth "
         "alone; dashed: all rows up to its end. The line at 1 is even.",
         "last_decile_share" in bases),
        ("plan", "Rebalancing plans",
         "Bytes from node to node, and the time that the busiest node needs for what it sends or receives. The links "
         "that carry most come first.",
         "rebalance_bytes" in bases),
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
    return details("What the metrics mean", table("Metrics", heads, rows))


def _environment(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (name.replace("_", " "), value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
        for name, value in facts.items()
    ]
