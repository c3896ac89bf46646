"""What the scripts beside it share: interleaved rounds of calls, processor time, and figures with their goals.

Rows of one table are timed in turn, round by round, so that a noisy neighbour meets all of them; the figure is the
best round, since noise only adds. A peer's answer is checked against assay's before either is timed. Goals are printed
beside the figures; a miss is printed as a miss.
"""

from __future__ import annotations

import multiprocessing
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["Report", "Row", "Timed", "interleaved", "threads_over_processes"]


@dataclass
class Report:
    """What is printed, and written where `write` says."""

    lines: list[str] = field(default_factory=list)
    missed: int = 0

    def say(self, text: str = "") -> None:
        """One line more."""
        print(text, flush=True)
        self.lines.append(text)

    def head(self, packages: tuple[str, ...]) -> None:
        """Machine, versions, date and command."""
        self.say(
            f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {platform.machine()}, {os.cpu_count()} cores, "
            f"load {os.getloadavg()[0]:.1f}"
        )
        self.say(", ".join(f"{name} {version(name)}" for name in packages) + f", Python {platform.python_version()}")
        self.say("command: python " + " ".join([f"bench/peers/{Path(sys.argv[0]).name}", *sys.argv[1:]]))

    def goal(self, what: str, reached: float, wanted: float, *, unit: str = "x", most: bool = False) -> None:
        """A figure beside its goal."""
        met = reached <= wanted if most else reached >= wanted
        self.missed += not met
        sign = "<=" if most else ">="
        self.say(f"  {what}: {reached:.2f} {unit} (goal {sign} {wanted:g} {unit}: {'met' if met else 'MISSED'})")

    def table(self, rows: Mapping[str, Row], *, unit: str = "ns per key") -> dict[str, float]:
        """Times each row's call, interleaved; a line for each with its figure, and the figures by name.

        Units are "ns per key" (processor nanoseconds for each of a row's operations) or "GB/s" (a row's
        operations are bytes).
        """
        rounds = {row.rounds for row in rows.values()}
        found = interleaved({name: row.call for name, row in rows.items()}, max(rounds))
        figures = {}
        for name, row in rows.items():
            seconds = found[name].processor
            figures[name] = row.operations / seconds / 1e9 if unit == "GB/s" else seconds / row.operations * 1e9
            self.say(f"  {name:44} {figures[name]:10.2f} {unit}   (wall {found[name].wall * 1e3:.1f} ms)")
        return figures

    def write(self, path: Path) -> None:
        """The lines, as a file."""
        path.write_text("\n".join(self.lines) + "\n", encoding="utf-8")


@dataclass(frozen=True)
class Row:
    """One line of a table: `call` does `operations` operations."""

    call: Callable[[], object]
    operations: int
    rounds: int = 7


@dataclass
class Timed:
    """The best processor time and wall time of several rounds, in seconds."""

    processor: float = float("inf")
    wall: float = float("inf")

    def add(self, call: Callable[[], object]) -> None:
        """One round more."""
        wall, processor = time.perf_counter(), time.process_time()
        call()
        self.processor = min(self.processor, time.process_time() - processor)
        self.wall = min(self.wall, time.perf_counter() - wall)


def interleaved(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, Timed]:
    """All calls once per round, after one round that is not counted."""
    found = {name: Timed() for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].add(call)
    return found


def threads_over_processes(one: Callable[[], object], both: Callable[[], object], *, rounds: int = 5) -> float:
    """The speed of a call on two threads over that of two independent processes with one thread each.

    Both are measured by wall time in turn, half a second each and round by round; the median of the rounds' ratios is
    given. 1 means that a second thread brings all that this machine has to give; two processes seldom
    reach twice one, as they share caches and memory.

    Args:
        one: The work on one thread.
        both: The same work on two threads.
        rounds: Rounds of each.
    """
    ratios = []
    context = multiprocessing.get_context("fork")
    both()
    for _ in range(rounds):
        barrier, counts = context.Barrier(2), context.Queue()
        children = [context.Process(target=_repeat, args=(one, barrier, counts)) for _ in range(2)]
        for child in children:
            child.start()
        apart = sum(counts.get() for _ in children)
        for child in children:
            child.join()
        ratios.append(_rate(both) / apart)
    return statistics.median(ratios)


def _rate(call: Callable[[], object], seconds: float = 0.5) -> float:
    """Calls per second, for at least three calls and so many seconds."""
    calls, started = 0, time.perf_counter()
    while calls < 3 or time.perf_counter() - started < seconds:
        call()
        calls += 1
    return calls / (time.perf_counter() - started)


def _repeat(call: Callable[[], object], barrier: Any, counts: Any) -> None:
    call()
    barrier.wait()
    counts.put(_rate(call))
