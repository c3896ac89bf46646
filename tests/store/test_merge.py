"""Runs of several stores in one: whole or not at all, twice changes nothing, and no source is touched."""

from __future__ import annotations

import math
import re
from pathlib import Path

import duckdb
import pytest
from made_runs import METRICS, begin, block, finish

from assay.cli import main
from assay.errors import StoreError, UsageError
from assay.experiments.base import Findings, Value
from assay.harness.records import StageRecord
from assay.store import Store, merging
from assay.store.merging import Merged, Refused, merge_stores, run_tables
from assay.store.salvage import salvage_stores


def made(path: Path, *names: str, load: float = 1.5) -> list[str]:
    """A store of finished runs; their ids."""
    with Store(path) as store:
        return [finish(store, begin(store, name), load=load) for name in names]


def merged(target: Path, *sources: Path) -> list[Merged | Refused]:
    with Store(target) as store:
        return merge_stores(store, sources)


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table but what is about the file itself."""
    with Store.read_only(path) as store, store.snapshot():
        tables = ["environment", "dataset", *run_tables(store)]
        return {
            name: sorted((tuple(row.values()) for row in store.query(f"FROM {name}").to_pylist()), key=repr)
            for name in tables
        }


def test_runs_of_two_stores_are_one_store_with_all_their_rows(tmp_path: Path) -> None:
    first, second, target = (tmp_path / f"{name}.duckdb" for name in "abt")
    one, two = made(first, "x", "y"), made(second, "z")
    before = {path: path.read_bytes() for path in (first, second)}
    outcomes = merged(target, first, second)
    assert outcomes == [Merged(str(first), tuple(sorted(one))), Merged(str(second), tuple(two))]
    rows = [content(path) for path in (first, second, target)]
    for table in set(rows[0]) - {"environment", "dataset"}:
        assert rows[2][table] == sorted(rows[0][table] + rows[1][table], key=repr), table
    assert {path: path.read_bytes() for path in before} == before
    with Store.read_only(target) as store:
        assert store.query("SELECT count(*) AS n FROM result").to_pylist() == [{"n": 6}]


def test_merging_twice_changes_nothing_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made(Path("a.duckdb"), "x", "y")
    assert main(["merge", "t.duckdb", "a.duckdb"]) == 0
    assert capsys.readouterr().out == "a.duckdb: 2 runs added\n"
    before = content(Path("t.duckdb"))
    assert main(["merge", "t.duckdb", "a.duckdb", "a.duckdb"]) == 0
    assert capsys.readouterr().out == "a.duckdb: 2 runs there already; nothing changed\n" * 2
    assert content(Path("t.duckdb")) == before


def test_a_number_that_is_none_equals_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.duckdb"
    with Store(path) as store:
        run_id = begin(store)
        store.commit_findings(run_id, 0, Findings([Value("a", "load", math.nan), Value("b", "load", None)]), METRICS)
        store.end_run(run_id, "done")
    merged(tmp_path / "t.duckdb", path)
    assert merged(tmp_path / "t.duckdb", path) == [Merged(str(path), present=(run_id,))]


def test_a_run_with_other_content_is_refused_and_its_store_stays_out_whole(tmp_path: Path) -> None:
    source, target = tmp_path / "a.duckdb", tmp_path / "t.duckdb"
    [run_id] = made(source, "x")
    merged(target, source)
    made(source, "y")
    with duckdb.connect(str(source)) as connection:
        connection.execute("UPDATE metric SET value = 9 WHERE cell_id = 'b'")
    before = content(target)
    [refused] = merged(target, source)
    assert isinstance(refused, Refused) and isinstance(refused.error, UsageError)
    assert re.search(f"the run {run_id} is in .*t.duckdb and in .*a.duckdb with other content", str(refused.error))
    assert content(target) == before, "the run that is not in question was left out too"


def test_the_sources_after_a_refused_one_are_still_brought(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made(Path("a.duckdb"), "x")
    Path("text.duckdb").write_text("no store " * 100)
    assert main(["merge", "t.duckdb", "text.duckdb", "missing.duckdb", "t.duckdb", "a.duckdb"]) == 3
    out, err = capsys.readouterr()
    assert out == "a.duckdb: 1 run added\n"
    assert "text.duckdb is not a DuckDB file" in err
    assert "there is no store missing.duckdb" in err
    assert "t.duckdb is the target itself" in err


def test_a_target_is_not_left_behind_where_nothing_could_be_brought(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["merge", "t.duckdb", "missing.duckdb"]) == 3
    assert main(["merge", "t.duckdb"]) == 2
    assert not list(tmp_path.iterdir())


def test_a_killed_run_comes_as_interrupted_with_its_spans_and_its_end_replaces_it(tmp_path: Path) -> None:
    source, target = tmp_path / "a.duckdb", tmp_path / "t.duckdb"
    with Store(source) as store:  # ended without a word, as by a kill
        run_id = begin(store)
        store.begin_stage(run_id, StageRecord(0, 0, 2, 10))
        store.commit_blocks(run_id, [block(0, b"kept")])
    assert merged(target, source) == [Merged(str(source), (run_id,), (run_id,))]
    with Store.read_only(target) as store:
        assert store.query("SELECT status FROM run").to_pylist() == [{"status": "interrupted"}]
        assert store.block_states(run_id, 0, 0, [0]) == {0: b"kept"}
    assert merged(target, source) == [Merged(str(source), present=(run_id,))]
    with Store(source) as store:
        finish(store, run_id)
    assert merged(target, source) == [Merged(str(source), replaced=(run_id,))]
    assert content(target) == content(source)


@pytest.mark.parametrize("change", ["seed = 2", "suite_hash = 'other'", "started = started + INTERVAL 1 second"])
def test_the_end_of_another_run_of_the_same_id_replaces_nothing(tmp_path: Path, change: str) -> None:
    source, target = tmp_path / "a.duckdb", tmp_path / "t.duckdb"
    with Store(source) as store:  # ended without a word
        run_id = begin(store)
    merged(target, source)
    with Store(source) as store:
        finish(store, run_id)
    with duckdb.connect(str(source)) as connection:
        connection.execute(f"UPDATE run SET {change}")
    before = content(target)
    [refused] = merged(target, source)
    assert isinstance(refused, Refused) and "with other content" in str(refused.error)
    assert content(target) == before


def test_a_finished_run_is_not_taken_back_to_where_it_had_been_killed(tmp_path: Path) -> None:
    source, target = tmp_path / "a.duckdb", tmp_path / "t.duckdb"
    with Store(source) as store:
        run_id = begin(store)
    merged(target, source)
    with Store(target) as store:  # resumed there
        finish(store, run_id)
    before = content(target)
    assert merged(target, source) == [Merged(str(source), present=(run_id,))]
    assert content(target) == before


@pytest.mark.parametrize("salvage", [False, True])
def test_a_run_whose_id_is_a_path_is_refused_and_no_file_is_written(tmp_path: Path, salvage: bool) -> None:
    source, target, victim = tmp_path / "a.duckdb", tmp_path / "deep" / "t.duckdb", tmp_path / "victim"
    target.parent.mkdir()
    with Store(source) as store:
        begin(store)
    with duckdb.connect(str(source)) as connection:
        for table in ("run", "experiment", "cell"):
            connection.execute(f"UPDATE {table} SET run_id = '../../victim'")
    victim.mkdir()
    (victim / "theirs").write_bytes(b"left alone")
    with Store(target) as store:
        [refused] = (salvage_stores if salvage else merge_stores)(store, [source])
        assert isinstance(refused, Refused) and "'../../victim', which assay gives to none" in str(refused.error)
        assert store.query("FROM run").num_rows == 0
        with pytest.raises(StoreError, match="do not trust it"):
            store.end_run("../../victim", "done")
    assert [file.name for file in victim.iterdir()] == ["theirs"]


def test_a_run_that_goes_on_now_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "a.duckdb"
    with Store(source) as store:
        run_id = begin(store)
        [refused] = merged(tmp_path / "t.duckdb", source)
        assert isinstance(refused, Refused)
        assert re.search(rf"the run {run_id} of .* goes on now \(process \d+ writes it\)", str(refused.error))
        finish(store, run_id)
        store.flush()
        assert merged(tmp_path / "t.duckdb", source) == [Merged(str(source), (run_id,))]


def test_a_failure_in_the_middle_leaves_nothing_of_a_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source, target = tmp_path / "a.duckdb", tmp_path / "t.duckdb"
    made(source, "x")
    with Store(target) as store:
        changes = merging.Change.apply
        monkeypatch.setattr(
            merging.Change,
            "apply",
            lambda self, connection: changes(self, connection) if "series" not in self.sql else 1 / 0,
        )
        with pytest.raises(ZeroDivisionError):
            merge_stores(store, [source])
        store._pending = []
        monkeypatch.undo()
    assert not any(rows for name, rows in content(target).items())


def test_a_newer_store_is_refused_and_an_empty_database_too(tmp_path: Path) -> None:
    newer, empty = tmp_path / "newer.duckdb", tmp_path / "empty.duckdb"
    made(newer, "x")
    with duckdb.connect(str(newer)) as connection:
        connection.execute("UPDATE meta SET value = '99' WHERE key = 'schema_version'")
    duckdb.connect(str(empty)).close()
    refused = merged(tmp_path / "t.duckdb", newer, empty)
    assert all(isinstance(one, Refused) and isinstance(one.error, StoreError) for one in refused)
    assert "schema version 99" in str(refused[0].error)  # type: ignore[union-attr]
    assert "holds no tables" in str(refused[1].error) or "without results" in str(refused[1].error)  # type: ignore[union-attr]


def test_every_table_belongs_to_runs_or_is_known_to_merge() -> None:
    with Store(None) as store:
        assert {"run", "cell", "metric", "sample"} <= set(run_tables(store))
