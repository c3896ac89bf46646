"""Policies written in Python: beside the core's, mappings as they are, and what breaks the contract."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import cachetools
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.errors import DataError, MeasurementError, ParameterError, UsageError

KEYS = st.lists(st.integers(0, 20), min_size=1, max_size=200)


class LeastRecent:
    """LRU by hooks."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.order: OrderedDict[Any, None] = OrderedDict()

    def on_hit(self, key: Any) -> None:
        self.order.move_to_end(key)

    def on_miss(self, key: Any) -> None:
        self.order[key] = None

    def evict(self) -> Any:
        return self.order.popitem(last=False)[0]


class WholeFifo:
    """FIFO as a whole cache."""

    def __init__(self, capacity: int) -> None:
        self.capacity = capacity
        self.held: OrderedDict[Any, None] = OrderedDict()

    def __len__(self) -> int:
        return len(self.held)

    def request(self, key: Any) -> bool:
        if key in self.held:
            return True
        if len(self.held) == self.capacity:
            self.held.popitem(last=False)
        self.held[key] = None
        return False


def trace(keys: list[Any]) -> pa.Table:
    return pa.table({"key": keys})


def without_name(table: pa.Table) -> list[dict[str, Any]]:
    return [{**row, "policy": ""} for row in table.to_pylist()]


PAIRS = [
    (LeastRecent, "lru"),
    (WholeFifo, "fifo"),
    (cachetools.LRUCache, "lru"),
    (cachetools.FIFOCache, "fifo"),
    (lambda capacity: cachetools.LRUCache(maxsize=capacity), "lru"),
]


@pytest.mark.parametrize(("policy", "name"), PAIRS)
@given(keys=KEYS)
def test_a_policy_in_python_does_what_the_core_s_does(policy: Any, name: str, keys: list[int]) -> None:
    capacities = [1, 3, 30]
    own = assay.simulate_cache(trace(keys), policy, capacity=capacities)
    assert without_name(own) == without_name(assay.simulate_cache(trace(keys), name, capacity=capacities))


@given(KEYS, st.lists(st.integers(0, 12), min_size=21, max_size=21))
def test_bytes_are_counted_as_the_core_counts_them(keys: list[int], sizes: list[int]) -> None:
    table = pa.table({"key": keys, "size": [sizes[key] for key in keys]})
    options: dict[str, Any] = {"capacity": [1, 7, 25], "size": "size"}
    own = assay.simulate_cache(table, LeastRecent, **options)
    assert without_name(own) == without_name(assay.simulate_cache(table, "lru", **options))


def test_a_mapping_is_told_sizes_as_values() -> None:
    table = pa.table({"key": [1, 2, 1, 3, 1], "size": [4, 5, 4, 4, 4]})

    def made(capacity: int) -> Any:
        return cachetools.LRUCache(capacity, getsizeof=lambda size: size)

    own = assay.simulate_cache(table, made, capacity=10, size="size")
    assert without_name(own) == without_name(assay.simulate_cache(table, "lru", capacity=10, size="size"))


@pytest.mark.parametrize("column", [["a", "b", None], [1.5, 2.5, None], [b"x", b"y", None], [True, False, None]])
def test_keys_come_as_python_values_of_the_column(column: list[Any]) -> None:
    seen = []

    class Noting(LeastRecent):
        def on_miss(self, key: Any) -> None:
            seen.append(key)
            super().on_miss(key)

    keys = [column[0], column[1], column[0]]
    for values in (pa.array(keys), pa.array(keys).dictionary_encode()):
        seen.clear()
        assay.simulate_cache(pa.table({"key": values}), Noting, capacity=5)
        assert seen == column[:2]


def test_one_instance_serves_one_capacity() -> None:
    found = assay.simulate_cache(trace([1, 2, 1]), cachetools.LRUCache(maxsize=2), capacity=2).to_pylist()[0]
    assert (found["policy"], found["misses"], found["evictions"]) == ("LRUCache", 2, 0)
    with pytest.raises(ParameterError, match="several capacities"):
        assay.simulate_cache(trace([1]), LeastRecent(2), capacity=[2, 3])
    with pytest.raises(ParameterError, match="maxsize 2, but capacity is 3"):
        assay.simulate_cache(trace([1]), cachetools.LRUCache(maxsize=2), capacity=3)
    used = cachetools.LRUCache[int, int](maxsize=2)
    used[1] = 1
    with pytest.raises(ParameterError, match="holds 1 objects already"):
        assay.simulate_cache(trace([1]), used, capacity=2)


def test_evicting_what_is_not_there_is_told_with_its_request() -> None:
    class Confused(LeastRecent):
        def evict(self) -> Any:
            return "nobody"

    with pytest.raises(
        MeasurementError, match=r"Confused.evict\(\) at request 2 gave 'nobody', which is not in the cache"
    ):
        assay.simulate_cache(trace([1, 2, 3]), Confused, capacity=2)


def test_holding_more_than_the_capacity_is_told() -> None:
    class Greedy(WholeFifo):
        def request(self, key: Any) -> bool:
            there = key in self.held
            self.held[key] = None
            return there

    with pytest.raises(MeasurementError, match="holds 3 objects after request 2; its capacity is 2"):
        assay.simulate_cache(trace([1, 2, 3]), Greedy, capacity=2)
    with pytest.raises(MeasurementError, match="holds 3 objects after request 2; its capacity is 2"):
        assay.simulate_cache(trace([1, 2, 3]), {}, capacity=2)


def test_a_hit_of_what_was_never_asked_for_is_told() -> None:
    class Boasting:
        def request(self, key: Any) -> bool:
            return True

    class Silent:
        def request(self, key: Any) -> None:
            pass

    with pytest.raises(MeasurementError, match="says hit at request 0, the first one"):
        assay.simulate_cache(trace([1]), Boasting(), capacity=1)
    with pytest.raises(MeasurementError, match="gave None at request 0"):
        assay.simulate_cache(trace([1]), Silent(), capacity=1)  # type: ignore[arg-type]


def test_a_policy_that_fails_is_told_with_its_request_and_key() -> None:
    class Failing(LeastRecent):
        def on_hit(self, key: Any) -> None:
            raise RuntimeError("out of luck")

    with pytest.raises(MeasurementError, match="Failing failed at request 2, for key 1: RuntimeError: out of luck"):
        assay.simulate_cache(trace([1, 2, 1]), Failing, capacity=2)
    with pytest.raises(MeasurementError, match="TypeError"):
        assay.simulate_cache(trace([1]), lambda: None, capacity=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("policy", [None, 5, object(), [1]])
def test_what_is_no_policy_is_refused(policy: Any) -> None:
    with pytest.raises(ParameterError, match=r"policy is .*expected a name, such as 'lru'"):
        assay.simulate_cache(trace([1]), policy, capacity=1)


def test_a_trace_of_no_use_is_refused_before_the_policy_is_asked() -> None:
    with pytest.raises(UsageError, match="null"):
        assay.simulate_cache(trace([1, None]), LeastRecent, capacity=1)
    with pytest.raises(DataError, match="no rows"):
        assay.simulate_cache(pa.table({"key": pa.array([], pa.int64())}), LeastRecent, capacity=1)
