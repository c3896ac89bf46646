"""The field's own formats of traces: what they hold, in any container, and what is refused with its place."""

from __future__ import annotations

import bz2
import gzip
import pickle
import struct
from collections.abc import Callable, Iterable
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from assay.datasets import BATCH_ROWS, open_dataset, trace_roles
from assay.datasets import line_blocks as lines
from assay.datasets.formats import TRACE_FORMATS, format_by_name, format_call
from assay.errors import AssayError, ReadError, SpellingError, SuiteError

NEVER = 2**63 - 1
RECORDS = [(10, 7, 100, 3), (10, 8, 0, -1), (9, 7, 100, NEVER)]
TWITTER = "0,nz:u:a,6,94,1,get,0\n0,b,1,0,2,delete,0\n1,nz:u:a,6,104,1,set,3600\n"


def oracle(records: Iterable[tuple[int, int, int, int]]) -> bytes:
    return b"".join(struct.pack("<IQIq", *record) for record in records)


def zstd(data: bytes) -> bytes:
    return bytes(pa.Codec("zstd").compress(data, asbytes=True))


def lz4(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "lz4") as stream:
        stream.write(data)
    return bytes(sink.getvalue().to_pybytes())


def stored(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


COMPRESSED: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("", bytes),
    (".gz", gzip.compress),
    (".bz2", bz2.compress),
    (".zst", zstd),
    (".lz4", lz4),
]
SAMPLES = {
    "w01.oracleGeneral.bin": (oracle(RECORDS), [7, 8, 7]),
    "OLTP.lis": (b"5 2 0 1\n9 1 0 2\r\n", [5, 6, 9]),
    "twitter:cluster52.csv": (TWITTER.encode(), ["nz:u:a", "b", "nz:u:a"]),
    "keys:requests.txt": ('a\nß c\r\n"a"'.encode(), ["a", "ß c", '"a"']),
}


def spelled(folder: Path, name: str, suffix: str, data: bytes) -> str:
    kind, colon, plain = name.rpartition(":")
    path = stored(folder, plain + suffix, data)
    return f"{kind}({path})" if colon else str(path)


@pytest.mark.parametrize(("suffix", "compress"), COMPRESSED)
@pytest.mark.parametrize("name", SAMPLES)
def test_every_format_is_read_plain_and_compressed(
    name: str, suffix: str, compress: Callable[[bytes], bytes], tmp_path: Path, read: Callable[..., pa.Table]
) -> None:
    data, keys = SAMPLES[name]
    dataset = open_dataset(spelled(tmp_path, name, suffix, compress(data)))
    table = read(dataset)
    assert table["key"].to_pylist() == keys
    assert table.schema == dataset.schema
    assert read(dataset, columns=["key"])["key"].to_pylist() == keys
    assert sum(batch.data.num_rows for batch in dataset.batches([])) == len(keys)
    assert trace_roles(dataset).key == "key"
    again = pickle.loads(pickle.dumps(dataset))
    assert read(again).equals(table) and again.fingerprint() == dataset.fingerprint()


@pytest.mark.parametrize("name", SAMPLES)
def test_several_files_are_one_trace(name: str, tmp_path: Path, read: Callable[..., pa.Table]) -> None:
    data, keys = SAMPLES[name]
    kind, colon, plain = name.rpartition(":")
    stored(tmp_path, f"1.{plain}", data)
    stored(tmp_path, f"2.{plain}.gz", gzip.compress(data))
    pattern = str(tmp_path / "*")
    dataset = open_dataset(f"{kind}({pattern})" if colon else pattern)
    assert read(dataset)["key"].to_pylist() == keys + keys


def test_oracle_general_by_hand(tmp_path: Path) -> None:
    dataset = open_dataset(stored(tmp_path, "a.oracleGeneral", oracle(RECORDS)))
    assert dataset.table().to_pylist() == [
        {"time": 10, "key": 7, "size": 100, "next_access": 3},
        {"time": 10, "key": 8, "size": 0, "next_access": None},
        {"time": 9, "key": 7, "size": 100, "next_access": None},
    ]
    roles = trace_roles(dataset)
    assert (roles.time, roles.key, roles.size, roles.op) == ("time", "key", "size", None)


def test_twitter_by_hand(tmp_path: Path) -> None:
    dataset = open_dataset(f"twitter({stored(tmp_path, 'c.csv', TWITTER.encode())})")
    first, *_, last = dataset.table().to_pylist()
    assert first == {
        "time": 0,
        "key": "nz:u:a",
        "size": 100,
        "op": "get",
        "ttl": 0,
        "client": "1",
        "key_size": 6,
        "value_size": 94,
    }
    assert (last["size"], last["op"], last["ttl"]) == (110, "set", 3600)
    roles = trace_roles(dataset)
    assert (roles.time, roles.key, roles.size, roles.op) == ("time", "key", "size", "op")


def test_lis_expands_a_line_to_a_request_a_block(tmp_path: Path) -> None:
    dataset = open_dataset(stored(tmp_path, "P1.lis", b"100 3 0 1\n7 1 0\n100 2\n"))
    table = dataset.table()
    assert table["key"].to_pylist() == [100, 101, 102, 7, 100, 101]
    assert table["time"].to_pylist() == [0, 0, 0, 1, 2, 2]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    requests=st.lists(st.tuples(st.integers(0, 10**17), st.integers(1, 40)), min_size=1, max_size=30),
    block_bytes=st.integers(1, 200),
)
def test_lis_equals_a_plain_reading(
    requests: list[tuple[int, int]], block_bytes: int, tmp_path: Path, read: Callable[..., pa.Table]
) -> None:
    text = "".join(f"{first} {count} 0 {number}\n" for number, (first, count) in enumerate(requests))
    path = stored(tmp_path, "h.lis", text.encode())
    expected = [first + number for first, count in requests for number in range(count)]
    whole = lines.BLOCK_BYTES
    lines.BLOCK_BYTES = block_bytes  # so that lines lie across blocks
    try:
        assert read(open_dataset(path))["key"].to_pylist() == expected
    finally:
        lines.BLOCK_BYTES = whole


def test_one_line_of_many_blocks_comes_in_batches(tmp_path: Path) -> None:
    dataset = open_dataset(stored(tmp_path, "big.lis", b"1 1048576 0 1\n3 2 0 2\n"))
    sizes = [batch.data.num_rows for batch in dataset.batches()]
    assert max(sizes) == BATCH_ROWS and sum(sizes) == 1048578


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    requests=st.lists(
        st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**32 - 1)), min_size=1
    ),
    target=st.integers(1, 50),
    compressed=st.booleans(),
)
def test_oracle_general_comes_back_whatever_it_holds(
    requests: list[tuple[int, int, int]], target: int, compressed: bool, tmp_path: Path, read: Callable[..., pa.Table]
) -> None:
    data = oracle((*request, -1) for request in requests)
    path = stored(tmp_path, "a.oracleGeneral" + (".zst" if compressed else ""), zstd(data) if compressed else data)
    table = read(open_dataset(path), target)
    assert list(zip(*(table[name].to_pylist() for name in ("time", "key", "size")), strict=True)) == requests


HOSTILE: list[tuple[str, bytes, str]] = [
    ("a.oracleGeneral", b"", "a.oracleGeneral is empty; expected at least one record"),
    ("a.oracleGeneral.zst", zstd(b""), "is empty; expected at least one record"),
    ("a.oracleGeneral", oracle(RECORDS)[:-1], r"has 71 bytes, which are 2 records of 24 bytes and 23 bytes more"),
    (
        "a.oracleGeneral.gz",
        gzip.compress(oracle(RECORDS)[:-1], mtime=0),
        "ends within record 3, after 23 of its 24 bytes",
    ),
    ("a.oracleGeneral.zst", zstd(oracle(RECORDS * 400))[:-9], "cannot be read"),
    ("a.oracleGeneral.gz", b"no gzip at all, whatever its name says", "cannot be read"),
    ("a.oracleGeneral", b"time,key\n" * 8 + b"1,2\n" * 60, "record 1: the next access of its key is request"),
    ("a.oracleGeneral", zstd(bytes(range(256)) * 9)[:240] * 3, "the next access of its key is request"),
    ("a.oracleGeneral", oracle([(0, 1, 1, 2), (0, 1, 1, 1)]), "record 2: the next access of its key is request 1"),
    ("a.oracleGeneral", oracle([(0, 1, 1, 2**48)]), "expected one after this request and below 2"),
    ("a.oracleGeneral", oracle([(0, 1, 1, -2)]), "is request -2"),
    ("a.lis", b"", "a.lis is empty"),
    ("a.lis", b"1 2 0 1\nread 5\n", r"line 2: 'read 5': it holds more than whole numbers"),
    ("a.lis", b"1 2 0 1\n-5 1 0 2\n", r"line 2: '-5 1 0 2'"),
    ("a.lis", b"1 2 0 1\n\n", r"line 2: '': it holds 0 numbers"),
    ("a.lis", b"1 2 0 1 7\n", "it holds 5 numbers"),
    ("a.lis", b"1 0 0 1\n", "asks for 0 blocks, not for 1 to 1,048,576"),
    ("a.lis", b"1 1048577 0 1\n", "asks for 1,048,577 blocks"),
    ("a.lis", b"1 1 0 1\n9999999999999999999 1\n", "line 2: .*more than 18 digits"),
    ("a.lis", b"\x28\xb5\x2f\xfd" + bytes(50), "line 1"),
    ("a.lis.zst", b"1 1 0 1\n", "cannot be read"),
    ("twitter:a.csv", b"", "is empty"),
    ("twitter:a.csv", b"time,key,key_size,value_size,client,op,ttl\n", "line 1: .*time is 'time', no whole number"),
    ("twitter:a.csv", b"0,a,1,2,3,get,0\n0,a,1,2,3,get\n", "line 2: '0,a,1,2,3,get': it has 6 fields"),
    ("twitter:a.csv", b"0,a,1,2,3,get,0\n\n", "line 2: '': it has 1 field;"),
    ("twitter:a.csv", b"0,a,1,-2,3,get,0\n", "value_size is -2, not within 0 to 4294967295"),
    ("twitter:a.csv", b"0,a,1,,3,get,0\n", "value_size is '', no whole number"),
    ("twitter:a.csv", b"0,a,1,4294967296,3,get,0\n", "value_size is 4294967296, not within"),
    ("twitter:a.csv", b"0,a,1,1,3,read,0\n", "the operation is 'read', none of get, gets, set"),
    ("twitter:a.csv", b"0,,1,1,3,get,0\n", "key is empty"),
    ("twitter:a.csv", b"0,\xff,1,1,3,get,0\n", "it is no text in UTF-8"),
    ("twitter:a.csv", b"0,a,b,1,1,3,get,0\n", "it has 8 fields"),
    ("twitter:a.csv", b"0,a,1,1,3,get,0\r0,b,1,1,3,get,0\n", "line 1: .*a carriage return stands within it"),
    ("keys:a.txt", b"", "is empty"),
    ("keys:a.txt", b"a\nb\n\nc\n", "line 3: '': it is empty"),
    ("keys:a.txt", b"a\n\xff\xfe\n", "line 2: .*it is no text in UTF-8"),
    ("keys:a.txt", b"x" * (6 * 1024 * 1024), "line 1: it is longer than 1,048,576 bytes"),
]


@pytest.mark.parametrize(("name", "data", "message"), HOSTILE)
def test_hostile_files_are_refused_with_the_place(name: str, data: bytes, message: str, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=message) as caught:
        open_dataset(spelled(tmp_path, name, "", data)).table()
    assert name.rpartition(":")[2] in str(caught.value)


@pytest.mark.parametrize(
    ("name", "good", "bad", "line"),
    [
        ("a.lis", b"1 1 0 1\n", b"x\n", 700_001),
        ("twitter:a.csv", b"0,a,1,2,3,get,0\n", b"0,a,1,2,3,peek,0\n", 400_001),
        ("keys:a.txt", b"abcdefgh\n", b"\n", 600_001),
    ],
)
def test_a_bad_line_far_behind_is_told_by_its_number(
    name: str, good: bytes, bad: bytes, line: int, tmp_path: Path
) -> None:
    dataset = open_dataset(spelled(tmp_path, name, "", good * (line - 1) + bad + good))  # beyond the first block
    with pytest.raises(ReadError, match=f"line {line:,}:"):
        for _ in dataset.batches():
            pass


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(kind=st.sampled_from(sorted(TRACE_FORMATS)), data=st.binary(max_size=400))
@example(kind="oracle_general", data=b"\xff" * 48)
def test_any_bytes_are_a_trace_or_a_read_error(kind: str, data: bytes, tmp_path: Path) -> None:
    path = stored(tmp_path, "any", data)
    try:
        table = open_dataset(f"{kind}({path})").table()
    except ReadError as error:
        assert str(path) in str(error)
    else:
        assert table.num_rows > 0 and table["key"].null_count == 0


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_trace_is_read_or_refused_and_nothing_else(data: st.DataObject, tmp_path: Path) -> None:
    name = data.draw(st.sampled_from(sorted(SAMPLES)))
    suffix, compress = data.draw(st.sampled_from(COMPRESSED))
    content = bytearray(compress(SAMPLES[name][0] * 3))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    whole = bytes(content)[: data.draw(st.integers(0, len(content)))]
    try:
        table = open_dataset(spelled(tmp_path, name, suffix, whole)).table()
    except ReadError:
        return
    assert table.num_rows > 0


# Names and calls


def test_a_name_tells_its_format() -> None:
    told = {
        "w01.oracleGeneral.bin.zst": "oracle_general",
        "cluster26.oraclegeneral.sample10.zst": "oracle_general",
        "a.LIS": "lis",
        "a.lis.gz": "lis",
        "a.csv.zip": "csv",
        "a.txt": "csv",
        "a.parquet": "parquet",
        "a.sort": None,
    }
    assert {name: format_by_name(name) for name in told} == told


def test_a_call_names_the_format_and_the_path_as_it_is() -> None:
    assert format_call("twitter(/data/cluster 52.csv)") == ("twitter", "/data/cluster 52.csv")
    assert format_call(" keys ( 'it''s.txt' ) ") == ("keys", "it's.txt")
    assert format_call("zipf(rows=3)") is None and format_call("twitter") is None
    with pytest.raises(SpellingError, match="names no file"):
        open_dataset("twitter()")


def test_a_format_may_be_declared_and_relative_paths_follow_the_definition(
    tmp_path: Path, write_definition: Callable[..., Path]
) -> None:
    stored(tmp_path, "requests.log", b"a\nb\n")
    dataset = open_dataset(write_definition('source = { path = "requests.log", format = "keys" }', "log"))
    assert (dataset.name, dataset.table()["key"].to_pylist()) == ("log", ["a", "b"])
    assert str(dataset.definition.source) == "keys(requests.log)"
    assert open_dataset("keys(requests.log)", base=tmp_path).table().equals(dataset.table())
    with pytest.raises(SuiteError, match=r"format: is 'keyss'; expected 'parquet', .*'twitter' or 'keys'"):
        open_dataset(write_definition('source = { path = "requests.log", format = "keyss" }', "bad"))


def test_how_a_file_is_read_decides_its_fingerprint_and_a_name_that_tells_changes_nothing(tmp_path: Path) -> None:
    path = stored(tmp_path, "a.lis", b"1 1 0 1\n")
    assert open_dataset(f"lis({path})").fingerprint() == open_dataset(path).fingerprint()
    assert open_dataset(f"keys({path})").fingerprint() != open_dataset(path).fingerprint()


@pytest.mark.parametrize("kind", TRACE_FORMATS)
def test_folders_zip_archives_and_missing_files_are_refused(kind: str, tmp_path: Path) -> None:
    with pytest.raises(ReadError, match="is a folder; for the format"):
        open_dataset(f"{kind}({tmp_path})")
    with pytest.raises(ReadError, match="is a zip archive"):
        open_dataset(f"{kind}({stored(tmp_path, 'a.zip', b'PK')})")
    with pytest.raises(AssayError, match="there is no such file"):
        open_dataset(f"{kind}({tmp_path / 'absent'})")


def test_an_unknown_name_is_told_of_the_calls(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"format is unknown; .*twitter\(c1.sort\), keys\(c1.sort\)"):
        open_dataset(stored(tmp_path, "c1.sort", b"0,a,1,1,1,get,0\n"))


def test_oracle_general_may_number_requests_from_0_as_well_as_from_1(tmp_path: Path) -> None:
    for first in (0, 1):
        records = [(0, 7, 1, 1 + first), (1, 7, 1, 3 + first), (2, 8, 1, -1), (3, 7, 1, 2**63 - 1)]
        path = stored(tmp_path, f"from{first}.oracleGeneral", oracle(records))
        assert open_dataset(path).table().column("key").to_pylist() == [7, 7, 8, 7]
