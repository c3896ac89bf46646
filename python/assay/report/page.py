"""One run as one HTML file that opens offline, in light and dark, on paper and on a telephone.

The file holds everything: styles, scripts, the chart library and the numbers, embedded once. It
asks the network for nothing and its policy forbids it to: only the scripts named here by their
hashes may run, so that no text of the user's can ever become code, whatever it holds.
"""

from __future__ import annotations

import base64
import hashlib
import os
import tempfile
from functools import cache
from pathlib import Path

from assay.errors import StoreError
from assay.report.charts import SPECIFICATIONS
from assay.report.claims_page import claims_section
from assay.report.markup import Html, data_block, element, escape, join
from assay.report.payload import build_payload
from assay.report.run_reader import read_run
from assay.report.run_view import RunView, Source
from assay.report.sections import experiment_about, experiment_section, provenance_section, warnings_section

__all__ = ["build_page", "write_report"]

_HERE = Path(__file__).parent
_VENDORED = ("vega", "vega-lite", "vega-embed", "vega-interpreter")
_SCRIPTS = ("table", "charts", "growth", "replicas", "page")


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
    target = Path(path).absolute()
    if not target.parent.is_dir():
        raise StoreError(
            f"cannot write the report to {target}: there is no folder {target.parent}; make it, or choose another place"
        )
    if target.exists() and not target.is_file():
        raise StoreError(
            f"cannot write the report to {target}: it is a folder or a device; name a file, such as report.html"
        )
    text = build_page(store, run_id, title=title)
    temporary = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=target.parent, prefix=f".{target.name}.", delete=False
        ) as file:
            temporary = Path(file.name)
            file.write(text)
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        temporary.replace(target)
    except OSError as error:
        raise StoreError(
            f"cannot write the report to {target}: {error.strerror}; choose another place with -o"
        ) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
    return target


def build_page(store: Source, run_id: str, *, title: str | None = None) -> str:
    """The page's HTML.

    Raises:
        UnknownNameError: the store holds no such run.
    """
    run = read_run(store, run_id)
    alone = len(run.experiments) == 1 and not run.claims
    heading = title or run.question or (run.experiments[0].question if alone else run.suite_name)
    measured = bool(run.experiments)
    scripts = [*(_vendored(name) for name in _VENDORED if measured), *(_asset(f"{name}.js") for name in _SCRIPTS)]
    head = join(
        [
            Html('<meta charset="utf-8">'),
            Html(f'<meta http-equiv="Content-Security-Policy" content="{escape(_policy(scripts))}">'),
            Html('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Html('<meta name="color-scheme" content="light dark">'),
            element("title", f"{heading} · assay"),
            element("style", Html(_asset("page.css"))),
        ]
    )
    body = join(
        [
            _header(run, heading, experiment_about(run.experiments[0]) if alone else run.suite_name),
            element(
                "main",
                warnings_section(run),
                claims_section(run),
                _experiments(run, alone),
                provenance_section(run, [(name, _licence(name)) for name in _VENDORED if measured]),
            ),
            data_block("payload", build_payload(store, run)),
            data_block("specifications", SPECIFICATIONS if measured else {}),
            # One tag a script: the bundles declare short names at the top level.
            *(Html(f"<script>{script}</script>") for script in scripts),
        ]
    )
    return f'<!doctype html>\n<html lang="en">\n<head>{head}</head>\n<body>{body}</body>\n</html>\n'


def _header(run: RunView, heading: str, about: str) -> Html:
    return element(
        "header",
        element("h1", heading),
        element("button", "Theme: auto", type="button", id="theme"),
        element("p", f"{about} · {run.started:%Y-%m-%d %H:%M} UTC · assay {run.tool_version}", class_="about"),
        element("noscript", element("p", "Tables and charts need JavaScript; answers, claims and provenance do not.")),
        class_="top",
    )


def _experiments(run: RunView, alone: bool) -> Html:
    """The experiments in full; behind claims, which lead the page, they stand closed under one heading."""
    if run.claims and run.experiments:
        folds = [experiment_section(experiment, "folded") for experiment in run.experiments]
        heading = element("h2", "The experiments behind the claims")
        return element("section", heading, *folds, id="experiments")
    return join(experiment_section(experiment, "alone" if alone else "among others") for experiment in run.experiments)


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
