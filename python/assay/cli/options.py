"""Options that several verbs share, each described once; and what they become."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assay.cli.output import Format, NothingError, note
from assay.errors import ParameterError, UsageError

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from assay.harness import ProgressSink, TimingSettings
    from assay.store import Store

__all__ = [
    "DEFAULT_REPORT",
    "DEFAULT_STORE",
    "BudgetOption",
    "ExecutorKind",
    "FormatOption",
    "JobsOption",
    "ResumeOption",
    "RoundsOption",
    "StoreOption",
    "TimingOption",
    "chosen_run",
    "executor_of",
    "progress_bar",
    "tell_store",
    "timing_of",
]

DEFAULT_STORE = Path("assay.duckdb")
DEFAULT_REPORT = Path("assay-report.html")

FormatOption = Annotated[Format, Parameter(help="What standard output holds.")]
StoreOption = Annotated[Path, Parameter(help="The file that holds the results.", metavar="FILE")]
TimingOption = Annotated[
    bool | None,
    Parameter(
        help="Time lookups and builds too, which takes most of the time; on by default, but for an advice.",
        negative="--no-timing",
    ),
]
RoundsOption = Annotated[
    int | None,
    Parameter(help="Rounds of timing in each process; more give narrower intervals (30 by default).", metavar="N"),
]
BudgetOption = Annotated[
    str | None,
    Parameter(
        help="How long the whole run may take, such as 90s, 5m or 1h30m: timing goes on until it is precise, or until "
        "then. By default an experiment is timed for at most 30 seconds.",
        metavar="TIME",
    ),
]
JobsOption = Annotated[
    int | None,
    Parameter(help="How many parts of a table are scanned at once: 1, or the cores with --executor.", metavar="N"),
]
ExecutorKind = Annotated[
    str | None,
    Parameter(
        help="Where tables are scanned: inline (in this process, the default), threads, processes (the default with "
        "--jobs above 1), or dask:ADDRESS, the workers of a Dask scheduler.",
        metavar="KIND",
    ),
]
ResumeOption = Annotated[
    str | None,
    Parameter(
        help="Go on with a run that was killed or interrupted: its id, or the latest if none is given.", metavar="[RUN]"
    ),
]


@contextlib.contextmanager
def executor_of(kind: str | None, jobs: int | None) -> Iterator[Executor | None]:
    """The executor that was asked for, closed afterwards; None scans in this process.

    Raises:
        ParameterError: `jobs` is below 1, or there is no such executor.
        UsageError: The Dask cluster cannot be reached, or its workers cannot be used.
    """
    if jobs is not None and jobs < 1:
        raise ParameterError(f"--jobs is {jobs}; expected at least 1")
    if kind is None and (jobs or 1) == 1:
        yield None
        return
    from assay.harness.executors import opened_executor

    with opened_executor(kind or "processes", jobs) as executor:
        yield executor


def timing_of(timing: bool | None, rounds: int | None, budget: str | None = None) -> TimingSettings | None:
    """How much to time; None where nothing was said.

    Raises:
        ParameterError: `rounds` is below 1, or the budget is no time.
        UsageError: A budget is given, and nothing is to be timed.
    """
    from assay.harness import TimingSettings

    if rounds is not None and rounds < 1:
        raise ParameterError(f"--rounds is {rounds}; expected at least 1")
    if budget is not None and timing is False:
        raise UsageError("--budget says how long to time, and --no-timing not to time; drop one of them")
    if timing is False:
        return TimingSettings.off()
    if budget is not None:
        return TimingSettings.within(budget, rounds=rounds)
    if rounds is None:
        return TimingSettings() if timing else None
    return TimingSettings(rounds=rounds, least_rounds=min(5, rounds))


def progress_bar() -> ProgressSink:
    """A bar on standard error, drawn only on a terminal."""
    from assay.harness import RichProgress

    return RichProgress()


def chosen_run(store: Store, run: str | None) -> str:
    """The id of the run that `run` names: an id or its beginning, a suite, latest or previous; the newest for None.

    Raises:
        NothingError: The store holds no run.
        UsageError: No run, or more than one, is named so.
    """
    from assay.store.run_names import LATEST, find_run

    if not store.query("SELECT 1 FROM run LIMIT 1").num_rows:
        raise NothingError(f"{store.path} holds no run yet; `assay run SUITE.toml --store {store.path}` makes one")
    return find_run(store, LATEST if run is None else run)


def tell_store(path: Path, run_id: str) -> None:
    """Says where results are and what to do with them next."""
    note(f"run {run_id} is in {path}")
    words = ["assay", "report", run_id, *([] if path == DEFAULT_STORE else ["--store", str(path)])]
    note(f"next: {shlex.join(words)}")
