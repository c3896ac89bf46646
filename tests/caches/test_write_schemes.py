"""Writes in front of a cache, beside a simulation that writes every version down; laws, cases by hand, refusals."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assay
from assay.caches import OPERATIONS, RESULT, WRITE_COLUMNS, Costs, ForeignWrites
from assay.catalogue import contenders
from assay.errors import DataError, ParameterError, SpellingError, UnknownNameError, UnsupportedTypeError

sys.path.insert(0, str(Path(__file__).parent))

from oracles.told import MAKERS
from oracles.writes import Case, Row, simulate

NAMES = {"read": "get", "write": "set", "delete": "delete"}


def table(rows: list[Row]) -> pa.Table:
    return pa.table(
        {
            "key": pa.array([row.key for row in rows], pa.int64()),
            "op": [NAMES[row.op] for row in rows],
            "size": pa.array([row.size for row in rows], pa.int64()),
            "time": pa.array([row.time for row in rows], pa.int64()),
            "others": [row.others for row in rows],
        }
    )


def scheme_of(case: Case) -> str:
    if case.scheme == "write_around":
        return case.scheme
    allocate = str(case.allocate).lower()
    if case.scheme == "write_through":
        return f"write_through(allocate={allocate})"
    return (
        f"write_back(allocate={allocate}, flush_interval={case.flush_interval}, dirty_limit={case.dirty_limit}, "
        f"flush_at_end={str(case.flush_at_end).lower()})"
    )


def coherence_of(case: Case) -> str:
    if case.coherence == "ttl":
        return f"ttl(duration={case.duration})"
    if case.coherence == "invalidation":
        return f"invalidation(delay={case.delay}, loss={case.loss})"
    return case.coherence


def product(case: Case, rows: list[Row]) -> dict[str, Any]:
    hit, read, write, flush, check = case.costs
    found = assay.simulate_cache(
        table(rows),
        case.policy,
        capacity=case.capacity,
        size="size" if case.by_bytes else None,
        op="op",
        time="time",
        write=scheme_of(case),
        coherence=coherence_of(case),
        foreign=ForeignWrites(rate=case.rate, per=case.per, keys=case.choice, column="others"),  # type: ignore[arg-type]
        costs=Costs(hit=hit, origin_read=read, origin_write=write, flush=flush, version_check=check),
        crashes=case.crashes,
        seed=case.seed,
    )
    return found.to_pylist()[0]


def check_against_the_oracle(case: Case, rows: list[Row]) -> dict[str, Any]:
    found, wanted = product(case, rows), simulate(case, rows)
    for name, value in found.items():
        if (
            name in ("policy", "capacity", "write", "coherence")
            or name.endswith("_ratio")
            or name == "write_amplification"
        ):
            continue
        if name.startswith("bytes_") and not case.by_bytes:
            assert value is None
        elif name == "misses":
            assert value == wanted["requests"] - wanted["hits"]
        elif name.startswith("modelled_"):
            assert value == pytest.approx(wanted[name.removeprefix("modelled_")]), name
        elif name in ("lost_writes", "lost_objects"):
            assert value == pytest.approx(wanted[name]), name
        else:
            assert value == wanted.get(name, 0), name
    return found


@st.composite
def traces(draw: st.DrawFn) -> list[Row]:
    keys = draw(st.integers(1, 6))
    some = draw(
        st.lists(
            st.tuples(
                st.integers(0, keys - 1),
                st.sampled_from(["read", "read", "write", "write", "delete"]),
                st.integers(0, 4),
                st.integers(0, 3),
                st.sampled_from([False, False, False, True]),
            ),
            min_size=1,
            max_size=60,
        )
    )
    rows, now = [Row(0)], draw(st.integers(-5, 5))
    rows[0].time = now
    for key, op, size, later, others in some:
        now += later
        rows.append(Row(key, op, size, now, others))
    return rows


CASES = st.builds(
    Case,
    policy=st.sampled_from(sorted(MAKERS)),
    capacity=st.integers(1, 5) | st.integers(6, 24),
    by_bytes=st.booleans(),
    scheme=st.sampled_from(["write_through", "write_around", "write_back", "write_back"]),
    allocate=st.booleans(),
    flush_interval=st.sampled_from([0, 1, 3, 10]),
    dirty_limit=st.sampled_from([0, 1, 2]),
    flush_at_end=st.booleans(),
    coherence=st.sampled_from(["none", "ttl", "invalidation", "version_check"]),
    duration=st.integers(1, 9),
    delay=st.integers(0, 4),
    loss=st.sampled_from([0.0, 0.3, 1.0]),
    rate=st.sampled_from([0.0, 0.0, 0.3, 1.7]),
    per=st.sampled_from(["request", "time"]),
    choice=st.sampled_from(["popularity", "uniform"]),
    crashes=st.sampled_from([None, 1, 5, 1000]),
    seed=st.integers(0, 2**64 - 1),
)


@given(CASES, traces())
def test_every_count_is_that_of_a_simulation_that_writes_each_version_down(case: Case, rows: list[Row]) -> None:
    check_against_the_oracle(case, rows)


# -- laws ---------------------------------------------------------------------------------------


@given(CASES, traces())
def test_what_each_scheme_promises_holds(case: Case, rows: list[Row]) -> None:
    found = product(case, rows)
    left = found["writes_through"] + found["flushes"] + found["writes_coalesced"] + found["writes_superseded"]
    assert found["writes"] + found["deletes"] == left + found["dirty_left"]
    assert found["hits"] + found["misses"] == found["requests"] == found["reads"] + found["writes"] + found["deletes"]
    assert found["origin_writes"] == found["writes_through"] + found["flushes"]
    assert found["lost_writes_min"] <= found["lost_writes"] <= found["lost_writes_max"]
    if case.scheme != "write_back":
        assert (
            found["lost_writes"]
            == found["lost_writes_max"]
            == found["flushes"]
            == found["dirty_max"]
            == found["lost_updates"]
            == 0
        )
        assert found["origin_writes"] == found["writes"] + found["deletes"]
    elif case.flush_at_end:
        assert found["dirty_left"] == 0
    if case.coherence == "version_check" or not found["foreign_writes"]:
        assert found["stale_reads"] == found["lost_updates"] == 0


@given(CASES, traces())
def test_reads_alone_are_those_of_a_cache_without_writes_under_every_scheme(case: Case, rows: list[Row]) -> None:
    case.rate, case.coherence = 0.0, "none"
    for row in rows:
        row.op, row.others = "read", False
    found = product(case, rows)
    options = {"capacity": case.capacity, "size": "size" if case.by_bytes else None}
    plain = assay.simulate_cache(table(rows), case.policy, **options).to_pylist()[0]  # type: ignore[arg-type]
    assert {name: found[name] for name in plain} == plain


@given(CASES, traces())
def test_write_through_and_write_back_find_the_same_objects(case: Case, rows: list[Row]) -> None:
    """Where nothing is refused and nobody else writes, only the way to the origin differs."""
    case.by_bytes, case.rate, case.coherence = False, 0.0, "none"
    for row in rows:
        row.others = False
    both = []
    for case.scheme in ("write_through", "write_back"):
        found = product(case, rows)
        both.append([found[name] for name in ("hits", "evictions", "origin_reads", "stale_reads")])
    assert both[0] == both[1]


@given(CASES, traces(), st.integers(1, 5))
def test_crashes_at_every_instant_bound_those_at_seeded_ones(case: Case, rows: list[Row], crashes: int) -> None:
    case.crashes = None
    every = product(case, rows)
    case.crashes = crashes
    some = product(case, rows)
    low, high = (some["lost_writes_min"], some["lost_writes_max"])
    assert every["lost_writes_min"] <= low <= some["lost_writes"] <= high <= every["lost_writes_max"]
    assert some["crashes"] == min(crashes, some["requests"]) and every["crashes"] == every["requests"]


POLICIES = [entry.name for entry in contenders("cache") if "bound" not in entry.abilities]


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("write", ["write_through", "write_around", "write_back(dirty_limit=3)"])
def test_every_policy_keeps_the_promises_behind_every_scheme(policy: str, write: str) -> None:
    """A promise that is broken raises."""
    lots = [(row * 0x9E3779B97F4A7C15) % 2**64 >> 40 for row in range(2_000)]
    rows = [
        Row(min(lot % 41, lot // 41 % 41), ("read", "write", "read", "delete")[lot // 1_681 % 4], 1 + lot % 5)
        for lot in lots
    ]
    options: dict[str, Any] = {"op": "op", "write": write, "foreign": 0.1, "seed": 3}
    for size in (None, "size"):
        for coherence in ("none", "ttl(duration=90)", "invalidation(delay=3, loss=0.1)", "version_check"):
            found = assay.simulate_cache(
                table(rows), policy, capacity=[1, 6, 200], size=size, coherence=coherence, **options
            )
            assert found["requests"].to_pylist() == [2_000] * 3


def test_any_number_of_threads_gives_the_same() -> None:
    rows = [Row(row * row % 17, ("read", "write")[row % 2]) for row in range(300)]
    options: dict[str, Any] = {"op": "op", "write": "write_back", "foreign": 0.2, "crashes": 9, "seed": 4}
    one, many = (
        assay.simulate_cache(table(rows), capacity=[1, 2, 5, 9], threads=threads, **options) for threads in (1, 4)
    )
    assert one.equals(many)


# -- by hand ---------------------------------------------------------------------------------------


def simulated(rows: list[Row], write: str, capacity: int = 2, **more: Any) -> dict[str, Any]:
    return assay.simulate_cache(table(rows), capacity=capacity, op="op", write=write, **more).to_pylist()[0]


def test_two_writes_to_one_object_are_one_flush_and_two_lost_writes() -> None:
    # The instants after the three requests find 1, 2 and 2 acknowledged writes in the cache alone.
    found = simulated([Row(0, "write"), Row(0, "write"), Row(0)], "write_back")
    assert (found["flushes_at_end"], found["writes_coalesced"], found["origin_writes"]) == (1, 1, 1)
    assert (found["lost_writes_min"], found["lost_writes_max"]) == (1, 2)
    assert found["lost_writes"] == pytest.approx(5 / 3)
    assert found["lost_objects"] == 1.0
    assert found["write_amplification"] == 0.5


def test_a_message_that_is_late_leaves_one_stale_read() -> None:
    # Read at 0, others write at 1, read at 2 (stale: the message comes at 3), read at 4.
    rows = [Row(0, time=0), Row(0, "write", time=1, others=True), Row(0, time=2), Row(0, time=4)]
    for coherence, stale, reads in (("none", 2, 1), ("invalidation(delay=2)", 1, 2), ("invalidation", 0, 2)):
        found = simulated(rows, "write_through", coherence=coherence, foreign="others", time="time")
        assert (found["stale_reads"], found["origin_reads"], found["requests"]) == (stale, reads, 3), coherence


def test_a_flush_over_what_others_wrote_is_a_lost_update_and_its_reads_stay_stale() -> None:
    # Write, others write, 1 takes the place of 0, whose flush overwrites them; 0 is read again, and is old.
    rows = [Row(0, "write"), Row(0, "write", others=True), Row(1), Row(0)]
    found = simulated(rows, "write_back", capacity=1, foreign="others")
    assert (found["lost_updates"], found["stale_reads"], found["writes_superseded"]) == (1, 1, 0)
    found = simulated(rows, "write_back", capacity=1, foreign="others", coherence="version_check")
    assert (found["lost_updates"], found["stale_reads"], found["writes_superseded"]) == (0, 0, 1)


def test_a_deleted_object_is_not_cached_until_it_is_written_again() -> None:
    rows = [Row(0, "delete"), Row(0), Row(0), Row(0, "write", others=True), Row(0), Row(0)]
    found = simulated(rows, "write_through", foreign="others")
    assert (found["origin_reads"], found["hits"], found["stale_reads"]) == (3, 1, 0)


def test_a_modelled_latency_is_what_a_request_waited_for_times_the_costs() -> None:
    costs = Costs(hit=1, origin_read=10, origin_write=100)
    # The write waits for nothing but the cache; the read reads, and waits for the flush that makes room.
    found = simulated([Row(0, "write"), Row(1)], "write_back", capacity=1, costs=costs)
    assert (found["modelled_write_latency_mean"], found["modelled_read_latency_mean"]) == (1, 111)
    assert (found["modelled_latency_p50"], found["modelled_latency_max"]) == (1, 111)
    assert simulated([Row(0)], "write_back")["modelled_latency_mean"] is None


def test_the_unit_of_time_is_that_of_its_column() -> None:
    trace = pa.table({"key": [0, 0], "op": ["get", "GET "], "at": pa.array([0, 1500], pa.timestamp("ms"))})
    for duration, expired in ((1500, 1), (1501, 0)):
        found = assay.simulate_cache(
            trace, capacity=1, op="op", write="write_through", coherence=f"ttl(duration={duration})", time="at"
        )
        assert found["expirations"].to_pylist() == [expired]


def test_every_operation_of_twitters_traces_has_a_kind() -> None:
    names = [*("get", "gets", "set", "add", "replace", "cas", "append", "prepend", "delete", "incr", "decr")]
    found = assay.simulate_cache(
        pa.table({"key": names, "op": names}), capacity=1, op="op", write="write_through"
    ).to_pylist()[0]
    assert (found["reads"], found["writes"], found["deletes"]) == (2, 8, 1)
    assert sum(map(len, OPERATIONS.values())) == len({name for names in OPERATIONS.values() for name in names})


# -- what is refused ---------------------------------------------------------------------------------------


GOOD: dict[str, Any] = {"capacity": 1, "op": "op", "write": "write_back"}


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        ({"write": "write_bak"}, UnknownNameError, "write_back"),
        ({"write": "write_around(allocate=true)"}, UnknownNameError, "allocate"),
        ({"write": "write_back(100)"}, SpellingError, "parameters have names"),
        ({"write": "write_back(dirty_limit=-1)"}, ParameterError, "dirty_limit"),
        ({"write": 1}, ParameterError, "write scheme is 1"),
        ({"coherence": "ttl(duration=0)"}, ParameterError, "duration"),
        ({"coherence": "invalidation(loss=1.5)"}, ParameterError, "loss"),
        ({"op": None}, ParameterError, "op='op'"),
        ({"op": "operation"}, UnknownNameError, "operation"),
        ({"op": "key"}, UnsupportedTypeError, "operations are text"),
        ({"crashes": 0}, ParameterError, "crashes"),
        ({"crashes": 1.5}, ParameterError, "crashes"),
        ({"costs": 5}, ParameterError, "Costs"),
        ({"foreign": -1}, ParameterError, "foreign"),
        ({"foreign": 1e9}, ParameterError, "foreign writes"),
        ({"foreign": "size"}, UnsupportedTypeError, "true or false"),
        ({"time": "half"}, UnsupportedTypeError, "whole numbers"),
        ({"time": "back"}, DataError, 'time goes backwards: column "back" is 3 in row 0 and 2 in row 1'),
        ({"write": None, "coherence": "ttl", "crashes": 3}, ParameterError, "crashes and coherence"),
    ],
)
def test_what_cannot_be_simulated_is_told_with_the_way_out(changed: Any, error: Any, message: str) -> None:
    trace = pa.table({"key": [1, 2], "op": ["get", "set"], "size": [1, 1], "half": [0.5, 1.5], "back": [3, 2]})
    with pytest.raises(error, match=message):
        assay.simulate_cache(trace, **{**GOOD, **changed})


@pytest.mark.parametrize(
    ("columns", "error", "message"),
    [
        ({"op": ["get", "fly"]}, UnknownNameError, "fly"),
        ({"op": ["get", None]}, DataError, '"op" is null in row 1'),
        ({"op": ["get", "get"], "others": [True, None]}, DataError, '"others" is null in row 1'),
        ({"op": ["get", "get"], "others": [True, True]}, DataError, "every row"),
        ({"op": ["get", "get"], "others": [False, False], "time": [None, 1]}, DataError, '"time" is null in row 0'),
        ({"op": ["get", "get"], "others": [False, False], "time": pa.array([0, 2**63], pa.uint64())}, DataError, "64"),
    ],
)
def test_a_trace_that_does_not_say_what_is_asked_is_refused(columns: Any, error: Any, message: str) -> None:
    trace = pa.table({"key": [1, 2], **columns})
    more = {"foreign": "others"} if "others" in columns else {}
    with pytest.raises(error, match=message):
        assay.simulate_cache(trace, time="time" if "time" in columns else None, **GOOD, **more)


@pytest.mark.parametrize(
    "wrong", [{"hit": -1}, {"origin_read": float("nan")}, {"flush": "dear"}, {"version_check": -0.1}, {"hit": None}]
)
def test_costs_are_numbers_of_at_least_zero(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        Costs(**{"hit": 1, "origin_read": 1, "origin_write": 1, **wrong})


@pytest.mark.parametrize("wrong", [{"rate": -1}, {"per": "hour"}, {"keys": "some"}])
def test_foreign_writes_have_a_rate_and_known_keys(wrong: dict[str, Any]) -> None:
    with pytest.raises(ParameterError, match=next(iter(wrong))):
        ForeignWrites(**wrong)


def test_a_result_has_the_columns_that_are_documented_and_every_operation_is() -> None:
    found = assay.simulate_cache(pa.table({"key": [1], "op": ["set"]}), **GOOD)
    assert found.schema == pa.schema([*RESULT, *WRITE_COLUMNS])
    text = (Path(__file__).parents[2] / "docs" / "write_schemes.md").read_text("utf-8")
    assert [field.name for field in WRITE_COLUMNS if f"`{field.name}`" not in text] == []
    for kind, names in OPERATIONS.items():
        assert f"| `{kind}` | {' '.join(f'`{name}`' for name in names)} |" in text
