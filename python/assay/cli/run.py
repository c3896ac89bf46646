"""`assay run`: a suite, measured and kept."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assay.cli.options import (
    DEFAULT_STORE,
    BudgetOption,
    ExecutorKind,
    FormatOption,
    JobsOption,
    ResumeOption,
    RoundsOption,
    StoreOption,
    TimingOption,
    executor_of,
    progress_bar,
    tell_store,
    timing_of,
)
from assay.cli.output import Format, console, note, say

if TYPE_CHECKING:
    from assay.front import Run

__all__ = ["run", "run_and_show"]


def run(
    suite: Annotated[Path, Parameter(help="The suite, a TOML file.", metavar="SUITE")],
    /,
    *,
    store: StoreOption = DEFAULT_STORE,
    resume: ResumeOption = None,
    format: FormatOption = "table",
    timing: TimingOption = None,
    rounds: RoundsOption = None,
    budget: BudgetOption = None,
    jobs: JobsOption = None,
    executor: ExecutorKind = None,
    label: Annotated[str | None, Parameter(help="A name for the run.", metavar="TEXT")] = None,
) -> int:
    """Run a suite and keep what it measures.

    What was measured is kept as it comes: a run that was killed goes on
    with --resume, and `assay report` works meanwhile.

    For example:

        assay run suite.toml
        assay run suite.toml --store results.duckdb --resume
    """
    results = run_and_show(
        suite,
        store=store,
        resume=resume,
        format=format,
        timing=timing,
        rounds=rounds,
        budget=budget,
        jobs=jobs,
        executor=executor,
        label=label,
    )
    tell_store(store, results.run_id)
    return results.exit_code


def run_and_show(
    suite: Path,
    *,
    store: Path = DEFAULT_STORE,
    resume: str | None = None,
    format: Format = "table",
    timing: bool | None = None,
    rounds: int | None = None,
    budget: str | None = None,
    jobs: int | None = None,
    executor: str | None = None,
    label: str | None = None,
    command: str | None = None,
) -> Run:
    """Runs a suite, prints its results and returns them."""
    from assay.front import run as measure

    extras = ["--no-timing"] if timing is False else ["--timing"] if timing else []
    extras += [] if rounds is None else ["--rounds", str(rounds)]
    extras += [] if budget is None else ["--budget", budget]
    extras += [] if store == DEFAULT_STORE else ["--store", str(store)]
    with executor_of(executor, jobs) as pool:
        results = measure(
            suite,
            store=store,
            executor=pool,
            jobs=jobs,
            timing=timing_of(timing, rounds, budget),
            resume=True if resume == "latest" else resume,
            progress=progress_bar(),
            command=command or shlex.join(["assay", "run", str(suite), *extras]),
            label=label,
        )
    if format != "table":
        from assay.report import format_run

        say(format_run(results.store, results.run_id, format))
    elif len(results.suite.experiments) == 1:
        results.show(console=console())
    else:
        _print_answers(results)
    return results


def _print_answers(results: Run) -> None:
    """The answers alone, experiment by experiment, then the claims; the tables are in the report."""
    from assay.report import read_run, render_claims
    from assay.report.run_view import point_sentence
    from assay.report.screen import Screen

    out = console()
    screen = Screen(out)
    view = read_run(results.store, results.run_id)
    claimed = {index for claim in results.suite.claims for index in claim.experiments}
    for experiment in view.experiments:
        if experiment.index in claimed and view.claims:
            continue
        screen.line(f"{experiment.question} · {experiment.dataset['name']}", "dim")
        for point in experiment.points:
            screen.line(point_sentence(experiment, point), "bold")
        screen.gap()
    if view.claims:
        render_claims(results.store, results.run_id, console=out)
        screen.gap()
    for failure in results.failures:
        failed = results.suite.experiments[failure.experiment_index]
        where = f"{failed.kind} of {failed.dataset_name}" + (f", {failure.contender}" if failure.contender else "")
        screen.line(f"✗ {where}: {failure.error}", "red")
    for unmet in results.unmet:
        screen.line(f"✗ {unmet}", "red")
    expected = sum(len(experiment.expect) for experiment in results.suite.experiments)
    if expected and not results.unmet:
        note(f"all {expected} expectations are met")
