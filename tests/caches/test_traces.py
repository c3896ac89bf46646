"""How keys of every type become numbers: dense, in the order of first appearance, as a dictionary gives them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay import _core
from assay.caches.traces import read_trace
from assay.errors import AssayError


def numbered(keys: list[Any]) -> list[int]:
    """The number of each key, by a dictionary."""
    numbers: dict[Any, int] = {}
    return [numbers.setdefault(key, len(numbers)) for key in keys]


def numbers_of(*columns: pa.Array) -> list[int]:
    trace = _core.Trace()
    for column in columns:
        trace.append(column)
    assert trace.distinct == len(set(trace.ids().to_pylist()))
    found: list[int] = trace.ids().to_pylist()
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.integers(0, 300), st.integers(-(2**63), 2**63 - 1)), max_size=900),
    st.lists(st.integers(-5, 2**31 - 1), max_size=900),
    st.integers(1, 700),
)
def test_integers_of_any_width_are_numbered_as_by_a_dictionary(first: list[int], second: list[int], cut: int) -> None:
    columns = [pa.array(first[:cut], pa.int64()), pa.array(second, pa.int32()), pa.array(first[cut:], pa.int64())]
    assert numbers_of(*columns) == numbered(first[:cut] + second + first[cut:])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=40), max_size=400), st.lists(st.sampled_from(["a", "b" * 9, "é", ""]), max_size=400))
def test_texts_are_numbered_the_same_however_they_are_held(first: list[str], second: list[str]) -> None:
    columns = [
        pa.array(first, pa.string()),
        pa.array(second, pa.string()).dictionary_encode(),
        pa.array(second, pa.large_string()),
        pa.array(first, pa.string_view()),
        pa.array(first, pa.string()).dictionary_encode(),
    ]
    assert numbers_of(*columns) == numbered(first + second + second + first + first)


def test_dense_ids_wide_words_and_strangers_follow_each_other() -> None:
    draw = np.random.default_rng(5)
    dense = draw.integers(0, 50_000, 200_000)
    wide = draw.integers(-(2**63), 2**63 - 1, 50_000)
    rising = np.arange(40_000, 140_000)
    mixed = np.where(draw.random(60_000) < 0.2, draw.integers(0, 2**60, 60_000), draw.integers(0, 70_000, 60_000))
    parts = [dense, wide, rising, mixed, wide[::-1], -rising]
    assert numbers_of(*map(pa.array, parts)) == numbered(np.concatenate(parts).tolist())


@pytest.mark.parametrize(
    "keys",
    [
        pa.array([2.5, -0.0, 0.0, 2.5, 7.0], pa.float64()),
        pa.array([2.5, -1.0, 2.5], pa.float32()),
        pa.array([date(2024, 1, 1) + timedelta(days=day % 3) for day in range(9)]),
        pa.array([Decimal("1.50"), Decimal("0.25"), Decimal("1.50")], pa.decimal128(10, 2)),
        pa.array([True, False, True]),
        pa.array([b"abcdefgh", b"12345678", b"abcdefgh"], pa.binary(8)),
        pa.array([1, 2, 1, 255], pa.uint8()),
        pa.array([1_000, 1_001, 1_000], pa.timestamp("ns")),
        pa.array([5, 9, 5]).dictionary_encode(),
    ],
    ids=lambda keys: str(keys.type),
)
def test_every_type_of_key_is_numbered_by_its_value(keys: pa.Array) -> None:
    assert numbers_of(keys, keys[1:]) == numbered(keys.to_pylist() + keys[1:].to_pylist())


def test_a_trace_of_several_types_goes_on_with_the_numbers_it_gave() -> None:
    words = pa.array(range(1_000))
    texts = pa.array([f"key {number % 300}" for number in range(1_000)])
    assert numbers_of(words, texts, words) == numbered(
        [*range(1_000), *(f"key {number % 300}" for number in range(1_000)), *range(1_000)]
    )
    # Eight bytes of text are the integer that they spell, as everywhere.
    spelled = pa.array([int.from_bytes(b"abcdefgh", "little")])
    assert numbers_of(pa.array(["abcdefgh", "x"]), spelled) == [0, 1, 0]
    assert numbers_of(spelled, pa.array(["x", "abcdefgh"])) == [0, 1, 0]


def test_a_null_is_refused_and_nothing_of_its_batch_is_kept() -> None:
    trace = _core.Trace()
    trace.append(pa.array([4, 5]))
    with pytest.raises(AssayError, match="the key of request 3 is null"):
        trace.append(pa.array([6, None, 7]))
    with pytest.raises(AssayError, match="the key of request 2 is null"):
        trace.append(pa.array([None, "a"]).dictionary_encode())
    trace.append(pa.array([7, 4]))
    assert trace.ids().to_pylist() == [0, 1, 2, 0]
    trace.finish()
    with pytest.raises(AssayError, match="finished"):
        trace.append(pa.array([4]))
    assert len(trace) == 4


def test_a_file_is_numbered_as_the_table_it_was_written_from(tmp_path: Path) -> None:
    draw = np.random.default_rng(7)
    keys = draw.zipf(1.2, 30_000) % 5_000
    texts = [f"object-{key:08d}" for key in keys.tolist()]
    pq.write_table(pa.table({"id": keys, "name": texts}), tmp_path / "trace.parquet", row_group_size=4_000)
    for column, values in (("id", keys.tolist()), ("name", texts)):
        assert read_trace(str(tmp_path / "trace.parquet"), key=column).ids().to_pylist() == numbered(values)
