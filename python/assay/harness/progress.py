"""What a run tells while it runs: a bar with an estimate of the end, or nothing.

Everything goes to stderr, so that stdout holds results alone. A bar is drawn at most ten times a
second, and while kernels are timed only between rounds, when none runs.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

__all__ = ["ProgressSink", "RichProgress", "SilentProgress"]

_DRAWN_EVERY_S = 0.5  # between rounds of timing


class ProgressSink(Protocol):
    """Told of a run's progress in steps; a step is one span of one stage, or one timing process."""

    def start(self, total: int, description: str) -> None:
        """The run begins; `total` steps are known, of which resumed ones are advanced at once."""

    def advance(self, steps: int = 1, *, description: str | None = None) -> None:
        """`steps` more are done; `description` says what comes now."""

    def message(self, text: str) -> None:
        """One line for the user: a warning, or what was found."""

    def quiet(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is drawn within but by `between_rounds`: kernels are being timed."""

    def between_rounds(self, share: float) -> None:
        """No kernel runs at this moment; this share of the experiment's timing is done, from 0 to 1."""

    def finish(self) -> None:
        """The run has ended, however it did."""


class SilentProgress:
    """Says nothing, but keeps messages for whoever asks."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def start(self, total: int, description: str) -> None:
        """Nothing to draw."""

    def advance(self, steps: int = 1, *, description: str | None = None) -> None:
        """Nothing to draw."""

    def message(self, text: str) -> None:
        """Keeps the message."""
        self.messages.append(text)

    def quiet(self) -> contextlib.AbstractContextManager[None]:
        """Nothing is drawn anyway."""
        return contextlib.nullcontext()

    def between_rounds(self, share: float) -> None:
        """Nothing to draw."""

    def finish(self) -> None:
        """Nothing to tidy up."""


class RichProgress:
    """A bar on stderr with steps, elapsed time and the estimate of what remains.

    Args:
        console: Where to draw; stderr by default. Without a terminal only messages are printed.
    """

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )

        self.console = console or Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=self.console,
            refresh_per_second=10,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self._task = self._bar.add_task("", total=None, visible=False)
        self._rounds: Progress | None = None
        self._drawn = 0.0

    def start(self, total: int, description: str) -> None:
        """Draws the empty bar."""
        self._bar.update(self._task, total=total, description=description, visible=True)
        self._bar.start()

    def advance(self, steps: int = 1, *, description: str | None = None) -> None:
        """Moves the bar; it is redrawn by its own clock."""
        self._bar.update(self._task, advance=steps)
        if description is not None:
            self._bar.update(self._task, description=description)

    def message(self, text: str) -> None:
        """Prints a line above the bar; markup in names stays text."""
        self.console.print(text, markup=False, highlight=False, soft_wrap=True)

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        """Takes the bar away and brings it back afterwards; meanwhile one is there that moves only between rounds."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._bar.stop()
        try:
            with Progress(
                TextColumn("timing"),
                BarColumn(),
                TextColumn("at most:"),
                TimeRemainingColumn(),
                TextColumn("so far:"),
                TimeElapsedColumn(),
                console=self.console,
                auto_refresh=False,
                transient=True,
                disable=not self.console.is_terminal,
            ) as rounds:
                self._rounds = rounds
                rounds.add_task("", total=1.0)
                rounds.refresh()
                yield
        finally:
            self._rounds = None
            self._bar.start()

    def between_rounds(self, share: float) -> None:
        """Draws the bar of the rounds once, at most twice a second."""
        now = time.monotonic()
        if self._rounds is not None and now - self._drawn >= _DRAWN_EVERY_S:
            self._drawn = now
            self._rounds.update(self._rounds.task_ids[0], completed=share)
            self._rounds.refresh()

    def finish(self) -> None:
        """Removes the bar."""
        self._bar.stop()
