"""Parquet, CSV and Arrow IPC: the same rows in the same order however they are cut, and clear refusals."""

from __future__ import annotations

import gzip
import os
import pickle
import tempfile
import zipfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from read_elsewhere import ids_of_span

from assay.datasets import Dataset, open_dataset
from assay.errors import ChecksumMismatchError, ReadError, UnknownNameError, UnsupportedTypeError

Read = Callable[..., pa.Table]


def write_ipc(table: pa.Table, path: Path, *, stream: bool = False, compression: str | None = None) -> Path:
    new = ipc.new_stream if stream else ipc.new_file
    with new(path, table.schema, options=ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table.unify_dictionaries(), max_chunksize=190)
    return path


# Parquet


@pytest.mark.parametrize("target_rows", [1, 100, 333, 10**6])
def test_parquet_rows_come_in_order_for_any_span_size(
    table: pa.Table, tmp_path: Path, read: Read, target_rows: int
) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, row_group_size=100)
    dataset = open_dataset(path)
    assert dataset.rows == 1000 and dataset.name == "t"
    assert read(dataset, target_rows).equals(table)
    assert len(dataset.spans(target_rows=target_rows)) == {1: 10, 100: 10, 333: 4}.get(target_rows, 1)


def test_parquet_keeps_views_and_dictionaries(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "t.parquet")
    schema = open_dataset(tmp_path / "t.parquet").schema
    assert schema.field("view").type == pa.string_view()
    assert pa.types.is_dictionary(schema.field("category").type)


@pytest.mark.parametrize("source", ["parts", "parts/*.parquet", "parts/**/*.parquet"])
def test_many_parquet_files_are_one_table_in_sorted_order(
    table: pa.Table, tmp_path: Path, read: Read, source: str
) -> None:
    folder = tmp_path / "parts"
    folder.mkdir()
    for number, start in enumerate((0, 150, 600)):
        end = (150, 600, 1000)[number]
        pq.write_table(table.slice(start, end - start), folder / f"part-{number}.parquet", row_group_size=97)
    if source == "parts":
        (folder / "_SUCCESS").write_text("")
        (folder / "_temporary.parquet").write_text("no Parquet, and not read")
    dataset = open_dataset(source, base=tmp_path)
    assert dataset.name == "parts" or "**" in source
    for target_rows in (1, 200, 10**6):
        assert read(dataset, target_rows).equals(table)
    tokens = [span.token for span in dataset.spans(target_rows=10**6)]
    assert tokens == [((0, 0, 2), (1, 0, 5), (2, 0, 5))]  # 150, 450 and 400 rows in groups of 97


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 40), min_size=1, max_size=4), st.integers(1, 15), st.integers(1, 50))
def test_any_files_and_row_groups_and_spans_give_the_same_rows(files: list[int], group: int, target_rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = 0
        for number, rows in enumerate(files):
            part = pa.table({"id": pa.array(range(first, first + rows), pa.int64())})
            pq.write_table(part, Path(folder) / f"{number}.parquet", row_group_size=group)
            first += rows
        dataset = open_dataset(folder)
        found: list[int] = []
        for span in dataset.spans(target_rows=target_rows):
            assert span.first_row == len(found)
            for batch in dataset.batches(["id"], span):
                assert batch.first_row == len(found)
                found += batch.data["id"].to_pylist()
        assert found == list(range(sum(files))) and dataset.rows == sum(files)


def test_files_that_differ_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": [1]}), tmp_path / "1.parquet")
    pq.write_table(pa.table({"a": [1], "b": ["x"]}), tmp_path / "2.parquet")
    with pytest.raises(ReadError, match=r"column 'b' is string in .*2.parquet and int64 in .*1.parquet"):
        open_dataset(tmp_path)
    pq.write_table(pa.table({"a": [1]}), tmp_path / "2.parquet")
    with pytest.raises(ReadError, match=r"2.parquet lacks the column 'b'"):
        open_dataset(tmp_path)


def test_columns_come_in_the_order_asked_for_and_a_dot_is_only_a_letter(tmp_path: Path) -> None:
    data = pa.table({"a.b": ["x", "y"], "a": [1, 2]})
    pq.write_table(data, tmp_path / "t.parquet")
    dataset = open_dataset(tmp_path / "t.parquet")
    assert dataset.table(["a"]).column_names == ["a"]
    assert dataset.table(["a", "a.b"]).column_names == ["a", "a.b"]
    assert dataset.table().equals(data)


@pytest.mark.parametrize("keep", [0, 3, 50, -1, -5])
def test_a_truncated_parquet_file_is_a_read_error(table: pa.Table, tmp_path: Path, keep: int) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table, path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ReadError, match=r"t.parquet cannot be read: .*expected a whole file"):
        open_dataset(path)


def test_a_damaged_page_is_a_read_error_while_reading(table: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(table, path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    with pytest.raises(ReadError, match=r"t.parquet"):
        open_dataset(path).table()


def test_memory_stays_far_below_the_size_of_the_file(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    with pq.ParquetWriter(tmp_path / "t.parquet", pa.schema({"a": pa.int64()}), compression="none") as writer:
        for _ in range(160):
            writer.write_table(pa.table({"a": random.integers(0, 2**60, 25_000)}))
    size = (tmp_path / "t.parquet").stat().st_size
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in open_dataset(tmp_path / "t.parquet").batches()]
    assert size > 8_000_000 and len(held) > 10
    assert max(held) < size / 4  # a batch is a sixteenth


# CSV


@pytest.fixture
def csv_text() -> str:
    return "id,name,price\n" + "".join(f"{n},n{n % 9},{n / 4}\n" for n in range(5000))


@pytest.mark.parametrize("form", ["csv", "csv.gz", "csv.zip", "tsv", "zip"])
def test_csv_is_read_in_order_plain_or_compressed(csv_text: str, tmp_path: Path, read: Read, form: str) -> None:
    path = tmp_path / f"t.{form}"
    if form == "csv.gz":
        path.write_bytes(gzip.compress(csv_text.encode()))
    elif form.endswith("zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("inner/t.csv", csv_text)
            archive.writestr("README.md", "not a table")
    else:
        path.write_text(csv_text.replace(",", "\t") if form == "tsv" else csv_text)
    dataset = open_dataset(path)
    assert dataset.rows is None and dataset.name == "t"
    assert [span.rows for span in dataset.spans(target_rows=10)] == [None]
    found = read(dataset)
    assert found["id"].to_pylist() == list(range(5000))
    assert found.schema.types == [pa.int64(), pa.string(), pa.float64()]
    assert sum(batch.data.num_rows for batch in dataset.batches([])) == 5000


def test_a_zip_with_several_tables_wants_one_named(csv_text: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "t.zip", "w") as archive:
        archive.writestr("a.csv", csv_text)
        archive.writestr("sub/b.csv", "x\n1\n")
    with pytest.raises(ReadError, match=r"holds 2 CSV members \(a.csv, sub/b.csv\); expected one, or name it"):
        open_dataset(tmp_path / "t.zip")
    assert open_dataset(tmp_path / "t.zip" / "sub" / "b.csv").table().to_pydict() == {"x": [1]}
    with pytest.raises(UnknownNameError, match=r'did you mean "a\.csv"'):
        open_dataset(tmp_path / "t.zip" / "aa.csv")


def test_blocks_and_files_number_their_rows_on(tmp_path: Path, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.datasets.csv_files._BLOCK_BYTES", 1000)
    for number in range(3):
        rows = range(number * 700, (number + 1) * 700)
        pacsv.write_csv(pa.table({"id": rows, "t": [f"x{n}" for n in rows]}), tmp_path / f"{number}.csv")
    dataset = open_dataset(tmp_path / "*.csv")
    assert read(dataset)["id"].to_pylist() == list(range(2100))
    assert len(list(dataset.batches(["t"]))) > 10


def test_only_an_unquoted_empty_field_is_null_unless_declared(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text('name,country,n\n"",NA,\nx,NULL,1\n')
    assert open_dataset(tmp_path / "t.csv").table().to_pydict() == {
        "name": ["", "x"],
        "country": ["NA", "NULL"],
        "n": [None, 1],
    }


def test_a_column_without_values_in_the_first_block_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.datasets.csv_files._BLOCK_BYTES", 1000)
    (tmp_path / "t.csv").write_text("n,late\n" + "1,\n" * 1000 + "2,7\n")
    dataset = open_dataset(tmp_path / "t.csv")
    assert dataset.schema.field("late").type == pa.string()
    assert dataset.table(["late"])["late"].to_pylist()[-1] == "7"


def test_a_type_that_breaks_late_names_the_column_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.datasets.csv_files._BLOCK_BYTES", 1000)
    (tmp_path / "t.csv").write_text("n\n" + "1\n" * 2000 + "x\n")
    with pytest.raises(ReadError, match=r"int64.*'x'.*declare the column in a definition"):
        open_dataset(tmp_path / "t.csv").table()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Empty CSV file"),
        (b"a,b\n1,2\n3\n", "Expected 2 columns, got 1"),
        (b"a,a\n1,2\n", "'a' appears more than once"),
    ],
)
def test_a_broken_csv_file_is_a_read_error(content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ReadError, match=message):
        open_dataset(tmp_path / "t.csv").table()


@pytest.mark.parametrize("lines", ["order;customer\n1;7\n2;9\n", "order;customer;price\n1;7;2,50\n2;9;3,10\n"])
@pytest.mark.parametrize("form", ["plain", "gz", "zip"])
def test_another_delimiter_than_the_comma_is_told_with_the_definition_that_names_it(
    lines: str, form: str, tmp_path: Path
) -> None:
    path = tmp_path / {"plain": "shop orders.csv", "gz": "shop orders.csv.gz", "zip": "shop orders.zip"}[form]
    if form == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("t.csv", lines)
    else:
        path.write_bytes(gzip.compress(lines.encode()) if form == "gz" else lines.encode())
    with pytest.raises(
        ReadError, match=r"none, but \";\"; write a definition beside it, such as shop_orders.toml .*delimiter = \";\""
    ):
        open_dataset(path).table()
    (tmp_path / "t.toml").write_text(f'source = {{ path = "{path.name}" }}\ndelimiter = ";"\n')
    assert open_dataset(tmp_path / "t.toml").table().column("customer").to_pylist() == [7, 9]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,größe\n1,2\n", "its header holds text that is not UTF-8; convert the file, such as: iconv"),
        ("id,ort\n1,München\n", 'the column "ort" holds text that is not UTF-8; convert.*types = { "ort" = "binary" }'),
        ("id,ort\n" + "1,Bonn\n" * 200 + "2,Köln\n", "a column .*invalid UTF8.* holds text that is not UTF-8; convert"),
    ],
)
def test_text_that_is_not_utf_8_is_told_with_the_way_out(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.datasets.csv_files._BLOCK_BYTES", 1000)
    (tmp_path / "t.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(ReadError, match=message):
        open_dataset(tmp_path / "t.csv").table()


def test_bytes_that_are_declared_are_read(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes("id,ort\n1,Köln\n".encode("latin-1"))
    (tmp_path / "t.toml").write_text('source = { path = "t.csv" }\ntypes = { ort = "binary" }\n')
    assert open_dataset(tmp_path / "t.toml").table().column("ort").to_pylist() == ["Köln".encode("latin-1")]


def test_one_column_whose_name_holds_a_semicolon_is_read_where_the_comma_is_declared(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a;b\n1\n")
    (tmp_path / "t.toml").write_text('source = { path = "t.csv" }\ndelimiter = ","\n')
    assert open_dataset(tmp_path / "t.toml").table().column_names == ["a;b"]


def test_a_truncated_archive_is_a_read_error(csv_text: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(csv_text.encode())[:-2000])
    with pytest.raises(ReadError, match=r"t.csv.gz cannot be read"):
        open_dataset(tmp_path / "t.csv.gz").table()
    (tmp_path / "t.csv.zip").write_bytes(b"PK\x03\x04 no archive")
    with pytest.raises(ReadError, match="not a zip file"):
        open_dataset(tmp_path / "t.csv.zip")


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path, read: Read) -> None:
    (tmp_path / "t.csv").write_text("a,b\n")
    assert read(open_dataset(tmp_path / "t.csv")).num_rows == 0


# Arrow IPC


@pytest.mark.parametrize("compression", [None, "zstd"])
@pytest.mark.parametrize("target_rows", [1, 250, 10**6])
def test_ipc_file_rows_come_in_order_for_any_span_size(
    table: pa.Table, tmp_path: Path, read: Read, target_rows: int, compression: str | None
) -> None:
    dataset = open_dataset(write_ipc(table, tmp_path / "t.arrow", compression=compression))
    assert dataset.rows == 1000
    assert read(dataset, target_rows).equals(table.unify_dictionaries())
    assert read(dataset, target_rows, ["view", "id"]).column_names == ["view", "id"]


def test_an_ipc_stream_is_one_span(table: pa.Table, tmp_path: Path, read: Read) -> None:
    dataset = open_dataset(write_ipc(table, tmp_path / "t.arrows", stream=True))
    assert dataset.rows is None and len(dataset.spans(target_rows=1)) == 1
    assert read(dataset).equals(table.unify_dictionaries())


@pytest.mark.parametrize(("stream", "keep"), [(False, -3), (False, 100), (True, 700), (True, 2)])
def test_a_truncated_ipc_file_is_a_read_error(table: pa.Table, tmp_path: Path, stream: bool, keep: int) -> None:
    path = write_ipc(table, tmp_path / "t.arrow", stream=stream)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ReadError, match=r"t.arrow cannot be read"):
        open_dataset(path).table()


# All formats


def _files(table: pa.Table, folder: Path) -> list[Path]:
    pq.write_table(table, folder / "t.parquet", row_group_size=100)
    plain = table.drop_columns(["category", "view"])
    pacsv.write_csv(plain, folder / "t.csv")
    return [folder / "t.parquet", folder / "t.csv", write_ipc(table, folder / "t.arrow")]


def _spread(datasets: list[Dataset]) -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        for dataset in datasets:
            spans = dataset.spans(target_rows=300)
            found = list(pool.map(ids_of_span, [dataset.description()] * len(spans), spans))
            assert {process for process, _ in found} != {os.getpid()}
            assert [n for _, ids in found for n in ids] == dataset.table(["id"])["id"].to_pylist()


def test_another_process_reads_the_same_spans(table: pa.Table, tmp_path: Path) -> None:
    in_memory = open_dataset(table)
    streamed = open_dataset(pa.RecordBatchReader.from_batches(table.schema, table.unify_dictionaries().to_batches()))
    _spread([*(open_dataset(path) for path in _files(table, tmp_path)), in_memory, streamed])


def test_a_description_is_small_and_knows_a_changed_file(table: pa.Table, tmp_path: Path) -> None:
    for path in _files(table, tmp_path):
        dataset = open_dataset(path)
        packed = pickle.dumps(dataset.description())
        assert len(packed) < 2000
        assert pickle.loads(packed).open().fingerprint() == dataset.fingerprint()
        os.utime(path, ns=(1, 1))
        with pytest.raises(ChecksumMismatchError, match=rf"{path.name} has changed since it was opened"):
            pickle.loads(packed).open()


def test_an_unknown_column_is_refused_at_once_with_the_nearest(table: pa.Table, tmp_path: Path) -> None:
    for path in _files(table, tmp_path):
        dataset = open_dataset(path)
        with pytest.raises(UnknownNameError, match='column of t "txt"; did you mean "text"'):
            dataset.batches(["txt"])
        assert dataset.column("text").name == "text"


def test_batches_without_columns_count_rows(table: pa.Table, tmp_path: Path) -> None:
    for path in _files(table, tmp_path):
        batches = list(open_dataset(path).batches([]))
        assert sum(batch.data.num_rows for batch in batches) == 1000
        assert all(batch.data.num_columns == 0 for batch in batches)


def test_tables_without_rows_open_and_have_one_span(table: pa.Table, tmp_path: Path, read: Read) -> None:
    for path in _files(table.slice(0, 0), tmp_path):
        dataset = open_dataset(path)
        assert len(dataset.spans()) == 1
        assert read(dataset).num_rows == 0


def test_duplicate_column_names_are_refused(tmp_path: Path) -> None:
    twice = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"])
    pq.write_table(twice, tmp_path / "t.parquet")
    for source in (tmp_path / "t.parquet", write_ipc(twice, tmp_path / "t.arrow"), twice):
        with pytest.raises(ReadError, match="column name 'a' appears more than once"):
            open_dataset(source)


def test_the_magic_bytes_tell_where_the_name_does_not(table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "data")
    assert open_dataset(str(tmp_path / "data")).rows == 1000
    (tmp_path / "other").write_text("hello")
    with pytest.raises(ReadError, match="its format is unknown"):
        open_dataset(str(tmp_path / "other"))


def test_what_is_missing_or_no_dataset_is_said(tmp_path: Path) -> None:
    for missing in (tmp_path / "none.parquet", tmp_path / "*.parquet", tmp_path / "none.toml"):
        with pytest.raises(ReadError):
            open_dataset(missing)
    with pytest.raises(ReadError, match="holds no Parquet file"):
        open_dataset(tmp_path)
    with pytest.raises(UnsupportedTypeError, match=r"builtins\.int is no dataset"):
        open_dataset(3)


@pytest.mark.parametrize("moment", ["between two scans", "during a scan"])
def test_a_file_that_is_replaced_by_another_of_the_same_columns_is_refused(tmp_path: Path, moment: str) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"a": range(100)}), path, row_group_size=10)
    dataset = open_dataset(path)
    batches = dataset.batches(["a"])
    if moment == "during a scan":
        next(batches)
    pq.write_table(pa.table({"a": range(200)}), tmp_path / "new", row_group_size=10)
    (tmp_path / "new").replace(path)
    with pytest.raises(ChecksumMismatchError, match=r"t\.parquet has changed since it was opened"):
        list(batches)
