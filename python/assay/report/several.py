"""Several runs on one page: what changed between them first, then each run in full, one at a time.

A page for two to a dozen runs, from one store or several. The head says what the runs are and whether they can be
compared (machines, versions, data); the overlay lists the numbers that they share, those that changed first, and draws
any metric of all of them; a chooser shows one run's own page below. Claims are listed with each run's verdict.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from assay.report.cautions import warnings_section
from assay.report.claims import verdict_text
from assay.report.markup import Html, element, join, table
from assay.report.overlay import common_lines, overlay_payload, summary_of
from assay.report.page import fitted, licences, whole_page
from assay.report.payload import embed_run
from assay.report.run_reader import read_run
from assay.report.run_view import RunView, Source
from assay.report.sections import experiment_section, provenance_section
from assay.report.writing import write_page

__all__ = ["RunOnPage", "build_page_of_runs", "write_report_of_runs"]

RunOnPage = tuple[Source, str]  # where a run is, and its id


def write_report_of_runs(runs: Sequence[RunOnPage], path: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Writes one page of several runs to `path`, whole or not at all.

    Args:
        runs: Where each run is and its id, in the order in which they are shown; at least two.
        path: The file to write; an existing one is replaced.
        title: The page's title; what the runs have in common by default.

    Returns:
        The absolute path of the file.

    Raises:
        UnknownNameError: a store holds no such run.
        StoreError: the file cannot be written; what stood at `path` before is untouched.
    """
    return write_page(lambda: build_page_of_runs(runs, title=title), path)


def build_page_of_runs(runs: Sequence[RunOnPage], *, title: str | None = None) -> str:
    """The HTML of several runs.

    Raises:
        UnknownNameError: a store holds no such run.
    """
    assert len(runs) > 1, "one run has a page of its own"
    views = [read_run(store, run_id) for store, run_id in runs]
    names = run_names(views)
    lines = common_lines(views)
    overlay = overlay_payload(lines, [_letter(place) for place in range(len(views))])
    measured = any(view.experiments for view in views)
    suites = list(dict.fromkeys(view.suite_name for view in views))
    heading = title or f"{len(views)} runs of {' and '.join(suites[:3])}{' and others' if len(suites) > 3 else ''}"

    def page(room: int) -> str:
        sections, experiments = [], []
        for place, ((store, _), view) in enumerate(zip(runs, views, strict=True)):
            key = f"{place}-"
            embedded = embed_run(store, view, room=room // len(runs), key=key)
            experiments += [data for _, data in embedded]
            own = [
                element("h2", f"Run {names[place]}"),
                warnings_section(view),
                *(experiment_section(experiment, data, key=key) for experiment, data in embedded),
                provenance_section(view, key=key),
            ]
            sections.append(element("section", *own, class_="run", id=f"run-{place}", hidden=place > 0))
        return whole_page(
            heading=heading,
            about=f"{views[0].started:%Y-%m-%d %H:%M} to {max(view.started for view in views):%Y-%m-%d %H:%M} UTC",
            main=join(
                [
                    _overlay_section(views, summary_of(lines)),
                    _claims_table(views),
                    _chooser(names),
                    *sections,
                    _licences() if measured else Html(""),
                ]
            ),
            payload={"run": [view.run_id for view in views], "experiments": experiments, "overlay": overlay},
            measured=measured,
        )

    return fitted(page)


def run_names(views: Sequence[RunView]) -> list[str]:
    """A letter and what tells each run from the others: its label, or its suite and when it began."""
    return [
        f"{_letter(place)}: {view.label or f'{view.suite_name}, {view.started:%Y-%m-%d %H:%M}'}"
        for place, view in enumerate(views)
    ]


def _letter(place: int) -> str:
    return chr(ord("A") + place) if place < 26 else str(place + 1)


def _overlay_section(views: Sequence[RunView], summary: str) -> Html:
    heads = ["run", "label", "suite", "started", "status", "assay", "machine", "data"]
    rows = [
        [
            _letter(place),
            view.label or "–",
            view.suite_name,
            f"{view.started:%Y-%m-%d %H:%M}",
            view.status,
            view.tool_version,
            _machine(view),
            _data(view),
        ]
        for place, view in enumerate(views)
    ]
    unlike = _unlike(views)
    warnings = element("ul", *(element("li", one) for one in unlike), class_="warnings") if unlike else Html("")
    frames = [
        ("changes", "The numbers they share",
         "What changed first. An exact number changed if it differs at all; one with an interval lies apart if the "
         "intervals do not meet. assay diff judges two runs, with noise floors and limits."),
        ("overlay", "Laid over each other", "One metric of every cell, a mark for each run; lines are intervals."),
    ]  # fmt: skip
    return element(
        "section",
        element("h2", "What changed"),
        element("p", summary, class_="sentence"),
        warnings,
        element("div", table("The runs of this page", heads, rows), class_="runs-table"),
        *(
            element(
                "section",
                element("h3", heading, id=f"{name}-of-runs"),
                element("p", words, class_="about"),
                element("div", class_="filled"),
                class_="frame",
                role="group",
                data_frame=name,
                aria_labelledby=f"{name}-of-runs",
            )
            for name, heading, words in frames
        ),
        id="overlay",
    )


def _unlike(views: Sequence[RunView]) -> list[str]:
    """Why the runs may not be compared number by number."""
    found = []
    if len({_machine(view) for view in views}) > 1:
        found.append("The runs are from different machines: times tell of the machines too; quality does not.")
    if len({view.tool_version for view in views}) > 1:
        found.append("The runs were made by different versions of assay.")
    prints: dict[str, set[str]] = {}
    for view in views:
        for experiment in view.experiments:
            prints.setdefault(experiment.dataset["name"] or "", set()).add(experiment.dataset["fingerprint"])
    found += [
        f"The data called {name} is not the same in all of them." for name, seen in prints.items() if len(seen) > 1
    ]
    found += [f"Run {view.run_id[:8]} is {view.status}." for view in views if view.status != "done"]
    return found


def _machine(view: RunView) -> str:
    facts = view.environment
    parts = [str(facts[name]) for name in ("cpu_model", "kernel") if facts.get(name)]
    cores = facts.get("cores_usable") or facts.get("cores")
    return ", ".join(parts + ([f"{cores} cores"] if cores else [])) or "not recorded"


def _data(view: RunView) -> str:
    names = dict.fromkeys(str(e.dataset["name"]) for e in view.experiments if e.dataset["name"])
    return ", ".join(names) or "none"


def _claims_table(views: Sequence[RunView]) -> Html:
    """Each sentence with its verdict in every run; those that differ first."""
    verdicts: dict[str, list[str]] = {}
    for place, view in enumerate(views):
        for claim in view.claims:
            verdicts.setdefault(claim.sentence, ["–"] * len(views))[place] = verdict_text(claim.verdict)
    if not verdicts:
        return Html("")
    ordered = sorted(verdicts.items(), key=lambda item: len(set(item[1])) == 1)
    changed = sum(len(set(found)) > 1 for found in verdicts.values())
    heading = f"{changed} of {len(verdicts)} claims have another verdict" if changed else "All claims have one verdict"
    rows = [[sentence, *found] for sentence, found in ordered]
    return element(
        "section",
        element("h2", heading),
        table("Claims", ["claim", *(_letter(place) for place in range(len(views)))], rows),
        id="claims-of-runs",
    )


def _chooser(names: Sequence[str]) -> Html:
    options = join(element("option", name, value=f"run-{place}") for place, name in enumerate(names))
    label = element("label", "Run shown below ", element("select", options, id="choose-run"))
    return element("div", label, class_="toolbar run-toolbar")


def _licences() -> Html:
    texts = [join([element("h3", name, class_="small-heading"), element("pre", text)]) for name, text in licences()]
    box = element(
        "details", element("summary", "Licences of the chart library in this page"), *texts, class_="licences"
    )
    return element("section", element("h2", "Licences"), box)
