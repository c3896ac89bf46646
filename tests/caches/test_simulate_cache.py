"""`assay.simulate_cache` beside a cache written down in a few lines, and what it refuses."""

from __future__ import annotations

from collections import OrderedDict

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.catalogue import contenders
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


@pytest.mark.parametrize("capacity", [0, -1, "0%", "64MiB", "many", [], 1.5, "²", 2**64])
def test_a_capacity_that_is_none_is_refused(capacity: object) -> None:
    with pytest.raises(ParameterError, match="capacity"):
        assay.simulate_cache(trace([1]), capacity=capacity)  # type: ignore[arg-type]


@pytest.mark.parametrize("capacity", ["many", "²", "1e9TiB", "0.1B"])
def test_a_size_that_is_none_is_refused_by_its_name(capacity: str) -> None:
    with pytest.raises(ParameterError, match="capacity is"):
        assay.simulate_cache(pa.table({"key": [1], "size": [1]}), capacity=capacity, size="size")


@pytest.mark.parametrize("policy", [one.name for one in contenders("cache") if "bound" not in one.abilities])
@pytest.mark.parametrize("capacity", [2**53 + 1, 2**59 + 1, 2**63, 2**64 - 1])
def test_a_capacity_beyond_all_requests_holds_them_all(policy: str, capacity: int) -> None:
    """Twice a capacity, or 32 times, has no room in 64 bits; a share of one is rounded as a float is."""
    keys = [*range(40), *range(40), *range(20), *range(20)]
    table = pa.table({"key": keys, "size": [key % 3 for key in keys]})
    for size in (None, "size"):
        found = assay.simulate_cache(table, policy, capacity=capacity, size=size).to_pylist()[0]
        assert (found["misses"], found["evictions"]) == (40, 0)


def test_sizes_whose_sum_has_no_room_in_64_bits_are_refused() -> None:
    table = pa.table({"key": [1, 2, 1], "size": pa.array([2**63, 2**62, 2**63], pa.uint64())})
    with pytest.raises(UsageError, match="sizes of all requests are 23058430092136939520 bytes together, or more"):
        assay.simulate_cache(table, capacity=10, size="size")
    whole = assay.simulate_cache(table.slice(0, 2), capacity=2**63, size="size").to_pylist()[0]
    assert (whole["misses"], whole["evictions"]) == (2, 1)


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
