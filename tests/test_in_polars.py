"""`assay.polars`: the primitives' own answers as expressions and series: dtypes, nulls, laziness, and no copies."""

from __future__ import annotations

import datetime
import decimal
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

import assay
import assay.polars
from assay import _core
from assay.catalogue import contenders
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError

RING = assay.Ring(["ams", "fra", "lhr"], virtual_nodes=32)
SEEN = assay.BloomFilter.build(pa.array(["key 1", "key 2", "key 3 that is longer than a view holds inline"]))

COLUMNS = {
    "text": pl.Series("k", ["key 1", None, "", "key 3 that is longer than a view holds inline", "key 1"]),
    "integers": pl.Series("k", [1, None, -3], dtype=pl.Int16),
    "unsigned": pl.Series("k", [2**64 - 1, None], dtype=pl.UInt64),
    "floats": pl.Series("k", [0.0, -0.0, None, float("nan")], dtype=pl.Float32),
    "booleans": pl.Series("k", [True, None, False]),
    "dates": pl.Series("k", [datetime.date(2013, 1, 1), None]),
    "instants": pl.Series("k", [datetime.datetime(2013, 1, 1, 5), None]),
    "times": pl.Series("k", [datetime.time(5, 15), None]),
    "decimals": pl.Series("k", [decimal.Decimal("1.50"), None]),
    "binary": pl.Series("k", [b"a", None, b"b" * 40]),
    "categories": pl.Series("k", ["a", None, "b", "a"], dtype=pl.Categorical),
    "enumeration": pl.Series("k", ["a", None, "b"], dtype=pl.Enum(["a", "b"])),
    "empty": pl.Series("k", [], dtype=pl.String),
    "nothing": pl.Series("k", [None, None], dtype=pl.String),
}


def asked(verbs: Any) -> dict[str, Any]:
    """Every verb of a namespace."""
    return {
        "hash": verbs.hash(),
        "murmur": verbs.hash("murmur3_32", seed=7),
        "digest": verbs.digest("sha256"),
        "lookup": verbs.lookup(RING),
        "replicas": verbs.replicas(RING, 2),
        "contains": verbs.contains(SEEN),
    }


TYPES = {
    "hash": pl.UInt64,
    "murmur": pl.UInt32,
    "digest": pl.Binary,
    "lookup": pl.UInt32,
    "replicas": pl.Array(pl.UInt32, 2),
    "contains": pl.Boolean,
}


@pytest.mark.parametrize("name", COLUMNS)
def test_every_verb_answers_as_the_primitive_does(name: str) -> None:
    keys = COLUMNS[name]
    wanted = {
        "hash": assay.hash(keys),
        "murmur": assay.hash(keys, "murmur3_32", seed=7),
        "digest": assay.digest(keys, "sha256"),
        "lookup": RING.lookup(keys),
        "replicas": RING.replicas(keys, 2),
        "contains": SEEN.contains(keys),
    }
    found = keys.to_frame().select(**asked(pl.col("k").assay))  # type: ignore[attr-defined]
    for verb, column in wanted.items():
        assert found[verb].to_list() == column.to_pylist(), verb
        assert_series_equal(found[verb], asked(keys.assay)[verb], check_names=False)  # type: ignore[attr-defined]
        assert found[verb].is_null().to_list() == keys.is_null().to_list()
    assert dict(found.schema) == TYPES


def test_types_are_known_before_anything_runs() -> None:
    lazy = pl.LazyFrame({"k": ["a"]}).select(**asked(pl.col("k").assay))  # type: ignore[attr-defined]
    assert dict(lazy.collect_schema()) == TYPES


@pytest.mark.parametrize("algorithm", [one.name for one in contenders("hash") if one.name != "identity"])
def test_every_hash_function_has_its_dtype(algorithm: str) -> None:
    keys = pl.Series("k", [1, 2, None])
    wanted = assay.hash(keys, algorithm)
    found = keys.to_frame().lazy().select(pl.col("k").assay.hash(algorithm))  # type: ignore[attr-defined]
    assert found.collect_schema()["k"] == found.collect()["k"].dtype
    assert found.collect()["k"].to_list() == wanted.to_pylist()


FRAME = pl.DataFrame({"k": [f"key {i % 977}" for i in range(100_000)], "g": [i % 7 for i in range(100_000)]})


@pytest.mark.parametrize("engine", ["in-memory", "streaming"])
def test_lazy_frames_and_streams_give_what_series_do(engine: Any) -> None:
    lazy = FRAME.lazy().with_columns(**asked(pl.col("k").assay))  # type: ignore[attr-defined]
    wanted = FRAME.with_columns(**asked(FRAME["k"].assay))  # type: ignore[attr-defined]
    assert_frame_equal(lazy.collect(engine=engine), wanted)


def test_groups_and_windows_give_what_the_column_does() -> None:
    hashed = pl.col("k").assay.hash()  # type: ignore[attr-defined]
    grouped = FRAME.group_by("g").agg(hashed.min().alias("least"), hashed.n_unique().alias("distinct")).sort("g")
    wanted = FRAME.with_columns(h=FRAME["k"].assay.hash()).group_by("g")  # type: ignore[attr-defined]
    assert_frame_equal(grouped, wanted.agg(least=pl.col("h").min(), distinct=pl.col("h").n_unique()).sort("g"))
    within = FRAME.select(hashed.over("g"))["k"]
    assert_series_equal(within, FRAME["k"].assay.hash())  # type: ignore[attr-defined]


def test_a_filter_is_pushed_below_an_elementwise_verb() -> None:
    plan = FRAME.lazy().with_columns(h=pl.col("k").assay.hash()).filter(pl.col("g") == 1)  # type: ignore[attr-defined]
    text = plan.explain()
    assert text.index("python_udf") < text.index("FILTER")


def test_rows_of_a_struct_are_framed() -> None:
    frame = pl.DataFrame({"a": ["ab", "a", None], "b": ["c", "bc", "x"], "n": [1, 2, 3]})
    found = frame.select(row=pl.struct("a", "b", "n").assay.hash_rows("murmur3_32"))  # type: ignore[attr-defined]
    assert found["row"].to_list() == assay.hash_rows(frame, "murmur3_32").to_pylist()
    assert found["row"].dtype == pl.UInt32 and found["row"].n_unique() == 3
    one = frame.select(row=pl.col("a").assay.hash_rows())["row"]  # type: ignore[attr-defined]
    assert one.to_list() == assay.hash_rows(frame.select("a")).to_pylist()


def test_a_sliced_and_a_chunked_column_are_hashed_as_a_whole_one() -> None:
    keys = FRAME["k"]
    pieces = pl.concat([keys[:10], keys[10:11], keys[11:1000]], rechunk=False)
    assert pieces.n_chunks() == 3
    whole = keys[:1000].assay.hash()  # type: ignore[attr-defined]
    assert_series_equal(pieces.assay.hash(), whole)  # type: ignore[attr-defined]
    assert_series_equal(keys[500:1000].assay.hash(), whole[500:])  # type: ignore[attr-defined]


def test_a_column_without_a_type_is_null_throughout() -> None:
    frame = pl.DataFrame({"k": [None, None]})
    assert frame.schema["k"] == pl.Null
    found = frame.select(**asked(pl.col("k").assay))  # type: ignore[attr-defined]
    assert dict(found.schema) == TYPES and all(column.null_count() == 2 for column in found)
    identity = frame.select(pl.col("k").assay.hash("identity"))  # type: ignore[attr-defined]
    assert identity["k"].null_count() == 2


# No copies


def addresses(column: Any) -> list[int]:
    """Where the buffers of an Arrow column of one chunk lie, validity apart."""
    array = pa.chunked_array(column).chunk(0) if hasattr(column, "__arrow_c_stream__") else column
    return [buffer.address for buffer in array.buffers()[1:] if buffer is not None]


@pytest.mark.parametrize("name", ["text", "integers", "binary"])
def test_keys_are_borrowed_and_not_copied(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, met = COLUMNS[name], []
    real = _core.hash

    def spy(column: Any, *args: Any, **kwargs: Any) -> Any:
        if isinstance(column, pl.Series):
            met.append(addresses(column))
        return real(column, *args, **kwargs)

    monkeypatch.setattr(_core, "hash", spy)
    keys.assay.hash()  # type: ignore[attr-defined]
    keys.to_frame().select(pl.col("k").assay.hash())  # type: ignore[attr-defined]
    assert met == [addresses(keys), addresses(keys)] and met[0]


def test_answers_come_back_in_the_memory_that_they_were_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[pa.Array] = []

    def spy(real: Callable[..., pa.Array]) -> Callable[..., pa.Array]:
        def call(*args: Any, **kwargs: Any) -> pa.Array:
            given.append(real(*args, **kwargs))
            return given[-1]

        return call

    monkeypatch.setattr(_core, "hash", spy(_core.hash))
    monkeypatch.setattr(_core, "digest", spy(_core.digest))
    keys = pl.Series("k", range(1000))
    hashes = keys.assay.hash()  # type: ignore[attr-defined]
    assert hashes.to_numpy(allow_copy=False).ctypes.data == given[-1].buffers()[1].address
    digests = keys.assay.digest("sha256")  # type: ignore[attr-defined]
    assert given[-1].buffers()[1].address in addresses(digests)  # polars adds views, and borrows the bytes
    found = keys.assay.contains(SEEN)  # type: ignore[attr-defined]
    assert found.dtype == pl.Boolean


# Mistakes


@pytest.mark.parametrize(
    ("ask", "error", "words"),
    [
        (lambda keys: keys.hash("xxh3"), UnknownNameError, 'there is no hash function "xxh3"'),
        (lambda keys: keys.digest("md6"), UnknownNameError, 'there is no digest "md6"'),
        (lambda keys: keys.hash("murmur3_spark", seed=1), ParameterError, "takes no seed"),
        (
            lambda keys: keys.lookup("ring"),
            UnsupportedTypeError,
            "expected a placement, such as assay.Ring, got 'ring'",
        ),
        (lambda keys: keys.replicas(RING, 4), ParameterError, "there are 3 nodes"),
        (lambda keys: keys.contains(RING), UnsupportedTypeError, "expected a filter"),
    ],
)
@pytest.mark.parametrize("of", [pl.col("k"), pl.Series("k", ["a"])])
def test_what_cannot_be_asked_is_refused_at_once(ask: Any, error: type[Exception], words: str, of: Any) -> None:
    with pytest.raises(error, match=words):
        ask(of.assay)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (pl.Series("k", [[1]]), "which cannot be a key"),
        (pl.Series("k", [datetime.timedelta(1)]), "which cannot be a key"),
        (pl.Series("k", [2**100], dtype=pl.Int128), "is of type Int128, which cannot be a key; cast it to"),
    ],
)
def test_a_type_that_cannot_be_a_key_is_named(keys: pl.Series, words: str) -> None:
    with pytest.raises(UnsupportedTypeError, match=words):
        keys.to_frame().lazy().select(pl.col("k").assay.hash()).collect()  # type: ignore[attr-defined]
    with pytest.raises(UnsupportedTypeError, match=words):
        keys.to_frame().select(pl.struct("k").assay.hash_rows())  # type: ignore[attr-defined]


def test_addresses_of_python_objects_are_no_keys() -> None:
    objects = pl.Series("k", [object(), object()])
    with pytest.raises(UnsupportedTypeError, match='column "k" is of type Object, whose values are addresses'):
        objects.assay.hash()  # type: ignore[attr-defined]
    with pytest.raises(UnsupportedTypeError, match="whose values are addresses"):
        objects.to_frame().select(pl.col("k").assay.contains(SEEN))  # type: ignore[attr-defined]


def test_an_expression_travels_to_another_process() -> None:
    lazy = FRAME.lazy().select(pl.col("k").assay.hash(), l=pl.col("k").assay.lookup(RING))  # type: ignore[attr-defined]
    assert_frame_equal(pickle.loads(pickle.dumps(lazy)).collect(), lazy.collect())


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=folder, timeout=120)


@pytest.mark.parametrize("host", ["polars", "duckdb"])
def test_a_missing_or_a_shadowed_host_is_told_with_the_way_out(host: str, tmp_path: Path) -> None:
    missing = run(f"import sys; sys.modules['{host}'] = None\nimport assay.{host}", tmp_path)
    assert f"ImportError: assay.{host} needs the package {host}, which is not installed" in missing.stderr
    assert f"pip install {host}" in missing.stderr
    (tmp_path / f"{host}.py").write_text("answer = 42\n", encoding="utf-8")
    shadowed = run(f"import assay.{host}", tmp_path)
    assert f"{host}.py is found in its place; rename that file or folder" in shadowed.stderr


@pytest.mark.parametrize("host", ["polars", "duckdb"])
def test_the_module_does_not_shadow_the_package_of_its_name(host: str, tmp_path: Path) -> None:
    code = f"import assay.{host}, {host}\nassert {host}.__name__ == '{host}' and {host} is not assay.{host}"
    assert run(code, tmp_path).returncode == 0
