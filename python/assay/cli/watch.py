"""`assay watch`: follows a run that another process measures, until it ends."""

from __future__ import annotations

import sys
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE, StoreOption, chosen_run
from assay.cli.output import console, note, say, warn
from assay.errors import StoreError
from assay.units import count_of

if TYPE_CHECKING:
    from assay.report.run_progress import RunProgress
    from assay.store import Store

__all__ = ["watch"]

PAUSE_S = 1.0  # the writer commits at most once a second
SUPERSEDED_S = 10.0  # without a change, while a newer run is under way: this one is dead
HELD_S = 60.0  # that a writer may hold the file, before that is an error
FAILED, UNMET = 3, 1


def watch(
    run: Annotated[
        str | None, Parameter(help="A run's id, its beginning, or a suite's name; the newest by default.")
    ] = None,
    /,
    *,
    store: StoreOption = DEFAULT_STORE,
    once: Annotated[bool, Parameter(help="Show the run as it is now, and end.", negative="")] = False,
) -> int:
    """Follow a run that another process measures.

    Shows how far each experiment is, its pace, failures, and answers as they
    come; it ends with the run, and with its exit code. It only reads the store.
    Without a terminal it prints a line for each change.

    For example:

        assay watch
        assay watch flights --store results.duckdb --once
    """
    from assay.store import Store

    results = Store.read_only(store)
    try:
        return _follow(results, store, chosen_run(results, run), once)
    except KeyboardInterrupt:
        note("the run goes on; `assay watch` shows it again")
        return 0


class _Watched:
    """A run as this process sees it: looked at again and again, and shown."""

    def __init__(self, results: Store, path: Path, run_id: str) -> None:
        from assay.report.watching import Pace

        self.results = results
        self.path = path
        self.run_id = run_id
        self.screen = console()
        self.progress, self.writer = self.look()
        self.pace = Pace(self.progress, _now())
        self.changed_at = self.looked_at = time.monotonic()

    def look(self) -> tuple[RunProgress, str | None]:
        """How far the run is, and who writes its store."""
        from assay.report.run_progress import read_progress
        from assay.store.lock import lock_holder

        writer = lock_holder(self.path)
        with self.results.snapshot():
            progress = read_progress(self.results, self.run_id)
        if progress.status == "running" and writer is None:  # it may have ended between the two looks
            with self.results.snapshot():
                progress = read_progress(self.results, self.run_id)
        return progress, writer

    def look_again(self) -> RunProgress:
        """Looks once more; returns how far it was before. A writer that holds the file for long is waited for."""
        before = self.progress
        try:
            self.progress, self.writer = self.look()
        except StoreError:
            if time.monotonic() - self.looked_at > HELD_S:
                raise
            return before
        self.looked_at = time.monotonic()
        if self.progress != before:
            self.changed_at = self.looked_at
        return before

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will happen to the run."""
        if self.progress.status != "running" or self.writer is None:
            return True
        unchanged = time.monotonic() - self.changed_at
        return self.progress.newer_running is not None and unchanged > SUPERSEDED_S

    def frame(self) -> list[str]:
        """The run as it is now, in lines that fit the terminal if there is one."""
        from assay.report.watching import frame

        lines = frame(self.progress, self.pace, _now(), self.writer)
        return _wrapped(lines, self.screen.width) if self.screen.is_terminal else lines

    def draw(self) -> None:
        """Follows the run on a terminal, in place."""
        from rich.live import Live
        from rich.text import Text

        with Live(console=self.screen, auto_refresh=False) as live:
            while True:
                live.update(Text("\n".join(self.frame())), refresh=True)
                if self.has_ended:
                    return
                time.sleep(PAUSE_S)
                self.look_again()

    def print_changes(self) -> None:
        """Follows the run line by line."""
        from assay.report.watching import changes

        say(self.frame()[0])
        before: RunProgress | None = None
        while True:
            for line in changes(before, self.progress, self.pace, _now()):
                say(line)
            sys.stdout.flush()
            if self.has_ended:
                return
            time.sleep(PAUSE_S)
            before = self.look_again()


def _follow(results: Store, path: Path, run_id: str, once: bool) -> int:
    watched = _Watched(results, path, run_id)
    if once or watched.has_ended:
        say("\n".join(watched.frame()))
    elif watched.screen.is_terminal:
        watched.draw()
    else:
        watched.print_changes()
    return _ending(watched.progress, watched.writer, path, still_running=once)


def _ending(progress: RunProgress, writer: str | None, path: Path, *, still_running: bool) -> int:
    """What became of the run, told, and its exit code."""
    where = "" if path == DEFAULT_STORE else f" --store {path}"
    if progress.status == "running" and (writer is None or not still_running):
        why = (
            "its process is gone"
            if writer is None
            else f"{writer} writes this store for a newer run, {progress.newer_running}"
        )
        resume = progress.command if "--resume" in progress.command.split() else f"{progress.command} --resume"
        warn(f"the run {progress.run_id} was killed: {why}; what it had measured is kept; go on with: {resume}")
        return FAILED
    if progress.status == "running":
        return 0
    if progress.status == "interrupted":
        warn(f"the run {progress.run_id} was interrupted; go on with: {progress.command} --resume")
        return FAILED
    done, failed, cells = progress.cells
    told = [f"{done} of {count_of(cells, 'cell')} done"]
    told += [f"{failed} failed"] if failed else []
    told += [f"{progress.unmet} expectation{'s' if progress.unmet > 1 else ''} unmet"] if progress.unmet else []
    note(f"the run {progress.run_id} has ended: {', '.join(told)}; next: assay report {progress.run_id}{where}")
    return FAILED if progress.status == "failed" else UNMET if progress.unmet else 0


def _now() -> datetime:
    return datetime.now(UTC)


def _wrapped(lines: list[str], width: int) -> list[str]:
    """Lines within the width, what goes on in the next one indented a little more."""
    found: list[str] = []
    for line in lines:
        indent = " " * (len(line) - len(line.lstrip()) + 2)
        found += textwrap.wrap(
            line, max(24, width), subsequent_indent=indent, break_on_hyphens=False, drop_whitespace=True
        ) or [""]
    return found
