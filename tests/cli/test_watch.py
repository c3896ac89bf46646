"""`assay watch` on runs that have ended, and on what is no run."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
from rich.console import Console

from assay.cli import watch
from assay.errors import StoreError

Assay = Callable[..., Any]


def test_a_run_that_has_ended_is_shown_with_its_answers(assay: Assay, suite: Path) -> None:
    assay("run", str(suite), "--no-timing", "--store", "s.duckdb")
    done = assay("watch", "--store", "s.duckdb")
    assert done.code == 0
    assert "✓ partitioning of orders: 2 of 2 cells" in done.out and "100 % · 2 of 2 cells" in done.out
    assert "    round_robin spreads evenly on 4 partitions" in done.out
    assert "has ended: 2 of 2 cells done; next: assay report" in done.err and "--store s.duckdb" in done.err


def test_an_unmet_expectation_is_the_exit_code(assay: Assay, suite: Path) -> None:
    text = suite.read_text(encoding="utf-8").replace("equals = 0", "above = 0")
    suite.write_text(text, encoding="utf-8")
    assert assay("run", str(suite), "--no-timing", "--store", "s.duckdb").code == 1
    done = assay("watch", "--store", "s.duckdb")
    assert done.code == 1 and "1 expectation unmet" in done.err


def test_a_failed_cell_is_shown_with_its_error(assay: Assay, suite: Path) -> None:
    text = suite.read_text(encoding="utf-8").replace('"round_robin"]', '"hash(nothing)"]')
    suite.write_text(text.partition("expect")[0], encoding="utf-8")
    ran = assay("run", str(suite), "--no-timing", "--store", "s.duckdb")
    done = assay("watch", "--store", "s.duckdb")
    assert ran.code in (2, 3) and done.code == 3
    assert "! partitioning of orders: 1 of 2 cells, 1 failed" in done.out
    assert "  ! hash(nothing): " in done.out


def test_what_is_measured_and_not_yet_answered_shows_who_leads(assay: Assay, suite: Path) -> None:
    assay("run", str(suite), "--no-timing", "--store", "s.duckdb")
    with duckdb.connect("s.duckdb") as connection:  # as the store is while kernels are timed
        connection.execute("UPDATE experiment SET answers = NULL")
        connection.execute("UPDATE run SET status = 'running', ended = NULL")
    shown = assay("watch", "--store", "s.duckdb", "--once").out
    assert "▸ partitioning of orders: measured (" in shown and "timing, which shows when it is done" in shown
    assert "    load max ÷ mean: round_robin 1.000, hash(customer) 1.240\n" in shown


def test_a_store_that_is_not_there_is_said_so(assay: Assay) -> None:
    done = assay("watch", "--store", "nothing.duckdb")
    assert done.code == 3 and "there is no store nothing.duckdb" in done.err


def test_a_writer_that_holds_the_file_is_waited_for(assay: Assay, suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assay("run", str(suite), "--no-timing", "--store", "s.duckdb")
    real, looks = watch._Watched.look, []

    def held_now_and_then(self: watch._Watched) -> Any:
        looks.append(1)
        if len(looks) == 2:
            raise StoreError("the store s.duckdb is held open by process 1")
        progress, _ = real(self)
        return (replace(progress, status="running"), "process 1") if len(looks) < 4 else (progress, None)

    monkeypatch.setattr(watch._Watched, "look", held_now_and_then)
    monkeypatch.setattr(watch, "PAUSE_S", 0.0)
    assert assay("watch", "--store", "s.duckdb").code == 0 and len(looks) == 4
    monkeypatch.setattr(watch, "HELD_S", -1.0)
    looks.clear()
    held = assay("watch", "--store", "s.duckdb")
    assert held.code == 3 and "held open by process 1" in held.err


def test_on_a_terminal_the_frame_is_drawn_in_place(assay: Assay, suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assay("run", str(suite), "--no-timing", "--store", "s.duckdb")
    real, looks = watch._Watched.look, []

    def ends_at_the_third(self: watch._Watched) -> Any:
        looks.append(1)
        progress, _ = real(self)
        return (replace(progress, status="running"), "process 1") if len(looks) < 3 else (progress, None)

    drawn = io.StringIO()
    monkeypatch.setattr(watch, "console", lambda: Console(file=drawn, force_terminal=True, width=100, highlight=False))
    monkeypatch.setattr(watch._Watched, "look", ends_at_the_third)
    monkeypatch.setattr(watch, "PAUSE_S", 0.0)
    assert assay("watch", "--store", "s.duckdb").code == 0
    assert "running 0:0" in drawn.getvalue() and " · done 0:0" in drawn.getvalue()
    assert "\x1b[" in drawn.getvalue(), "the frame before is written over"
    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "\n", drawn.getvalue()).splitlines()
    assert max(map(len, lines)) <= 100
