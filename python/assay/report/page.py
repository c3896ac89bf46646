"""One run as one HTML file that opens offline, in light and dark, on paper and on a telephone.

The file holds everything: styles, scripts, the chart library and the numbers, embedded once. It
asks the network for nothing and its policy forbids it to: only the scripts named here by their
hashes may run, so that no text of the user's can ever become code, whatever it holds.
"""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from assay.report.cautions import warnings_section
from assay.report.charts import SPECIFICATIONS
from assay.report.claims_page import claims_section
from assay.report.markup import Html, data_block, element, escape, join
from assay.report.payload import MOST_NUMBERS, embed_run
from assay.report.run_reader import read_run
from assay.report.run_view import ExperimentView, RunView, Source
from assay.report.sections import Place, experiment_about, experiment_section, provenance_section
from assay.report.writing import write_page

__all__ = ["build_page", "write_report"]

MOST_BYTES = 2_950_000  # of a page, whatever the run holds

Embedded = tuple[ExperimentView, dict[str, Any]]

_LEAST_ROOM = 1_000  # numbers, below which a page is not thinned any further
_HERE = Path(__file__).parent
_VENDORED = ("vega", "vega-lite", "vega-embed", "vega-interpreter")
_SCRIPTS = (
    *("base", "draw", "table", "parameters", "advice", "charts", "trade_off", "ratios", "curves", "samples"),
    *("growth", "replicas", "caching", "indexing", "indexing_words", "runs", "claims", "page"),
)


def write_report(store: Source, run_id: str, path: str | os.PathLike[str], *, title: str | None = None) -> Path:
    """Writes the run's page to `path`, whole or not at all.

    Args:
        store: Where the run is; it is only read.
        run_id: Which run.
        path: The file to write; an existing one is replaced.
        title: The page's title; the suite's question by default.

    Returns:
        The absolute path of the file.

    Raises:
        UnknownNameError: the store holds no such run.
        StoreError: the file cannot be written; what stood at `path` before is untouched.
    """
    return write_page(lambda: build_page(store, run_id, title=title), path)


def build_page(store: Source, run_id: str, *, title: str | None = None) -> str:
    """The page's HTML.

    Raises:
        UnknownNameError: the store holds no such run.
    """
    run = read_run(store, run_id)
    return fitted(lambda room: _page(run, embed_run(store, run, room=room), title))


def fitted(page: Callable[[int], str]) -> str:
    """The page with as many numbers as it can carry within MOST_BYTES; `page` draws it with room for so many."""
    room = MOST_NUMBERS
    text = page(room)
    while len(text.encode()) > MOST_BYTES and room > _LEAST_ROOM:
        room = int(0.7 * room)
        text = page(room)
    return text


def _page(run: RunView, embedded: Sequence[Embedded], title: str | None) -> str:
    alone = len(run.experiments) == 1 and not run.claims
    heading = title or run.question or (run.experiments[0].question if alone else run.suite_name)
    about = experiment_about(run.experiments[0]) if alone else run.suite_name
    measured = bool(run.experiments)
    return whole_page(
        heading=heading,
        about=f"{about} · {run.started:%Y-%m-%d %H:%M} UTC · assay {run.tool_version}",
        main=join(
            [
                warnings_section(run),
                claims_section(run),
                _experiments(run, embedded, alone),
                provenance_section(run, licences() if measured else []),
            ]
        ),
        payload={"run": run.run_id, "experiments": [data for _, data in embedded]},
        measured=measured,
    )


def whole_page(*, heading: str, about: str, main: Html, payload: Mapping[str, Any], measured: bool) -> str:
    """The file around what a page says.

    Args:
        heading: The page's title and first heading.
        about: The line below it.
        main: What stands in it without any script.
        payload: What the script draws.
        measured: Whether there is anything to draw: without, the chart library stays out.
    """
    names = _SCRIPTS if measured else ("base", "claims", "page")
    scripts = [*(_vendored(name) for name in _VENDORED if measured), *(_asset(f"{name}.js") for name in names)]
    head = join(
        [
            Html('<meta charset="utf-8">'),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{escape(_policy(scripts))}">'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Html('<meta name="color-scheme" content="light dark">'),
            element("title", f"{heading} · assay"),
            element("style", Html(_asset("page.css") + _asset("claims.css"))),
        ]
    )
    body = join(
        [
            element("a", "To the results", href="#main", class_="skip"),
            _header(heading, about),
            element("main", main, id="main"),
            data_block("payload", payload),
            data_block("specifications", SPECIFICATIONS if measured else {}),
            # One tag a script: the bundles declare short names at the top level.
            *(Html(f"<script>{script}</script>") for script in scripts),
        ]
    )
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>{body}</body>\n</html>\n'


def licences() -> list[tuple[str, str]]:
    """The licence of each vendored script, by its name."""
    return [(name, _licence(name)) for name in _VENDORED]


def _header(heading: str, about: str) -> Html:
    return element(
        "header",
        element("h1", heading),
        element("button", "Theme: auto", type="button", id="theme"),
        element("p", about, class_="about"),
        element("noscript", element("p", "Tables and charts need JavaScript; answers, claims and provenance do not.")),
        class_="top",
    )


def _experiments(run: RunView, embedded: Sequence[Embedded], alone: bool) -> Html:
    """The experiments in full; behind claims, which lead the page, they stand closed under one heading."""
    if run.claims and embedded:
        folds = [experiment_section(experiment, data, "folded") for experiment, data in embedded]
        heading = element("h2", "The experiments behind the claims")
        return element("section", heading, *folds, id="experiments")
    place: Place = "alone" if alone else "among others"
    return join(experiment_section(experiment, data, place) for experiment, data in embedded)


def _policy(scripts: list[str]) -> str:
    """Nothing but the page's own scripts; styles are inline because charts set them on their marks."""
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")


@cache
def _vendored(name: str) -> str:
    return (_HERE / "vendor" / f"{name}.js").read_text(encoding="utf-8")


@cache
def _licence(name: str) -> str:
    return (_HERE / "vendor" / f"{name}.LICENSE").read_text(encoding="utf-8")


@cache
def _asset(name: str) -> str:
    return (_HERE / "assets" / name).read_text(encoding="utf-8")
