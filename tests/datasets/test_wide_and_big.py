"""Wide types and big files: views, dictionaries, wide rows, large and uneven row groups."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.datasets import BATCH_ROWS, describe, open_dataset
from assay.datasets.arrow_types import plain_array
from assay.datasets.batch import BATCH_BYTES
from assay.datasets.counting import KeyCounter
from assay.datasets.parquet_widths import wider

Read = Callable[..., pa.Table]
TEXT_LAYOUTS = {
    "string": pa.string(),
    "large_string": pa.large_string(),
    "string_view": pa.string_view(),
    "dictionary": pa.dictionary(pa.int32(), pa.string()),
    "dictionary of large": pa.dictionary(pa.int8(), pa.large_string()),
}


def layouts(values: list[str | None]) -> dict[str, pa.Array]:
    plain = pa.array(values, pa.string())
    found = {name: plain.cast(data_type) for name, data_type in TEXT_LAYOUTS.items()}
    codes = plain.dictionary_encode()
    found["dictionary of views"] = pa.DictionaryArray.from_arrays(
        codes.indices, codes.dictionary.cast(pa.string_view())
    )
    found["sliced view"] = pa.concat_arrays([pa.array(["x"], pa.string_view()), plain.cast(pa.string_view())])[1:]
    found["dictionary with a null"] = pa.DictionaryArray.from_arrays(
        pa.array([2 if value is None else ("a", "a value longer than twelve bytes").index(value) for value in values]),
        pa.array(["a", "a value longer than twelve bytes", None]),
    )
    return found


VALUES = ["a", None, "a value longer than twelve bytes", "a", None, "a"]


def test_every_layout_of_text_is_counted_alike() -> None:
    expected = None
    for name, column in layouts(VALUES).items():
        counter = KeyCounter([column.type], limit=10)
        counter.add([column])
        counter.add([column.slice(0, 2)])
        counts = counter.counts().sort_by("k0")
        assert counter.countable, name
        expected = expected or counts.to_pydict()
        assert counts.to_pydict() == expected, name
    assert expected == {"k0": ["a", "a value longer than twelve bytes", None], "count": [4, 1, 3]}


@given(st.lists(st.sampled_from(["", "a", "b" * 13, None]), max_size=30), st.integers(0, 5))
def test_plain_arrays_of_every_layout_are_equal(values: list[str | None], offset: int) -> None:
    plain = pa.array(values, pa.string())
    for data_type in TEXT_LAYOUTS.values():
        found = plain_array(plain.cast(data_type)[offset:])
        assert found.type == pa.large_string() and found.to_pylist() == values[offset:]


@pytest.mark.parametrize("child", TEXT_LAYOUTS)
@pytest.mark.parametrize("parent", TEXT_LAYOUTS)
def test_references_meet_whatever_the_layouts_and_chunks(
    tmp_path: Path, write_definition: Callable[..., Path], child: str, parent: str
) -> None:
    rows = pa.table({"k": layouts(VALUES)[child], "n": range(len(VALUES))})
    pieces = [pa.table({"k": pa.array([value]).cast(TEXT_LAYOUTS[parent])}) for value in ("z", "a", "c")]
    pq.write_table(rows, tmp_path / "child.parquet")
    pq.write_table(pa.concat_tables(pieces).unify_dictionaries(), tmp_path / "parent.parquet", row_group_size=1)
    path = write_definition(
        'source = { path = "child.parquet" }\n[foreign_keys.parent]\ncolumns = ["k"]\nparent = "parent.parquet"\n'
    )
    (key,) = describe(open_dataset(path)).foreign_keys
    assert (key.matched_rows, key.null_rows, key.orphan_rows, key.problem) == (3, 2, 1, None)


def test_long_values_are_counted_in_pieces_and_given_up_beyond_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    # Arrow's grouping ends the process beyond 2 GiB of keys, so neither a batch nor what is held may come near.
    monkeypatch.setattr("assay.datasets.counting._PIECE_BYTES", 10_000)
    monkeypatch.setattr("assay.datasets.counting.KEY_BYTES", 100_000)
    values = pa.array([f"{n % 50:04d}" * 250 for n in range(500)], pa.large_string())  # 50 of 1,000 bytes
    table = pa.table({"few": values, "many": [f"{n:04d}" * 250 for n in range(500)], "n": range(500)})
    few, many, number = describe(open_dataset(table)).columns
    assert (few.distinct, few.top_rows, few.note) == (50, 10, None)
    assert (many.distinct, many.note) == (None, "its distinct values are more than 97.7 KiB")
    assert number.distinct == 500


def test_a_parent_of_long_keys_is_told_and_not_grouped(
    tmp_path: Path, write_definition: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assay.datasets.facts.KEY_BYTES", 100_000)
    pq.write_table(pa.table({"k": [f"{n:04d}" * 250 for n in range(500)]}), tmp_path / "parent.parquet")
    pq.write_table(pa.table({"k": ["0001" * 250]}), tmp_path / "child.parquet")
    path = write_definition(
        'source = { path = "child.parquet" }\n[foreign_keys.parent]\ncolumns = ["k"]\nparent = "parent.parquet"\n'
    )
    (key,) = describe(open_dataset(path)).foreign_keys
    assert key.matched_rows is None and key.problem is not None
    assert "the keys of parent are more than 195.3 KiB; refer to a shorter key" in key.problem


# Dictionaries that Parquet holds


@pytest.fixture
def coded(tmp_path: Path) -> Path:
    rows = range(30_000)
    table = pa.table(
        {
            "few": [f"value {n % 7}" if n % 11 else None for n in rows],
            "view": pa.array([f"longer than twelve bytes {n % 5}" for n in rows], pa.string_view()),
            "many": [f"value {n}" for n in rows],
            "late": ["a" if n < 20_000 else f"value {n}" for n in rows],
            "n": rows,
        }
    )
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=4_000)
    return tmp_path / "t.parquet"


def test_texts_of_few_values_come_as_dictionaries_where_that_is_allowed(coded: Path) -> None:
    dataset = open_dataset(coded)
    for encoded in (True, False):
        found = {
            field.name: pa.types.is_dictionary(field.type)
            for batch in dataset.batches(encoded=encoded)
            for field in batch.data.schema
        }
        expected = {"few", "view"} if encoded else set()
        assert {name for name, is_dictionary in found.items() if is_dictionary} == expected
    assert not any(pa.types.is_dictionary(field.type) for field in dataset.schema)


def test_dictionaries_hold_the_same_rows(coded: Path) -> None:
    dataset = open_dataset(coded)
    for name in dataset.schema.names:
        values = [
            value
            for span in dataset.spans(target_rows=7000)
            for batch in dataset.batches([name], span, encoded=True)
            for value in batch.data.column(0).to_pylist()
        ]
        assert values == dataset.table([name])[name].to_pylist()


def test_partitioning_gives_the_same_numbers_for_dictionaries_as_for_a_table_in_memory(coded: Path) -> None:
    strategies = ["hash(few)", "list(view)", "range(few)", "hash(few, view)", "composite(list(view), hash(many))"]
    options = {"strategies": strategies, "partitions": [4], "timing": False}
    found = [
        [
            (one["contender"], one["metric"], one["value"])
            for one in assay.compare("partitioning", data, **options).to_arrow().to_pylist()
        ]
        for data in (str(coded), pq.read_table(coded))
    ]
    assert len(found[0]) > 50 and found[0] == found[1]


# Bounded memory


def test_batches_of_narrow_rows_are_long_and_of_wide_rows_short(tmp_path: Path, read: Read) -> None:
    rows = 300_000
    random = np.random.default_rng(1)
    narrow = pa.table({"a": random.integers(0, 2**60, rows)})
    pq.write_table(narrow, tmp_path / "narrow.parquet")
    sizes = [batch.data.num_rows for batch in open_dataset(tmp_path / "narrow.parquet").batches()]
    assert sizes == [BATCH_ROWS, rows - BATCH_ROWS]
    wide = pa.table({"t": [os.urandom(10_000).hex() for _ in range(4_000)]})  # 20,000 bytes a row
    pq.write_table(wide, tmp_path / "wide.parquet", row_group_size=1_000)
    held = [batch.data.nbytes for batch in open_dataset(tmp_path / "wide.parquet").batches()]
    assert max(held) <= BATCH_BYTES * 1.01 and len(held) > 4
    assert read(open_dataset(tmp_path / "wide.parquet")).equals(wide)


def test_rows_that_are_wider_than_their_dictionary_codes_tell_are_met_by_shorter_batches(tmp_path: Path) -> None:
    values = [f"{n % 3}" * 5_000 for n in range(60_000)]  # two bits each as stored
    pq.write_table(pa.table({"t": values}), tmp_path / "t.parquet", row_group_size=2_000)
    held = [batch.data.nbytes for batch in open_dataset(tmp_path / "t.parquet").batches()]
    assert max(held[1:]) <= BATCH_BYTES * 1.01  # the first row group is what tells


def test_a_large_row_group_is_not_held_as_a_whole(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    table = pa.table({"a": random.integers(0, 2**60, 4_000_000)})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=4_000_000, compression="none", use_dictionary=False)
    assert (tmp_path / "t.parquet").stat().st_size > 30_000_000
    del table
    before = pa.total_allocated_bytes()
    held = [pa.total_allocated_bytes() - before for _ in open_dataset(tmp_path / "t.parquet").batches()]
    assert len(held) == 16 and max(held) < 10_000_000


@given(st.lists(st.integers(0, 50), min_size=1, max_size=8), st.integers(1, 120))
def test_row_groups_of_uneven_size_are_cut_in_order(sizes: list[int], target_rows: int) -> None:
    sink = pa.BufferOutputStream()
    first = 0
    with pq.ParquetWriter(sink, pa.schema({"id": pa.int64(), "t": pa.string()})) as writer:
        for size in sizes:
            ids = range(first, first + size)
            texts = pa.array([f"{n}" for n in ids], pa.string())
            writer.write_table(pa.table({"id": pa.array(ids, pa.int64()), "t": texts}), row_group_size=max(1, size))
            first += size
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.parquet")
        path.write_bytes(sink.getvalue())
        dataset = open_dataset(path)
        found: list[str] = []
        for span in dataset.spans(target_rows=target_rows):
            assert span.first_row == len(found)
            for batch in dataset.batches(["t"], span):
                assert batch.first_row == len(found)
                found += batch.data["t"].to_pylist()
        assert found == [f"{n}" for n in range(first)]


def test_remainders_of_row_groups_do_not_make_batches_smaller_and_smaller() -> None:
    dictionary = pa.array([f"{n:0>1000}" for n in range(1000)])

    def batch(rows: int) -> pa.RecordBatch:
        codes = pa.array(np.arange(rows) % 1000, pa.int32())
        return pa.record_batch({"text": pa.DictionaryArray.from_arrays(codes, dictionary)})

    full, remainder = batch(10_000), batch(50)
    width = wider(0.0, full, 10_000)
    assert 100 < width < 120  # a megabyte of texts, and four bytes for each code
    assert remainder.nbytes / 50 > 20_000  # as if a row had that many
    assert wider(width, remainder, 10_000) == width
    assert wider(width, batch(5_000), 10_000) > 200  # half of what was asked counts
