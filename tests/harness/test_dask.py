"""Spans on a real Dask cluster: the same bits as here, lost workers, and clusters that cannot be used."""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from test_runner import OFF, RESULTS, SERIES, measured

pytest.importorskip("distributed")

from dask_on_loopback import LoopbackCluster, dask_cluster, sees_no_files

import assay
from assay.errors import ParameterError, UsageError
from assay.harness import dask_cluster as clusters
from assay.harness import make_executor, run_suite, suite_from_dict
from assay.harness.executors import opened_executor
from assay.harness.progress import SilentProgress
from assay.harness.spans import Parcel
from assay.store import Store


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoopbackCluster]:
    with dask_cluster(tmp_path_factory.mktemp("dask"), workers=2) as running:
        yield running


class KillingProgress(SilentProgress):
    """Kills workers once so many spans have been committed, and remembers which those were."""

    def __init__(self, store: Store, pids: list[int], after: int) -> None:
        super().__init__()
        self.store, self.pids, self.left = store, pids, after
        self.committed: list[tuple[int, int]] = []

    def advance(self, steps: int = 1, *, description: str | None = None) -> None:
        self.left -= steps
        if self.left <= 0 and self.pids:
            rows = self.store.query("SELECT stage, span FROM block").to_pylist()
            self.committed = [(row["stage"], row["span"]) for row in rows]
            for pid in self.pids:
                os.kill(pid, signal.SIGKILL)
            self.pids = []


def journal_of(path: Path) -> Counter[tuple[int, int]]:
    """How often each span of fifty rows was begun, by (stage, span)."""
    counts: Counter[tuple[int, int]] = Counter()
    for line in path.read_text().splitlines():
        stage, first_row = map(int, line.split())
        if first_row % 50 == 0:
            counts[stage, first_row // 50] += 1
    return counts


def test_a_cluster_gives_the_same_bits_as_this_process(content: dict[str, Any], cluster: LoopbackCluster) -> None:
    whole = measured(content)
    with make_executor(f"dask:{cluster.address}") as executor, Store(None) as store:
        assert run_suite(suite_from_dict(content), store, timing=OFF, span_rows=50, executor=executor).status == "done"
        assert (store.query(RESULTS).to_pylist(), store.query(SERIES).to_pylist()) == whole
        pids = store.query("SELECT DISTINCT pid FROM block")["pid"].to_pylist()
        assert set(pids) <= set(cluster.pids)


def test_learned_bytes_reach_the_workers_through_dask_and_not_by_a_file(
    content: dict[str, Any], cluster: LoopbackCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.harness.span_runner._INLINE_BYTES", 1)
    monkeypatch.setattr("tempfile.TemporaryDirectory", None)
    whole = measured(content)
    with make_executor(f"dask:{cluster.address}") as executor:
        assert measured(content, span_rows=100, executor=executor) == whole


def test_a_killed_worker_costs_only_what_it_had_not_delivered(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = measured(content)
    journal = tmp_path / "journal"
    journal.touch()
    with (
        dask_cluster(tmp_path, workers=2, environment={"TOY_JOURNAL": str(journal)}) as running,
        Store(tmp_path / "r.duckdb") as store,
        make_executor(f"dask:{running.address}") as executor,
    ):
        progress = KillingProgress(store, running.pids[:1], after=7)
        outcome = run_suite(
            suite_from_dict(content), store, timing=OFF, span_rows=50, executor=executor, progress=progress
        )
        assert outcome.status == "done" and progress.messages == []
        assert running.workers[0].wait(10) == -signal.SIGKILL
        assert (store.query(RESULTS).to_pylist(), store.query(SERIES).to_pylist()) == whole
        blocks = store.query("SELECT stage, span, pid FROM block").to_pylist()
    assert Counter((row["stage"], row["span"]) for row in blocks) == Counter(
        (s, p) for s in range(2) for p in range(20)
    )
    assert {row["pid"] for row in blocks} <= set(running.pids)  # nothing was measured here
    counts = journal_of(journal)
    assert len(progress.committed) >= 7
    assert [span for span in progress.committed if counts[span] != 1] == []  # what was committed is not redone
    assert sum(counts.values()) <= 40 + 2 * executor._max_workers


def test_a_run_goes_on_here_when_all_workers_are_gone(
    content: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clusters, "GRACE_S", 1.0)
    monkeypatch.setattr("assay.harness.span_runner._LOOK_S", 0.2)
    whole = measured(content)
    with (
        dask_cluster(tmp_path, workers=1) as running,
        Store(tmp_path / "r.duckdb") as store,
        make_executor(f"dask:{running.address}") as executor,
    ):
        progress = KillingProgress(store, running.pids, after=5)
        outcome = run_suite(
            suite_from_dict(content), store, timing=OFF, span_rows=50, executor=executor, progress=progress
        )
        assert outcome.status == "done"
        assert (store.query(RESULTS).to_pylist(), store.query(SERIES).to_pylist()) == whole
        pids = set(store.query("SELECT DISTINCT pid FROM block")["pid"].to_pylist())
        assert pids == {running.pids[0], os.getpid()}
    [message] = progress.messages
    assert "has no workers left" in message and "going on in this process" in message


def test_what_was_shared_is_shared_anew_when_its_holders_are_gone(cluster: LoopbackCluster) -> None:
    with make_executor(f"dask:{cluster.address}") as executor:
        assert isinstance(executor, clusters.DaskExecutor)
        parcel = Parcel.of(b"x" * 200_000)
        executor.share(parcel)
        assert executor.submit(Parcel.read, parcel).result(30) == parcel.data
        executor.forget_shared()
        executor.share(parcel)
        assert executor.submit(Parcel.read, parcel).result(30) == parcel.data


def test_errors_of_workers_are_told_once_and_not_logged_by_them(
    content: dict[str, Any], cluster: LoopbackCluster
) -> None:
    content["experiment"][0]["fault"] = "raise_elsewhere"
    whole = measured({**content, "experiment": [{**content["experiment"][0], "fault": "none"}]})
    progress = SilentProgress()
    with make_executor(f"dask:{cluster.address}") as executor:
        assert measured(content, span_rows=500, executor=executor, progress=progress) == whole
    assert any("this worker has no disk" in message for message in progress.messages)
    assert "this worker has no disk" not in cluster.log.read_text()


def test_what_only_this_process_knows_is_measured_here(content: dict[str, Any], cluster: LoopbackCluster) -> None:
    content["experiment"][0]["fault"] = "unknown_elsewhere"
    whole = measured(content)
    progress = SilentProgress()
    with make_executor(f"dask:{cluster.address}") as executor:
        assert measured(content, span_rows=500, executor=executor, progress=progress) == whole
    assert any("going on in this process" in message for message in progress.messages)


def test_a_file_that_workers_do_not_see_is_refused(
    content: dict[str, Any], cluster: LoopbackCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.harness.span_runner.open_work", sees_no_files)
    with make_executor(f"dask:{cluster.address}") as executor, Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=OFF, executor=executor)
    [error] = {failure.error for failure in outcome.failures}
    assert outcome.exit_code == 2
    assert error.startswith("the Dask worker tcp://127.0.0.1") and "keys.parquet: there is no such file" in error


def test_a_table_in_memory_that_workers_do_not_see_is_measured_here(
    content: dict[str, Any], table: Path, cluster: LoopbackCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    content["experiment"][0]["dataset"] = pq.read_table(table)
    whole = measured(content)
    with make_executor(f"dask:{cluster.address}") as executor:
        assert measured(content, span_rows=100, executor=executor) == whole  # they see the same temporary files
        monkeypatch.setattr("assay.harness.span_runner.open_work", sees_no_files)
        progress = SilentProgress()
        assert measured(content, span_rows=100, executor=executor, progress=progress) == whole
    [message] = progress.messages
    assert "is a table in memory" in message


@pytest.mark.parametrize(
    ("package", "version", "message"),
    [
        ("assay", "9.9.9", r"has assay 0\.\S+, and this process 9\.9\.9, and 1 more disagree; install the same on all"),
        ("pyarrow", "1.0", r"has pyarrow \S+, and this process 1\.0"),
        ("Python", "2.7", r"has Python 3\.\d+, and this process 2\.7"),
    ],
)
def test_workers_of_another_version_are_refused(
    cluster: LoopbackCluster, monkeypatch: pytest.MonkeyPatch, package: str, version: str, message: str
) -> None:
    from distributed import Client

    real = clusters._version_probe
    monkeypatch.setattr(clusters, "own_versions", lambda: {**real()(), package: version})
    with pytest.raises(UsageError, match=message):
        make_executor(f"dask:{cluster.address}")
    with Client(cluster.address, set_as_default=False) as client, pytest.raises(UsageError, match=message):
        assay.compare("partitioning", "zipf(rows=1000, seed=7)", strategies=["hash(key)"], executor=client)


def test_workers_without_assay_are_refused(tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text("import sys\nsys.modules['assay'] = None\n")
    path = os.pathsep.join([str(hidden), *[entry for entry in __import__("sys").path if entry]])
    with (
        dask_cluster(tmp_path, workers=1, environment={"PYTHONPATH": path}) as running,
        pytest.raises(UsageError, match=r"has no assay, or one that cannot be imported; install the same"),
    ):
        make_executor(f"dask:{running.address}")


def test_a_client_and_its_executor_are_executors_too(cluster: LoopbackCluster) -> None:
    from distributed import Client

    wanted = assay.compare("partitioning", "zipf(rows=3000, seed=7)", strategies=["hash(key)"], timing=False)
    with Client(cluster.address, set_as_default=False) as client:
        for given in (client, client.get_executor()):
            found = assay.compare(
                "partitioning", "zipf(rows=3000, seed=7)", strategies=["hash(key)"], timing=False, executor=given
            )
            assert found.to_arrow().equals(wanted.to_arrow())
            assert set(found.store.query("SELECT pid FROM block")["pid"].to_pylist()) <= set(cluster.pids)
        assert client.status == "running"  # it is the caller's


def test_workers_use_as_many_threads_as_they_have(cluster: LoopbackCluster) -> None:
    from toy_experiment import worker_facts

    with make_executor(f"dask:{cluster.address}") as executor:
        pid, polars_threads, arrow_threads = executor.submit(worker_facts).result(30)
    assert pid in cluster.pids and (polars_threads, arrow_threads) == ("1", 1)


@pytest.mark.parametrize(
    ("spelling", "message"),
    [
        ("dask:", "expected a scheduler's address"),
        ("dask:local:2", "for processes on this machine: --executor processes"),
        ("dask:none.json", r"there is no scheduler file none\.json"),
        ("dask:tcp://127.0.0.1:9", r"no Dask scheduler can be reached at tcp://127\.0\.0\.1:9 within 0\.3 s"),
        ("dask", "expected inline, threads, processes or dask:ADDRESS"),
    ],
)
def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, spelling: str, message: str) -> None:
    monkeypatch.setattr(clusters, "CONNECT_S", 0.3)
    with pytest.raises(UsageError, match=message):
        make_executor(spelling)


def test_what_is_no_executor_is_told() -> None:
    with (
        pytest.raises(ParameterError, match=r"executor is 3; expected a concurrent\.futures\.Executor"),
        opened_executor(3),
    ):
        pass
