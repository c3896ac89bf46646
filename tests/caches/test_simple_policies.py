"""FIFO, LIFO, LRU, MRU, LFU, random, CLOCK and SIEVE beside their definitions; their laws; counts that are known."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay import _core
from assay.caches.traces import read_trace

sys.path.insert(0, str(Path(__file__).parent))

from oracles.simple import POLICIES

keys = st.lists(st.integers(0, 30), min_size=1, max_size=300)
sized = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 12)), min_size=1, max_size=200)


def counts(requests: list[int], policy: str, capacity: int, **options: int) -> tuple[int, int]:
    """Misses and evictions."""
    found = assay.simulate_cache(pa.table({"key": requests}), policy, capacity=capacity, **options).to_pylist()[0]
    return found["misses"], found["evictions"]


def all_counts(table: pa.Table, capacity: int, seed: int) -> dict[str, tuple[int, int, int]]:
    """Misses, evictions and missed bytes of each policy, side by side over one trace."""
    sized = "size" in table.column_names
    trace = read_trace(table, size="size" if sized else None)
    found = _core.simulate_caches(trace, [(policy, {}, capacity, sized, seed) for policy in POLICIES], threads=1)
    rows = {policy: windows[0] for policy, windows in zip(POLICIES, found, strict=True)}
    return {policy: (row[0] - row[1], row[5], row[2] - row[3]) for policy, row in rows.items()}


@given(requests=keys, capacity=st.integers(1, 35), seed=st.integers(0, 2**64 - 1))
def test_misses_and_evictions_are_those_of_the_definitions(requests: list[int], capacity: int, seed: int) -> None:
    found = all_counts(pa.table({"key": requests}), capacity, seed)
    for policy, kind in POLICIES.items():
        oracle = kind(capacity, seed)
        misses = sum(not oracle.request(key) for key in requests)
        assert found[policy] == (misses, oracle.evictions, misses), policy


@given(requests=sized, capacity=st.integers(1, 60))
def test_bytes_are_counted_as_the_definitions_count_them(requests: list[tuple[int, int]], capacity: int) -> None:
    table = pa.table({"key": [key for key, _ in requests], "size": [size for _, size in requests]})
    found = all_counts(table, capacity, 3)
    for policy, kind in POLICIES.items():
        oracle = kind(capacity, 3)
        missed = [size for key, size in requests if not oracle.request(key, size)]
        assert found[policy] == (len(missed), oracle.evictions, sum(missed)), policy
        assert oracle.used <= capacity


@pytest.mark.parametrize("policy", POLICIES)
def test_a_long_trace_is_counted_as_the_definition_counts_it(policy: str) -> None:
    # Long enough that lines of objects move to fresh places many times, and runs go over several batches.
    generator = np.random.default_rng(11)
    requests = np.minimum(generator.zipf(1.2, 70_000), 400).tolist()
    for capacity in (3, 50):
        oracle = POLICIES[policy](capacity, 5)
        misses = sum(not oracle.request(key) for key in requests)
        assert counts(requests, policy, capacity, seed=5) == (misses, oracle.evictions)


@given(requests=keys)
def test_room_for_all_keys_misses_each_once_and_room_for_one_hits_repetitions_alone(requests: list[int]) -> None:
    table, distinct = pa.table({"key": requests}), len(set(requests))
    repeated = sum(one == other for one, other in pairwise(requests))
    assert set(all_counts(table, distinct, 0).values()) == {(distinct, 0, distinct)}
    assert {misses for misses, *_ in all_counts(table, 1, 0).values()} == {len(requests) - repeated}


@given(requests=keys)
def test_lru_never_misses_more_with_more_room(requests: list[int]) -> None:
    found = assay.simulate_cache(pa.table({"key": requests}), "lru", capacity=list(range(1, 32)))["misses"].to_pylist()
    assert found == sorted(found, reverse=True)


def test_fifo_misses_more_with_more_room_on_beladys_trace() -> None:
    # Belady, Nelson, Shedler 1969: 9 misses with three frames, 10 with four.
    requests = [1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5]
    assert [counts(requests, "fifo", capacity)[0] for capacity in (3, 4)] == [9, 10]


def test_each_policy_takes_its_own_victim() -> None:
    # Three objects are there when 4 comes: 1 and 2 were asked for twice, 2 most recently.
    came = [1, 2, 3, 1, 2, 4]
    gone = {"fifo": 1, "lifo": 3, "lru": 3, "mru": 2, "lfu": 3, "clock": 3, "sieve": 3}
    for policy, victim in gone.items():
        for key in (1, 2, 3):
            misses, _ = counts([*came, key], policy, 3)
            assert misses == 4 + (key == victim), f"{policy} and {key}"


def test_random_is_the_same_for_one_seed_and_differs_between_seeds() -> None:
    requests = np.random.default_rng(1).integers(0, 1000, 20_000).tolist()
    found = [counts(requests, "random", 100, seed=seed)[0] for seed in (1, 1, 2, 3)]
    assert found[0] == found[1] and len(set(found)) == 3
    # Uniform requests hit with the share of keys that is there, whoever goes: 10 %, and a standard error of 0.2 %.
    assert all(abs(1 - misses / 20_000 - 0.1) < 0.01 for misses in found)
