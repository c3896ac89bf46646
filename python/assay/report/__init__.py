"""What people see of a run: the terminal, one offline HTML page, and JSON, CSV or Markdown.

Everything here reads the store's tables and views and nothing else; no number is made here.

    render(store, run_id)               the terminal
    render_claims(store, run_id)        the claims alone
    write_report(store, run_id, path)   the page
    to_rows, format_run                 for machines
"""

from __future__ import annotations

from assay.report.claims import render_claims
from assay.report.formats import FORMATS, format_run, to_csv, to_json, to_markdown, to_rows
from assay.report.page import build_page, write_report
from assay.report.run_reader import read_run
from assay.report.run_view import RunView, Source
from assay.report.terminal import render

__all__ = [
    "FORMATS",
    "RunView",
    "Source",
    "build_page",
    "format_run",
    "read_run",
    "render",
    "render_claims",
    "to_csv",
    "to_json",
    "to_markdown",
    "to_rows",
    "write_report",
]
