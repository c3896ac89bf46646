"""Tables over HTTP: parts where the server serves parts, a copy where it does not, and clear refusals."""

from __future__ import annotations

import gzip
import io
import os
import pickle
import socket
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from stores_on_loopback import Traffic, http_server

from assay.datasets import describe, open_dataset
from assay.errors import ChecksumMismatchError, ReadError

Read = Callable[..., pa.Table]


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Traffic]]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with http_server(tmp_path) as served:
        yield served


def big_table() -> pa.Table:
    random = np.random.default_rng(1)
    return pa.table({name: random.integers(0, 2**60, 20_000) for name in ("a", "b", "c", "d")})


@pytest.mark.parametrize("target_rows", [1, 2500, 10**6])
def test_parquet_is_read_in_parts_and_only_the_columns_asked_for(
    server: tuple[str, Traffic], tmp_path: Path, read: Read, target_rows: int
) -> None:
    url, traffic = server
    pq.write_table(big_table(), tmp_path / "t.parquet", row_group_size=2500)
    size = (tmp_path / "t.parquet").stat().st_size
    dataset = open_dataset(f"{url}/t.parquet")
    assert (dataset.name, dataset.rows, dataset.storage_bytes) == ("t", 20_000, size)
    assert read(dataset, target_rows, ["b"]).equals(big_table().select(["b"]))
    assert {method for method, _ in traffic.requests} == {"HEAD", "GET"}
    assert all(wanted for method, wanted in traffic.requests if method == "GET")
    if target_rows == 10**6:
        assert traffic.body_bytes < size / 2  # a quarter, and the footer twice


def test_a_server_that_serves_no_parts_is_asked_once_for_the_whole(
    server: tuple[str, Traffic], tmp_path: Path, read: Read
) -> None:
    url, traffic = server
    traffic.ranges = False
    pq.write_table(big_table(), tmp_path / "t.parquet", row_group_size=2500)
    dataset = open_dataset(f"{url}/t.parquet")
    assert read(dataset, 2500).equals(big_table())
    whole = [wanted for method, wanted in traffic.requests if method == "GET" and not wanted]
    assert len(whole) == 1


@pytest.mark.parametrize(
    "form", ["t.csv", "t.csv.gz", "t.zip", "t.zip/inner/t.csv", "t.arrow", "t.arrows", "t.parquet", "data"]
)
def test_every_format_is_read(server: tuple[str, Traffic], tmp_path: Path, read: Read, form: str) -> None:
    url, _ = server
    table = pa.table({"id": range(500), "name": [f"n{n % 9}" for n in range(500)]})
    sink = io.BytesIO()
    pacsv.write_csv(table, sink)
    (tmp_path / "t.csv").write_bytes(sink.getvalue())
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(sink.getvalue()))
    with zipfile.ZipFile(tmp_path / "t.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/t.csv", sink.getvalue())
    for name, new in (("t.arrow", ipc.new_file), ("t.arrows", ipc.new_stream)):
        with new(tmp_path / name, table.schema) as writer:
            writer.write_table(table, max_chunksize=100)
    for name in ("t.parquet", "data"):
        pq.write_table(table, tmp_path / name)
    dataset = open_dataset(f"{url}/{form}")
    assert read(dataset).equals(table)
    assert dataset.fingerprint_kind == "metadata"


def test_a_pattern_and_a_folder_follow_the_links_of_an_index_page(
    server: tuple[str, Traffic], tmp_path: Path, read: Read
) -> None:
    url, _ = server
    for year in (2012, 2013):
        folder = tmp_path / "trips" / f"year={year}"
        folder.mkdir(parents=True)
        pq.write_table(pa.table({"id": [year * 10, year * 10 + 1]}), folder / "part.parquet")
    (tmp_path / "trips" / "notes.txt").write_text("no table")
    expected = {"id": [20120, 20121, 20130, 20131], "year": [2012, 2012, 2013, 2013]}
    assert read(open_dataset(f"{url}/trips/*/*.parquet")).to_pydict() == expected
    assert read(open_dataset(f"{url}/trips/**/*.parquet")).to_pydict() == expected


def test_a_description_is_small_and_opens_the_same_bytes(server: tuple[str, Traffic], tmp_path: Path) -> None:
    url, _ = server
    pq.write_table(big_table(), tmp_path / "t.parquet")
    dataset = open_dataset(f"{url}/t.parquet")
    packed = pickle.dumps(dataset)
    assert len(packed) < 2000
    assert pickle.loads(packed).fingerprint() == dataset.fingerprint()
    os.utime(tmp_path / "t.parquet", ns=(1, 1))
    with pytest.raises(ChecksumMismatchError, match=r"t\.parquet has changed since it was opened"):
        pickle.loads(packed)


def test_a_file_that_changes_during_a_scan_is_refused(server: tuple[str, Traffic], tmp_path: Path) -> None:
    url, _ = server
    pq.write_table(big_table(), tmp_path / "t.parquet", row_group_size=2500)
    batches = open_dataset(f"{url}/t.parquet").batches(["a"])
    next(batches)
    pq.write_table(big_table().slice(1), tmp_path / "t.parquet", row_group_size=2500)
    with pytest.raises(ChecksumMismatchError, match="has changed since it was opened"):
        list(batches)


def test_the_fingerprint_is_over_metadata_and_says_so(server: tuple[str, Traffic], tmp_path: Path) -> None:
    url, traffic = server
    pq.write_table(big_table(), tmp_path / "t.parquet")
    facts = describe(open_dataset(f"{url}/t.parquet"), rows_at_most=1)
    assert facts.fingerprint_kind == "metadata" and facts.fingerprint == open_dataset(f"{url}/t.parquet").fingerprint()
    traffic.body_bytes = 0
    open_dataset(f"{url}/t.parquet").fingerprint()
    assert traffic.body_bytes < 100_000  # footers, of 640,000 bytes
    traffic.tags = False  # nothing tells that the file is still the same: its content must
    dataset = open_dataset(f"{url}/t.parquet")
    assert dataset.fingerprint_kind == "file"
    assert dataset.fingerprint() == open_dataset(tmp_path / "t.parquet").fingerprint()


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (404, "does not exist; check the spelling"),
        (403, "may not be read .HTTP 403.; if it needs a login, download it first"),
        (500, "the server answers HTTP 500; try again later"),
    ],
)
def test_what_a_server_refuses_is_said(server: tuple[str, Traffic], status: int, message: str) -> None:
    url, traffic = server
    traffic.status = status
    with pytest.raises(ReadError, match=message):
        open_dataset(f"{url}/t.parquet")


def test_a_file_that_is_not_there_and_a_pattern_without_a_match_are_said(
    server: tuple[str, Traffic], tmp_path: Path
) -> None:
    url, _ = server
    (tmp_path / "folder").mkdir()
    with pytest.raises(ReadError, match=r"none\.parquet does not exist"):
        open_dataset(f"{url}/none.parquet")
    with pytest.raises(ReadError, match=r"no file matches, of 0 below"):
        open_dataset(f"{url}/folder/*.csv")


def test_a_refused_connection_is_said() -> None:
    with socket.socket() as reserved:  # bound and not listening: nobody else can answer there
        reserved.bind(("127.0.0.1", 0))
        with pytest.raises(ReadError, match=r"cannot be read: .*Connect.*; check the address"):
            open_dataset(f"http://127.0.0.1:{reserved.getsockname()[1]}/t.parquet")


def test_a_body_that_ends_early_and_a_file_that_is_none_are_said(server: tuple[str, Traffic], tmp_path: Path) -> None:
    url, traffic = server
    (tmp_path / "t.parquet").write_text("no Parquet at all, and long enough for its footer")
    with pytest.raises(ReadError, match=r"t\.parquet cannot be read: .*expected a whole file of the format"):
        open_dataset(f"{url}/t.parquet")
    (tmp_path / "t.csv").write_text("a,b\n" + "1,2\n" * 1000)
    traffic.cut_after = 100
    with pytest.raises(ReadError, match=r"t\.csv (cannot be read|: )"):
        open_dataset(f"{url}/t.csv")


def test_a_missing_package_is_told_with_what_to_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "aiohttp", None)
    with pytest.raises(ReadError, match=r'run: pip install "assay\[stores\]"'):
        open_dataset("https://missing-package.example/t.parquet")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ReadError, match=r'fsspec; run: pip install "assay\[stores\]"'):
        open_dataset("https://missing-package.example:1/t.parquet")
