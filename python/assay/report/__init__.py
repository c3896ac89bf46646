"""What people see of a run: the terminal, one offline HTML page, and JSON, CSV or Markdown.

Everything here reads the store's tables and views and nothing else; no number is made here.

    render(store, run_id)               the terminal
    render_claims(store, run_id)        the claims alone
    write_report(store, run_id, path)   the page
    write_report_of_runs(runs, path)    one page of several runs
    to_rows, format_run                 for machines
"""

from __future__ import annotations

from assay.report.claims import render_claims
from assay.report.formats import FORMATS, format_run, to_csv, to_json, to_markdown, to_rows
from assay.report.page import build_page, write_report
from assay.report.run_reader import read_run
from assay.report.run_view import RunView, Source
from assay.report.several import build_page_of_runs, write_report_of_runs
from assay.report.terminal import render

__all__ = [
    "FORMATS",
    "RunView",
    "Source",
    "build_page",
    "build_page_of_runs",
    "format_run",
    "read_run",
    "render",
    "render_claims",
    "to_csv",
    "to_json",
    "to_markdown",
    "to_rows",
    "write_report",
    "write_report_of_runs",
]
