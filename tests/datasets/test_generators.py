"""Generators: the same bits for ever and for any split, and the shape they promise."""

from __future__ import annotations

import bisect
import hashlib
import math
from collections import Counter
from collections.abc import Callable
from itertools import accumulate, pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assay.datasets import GENERATORS, open_dataset
from assay.datasets.splitmix import draws, exp, log, power, up_to
from assay.errors import ParameterError, SpellingError, UnknownNameError

SPELLINGS = [f"{name}(rows=200000, seed=7)" for name in GENERATORS]


def test_stream_zero_is_splitmix64() -> None:
    # The reference implementation's first outputs for seed 1234567.
    expected = [6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431]
    assert draws(1234567, np.arange(4, dtype=np.uint64)).tolist() == expected


def test_logarithm_and_exponential_agree_with_the_machine_s_own() -> None:
    values = np.concatenate([np.geomspace(1e-300, 1e300, 5001), np.arange(1, 2000, dtype=np.float64)])
    own = np.array([math.log(value) for value in values])
    assert np.allclose(log(values), own, rtol=1e-15, atol=1e-15)
    exponents = np.linspace(-700, 700, 5001)
    assert np.allclose(exp(exponents), [math.exp(value) for value in exponents], rtol=1e-15, atol=0)
    assert np.allclose(power(values[5001:], -1.3), values[5001:] ** -1.3, rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    ("spelling", "digest"),
    [
        ("uniform(rows=1000, keys=50, seed=3)", "9f14b7adfc406b62a3df233eefb95fb7cba42a1907e68cf57b461f3b76145e2d"),
        (
            "zipf(rows=1000, keys=10000, exponent=1.1, seed=3)",
            "ea8ed5fe0ffc0ddbaa95cedc223f0b4b8b0bf9f745a266f21153682b42c7499a",
        ),
        ("hot_tenant(rows=1000, seed=3)", "15353b24f9da9cdf587887c3eb10edbcdcab7e6a351ba701ad9055b23592611f"),
        ("ascending(rows=1000, stride=5, seed=3)", "63eba77c0db3bace44d69d703a0ea88c29f278e376f2b83942c39a0eafcfa73c"),
        ("lognormal(rows=1000, seed=3)", "d9b60e0a77da1cb4c52c48c18af3f1d0154025bfb1ecce60765524d16038c3dc"),
        (
            "clustered(rows=1000, clusters=7, spread=50, seed=3)",
            "bd4f9cda7028f243ee6918ace08f2cbd05056c770321e15de80beb911e32bc81",
        ),
    ],
)
def test_the_bits_never_change(spelling: str, digest: str) -> None:
    data = open_dataset(spelling).table()
    content = hashlib.sha256(",".join(map(str, data.schema.names)).encode())
    for column in data.columns:
        content.update(np.asarray(column.combine_chunks().cast(pa.int64())).astype("<i8").tobytes())
    assert content.hexdigest() == digest


def splitmix64(seed: int, number: int) -> int:
    """Output `number` of SplitMix64 in plain integers."""
    z = (seed + (number + 1) * 0x9E3779B97F4A7C15) % 2**64
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
    return z ^ z >> 31


def test_keys_equal_a_plain_recomputation() -> None:
    bits = [splitmix64(3, row) for row in range(1000)]
    keys = {
        name: open_dataset(spelling).table()["key"].to_pylist()
        for name, spelling in {
            "uniform": "uniform(rows=1000, keys=50, seed=3)",
            "ascending": "ascending(rows=1000, start=4, stride=5, seed=3)",
            "zipf": "zipf(rows=1000, keys=20, exponent=1.1, seed=3)",
        }.items()
    }
    assert keys["uniform"] == [(b >> 32) * 50 >> 32 for b in bits]
    assert keys["ascending"] == [4 + 5 * row + ((b >> 32) * 5 >> 32) for row, b in enumerate(bits)]
    weights = [(rank + 1) ** -1.1 for rank in range(20)]
    bounds = list(accumulate(weights))
    assert keys["zipf"] == [bisect.bisect_right(bounds, (b >> 11) / 2**53 * bounds[-1]) for b in bits]
    hot = open_dataset("hot_tenant(rows=1000, hot_share=0.3, seed=3)").table()["tenant"].to_pylist()
    assert [tenant == 0 for tenant in hot] == [(b >> 11) / 2**53 < 0.3 for b in bits]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize("target_rows", [30_011, 65_536, 10**6])
def test_any_split_gives_the_same_rows(spelling: str, target_rows: int, read: Callable[..., pa.Table]) -> None:
    dataset = open_dataset(spelling)
    assert read(dataset, target_rows).equals(dataset.table())


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(sorted(GENERATORS)), st.integers(0, 2**64 - 1), st.integers(0, 500), st.integers(1, 500))
def test_a_row_depends_on_its_number_and_the_seed_alone(name: str, seed: int, first: int, count: int) -> None:
    generator = GENERATORS[name]
    values = {p.name: p.default for p in generator.parameters if p.default is not None} | {"rows": 1000, "seed": seed}
    whole = generator.make(values, np.arange(1000, dtype=np.uint64))
    part = generator.make(values, np.arange(first, first + count, dtype=np.uint64))
    for column, content in part.items():
        assert np.array_equal(content, whole[column][first : first + count])


def test_zipf_keys_are_as_frequent_as_the_law_says() -> None:
    keys = open_dataset("zipf(rows=200000, keys=100, exponent=1.0, seed=1)").table(["key"])["key"].to_pylist()
    counts = Counter(keys)
    harmonic = sum(1 / rank for rank in range(1, 101))
    for key in range(100):
        share = 1 / (key + 1) / harmonic
        # Five standard deviations of a binomial count: one false alarm in about 17,000 runs over 100 keys.
        assert abs(counts[key] - 200_000 * share) < 5 * math.sqrt(200_000 * share * (1 - share))


def test_an_exponent_of_zero_is_uniform() -> None:
    counts = Counter(open_dataset("zipf(rows=50000, keys=10, exponent=0, seed=1)").table()["key"].to_pylist())
    assert set(counts) == set(range(10))
    assert max(counts.values()) < 5000 + 5 * math.sqrt(50_000 * 0.1 * 0.9)


def test_the_hot_tenant_has_its_share() -> None:
    tenants = open_dataset("hot_tenant(rows=100000, tenants=50, hot_share=0.4, seed=2)").table()["tenant"].to_pylist()
    counts = Counter(tenants)
    assert set(counts) == set(range(50))
    assert abs(counts[0] - 40_000) < 5 * math.sqrt(100_000 * 0.4 * 0.6)
    assert abs(counts[1] - 60_000 / 49) < 5 * math.sqrt(60_000 / 49)


@pytest.mark.parametrize(("share", "expected"), [(0.0, 0), (1.0, 1000)])
def test_the_hot_share_may_be_nothing_or_everything(share: float, expected: int) -> None:
    tenants = open_dataset(f"hot_tenant(rows=1000, hot_share={share})").table()["tenant"].to_pylist()
    assert tenants.count(0) == expected


def test_lognormal_keys_have_the_median_and_the_spread_of_their_logarithms() -> None:
    keys = np.log(open_dataset("lognormal(rows=100000, median=1000000, sigma=1.5, seed=1)").table()["key"].to_numpy())
    # Standard errors: of a median 1.2533 sigma / sqrt(n), of a standard deviation sigma / sqrt(2 n); five of each.
    assert abs(np.median(keys) - math.log(1_000_000)) < 5 * 1.2533 * 1.5 / math.sqrt(100_000)
    assert abs(keys.std() - 1.5) < 5 * 1.5 / math.sqrt(200_000)
    assert abs(((keys - keys.mean()) ** 3).mean() / keys.std() ** 3) < 5 * math.sqrt(6 / 100_000), "no skew"


def test_the_widest_lognormal_keys_fit_into_64_bits() -> None:
    # The deviate of the least and of the greatest number that can be drawn is below 8.3: 2^40 * e^(1.8 * 8.3) < 2^62.
    assert 2**40 * math.exp(1.8 * 8.3) < 2**62
    assert set(open_dataset("lognormal(rows=50, median=7, sigma=0)").table()["key"].to_pylist()) == {7}


def test_clustered_keys_are_a_few_runs_in_an_empty_space() -> None:
    keys = sorted(set(open_dataset("clustered(rows=5000, clusters=4, spread=9, seed=2)").table()["key"].to_pylist()))
    gaps = [after - before for before, after in pairwise(keys)]
    assert len(keys) == 4 * 9 and sum(gap > 1 for gap in gaps) == 3 and max(gaps) > 2**20
    with pytest.raises(ParameterError, match="spread is 9; expected at most the space, 8"):
        open_dataset("clustered(rows=20, spread=9, space=8)").table()


def test_ascending_keys_only_grow_and_are_dense_at_stride_one() -> None:
    dense = open_dataset("ascending(rows=1000, start=10)").table()["key"].to_pylist()
    assert dense == list(range(10, 1010))
    gappy = open_dataset("ascending(rows=1000, stride=10, seed=5)").table()["key"].to_pylist()
    assert all(before < after for before, after in pairwise(gappy))
    assert len({after - before for before, after in pairwise(gappy)}) > 5


def test_interleaved_keys_are_runs_out_of_every_period() -> None:
    one_of_ten = open_dataset("interleaved(rows=5, start=3)").table()["key"].to_pylist()
    assert one_of_ten == [3, 13, 23, 33, 43]
    orders = open_dataset("interleaved(rows=20, run=8, period=32)").table()["key"].to_pylist()
    assert orders == [*range(1, 9), *range(33, 41), *range(65, 69)]  # as TPC-H's o_orderkey begins
    with pytest.raises(ParameterError, match="run is 9; expected at most the period, 8"):
        open_dataset("interleaved(rows=20, run=9, period=8)").table()


def test_urls_differ_in_their_last_characters_only() -> None:
    urls = open_dataset("urls(rows=50, keys=300, seed=4)").table()["key"].to_pylist()
    numbers = open_dataset("uniform(rows=50, keys=300, seed=4)").table()["key"].to_pylist()
    assert urls == [f"https://www.example.com/catalogue/products/item?number={number}" for number in numbers]


def test_the_largest_rows_and_keys_do_not_overflow() -> None:
    generator = GENERATORS["ascending"]
    last = generator.make(
        {"rows": 10**12, "start": 2**32, "stride": 2**20, "seed": 1}, np.array([10**12 - 1], np.uint64)
    )
    assert int(last["key"][0]) // 2**20 == 10**12 - 1 + 2**12
    assert up_to(np.array([2**64 - 1], np.uint64), 2**32).tolist() == [2**32 - 1]


def test_another_seed_gives_other_rows_and_columns_are_independent() -> None:
    one = open_dataset("uniform(rows=5000, keys=1000, seed=1)").table()
    two = open_dataset("uniform(rows=5000, keys=1000, seed=2)").table()
    assert one["key"] != two["key"] and one["value"] != two["value"]
    correlation = np.corrcoef(one["key"].to_numpy(), one["value"].to_numpy())[0, 1]
    assert abs(correlation) < 5 / math.sqrt(5000)


def test_the_fingerprint_follows_the_parameters_not_the_spelling() -> None:
    plain = open_dataset("zipf(rows=10)")
    spelt = open_dataset("zipf( seed = 0, rows=1_0, exponent=1.1,keys=10000)")
    assert plain.fingerprint_kind == "generator"
    assert plain.fingerprint() == spelt.fingerprint() and plain.name == spelt.name
    assert plain.fingerprint() != open_dataset("zipf(rows=11)").fingerprint()


def test_no_rows_are_fine(read: Callable[..., pa.Table]) -> None:
    assert read(open_dataset("zipf(rows=0)")).num_rows == 0


@pytest.mark.parametrize(
    ("spelling", "error", "message"),
    [
        ("ziff(rows=3)", UnknownNameError, 'did you mean "zipf"'),
        ("zipf(rows=3, exponant=2)", UnknownNameError, 'did you mean "exponent"'),
        ("zipf()", ParameterError, r"zipf needs rows; expected zipf\(rows, keys=10000"),
        ("zipf(rows=-1)", ParameterError, "rows is -1; expected a whole number from 0 to 1000000000000"),
        ("zipf(rows=1.5)", ParameterError, "rows is 1.5; expected a whole number"),
        ("zipf(rows=true)", ParameterError, "rows is True"),
        ("zipf(rows='3')", ParameterError, "rows is '3'"),
        ("zipf(rows=3, keys=100000000)", ParameterError, "expected a whole number from 1 to 10000000"),
        ("hot_tenant(rows=3, hot_share=1.01)", ParameterError, "hot_share is 1.01; expected a number from 0.0 to 1.0"),
        ("zipf(3)", SpellingError, "has 3 without a name"),
    ],
)
def test_bad_parameters_are_refused_with_their_bounds(spelling: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        open_dataset(spelling)
