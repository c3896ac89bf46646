"""Filters of Parquet files: bit for bit those that pyarrow and duckdb write, read back and probed; damaged files.

The bitset is read twice: by the library, and by a few lines here that follow the specification.
"""

from __future__ import annotations

import datetime
import decimal
import io
import math
import struct
import uuid
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import assay
from assay.errors import DataError, ParameterError, UnknownNameError, UnsupportedTypeError

HEADER_BYTES, TRAILER_BYTES = 64, 8


def bitset(filter: assay.BloomFilter) -> bytes:
    """Parquet's bitset: the payload of the stored form."""
    return filter.to_bytes()[HEADER_BYTES:-TRAILER_BYTES]


def held(filter: assay.BloomFilter, keys: Any) -> list[bool | None]:
    answers: list[bool | None] = filter.contains(keys).to_pylist()
    return answers


def varint(data: bytes, at: int) -> tuple[int, int]:
    """An unsigned LEB128 integer, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def parquet_bitset(path: Path) -> bytes:
    """The bitset of the first column chunk, behind its header of compact Thrift.

    BloomFilterHeader is {1: i32 numBytes, 2: algorithm, 3: hash, 4: compression}; each union holds one
    field that is an empty struct.
    """
    offset = pq.read_metadata(path).row_group(0).column(0).bloom_filter_offset
    assert offset is not None, "the writer made no filter"
    data = path.read_bytes()[offset:]
    assert data[0] == 0x15, "field 1 is an i32"
    zigzag, at = varint(data, 1)
    for _ in range(3):
        # A struct field (1c) that holds field 1, an empty struct (1c 00), and ends (00).
        assert data[at : at + 4] == b"\x1c\x1c\x00\x00"
        at += 4
    assert data[at] == 0, "the header ends"
    return data[at + 1 : at + 1 + (zigzag >> 1)]


def texts(count: int) -> list[str | None]:
    return [None if row % 11 == 0 else f"key-{row * row % 977}" * (row % 5) for row in range(count)]


D = decimal.Decimal
PARQUET_COLUMNS = {
    "int8": pa.array([1, -2, None, 127, -128], pa.int8()),
    "uint8": pa.array([1, 200, 255], pa.uint8()),
    "int16": pa.array([1, -2, 30000], pa.int16()),
    "uint16": pa.array([1, 65535], pa.uint16()),
    "int32": pa.array([*range(-50, 900, 7), None], pa.int32()),
    "uint32": pa.array([1, 2**31 + 5, 2**32 - 1], pa.uint32()),
    "int64": pa.array([*range(-(2**40), 2**40, 2**33), None], pa.int64()),
    "uint64": pa.array([0, 2**64 - 1, 2**63], pa.uint64()),
    "float16": pa.array(np.array([1.5, -2.25, 0.0], np.float16)),
    "float32": pa.array([1.5, -0.0, 0.0, math.inf, math.nan], pa.float32()),
    "float64": pa.array([1.5, -0.0, 0.0, -math.inf, math.nan, 1e300], pa.float64()),
    "date32": pa.array([datetime.date(2013, 1, day) for day in range(1, 29)]),
    "date64": pa.array([86_400_000 * day for day in (-3, 0, 5)], pa.date64()),
    "time32[s]": pa.array([0, 1, 86_399], pa.time32("s")),
    "time32[ms]": pa.array([0, 1, 86_399_999], pa.time32("ms")),
    "time64[us]": pa.array([0, 1, 86_399_999_999], pa.time64("us")),
    "time64[ns]": pa.array([0, 1, 86_399_999_999_999], pa.time64("ns")),
    "timestamp[s]": pa.array([0, -1, 1_700_000_000], pa.timestamp("s")),
    "timestamp[ms]": pa.array([0, -1, 1_700_000_000_000], pa.timestamp("ms")),
    "timestamp[us]": pa.array([0, -1, None, 1_700_000_000_000_000], pa.timestamp("us", "UTC")),
    "timestamp[ns]": pa.array([0, -1, 1_700_000_000_000_000_001], pa.timestamp("ns")),
    "decimal128(5)": pa.array([D("1.25"), D("-999.99"), D("0.00"), None], pa.decimal128(5, 2)),
    "decimal128(18)": pa.array([D("1.25"), D("-1.25")], pa.decimal128(18, 2)),
    "decimal128(38)": pa.array([D("1.25"), D(-1), D(10) ** 30], pa.decimal128(38, 4)),
    "decimal256(50)": pa.array([D("1.25"), D("-1.25"), D(10) ** 30], pa.decimal256(50, 2)),
    "decimal32": pa.array([D("1.25"), D("-1.25")], pa.decimal32(5, 2)),
    "decimal64": pa.array([D("1.25"), D("-1.25")], pa.decimal64(15, 2)),
    "string": pa.array(texts(500)),
    "large_string": pa.array(texts(500), pa.large_string()),
    "string_view": pa.array(texts(500), pa.string_view()),
    "binary": pa.array([b"", b"\x00", b"abc" * 30, None], pa.binary()),
    "fixed_size_binary": pa.array([b"ab", b"\x00\xff", None], pa.binary(2)),
    "dictionary": pa.array(texts(500)).dictionary_encode(),
}


@pytest.mark.parametrize("name", PARQUET_COLUMNS)
def test_split_block_is_bit_for_bit_the_filter_that_pyarrow_writes(name: str, tmp_path: Path) -> None:
    column = PARQUET_COLUMNS[name]
    path = tmp_path / "one.parquet"
    options = {"k": {"ndv": 200, "fpp": 0.01}}
    pq.write_table(pa.table({"k": column}), path, bloom_filter_options=options)
    expected = parquet_bitset(path)
    assert any(expected)
    ours = assay.BloomFilter.build(column, block_count=len(expected) // 32)
    assert bitset(ours) == expected
    assert held(ours, column) == [None if value is None else True for value in column.to_pylist()]


@pytest.mark.parametrize("expression", ["range % 500", "(range % 500)::VARCHAR", "(range % 500)::DOUBLE / 8"])
def test_split_block_is_bit_for_bit_the_filter_that_duckdb_writes(expression: str, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "one.parquet"
    with duckdb.connect() as connection:
        # Dictionary-encoded columns get a filter.
        connection.execute(f"COPY (SELECT {expression} AS k FROM range(20000)) TO '{path}' (FORMAT parquet)")
    expected = parquet_bitset(path)
    assert any(expected)
    ours = assay.BloomFilter.build(pq.read_table(path).column("k"), block_count=len(expected) // 32)
    assert bitset(ours) == expected


# --- reading -----------------------------------------------------------------------------------


def written(path: Path, column: pa.Array, **options: Any) -> Path:
    pq.write_table(pa.table({"k": column}), path, bloom_filter_options={"k": {"ndv": 200, "fpp": 0.01}}, **options)
    return path


@pytest.mark.parametrize("name", PARQUET_COLUMNS)
def test_a_files_own_filter_is_read_as_one_that_answers_for_the_column(name: str, tmp_path: Path) -> None:
    column = PARQUET_COLUMNS[name]
    path = written(tmp_path / "one.parquet", column)
    read = assay.BloomFilter.from_parquet(path, "k")
    assert read.layout == "split_block" and bitset(read) == parquet_bitset(path)
    assert held(read, column) == [None if value is None else True for value in column.to_pylist()]
    assert held(read, column.slice(1)) == held(read, column)[1:]
    assert len(read) == len(column) - column.null_count
    built = assay.BloomFilter.build(column, block_count=read.block_count)
    assert read == assay.BloomFilter.from_bytes(read.to_bytes())
    # A type that Parquet does not have is stored as a near one: seconds as milliseconds, date64 as date32.
    if read.key_type == built.key_type:
        assert read == built and (read | built).memory_bytes == read.memory_bytes


@pytest.mark.parametrize(
    "expression",
    [
        "range % 500",
        "(range % 500)::INTEGER",
        "(range % 500 - 250)::SMALLINT",
        "(range % 200)::UTINYINT",
        "(range % 500)::VARCHAR",
        "(range % 500)::VARCHAR::BLOB",
        "(range % 500)::DOUBLE / 8",
        "(range % 500)::FLOAT / 8",
        "DATE '2013-01-01' + (range % 500)::INTEGER",
        "TIMESTAMP '2013-01-01' + INTERVAL 1 HOUR * (range % 500)",
        "((range % 500) / 4)::DECIMAL(7, 2)",
        "((range % 500) / 4)::DECIMAL(15, 2)",
        "CASE WHEN range % 7 > 0 THEN range % 500 END",
    ],
)
def test_the_filter_of_a_file_of_duckdb_is_read_and_equals_the_one_built(expression: str, tmp_path: Path) -> None:
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "one.parquet"
    with duckdb.connect() as connection:
        # Dictionary-encoded columns get a filter.
        connection.execute(f"COPY (SELECT {expression} AS k FROM range(20000)) TO '{path}' (FORMAT parquet)")
    column = pq.read_table(path).column("k")
    read = assay.BloomFilter.from_parquet(path, "k")
    assert bitset(read) == parquet_bitset(path) and any(bitset(read))
    assert read.contains(column).to_pylist() == [None if value is None else True for value in column.to_pylist()]
    if "decimal" not in read.key_type:
        assert bitset(assay.BloomFilter.build(column, block_count=read.block_count)) == bitset(read)


def test_decimals_stored_as_integers_are_found_by_value(tmp_path: Path) -> None:
    for precision in (5, 15):
        column = pa.array([D("1.25"), D("-9.99"), None], pa.decimal128(precision, 2))
        path = written(tmp_path / f"{precision}.parquet", column, store_decimal_as_integer=True)
        read = assay.BloomFilter.from_parquet(path, "k")
        assert read.key_type.endswith("as int32" if precision == 5 else "as int64")
        assert held(read, column) == [True, True, None]
        assert held(read, pa.array([1.25, 1.5])) == [True, False]
        assert assay.BloomFilter.from_bytes(read.to_bytes()) == read


def test_each_row_group_has_a_filter_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "groups.parquet"
    table = pa.table({"k": pa.array(range(1_000)), "none": pa.array(range(1_000))})
    pq.write_table(table, path, row_group_size=250, bloom_filter_options={"k": {"ndv": 250, "fpp": 0.001}})
    filters = assay.parquet_filters(path, "k")
    assert len(filters) == 4
    probes = pa.array(range(0, 1_000, 250))
    for group, found in enumerate(filters):
        assert found is not None and found == assay.BloomFilter.from_parquet(path, "k", row_group=group)
        answers = held(found, probes)
        assert answers[group] is True and answers.count(True) <= 2
    joined = filters[0]
    for other in filters[1:]:
        assert joined is not None and other is not None
        joined = joined | other
    assert joined is not None and all(held(joined, table["k"]))
    assert assay.parquet_filters(path, "none") == [None] * 4


def test_nested_columns_paths_open_files_and_buffers(tmp_path: Path) -> None:
    path = tmp_path / "nested.parquet"
    table = pa.table({"s": pa.array([{"a": "x", "b": [1, 2]}, {"a": "y", "b": [3]}])})
    options = dict.fromkeys(("s.a", "s.b.list.element"), True)
    pq.write_table(table, path, bloom_filter_options=options)
    for source in (
        path,
        str(path),
        path.open("rb"),
        io.BytesIO(path.read_bytes()),
        pa.OSFile(str(path)),
        path.read_bytes(),
    ):
        assert held(assay.BloomFilter.from_parquet(source, "s.a"), pa.array(["x", "y", "z"])) == [True, True, False]
    assert held(assay.BloomFilter.from_parquet(path, "s.b.list.element"), pa.array([1, 3, 9])) == [True, True, False]


def test_what_is_no_source_of_a_file_is_refused() -> None:
    for source in (3, None, pa.table({"a": [1]})):
        with pytest.raises(UnsupportedTypeError, match="expected a path, an open file that can seek, or a"):
            assay.parquet_filters(source, "a")


def test_a_text_file_and_what_names_no_column_or_group_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"a": ["x"]}), path, bloom_filter_options={"a": True})
    with path.open() as file, pytest.raises(UnsupportedTypeError, match="open it in binary"):
        assay.parquet_filters(file, "a")
    with pytest.raises(UnknownNameError, match='there is no column "3"; known: a'):
        assay.parquet_filters(path, 3)  # type: ignore[arg-type]
    for group in ("0", 1.0, 1, -1):
        with pytest.raises(ParameterError, match=r"row_group is .*; expected one of the file's 1 groups, counted"):
            assay.BloomFilter.from_parquet(path, "a", row_group=group)  # type: ignore[arg-type]


def test_what_a_file_does_not_have_is_named(tmp_path: Path) -> None:
    path = tmp_path / "one.parquet"
    pq.write_table(pa.table({"k": [1], "other": [2]}), path, bloom_filter_options={"k": True})
    with pytest.raises(DataError, match=r"column other has no Bloom filter in row group 0.*bloom_filter_options"):
        assay.BloomFilter.from_parquet(path, "other")
    with pytest.raises(UnknownNameError, match='did you mean "other"'):
        assay.BloomFilter.from_parquet(path, "othr")
    for group in (-1, 1):
        with pytest.raises(ParameterError, match="one of the file's 1 groups"):
            assay.BloomFilter.from_parquet(path, "k", row_group=group)
    with pytest.raises(DataError, match="cannot be opened"):
        assay.BloomFilter.from_parquet(tmp_path / "none.parquet", "k")
    (tmp_path / "no.parquet").write_bytes(b"no parquet at all")
    with pytest.raises(DataError, match="is no Parquet file"):
        assay.parquet_filters(tmp_path / "no.parquet", "k")


def test_types_whose_keys_cannot_be_told_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.parquet"
    stamps = pa.array([1, 2], pa.timestamp("ns"))
    pq.write_table(
        pa.table({"k": stamps}), path, use_deprecated_int96_timestamps=True, bloom_filter_options={"k": True}
    )
    with pytest.raises(UnsupportedTypeError, match="INT96"):
        assay.BloomFilter.from_parquet(path, "k")
    ids = pa.array([uuid.uuid5(uuid.NAMESPACE_DNS, name).bytes for name in "ab"], pa.binary(16))
    path = written(tmp_path / "ids.parquet", ids)
    assert held(assay.BloomFilter.from_parquet(path, "k"), ids) == [True, True]


# --- damaged files -----------------------------------------------------------------------------


def whole(tmp_path: Path) -> tuple[bytes, int, int]:
    """A file, where its filter begins, and the bytes of the filter with its header."""
    path = written(tmp_path / "whole.parquet", pa.array(range(100)))
    chunk = pq.read_metadata(path).row_group(0).column(0)
    assert chunk.bloom_filter_offset is not None and chunk.bloom_filter_length is not None
    return path.read_bytes(), chunk.bloom_filter_offset, chunk.bloom_filter_length


def test_a_filter_that_claims_more_than_the_file_has_is_refused(tmp_path: Path) -> None:
    data, offset, _ = whole(tmp_path)
    # Sizes in zigzag: 2 GiB less a block, and 64 KiB.
    for size in (2**31 - 32, 65_536):
        number = size << 1
        varint = b""
        while number >= 0x80:
            varint, number = varint + bytes([number & 0x7F | 0x80]), number >> 7
        header = b"\x15" + varint + bytes([number]) + b"\x1c\x1c\0\0" * 3 + b"\0"
        hostile = data[:offset] + header + data[offset + len(header) :]
        with pytest.raises(DataError, match=rf"said to take {size} bytes"):
            assay.BloomFilter.from_parquet(hostile, "k")


@given(at=st.integers(0, 14), value=st.integers(0, 255))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_header_is_refused_or_read_within_the_file(at: int, value: int, tmp_path: Path) -> None:
    data, offset, length = whole(tmp_path)
    hostile = bytearray(data)
    hostile[offset + at] = value
    try:
        read = assay.BloomFilter.from_parquet(bytes(hostile), "k")
    except DataError as error:
        assert "Bloom filter" in str(error)
    else:
        assert read.memory_bytes <= len(data) and length > 0


def test_a_footer_that_points_nowhere_is_refused(tmp_path: Path) -> None:
    data, offset, _ = whole(tmp_path)
    footer_bytes = struct.unpack("<I", data[-8:-4])[0]
    start = len(data) - 8 - footer_bytes
    zigzag, old = offset << 1, b""
    while zigzag >= 0x80:
        old, zigzag = old + bytes([zigzag & 0x7F | 0x80]), zigzag >> 7
    old += bytes([zigzag])
    at = data.rindex(old, start)
    beyond = bytes([*[0xFE] * (len(old) - 1), 0x7E])  # as long as the number that was there, and far beyond the file
    hostile = data[:at] + beyond + data[at + len(old) :]
    with pytest.raises(DataError, match=r"Bloom filter|no Parquet file"):
        assay.BloomFilter.from_parquet(hostile, "k")
