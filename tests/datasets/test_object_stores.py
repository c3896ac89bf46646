"""Tables in object stores: an S3-compatible one on the loopback interface, and fsspec's memory."""

from __future__ import annotations

import gzip
import io
import pickle
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
from read_elsewhere import ids_of_span
from stores_on_loopback import s3_server

from assay.datasets import describe, open_dataset
from assay.errors import ChecksumMismatchError, ReadError

Read = Callable[..., pa.Table]
SECRET = "very-s3cr3t"
pytest.importorskip("moto.server")


@pytest.fixture(scope="module")
def options() -> Iterator[str]:
    """The options of URLs of a running S3-compatible store, whose credentials are in the environment."""
    with pytest.MonkeyPatch.context() as patch, s3_server() as running:
        for name, value in (
            ("AWS_ACCESS_KEY_ID", "somebody"),
            ("AWS_SECRET_ACCESS_KEY", SECRET),
            ("AWS_EC2_METADATA_DISABLED", "true"),
            ("NO_PROXY", "127.0.0.1"),
        ):
            patch.setenv(name, value)
        yield running


@pytest.fixture(scope="module")
def bucket(options: str) -> pafs.FileSystem:
    """The filesystem, with the bucket `trips` in it."""
    filesystem, _ = pafs.FileSystem.from_uri(f"s3://trips{options}&allow_bucket_creation=true")
    filesystem.create_dir("trips")
    return filesystem


def put(bucket: pafs.FileSystem, path: str, content: bytes) -> None:
    with bucket.open_output_stream(path, compression=None) as sink:
        sink.write(content)


def parquet(table: pa.Table, **layout: int) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **layout)
    return sink.getvalue()


def make_trips(bucket: pafs.FileSystem) -> pa.Table:
    random = np.random.default_rng(1)
    parts = [
        pa.table({"id": range(n * 5000, (n + 1) * 5000), "x": random.integers(0, 2**60, 5000), "n": ["ab"] * 5000})
        for n in range(3)
    ]
    for number, part in enumerate(parts):
        put(bucket, f"trips/all/year={2012 + number}/part.parquet", parquet(part, row_group_size=700))
    put(bucket, "trips/all/_SUCCESS", b"")
    years = pa.array([2012 + n for n in range(3) for _ in range(5000)], pa.int64())
    return pa.concat_tables(parts).append_column("year", years)


@pytest.mark.parametrize(
    "place", ["all", "all/", "all/*/*.parquet", "all/**/*.parquet", "a*/year=201[2-4]/part.parquet"]
)
def test_a_folder_and_a_pattern_are_one_table(options: str, bucket: pafs.FileSystem, read: Read, place: str) -> None:
    table = make_trips(bucket)
    dataset = open_dataset(f"s3://trips/{place}{options}")
    assert dataset.rows == 15_000
    assert read(dataset, 1000).equals(table)
    assert read(dataset, 10**6, ["year", "x"]).equals(table.select(["year", "x"]))


def test_every_format_is_read(options: str, bucket: pafs.FileSystem, read: Read) -> None:
    table = pa.table({"id": range(500), "name": [f"n{n % 9}" for n in range(500)]})
    text = b"id,name\n" + b"".join(b"%d,n%d\n" % (n, n % 9) for n in range(500))
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        writer.writestr("t.csv", text)
    contents = {"t.csv": text, "t.csv.gz": gzip.compress(text), "t.zip": archive.getvalue(), "none": parquet(table)}
    for name, new in (("t.arrow", ipc.new_file), ("t.arrows", ipc.new_stream)):
        sink = pa.BufferOutputStream()
        with new(sink, table.schema) as stream:
            stream.write_table(table, max_chunksize=100)
        contents[name] = sink.getvalue().to_pybytes()
    for name, content in contents.items():
        put(bucket, f"trips/formats/{name}", content)
        dataset = open_dataset(f"s3://trips/formats/{name}{options}")
        assert read(dataset).equals(table), name
    assert read(open_dataset(f"s3://trips/formats/t.zip/t.csv{options}")).equals(table)


@pytest.mark.slow
def test_another_process_reads_the_same_spans(options: str, bucket: pafs.FileSystem) -> None:
    make_trips(bucket)
    dataset = open_dataset(f"s3://trips/all{options}")
    spans = dataset.spans(target_rows=4000)
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(ids_of_span, [dataset.description()] * len(spans), spans))
    assert [n for _, ids in found for n in ids] == list(range(15_000))


def test_a_description_holds_no_secret_and_knows_a_changed_object(options: str, bucket: pafs.FileSystem) -> None:
    put(bucket, "trips/one.parquet", parquet(pa.table({"a": range(100)})))
    dataset = open_dataset(f"s3://trips/one.parquet{options}")
    packed = pickle.dumps(dataset)
    assert SECRET.encode() not in packed and len(packed) < 2000
    assert pickle.loads(packed).table().equals(dataset.table())
    put(bucket, "trips/one.parquet", parquet(pa.table({"a": range(101)})))
    with pytest.raises(ChecksumMismatchError, match=r"one\.parquet has changed"):
        pickle.loads(packed)
    with pytest.raises(ChecksumMismatchError, match=r"one\.parquet has changed"):
        dataset.table()


def test_facts_say_that_the_fingerprint_is_over_metadata(options: str, bucket: pafs.FileSystem) -> None:
    put(bucket, "trips/two.parquet", parquet(pa.table({"a": range(100)})))
    facts = describe(open_dataset(f"s3://trips/two.parquet{options}"))
    assert facts.fingerprint_kind == "metadata" and facts.rows == 100 and SECRET not in str(facts)
    before = facts.fingerprint
    put(bucket, "trips/two.parquet", parquet(pa.table({"a": range(1, 101)})))
    assert open_dataset(f"s3://trips/two.parquet{options}").fingerprint() != before


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("trips/none.parquet", r"s3://trips/none\.parquet does not exist; check the spelling or the bucket"),
        ("trips/none/*.parquet", r"no file matches, of 0 below trips/none"),
        ("nowhere/t.parquet", r"does not exist; check the spelling or the bucket"),
        ("nowhere/*.parquet", r"is in a bucket that does not exist|no file matches, of 0"),
        ("trips/formats", r"holds no Parquet file; for other formats give a pattern"),
        ("trips/broken.parquet", r"broken\.parquet cannot be read: .*expected a whole file of the format"),
    ],
)
def test_what_is_missing_or_broken_is_said(options: str, bucket: pafs.FileSystem, place: str, message: str) -> None:
    put(bucket, "trips/formats/t.csv", b"a\n1\n")
    put(bucket, "trips/broken.parquet", b"PAR1 and nothing that ends like Parquet")
    with pytest.raises(ReadError, match=message) as caught:
        open_dataset(f"s3://{place}{options}")
    assert SECRET not in str(caught.value) and "127.0.0.1" not in str(caught.value)


@pytest.mark.slow
def test_a_store_that_refuses_connections_is_said(options: str) -> None:
    with pytest.raises(
        ReadError, match=r"s3://trips/t\.parquet cannot be read: .*NETWORK_CONNECTION.*check the address"
    ):
        open_dataset("s3://trips/t.parquet?endpoint_override=127.0.0.1:9&scheme=http&region=us-east-1")


def test_fsspecs_memory_is_read_like_any_store(read: Read) -> None:
    import fsspec

    memory = fsspec.filesystem("memory")
    table = pa.table({"id": range(1000)})
    try:
        for number in range(2):
            memory.pipe(f"/trips/k={number}/t.parquet", parquet(table.slice(number * 500, 500), row_group_size=90))
        memory.pipe("/t.csv", b"a,b\n1,x\n")
        dataset = open_dataset("memory://trips")
        assert dataset.schema.names == ["id", "k"] and dataset.rows == 1000
        for target_rows in (1, 200, 10**6):
            assert read(dataset, target_rows, ["id"]).equals(table)
        assert open_dataset("memory://trips/*/t.parquet").table().equals(dataset.table())
        assert open_dataset("memory://t.csv").table().to_pydict() == {"a": [1], "b": ["x"]}
        assert dataset.fingerprint_kind == "metadata"
        with pytest.raises(ReadError, match="does not exist"):
            open_dataset("memory://none.csv")
    finally:
        memory.rm("/trips", recursive=True)
        memory.rm("/t.csv")
