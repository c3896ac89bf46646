"""False-positive rates: what is measured lies where each layout's own theory says, and comes with its interval."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.errors import ParameterError

LAYOUTS: list[Any] = ["split_block", "standard", "blocked_512"]


def mixture(load: float, rate_of: Any) -> float:
    """The Poisson mixture over the loads of blocks of the rate of a block with j keys."""
    weight, total, keys = math.exp(-load), 0.0, 0
    while keys < load + 40 * math.sqrt(load + 1):
        total += weight * rate_of(keys)
        keys += 1
        weight *= load / keys
    return total


def theory(layout: str, made: assay.BloomFilter, keys: int) -> float:
    """The textbook's formula, computed apart from the library."""
    bits = made.memory_bytes * 8
    k = made.probes
    if layout == "standard":
        return (1 - math.exp(-k * keys / (made.bits_per_key * made.key_count))) ** k  # type: ignore[operator]
    if layout == "split_block":
        return mixture(keys / (bits / 256), lambda j: (1 - (31 / 32) ** j) ** 8)
    # The mean number of bits in place of its distribution: a little low, by Jensen's inequality.
    return mixture(keys / (bits / 512), lambda j: (1 - (511 / 512) ** (j * k)) ** k)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize(("keys", "rate"), [(9_000, 0.1), (40_000, 0.01), (40_000, 0.001), (3_000, 1e-4)])
def test_the_formula_of_a_layout_is_the_textbooks(layout: Any, keys: int, rate: float) -> None:
    made = assay.BloomFilter.build(pa.array(range(keys)), layout=layout, false_positive_rate=rate)
    for present in (keys // 2, keys, 2 * keys):
        assert made.false_positive_rate_at(present) == pytest.approx(theory(layout, made, present), rel=0.08)
    assert made.false_positive_rate_at(0) == pytest.approx(0.0, abs=1e-12)
    assert made.false_positive_rate_at(keys) == pytest.approx(rate, rel=0.08)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("kind", ["integers", "texts", "duplicates"])
def test_measured_rates_lie_in_the_interval_of_the_theory(layout: Any, kind: str) -> None:
    """Over several filters, since one filter's own rate scatters around the formula; 99.9 % intervals by the sum."""
    rng = np.random.default_rng([7, *layout.encode()])
    asked = yes = 0
    law = []
    for _ in range(5):
        drawn = rng.integers(0, 2**62, 140_000)
        keys, absent = pa.array(drawn[:20_000]), pa.array(drawn[20_000:])
        if kind == "texts":
            keys, absent = keys.cast(pa.string()), absent.cast(pa.string())
        if kind == "duplicates":
            keys = pa.concat_arrays([keys, keys, keys])
        made = assay.BloomFilter.build(keys, layout=layout, capacity=20_000, false_positive_rate=0.01)
        found = made.measured_false_positive_rate(absent)
        assert found.asked == 120_000 and found.rate == found.false_positives / found.asked
        # The filter's own rate, from its bits: the measurement is binomial around it.
        wide = 4 * math.sqrt(made.expected_false_positive_rate / found.asked)
        assert abs(found.rate - made.expected_false_positive_rate) < wide
        asked, yes = asked + found.asked, yes + found.false_positives
        law.append(made.false_positive_rate_at(20_000))
    low, high = assay.intervals.rate_interval(yes, asked, confidence=0.999)
    # A filter of 20,000 keys scatters by about 1 % of its rate, which five filters bring to half of that.
    assert low * 0.98 < sum(law) / len(law) < high * 1.02


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_overfull_filter_degrades_as_its_formula_says(layout: Any) -> None:
    rng = np.random.default_rng(11)
    drawn = rng.integers(0, 2**62, 160_000)
    made = assay.BloomFilter.build(pa.array(drawn[:10_000]), layout=layout, false_positive_rate=0.01)
    made.insert(pa.array(drawn[10_000:40_000]))
    expected = made.false_positive_rate_at(40_000)
    assert expected > 0.15
    assert made.expected_false_positive_rate == pytest.approx(expected, rel=0.03)
    assert made.measured_false_positive_rate(pa.array(drawn[40_000:])).rate == pytest.approx(expected, rel=0.05)


def test_a_measured_rate_comes_with_its_exact_interval() -> None:
    made = assay.BloomFilter.build(pa.array(range(1_000)), layout="standard", false_positive_rate=1e-9)
    none = made.measured_false_positive_rate(pa.array([*range(5_000, 5_100), None]))
    assert (none.false_positives, none.asked, none.low) == (0, 100, 0.0)
    assert none.high == pytest.approx(0.0362, abs=1e-4)  # 1 - 0.025^(1/100)
    every = made.measured_false_positive_rate(pa.array([1, 2, 3]))
    assert (every.rate, every.high) == (1.0, 1.0) and every.low == pytest.approx(0.025 ** (1 / 3))
    for empty in (pa.array([], pa.int64()), pa.array([None, None], pa.int64())):
        with pytest.raises(ParameterError, match="absent holds no keys"):
            made.measured_false_positive_rate(empty)
    for wrong in (-1, 2**64):
        with pytest.raises(ParameterError, match="keys is"):
            made.false_positive_rate_at(wrong)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_filter_that_is_far_too_full_says_yes_to_nearly_everything(layout: Any) -> None:
    made = assay.BloomFilter.build(pa.array([1]), layout=layout, capacity=10)
    for keys in (10_000, 10**9, 2**64 - 1):
        assert made.false_positive_rate_at(keys) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("layout", LAYOUTS)
def test_low_rates_are_kept_too(layout: Any) -> None:
    """1e-4 over 20 million absent keys: about 2,000 yes answers, known to 7 % at 99.9 %."""
    keys = np.arange(2_000_000)
    made = assay.BloomFilter.build(pa.array(keys), layout=layout, false_positive_rate=1e-4)
    found = made.measured_false_positive_rate(pa.array(np.arange(10**12, 10**12 + 20_000_000)))
    assert found.rate == pytest.approx(made.false_positive_rate_at(len(keys)), rel=0.09)
