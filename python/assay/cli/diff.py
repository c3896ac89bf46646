"""`assay diff`: what changed between two runs, with a verdict and an exit code for a gate."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE, FormatOption, StoreOption
from assay.cli.output import console, note, say
from assay.errors import StoreError, UsageError

if TYPE_CHECKING:
    from assay.diffing import Diff

__all__ = ["diff"]


def diff(
    base: Annotated[
        str, Parameter(help="A run: an id or its beginning, a label, a suite's name, latest, previous, or STORE:RUN.")
    ],
    candidate: Annotated[str, Parameter(help="The run that is looked at, named in the same ways.")],
    /,
    *,
    fail_on: Annotated[
        list[str] | None,
        Parameter(
            name="--fail-on",
            help="What makes it fail: worse, changed, unclear, removed, answer, failed; worse:5%, worse:lookup_ns:5%.",
            metavar="CONDITION",
            negative="",
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    format: FormatOption = "table",
    output: Annotated[
        Path | None,
        Parameter(name=["--output", "-o"], help="Write there instead of to standard output.", metavar="FILE"),
    ] = None,
    badge: Annotated[Path | None, Parameter(help="Write the verdict as a small picture.", metavar="FILE.svg")] = None,
    all: Annotated[bool, Parameter(help="Show what is the same or unclear too.", negative="")] = False,
    timing: Annotated[bool, Parameter(help="Look at timed metrics; --no-timing leaves them out.")] = True,
    other_machine: Annotated[
        bool, Parameter(help="Show ratios of times, without verdicts, though the machines differ.", negative="")
    ] = False,
    other_data: Annotated[bool, Parameter(help="Compare runs of different rows.", negative="")] = False,
) -> int:
    """Show what changed from one run to another.

    Without --fail-on it ends with 0 whatever changed, and with 4 where
    nothing could be compared. With it: 1 if a condition is met, 3 if cells
    of the candidate failed, 4 if there was nothing to judge.

    For example:

        assay diff previous latest
        assay diff main.duckdb branch.duckdb --fail-on worse:5%
        assay diff nightly latest --format markdown -o comment.md
    """
    from assay.diffing import diff as compared

    for path in (output, badge):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent}; make it first, or name another file")
    found = compared(
        base,
        candidate,
        store=store,
        fail_on=fail_on,
        other_machine=other_machine,
        other_data=other_data,
        timing=timing,
    )
    show_diff(found, format=format, output=output, badge=badge, all=all)
    return found.exit_code


def show_diff(found: Diff, *, format: str, output: Path | None, badge: Path | None, all: bool) -> None:
    """Prints a diff, or writes it, and its badge."""
    from assay.diffing.formats import to_csv

    if badge is not None:
        found.badge(badge)
    if format == "table" and output is None:
        found.show(all=all, console=console())
        return
    if format == "table":
        text = _as_text(found, all=all)
    elif format == "json":
        text = found.to_json(all=all)
    else:
        text = to_csv(found, all=all) if format == "csv" else found.to_markdown(all=all)
    if output is None:
        say(text)
        return
    try:
        output.write_text(text if text.endswith("\n") else f"{text}\n", encoding="utf-8", newline="")
    except OSError as error:
        raise StoreError(f"{output} cannot be written: {error.strerror or error}; name another file with -o") from error
    note(found.sentence)


def _as_text(found: Diff, *, all: bool) -> str:
    import io

    from rich.console import Console

    out = io.StringIO()
    found.show(all=all, console=Console(file=out, width=100, highlight=False, markup=False, emoji=False))
    return out.getvalue()
