"""Admission and expiry in front of a policy, beside caches of a few lines."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.catalogue import contenders
from assay.errors import DataError, ParameterError, SpellingError, UnknownNameError, UnsupportedTypeError

sys.path.insert(0, str(Path(__file__).parent))

from oracles.guarded import Admission, Guarded, SecondHit, Size, TinyLfu

Made = Callable[[int, int], Admission]
"""An admission for so many objects that the cache holds, and a seed."""

ADMISSIONS: list[tuple[str | None, Made]] = [
    (None, lambda objects, seed: Admission()),
    ("size(at_most=3)", lambda objects, seed: Size(3)),
    # Filters for six objects with a rate of 1e-6 have no false positive among twenty.
    ("second_hit(window=6,false_positive_rate=0.000001)", lambda objects, seed: SecondHit(6)),
    ("tiny_lfu", lambda objects, seed: TinyLfu(objects, 10, seed)),
    ("tiny_lfu(sample=2)", lambda objects, seed: TinyLfu(objects, 2, seed)),
]
steps = st.lists(st.tuples(st.integers(0, 19), st.integers(0, 6), st.integers(0, 3)), min_size=1, max_size=150)


def table(keys: Sequence[int], sizes: Sequence[int], times: Sequence[int] | None = None) -> pa.Table:
    columns = {"key": pa.array(keys, pa.int64()), "size": pa.array(sizes, pa.int64())}
    return pa.table(columns if times is None else {**columns, "time": pa.array(times, pa.int64())})


def numbered(keys: Sequence[int]) -> list[int]:
    """Keys by the order of their first appearance, as sketches see them."""
    order = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    return [order[key] for key in keys]


@pytest.mark.parametrize(("spelling", "made"), ADMISSIONS, ids=[str(one[0]) for one in ADMISSIONS])
@given(asked=steps, capacity=st.integers(1, 12), ttl=st.none() | st.integers(1, 40), seed=st.integers(0, 2**63))
@settings(max_examples=60)
def test_a_guarded_cache_is_its_definition(
    spelling: str | None, made: Made, asked: list[tuple[int, int, int]], capacity: int, ttl: int | None, seed: int
) -> None:
    keys, sizes = numbered([key for key, _, _ in asked]), [size for _, size, _ in asked]
    times = np.cumsum([step for _, _, step in asked]).tolist()
    found = assay.simulate_cache(
        table(keys, sizes, times),
        "lru",
        capacity=capacity,
        size="size",
        admission=spelling,
        ttl=ttl,
        time=None if ttl is None else "time",
        seed=seed,
    ).to_pylist()[0]
    first = dict(reversed(list(zip(keys, sizes, strict=True))))
    objects = min(max(capacity * len(first) // max(sum(first.values()), 1), 1), len(first))
    naive = Guarded(capacity, made(objects, seed), ttl or math.inf)
    hits = [naive.request(*one) for one in zip(keys, sizes, times, strict=True)]
    assert (found["hits"], found["evictions"]) == (sum(hits), naive.evicted)


@pytest.mark.parametrize("policy", [one.name for one in contenders("cache") if "bound" not in one.abilities])
def test_a_guard_that_lets_all_in_for_ever_changes_nothing(policy: str) -> None:
    keys = zipf(5, 3_000, 300)
    sizes = [1 + key % 7 for key in keys]
    bare = assay.simulate_cache(table(keys, sizes), policy, capacity=[20, 300], size="size")
    guarded = assay.simulate_cache(
        table(keys, sizes), policy, capacity=[20, 300], size="size", admission="size(at_most=100)", ttl=1 << 40
    )
    assert bare == guarded


def zipf(seed: int, requests: int, objects: int) -> list[int]:
    generator = np.random.default_rng(seed)
    sums = np.cumsum(1.0 / np.arange(1, objects + 1))
    found: list[int] = np.searchsorted(sums, generator.random(requests) * sums[-1]).tolist()
    return found


def misses(keys: Sequence[int], policy: str, capacity: int, **more: Any) -> int:
    found: int = assay.simulate_cache(table(keys, keys), policy, capacity=capacity, **more)["misses"][0].as_py()
    return found


def test_tiny_lfu_makes_every_simple_policy_better_where_popularity_is_all() -> None:
    keys = zipf(1, 30_000, 3_000)
    for policy in ("fifo", "lru", "random"):
        assert misses(keys, policy, 100, admission="tiny_lfu") < misses(keys, policy, 100), policy


def test_second_hit_keeps_a_scan_out() -> None:
    keys = [*([0, 1] * 3), *range(10, 500), 0, 1]
    exact = "second_hit(false_positive_rate=0.000001)"
    assert misses(keys, "lru", 2, admission=exact) == 4 + 490
    assert misses(keys, "lru", 2) == 2 + 490 + 2


def test_an_object_expires_at_its_age_and_hits_do_not_renew_it() -> None:
    # In requests: put in by request 0, an age of 3 at request 3, put in again, an age of 2 at request 5.
    assert misses([0, 0, 0, 0, 0, 0], "lru", 1, ttl=3) == 2
    times = table([0, 0, 0], [1, 1, 1], [10, 12, 13])
    assert assay.simulate_cache(times, "lru", capacity=1, ttl=3, time="time")["misses"][0].as_py() == 2
    assert assay.simulate_cache(times, "lru", capacity=1, ttl=4, time="time")["misses"][0].as_py() == 1


def test_an_expired_object_is_no_eviction() -> None:
    found = assay.simulate_cache(table([0, 0, 0], [1, 1, 1]), "lru", capacity=1, ttl=1).to_pylist()[0]
    assert (found["misses"], found["evictions"]) == (3, 0)


def test_what_cannot_stand_in_front_is_refused() -> None:
    keys = [1, 2, 3]
    with pytest.raises(UnknownNameError, match="tiny_lfu"):
        misses(keys, "lru", 1, admission="tiny_lfo")
    with pytest.raises(UnknownNameError, match="at_most"):
        misses(keys, "lru", 1, admission="size(most=3)")
    with pytest.raises(SpellingError, match="parameters"):
        misses(keys, "lru", 1, admission="size(3)")
    with pytest.raises(ParameterError, match="at_most is missing"):
        misses(keys, "lru", 1, admission="size", size="size")
    with pytest.raises(ParameterError, match="no sizes"):
        misses(keys, "lru", 1, admission="size(at_most=3)")
    for ttl in (0, -1, 1.5, True):
        with pytest.raises(ParameterError, match="ttl"):
            misses(keys, "lru", 1, ttl=ttl)


def test_times_that_fall_are_null_or_are_no_times_are_refused() -> None:
    with pytest.raises(DataError, match='time goes backwards: column "time" is 3 in row 1 and 2 in row 2'):
        assay.simulate_cache(table([1, 2, 3], [1, 1, 1], [1, 3, 2]), capacity=1, ttl=5, time="time")
    for times, told in (
        (pa.array([1, None, 2]), "null in row 1"),
        (pa.array(["a", "b", "c"]), "whole numbers or timestamps"),
    ):
        with pytest.raises((DataError, UnsupportedTypeError), match=told):
            assay.simulate_cache(pa.table({"key": [1, 2, 3], "time": times}), capacity=1, ttl=5, time="time")
    with pytest.raises(ParameterError, match=r"coherence='ttl\(duration=9\)'"):
        assay.simulate_cache(pa.table({"key": [1], "op": ["get"]}), capacity=1, ttl=9, op="op", write="write_through")


def test_a_bound_holds_nothing_and_nothing_stands_in_front_of_it() -> None:
    for front in ({"admission": "tiny_lfu"}, {"ttl": 3}):
        with pytest.raises(ParameterError, match="pfoo_l is a bound"):
            misses([1, 2, 1], "pfoo_l", 1, **front)
    with pytest.raises(ParameterError, match="time can be given only with a write scheme, or with ttl"):
        misses([1], "lru", 1, time="time")


def lru_misses_with_lifetimes(asked: Sequence[tuple[int, int, int | None]], capacity: int) -> int:
    """(key, time, what the request says) each; an object keeps what had been said of it when it was put in."""
    ends: dict[int, float] = {}  # in the order of use
    said: dict[int, int] = {}
    missed = 0
    for key, time, lifetime in asked:
        if lifetime:
            said[key] = lifetime
        if time >= ends.get(key, math.inf):
            del ends[key]
        if key in ends:
            ends[key] = ends.pop(key)
            continue
        missed += 1
        if len(ends) == capacity:
            del ends[next(iter(ends))]
        ends[key] = time + said.get(key, math.inf)
    return missed


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 3), st.none() | st.integers(0, 12)), min_size=1, max_size=150),
    st.integers(1, 10),
    st.booleans(),
)
def test_objects_are_true_for_as_long_as_their_last_request_said(
    asked: list[tuple[int, int, int | None]], capacity: int, timed: bool
) -> None:
    times = np.cumsum([step for _, step, _ in asked]).tolist() if timed else list(range(len(asked)))
    said = [lifetime for _, _, lifetime in asked]
    trace = table([key for key, _, _ in asked], [1] * len(asked), times).append_column(
        "says", pa.array(said, pa.int32())
    )
    found = assay.simulate_cache(trace, capacity=capacity, ttl="says", time="time" if timed else None)
    rows = [(key, time, lifetime) for (key, _, lifetime), time in zip(asked, times, strict=True)]
    assert found["misses"].to_pylist() == [lru_misses_with_lifetimes(rows, capacity)]


def test_a_column_that_says_the_same_everywhere_is_that_time_to_live() -> None:
    keys = zipf(3, 5_000, 400)
    trace = table(keys, keys).append_column("says", pa.array([70] * len(keys)))
    for policy in (one.name for one in contenders("cache") if "bound" not in one.abilities):
        fixed = assay.simulate_cache(trace, policy, capacity=50, ttl=70)
        assert assay.simulate_cache(trace, policy, capacity=50, ttl="says").equals(fixed), policy


@pytest.mark.parametrize(
    ("column", "error", "message"),
    [
        (None, UnknownNameError, 'no column of table "says"'),
        ([1.5, 2.5], UnsupportedTypeError, 'column "says" is of type double; expected whole numbers'),
        (["60", "60"], UnsupportedTypeError, "multiply and cast it"),
        ([5, -1], DataError, 'column "says" is -1 in row 1'),
    ],
)
def test_a_column_that_cannot_say_how_long_is_refused(column: Any, error: Any, message: str) -> None:
    trace = table([1, 2], [1, 1])
    trace = trace if column is None else trace.append_column("says", pa.array(column))
    with pytest.raises(error, match=message):
        assay.simulate_cache(trace, capacity=1, ttl="says")
