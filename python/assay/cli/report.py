"""`assay report`: one run or several as one HTML page, or a run's charts as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from assay.cli.options import DEFAULT_REPORT, DEFAULT_STORE
from assay.cli.output import say
from assay.errors import UsageError

if TYPE_CHECKING:
    from assay.store import Store

__all__ = ["report"]


def report(
    *runs: Annotated[
        str,
        Parameter(
            help="Runs: an id, its beginning, a suite's name, latest, previous, or STORE.duckdb:RUN; the "
            "newest by default. Several stand on one page.",
            metavar="RUN",
        ),
    ],
    store: Annotated[
        tuple[Path, ...],
        Parameter(
            help="The file that holds the results; several may be named.",
            metavar="FILE",
            negative="",
            show_default=lambda paths: ", ".join(map(str, paths)),
        ),
    ] = (DEFAULT_STORE,),
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            help="The page (assay-report.html by default), or with --chart the picture, .svg or .png; one that is "
            "there is replaced.",
            metavar="FILE",
        ),
    ] = None,
    title: Annotated[
        str | None, Parameter(help="The page's title; the suite's question by default.", metavar="TEXT")
    ] = None,
    charts: Annotated[
        Path | None,
        Parameter(help="Write every chart into this folder instead: SVG and PNG, light and dark.", metavar="FOLDER"),
    ] = None,
    chart: Annotated[
        str | None, Parameter(help="Write this chart alone, such as load or trade-off, as FILE.", metavar="NAME")
    ] = None,
    theme: Annotated[Literal["light", "dark"], Parameter(help="The colours of --chart.")] = "light",
) -> int:
    """Write a run as one HTML page that opens offline, or its charts as pictures.

    Several runs stand on one page: what changed first, then each in full. A
    run that is still going on is shown as far as it is. Pictures need
    pip install "assay[report]".

    For example:

        assay report
        assay report flights --store results.duckdb -o flights.html
        assay report monday.duckdb:flights tuesday.duckdb:flights
        assay report flights --chart load -o load.png
        assay report flights --charts figures
    """
    from assay.cli.chosen_runs import opened_runs
    from assay.report import write_report, write_report_of_runs

    if charts is not None and (chart is not None or output is not None):
        raise UsageError("--charts writes every chart into its folder; leave --chart and -o out")
    with opened_runs(runs, store) as found:
        results, run_id = found[0]
        picture = output is not None and output.suffix.lower() in (".svg", ".png")
        if charts is not None or chart is not None or picture:
            if len(found) > 1:
                raise UsageError(f"{len(found)} runs are named; charts are drawn of one run: name one")
            paths = _pictures(results, run_id, charts, chart, output, theme)
        elif len(found) > 1:
            paths = [write_report_of_runs(found, output or DEFAULT_REPORT, title=title)]
        else:
            paths = [write_report(results, run_id, output or DEFAULT_REPORT, title=title)]
    for path in paths:
        say(str(path))
    return 0


def _pictures(
    results: Store,
    run_id: str,
    charts: Path | None,
    chart: str | None,
    output: Path | None,
    theme: Literal["light", "dark"],
) -> list[Path]:
    """Every chart in a folder, or one as a file."""
    from assay.report.pictures import chosen_picture, pictures_of, save_pictures

    pictures = pictures_of(results, run_id)
    if charts is not None:
        return save_pictures(pictures, charts)
    if chart is None:
        known = ", ".join(picture.name for picture in pictures)
        raise UsageError(f"{output} is a picture of one chart: name it with --chart; this run has: {known or 'none'}")
    picture = chosen_picture(pictures, chart)
    return [picture.save(output or f"{picture.name}.svg", theme=theme)]
