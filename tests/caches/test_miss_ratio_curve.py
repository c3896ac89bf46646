"""`assay.miss_ratio_curve` beside the stack itself, beside separate runs, and what it refuses."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.caches import cheapest, knee
from assay.caches.curve import log_spaced
from assay.errors import DataError, EmptyInputError, ParameterError, UnknownNameError

ROOT = Path(__file__).resolve().parents[2]
WEB12 = ROOT / "datasets" / "cache2k_web12.parquet"
KEYS = st.lists(st.integers(0, 25), min_size=1, max_size=250)


def distances(keys: list[int]) -> list[float]:
    """By the definition: the place of each key in the stack of keys, the one asked for last on top."""
    stack: list[int] = []
    found = []
    for key in keys:
        found.append(stack.index(key) + 1.0 if key in stack else math.inf)
        if key in stack:
            stack.remove(key)
        stack.insert(0, key)
    return found


def trace(keys: list[int], sizes: dict[int, int] | None = None) -> pa.Table:
    columns = {"key": pa.array(keys, pa.int64())}
    if sizes is not None:
        columns["size"] = pa.array([sizes[key] for key in keys], pa.int64())
    return pa.table(columns)


@given(KEYS)
def test_the_lru_curve_counts_the_distances_beyond_each_capacity(keys: list[int]) -> None:
    curve = assay.miss_ratio_curve(trace(keys))
    far = distances(keys)
    expected = [sum(one > capacity for one in far) for capacity in range(1, len(set(keys)) + 1)]
    assert curve.column("capacity").to_pylist() == list(range(1, len(set(keys)) + 1))
    assert curve.column("misses").to_pylist() == expected
    assert curve.column("miss_ratio").to_pylist() == [misses / len(keys) for misses in expected]


@given(KEYS)
def test_the_lru_curve_never_rises_and_ends_at_the_first_requests(keys: list[int]) -> None:
    misses = assay.miss_ratio_curve(trace(keys)).column("misses").to_pylist()
    assert misses == sorted(misses, reverse=True)
    assert misses[-1] == len(set(keys))


@settings(max_examples=30)
@given(KEYS, st.sampled_from(["lru", "fifo"]))
def test_curves_equal_separate_runs_at_every_size(keys: list[int], policy: str) -> None:
    sizes = list(range(1, len(set(keys)) + 3))
    curve = assay.miss_ratio_curve(trace(keys), policy, capacity=sizes)
    runs = [assay.simulate_cache(trace(keys), policy, capacity=one).to_pylist()[0] for one in sizes]
    assert curve.column("misses").to_pylist() == [run["misses"] for run in runs]
    assert curve.column("miss_ratio").to_pylist() == [run["miss_ratio"] for run in runs]


@settings(max_examples=40)
@given(KEYS, st.lists(st.integers(0, 9), min_size=26, max_size=26), st.booleans())
def test_curves_in_bytes_equal_separate_runs_also_below_the_largest_object(
    keys: list[int], weights: list[int], changing: bool
) -> None:
    table = trace(keys, dict(enumerate(weights)))
    if changing:
        sizes = [(weights[key] + row) % 10 for row, key in enumerate(keys)]
        table = table.set_column(1, "size", pa.array(sizes, pa.int64()))
    capacities = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
    curve = assay.miss_ratio_curve(table, size="size", capacity=capacities).to_pylist()
    runs = assay.simulate_cache(table, size="size", capacity=capacities).to_pylist()
    for point, run in zip(curve, runs, strict=True):
        assert (point["capacity"], point["misses"]) == (run["capacity"], run["misses"])
        assert point["byte_miss_ratio"] == (run["byte_miss_ratio"] or 0)


@pytest.mark.parametrize("options", [{}, {"sample_rate": 1.0}, {"sample_size": 9}, {"sample_size": 2}])
@pytest.mark.parametrize("size", [None, "size"])
def test_the_largest_capacities_of_all_miss_each_object_once(size: str | None, options: dict[str, Any]) -> None:
    """As floats, these are rounded to 2^64, which has no room in 64 bits."""
    table = trace([1, 2, 3, 1, 2, 3, 1], {1: 5, 2: 0, 3: 7})
    for policy in ("lru", "fifo", "opt"):
        found = assay.miss_ratio_curve(table, policy, size=size, capacity=[2**63, 2**64 - 2, 2**64 - 1], **options)
        assert found["capacity"].to_pylist() == [2**63, 2**64 - 2, 2**64 - 1]
        if options != {"sample_size": 2}:
            assert found["misses"].to_pylist() == [3, 3, 3]


def test_ratios_of_bytes_beyond_53_bits_are_those_of_runs() -> None:
    sizes = {key: 2**57 + key * 1_234_567_891_234_567 for key in range(9)}
    table = trace([0, 1, 2, 3, 0, 4, 5, 1, 6, 7, 8, 0, 2], sizes)
    for policy in ("lru", "fifo"):
        curve = assay.miss_ratio_curve(table, policy, size="size")
        runs = assay.simulate_cache(table, policy, size="size", capacity=curve["capacity"].to_pylist())
        assert curve["byte_miss_ratio"].to_pylist() == runs["byte_miss_ratio"].to_pylist()


def test_an_object_that_grows_from_nothing_counts_with_the_bytes_that_were_asked_for() -> None:
    table = pa.table({"key": [1, 2, 1, 2], "size": [0, 5, 7, 5]})
    curve = assay.miss_ratio_curve(table, size="size", capacity=[5, 10])
    assert curve["byte_miss_ratio"].to_pylist() == [5 / 17, 5 / 17]


def test_a_few_large_objects_among_many_small_ones_widen_a_sample_s_intervals() -> None:
    """One object of a hundred has nine tenths of the bytes: how many of them are in the sample decides."""
    generator = np.random.default_rng(3)
    keys = np.minimum(generator.integers(0, 3000, 40_000), generator.integers(0, 3000, 40_000)).tolist()
    table = trace(keys, {key: 100_000 if key % 100 == 7 else 100 for key in range(3000)})
    at = [300_000, 1_000_000, 2_000_000]
    truth = assay.simulate_cache(table, size="size", capacity=at)["miss_ratio"].to_numpy()
    for seed in range(8):
        found = assay.miss_ratio_curve(table, size="size", capacity=at, sample_rate=0.1, seed=seed)
        low, high = found["low"].to_numpy(), found["high"].to_numpy()
        assert ((low <= truth) & (truth <= high)).all(), seed


def test_a_sample_of_sizes_beyond_64_bits_knows_their_sum() -> None:
    table = pa.table({"key": range(64), "size": pa.array([2**60] * 64, pa.uint64())})
    found = assay.miss_ratio_curve(table, size="size", sample_size=4, capacity=2**62)
    assert found["byte_miss_ratio"].to_pylist() == [1.0]


def test_known_misses_of_a_real_trace_lie_on_its_curve() -> None:
    curve = assay.miss_ratio_curve(WEB12)
    misses = curve.column("misses")
    assert (misses[137 - 1].as_py(), misses[1375 - 1].as_py()) == (57_653, 30_133)  # as libCacheSim counts them
    assert (curve.num_rows, misses[-1].as_py()) == (13_756, 13_756)
    facts = {name.decode(): value.decode() for name, value in curve.schema.metadata.items()}
    assert facts == {"policy": "lru", "requests": "95607", "distinct": "13756", "sample_rate": "1.0"}


def test_other_policies_are_told_at_a_hundred_sizes_spaced_by_their_logarithm() -> None:
    curve = assay.miss_ratio_curve(WEB12, "fifo")
    capacities = curve.column("capacity").to_pylist()
    assert capacities == log_spaced(1, 13_756).tolist()
    assert 80 <= len(capacities) <= 100 and (capacities[0], capacities[-1]) == (1, 13_756)
    one = assay.simulate_cache(WEB12, "fifo", capacity=capacities[40]).column("misses")[0].as_py()
    assert curve.column("misses")[40].as_py() == one


def test_a_sample_of_all_keys_is_the_curve_itself() -> None:
    exact = assay.miss_ratio_curve(WEB12)
    for options in ({"sample_rate": 1.0}, {"sample_size": 13_756}):
        sampled = assay.miss_ratio_curve(WEB12, **options)
        assert sampled.select(["capacity", "misses"]).equals(exact.select(["capacity", "misses"]))
        assert sampled.column("low").equals(sampled.column("high"))


@pytest.mark.parametrize("policy", ["lru", "fifo"])
@pytest.mark.parametrize("options", [{"sample_rate": 0.1}, {"sample_size": 2000}])
def test_the_exact_curve_lies_within_a_sample_s_intervals(policy: str, options: dict[str, float]) -> None:
    at = log_spaced(1, 13_756).tolist()
    truth = assay.miss_ratio_curve(WEB12, policy, capacity=at).column("miss_ratio").to_numpy()
    inside = []
    for seed in range(5):
        sampled = assay.miss_ratio_curve(WEB12, policy, capacity=at, seed=seed, **options)  # type: ignore[arg-type]
        low, high = sampled.column("low").to_numpy(), sampled.column("high").to_numpy()
        inside.append(float(((low <= truth + 1e-12) & (truth <= high + 1e-12)).mean()))
    assert np.mean(inside) >= 0.95, inside


def test_a_sample_is_the_same_for_the_same_seed_alone() -> None:
    def curve(seed: int) -> pa.Table:
        return assay.miss_ratio_curve(WEB12, sample_rate=0.05, seed=seed)

    assert curve(1).equals(curve(1))
    assert not curve(1).equals(curve(2))


def test_a_key_is_sampled_alike_whatever_type_carries_it() -> None:
    keys = [step * step % 997 for step in range(20_000)]
    whole = assay.miss_ratio_curve(pa.table({"key": pa.array(keys, pa.int64())}), sample_rate=0.2)
    for column in (pa.array(keys, pa.uint16()), pa.array(keys).dictionary_encode()):
        assert assay.miss_ratio_curve(pa.table({"key": column}), sample_rate=0.2).equals(whole)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sample_rate": 0}, "sample_rate is 0"),
        ({"sample_rate": 1.5}, "sample_rate is 1.5"),
        ({"sample_rate": "much"}, "sample_rate is 'much'"),
        ({"sample_size": 0}, "sample_size is 0"),
        ({"sample_rate": 0.1, "sample_size": 10}, "one of them"),
        ({"capacity": []}, "empty list"),
        ({"capacity": 0}, "capacity is 0"),
    ],
)
def test_what_cannot_be_asked_is_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        assay.miss_ratio_curve(trace([1, 2, 1]), **options)  # type: ignore[arg-type]


def test_a_trace_of_no_use_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="fifo"):
        assay.miss_ratio_curve(trace([1]), "fifoo")
    with pytest.raises(DataError, match="no rows"):
        assay.miss_ratio_curve(trace([]))
    with pytest.raises(DataError, match="no rows"):
        assay.miss_ratio_curve(trace([]), sample_rate=0.5)
    with pytest.raises(DataError, match="no key is in the sample"):
        assay.miss_ratio_curve(trace([1, 2, 3]), sample_rate=1e-9)
    for options in ({}, {"sample_rate": 0.5}):
        with pytest.raises(DataError, match='column "key" is null in row 1'):
            assay.miss_ratio_curve(pa.table({"key": ["a", None]}), **options)  # type: ignore[arg-type]


def test_one_key_and_one_request_have_a_curve_of_one_point() -> None:
    for options in ({}, {"sample_rate": 1.0}):
        curve = assay.miss_ratio_curve(trace([7]), **options).to_pylist()  # type: ignore[arg-type]
        assert [(point["capacity"], point["misses"], point["miss_ratio"]) for point in curve] == [(1, 1, 1.0)]


def test_the_knee_is_where_the_curve_lies_farthest_below_its_chord() -> None:
    # By hand: at 10 the logarithm has come 1/3 of its way, and the ratio has fallen by 0.7 of 0.9: 0.778 - 0.333.
    curve = pa.table({"capacity": [1, 10, 100, 1000], "miss_ratio": [1.0, 0.3, 0.2, 0.1]})
    found = knee(curve)
    assert found is not None and found.capacity == 10
    assert found.distance == pytest.approx(7 / 9 - 1 / 3)


def test_a_curve_without_a_knee_has_none() -> None:
    assert knee(assay.miss_ratio_curve(trace(list(range(20)) * 3))) is None  # a loop: nothing, then everything
    assert knee(assay.miss_ratio_curve(trace([1, 2, 3, 4]))) is None  # nothing is asked for twice
    assert knee(assay.miss_ratio_curve(trace([1]))) is None


def test_the_cheapest_size_weighs_room_against_misses() -> None:
    curve = assay.miss_ratio_curve(trace([1, 2, 3, 1, 1, 3, 2]))  # misses 6, 5, 3
    assert cheapest(curve, price_per_object=1, price_per_miss=1).capacity == 3  # 3 + 3, against 1 + 6 and 2 + 5
    none = cheapest(curve, price_per_object=10, price_per_miss=1)
    assert (none.capacity, none.misses, none.miss_ratio, none.cost) == (0, 7, 1.0, 7.0)
    free = cheapest(curve, price_per_byte=0, price_per_miss=2)
    assert (free.capacity, free.cost, free.cost_of_room, free.cost_of_misses) == (3, 6.0, 0.0, 6.0)


def test_prices_and_curves_of_no_use_are_refused() -> None:
    curve = assay.miss_ratio_curve(trace([1, 2, 1]))
    with pytest.raises(ParameterError, match="expected one"):
        cheapest(curve, price_per_miss=1)
    with pytest.raises(ParameterError, match="expected one"):
        cheapest(curve, price_per_miss=1, price_per_object=1, price_per_byte=1)
    with pytest.raises(ParameterError, match="price_per_miss is -1"):
        cheapest(curve, price_per_miss=-1, price_per_object=1)
    with pytest.raises(UnknownNameError, match="misses"):
        cheapest(curve.select(["capacity", "miss_ratio"]), price_per_miss=1, price_per_object=1)
    with pytest.raises(EmptyInputError, match="no rows"):
        knee(curve.slice(0, 0))


def belady_misses(keys: list[int], capacity: int) -> int:
    """By the definition: of all that is there, what is asked for last goes."""
    held: set[int] = set()
    misses = 0
    for at, key in enumerate(keys):
        if key in held:
            continue
        misses += 1
        if len(held) == capacity:
            rest = keys[at:]
            held.remove(max(held, key=lambda one: rest.index(one) if one in rest else len(rest)))
        held.add(key)
    return misses


@given(st.lists(st.integers(0, 12), min_size=1, max_size=120))
def test_the_curve_of_opt_misses_what_belady_does_at_every_size(keys: list[int]) -> None:
    curve = assay.miss_ratio_curve(trace(keys), "opt")
    expected = [belady_misses(keys, capacity) for capacity in range(1, len(set(keys)) + 1)]
    assert curve.column("misses").to_pylist() == expected


def test_the_curve_of_opt_equals_runs_and_lies_below_the_others() -> None:
    curve = assay.miss_ratio_curve(WEB12, "opt")
    misses = curve.column("misses").to_numpy()
    sizes = [1, 2, 13, 137, 1375, 9000, 13_756]
    runs = assay.simulate_cache(WEB12, "opt", capacity=sizes).column("misses").to_pylist()
    assert [misses[size - 1] for size in sizes] == runs
    assert (misses <= assay.miss_ratio_curve(WEB12).column("misses").to_numpy()).all()
    assert misses[13 - 1] == 63_671  # as libCacheSim's Belady, which lets every object in
