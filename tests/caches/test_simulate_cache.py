"""`assay.simulate_cache` beside a cache written down in a few lines, and what it refuses."""

from __future__ import annotations

from collections import OrderedDict

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.errors import DataError, ParameterError, UnknownNameError, UsageError


def lru_misses(keys: list[int], capacity: int) -> int:
    held: OrderedDict[int, None] = OrderedDict()
    misses = 0
    for key in keys:
        if key in held:
            held.move_to_end(key)
            continue
        misses += 1
        if len(held) == capacity:
            held.popitem(last=False)
        held[key] = None
    return misses


def trace(keys: list[int]) -> pa.Table:
    return pa.table({"key": pa.array(keys, pa.int64())})


@given(st.lists(st.integers(0, 20), min_size=1, max_size=200), st.integers(1, 25))
def test_lru_misses_what_an_ordered_dictionary_misses(keys: list[int], capacity: int) -> None:
    found = assay.simulate_cache(trace(keys), "lru", capacity=capacity).to_pylist()[0]
    assert found["misses"] == lru_misses(keys, capacity)
    assert found["hits"] + found["misses"] == found["requests"] == len(keys)
    assert found["evictions"] == max(0, found["misses"] - capacity)


def test_a_share_is_of_the_distinct_keys_of_the_whole_trace() -> None:
    found = assay.simulate_cache(trace(list(range(250))), capacity=["1%", "0.1%", 7])
    assert found["capacity"].to_pylist() == [2, 1, 7]


def test_any_policy_may_be_asked_for_and_the_nearest_is_offered() -> None:
    with pytest.raises(UnknownNameError, match="fifo"):
        assay.simulate_cache(trace([1]), "fifoo", capacity=1)


@pytest.mark.parametrize("capacity", [0, -1, "0%", "64MiB", "many", [], 1.5])
def test_a_capacity_that_is_none_is_refused(capacity: object) -> None:
    with pytest.raises(ParameterError, match="capacity"):
        assay.simulate_cache(trace([1]), capacity=capacity)  # type: ignore[arg-type]


def test_a_trace_without_requests_and_one_with_a_null_key_are_refused() -> None:
    with pytest.raises(DataError, match="no rows"):
        assay.simulate_cache(trace([]), capacity=1)
    with pytest.raises(DataError, match='column "key" is null in row 1'):
        assay.simulate_cache(pa.table({"key": ["a", None]}), capacity=1)


def test_an_object_larger_than_the_cache_is_a_miss_and_stays_outside() -> None:
    table = pa.table({"key": [1, 2, 1, 2], "size": [5, 11, 5, 11]})
    found = assay.simulate_cache(table, capacity=10, size="size").to_pylist()[0]
    assert (found["misses"], found["evictions"], found["byte_miss_ratio"]) == (3, 0, 27 / 32)


def test_a_null_that_a_dictionary_hides_is_refused_too() -> None:
    hidden = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0]), pa.array(["a", None]))
    for policy in ("lru", "w_tinylfu"):
        with pytest.raises((DataError, UsageError), match="null"):
            assay.simulate_cache(pa.table({"key": hidden}), policy, capacity=1)
