"""`assay report`: one run as one HTML page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_REPORT, DEFAULT_STORE, StoreOption, find_run
from assay.cli.output import say

__all__ = ["report"]


def report(
    run: Annotated[
        str | None, Parameter(help="A run's id, its beginning, or a suite's name; the newest by default.")
    ] = None,
    /,
    *,
    store: StoreOption = DEFAULT_STORE,
    output: Annotated[
        Path, Parameter(name=["--output", "-o"], help="The page; one that is there is replaced.", metavar="FILE")
    ] = DEFAULT_REPORT,
    title: Annotated[
        str | None, Parameter(help="The page's title; the suite's question by default.", metavar="TEXT")
    ] = None,
) -> int:
    """Write a run as one HTML page that opens offline.

    A run that is still going on is shown as far as it is.

    For example:

        assay report
        assay report flights --store results.duckdb -o flights.html
    """
    from assay.report import write_report
    from assay.store import Store

    with Store.read_only(store) as results, results.snapshot():
        path = write_report(results, find_run(results, run), output, title=title)
    say(str(path))
    return 0
