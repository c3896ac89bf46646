"""kill -9 in the middle of a run: what was committed is kept, and the rest is measured once."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from killed_run import content

from assay.errors import StoreError
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.store import Store

OFF = TimingSettings.off()
RESULTS = """SELECT experiment_index, contender, parameters, metric, value, note FROM result ORDER BY ALL"""
EXACT = """SELECT experiment_index, contender, parameters, metric, value, note FROM result WHERE kind = 'exact'
    ORDER BY ALL"""
SAMPLES = "SELECT * FROM sample ORDER BY experiment_index, process, round, position"
SERIES = (
    """SELECT experiment_index, contender, parameters, series, position, label, value FROM series_point ORDER BY ALL"""
)
BLOCKS = "SELECT experiment_index, stage, span, pid FROM block ORDER BY ALL"


@pytest.mark.parametrize("spans", [57, 130, 260])  # in stage 0, in stage 1, in the second experiment
def test_a_killed_run_resumes_to_the_results_of_an_undisturbed_one(tmp_path: Path, table: Path, spans: int) -> None:
    path = tmp_path / "r.duckdb"
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killed_run.py")), str(path), str(table), str(spans)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert child.stdout is not None and child.stdin is not None
    try:
        assert child.stdout.readline() == b"waiting\n"
        # While it runs, a reader reads and a second writer is refused.
        with Store.read_only(path) as reader:
            assert reader.query("SELECT status FROM run").to_pylist() == [{"status": "running"}]
            seen = reader.query(BLOCKS).num_rows
            assert 2 <= seen <= spans
        with pytest.raises(StoreError, match=f"is being written by process {child.pid};"):
            Store(path)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdin.close()
        child.stdout.close()

    suite = suite_from_dict(content(str(table)))
    with Store(None) as undisturbed:
        run_suite(suite, undisturbed, timing=OFF)
        wanted = [undisturbed.query(sql).to_pylist() for sql in (RESULTS, SERIES)]
    with Store(path) as store:
        before = store.query(BLOCKS).to_pylist()
        assert {row["pid"] for row in before} == {child.pid} and len(before) >= seen
        outcome = run_suite(suite, store, timing=OFF, span_rows=10, resume=True)
        assert outcome.status == "done"
        assert [store.query(sql).to_pylist() for sql in (RESULTS, SERIES)] == wanted
        after = store.query(BLOCKS).to_pylist()
        assert [row for row in after if row["pid"] == child.pid] == before  # none was measured twice
        keys = [(row["experiment_index"], row["stage"], row["span"]) for row in after]
        assert keys == [(e, s, p) for e in range(2) for s in range(2) for p in range(100)]
        assert store.query("SELECT count(*) AS n FROM run").to_pylist() == [{"n": 1}]


def test_a_signal_of_ctrl_c_ends_a_run_as_interrupted_and_resumable(tmp_path: Path, table: Path) -> None:
    path = tmp_path / "r.duckdb"
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("killed_run.py")), str(path), str(table), "70"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == b"waiting\n"
    child.send_signal(signal.SIGINT)
    _, errors = child.communicate(timeout=60)
    assert child.returncode == 1
    assert b"InterruptedRunError" in errors and b"--resume" in errors
    with Store.read_only(path) as reader:
        assert reader.query("SELECT status FROM run").to_pylist() == [{"status": "interrupted"}]
        assert reader.query(BLOCKS).num_rows == 70  # the last batch was written too
    assert not path.with_name("r.duckdb.lock").exists()


STEPS = 1 + 2 * (1 + 2 * 20)  # lines of an undisturbed run without timing: loaded, and each experiment with its spans


class Killed:
    """A run in a process of its own that is killed after so many of its steps, and then so many milliseconds."""

    def __init__(
        self, path: Path, table: Path, *, timed: bool, in_files: bool = False, file_bytes: int | None = None
    ) -> None:
        def limit() -> None:
            if file_bytes is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))

        script = str(Path(__file__).with_name("killed_anywhere.py"))
        self.process = subprocess.Popen(
            [
                sys.executable, script, str(path), str(table), "timed" if timed else "untimed",
                "files" if in_files else "rows",
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, bufsize=0,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, preexec_fn=limit,
        )  # fmt: skip

    def end(self, steps: int, milliseconds: float, how: signal.Signals = signal.SIGKILL) -> int:
        """Sends the signal; the exit code, and 0 if the run was faster."""
        assert self.process.stdout is not None
        for _ in range(steps):
            if not self.process.stdout.readline():
                break
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(milliseconds / 1000)
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=120)
        assert self.process.returncode in (0, -how, 3), errors.decode()
        return self.process.returncode


def wanted_results(table: Path) -> list[list[dict[str, object]]]:
    with Store(None) as undisturbed:
        run_suite(suite_from_dict(content(str(table))), undisturbed, timing=OFF)
        return [undisturbed.query(sql).to_pylist() for sql in (EXACT, SERIES)]


def check_resumed(path: Path, table: Path, wanted: list[list[dict[str, object]]], *, timed: bool) -> None:
    """Resumes whatever a kill has left and compares everything with an undisturbed run."""
    from killed_anywhere import TIMING

    with Store(path) as store:
        before = {(row["experiment_index"], row["stage"], row["span"]): row for row in store.query(BLOCKS).to_pylist()}
        answered = store.query("SELECT experiment_index, answers FROM experiment WHERE answers IS NOT NULL").to_pylist()
        samples = store.query(SAMPLES).to_pylist()
        unfinished = store.unfinished_run("killed") is not None
        if unfinished or not store.query("FROM run").num_rows:
            suite = suite_from_dict(content(str(table)))
            run_suite(suite, store, timing=TIMING if timed else OFF, span_rows=50, resume=unfinished)
        assert [store.query(sql).to_pylist() for sql in (EXACT, SERIES)] == wanted
        assert store.query("SELECT status, count(*) AS n FROM run GROUP BY 1").to_pylist() == [
            {"status": "done", "n": 1}
        ]
        assert store.query("SELECT status, count(*) AS n FROM cell GROUP BY 1").to_pylist() == [
            {"status": "done", "n": 8}
        ]
        after = {(row["experiment_index"], row["stage"], row["span"]): row for row in store.query(BLOCKS).to_pylist()}
        assert sorted(after) == [(e, s, p) for e in range(2) for s in range(2) for p in range(20)]
        assert {key: after[key] for key in before} == before, "what was committed was not measured twice"
        left = store.query("SELECT count(state) AS states, (SELECT count(learned) FROM stage) AS learned FROM block")
        assert left.to_pylist() == [{"states": 0, "learned": 0}]
        now = store.query("SELECT experiment_index, answers FROM experiment").to_pylist()
        assert all(row in now for row in answered), "what was answered stays as it was"
        kept = store.query(SAMPLES).to_pylist()
        assert kept[: len(samples)] == samples, "what was timed stays as it was"
        assert bool(kept) == timed
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name], "no lock, log or half file is left"


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_a_run_killed_at_a_random_moment_resumes_to_exact_results(tmp_path: Path, table: Path, moment: int) -> None:
    random_ = random.Random(1000 + moment)
    steps = moment * STEPS // 3 + random_.randrange(STEPS // 3)
    run = Killed(tmp_path / "r.duckdb", table, timed=False, in_files=moment == 1)
    run.end(steps, random_.uniform(0, 10))
    check_resumed(tmp_path / "r.duckdb", table, wanted_results(table), timed=False)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_fifty_kills_spread_over_runs_and_their_resumptions_lose_and_double_nothing(
    tmp_path: Path, table: Path
) -> None:
    wanted = wanted_results(table)
    moments, survived = 50, 0
    for moment in range(moments):
        random_ = random.Random(moment)
        path = tmp_path / str(moment) / "r.duckdb"
        path.parent.mkdir()
        timed, in_files = moment % 2 == 1, moment % 4 < 2
        steps = moment * (STEPS + 4 * timed) // moments
        run = Killed(path, table, timed=timed, in_files=in_files)
        code = run.end(steps, random_.uniform(0, 60 if timed else 15))
        if random_.random() < 0.4:  # the run that goes on is killed too
            again = Killed(path, table, timed=timed, in_files=in_files)
            again.end(random_.randrange(STEPS // 2), random_.uniform(0, 15))
        survived += code == 0
        check_resumed(path, table, wanted, timed=timed)
    assert survived < moments // 5, "the kills come before the end"


@pytest.mark.parametrize("steps", [5, 70])
def test_ctrl_c_at_a_random_moment_leaves_an_interrupted_run_that_resumes(
    tmp_path: Path, table: Path, steps: int
) -> None:
    path = tmp_path / "r.duckdb"
    code = Killed(path, table, timed=False).end(steps, random.Random(steps).uniform(0, 5), signal.SIGINT)
    with Store.read_only(path) as store:
        status = store.query("SELECT status FROM run").to_pylist()
    assert (code, status) in ((3, [{"status": "interrupted"}]), (0, [{"status": "done"}]))
    check_resumed(path, table, wanted_results(table), timed=False)


def test_a_run_on_a_disk_that_fills_up_says_so_and_resumes_once_there_is_room(tmp_path: Path, table: Path) -> None:
    # A limit on the size of files stands for the disk: the kernel refuses the write in the same way.
    path = tmp_path / "r.duckdb"
    Store(path).close()
    run = Killed(path, table, timed=False, file_bytes=15_000)  # its log would take twice as much
    _, errors = run.process.communicate(timeout=120)
    assert run.process.returncode == 1, "it fails before its end"
    assert b"StoreError: the disk that holds" in errors and b"free some space, then go on with" in errors
    with Store.read_only(path) as store:
        assert store.query("SELECT status FROM run").to_pylist() == [{"status": "running"}]
        assert store.query(BLOCKS).num_rows < 80
    check_resumed(path, table, wanted_results(table), timed=False)


def test_a_disk_that_is_full_from_the_start_leaves_no_store_behind(tmp_path: Path, table: Path) -> None:
    run = Killed(tmp_path / "r.duckdb", table, timed=False, file_bytes=100_000)
    _, errors = run.process.communicate(timeout=120)
    assert run.process.returncode == 1 and b"StoreError: the disk that holds" in errors
    assert not list(tmp_path.iterdir())
