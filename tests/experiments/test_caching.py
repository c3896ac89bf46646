"""The experiment `caching`: counts beside naive caches, the order of a trace kept, answers, and bad input."""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import assay
from assay.caches.policies import parse_policy
from assay.datasets import open_dataset
from assay.errors import (
    AssayError,
    DataError,
    EmptyInputError,
    ParameterError,
    SuiteError,
    UnknownNameError,
    UsageError,
)
from assay.experiments.base import Findings, FinishesInSteps, Value
from assay.experiments.caching import EXPERIMENT
from assay.experiments.caching.job import CachingJob
from assay.experiments.caching.metrics import METRICS
from assay.experiments.caching.policies import BOUND, draws_lots, knows_the_future, propose
from assay.experiments.caching.requests import RequestLog, Requests
from assay.experiments.caching.settings import CachingSettings
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.store import Store

EVERY = propose()
BUILT = [name for name in EVERY if not knows_the_future(parse_policy(name))]


def trace(keys: Any, **columns: Any) -> pa.Table:
    return pa.table({"key": pa.array(keys), **columns})


def skewed(rows: int = 3_000, keys: int = 300, seed: int = 3) -> pa.Table:
    drawn = np.random.default_rng(seed).zipf(1.3, rows) % keys
    return trace(drawn)


def plan(data: Any, **settings: Any) -> CachingJob:
    return EXPERIMENT.job(open_dataset(data), CachingSettings(**settings))


def found(data: Any, target_rows: int = 1_000_000, **settings: Any) -> Findings:
    """What a run finds, its trace cut into spans of so many rows, each packed and unpacked."""
    job = plan(data, **settings)
    state = job.start(0, None)
    for span in job.dataset.spans(target_rows=target_rows):
        part = job.start(0, None)
        for batch in job.dataset.batches(job.columns(0), span):
            job.update(part, batch)
        state = job.merge(state, job.unpack(0, job.pack(part), None))
    learned = job.learn(0, state)
    assert not job.scans(1, learned), "simulations read no table"
    return job.finish([learned.pack()], job.start(1, learned))


def numbers(data: Any, **settings: Any) -> dict[tuple[str, Any], dict[str, Any]]:
    """(policy, capacity) → metric → value."""
    job = plan(data, **settings)
    findings = found(data, **settings)
    assert not findings.failures, findings.failures
    cells = {cell.cell_id: (cell.contender, cell.parameters["capacity"]) for cell in job.cells}
    result: dict[tuple[str, Any], dict[str, Any]] = {}
    for value in findings.values:
        result.setdefault(cells[value.cell_id], {})[value.metric] = value.value
    return result


def naive_misses(keys: list[int], capacity: int, *, use_counts: bool) -> int:
    """FIFO, or LRU where a use moves an object to the end of the queue."""
    queue: OrderedDict[int, None] = OrderedDict()
    misses = 0
    for key in keys:
        if key in queue:
            if use_counts:
                queue.move_to_end(key)
            continue
        misses += 1
        if len(queue) == capacity:
            queue.popitem(last=False)
        queue[key] = None
    return misses


# -- counts -----------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 12), min_size=1, max_size=80), st.integers(1, 8))
def test_fifo_and_lru_miss_as_often_as_naive_ones(keys: list[int], capacity: int) -> None:
    values = numbers(trace(keys), policies=["fifo", "lru"], capacity=capacity)
    for name, use_counts in (("fifo", False), ("lru", True)):
        assert values[name, capacity]["misses"] == naive_misses(keys, capacity, use_counts=use_counts)


@pytest.mark.parametrize("policy", EVERY)
def test_every_policy_of_the_catalogue_keeps_the_laws(policy: str) -> None:
    capacities = [1, 7, 60, 300]
    values = numbers(skewed(), policies=[policy], capacity=capacities, seeds=2)
    for capacity in capacities:
        row = values[policy, capacity]
        assert row["hits"] + row["misses"] == row["requests"] == 3_000
        assert row["miss_ratio"] == pytest.approx(row["misses"] / 3_000)
        assert row["misses"] >= row["distinct_keys"], "a first request misses"
        assert row["compulsory_miss_ratio"] == row["distinct_keys"] / 3_000
        assert 0 <= row["evictions"] <= row["misses"]
        assert BOUND not in EVERY or policy not in BUILT or row["distance_to_opt"] >= 0
    everything = values[policy, 300]
    assert everything["misses"] == everything["distinct_keys"], "a cache of all keys misses each once"
    assert everything["evictions"] == 0 and everything["compulsory_miss_share"] == 1


@pytest.mark.parametrize("policy", EVERY)
def test_every_policy_misses_as_often_as_in_simulate_cache(policy: str) -> None:
    """Also those that hash keys, whose sketches would meet other collisions with the keys' numbers."""
    table = trace([f"/object/{key}" for key in skewed(6_000, 2_000).column("key").to_pylist()])
    (row,) = numbers(table, policies=[policy], capacity=40, seeds=1).values()
    assert row["misses"] == assay.simulate_cache(table, policy, capacity=40).column("misses")[0].as_py()


@pytest.mark.parametrize("front", [{"ttl": 5}, {"admission": "second_hit"}, {"write": "write_through"}])
def test_what_holds_nothing_has_nothing_in_front_and_is_left_out_unless_named(front: dict[str, Any]) -> None:
    table = written()
    proposed = {cell.contender for cell in plan(table, capacity=10, **front).cells}
    assert proposed == {name for name in EVERY if name != "pfoo_l"}
    with pytest.raises(ParameterError, match="pfoo_l is a bound and holds nothing"):
        plan(table, policies=["lru", "pfoo_l"], capacity=10, **front)


def test_improvement_is_over_fifo_at_the_same_capacity_though_nobody_named_it() -> None:
    keys = skewed().column("key").to_pylist()
    values = numbers(skewed(), policies=["lru"], capacity=[10, 40])
    for capacity in (10, 40):
        fifo, lru = (naive_misses(keys, capacity, use_counts=uses) for uses in (False, True))
        assert values["lru", capacity]["improvement_over_fifo"] == pytest.approx((fifo - lru) / fifo)
    assert numbers(skewed(), policies=["fifo"], capacity=10)["fifo", 10]["improvement_over_fifo"] == 0


def test_a_share_is_of_the_distinct_keys_of_the_whole_trace() -> None:
    values = numbers(trace([*range(763), *range(763)]), policies=["lru"], capacity=["1%", "0.01%", "100%", 5])
    assert [values["lru", given]["capacity_objects"] for given in ("1%", "0.01%", "100%", 5)] == [7, 1, 763, 5]


def test_bytes_are_counted_where_sizes_are_named_and_missed_bytes_beside_objects() -> None:
    sized = trace([1, 2, 1, 3, 1, 2], size=pa.array([10, 90, 10, 100, 10, 90], pa.uint32()))
    values = numbers(sized, policies=["lru"], capacity=100, size="size")["lru", 100]
    # 1 and 2 fit (100 bytes); 1 hits; 3 throws both out; 1 and 2 miss, and together throw 3 out.
    assert (values["misses"], values["hits"], values["capacity_bytes"]) == (5, 1, 100)
    assert values["byte_miss_ratio"] == pytest.approx((310 - 10) / 310)
    assert numbers(sized, policies=["lru"], capacity="50%", size="size")["lru", "50%"]["capacity_bytes"] == 100
    by_bytes = numbers(sized, policies=["lru"], capacity=100, size="size")["lru", 100]
    assert "distance_to_opt" not in by_bytes, "OPT does not look at sizes, and is no bound where these count"
    beside = numbers(sized, policies=["lru"], capacity=2, size="size", counts="objects")["lru", 2]
    assert beside["capacity_objects"] == 2 and beside["byte_miss_ratio"] is not None
    alike = trace([1, 2, 1], size=pa.array([4, 4, 4]))
    assert numbers(alike, policies=["lru"], capacity=4, size="size")["lru", 4].keys() & {"byte_miss_ratio"} == set()


def test_the_hit_ratio_over_time_adds_up_to_the_hits() -> None:
    job = plan(skewed(), policies=["lru"], capacity=20, windows=7)
    findings = found(skewed(), policies=["lru"], capacity=20, windows=7)
    ends = [0, *(int(point.label) for point in findings.points)]
    assert len(findings.points) == 7 and ends[-1] == 3_000
    hits = sum(
        point.value * (after - before) for point, before, after in zip(findings.points, ends, ends[1:], strict=False)
    )
    values = {value.metric: value.value for value in findings.values}
    assert round(hits) == values["hits"] and {point.series for point in findings.points} == {"hit_ratio"}
    assert {point.cell_id for point in findings.points} == {job.cells[0].cell_id}


def test_a_shuffled_trace_asks_for_each_key_as_often_in_another_order() -> None:
    keys = pa.array(["a", "b", "c", "d"])
    stored = Requests({"id": np.array([0, 1, 0, 2, 0, 1, 3] * 50, np.uint32)}, keys)
    mixed, same, other = (stored.in_order(stored.drawn_order(seed)) for seed in (7, 7, 8))
    assert sorted(np.bincount(mixed.columns["id"])) == sorted(np.bincount(stored.columns["id"]))
    assert (mixed.columns["id"] == same.columns["id"]).all() and (mixed.columns["id"] != other.columns["id"]).any()
    newest = np.maximum.accumulate(mixed.columns["id"])
    assert newest[0] == 0 and (np.diff(newest) <= 1).all(), "numbers are in the order of first requests"
    asked = np.array(stored.asked.to_pylist())[stored.drawn_order(7)]
    assert mixed.asked.to_pylist() == asked.tolist(), "each number is still that of its key"


def test_a_loop_is_worst_for_lru_and_its_shuffle_is_not() -> None:
    job = plan(trace([*range(100)] * 20), policies=["lru"], capacity=50, order=["stored", "shuffled"])
    findings = found(trace([*range(100)] * 20), policies=["lru"], capacity=50, order=["stored", "shuffled"])
    ratios = {value.cell_id: value.value for value in findings.values if value.metric == "miss_ratio"}
    orders = {cell.parameters["order"]: ratios[cell.cell_id] for cell in job.cells}
    assert orders["stored"] == 1 and 0.4 < orders["shuffled"] < 0.6


# -- the order of a trace ---------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["a", "b", "c", "dd", "", "é"]), max_size=40), st.integers(1, 40))
def test_any_split_numbers_keys_alike(keys: list[str], cut: int) -> None:
    column = pa.array(keys, pa.string())
    whole, one, other = RequestLog(), RequestLog(), RequestLog()
    whole.add(column, {})
    one.add(column[:cut], {})
    other.add(column[cut:], {})
    one.absorb(RequestLog.unpack(other.pack()))
    first_seen = {key: number for number, key in enumerate(dict.fromkeys(keys))}
    expected = [first_seen[key] for key in keys]
    assert one.finish().columns["id"].tolist() == whole.finish().columns["id"].tolist() == expected
    assert one.keys.to_pylist() == list(first_seen)


@pytest.mark.parametrize("target_rows", [1, 100, 999, 10_000])
def test_any_split_gives_the_same_bits(target_rows: int) -> None:
    settings: dict[str, Any] = {"policies": BUILT, "capacity": [5, "10%"], "seeds": 2}
    table = skewed(1_000, 80) if target_rows > 1 else skewed(60, 9)
    once, cut = found(table, **settings), found(table, target_rows, **settings)
    assert once.values == cut.values and once.points == cut.points


def test_a_run_on_threads_and_from_parquet_gives_the_same_numbers(tmp_path: Path) -> None:
    path = tmp_path / "trace.parquet"
    pq.write_table(skewed(), path, row_group_size=200)
    suite = {
        "name": "c",
        "experiment": [{"kind": "caching", "dataset": str(path), "policies": ["lru"], "capacity": 30}],
    }
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(suite), store, timing=TimingSettings.off(), jobs=2, span_rows=300)
        assert outcome.exit_code == 0
        rows = store.query("SELECT name, value FROM metric").to_pylist()
    values = {row["name"]: row["value"] for row in rows}
    keys = skewed().column("key").to_pylist()
    assert values["misses"] == naive_misses(keys, 30, use_counts=True)


def test_requests_travel_to_timing_processes_and_back() -> None:
    columns = {"id": np.array([0, 1, 0], np.uint32), "size": np.array([5, 6, 5], np.uint64)}
    requests = Requests(columns, pa.array(["a", "b"]))
    other = pickle.loads(pickle.dumps(requests))
    assert {name: values.tolist() for name, values in other.columns.items()} == {"id": [0, 1, 0], "size": [5, 6, 5]}
    assert other.asked.to_pylist() == ["a", "b", "a"] and other.distinct == 2
    job = plan(skewed(), policies=["lru", "fifo"], capacity=10)
    timers = job.timers([found_requests(job).pack()])
    assert [timer.operations for timer in timers] == [3_000] * 2
    assert {timer.metric for timer in timers} == {"simulate_ns"}
    assert all(timer.call() for timer in timers)


def found_requests(job: CachingJob) -> Requests:
    state = job.start(0, None)
    for batch in job.dataset.batches(job.columns(0)):
        job.update(state, batch)
    return job.learn(0, state)


def test_progress_is_told_of_and_ends_at_one() -> None:
    job = plan(skewed(), policies=BUILT, capacity=[5, 50], order=["stored", "shuffled"])
    assert isinstance(job, FinishesInSteps)
    told: list[float] = []
    job.finish_in_steps([found_requests(job)], None, told.append)
    assert told == sorted(told) and told[-1] == pytest.approx(1)


# -- answers ----------------------------------------------------------------------------------------


def answers(data: Any, **settings: Any) -> list[Any]:
    job = plan(data, **settings)
    return list(EXPERIMENT.answer(job.cells, found(data, **settings).values, CachingSettings(**settings), job))


def test_the_answer_names_the_winner_its_margin_and_the_floor() -> None:
    (answer,) = answers(skewed(), policies=["fifo", "lru"], capacity="10%")
    values = numbers(skewed(), policies=["fifo", "lru"], capacity="10%")
    margin = values["fifo", "10%"]["miss_ratio"] - values["lru", "10%"]["miss_ratio"]
    assert answer.best == "lru" and answer.pareto == ("lru",)
    assert f"{100 * margin:.1f} points fewer than the next, fifo" in answer.sentence
    assert "3,000 requests" in answer.sentence and "first requests of a key" in answer.sentence
    assert "one trace" in answer.notes[0]


def test_policies_that_miss_alike_are_named_and_nothing_evicted_is_said() -> None:
    (answer,) = answers(skewed(), policies=["fifo", "lru"], capacity=1_000)
    assert ", as does lru" in answer.sentence
    assert any("Nothing was evicted" in note for note in answer.notes)


def test_each_capacity_and_order_has_its_answer() -> None:
    found = answers(skewed(), policies=["lru"], capacity=[5, "10%"], order=["stored", "shuffled"])
    assert [(answer.parameters["order"], answer.parameters["capacity"]) for answer in found] == [
        ("stored", 5), ("stored", "10%"), ("shuffled", 5), ("shuffled", "10%")]  # fmt: skip
    assert [bool(answer.notes) for answer in found] == [True, False, False, False]


@pytest.mark.skipif(BOUND not in EVERY, reason="the catalogue has no bound")
def test_a_policy_that_knows_the_future_is_no_winner() -> None:
    (answer,) = answers(skewed(), policies=[BOUND, "lru"], capacity=10)
    assert answer.best == "lru" and BOUND in answer.dropped and BOUND not in answer.pareto
    assert any(BOUND in finding for finding in answer.findings)


@pytest.mark.parametrize("policy", EVERY)
def test_a_policy_says_whether_it_draws_lots(policy: str) -> None:
    table = skewed(6_000, 1_000)  # a cache of more objects than any policy looks at to choose one
    settings: dict[str, Any] = {"policies": [policy], "capacity": 150, "seeds": 1}
    misses = [numbers(table, seed=seed, **settings)[policy, 150]["misses"] for seed in range(4)]
    assert draws_lots(parse_policy(policy)) == (len(set(misses)) > 1)


def test_draws_have_a_spread_and_others_have_none() -> None:
    drawing = [name for name in BUILT if draws_lots(parse_policy(name))]
    findings = found(skewed(), policies=["lru", *drawing], capacity=30, seeds=4)
    for value in findings.values:
        if value.metric == "miss_ratio" and value.low is not None:
            assert value.high is not None and value.low <= value.value <= value.high and "4 seeds" in (value.note or "")
    spreads = [value for value in findings.values if value.metric == "miss_ratio" and value.low is not None]
    assert len(spreads) == len(drawing)


def test_the_cheapest_cache_is_told_by_the_prices_of_misses_and_room() -> None:
    prices = {"price_per_miss": 2.0, "price_per_object": 10.0}
    values = numbers(skewed(), policies=["fifo", "lru"], capacity=[5, 50, 200], **prices)
    costs = {at: 2.0 * row["misses"] + 10.0 * at[1] for at, row in values.items()}
    assert {at: row["cost"] for at, row in values.items()} == costs
    (policy, capacity), least = min(costs.items(), key=lambda pair: pair[1])
    first, *others = answers(skewed(), policies=["fifo", "lru"], capacity=[5, 50, 200], **prices)
    assert f"{policy} in a cache of {capacity} objects costs least" in first.findings[-1]
    assert f"{least:,.4g}" in first.findings[-1] and not any("prices" in " ".join(one.findings) for one in others)
    assert {row["cheapest_capacity"] for at, row in values.items() if at[0] == policy} == {capacity}
    sized = trace([1, 2, 1, 3], size=pa.array([10, 20, 10, 30]))
    by_bytes = {"price_per_miss": 1.0, "price_per_byte": 0.5}
    assert numbers(sized, policies=["lru"], capacity=2, counts="objects", **by_bytes)["lru", 2]["cost"] == 3 + 0.5 * 40
    assert numbers(sized, policies=["lru"], capacity=30, size="size", **by_bytes)["lru", 30]["cost"] == 3 + 0.5 * 30


def test_the_knee_is_where_the_curve_bends_and_needs_three_capacities() -> None:
    capacities = [1, 10, 100, 200, 300]
    values = numbers(
        trace([*range(100)] * 10), policies=["opt", "lru"] if BOUND in EVERY else ["lru"], capacity=capacities
    )
    assert {values["lru", capacity]["knee_capacity"] for capacity in capacities} == {100}, "a loop of 100 fits at once"
    first, *others = answers(trace([*range(100)] * 10), policies=["lru"], capacity=capacities)
    assert any("lru bends at 100 objects" in finding for finding in first.findings)
    assert not any("bends" in finding for one in others for finding in one.findings)
    assert "knee_capacity" not in numbers(skewed(), policies=["lru"], capacity=[5, 50])["lru", 5]


# -- what stands in front ---------------------------------------------------------------------------


def test_an_admission_in_front_is_a_point_of_the_grid_and_agrees_with_simulate_cache() -> None:
    settings: dict[str, Any] = {"policies": ["lru"], "capacity": 20, "admission": ["none", "second_hit", "tiny_lfu"]}
    settings["seeds"] = 1
    job = plan(skewed(), **settings)
    findings = found(skewed(), **settings)
    assert not findings.failures
    misses = {value.cell_id: value.value for value in findings.values if value.metric == "misses"}
    for cell in job.cells:
        admission = cell.parameters.get("admission")
        expected = assay.simulate_cache(skewed(), "lru", capacity=20, admission=admission).column("misses")[0].as_py()
        assert misses[cell.cell_id] == expected
    assert len(set(misses.values())) == 3


def test_objects_are_true_for_so_long_by_the_trace_s_own_time() -> None:
    timed = trace([1, 1, 2, 1, 2], time=pa.array([0, 5, 6, 30, 31], pa.int64()))
    values = numbers(timed, policies=["lru"], capacity=5, ttl=10)["lru", 5]
    assert values["misses"] == 4, "1 and 2 have expired when they are asked for again at 30 and 31"
    assert "distance_to_opt" not in values
    assert numbers(timed, policies=["lru"], capacity=5)["lru", 5]["misses"] == 2


def test_requests_may_say_how_long_their_objects_are_true() -> None:
    said = np.random.default_rng(1).integers(0, 90, 3_000)
    timed = skewed().append_column("ttl", pa.array(said)).append_column("time", pa.array(np.arange(3_000) // 2))
    settings: dict[str, Any] = {"policies": ["lru", "fifo"], "capacity": 40}
    values = numbers(timed, ttl="ttl", **settings)
    for policy in ("lru", "fifo"):
        expected = assay.simulate_cache(timed, policy, capacity=40, ttl="ttl", time="time")["misses"][0].as_py()
        assert values[policy, 40]["misses"] == expected
    assert values["lru", 40]["misses"] > numbers(timed, **settings)["lru", 40]["misses"]
    job = plan(timed, ttl=["ttl", 30], order=["stored", "shuffled"], **settings)
    findings = found(timed, ttl=["ttl", 30], order=["stored", "shuffled"], **settings)
    assert not findings.failures and len({cell.cell_id for cell in job.cells}) == 8
    assert all(timer.call() for timer in job.timers([found_requests(job).pack()]))
    with pytest.raises(ParameterError, match="ttl names ttl and time; expected one column at most"):
        plan(timed, ttl=["ttl", "time"], **settings)
    with pytest.raises(UnknownNameError, match='"tll"; did you mean "ttl"'):
        plan(timed, ttl="tll", **settings)


# -- writes -----------------------------------------------------------------------------------------

WRITES = ["write_through", "write_around", "write_back", "write_back(dirty_limit=5)"]
COSTS = {"hit": 1.0, "origin_read": 10.0, "origin_write": 20.0}


def written(rows: int = 2_000, keys: int = 100, seed: int = 5) -> pa.Table:
    random = np.random.default_rng(seed)
    ops = np.where(random.random(rows) < 0.3, "set", "get")
    return trace(random.zipf(1.3, rows) % keys, op=pa.array(ops))


def by_scheme(**settings: Any) -> dict[str, dict[str, Value]]:
    settings = {"policies": ["lru"], "capacity": 20, "write": WRITES, **settings}
    job = plan(written(), **settings)
    findings = found(written(), **settings)
    assert not findings.failures, findings.failures
    schemes = {cell.cell_id: cell.parameters["write"] for cell in job.cells}
    result: dict[str, dict[str, Value]] = {}
    for value in findings.values:
        result.setdefault(schemes[value.cell_id], {})[value.metric] = value
    return result


def test_write_schemes_are_points_of_the_grid_and_keep_their_promises() -> None:
    rows = by_scheme(costs=COSTS)
    assert list(rows) == WRITES
    for scheme in ("write_through", "write_around"):
        row = rows[scheme]
        assert (row["lost_writes"].value, row["lost_writes"].high, row["dirty_max"].value) == (0, 0, 0)
        assert row["write_amplification"].value == 1
    back, limited = rows["write_back"], rows["write_back(dirty_limit=5)"]
    assert back["lost_writes"].value > limited["lost_writes"].value > 0
    assert limited["dirty_max"].value < back["dirty_max"].value
    assert back["origin_writes"].value < rows["write_through"]["origin_writes"].value
    assert back["writes_coalesced"].value > 0
    assert back["modelled_write_latency_mean"].value < rows["write_through"]["modelled_write_latency_mean"].value == 21
    assert all(row["stale_reads"].value == 0 for row in rows.values()), "nobody else writes"
    assert not any("distance_to_opt" in row for row in rows.values()), "with writes OPT is no bound"


def test_a_run_with_writes_agrees_with_simulate_cache() -> None:
    columns = {"policy": "lru", "capacity": 20, "op": "op"}
    rows = by_scheme()
    for scheme in WRITES:
        (expected,) = assay.simulate_cache(written(), write=scheme, **columns).to_pylist()
        for name in ("misses", "origin_reads", "origin_writes", "stale_reads", "evictions", "writes_coalesced"):
            assert rows[scheme][name].value == expected[name], (scheme, name)
        assert rows[scheme]["lost_writes"].value == pytest.approx(expected["lost_writes"])
        assert rows[scheme]["lost_writes"].high == expected["lost_writes_max"]


def test_when_others_write_all_schemes_go_stale_with_a_spread_over_seeds() -> None:
    rows = by_scheme(foreign_writes=0.05, seeds=3)
    for scheme in ("write_through", "write_back"):
        value = rows[scheme]["stale_reads"]
        assert value.value > 0 and value.low <= value.value <= value.high and "3 seeds" in value.note
    checked = by_scheme(foreign_writes=0.05, seeds=2, coherence="version_check", write="write_through")
    assert checked["write_through"]["stale_reads"].value == 0


def test_what_schemes_cost_and_lose_is_told_once_for_a_capacity() -> None:
    settings: dict[str, Any] = {"policies": ["lru"], "write": ["write_through", "write_back"], "costs": COSTS}
    first, second = answers(written(), capacity=20, **settings)
    told = " ".join(first.findings)
    assert "write_back is fastest by these costs" in told and "under write_through a crash loses none" in told
    assert "write_back" not in " ".join(second.findings)
    without = " ".join(answers(written(), capacity=20, **{**settings, "costs": None})[0].findings)
    assert "Writes that reach the origin: write_through" in without


def test_writes_of_a_shuffled_trace_are_as_many() -> None:
    both = by_scheme(order="shuffled", write="write_through")
    assert both["write_through"]["origin_writes"].value == by_scheme()["write_through"]["origin_writes"].value


# -- bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"policies": ["lrru"]}, UnknownNameError, '"lru"'),
        ({"policies": ["lru", "lru"]}, ParameterError, "named twice"),
        ({"policies": ["lru(key)"]}, AssayError, "parameter=value"),
        ({"capacity": "0%"}, ParameterError, "above 0%"),
        ({"capacity": "101%"}, ParameterError, "at most 100%"),
        ({"admission": "size"}, ParameterError, "at_most is missing"),
        ({"capacity": "many"}, ParameterError, "expected a whole number"),
        ({"capacity": "64MiB"}, ParameterError, "name the column of sizes"),
        ({"counts": "bytes"}, ParameterError, "has no sizes"),
        ({"key": "kee"}, UnknownNameError, '"key"'),
        ({"size": "bytes"}, UnknownNameError, "bytes"),
        ({"write": "write_throug"}, SuiteError, "write_through"),
        ({"write": "write_through"}, ParameterError, "has no operations"),
        ({"foreign_writes": 0.1}, ParameterError, "without a write scheme"),
        ({"coherence": "version_check"}, ParameterError, "without a write scheme"),
        ({"costs": {"hit": 1.0}}, ParameterError, "without a write scheme"),
        ({"admission": "tiny_lfuu"}, UnknownNameError, "tiny_lfu"),
        ({"price_per_miss": 1.0}, ParameterError, "given alone"),
        ({"price_per_object": 1.0}, ParameterError, "give price_per_miss"),
        ({"price_per_miss": 1.0, "price_per_byte": 1.0}, ParameterError, "no sizes"),
        ({"price_per_miss": 1.0, "price_per_byte": 1.0, "price_per_object": 1.0}, ParameterError, "priced twice"),
    ],
)
def test_a_mistake_says_what_was_met_and_what_is_wanted(settings, error, words) -> None:
    with pytest.raises(error, match=words.replace("(", r"\(")):
        plan(skewed(), **{"policies": ["lru"], "capacity": 10, **settings})


@pytest.mark.parametrize(
    "wrong",
    [
        {"capacity": 0},
        {"capacity": []},
        {"capacity": [1.5]},
        {"capacity": True},
        {"ttl": 0},
        {"seeds": 0},
        {"order": "sorted"},
        {"sizes": 1},
    ],
)
def test_settings_out_of_bounds_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        CachingSettings(**wrong)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"costs": {"hit": 1.0}}, "costs has no origin_read and no origin_write, only hit = 1; expected"),
        ({"costs": {"hitt": 1.0}}, 'there is no cost "hitt"; did you mean "hit"'),
        ({"ttl": 60}, 'ttl is 60 beside a write scheme.*coherence = "ttl\\(duration=60\\)" instead'),
    ],
)
def test_what_does_not_go_with_a_write_scheme_says_what_does(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        plan(written(), policies=["lru"], capacity=10, write="write_back", **settings)


def test_a_capacity_of_a_wrong_kind_says_what_is_wanted_in_words() -> None:
    for wrong in (1.5, [1, 2.5], [], 2**64):
        with pytest.raises(UsageError) as raised:
            assay.compare("caching", skewed(), policies=["lru"], capacity=wrong, timing=False)
        assert "expected" in str(raised.value) and "valid" not in str(raised.value)


def test_a_policy_of_ones_own_in_a_comparison_is_told_where_it_runs() -> None:
    for wrong in (OrderedDict, [OrderedDict, "lru"], [{"name": "lru"}], 5):
        with pytest.raises(UsageError, match=r"takes policies by name.*assay\.simulate_cache"):
            assay.compare("caching", skewed(), policies=wrong, capacity=10, timing=False)


def test_several_mistakes_come_at_once() -> None:
    with pytest.raises(SuiteError) as raised:
        plan(skewed(), policies=["lrru", "fifoo"], capacity=["1%", "x"], key="kee")
    assert [place for place, _ in raised.value.mistakes] == ["policies[0]", "policies[1]", "key", "capacity[1]"]


def test_hostile_traces_are_refused_with_their_row() -> None:
    with pytest.raises(DataError, match='column "key" is null in row 1'):
        found(trace([1, None, 3]), policies=["lru"], capacity=1)
    for sizes, word in (([1, -5, 2], "-5 in row 1"), ([1, None, 2], "null in row 1")):
        with pytest.raises(DataError, match=word):
            found(trace([1, 2, 3], size=pa.array(sizes, pa.int64())), policies=["lru"], capacity=1, size="size")
    for size in (1.5, float("nan"), float("inf"), 1e30):
        with pytest.raises(DataError, match="in row 1"):
            found(trace([1, 2], size=pa.array([1.0, size])), policies=["lru"], capacity=1, size="size")
    with pytest.raises(AssayError, match="whole numbers"):
        found(trace([1, 2], size=pa.array(["1", "2"])), policies=["lru"], capacity=1, size="size")
    with pytest.raises(EmptyInputError):
        plan(trace(pa.array([], pa.int64())), policies=["lru"])


def test_edges_one_request_one_key_and_objects_larger_than_the_cache() -> None:
    one = numbers(trace([5]), policies=BUILT, capacity=1, seeds=1)
    assert all(row["misses"] == 1 and row["hits"] == 0 for row in one.values())
    same = numbers(trace([5] * 100), policies=["fifo", "lru"], capacity=1)
    assert all(row["misses"] == 1 for row in same.values())
    large = trace([1, 1, 2, 2], size=pa.array([50, 50, 5, 5]))
    values = numbers(large, policies=["fifo", "lru"], capacity=10, size="size")
    assert all(row["misses"] == 3 for row in values.values()), "an object larger than the cache never is in it"


def test_every_metric_that_is_found_is_declared_and_every_one_is_found() -> None:
    sized = trace([1, 2, 1, 3], size=pa.array([1, 2, 1, 3]))
    metrics = {value.metric for value in found(sized, policies=["lru"], capacity=2, size="size").values}
    prices = {"price_per_miss": 1.0, "price_per_object": 1.0}
    metrics |= {value.metric for value in found(skewed(), policies=["lru"], capacity=[2, 20, 99], **prices).values}
    metrics |= {value.metric for row in by_scheme(costs=COSTS).values() for value in row.values()}
    assert metrics == {name for name, metric in METRICS.items() if metric.kind != "timed"}


def test_compare_answers_from_python() -> None:
    compared = assay.compare("caching", skewed(), policies=["fifo", "lru"], capacity=["1%", "10%"], timing=False)
    assert compared.best(capacity="10%") == "lru"
