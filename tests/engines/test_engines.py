"""Engines are opened, refused, accounted for, and leave nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

from assay import catalogue
from assay.engines import CONTENDERS, open_engine, opening, parse_engine, why_unavailable
from assay.errors import ParameterError, SpellingError, UnknownNameError, UnsupportedTypeError, UsageError

NAMES = [
    pytest.param(one.name, marks=pytest.mark.skipif(bool(why_unavailable(one.name)), reason=f"no {one.name}"))
    for one in CONTENDERS
]
TABLE = pa.table({"k": [3, 1, None, 3, 2], "s": ["c", "a", "n", "d", "b"], "v": [[1], [], [2], [3], [4]]})


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_once_an_engine_is_closed(name: str, tmp_path: Path) -> None:
    with open_engine(name, folder=tmp_path) as engine:
        assert engine.fill(TABLE, "k", payload="s") == engine.size_bytes > 0
        assert len(engine) == 4
        assert engine.lookup(pa.array([3, 2, 9, None])).to_pylist() == [[0, 3], [4], [], None]
        assert engine.fetch(pa.array([3])).to_pylist() == [["c", "d"]]
        assert any(tmp_path.iterdir())
    engine.close()
    assert not any(tmp_path.iterdir())
    with pytest.raises(UsageError, match=f"{name} is closed"):
        engine.lookup(pa.array([3]))


def opening_script(name: str, folder: Path) -> str:
    opened = f"engine = e.open_engine({name!r}, folder=pathlib.Path({str(folder)!r}))"
    return f"import pathlib, sys, assay.engines as e\n{opened}\n"


@pytest.mark.parametrize("name", [NAMES[1], NAMES[-1]])  # what removes the folder is the same in all
def test_nothing_is_left_when_an_engine_is_dropped_unclosed(name: str, tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", opening_script(name, tmp_path)], check=True)
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="there an open file cannot be removed")
def test_what_a_killed_process_left_is_removed_and_what_lives_is_not(tmp_path: Path) -> None:
    script = opening_script("sqlite", tmp_path) + "print('open', flush=True); sys.stdin.read()"
    child = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdin is not None and child.stdout is not None
    child.stdout.readline()
    (left,) = tmp_path.iterdir()
    with open_engine("sqlite", folder=tmp_path):
        assert left.exists(), "its process lives"
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    assert left.exists()
    with open_engine("sqlite", folder=tmp_path):
        assert not left.exists()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("name", NAMES)
def test_written_bytes_grow_with_what_is_written(name: str) -> None:
    with open_engine(name) as engine:
        engine.fill(pa.table({"k": pa.array(range(20_000), pa.int64())}), "k")
        first = engine.bytes_written
        if first is None:
            pytest.skip("the system does not tell what a process writes")
        assert engine.bytes_written_source is not None
        assert first >= 20_000 * 2, "a row has at least two bytes, even compressed"
        engine.lookup(pa.array([1, 2, 3]))
        assert engine.bytes_written == first
        engine.insert(pa.array(range(20_000, 30_000)), pa.array(range(20_000, 30_000)))
        engine.settle()
        assert engine.bytes_written > first
        assert engine.conversion_ns > 0


@pytest.mark.parametrize("name", NAMES)
def test_an_engine_says_what_it_is_and_how_durable(name: str) -> None:
    with open_engine(name) as durable, open_engine(f"{name}(durability=none)") as relaxed:
        assert durable.spelling == name and relaxed.spelling == f"{name}(durability=none)"
        assert any(letter.isdigit() for letter in durable.version)
        assert durable.settings.keys() == relaxed.settings.keys()
        assert durable.settings != relaxed.settings, "what differs is told"


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_done_is_refused_and_says_why(name: str) -> None:
    with open_engine(name) as engine:
        with pytest.raises(UsageError, match="has no table yet"):
            engine.lookup(pa.array([1]))
        with pytest.raises(UnknownNameError, match='no column "kk"; did you mean "k"'):
            engine.fill(TABLE, "kk")
        with pytest.raises(UnsupportedTypeError, match=r'"v" is of type list<.*which an engine cannot index'):
            engine.fill(TABLE, "v")
        with pytest.raises(UnsupportedTypeError, match='payload "v"'):
            engine.fill(TABLE, "k", payload="v")
        engine.fill(TABLE, ["k", "s"])
        with pytest.raises(UsageError, match="filled already"):
            engine.fill(TABLE, "k")
        with pytest.raises(ParameterError, match="the keys have 1 columns; expected 2: k, s"):
            engine.lookup(pa.array([1]))
        with pytest.raises(UnsupportedTypeError, match='keys for column "k" are of type'):
            engine.lookup(pa.table({"k": ["one"], "s": ["a"]}))
        with pytest.raises(ParameterError, match=r'low is .*"k"'):
            engine.range(low="text")
        with pytest.raises(ParameterError, match="high has 3 values"):
            engine.range(high=(1, "a", 2))
        with pytest.raises(UnknownNameError, match="way to close a range"):
            engine.range(closed="open")
        with pytest.raises(ParameterError, match="limit is -1"):
            engine.range(limit=-1)
        with pytest.raises(ParameterError, match="given twice"):
            engine.insert(pa.table({"k": [8, 9], "s": ["x", "y"]}), pa.array([70, 70]))
        with pytest.raises(ParameterError, match="transaction_rows is 0"):
            engine.insert(pa.table({"k": [8], "s": ["x"]}), pa.array([70]), transaction_rows=0)
        with pytest.raises(ParameterError, match="expected as many"):
            engine.delete(pa.table({"k": [8], "s": ["x"]}), pa.array([70, 71]))
        assert len(engine) == 5  # a key of which only one part is null is one


@pytest.mark.parametrize("name", [one for one in NAMES if one.values[0] != "duckdb"])
def test_a_row_number_that_is_there_already_is_refused_and_nothing_changes(name: str) -> None:
    with open_engine(name) as engine:
        engine.fill(TABLE, "k")
        with pytest.raises(ParameterError, match="in the table already, and nothing was changed"):
            engine.insert(pa.array([7, 8]), pa.array([9, 0]))
        assert engine.lookup(pa.array([7, 8])).to_pylist() == [[], []]
        assert engine.ordered().to_pylist() == [1, 4, 0, 3]


@pytest.mark.skipif(bool(why_unavailable("lmdb")), reason="no lmdb")
def test_lmdb_refuses_keys_that_are_too_long_and_finds_none_of_them() -> None:
    with open_engine("lmdb") as engine, pytest.raises(UsageError, match="takes keys of at most 511 bytes"):
        engine.fill(pa.table({"k": ["a" * 600]}), "k")
    with open_engine("lmdb") as engine:
        engine.fill(pa.table({"k": ["a", "b", "a" * 509]}), "k")
        assert engine.lookup(pa.array(["b", "a" * 600])).to_pylist() == [[1], []]
        assert engine.range(low="a" * 509 + "\0").to_pylist() == [1]
        assert engine.range(high="a" * 700).to_pylist() == [0, 2]
        assert engine.range(high="a" * 700, descending=True).to_pylist() == [2, 0]
        assert engine.delete(pa.array(["a" * 600])) == 0


def test_an_engine_is_spelled_as_everything_is() -> None:
    assert parse_engine("sqlite( layout = covering )").text == "sqlite(layout=covering)"
    with pytest.raises(UnknownNameError, match='did you mean "sqlite"'):
        parse_engine("sqlight")
    with pytest.raises(SpellingError, match=r"write sqlite\(parameter=value\)"):
        parse_engine("sqlite(covering)")
    with pytest.raises(UnknownNameError, match="covering"):
        parse_engine("sqlite(layout=coverin)")
    with pytest.raises(ParameterError, match="threads is 0"):
        open_engine("sqlite", threads=0)


def test_an_engine_whose_package_is_missing_is_told_of_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda name: None)
    assert why_unavailable("sqlite") is None and why_unavailable("duckdb(index=art)") is None
    for name, package in (("lmdb", "lmdb"), ("rocksdb", "rocksdict")):
        reason = why_unavailable(name)
        assert reason is not None and package in reason and 'pip install "assay[stores]"' in reason
        with pytest.raises(UsageError, match="not installed"):
            open_engine(name)


def test_every_engine_is_in_the_catalogue_and_can_be_opened() -> None:
    listed = [one for one in catalogue.contenders("index") if "engine" in one.abilities]
    assert listed == list(CONTENDERS)
    assert [one.name for one in CONTENDERS] == list(opening.ENGINES)
    assert all(engine.contender.name == name for name, engine in opening.ENGINES.items())


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="folder cannot be made"):
        open_engine("sqlite", folder=tmp_path / "missing")
