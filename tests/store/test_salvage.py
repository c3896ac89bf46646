"""A damaged store: a clear error that says what can be read, and the way to read it, which never changes the file.

Where a table lies in the file is found by damaging block after block, so that these tests depend on no layout.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from made_runs import begin, finish

from assay.cli import main
from assay.errors import StoreError
from assay.store import Store
from assay.store import salvage as salvage_module
from assay.store.merging import Merged, Refused
from assay.store.salvage import salvage_stores

HEADER, BLOCK = 4096, 262_144
CONTENDERS = tuple(f"contender-{i}" for i in range(300))
COUNTED = ("run", "experiment", "cell", "metric", "series")
FULL = {"run": 2, "experiment": 2, "cell": 600, "metric": 600, "series": 1800}
# A writer that is killed before its log has gone into the file.
KILLED = """
import duckdb, os, signal, sys
connection = duckdb.connect(sys.argv[1])
for place in range(20):
    connection.execute("INSERT INTO environment SELECT ? || '-' || i, '{}' FROM range(50) t(i)", [str(place)])
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a store of two runs."""
    path = tmp_path_factory.mktemp("sound") / "r.duckdb"
    for name in ("first", "second"):
        with Store(path) as store:
            finish(store, begin(store, name, CONTENDERS))
    return path.read_bytes()


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1 :]


def salvaged(path: Path) -> tuple[Merged | Refused, dict[str, int], list[dict[str, Any]]]:
    """What became of a damaged store: the outcome, the rows of each table, and the results."""
    before = path.read_bytes()
    with Store(None) as target:
        [outcome] = salvage_stores(target, [path])
        counts = {name: target.query(f"SELECT count(*) AS n FROM {name}")["n"][0].as_py() for name in COUNTED}
        results = target.query("SELECT contender, metric, value FROM result ORDER BY ALL").to_pylist()
    assert path.read_bytes() == before, "the damaged file is left as it is"
    return outcome, counts, results


def broken_tables(path: Path) -> list[str] | None:
    """The tables that cannot be read; None if the file does not open."""
    try:
        with duckdb.connect(str(path), read_only=True) as connection:
            names = [name for (name,) in connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
            return [name for name in names if not readable(connection, name)]
    except duckdb.Error:
        return None


def readable(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    try:
        connection.execute(f"SELECT * FROM {table}").fetchall()
    except duckdb.Error:
        return False
    return True


def damaged_blocks(content: bytes, path: Path) -> Iterator[list[str] | None]:
    """Damages one block after the other; what cannot be read then."""
    for place in range(3 * HEADER, len(content), BLOCK):
        path.write_bytes(flipped(content, place + 1000))
        yield broken_tables(path)


def test_a_sound_store_is_salvaged_whole_and_unmarked(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "r.duckdb"
    path.write_bytes(sound)
    outcome, counts, results = salvaged(path)
    assert isinstance(outcome, Merged) and not outcome.notes and counts == FULL
    with Store.read_only(path) as store:
        assert results == store.query("SELECT contender, metric, value FROM result ORDER BY ALL").to_pylist()


@pytest.mark.parametrize("place", [0, 8, 20], ids=["checksum", "magic", "content"])
def test_a_damaged_first_header_costs_nothing(tmp_path: Path, sound: bytes, place: int) -> None:
    path = tmp_path / "r.duckdb"
    path.write_bytes(flipped(sound, place))
    with pytest.raises(StoreError, match=r"(is damaged|is not a DuckDB file).*assay merge NEW\.duckdb .* --salvage"):
        Store.read_only(path)
    outcome, counts, _ = salvaged(path)
    assert counts == FULL
    assert isinstance(outcome, Merged) and outcome.notes == ("its first header is damaged; it was read with a new one",)


def test_of_two_headers_of_checkpoints_one_suffices(tmp_path: Path, sound: bytes) -> None:
    counts = []
    for place in (HEADER, 2 * HEADER):
        path = tmp_path / f"{place}.duckdb"
        path.write_bytes(flipped(sound, place + 20))
        with pytest.raises(StoreError, match=r"is damaged .* of its \d+ tables can be read whole; the header of"):
            Store(path)
        outcome, found, _ = salvaged(path)
        assert isinstance(outcome, Merged) and "it was read as of the other one" in outcome.notes[0]
        counts.append(found)
    assert FULL in counts, "the newer header leads to everything"
    older = counts[1 - counts.index(FULL)]
    assert older["run"] == 2 and older["metric"] >= 300, "the older one to what the checkpoint before held"


def test_a_damaged_block_costs_the_columns_in_it_and_no_more(
    tmp_path: Path, sound: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.duckdb"
    met: set[str] = set()
    for broken in damaged_blocks(sound, path):
        if not broken or broken[0] not in ("metric", "series", "run", "cell") or broken[0] in met:
            continue
        met.add(broken[0])
        assert main(["sql", f"SELECT * FROM {broken[0]}", "--store", str(path)]) == 3
        assert re.search(
            r"is damaged .*; \d+ of its \d+ tables can be read whole; `assay merge", capsys.readouterr().err
        )
        outcome, counts, results = salvaged(path)
        assert isinstance(outcome, Merged) and outcome.notes
        assert any(re.match(rf"{broken[0]}[.:]", note) for note in outcome.notes)
        whole = {name: count for name, count in counts.items() if name not in broken}
        assert whole == {name: FULL[name] for name in whole}, "the other tables are whole"
        assert counts["run"] == 2 and counts["cell"] == 600, "what other rows name is made anew"
        if broken[0] in ("run", "series"):
            assert len(results) == 600
    assert {"metric", "series", "run", "cell"} <= met


def test_a_truncated_store_is_read_as_far_as_it_goes(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "r.duckdb"
    seen = set()
    for share in (0.9, 0.4, 0.05):
        path.write_bytes(sound[: int(len(sound) * share)])
        outcome, counts, _ = salvaged(path)
        if isinstance(outcome, Refused):
            assert re.search(r"nothing of .*r.duckdb can be read.*restore it from a copy", str(outcome.error))
        else:
            assert all(counts[name] <= FULL[name] for name in counts)
        seen.add(isinstance(outcome, Refused))
    assert seen == {True, False}


@pytest.mark.parametrize("size", [0, 100, HEADER, 3 * HEADER])
def test_a_store_of_headers_alone_says_so_and_names_the_backups(tmp_path: Path, sound: bytes, size: int) -> None:
    path = tmp_path / "r.duckdb"
    path.write_bytes(sound[:size])
    (tmp_path / "r.duckdb.backup-v1").write_bytes(sound)
    with pytest.raises(StoreError):
        Store.read_only(path)
    outcome, _, _ = salvaged(path)
    assert isinstance(outcome, Refused) and "a copy from before an upgrade: r.duckdb.backup-v1" in str(outcome.error)


def killed_writer(path: Path, content: bytes) -> Path:
    """A store whose writer was killed with a log beside it; the log."""
    path.write_bytes(content)
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    return path.with_name(path.name + ".wal")


def test_a_log_that_a_kill_left_is_read_and_a_torn_end_is_no_damage(tmp_path: Path, sound: bytes) -> None:
    log = killed_writer(tmp_path / "r.duckdb", sound)
    environments = "SELECT count(*) AS n FROM environment"
    os.truncate(log, log.stat().st_size - 5)
    with Store.read_only(tmp_path / "r.duckdb") as store:
        assert store.query(environments)["n"][0].as_py() == 951  # all but the last commit
    with Store(tmp_path / "r.duckdb") as store:
        assert store.query(environments)["n"][0].as_py() == 951
    assert not log.exists()


def test_a_damaged_log_costs_what_follows_the_damage(tmp_path: Path, sound: bytes) -> None:
    path = tmp_path / "r.duckdb"
    log = killed_writer(path, sound)
    content = log.read_bytes()
    log.write_bytes(flipped(content, len(content) // 2))
    with pytest.raises(StoreError, match=r"is damaged .*; its log is damaged at byte [\d,]+; what was committed after"):
        Store(path)
    with Store(None) as target:
        [outcome] = salvage_stores(target, [path])
        assert isinstance(outcome, Merged) and "its log is damaged at byte" in outcome.notes[0]
        found = target.query("SELECT count(*) AS n FROM environment")["n"][0].as_py()
        assert 200 <= found <= 800 and found % 50 == 1, "whole commits, up to the damaged one"
        assert target.query("SELECT count(*) AS n FROM result")["n"][0].as_py() == 600
    log.write_bytes(b"\x00garbage" * 40)
    outcome, counts, _ = salvaged(path)
    assert isinstance(outcome, Merged) and counts == FULL


def test_the_way_out_that_the_error_names_works_from_the_command_line(
    tmp_path: Path, sound: bytes, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("old.duckdb").write_bytes(flipped(sound, 20))
    assert main(["report", "--store", "old.duckdb"]) == 3
    assert "`assay merge NEW.duckdb old.duckdb --salvage`" in capsys.readouterr().err
    assert main(["merge", "new.duckdb", "old.duckdb"]) == 3
    assert "is damaged" in capsys.readouterr().err and not Path("new.duckdb").exists()
    assert main(["merge", "new.duckdb", "old.duckdb", "--salvage"]) == 0
    out, err = capsys.readouterr()
    assert out == "old.duckdb: 2 runs added\n" and "note: old.duckdb: its first header is damaged" in err
    assert main(["merge", "new.duckdb", "old.duckdb", "--salvage"]) == 0
    assert capsys.readouterr().out == "old.duckdb: 2 runs there already; nothing changed\n"
    assert main(["list", "runs", "--store", "new.duckdb"]) == 0
    assert "second (salvaged)" in capsys.readouterr().out
    assert main(["report", "--store", "new.duckdb"]) == 0


def test_a_store_that_is_written_is_not_salvaged(tmp_path: Path) -> None:
    with Store(tmp_path / "r.duckdb"), Store(None) as target:
        [outcome] = salvage_stores(target, [tmp_path / "r.duckdb"])
    assert isinstance(outcome, Refused) and "is being written by process" in str(outcome.error)


@pytest.mark.slow
def test_a_long_table_loses_the_row_group_that_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "r.duckdb"
    rows = 400_000
    with Store(path) as store:
        run_id = finish(store, begin(store))
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            "INSERT INTO series SELECT ?, 0, 'a', 'long', i, 'label ' || hash(i), random() FROM range(?) t(i)",
            [run_id, rows],
        )
    content = path.read_bytes()
    found = []
    for broken in damaged_blocks(content, path):
        if broken == ["series"]:
            outcome, counts, _ = salvaged(path)
            assert isinstance(outcome, Merged)
            found.append(counts["series"])
            if len(found) == 5:
                break
    # A block may hold the end of one row group and the beginning of the next.
    assert len(found) == 5 and all(rows - 2 * 122_880 <= count <= rows + 6 for count in found)


@pytest.mark.parametrize("found", [pa.table({"found": [7]}), pa.table({"found": ["no number", "of that kind"]})])
def test_values_that_are_too_few_or_of_another_kind_are_lost(found: pa.Table) -> None:
    class Reader:
        def query(self, sql: str) -> pa.Table:
            return found

    values, lost = salvage_module._read_column(Reader(), "metric", "value", pa.array([0, 1]), pa.int64())  # type: ignore[arg-type]
    assert (values.to_pylist(), lost) == ([None, None], 2)
