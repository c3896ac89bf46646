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
    with pytest.raises(DataError, match="null"):
        assay.simulate_cache(trace([1, None]), LeastRecent, capacity=1)
    with pytest.raises(DataError, match="no rows"):
        assay.simulate_cache(pa.table({"key": pa.array([], pa.int64())}), LeastRecent, capacity=1)


@given(KEYS)
def test_the_curve_of_a_policy_in_python_is_that_of_its_runs(keys: list[int]) -> None:
    table = pa.table({"key": keys, "size": [1 + key % 3 for key in keys]})
    curve = assay.miss_ratio_curve(table, LeastRecent)
    named = assay.miss_ratio_curve(table, "lru", capacity=curve.column("capacity").to_pylist())
    assert curve.equals(named) and curve.schema.metadata[b"policy"] == b"LeastRecent"
    sized = assay.miss_ratio_curve(table, LeastRecent, size="size", capacity=[2, 5, 9])
    assert sized.equals(assay.miss_ratio_curve(table, "lru", size="size", capacity=[2, 5, 9]))


def test_a_curve_of_a_policy_in_python_has_few_points_and_takes_one_instance_for_one() -> None:
    table = pa.table({"key": list(range(1_000)) * 2})
    assert 10 <= assay.miss_ratio_curve(table, WholeFifo).num_rows <= 20
    one = assay.miss_ratio_curve(table, cachetools.LRUCache(50), capacity=50)
    assert one.column("misses").to_pylist() == [2_000]
    with pytest.raises(ParameterError, match="give what makes one, such as its class"):
        assay.miss_ratio_curve(table, cachetools.LRUCache(50))
    with pytest.raises(ParameterError, match=r"sample_rate is 0\.1, but the policy, LeastRecent, is one in Python"):
        assay.miss_ratio_curve(table, LeastRecent, sample_rate=0.1)
    for wrong in (None, 5, ["lru"]):
        with pytest.raises(ParameterError, match="expected a name, such as 'lru', or what has on_hit"):
            assay.miss_ratio_curve(table, wrong)  # type: ignore[arg-type]


def test_keys_that_are_no_number_are_one_object_in_python_as_in_the_core() -> None:
    table = pa.table({"key": [float("nan"), 1.0, float("nan"), 1.0]})
    for policy in ("lru", LeastRecent, cachetools.LRUCache):
        assert assay.simulate_cache(table, policy, capacity=2).column("misses").to_pylist() == [2]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"capacity": b"1"}, "capacity is b'1'; expected a whole number"),
        ({"capacity": {1: 2}}, "or a list of these"),
        ({"capacity": "101%"}, "at most 100%, in which all that the trace asks for has room"),
        ({"capacity": 2**64}, "expected at most 18,446,744,073,709,551,615"),
        ({"policy": ""}, r"policy is ''; expected a name, with parameters where wanted"),
        ({"admission": 5}, "admission is 5; expected a name"),
        ({"admission": "size"}, "at_most is missing"),
        ({"key": None}, "key is None; expected the name of the column of keys"),
        ({"op": "opp"}, 'there is no column of table "opp"'),
    ],
)
def test_what_is_of_a_wrong_kind_is_refused_in_words(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        assay.simulate_cache(pa.table({"key": [1, 2]}), **{"policy": "lru", "capacity": 1, **changed})


def test_a_key_that_cannot_be_one_is_told_with_its_column() -> None:
    with pytest.raises(UsageError, match='table, column "key": the column is of type List'):
        assay.simulate_cache(pa.table({"key": [[1], [2]]}), capacity=1)


def test_sizes_that_are_whole_are_sizes_whatever_their_type() -> None:
    for kind in (pa.float64(), pa.int8(), pa.uint64()):
        table = pa.table({"key": [1, 2, 1], "size": pa.array([5, 6, 5], kind)})
        assert assay.simulate_cache(table, capacity=11, size="size").column("misses").to_pylist() == [2]
    with pytest.raises(DataError, match=r"is 5\.5 in row 1; a size is a whole number"):
        assay.simulate_cache(pa.table({"key": [1, 2], "size": [5.0, 5.5]}), capacity=11, size="size")
