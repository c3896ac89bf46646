"""What a trace asks for, counted as a person would; and how skewed it is."""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.caches import simulate_cache
from assay.caches.trace_facts import ReuseBucket, TraceFacts, describe_trace
from assay.caches.traces import sizes_of
from assay.caches.zipf_fit import fit_zipf
from assay.cli import main
from assay.datasets import open_dataset, trace_roles
from assay.errors import DataError, UnsupportedTypeError, UsageError

sys.path.insert(0, str(Path(__file__).parent))

from cache_traces import file_of


def facts_of(table: object, **named: str) -> TraceFacts:
    dataset = open_dataset(table)
    return describe_trace(dataset, trace_roles(dataset, **named))


def test_a_small_trace_by_hand() -> None:
    # a b a c a: 5 requests for 3 objects; b and c once; a comes again after 2 requests, twice.
    facts = facts_of(
        pa.table(
            {
                "key": ["a", "b", "a", "c", "a"],
                "size": [10, 0, 10, 7, 12],
                "op": ["get", "SET", "get", "peek", "del"],
                "time": [5, 6, 4, 4, 9],
            }
        )
    )
    assert (facts.requests, facts.keys, facts.once, facts.repeated, facts.top_requests) == (5, 3, 2, 2, 3)
    assert facts.reuse_times == facts.reuse_distances == (ReuseBucket(1, 1, 0), ReuseBucket(2, 3, 2))
    assert facts.operations == (("get", 2), ("SET", 1), ("del", 1), ("peek", 1))
    assert facts.kinds == {"read": 2, "write": 1, "delete": 1, "other": 1}
    assert facts.sizes is not None and facts.time is not None and facts.zipf is None
    assert (facts.sizes.footprint_bytes, facts.sizes.requested_bytes) == (17, 39)
    assert (facts.sizes.smallest, facts.sizes.median, facts.sizes.largest) == (0, 7, 10)
    assert (facts.sizes.changing_keys, facts.sizes.empty_requests) == (1, 1)
    assert (facts.time.first, facts.time.last, facts.time.backwards, facts.time.seconds) == (4, 9, 1, None)


@settings(max_examples=60, deadline=None)
@given(
    requests=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), min_size=1, max_size=400),
    pieces=st.integers(1, 5),
)
def test_facts_equal_a_plain_count(requests: list[tuple[int, int]], pieces: int) -> None:
    whole = pa.table({"key": [key for key, _ in requests], "size": [size for _, size in requests]})
    step = -(-len(requests) // pieces)
    facts = facts_of(pa.concat_tables([whole.slice(start, step) for start in range(0, len(requests), step)]))
    counts = Counter(key for key, _ in requests)
    last: dict[int, int] = {}
    first: dict[int, int] = {}
    times: Counter[int] = Counter()
    distances: Counter[int] = Counter()
    changed = set()
    for number, (key, size) in enumerate(requests):
        if key in last:
            times[(number - last[key]).bit_length() - 1] += 1
            distances[len({other for other, _ in requests[last[key] : number]}).bit_length() - 1] += 1
        last[key] = number
        if size != first.setdefault(key, size):
            changed.add(key)
    assert (facts.requests, facts.keys) == (len(requests), len(counts))
    assert facts.once == sum(count == 1 for count in counts.values())
    for buckets, expected in ((facts.reuse_times, times), (facts.reuse_distances, distances)):
        assert {bucket.low.bit_length() - 1: bucket.requests for bucket in buckets if bucket.requests} == expected
    assert facts.sizes is not None
    assert facts.sizes.footprint_bytes == sum(first.values())
    assert facts.sizes.requested_bytes == sum(size for _, size in requests)
    assert facts.sizes.changing_keys == len(changed)
    assert facts.sizes.median == sorted(first.values())[(len(first) - 1) // 2]


def test_a_long_trace_is_counted_across_chunks() -> None:
    # A loop of 70,000 keys, five times: every request but the first of its key comes after 70,000 others.
    facts = facts_of("loop_trace(rows=350000, keys=70000)")
    assert (facts.keys, facts.once, facts.repeated) == (70_000, 0, 280_000)
    assert [bucket for bucket in facts.reuse_times if bucket.requests] == [ReuseBucket(65_536, 131_071, 280_000)]
    assert [bucket for bucket in facts.reuse_distances if bucket.requests] == [ReuseBucket(65_536, 131_071, 280_000)]


def test_lru_hits_what_the_distances_say() -> None:
    facts = facts_of("cache2k_web07")
    hits = 0
    for bucket in facts.reuse_distances:
        hits += bucket.requests
        (row,) = simulate_cache("cache2k_web07", "lru", capacity=bucket.high).to_pylist()
        assert row["hits"] == hits


@pytest.mark.parametrize(
    ("name", "requests", "keys"),
    [
        ("cloudphysics_io", 113_872, 48_974),
        ("cache2k_web07", 76_118, 20_484),
        ("cache2k_web12", 95_607, 13_756),
        ("arc_oltp", 914_145, 186_880),
        pytest.param("cache2k_orm_busy", 5_000_000, 76_349, marks=pytest.mark.slow),
        pytest.param("cache2k_orm_night", 5_000_000, 86_466, marks=pytest.mark.slow),
        pytest.param("arc_p3", 3_912_296, 762_543, marks=pytest.mark.slow),
        pytest.param("arc_p6", 12_672_123, 773_770, marks=pytest.mark.slow),
    ],
)
def test_real_traces_hold_what_their_origin_says(name: str, requests: int, keys: int) -> None:
    file = file_of(name)
    if file is None:
        pytest.skip(f"{name} may not ship: name a folder that has {name}.parquet in ASSAY_TRACES")
    facts = facts_of(file)
    assert (facts.requests, facts.keys, facts.repeated) == (requests, keys, requests - keys)
    assert sum(bucket.requests for bucket in facts.reuse_times) == facts.repeated
    assert sum(bucket.requests for bucket in facts.reuse_distances) == facts.repeated
    assert facts.sizes is not None and facts.kinds is not None
    # Of the disk trace 66,898 requests write and 12 % have another size than the first one for their block had.
    if name == "cloudphysics_io":
        assert facts.kinds == {"read": 46_974, "write": 66_898, "delete": 0, "other": 0}
        assert (facts.sizes.changing_keys, facts.sizes.footprint_bytes) == (4937, 2_029_769_728)
    else:
        assert facts.kinds["read"] == requests and facts.sizes.changing_keys == 0


def test_huge_sizes_are_summed_exactly_or_refused() -> None:
    def facts(sizes: list[int]) -> TraceFacts:
        return facts_of(pa.table({"key": [1, 2, 1], "size": pa.array(sizes, pa.uint64())}))

    largest = facts([2**63, 2**62, 2**62 - 1])
    assert largest.sizes is not None and largest.sizes.requested_bytes == 2**64 - 1
    with pytest.raises(UsageError, match="another unit"):
        facts([2**63, 2**62, 2**63])


@pytest.mark.parametrize("sizes", [pa.array([2**64 - 1, None], pa.uint64()), pa.array([5, -1]), pa.array([5, None])])
def test_sizes_of_every_width_are_checked_by_whoever_reads_them(sizes: pa.Array) -> None:
    table = pa.table({"key": [1, 2], "size": sizes})
    with pytest.raises(DataError, match=r'"size" is (null|-1) in row 1'):
        simulate_cache(table, capacity=1, size="size")
    with pytest.raises(DataError, match=r'"size" is (null|-1) in row 1'):
        sizes_of(sizes, "size", open_dataset(table), 0)
    largest = pa.array([2**64 - 1], pa.uint64())
    assert sizes_of(largest, "size", open_dataset(table), 0).to_pylist() == [2**64 - 1]
    assert simulate_cache(pa.table({"key": [1], "size": largest}), capacity=1, size="size")["misses"].to_pylist() == [1]


def test_times_of_every_kind_have_their_span() -> None:
    def span(values: pa.Array) -> tuple[object, object, float | None]:
        time = facts_of(pa.table({"key": [1] * len(values), "time": values})).time
        assert time is not None
        return time.first, time.last, time.seconds

    assert span(pa.array([0.5, 2.0])) == (0.5, 2.0, None)
    assert span(pa.array([0, 90_000], pa.timestamp("ms"))) == ("1970-01-01 00:00:00.000", "1970-01-01 00:01:30.000", 90)
    assert span(pa.array([1, 0], pa.date32())) == ("1970-01-01", "1970-01-02", None)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"key": pa.array([], pa.int64())}, "has no rows; a trace needs at least one request"),
        ({"key": [1, None]}, 'column "key" is null in row 1'),
        ({"key": [1, 2], "time": [None, 2]}, 'column "time" is null in row 0'),
        ({"key": [1, 2], "op": ["get", None]}, 'column "op" is null in row 1'),
        (
            {"key": [1, 2], "size": [5, -1]},
            'column "size" is -1 in row 1; a size is a whole number of at least 0 bytes',
        ),
        ({"key": [1, 2], "size": [5, None]}, 'column "size" is null in row 1'),
        ({"key": [1] * 101, "op": [f"/page/{n}" for n in range(101)]}, "more than 100 different texts"),
    ],
)
def test_what_is_no_request_is_refused_with_its_row(table: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        facts_of(pa.table(table))


def test_keys_of_any_type_are_counted() -> None:
    for values in (["x", "y", "x"], [b"x", b"y", b"x"], [1.5, 2.5, 1.5], [True, False, True]):
        assert facts_of(pa.table({"key": values})).keys == 2
    assert facts_of(pa.table({"key": pa.array(["x", "y", "x"]).dictionary_encode()})).keys == 2
    with pytest.raises(UnsupportedTypeError):
        facts_of(pa.table({"key": [[1]]}), key="key")


# Zipf's exponent


@pytest.mark.parametrize(
    ("exponent", "within"), [(0.2, 0.02), (0.6, 0.02), (0.8, 0.01), (1.0, 0.01), (1.2, 0.01), (2.0, 0.02)]
)
def test_the_exponent_of_a_zipf_trace_is_found(exponent: float, within: float) -> None:
    # Flat laws come out a little too steep, as ranks are sorted by chance: within 0.02 where the true one is 0.2.
    facts = facts_of(f"zipf_trace(rows=300000, keys=3000, exponent={exponent}, seed=6)")
    assert facts.zipf is not None
    assert abs(facts.zipf.exponent - exponent) < within
    assert facts.zipf.distance < 0.02


def test_the_likelihood_is_greatest_where_the_fit_says() -> None:
    counts = np.array([500, 300, 280, 100, 90, 60, 40, 22, 20, 11, 10, 9, 1])
    fit = fit_zipf(counts)
    assert fit is not None and (fit.ranks, fit.requests) == (11, 1433)

    def log_likelihood(exponent: float) -> float:
        total = sum(rank**-exponent for rank in range(1, 12))
        return sum(count * (-exponent * math.log(rank) - math.log(total)) for rank, count in enumerate(counts[:11], 1))

    best = log_likelihood(fit.exponent)
    assert all(log_likelihood(fit.exponent + step) < best for step in (-0.01, -0.001, 0.001, 0.01))
    # The curvature at the maximum gives the standard error: -l'' = 1 / error^2.
    curvature = (log_likelihood(fit.exponent + 1e-3) - 2 * best + log_likelihood(fit.exponent - 1e-3)) / 1e-6
    assert fit.standard_error == pytest.approx(1 / math.sqrt(-curvature), rel=1e-3)


def test_even_popularity_has_the_exponent_zero_and_few_objects_none() -> None:
    fit = fit_zipf(np.full(500, 40))
    assert fit is not None and fit.exponent == 0.0 and fit.distance < 1e-9
    assert fit_zipf(np.full(9, 1000)) is None and fit_zipf(np.full(1000, 9)) is None
    steep = fit_zipf(np.array([10**15, *[10] * 9]))
    assert steep is not None and steep.exponent > 15


# On the command line


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["data", *arguments]) == 0
    return capsys.readouterr().out


def test_a_shipped_trace_is_shown_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    text = " ".join(shown(capsys, "cache2k_web12").split())
    assert "as a trace: 95,607 requests for 13,756 objects" in text
    assert "6,207 objects (45.1 % of all, 6.5 % of the requests) are asked for only once" in text
    assert "read 100.0 % (get 100.0 %)" in text and "512 to 1,023 7.6 %" in text


def test_json_holds_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    trace = json.loads(shown(capsys, "cache2k_web07", "--format", "json"))["trace"]
    assert (trace["requests"], trace["keys"], trace["roles"]["key"]) == (76_118, 20_484, "key")
    for name in ("reuse_times", "reuse_distances"):
        assert sum(bucket["requests"] for bucket in trace[name]) == trace["repeated"] == 76_118 - 20_484


def test_roles_are_named_on_the_command_line_and_tables_stay_tables(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "log.parquet")
    pq.write_table(pa.table({"who": ["a", "b", "a"], "length": [1, 2, 1], "cost": [3, 4, 3]}), path)
    assert "as a trace" not in shown(capsys, path)
    text = shown(capsys, path, "--key", "who", "--size", "cost")
    assert "as a trace: 3 requests for 2 objects" in text and "size: cost (named)" in text
    assert main(["data", path, "--key", "whom"]) == 2
    assert 'did you mean "who"' in capsys.readouterr().err
    assert main(["data", path, "--size", "cost"]) == 2
    assert "no column that is known as the key" in capsys.readouterr().err


def test_a_guess_that_does_not_hold_is_told_and_a_declared_trace_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    pq.write_table(pa.table({"key": ["a", None], "bytes": [1, 2]}), "log.parquet")
    assert main(["data", "log.parquet"]) == 0
    assert 'not shown as a trace: log: column "key" is null in row 1' in capsys.readouterr().err
    Path("log.toml").write_text('source = { path = "log.parquet" }\nroles = { key = "key" }\n', encoding="utf-8")
    assert main(["data", "log.toml"]) == 3
    assert 'column "key" is null in row 1' in capsys.readouterr().err


def test_a_trace_in_its_own_format_is_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], read: Callable[..., pa.Table] | None = None
) -> None:
    path = tmp_path / "requests.txt"
    path.write_text("a\nb\na\n", encoding="utf-8")
    assert "as a trace: 3 requests for 2 objects" in shown(capsys, f"keys({path})")
