"""Counting Bloom filters: removal, saturation, union, the Bloom filter of what is left, stored forms, wrong use."""

from __future__ import annotations

import pickle
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.errors import DataError, ParameterError, UnsupportedTypeError

build = assay.CountingBloomFilter.build


def held(filter: assay.CountingBloomFilter, keys: Any, **options: Any) -> list[bool | None]:
    answers: list[bool | None] = filter.contains(keys, **options).to_pylist()
    return answers


texts = st.lists(st.one_of(st.none(), st.text(max_size=8)), max_size=60)


@given(kept=texts, gone=texts, cut=st.integers(0, 60))
@settings(max_examples=80, deadline=None)
def test_what_is_left_after_removals_is_the_filter_of_what_was_kept(
    kept: list[str | None], gone: list[str | None], cut: int
) -> None:
    column = pa.array([*kept, *gone], pa.string())
    made = build(column, capacity=3_000)
    if max(Counter(value for value in column.to_pylist() if value is not None).values(), default=0) > 14:
        return  # a counter may have overflowed
    chunked = pa.chunked_array([column.slice(0, cut), column.slice(cut)])
    assert build(chunked, capacity=3_000, threads=2) == made
    assert build(column.cast(pa.string_view()), capacity=3_000) == made
    assert build(column.dictionary_encode(), capacity=3_000) == made, "a dictionary counts rows"
    made.remove(pa.array(gone, pa.string()).dictionary_encode())
    expected = build(pa.array(kept, pa.string()), capacity=3_000)
    assert made == expected and len(made) == sum(value is not None for value in kept)
    assert held(made, pa.array(kept, pa.string())) == [None if value is None else True for value in kept]
    bloom = assay.BloomFilter.build(pa.array(kept, pa.string()), capacity=3_000, layout="standard")
    assert made.to_bloom() == bloom
    assert made.expected_false_positive_rate == pytest.approx(bloom.expected_false_positive_rate)


def test_a_key_stays_as_long_as_it_was_inserted_more_often_than_removed() -> None:
    made = build(pa.array(["a", "a", "b"]), capacity=100)
    made.remove(pa.array(["a", None]))
    assert held(made, pa.array(["a", "b"])) == [True, True]
    made.remove(pa.array(["a"]))
    assert held(made, pa.array(["a", "b", None])) == [False, True, None]
    made.insert(pa.array(["a"]))
    assert "a" in made and len(made) == 2


def test_a_removal_of_what_is_not_held_is_refused_and_removes_nothing() -> None:
    made = build(pa.array(range(100)), capacity=10_000, false_positive_rate=1e-6)
    before = made.copy()
    for wrong in ([5, 6, 100_000], [5, 6, 5], [7] * 2):
        with pytest.raises(ParameterError, match=rf"{wrong[-1]} is not in the filter.*nothing was removed"):
            made.remove(pa.array(wrong))
        assert made == before
    with pytest.raises(ParameterError, match="x is not in the filter"):
        build(pa.array(["a"])).remove(pa.chunked_array([["a"], [None, "x"]]))


def test_counters_that_overflow_stay_and_no_key_is_denied() -> None:
    made = build(pa.array(["hot"] * 40 + ["cold"]), capacity=50)
    assert made.saturated_count > 0
    made.remove(pa.array(["hot"] * 40))
    assert held(made, pa.array(["hot", "cold"])) == [True, True]
    rng = np.random.default_rng(5)
    keys = rng.integers(0, 500, 4_000)
    overfull = build(pa.array(keys), capacity=50)
    overfull.remove(pa.array(keys[:2_000]))
    assert all(held(overfull, pa.array(keys[2_000:])))


def test_a_union_adds_the_counts_of_both() -> None:
    left, right = build(pa.array(["a", "b"]), capacity=100), build(pa.array(["b", "c"]), capacity=100)
    both = left | right
    assert both == build(pa.array(["a", "b", "b", "c"]), capacity=100) and len(both) == 4
    both.remove(pa.array(["b", "a"]))
    assert held(both, pa.array(["a", "b", "c"])) == [False, True, True]
    for other, named in (
        (build(pa.array(["a"]), capacity=99), "counters"),
        (build(pa.array([1]), capacity=100), "int64"),
    ):
        with pytest.raises(ParameterError, match=named):
            left | other
    with pytest.raises(TypeError):
        left | assay.BloomFilter.build(pa.array(["a"]))  # type: ignore[operator]


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint64(), pa.float64(), pa.decimal128(25, 3), pa.bool_()])
def test_one_value_is_one_key_in_every_type(kind: pa.DataType) -> None:
    made = build(pa.array([1, 0], pa.int32()), capacity=1_000)
    found = held(made, pa.array([1, 0], pa.int64()).cast(kind))
    assert found == ([True, True] if kind not in (pa.bool_(), pa.float64()) else found)
    slices = pa.array([9, 1, 0, 9]).slice(1, 2)
    assert held(made, slices) == [True, True]


def test_threads_and_the_measured_rate() -> None:
    rng = np.random.default_rng(3)
    keys = rng.integers(0, 2**62, 200_000)
    one = build(pa.array(keys), threads=1)
    assert build(pa.array(keys), threads=4) == one
    assert one.bits_per_key == pytest.approx(4 * 9.585, rel=1e-3) and one.probes == 7
    assert one.false_positive_rate_at(len(keys)) == pytest.approx(0.01, rel=0.02)
    found = one.measured_false_positive_rate(pa.array(rng.integers(0, 2**62, 300_000)))
    assert found.low * 0.97 < one.expected_false_positive_rate < found.high * 1.03


def test_stored_forms_survive_every_way_back_and_hostile_bytes_are_refused() -> None:
    made = build(pa.array(["a", "b", "b"]))
    stored = made.to_bytes()
    assert assay.CountingBloomFilter.from_bytes(memoryview(stored)) == made
    assert pickle.loads(pickle.dumps(made)) == made
    for at in range(0, len(stored), 3):
        changed = bytearray(stored)
        changed[at] ^= 0x20
        with pytest.raises(DataError):
            assay.CountingBloomFilter.from_bytes(changed)
        with pytest.raises(DataError):
            assay.CountingBloomFilter.from_bytes(stored[:at])
    with pytest.raises(DataError, match=r"not a CountingBloomFilter; read them by BloomFilter\.from_bytes"):
        assay.CountingBloomFilter.from_bytes(made.to_bloom().to_bytes())
    with pytest.raises(DataError, match=r"read them by CountingBloomFilter\.from_bytes"):
        assay.BloomFilter.from_bytes(stored)


def test_wrong_use_is_named() -> None:
    with pytest.raises(TypeError, match=r"CountingBloomFilter\.build"):
        assay.CountingBloomFilter()
    with pytest.raises(ParameterError, match="capacity is 0"):
        build(pa.array([1]), capacity=0)
    with pytest.raises(ParameterError, match=r"false_positive_rate is 0\.9"):
        build(pa.array([1]), false_positive_rate=0.9)
    with pytest.raises(ParameterError, match="2 GiB"):
        build(pa.array([1]), capacity=2**40)
    made = build(pa.array([1]))
    for call in (made.contains, made.insert, made.remove):
        with pytest.raises(UnsupportedTypeError, match="List"):
            call(pa.array([[1]]))
    assert repr(made).startswith("<CountingBloomFilter counter_count=10 probes=7 memory_bytes=8 key_count=1")
    assert made != assay.BloomFilter.build(pa.array([1]))
    empty = build(pa.array([], pa.string()))
    assert len(empty) == 0 and held(empty, pa.array(["a"])) == [False] and empty.bits_per_key is None
