"""Stores of older schemas: upgraded with a backup, nothing lost, every view and verb works on them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import duckdb
import pytest
from made_runs import begin, finish

from assay.cli import main
from assay.errors import StoreError
from assay.store import Store, schema
from assay.store.merging import Merged, merge_stores
from assay.store.schema import migrations, views

RUN = "01a213b7-160b-7726-9d29-3bb7a179b0b6"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A store of schema version 1 with a timed run, as assay wrote it then."""
    path = tmp_path / "old.duckdb"
    first = (resources.files("assay.store") / "migrations" / "001_initial.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(path)) as connection:
        connection.execute(first)
        connection.execute(Path(__file__).with_name("schema_1.sql").read_text(encoding="utf-8"))
    return path


def rows(path: Path) -> dict[str, list[dict[str, Any]]]:
    """All rows of the tables of schema 1, in its columns."""
    with duckdb.connect(str(path), read_only=True) as connection:
        found = {}
        for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY 1").fetchall():
            if name != "meta":
                found[name] = connection.sql(f"SELECT * FROM {name} ORDER BY ALL").to_arrow_table().to_pylist()
    return found


def test_a_store_of_schema_1_is_upgraded_after_a_backup_and_loses_nothing(old: Path) -> None:
    content, before = old.read_bytes(), rows(old)
    with Store(old) as store:
        version = store.query("SELECT value FROM meta WHERE key = 'schema_version'")["value"].to_pylist()
        assert version == [str(len(migrations()))]
    backup = old.with_name("old.duckdb.backup-v1")
    assert backup.read_bytes() == content
    after = rows(old)
    for name, own in before.items():
        kept = [{column: row[column] for column in own[0]} for row in after[name]] if own else after[name]
        assert sorted(kept, key=repr) == sorted(own, key=repr), name
        new = {column: value for row in after[name] for column, value in row.items() if own and column not in own[0]}
        assert not any(new.values()), f"what schema 1 did not know of {name} is null"
    assert sorted(file.name for file in old.parent.iterdir()) == ["old.duckdb", "old.duckdb.backup-v1"]


def test_every_view_works_on_an_upgraded_store(old: Path) -> None:
    with Store.read_only(old) as store:  # a reader upgrades too
        counts = {name: store.query(f"SELECT * FROM {name}").num_rows for name in views()}
        assert counts["result"] == 40 and counts["run_summary"] == 1 and counts["expectation_check"] == 2
        assert counts["timed_summary"] and counts["timed_comparison"] and counts["series_point"]
        [run] = store.query("SELECT * FROM run_summary").to_pylist()
        assert (run["run_id"], run["suite_name"], run["status"], run["cells_done"]) == (RUN, "old", "done", 2)


def test_the_question_in_a_view_s_comment_has_an_answer(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    examples = [
        question for sql in views().values() for question in re.findall(r'^-- .*?assay sql "(.+?)"', sql, re.MULTILINE)
    ]
    assert len(examples) >= 5
    for question in examples:
        assert main(["sql", question, "--store", str(old), "--format", "json"]) == 0, question
        rows = json.loads(capsys.readouterr().out)
        # No cell of the old run failed, and schema 1 kept no latencies.
        assert rows or re.search(r"FROM (failure|latency_\w+)", question), question


def test_a_wrong_name_in_a_question_is_told_with_what_there_is(old: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sql", "SELECT * FROM reslt", "--store", str(old)]) == 2
    error = capsys.readouterr().err
    assert 'there is no table or view "reslt"; did you mean "result"?' in error
    assert all(name in error for name in (*views(), "sample", "calibration"))
    assert main(["sql", "SELECT nothing FROM result", "--store", str(old)]) == 2
    assert '`assay sql "DESCRIBE result"` lists the columns' in capsys.readouterr().err
    assert main(["sql", "DESCRIBE result", "--store", str(old)]) == 0
    assert "direction" in capsys.readouterr().out


@pytest.mark.parametrize("words", [["report", "-o", "page.html"], ["list", "runs"], ["export", "--format", "json"]])
def test_the_verbs_work_on_an_old_store(
    old: Path, words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(old.parent)
    assert main([*words, "--store", str(old)]) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


def test_an_old_source_is_upgraded_on_a_copy_when_it_is_merged(old: Path, tmp_path: Path) -> None:
    content = old.read_bytes()
    with Store(tmp_path / "target.duckdb") as target:
        finish(target, begin(target, "new"))
        assert merge_stores(target, [old]) == [Merged(str(old), (RUN,))]
        assert merge_stores(target, [old]) == [Merged(str(old), present=(RUN,))]
        assert target.query("SELECT count(*) AS n FROM timed_comparison")["n"].to_pylist() == [2]
    assert old.read_bytes() == content
    assert sorted(file.name for file in old.parent.iterdir()) == ["old.duckdb", "target.duckdb"]


def test_a_backup_of_other_bytes_is_not_overwritten(old: Path) -> None:
    again = old.with_name("again.duckdb")
    shutil.copyfile(old, again)
    Store(old).close()
    with duckdb.connect(str(again)) as connection:
        connection.execute("UPDATE run SET label = 'another'")
    content = again.read_bytes()
    again.replace(old)
    Store(old).close()
    first, second = (old.with_name(f"old.duckdb.backup-v1{number}") for number in ("", "-2"))
    assert second.read_bytes() == content != first.read_bytes()


def test_a_failed_upgrade_leaves_the_store_as_it_was(old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = rows(old)
    broken = schema.Migration(len(migrations()) + 1, "broken", "DROP TABLE metric; SELECT nonsense;")
    known = [*migrations(), broken]
    monkeypatch.setattr(schema, "migrations", lambda: known)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(old)
    assert rows(old) == before


def test_the_log_of_a_killed_writer_is_in_the_backup(old: Path) -> None:
    # A writer that is killed leaves its last commits in a log beside the file.
    script = (
        "import duckdb, os, signal, sys\n"
        "connection = duckdb.connect(sys.argv[1])\n"
        "connection.execute(\"UPDATE run SET label = 'late'\")\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", script, str(old)], check=False)
    assert old.with_name("old.duckdb.wal").exists()
    with Store(old) as store:
        assert store.query("SELECT label FROM run").to_pylist() == [{"label": "late"}]
    with duckdb.connect(str(old.with_name("old.duckdb.backup-v1")), read_only=True) as backup:
        assert backup.execute("SELECT label FROM run").fetchall() == [("late",)]
