"""Live timing processes: they alternate under one parent, and nothing of them outlives it."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from timed_work import Work

from assay.harness.timing_process import DeadProcessError, NotBuiltError, TimingProcess


def test_two_live_processes_in_two_folders_alternate_with_shared_calls(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with TimingProcess(Work(), cwd=old) as a, TimingProcess(Work(), cwd=new, environment={"ASSAY_TEST_MARK": "!"}) as b:
        assert [fact.cell_id for fact in a.kernels] == ["small", "old"]
        assert [fact.cell_id for fact in b.kernels] == ["small", "new!"]
        assert [fact.latency for fact in a.kernels] == ["sum_latency", None]
        found = a.calibrate(20_000)
        assert all(calls is not None and calls >= 1 for calls in found.iterations)
        assert all(ns is not None and ns >= 20_000 for ns in found.sample_ns)
        given = b.calibrate(20_000, found.iterations)
        assert (given.iterations, given.sample_ns) == (found.iterations, [None, None])
        for number in range(3):
            for process in (a, b):
                result = process.round([1, 0, 1], samples=3, singles=25 if number else 0)
                assert not result.failures
                assert [len(samples) for samples in result.ns] == [3, 3, 3]
                assert all(value > 0 for samples in result.ns for value in samples)
                assert {k: sum(v.values()) for k, v in result.latencies.items()} == ({0: 25} if number else {})


def test_a_process_that_cannot_build_says_why() -> None:
    process = TimingProcess(Work("not built"))
    with pytest.raises(NotBuiltError, match="ValueError: no such data"):
        _ = process.kernels
    process.close()


@pytest.mark.parametrize(("fault", "status"), [("dies building", 5), ("dies timed", 6)])
def test_a_process_that_dies_says_how_and_dies_only_once(fault: str, status: int) -> None:
    with TimingProcess(Work(fault)) as process:
        for _ in range(2):
            with pytest.raises(DeadProcessError, match=f"ended with status {status}"):
                process.calibrate(1000)


def test_an_interpreter_that_has_no_assay_is_dead_with_its_last_line(tmp_path: Path) -> None:
    with (
        TimingProcess(Work(), path=[str(tmp_path)]) as process,
        pytest.raises(DeadProcessError, match="ended with status 1: ModuleNotFoundError"),
    ):
        _ = process.kernels


def test_a_timing_process_ends_when_its_parent_is_killed() -> None:
    script = (
        "import sys; sys.path[:] = eval(sys.argv[1])\n"
        "from timed_work import Work\n"
        "from assay.harness.timing_process import TimingProcess\n"
        "process = TimingProcess(Work()); process.calibrate(1000)\n"
        "print(process._child.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, repr(sys.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 30
    while is_running(child):
        assert time.monotonic() < deadline, "the timing process outlived its parent"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether there is such a process that has not ended; one that waits for its burial has."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
