"""URLs: what they may hold, what is refused, and that no secret is ever shown."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.datasets import open_dataset
from assay.datasets.urls import Url, is_url, parse_url, shown_url
from assay.errors import AssayError, ReadError, UsageError


def test_a_url_is_told_from_a_path_and_a_name() -> None:
    assert all(map(is_url, ("https://h/t.csv", "S3://b/k", " gs://b", "abfss://c@a.dfs/x")))
    assert not any(map(is_url, ("t.parquet", "/data/t", "C:\\t", "zipf(rows=1)", "://x", "a/b://c", "x:/y")))


def test_the_parts_of_a_url() -> None:
    assert parse_url("s3://b/a/*.parquet?region=eu&scheme=http") == Url(
        "s3", "b", "/a/*.parquet", "region=eu&scheme=http"
    )
    assert parse_url("s3://b/k?anonymous=true&region=eu") == Url("s3", "anonymous@b", "/k", "region=eu")
    assert parse_url("s3://b/k?anonymous=false") == Url("s3", "b", "/k", "")
    assert parse_url("gs://anonymous@b/k").authority == "anonymous@b"
    assert parse_url("abfss://c@a.dfs.core.windows.net/k").authority == "c@a.dfs.core.windows.net"
    assert parse_url("s3://b/k?anonymous=true").shown == "s3://b/k"
    assert parse_url("https://h:8080/a/b.csv?version=2").store == "https://h:8080?version=2"


@pytest.mark.parametrize(
    ("url", "what", "way_out"),
    [
        ("s3://AKIAEXAMPLE:s3cr3t@bucket/t.parquet", "a user name or password", "AWS_PROFILE"),
        ("s3://bucket/t.parquet?secret_key=s3cr3t", "the option 'secret_key'", "AWS_PROFILE"),
        ("gs://b/t?access_token=s3cr3t", None, None),
        ("abfss://c:s3cr3t@account.dfs.core.windows.net/t", "a user name or password", "AZURE_CLIENT_ID"),
        ("https://user:s3cr3t@host/t.csv", "a user name or password", "download the file first"),
        ("https://host/t.csv?X-Amz-Signature=s3cr3t", "the option 'X-Amz-Signature'", "download"),
        ("https://account.blob.core.windows.net/c/t.csv?sv=1&sig=s3cr3t", "the option 'sig'", "download"),
        ("https://host/t.csv?token=s3cr3t#x", "the option 'token'", "download"),
    ],
)  # fmt: skip
def test_credentials_are_refused_and_never_shown(url: str, what: str | None, way_out: str | None) -> None:
    with pytest.raises(AssayError) as caught:
        open_dataset(url)
    assert "s3cr3t" not in str(caught.value) and "AKIA" not in str(caught.value)
    if what is not None and way_out is not None:
        assert what in str(caught.value) and way_out in str(caught.value)


@given(st.text(max_size=30), st.text("abc@:/?#[]%&=", max_size=30))
def test_whatever_follows_a_question_mark_or_stands_before_an_at_is_not_shown(user: str, rest: str) -> None:
    shown = shown_url(f"https://{user.replace('/', '')}:s3cr3t@host/path?s3cr3t={rest}")
    assert "s3cr3t" not in shown.replace(rest, "")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https:///t.csv", "names no host or bucket"),
        ("s3://", "names no host or bucket"),
        ("https://host:port/t.csv", "is no URL"),
        ("https://[::1/t.csv", "is no URL"),
        ("https://host/a#b.csv", "write %23"),
        ("s3://b/t.csv?anonymous=yes", "anonymous is 'yes'; expected true or false"),
        ("nope://host/t.csv", r"nothing reads nope://; known: file://, http://, https://, s3://"),
        ("file://elsewhere/t.csv", "names the machine elsewhere"),
        ("s3://b/t.parquet?regoin=eu", "regoin.*options follow a question mark, such as .region"),
    ],
)
def test_a_broken_url_is_refused_with_the_way_out(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        open_dataset(url)


def test_a_file_url_is_a_path(tmp_path: Path) -> None:
    (tmp_path / "with blank").mkdir()
    pq.write_table(pa.table({"a": [1, 2]}), tmp_path / "with blank" / "t.parquet")
    url = f"file://{tmp_path}/with%20blank/t.parquet"
    dataset = open_dataset(url)
    assert dataset.table().to_pydict() == {"a": [1, 2]} and dataset.name == "t"
    assert dataset.fingerprint() == open_dataset(tmp_path / "with blank" / "t.parquet").fingerprint()
    assert open_dataset(f"file://localhost{tmp_path}/with%20blank/*.parquet").rows == 2
    with pytest.raises(ReadError, match="there is no such file or directory"):
        open_dataset(f"file://{tmp_path}/none.parquet")
