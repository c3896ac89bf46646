"""Tables in memory: one content, one fingerprint, whatever library holds it and however it is chunked."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.datasets import open_dataset
from assay.errors import UnsupportedTypeError

Read = Callable[..., pa.Table]


@pytest.fixture
def plain(table: pa.Table) -> pa.Table:
    return table.select(["id", "text", "time", "ratio"]).combine_chunks()


@pytest.mark.parametrize("target_rows", [1, 37, 10**6])
def test_rows_come_in_order_for_any_span_size(table: pa.Table, read: Read, target_rows: int) -> None:
    assert read(open_dataset(table), target_rows).equals(table)


def test_every_library_gives_the_same_rows_and_fingerprint(plain: pa.Table, read: Read) -> None:
    expected = open_dataset(plain)
    relation = duckdb.connect().from_arrow(plain)
    sources = {
        "polars": pl.from_arrow(plain),
        "polars lazy": pl.from_arrow(plain).lazy(),
        "pandas": plain.to_pandas(),
        "duckdb": relation,
        "reader": plain.to_reader(100),
        "batch": plain.to_batches()[0],
    }
    for library, source in sources.items():
        dataset = open_dataset(source, name=library)
        found = read(dataset, 77)
        assert found.to_pylist() == plain.to_pylist(), library
        assert dataset.fingerprint() == expected.fingerprint(), library
        assert dataset.fingerprint_kind == "content" and dataset.name == library


def test_views_dictionaries_and_large_text_have_one_fingerprint() -> None:
    texts = pa.array(["a", None, "b", "a longer text than twelve bytes"])
    layouts = [texts, texts.cast(pa.large_string()), texts.cast(pa.string_view()), texts.dictionary_encode()]
    layouts.append(pa.chunked_array([texts.slice(0, 1).dictionary_encode(), texts.slice(1).dictionary_encode()]))
    assert len({open_dataset(pa.table({"t": layout})).fingerprint() for layout in layouts}) == 1


def test_nested_columns_have_a_fingerprint_too() -> None:
    lists = pa.array([[1, 2], None, [], [3]])
    fingerprints = {
        open_dataset(pa.table({"l": layout})).fingerprint()
        for layout in (lists, lists.cast(pa.large_list(pa.int64())), pa.chunked_array([lists[:1], lists[1:]]))
    }
    assert len(fingerprints) == 1
    assert open_dataset(pa.table({"l": pa.array([[1, 2], None, [], [4]])})).fingerprint() not in fingerprints


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.none() | st.integers(-(2**63), 2**63 - 1), st.none() | st.text(max_size=5)), max_size=40),
    st.lists(st.integers(0, 40), max_size=5),
)
def test_chunks_do_not_change_the_fingerprint(rows: list[tuple[int | None, str | None]], cuts: list[int]) -> None:
    whole = pa.table(
        {"n": pa.array([n for n, _ in rows], pa.int64()), "t": pa.array([t for _, t in rows], pa.string())}
    )
    bounds = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    pieces = [whole.slice(a, b - a) for a, b in itertools.pairwise(bounds)]
    assert open_dataset(pa.concat_tables(pieces)).fingerprint() == open_dataset(whole).fingerprint()


def test_any_difference_changes_the_fingerprint() -> None:
    one = pa.table({"a": [1, 2], "b": ["x", None]})
    others = [
        pa.table({"a": [2, 1], "b": [None, "x"]}),
        pa.table({"a": [1, 2], "c": ["x", None]}),
        pa.table({"b": ["x", None], "a": [1, 2]}),
        pa.table({"a": [1, 2], "b": ["x", ""]}),
        pa.table({"a": pa.array([1, 2], pa.int32()), "b": ["x", None]}),
        pa.table({"a": [1], "b": ["x"]}),
    ]
    assert len({open_dataset(table).fingerprint() for table in [one, *others]}) == 1 + len(others)


def test_a_described_table_keeps_its_fingerprint_and_rows(table: pa.Table, read: Read) -> None:
    dataset = open_dataset(table)
    again = dataset.description().open()
    assert again.fingerprint() == dataset.fingerprint() and again.fingerprint_kind == "content"
    assert read(again, 123).to_pylist() == table.to_pylist()
    assert again.spans(target_rows=123) == dataset.spans(target_rows=123)


def test_a_stream_may_change_its_dictionary(read: Read) -> None:
    batches = [pa.record_batch({"d": pa.array(texts).dictionary_encode()}) for texts in (["a", "b"], ["c", "a"])]
    dataset = open_dataset(pa.RecordBatchReader.from_batches(batches[0].schema, batches))
    assert read(dataset)["d"].to_pylist() == ["a", "b", "c", "a"]


def test_spooled_files_are_gone_when_the_process_ends() -> None:
    code = (
        "import pyarrow as pa; from assay.datasets import open_dataset\n"
        "print(open_dataset(pa.table({'a': [1]})).description().spooled)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    spooled = Path(done.stdout.strip())
    assert spooled.suffix == ".arrow" and not spooled.parent.exists()


def test_what_is_no_table_is_refused_with_the_reason() -> None:
    for source in (pa.array([1, 2]), pl.Series("a", [1]), pd.DataFrame([[1, 2]], columns=["a", "a"]), np.arange(3)):
        with pytest.raises(UnsupportedTypeError, match="expected"):
            open_dataset(source)


def test_a_table_without_rows_or_with_one_null_is_fine(read: Read) -> None:
    empty = open_dataset(pa.table({"a": pa.array([], pa.int64())}))
    assert read(empty).num_rows == 0 and len(empty.spans()) == 1
    null = open_dataset(pa.table({"a": pa.array([None], pa.int64())}))
    assert null.fingerprint() != empty.fingerprint()
