"""What a run tells while it runs, and the executors that it runs on."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console
from toy_experiment import worker_facts

from assay.errors import ParameterError, UnknownNameError
from assay.experiments import registry
from assay.harness import RichProgress, TimingSettings, make_executor, run_suite, suite_from_dict
from assay.harness.progress import SilentProgress
from assay.store import Store


class CountingProgress(SilentProgress):
    def __init__(self) -> None:
        super().__init__()
        self.total = 0
        self.done = 0
        self.silences = 0

    def start(self, total: int, description: str) -> None:
        self.total = total

    def advance(self, steps: int = 1, *, description: str | None = None) -> None:
        self.done += steps

    @contextlib.contextmanager
    def quiet(self) -> Iterator[None]:
        self.silences += 1
        yield


def test_progress_reaches_its_total_and_is_silent_while_timing(content: dict[str, Any]) -> None:
    progress = CountingProgress()
    timing = TimingSettings(processes=1, rounds=1, samples=1, target_sample_ns=1000)
    with Store(None) as store:
        run_suite(suite_from_dict(content), store, progress=progress, timing=timing, span_rows=100)
    assert (progress.done, progress.total, progress.silences) == (21, 21, 1)  # two stages of ten spans, one process


def test_messages_keep_markup_as_text_and_no_bar_is_drawn_without_a_terminal() -> None:
    out = io.StringIO()
    progress = RichProgress(Console(file=out, width=40))
    progress.start(3, "[bold]name")
    progress.advance(2, description="[red]x")
    progress.message("the worker [bold]failed[/bold] on a line that is longer than the console is wide")
    with progress.quiet():
        pass
    progress.finish()
    assert out.getvalue() == "the worker [bold]failed[/bold] on a line that is longer than the console is wide\n"


def test_a_bar_on_a_terminal_counts_steps() -> None:
    out = io.StringIO()
    progress = RichProgress(Console(file=out, width=100, force_terminal=True))
    progress.start(3, "[flights]")
    progress.advance(2)
    progress.finish()
    assert "[flights]" in out.getvalue()
    assert "2/3" in out.getvalue()


def test_workers_of_a_pool_share_the_cores() -> None:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with make_executor("processes", 2) as executor:
        pid, polars_threads, arrow_threads = executor.submit(worker_facts).result()
    assert pid != os.getpid()
    assert (polars_threads, arrow_threads) == (str(max(1, cores // 2)), max(1, cores // 2))


def test_impossible_executors_are_refused() -> None:
    with pytest.raises(ParameterError, match="jobs is 0; expected at least 1"):
        make_executor("processes", 0)
    with pytest.raises(ParameterError, match='the executor is "dusk"'):
        make_executor("dusk")  # type: ignore[arg-type]


def test_experiments_are_found_by_kind() -> None:
    assert {"partitioning", "placement", "toy"} <= set(registry.kinds())
    assert registry.get("toy").kind == "toy"
    with pytest.raises(UnknownNameError, match='no experiment "partitionin"; did you mean "partitioning"'):
        registry.get("partitionin")

    class Impostor:
        kind = "partitioning"

    with pytest.raises(ParameterError, match="an experiment of assay's own"):
        registry.register(Impostor())  # type: ignore[arg-type]
