"""The bar that `Index.build(progress=True)` draws while a large index is built."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

__all__ = ["bar_of"]


@contextlib.contextmanager
def bar_of(kind: str) -> Iterator[Callable[[int, int], None]]:
    """What is to be called with (entries placed, entries in all); draws on standard error, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    with Progress(
        TextColumn(f"building {kind}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("left:"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("", total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
