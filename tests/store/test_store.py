"""The results file: one writer, many readers, whole batches, safe names, and clear refusals."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import subprocess
import sys
import threading
from importlib import resources
from pathlib import Path

import duckdb
import pytest
from made_runs import METRICS, begin, block

from assay.errors import StoreError, UsageError
from assay.experiments.base import Findings, Point, Value
from assay.harness.records import StageRecord
from assay.store import Store, database, schema

HOSTILE = """x'"; DROP TABLE run; --<script>alert(1)</script>\u2028 \\ %s ?"""
# A process that holds the file until a line arrives, or its input ends.
HOLDER = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1]{options})
print('open', flush=True)
sys.stdin.readline()
connection.close()
"""


def test_a_hostile_name_is_a_value_everywhere(tmp_path: Path) -> None:
    with Store(tmp_path / 'it\'s "odd" <b>.duckdb') as store:
        run_id = begin(store, HOSTILE, (HOSTILE, "b"))
        findings = Findings([Value(HOSTILE, "load", 0.5, note=HOSTILE)], [Point(HOSTILE, HOSTILE, 0, HOSTILE, 1.0)])
        store.commit_findings(run_id, 0, findings, METRICS)
        [row] = store.query("SELECT * FROM result WHERE contender = ?", [HOSTILE]).to_pylist()
        assert (row["contender"], row["dataset"], row["note"]) == (HOSTILE, HOSTILE, HOSTILE)
        assert json.loads(row["parameters"]) == {"n": HOSTILE}
        assert store.query("SELECT label FROM series_point").to_pylist() == [{"label": HOSTILE}]
        assert store.unfinished_run(HOSTILE) is not None


def test_metrics_carry_their_declaration_also_with_a_variable_part() -> None:
    with Store(None) as store:
        run_id = begin(store)
        findings = Findings(
            [Value("a", "moved_share.add_one", 1), Value("b", "load", None, note="no key")], (), {"b": "e"}
        )
        store.commit_findings(run_id, 0, findings, METRICS)
        rows = store.query("SELECT metric, unit, kind, value, note FROM result ORDER BY metric").to_pylist()
        assert rows == [
            {"metric": "load", "unit": "share", "kind": "exact", "value": None, "note": "no key"},
            {"metric": "moved_share.add_one", "unit": "share", "kind": "exact", "value": 1.0, "note": None},
        ]
        assert store.query("SELECT contender, error FROM failure").to_pylist() == [{"contender": "b", "error": "e"}]
        [state] = store.experiment_states(run_id)
        assert (state.measured, state.answered, state.failures) == (True, False, {"b": "e"})
        with pytest.raises(AssertionError, match="nonsense is not declared"):
            store.commit_findings(run_id, 0, Findings([Value("a", "nonsense", 1)]), METRICS)


def test_a_row_twice_is_refused_and_its_batch_is_absent(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    store = Store(path)
    run_id = begin(store)
    store.commit_blocks(run_id, [block(0)])
    store.flush()
    store.commit_blocks(run_id, [block(1), block(0)])
    with pytest.raises(duckdb.ConstraintException):
        store.flush()
    store.close()
    assert Store.read_only(path).query("SELECT span FROM block").to_pylist() == [{"span": 0}]


@pytest.mark.parametrize(("cost_s", "interval"), [(0.0, 1.0), (0.03, 3.0), (9.0, 5.0)])
def test_a_write_costs_at_most_a_hundredth_of_the_time_and_comes_every_five_seconds_at_least(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cost_s: float, interval: float
) -> None:
    clock, used = [100.0], [0.0]
    monkeypatch.setattr(database.time, "monotonic", lambda: clock[0])

    def thread_time() -> float:  # read before and after a write
        used[0] += cost_s
        return used[0]

    monkeypatch.setattr(database.time, "thread_time", thread_time)
    path = tmp_path / "r.duckdb"
    with Store(path) as store:
        run_id = begin(store)
        clock[0] += interval - 0.01
        store.commit_blocks(run_id, [block(0)])
        assert Store.read_only(path).query("SELECT span FROM block").num_rows == 0
        clock[0] += 0.02
        store.commit_blocks(run_id, [block(1)])
        assert Store.read_only(path).query("SELECT span FROM block").num_rows == 2


def test_writes_come_at_most_once_a_second_and_at_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [100.0]
    monkeypatch.setattr(database.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(database.time, "thread_time", lambda: 0.0)  # writing costs nothing
    path = tmp_path / "r.duckdb"
    reader = lambda: Store.read_only(path).query("SELECT count(*) AS n FROM block").to_pylist()[0]["n"]  # noqa: E731
    with Store(path) as store:
        run_id = begin(store)
        for span in range(5):
            clock[0] += 0.1
            store.commit_blocks(run_id, [block(span)])
        assert reader() == 0
        clock[0] += 0.6
        store.commit_blocks(run_id, [block(5)])
        assert reader() == 6
        store.commit_blocks(run_id, [block(6)])
        assert reader() == 6
    assert reader() == 7


def test_a_reader_that_holds_the_file_delays_the_writer_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    script = HOLDER.format(options=", read_only=True")
    with Store(path) as store:
        run_id = begin(store)
        reader = subprocess.Popen(
            [sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert reader.stdout is not None
        assert reader.stdout.readline() == b"open\n"
        store._flushed_at = 0.0
        store.commit_blocks(run_id, [block(0)])  # cannot be written now, and does not wait
        assert len(store._pending) == 1
        reader.communicate(b"")
        store.commit_blocks(run_id, [block(1)])
        assert store.query("SELECT count(*) AS n FROM block").to_pylist() == [{"n": 2}]


def test_a_reader_waits_for_a_writer_s_short_open(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with Store(path):
        pass
    script = HOLDER.format(options="")
    writer = subprocess.Popen([sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdout is not None and writer.stdin is not None
    assert writer.stdout.readline() == b"open\n"
    release = threading.Timer(0.2, lambda: (writer.stdin.write(b"\n"), writer.stdin.flush()))
    release.start()
    assert Store.read_only(path).query("SELECT count(*) AS n FROM run").to_pylist() == [{"n": 0}]
    release.join()
    writer.communicate()


def test_a_writer_that_never_lets_go_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "r.duckdb"
    with Store(path):
        pass
    monkeypatch.setattr(database, "READER_PATIENCE_S", 0.05)
    script = HOLDER.format(options="")
    writer = subprocess.Popen([sys.executable, "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    with pytest.raises(StoreError, match=f"is held open by process {writer.pid}; wait"):
        Store.read_only(path)
    writer.communicate(b"")


def test_a_second_look_at_a_file_does_not_let_a_writer_into_what_is_being_read(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    Store(path).close()
    writer = f"import duckdb; duckdb.connect({str(path)!r})"
    with Store.read_only(path) as one, one.snapshot(), Store.read_only(path) as other, other.snapshot():
        assert one.query("FROM run").num_rows == other.query("FROM run").num_rows == 0
        refused = subprocess.run([sys.executable, "-c", writer], capture_output=True, text=True, check=False)
    assert "lock" in refused.stderr
    assert subprocess.run([sys.executable, "-c", writer], check=False).returncode == 0


def test_who_only_looks_whether_a_store_is_written_keeps_no_writer_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.duckdb"
    left_behind = path.with_name("r.duckdb.lock")
    left_behind.write_text("999999\n")
    looking = left_behind.open("r+")  # as `lock_holder` does, for a moment
    fcntl.flock(looking, fcntl.LOCK_EX)
    monkeypatch.setattr("assay.store.lock.time.sleep", lambda _: looking.close())
    Store(path).close()


def test_a_second_writer_is_refused_and_a_stale_lock_is_not_in_the_way(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with Store(path), pytest.raises(StoreError, match="by this process itself"):
        Store(path)
    (tmp_path / "r.duckdb.lock").write_text("999999\n")  # left behind by a killed process
    with Store(path) as store:
        assert (tmp_path / "r.duckdb.lock").read_text() == f"{os.getpid()}\n"
        begin(store)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["r.duckdb"]


@pytest.mark.parametrize("open_store", [Store, Store.read_only])
def test_a_file_that_is_no_store_is_refused_and_left_untouched(tmp_path: Path, open_store: object) -> None:
    text = tmp_path / "text.duckdb"
    text.write_text("hello " * 1000)
    foreign = tmp_path / "foreign.duckdb"
    with duckdb.connect(str(foreign)) as connection:
        connection.execute("CREATE TABLE customers (name VARCHAR)")
    before = {path: path.read_bytes() for path in (text, foreign)}
    for path, words in ((text, "is not a DuckDB file"), (foreign, "something else .its tables: customers")):
        with pytest.raises(StoreError, match=f"{path.name} {words}|{words}"):
            open_store(path)  # type: ignore[operator]
    assert {path: path.read_bytes() for path in before} == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["foreign.duckdb", "text.duckdb"]


def test_other_impossible_files_say_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "empty.duckdb").touch()
    with pytest.raises(StoreError, match="is an empty file"):
        Store(tmp_path / "empty.duckdb")
    with pytest.raises(StoreError, match="is a folder"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="cannot be written: No such file or directory"):
        Store(tmp_path / "no" / "r.duckdb")
    with pytest.raises(StoreError, match="there is no store"):
        Store.read_only(tmp_path / "r.duckdb")
    assert [file.name for file in tmp_path.iterdir()] == ["empty.duckdb"]


def test_a_newer_schema_is_refused_by_writer_and_reader(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    with Store(path):
        pass
    with duckdb.connect(str(path)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
        connection.execute("UPDATE meta SET value = '9.9' WHERE key = 'tool_version'")
    for open_store in (Store, Store.read_only):
        with pytest.raises(StoreError, match=r"schema version 99, written by assay 9\.9.*upgrade assay"):
            open_store(path)


def test_an_older_store_is_copied_and_upgraded_and_a_failed_upgrade_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "r.duckdb"
    with Store(path) as store:
        run_id = begin(store)
    first = schema.migrations()
    broken = schema.Migration(len(first) + 1, "broken", "ALTER TABLE run ADD COLUMN colour VARCHAR; SELECT nonsense;")
    monkeypatch.setattr(schema, "migrations", lambda: [*first, broken])
    with pytest.raises(StoreError, match="cannot be used"):
        Store(path)
    good = schema.Migration(len(first) + 1, "colour", "ALTER TABLE run ADD COLUMN colour VARCHAR DEFAULT 'red';")
    monkeypatch.setattr(schema, "migrations", lambda: [*first, good])
    monkeypatch.setattr(database, "migrations", lambda: [*first, good])
    with Store.read_only(path) as reader:  # a reader upgrades too, by the writer's way in
        assert reader.query("SELECT run_id, colour FROM run").to_pylist() == [{"run_id": run_id, "colour": "red"}]
        assert reader.query("SELECT value FROM meta WHERE key = 'schema_version'").to_pylist() == [
            {"value": str(len(first) + 1)}
        ]
    with duckdb.connect(str(tmp_path / f"r.duckdb.backup-v{len(first)}"), read_only=True) as backup:
        assert backup.execute("SELECT run_id FROM run").fetchall() == [(run_id,)]
        assert "colour" not in [column[0] for column in backup.execute("DESCRIBE run").fetchall()]


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_query_cannot_write_and_its_mistakes_are_the_user_s(tmp_path: Path, in_memory: bool) -> None:
    with Store(None if in_memory else tmp_path / "r.duckdb") as store:
        begin(store)
        for sql in ("DELETE FROM run", "DROP TABLE run", "CREATE TABLE x (a INTEGER)", "UPDATE run SET seed = 2"):
            with pytest.raises(UsageError, match="would change the store"):
                store.query(sql)
        with pytest.raises(UsageError, match="syntax error"):
            store.query("SELEC 1")
        with pytest.raises(UsageError, match="nothing_here"):
            store.query("SELECT * FROM nothing_here")
        assert store.query("SELECT ? AS a, ? AS b", [1, "x"]).to_pylist() == [{"a": 1, "b": "x"}]
        assert store.query("SELECT count(*) AS n FROM run").to_pylist() == [{"n": 1}]


def test_every_view_can_be_read_and_is_documented() -> None:
    with Store(None) as store:
        names = store.query("SELECT view_name AS n FROM duckdb_views() WHERE NOT internal ORDER BY n")["n"].to_pylist()
        assert names == sorted(schema.views())
        for name in names:
            assert store.query(f"SELECT * FROM {name}").num_rows == 0
    for file in (resources.files("assay.store") / "views").iterdir():
        assert file.read_text(encoding="utf-8").startswith("-- "), file.name


def test_a_snapshot_shows_one_state_while_the_writer_collects(tmp_path: Path) -> None:
    with Store(tmp_path / "r.duckdb") as store:
        begin(store)
        with Store.read_only(tmp_path / "r.duckdb").snapshot() as reader:
            assert reader.query("SELECT count(*) AS n FROM cell").to_pylist() == [{"n": 2}]
            assert reader.query("SELECT count(*) AS n FROM cell").to_pylist() == [{"n": 2}]


def test_a_full_disk_raises_and_leaves_whole_batches_only(tmp_path: Path) -> None:
    # A limit on the size of files stands for the disk: the kernel refuses the write in the same way.
    path = tmp_path / "r.duckdb"
    with Store(path) as store:
        run_id = begin(store)
        store.begin_stage(run_id, StageRecord(0, 0, 100, 10))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    written = 0
    store = Store(path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 3_000_000, before[1]))
        with pytest.raises(StoreError, match=r"the disk that holds .* is full .* what was committed before is kept"):
            for batch in range(40):
                store.commit_blocks(run_id, [block(50 * batch + i, os.urandom(10_000)) for i in range(50)])
                store.flush()
                written += 50
        assert written > 0
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        store.close()
    rows = Store.read_only(path).query("SELECT count(*) AS n, max(span) AS last FROM block").to_pylist()
    assert rows == [{"n": written, "last": written - 1}]
    with Store(path) as store:  # and once there is room, writing goes on
        store.commit_blocks(run_id, [block(written)])
    assert Store.read_only(path).query("SELECT count(*) AS n FROM block").to_pylist() == [{"n": written + 1}]
