"""kill -9 in the middle of a run: what was committed is kept, and the rest is measured once."""

from __future__ import annotations

import os
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
