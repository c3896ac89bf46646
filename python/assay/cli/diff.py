"""`assay diff`: what changed between two runs, with a verdict and an exit code for a gate."""

from __future__ import annotations

from dataclasses import replace
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
        str,
        Parameter(
            help="A run: an id or its beginning, a label, a suite's name, latest, previous, or STORE:RUN; or a commit."
        ),
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
    suite: Annotated[
        Path | None,
        Parameter(help="Compare two commits: measure this suite at both, here and now.", metavar="SUITE.toml"),
    ] = None,
    setup: Annotated[
        str | None, Parameter(help='Install a commit with this in an environment of its own, such as "pip install .".')
    ] = None,
    module: Annotated[
        list[str] | None,
        Parameter(help="A module of the commits that registers contenders when imported.", metavar="NAME", negative=""),
    ] = None,
    python: Annotated[
        list[str] | None,
        Parameter(help="The interpreter of both commits, or one for each.", metavar="PATH", negative=""),
    ] = None,
    pairs: Annotated[
        int | None,
        Parameter(help="Time the commits in so many pairs of processes; 5 or more, as time allows.", metavar="N"),
    ] = None,
    budget: Annotated[
        str | None,
        Parameter(help="How long timing an experiment may take, such as 5m; 60s by default.", metavar="TIME"),
    ] = None,
) -> int:
    """Show what changed from one run, or one commit, to another.

    Without --fail-on it ends with 0 whatever changed, and with 4 where
    nothing could be compared. With it: 1 if a condition is met, 3 if cells
    of the candidate failed, 4 if there was nothing to judge.

    For example:

        assay diff previous latest
        assay diff main.duckdb branch.duckdb --fail-on worse:5%
        assay diff nightly latest --format markdown -o comment.md
        assay diff --suite bench/orders.toml main HEAD --fail-on worse:5%
    """
    for path in (output, badge):
        if path is not None and not path.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {path.absolute().parent}; make it first, or name another file")
    commits = {"--setup": setup, "--module": module, "--python": python, "--pairs": pairs, "--budget": budget}
    if suite is None:
        given = [flag for flag, value in commits.items() if value is not None]
        if given:
            raise UsageError(
                f"{', '.join(given)} is for two commits; name what to measure at both with --suite SUITE.toml"
            )
        found = _stored(base, candidate, store, fail_on, other_machine, other_data, timing)
    else:
        if store != DEFAULT_STORE or other_machine or other_data:
            raise UsageError("--store, --other-machine and --other-data are for runs that were kept; leave out --suite")
        found = _measured(suite, base, candidate, fail_on, timing, setup, module, python, pairs, budget)
    show_diff(found, format=format, output=output, badge=badge, all=all)
    return found.exit_code


def _stored(
    base: str,
    candidate: str,
    store: Path,
    fail_on: list[str] | None,
    other_machine: bool,
    other_data: bool,
    timing: bool,
) -> Diff:
    from assay.diffing import diff as compared

    try:
        return compared(
            base,
            candidate,
            store=store,
            fail_on=fail_on,
            other_machine=other_machine,
            other_data=other_data,
            timing=timing,
        )
    except StoreError as error:
        if store.exists() or any(".duckdb" in side or Path(side).exists() for side in (base, candidate)):
            raise
        raise StoreError(f"{error}; for two commits, name what to measure at both with --suite SUITE.toml") from error


def _measured(
    suite: Path,
    base: str,
    candidate: str,
    fail_on: list[str] | None,
    timing: bool,
    setup: str | None,
    module: list[str] | None,
    python: list[str] | None,
    pairs: int | None,
    budget: str | None,
) -> Diff:
    from assay.cli.options import progress_bar
    from assay.diffing import diff_commits
    from assay.diffing.paired_timing import PairedSettings
    from assay.harness.timing_settings import budget_seconds

    settings = PairedSettings()
    if pairs is not None:
        settings = replace(settings, pairs=pairs, pairs_most=pairs)
    if budget is not None:
        settings = replace(settings, seconds=budget_seconds(budget))
    return diff_commits(
        suite,
        base,
        candidate,
        fail_on=fail_on,
        setup=setup,
        python=python,
        modules=module or (),
        timing=timing,
        settings=settings,
        progress=progress_bar(),
    )


def show_diff(found: Diff, *, format: str, output: Path | None, badge: Path | None, all: bool) -> None:
    """Prints a diff, or writes it, and its badge."""
    from assay.diffing.formats import to_csv
    from assay.diffing.wording import gate_words

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
    for judgement in found.judgements:
        if judgement.exit_code:
            note(f"✗ fails: {gate_words(judgement)}")


def _as_text(found: Diff, *, all: bool) -> str:
    import io

    from rich.console import Console

    out = io.StringIO()
    found.show(all=all, console=Console(file=out, width=100, highlight=False, markup=False, emoji=False))
    return out.getvalue()
