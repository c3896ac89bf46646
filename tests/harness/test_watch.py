"""`assay watch` follows a run of another process through the store: as it goes on, as it ends, as it is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.cli import main, watch

HERE = Path(__file__).parent
Child = subprocess.Popen[bytes]


@pytest.fixture
def waiting_run(tmp_path: Path, table: Path) -> Iterator[tuple[Path, Child]]:
    """A run in another process that has measured 130 of its 400 spans; it goes on when its input is closed."""
    path = tmp_path / "r.duckdb"
    child = subprocess.Popen(
        [sys.executable, str(HERE / "killed_run.py"), str(path), str(table), "130"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert child.stdout is not None and child.stdin is not None
    try:
        assert child.stdout.readline() == b"waiting\n"
        yield path, child
    finally:
        child.kill()
        child.wait()
        child.stdin.close()
        child.stdout.close()


def test_one_look_shows_a_run_as_far_as_it_is(
    waiting_run: tuple[Path, Child], capsys: pytest.CaptureFixture[str]
) -> None:
    path, child = waiting_run
    assert main(["watch", "--store", str(path), "--once"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert re.fullmatch(rf"killed · run [0-9a-f-]{{36}} · running \d+:\d\d · process {child.pid}", lines[0])
    assert re.match(r"█+░+ \d+ % · 0 of 8 cells", lines[1])
    assert re.fullmatch(r"▸ 1\. toy of \w+: scan [12], \d+ of 100 parts", lines[2]), lines[2]
    assert re.fullmatch(r"  2\. toy of \w+: 4 cells wait", lines[3])


def test_without_a_terminal_each_change_is_a_line_until_the_run_ends(
    waiting_run: tuple[Path, Child], capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, child = waiting_run
    assert child.stdin is not None
    looks = []

    def go_on(_: float) -> None:
        """Instead of waiting: lets the run go on after the first look."""
        looks.append(1)
        if len(looks) == 1:
            child.stdin.close()
            child.wait(timeout=60)

    monkeypatch.setattr(watch.time, "sleep", go_on)
    assert main(["watch", "--store", str(path)]) == 0
    told = capfd.readouterr()
    lines = told.out.splitlines()
    assert re.search(r"1\. toy of \w+: scan [12], \d+ of 100 parts", lines[1])
    assert sum("4 of 4 cells" in line for line in lines) == 2, "both experiments came to their end"
    assert any("spreads most evenly" in line for line in lines)
    named = [line for line in lines if " toy of " in line]
    assert len(named) == len(set(named)) >= 3, "nothing is told twice"
    assert "has ended: 8 of 8 cells done; next: assay report" in told.err


def test_a_killed_run_is_told_as_such_with_the_way_on(
    waiting_run: tuple[Path, Child], capsys: pytest.CaptureFixture[str]
) -> None:
    path, child = waiting_run
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert main(["watch", "--store", str(path)]) == 3
    told = capsys.readouterr()
    assert " · killed\n" in told.out and "left" not in told.out
    assert "was killed: its process is gone; what it had measured is kept; go on with: " in told.err
    assert "--resume" in told.err


def test_a_killed_run_is_not_taken_for_a_newer_one_that_goes_on(
    waiting_run: tuple[Path, Child],
    table: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, child = waiting_run
    child.kill()
    child.wait()
    main(["watch", "--store", str(path), "--once"])
    (killed,) = re.findall(r"run ([0-9a-f-]{36}) ·", capsys.readouterr().out)
    newer = subprocess.Popen(
        [sys.executable, str(HERE / "killed_run.py"), str(path), str(table), "3"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert newer.stdout is not None and newer.stdin is not None
    try:
        assert newer.stdout.readline() == b"waiting\n"
        monkeypatch.setattr(watch, "SUPERSEDED_S", -1.0)
        assert main(["watch", killed, "--store", str(path)]) == 3
        assert f"process {newer.pid} writes this store for a newer run" in capsys.readouterr().err
        assert main(["watch", "--store", str(path), "--once"]) == 0, "the newest run is alive"
    finally:
        newer.kill()
        newer.wait()
        newer.stdin.close()
        newer.stdout.close()
