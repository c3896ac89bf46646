"""OPT, LFU-DA, LRU-K, GDSF, hyperbolic caching and LHD beside caches of a few lines, on random traces."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay

sys.path.insert(0, str(Path(__file__).parent))

from oracles.belady_size import BeladySize
from oracles.gdsf import Gdsf
from oracles.hyperbolic import Hyperbolic
from oracles.lfu_da import LfuDa
from oracles.lhd import Lhd
from oracles.lru_k import LruK
from oracles.opt import Opt, least_misses, least_weighted_misses


class Oracle(Protocol):
    """A naive cache."""

    @property
    def used(self) -> int:
        """Weight of what is there."""

    def request(self, key: int, size: int = 1) -> bool:
        """Whether the object was there."""


class Case(NamedTuple):
    """A policy as it is spelled, and the naive cache that it must equal for a capacity, a trace and a seed."""

    spelling: str
    oracle: Callable[[int, Sequence[int], int, bool], Oracle]


CASES = [
    Case("opt", lambda capacity, keys, seed, sized: Opt(capacity, keys)),
    Case("opt(bypass=yes)", lambda capacity, keys, seed, sized: Opt(capacity, keys, bypass=True)),
    Case("belady_size", lambda capacity, keys, seed, sized: BeladySize(capacity, keys)),
    Case("belady_size(samples=2)", lambda capacity, keys, seed, sized: BeladySize(capacity, keys, 2, seed)),
    Case("lfu_da", lambda capacity, keys, seed, sized: LfuDa(capacity)),
    Case("lru_k", lambda capacity, keys, seed, sized: LruK(capacity)),
    Case("lru_k(k=1)", lambda capacity, keys, seed, sized: LruK(capacity, 1)),
    Case("lru_k(k=3,retained=20)", lambda capacity, keys, seed, sized: LruK(capacity, 3, 20)),
    Case("lru_k(retained=0)", lambda capacity, keys, seed, sized: LruK(capacity, 2, 0)),
    Case("gdsf", lambda capacity, keys, seed, sized: Gdsf(capacity)),
    Case("hyperbolic", lambda capacity, keys, seed, sized: Hyperbolic(capacity, 64, seed, by_size=sized)),
    Case("hyperbolic(samples=3)", lambda capacity, keys, seed, sized: Hyperbolic(capacity, 3, seed, by_size=sized)),
    Case("hyperbolic(samples=2,sizes=no)", lambda capacity, keys, seed, sized: Hyperbolic(capacity, 2, seed)),
    Case("lhd(samples=4,interval=7)", lambda capacity, keys, seed, sized: Lhd(capacity, 4, 7, seed)),
]

requests = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 6)), min_size=1, max_size=150)


def table(keys: Sequence[int], sizes: Sequence[int]) -> pa.Table:
    return pa.table({"key": pa.array(keys, pa.int64()), "size": pa.array(sizes, pa.int64())})


def naive(oracle: Oracle, keys: Sequence[int], sizes: Sequence[int], capacity: int) -> tuple[int, int]:
    """Misses, and the bytes of them."""
    missed = []
    for key, size in zip(keys, sizes, strict=True):
        if not oracle.request(key, size):
            missed.append(size)
        assert oracle.used <= capacity
    return len(missed), sum(missed)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.spelling)
@given(asked=requests, capacity=st.integers(1, 16), seed=st.integers(0, 2**63))
@settings(max_examples=60)
def test_a_policy_misses_what_its_definition_misses_among_equal_objects(
    case: Case, asked: list[tuple[int, int]], capacity: int, seed: int
) -> None:
    keys = [key for key, _ in asked]
    found = assay.simulate_cache(table(keys, keys), case.spelling, capacity=capacity, seed=seed).to_pylist()[0]
    ones = [1] * len(keys)
    assert found["misses"] == naive(case.oracle(capacity, keys, seed, False), keys, ones, capacity)[0]
    assert found["hits"] + found["misses"] == found["requests"] == len(keys)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.spelling)
@given(asked=requests, capacity=st.integers(1, 40), seed=st.integers(0, 2**63))
@settings(max_examples=60)
def test_a_policy_misses_what_its_definition_misses_in_bytes_even_if_sizes_change(
    case: Case, asked: list[tuple[int, int]], capacity: int, seed: int
) -> None:
    keys, sizes = [key for key, _ in asked], [size for _, size in asked]
    found = assay.simulate_cache(table(keys, sizes), case.spelling, capacity=capacity, size="size", seed=seed)
    misses, missed = naive(case.oracle(capacity, keys, seed, True), keys, sizes, capacity)
    ratio = missed / sum(sizes) if any(sizes) else None
    assert (found["misses"][0].as_py(), found["byte_miss_ratio"][0].as_py()) == (misses, ratio)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=14), st.integers(1, 4), st.booleans())
@settings(max_examples=80)
def test_opt_has_the_fewest_misses_that_any_choice_of_victims_has(keys: list[int], capacity: int, bypass: bool) -> None:
    policy = "opt(bypass=yes)" if bypass else "opt"
    found = assay.simulate_cache(table(keys, keys), policy, capacity=capacity)
    assert found["misses"][0].as_py() == least_misses(keys, capacity, bypass=bypass)


@given(
    st.lists(st.integers(0, 4), min_size=1, max_size=9),
    st.lists(st.integers(0, 4), min_size=5, max_size=5),
    st.integers(1, 8),
)
@settings(max_examples=60)
def test_no_cache_of_any_kind_misses_less_than_pfoo_l(keys: list[int], of_key: list[int], capacity: int) -> None:
    sizes = [of_key[key] for key in keys]
    for of in ("requests", "bytes"):
        found = assay.simulate_cache(
            table(keys, sizes), f"pfoo_l(of={of})", capacity=capacity, size="size"
        ).to_pylist()[0]
        least = least_weighted_misses(keys, dict(enumerate(of_key)), capacity, by_bytes=of == "bytes")
        bound = found["misses"] if of == "requests" else (found["byte_miss_ratio"] or 0) * sum(sizes)
        assert bound <= least + 1e-9


def test_pfoo_l_of_objects_is_no_more_than_opt_with_bypass_and_bounds_all_others_in_bytes() -> None:
    keys, capacity = zipf(4), [5, 60, 500]
    assert all(
        bound <= least
        for bound, least in zip(
            misses(keys, "pfoo_l", capacity), misses(keys, "opt(bypass=yes)", capacity), strict=True
        )
    )
    sizes = [1 + key * 2_654_435_761 % 97 for key in keys]
    for of, column in (("requests", "misses"), ("bytes", "byte_miss_ratio")):
        bound = assay.simulate_cache(table(keys, sizes), f"pfoo_l(of={of})", capacity=[300, 9_000], size="size")[column]
        for policy in ("lru", "opt", "opt(bypass=yes)", "belady_size", "gdsf", "lhd"):
            found = assay.simulate_cache(table(keys, sizes), policy, capacity=[300, 9_000], size="size")[column]
            pairs = list(zip(bound.to_pylist(), found.to_pylist(), strict=True))
            assert all(a <= b for a, b in pairs), (of, policy, pairs)


def test_belady_by_size_is_near_the_bound_where_the_farthest_next_use_is_not() -> None:
    keys = zipf(6)
    sizes = [1 + key * 2_654_435_761 % 997 for key in keys]
    found = {
        policy: assay.simulate_cache(table(keys, sizes), policy, capacity=30_000, size="size")["misses"][0].as_py()
        for policy in ("pfoo_l", "belady_size", "opt")
    }
    assert found["pfoo_l"] < found["belady_size"] < found["opt"]


def zipf(seed: int, requests: int = 20_000, objects: int = 2_000) -> list[int]:
    generator = np.random.default_rng(seed)
    sums = np.cumsum(1.0 / np.arange(1, objects + 1))
    found: list[int] = np.searchsorted(sums, generator.random(requests) * sums[-1]).tolist()
    return found


def misses(keys: Sequence[int], policy: str, capacity: list[int], **more: Any) -> list[int]:
    found: list[int] = assay.simulate_cache(table(keys, keys), policy, capacity=capacity, **more)["misses"].to_pylist()
    return found


def test_no_policy_misses_less_than_opt_and_none_more_than_all() -> None:
    keys, capacity = zipf(1), [1, 7, 50, 400, 2_000]
    least = misses(keys, "opt", capacity)
    distinct = len(set(keys))
    assert least == sorted(least, reverse=True) and least[-1] == distinct
    assert all(a <= b for a, b in zip(misses(keys, "opt(bypass=yes)", capacity), least, strict=True))
    for policy in ("fifo", "lru", "lfu_da", "lru_k", "gdsf", "hyperbolic", "lhd"):
        found = misses(keys, policy, capacity)
        assert all(a <= b <= len(keys) for a, b in zip(least, found, strict=True)), policy
        assert found[-1] == distinct, policy


def test_lru_of_the_last_use_is_lru_and_gdsf_of_equal_objects_is_lfu_with_ageing() -> None:
    keys, capacity = zipf(2), [1, 10, 100, 700]
    assert misses(keys, "lru_k(k=1)", capacity) == misses(keys, "lru", capacity)
    assert misses(keys, "gdsf", capacity) == misses(keys, "lfu_da", capacity)
    ones = pa.table({"key": keys, "size": [1] * len(keys)})
    weighed = assay.simulate_cache(ones, "gdsf", capacity=capacity, size="size")["misses"].to_pylist()
    assert weighed == misses(keys, "gdsf", capacity)


@pytest.mark.parametrize("policy", ["hyperbolic", "lhd"])
def test_lots_are_the_same_for_a_seed_and_others_for_another(policy: str) -> None:
    keys, capacity = zipf(3), [300]
    assert misses(keys, policy, capacity) == misses(keys, policy, capacity, seed=0)
    assert len({misses(keys, policy, capacity, seed=seed)[0] for seed in range(4)}) > 1


def test_a_small_case_of_opt_by_hand() -> None:
    # 1 2 3 come in; 4 takes the place of 3, whose next use is last; 1 2 hit; 3 must go for ... none: 5 is not asked
    # again, and takes the place of 4, which is not either.
    keys = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3]
    assert misses(keys, "opt", [3]) == [6]


def test_a_scan_pushes_a_page_out_of_lru_but_not_out_of_lru_2() -> None:
    # Page 0 is used twice before ten pages that are used once; with room for three, LRU-2 keeps it.
    keys = [0, 0, *range(1, 11), 0]
    assert misses(keys, "lru_k", [3]) == [11]
    assert misses(keys, "lru", [3]) == [12]


def test_lfu_with_ageing_forgets_what_was_popular_long_ago() -> None:
    # Object 0 is asked for 50 times. Then 1 and 2 take turns: each miss puts one in at L + 1 and lets the other go, so
    # that the n-th is at n; at the 51st both are at 50, 0 is the longest unused, and all later requests hit.
    keys = [0] * 50 + [1, 2] * 60
    assert misses(keys, "lfu_da", [2]) == [1 + 51]


def test_gdsf_keeps_small_objects_rather_than_a_large_one() -> None:
    # 0 and 1 of 6 bytes never fit together; LRU makes 2 and 3 of 1 byte go for them, GDSF lets 0 and 1 take turns.
    keys, sizes = [0, 1, 2, 3] * 20, [6, 6, 1, 1] * 20
    hits = [
        assay.simulate_cache(table(keys, sizes), policy, capacity=10, size="size")["hits"][0].as_py()
        for policy in ("gdsf", "lru")
    ]
    assert hits == [2 * 19, 0]


def test_an_object_of_no_size_and_one_larger_than_the_cache_are_no_trouble() -> None:
    keys, sizes = [0, 1, 0, 2, 1, 0, 2], [0, 4, 0, 9, 4, 0, 9]
    for policy in ("opt", "lfu_da", "lru_k", "gdsf", "hyperbolic", "lhd"):
        found = assay.simulate_cache(table(keys, sizes), policy, capacity=[4, 3], size="size")
        assert found["misses"].to_pylist() == [4, 5], policy
