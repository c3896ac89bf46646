"""Generated traces: the same bits for ever, and each pattern as its words say."""

from __future__ import annotations

import bisect
import hashlib
import math
from collections import Counter
from itertools import accumulate

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.datasets import open_dataset, trace_roles
from assay.datasets.normal import normal_quantile
from assay.datasets.splitmix import draws, unit_interval
from assay.datasets.trace_generators import TRACE_GENERATORS
from assay.datasets.zipf_tables import ZipfTable
from assay.errors import ParameterError

NAMES = [generator.name for generator in TRACE_GENERATORS]


def keys_of(spelling: str) -> list[int]:
    keys: list[int] = open_dataset(spelling).table(["key"])["key"].to_pylist()
    return keys


GOLDEN = {
    "zipf_trace": "6e78ee4f984927a265cf47a4edc61908",
    "uniform_trace": "258ed45b892253176a918d79051f9040",
    "scan_trace": "9c2d276383b1c1e75a52e474cdd57423",
    "loop_trace": "9c2d276383b1c1e75a52e474cdd57423",
    "zipf_scan_trace": "6e78ee4f984927a265cf47a4edc61908",
    "shifting_trace": "6e78ee4f984927a265cf47a4edc61908",
    "flash_crowd_trace": "dca655c348fc9a0f26567707d13d63d5",
    "tenants_trace": "936ec975dd8a69e33e526f753deac13d",
}


@pytest.mark.parametrize("name", NAMES)
def test_the_bits_never_change(name: str) -> None:
    data = open_dataset(f"{name}(rows=5000, size_median=1000, write_share=0.2, seed=3)").table()
    content = hashlib.sha256(",".join(data.schema.names).encode())
    for column in data.columns:
        if pa.types.is_string(column.type):
            content.update("".join(column.to_pylist()).encode())
        else:
            content.update(np.asarray(column.combine_chunks().cast(pa.int64())).astype("<i8").tobytes())
    assert content.hexdigest()[:32] == GOLDEN[name]


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 3000), exponent=st.floats(0, 10), seed=st.integers(0, 2**64 - 1))
def test_zipf_ranks_equal_a_plain_inversion(count: int, exponent: float, seed: int) -> None:
    table = ZipfTable(count, exponent)
    bits = draws(seed, np.arange(300, dtype=np.uint64))
    bounds = table.cumulative.tolist()
    points = (unit_interval(bits) * bounds[-1]).tolist()
    assert table.ranks(bits).tolist() == [min(bisect.bisect_right(bounds, point), count - 1) for point in points]


@pytest.mark.parametrize("exponent", [0.0, 0.7, 1.0, 2.5])
def test_the_edges_of_every_bucket_of_the_guide_are_exact(exponent: float) -> None:
    table = ZipfTable(5000, exponent)
    edges = (np.arange(2**13, dtype=np.uint64) << np.uint64(51)).astype(np.uint64)
    bits = np.concatenate([edges, edges + np.uint64(2**51 - 1), edges + np.uint64(2**11)])
    point = unit_interval(bits) * table.cumulative[-1]
    expected = np.minimum(np.searchsorted(table.cumulative, point, side="right"), 4999)
    assert np.array_equal(table.ranks(bits), expected)


@pytest.mark.parametrize("exponent", [0.0, 0.6, 1.0, 1.5])
def test_keys_of_a_zipf_trace_are_as_frequent_as_the_law_says(exponent: float) -> None:
    counts = Counter(keys_of(f"zipf_trace(rows=200000, keys=200, exponent={exponent}, seed=1)"))
    weights = [(rank + 1) ** -exponent for rank in range(200)]
    expected = [200_000 * weight / sum(weights) for weight in weights]
    # Chi-squared with 199 degrees of freedom: its mean is 199 and its standard deviation 20; six of these are allowed.
    assert sum((counts[key] - mean) ** 2 / mean for key, mean in enumerate(expected)) < 199 + 6 * 20


def test_a_uniform_trace_is_even() -> None:
    counts = Counter(keys_of("uniform_trace(rows=100000, keys=100, seed=5)"))
    assert sum((counts[key] - 1000) ** 2 / 1000 for key in range(100)) < 99 + 6 * 14


def test_a_scan_asks_for_every_key_once_and_a_loop_over_and_over() -> None:
    assert keys_of("scan_trace(rows=500, start=7)") == list(range(7, 507))
    assert keys_of("loop_trace(rows=10, keys=4)") == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]


def test_scans_come_at_the_end_of_each_period_and_never_again() -> None:
    # Periods of 10 requests, of which the last 3 scan: rows 7 to 9, 17 to 19, ...
    keys = keys_of("zipf_scan_trace(rows=40, keys=50, scan_every=10, scan_length=3)")
    scanned = [key for row, key in enumerate(keys) if row % 10 >= 7]
    assert scanned == list(range(50, 62))
    assert all(key < 50 for row, key in enumerate(keys) if row % 10 < 7)
    plain = keys_of("zipf_trace(rows=40, keys=50)")
    assert all(key == plain[row] for row, key in enumerate(keys) if row % 10 < 7)
    with pytest.raises(ParameterError, match="scan_length is 11; expected at most scan_every, 10"):
        open_dataset("zipf_scan_trace(rows=40, scan_every=10, scan_length=11)").table()


def test_popularity_moves_on_in_a_circle() -> None:
    plain = keys_of("zipf_trace(rows=400, keys=30, seed=2)")
    shifted = keys_of("shifting_trace(rows=400, keys=30, shift_every=100, shift=11, seed=2)")
    assert shifted == [(rank + 11 * (row // 100)) % 30 for row, rank in enumerate(plain)]


def test_the_crowd_comes_and_goes() -> None:
    spelling = (
        "flash_crowd_trace(rows=100000, keys=1000, crowd_keys=5, crowd_share=0.6, crowd_start=0.25, crowd_length=0.5)"
    )
    keys = keys_of(spelling)
    crowd = [row for row, key in enumerate(keys) if key >= 1000]
    assert crowd[0] >= 25_000 and crowd[-1] < 75_000
    assert abs(len(crowd) - 30_000) < 5 * math.sqrt(50_000 * 0.6 * 0.4)
    counts = Counter(key for key in keys if key >= 1000)
    assert set(counts) == set(range(1000, 1005))
    assert max(counts.values()) - min(counts.values()) < 10 * math.sqrt(6000)


def test_tenants_have_keys_shares_and_exponents_of_their_own() -> None:
    table = open_dataset("tenants_trace(rows=120000, tenants=3, keys=500, exponent_low=0, exponent_high=2)").table()
    assert table.column_names == ["time", "tenant", "key"]
    tenants, keys = table["tenant"].to_pylist(), table["key"].to_pylist()
    assert all(key // 500 == tenant for key, tenant in zip(keys, tenants, strict=True))
    counts = Counter(tenants)
    for tenant, share in enumerate((6 / 11, 3 / 11, 2 / 11)):  # 1, 1/2 and 1/3 of their sum
        assert abs(counts[tenant] - 120_000 * share) < 5 * math.sqrt(120_000 * share)
    top = [Counter(key for key in keys if key // 500 == tenant).most_common(1)[0][1] for tenant in range(3)]
    law = [sum((rank + 1) ** -exponent for rank in range(500)) for exponent in (0, 1, 2)]
    assert top[0] < 3 * counts[0] / law[0]
    for tenant in (1, 2):
        assert abs(top[tenant] - counts[tenant] / law[tenant]) < 6 * math.sqrt(counts[tenant] / law[tenant])


def test_sizes_are_log_normal_and_fixed_for_each_key() -> None:
    table = open_dataset("uniform_trace(rows=60000, keys=20000, size_median=4096, size_sigma=1.5, seed=8)").table()
    sizes: dict[int, int] = {}
    for key, size in zip(table["key"].to_pylist(), table["size"].to_pylist(), strict=True):
        assert sizes.setdefault(key, size) == size
    logs = np.log(np.array(list(sizes.values())))
    # Of n keys the mean of the logarithms varies by sigma / sqrt(n), their deviation by sigma / sqrt(2 n).
    assert abs(logs.mean() - math.log(4096)) < 5 * 1.5 / math.sqrt(len(sizes))
    assert abs(logs.std() - 1.5) < 5 * 1.5 / math.sqrt(2 * len(sizes))
    other = open_dataset("loop_trace(rows=20000, keys=20000, size_median=4096, size_sigma=1.5, seed=8)").table()
    assert all(sizes.get(key, size) == size for key, size in enumerate(other["size"].to_pylist()))


def test_equal_sizes_and_extreme_ones() -> None:
    assert set(open_dataset("loop_trace(rows=50, size_median=10, size_sigma=0)").table()["size"].to_pylist()) == {10}
    sizes = open_dataset("scan_trace(rows=20000, size_median=1073741824, size_sigma=4)").table()["size"]
    assert min(sizes.to_pylist()) >= 1 and max(sizes.to_pylist()) == 2**40
    assert min(open_dataset("scan_trace(rows=2000, size_median=1, size_sigma=4)").table()["size"].to_pylist()) == 1


def test_the_share_of_writes_is_kept_and_the_keys_stay() -> None:
    table = open_dataset("zipf_trace(rows=50000, write_share=0.3, seed=4)").table()
    counts = Counter(table["op"].to_pylist())
    assert set(counts) == {"get", "set"}
    assert abs(counts["set"] - 15_000) < 5 * math.sqrt(50_000 * 0.3 * 0.7)
    assert table["key"].to_pylist() == keys_of("zipf_trace(rows=50000, seed=4)")


@pytest.mark.parametrize("name", NAMES)
def test_a_generated_trace_has_its_roles(name: str) -> None:
    roles = trace_roles(open_dataset(f"{name}(rows=10, size_median=5, write_share=0.5)"))
    assert (roles.key, roles.time, roles.size, roles.op) == ("key", "time", "size", "op")
    plain = trace_roles(open_dataset(f"{name}(rows=10)"))
    assert (plain.key, plain.time, plain.size, plain.op) == ("key", "time", None, None)


def test_normal_quantiles_by_hand_and_symmetric() -> None:
    known = {0.5: 0.0, 0.975: 1.959963984540054, 0.001: -3.090232306167814, 1e-20: -9.262340089798408}
    shares = np.array(list(known))
    assert np.allclose(normal_quantile(shares), list(known.values()), rtol=1e-15, atol=1e-15)
    grid = np.arange(1, 2**12) / 2.0**12
    assert np.array_equal(normal_quantile(grid), -normal_quantile(1 - grid))
    cumulative = [0.5 * math.erfc(-value / math.sqrt(2)) for value in normal_quantile(grid)]
    assert np.allclose(cumulative, grid, rtol=1e-14, atol=0)


def test_cumulative_weights_are_plain_sums() -> None:
    assert ZipfTable(100, 1.0).cumulative.tolist() == pytest.approx(
        list(accumulate(1 / rank for rank in range(1, 101)))
    )
