"""States beside the store: whole or absent, checked when they are read, and gone when they are needed no more."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest
from made_runs import begin, block, finish

from assay.errors import StoreError
from assay.harness.records import StageRecord
from assay.store import Store
from assay.store.block_files import SMALL_BYTES
from assay.store.merging import merge_stores

LARGE = [os.urandom(SMALL_BYTES + 1 + n) for n in range(4)]


def names(path: Path) -> list[str]:
    """The files beside the store, without the run's folder."""
    folder = path.with_name(path.name + ".blocks")
    return sorted(file.name for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "r.duckdb"


@pytest.fixture
def killed(path: Path) -> str:
    """A run that has kept four large states and a small one, and has not ended; its id."""
    with Store(path) as store:
        run_id = begin(store)
        store.begin_stage(run_id, StageRecord(0, 0, 9, 10))
        store.commit_blocks(run_id, [*map(block, range(4), LARGE), block(4, b"small")])
    return run_id


def test_large_states_are_files_and_the_database_stays_small(path: Path, killed: str) -> None:
    assert names(path) == ["0-0-0", "0-0-1", "0-0-2", "0-0-3"]
    with Store(path) as store:
        assert store.committed_spans(killed, 0, 0) == {0, 1, 2, 3, 4}
        assert store.block_states(killed, 0, 0, range(9)) == {**dict(enumerate(LARGE)), 4: b"small"}
        assert store.query("SELECT max(octet_length(state)) < 100 AS is_short FROM block").to_pylist() == [
            {"is_short": True}
        ]


def test_a_missing_cut_or_changed_file_is_a_span_to_be_measured_again(path: Path, killed: str) -> None:
    folder = path.with_name("r.duckdb.blocks") / killed
    (folder / "0-0-0").unlink()
    (folder / "0-0-1").write_bytes(LARGE[1][:-1])
    (folder / "0-0-2").write_bytes(LARGE[2][:100] + bytes([LARGE[2][100] ^ 1]) + LARGE[2][101:])
    with Store(path) as store:
        assert store.committed_spans(killed, 0, 0) == {3, 4}
        store.commit_blocks(killed, [block(0, LARGE[1])])  # measured again
        assert store.committed_spans(killed, 0, 0) == {0, 3, 4}
        (folder / "0-0-3").unlink()
        with pytest.raises(StoreError, match="0-0-3 has changed while the run was resumed"):
            store.block_states(killed, 0, 0, [3])


def test_a_store_that_was_moved_without_its_folder_has_lost_no_more_than_states(path: Path, killed: str) -> None:
    moved = path.rename(path.with_name("moved.duckdb"))
    with Store(moved) as store:
        assert store.committed_spans(killed, 0, 0) == {4}


def test_what_a_stage_has_taught_is_kept_and_its_states_go(path: Path, killed: str) -> None:
    with Store(path) as store:
        store.end_stage(killed, 0, 0, LARGE[0])
        assert names(path) == ["0-0-learned"]
    with Store(path) as store:
        record = store.stage_record(killed, 0, 0)
        assert record is not None and record.learned == LARGE[0]
        path.with_name("r.duckdb.blocks").joinpath(killed, "0-0-learned").write_bytes(b"other")
        record = store.stage_record(killed, 0, 0)
        assert record is not None and record.learned is None
        assert store.committed_spans(killed, 0, 0) == set()
        store.commit_blocks(killed, [block(0)])  # measured again: the rows of before are forgotten


def test_a_run_that_ends_leaves_no_files(path: Path, killed: str) -> None:
    with Store(path) as store:
        finish(store, killed)
        assert not path.with_name("r.duckdb.blocks").exists()


def test_an_interrupted_run_keeps_its_files_and_opening_removes_those_of_no_run(path: Path, killed: str) -> None:
    with Store(path) as store:
        store.end_run(killed, "interrupted")
    folder = path.with_name("r.duckdb.blocks")
    (folder / "gone").mkdir()
    (folder / "gone" / "0-0-0").write_bytes(b"x")
    (folder / killed / "0-0-8.tmp").write_bytes(b"x")
    Store.read_only(path).close()
    assert (folder / "gone").exists()  # who only reads changes nothing
    Store(path).close()
    assert [file.name for file in folder.iterdir()] == [killed]
    assert names(path) == ["0-0-0", "0-0-1", "0-0-2", "0-0-3"]


def test_a_disk_that_is_full_is_told_and_leaves_no_half_files(path: Path, killed: str) -> None:
    # A limit on the size of files stands for the disk: the kernel refuses the write in the same way.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    store = Store(path)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 1_000_000, before[1]))
        with pytest.raises(StoreError, match=r"the disk that holds .*\.blocks is full .*--resume"):
            store.commit_blocks(killed, [block(5, os.urandom(path.stat().st_size + 2_000_000))])
            store.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        store.close()
    assert names(path) == ["0-0-0", "0-0-1", "0-0-2", "0-0-3"]
    with Store(path) as store:
        assert store.committed_spans(killed, 0, 0) == {0, 1, 2, 3, 4}
        store.commit_blocks(killed, [block(5, LARGE[0])])  # and once there is room, it goes on
        assert store.committed_spans(killed, 0, 0) == {0, 1, 2, 3, 4, 5}


def test_a_merge_brings_the_states_of_a_run_that_can_be_resumed(path: Path, killed: str, tmp_path: Path) -> None:
    with Store(tmp_path / "all.duckdb") as target:
        merge_stores(target, [path])
        assert target.committed_spans(killed, 0, 0) == {0, 1, 2, 3, 4}
        assert target.block_states(killed, 0, 0, [2]) == {2: LARGE[2]}
