"""Histograms of latencies: within their precision of the numbers, and merged as if counted at once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assay.errors import ParameterError
from assay.harness.histogram import Histogram, bucket_bounds, bucket_of

numbers = st.lists(st.integers(0, 2**62), min_size=1, max_size=60)
few_bits = st.integers(1, 14)


def of(values: list[int], bits: int = 7) -> Histogram:
    histogram = Histogram(bits)
    histogram.add_all(values)
    return histogram


@given(st.integers(0, 2**63), few_bits)
def test_a_bucket_holds_its_value_and_is_no_wider_than_its_precision(value: int, bits: int) -> None:
    low, high = bucket_bounds(bucket_of(value, bits), bits)
    assert low <= value <= high
    assert (high - low) * 2**bits <= low
    # Its neighbours begin where it ends.
    assert bucket_of(high + 1, bits) == bucket_of(value, bits) + 1
    assert bucket_bounds(bucket_of(high + 1, bits), bits)[0] == high + 1


@given(numbers, st.floats(0, 100), few_bits)
def test_a_percentile_is_within_the_precision_of_the_sorted_numbers(
    values: list[int], percent: float, bits: int
) -> None:
    histogram = of(values, bits)
    exact = sorted(values)[histogram.rank(percent) - 1]
    assert abs(histogram.percentile(percent) - exact) <= exact * 2.0**-bits


@pytest.mark.parametrize("percent", [0, 1, 25, 50, 90, 99, 99.9, 100])
def test_percentiles_are_those_of_numpy_within_the_precision(percent: float) -> None:
    # 10,007 numbers: no percentile here falls between two ranks, where rounding would decide.
    values = np.random.default_rng(5).lognormal(8, 2, 10_007).astype(np.int64)
    exact = np.percentile(values, percent, method="inverted_cdf")
    assert of(values.tolist()).percentile(percent) == pytest.approx(exact, rel=2**-7)


@given(numbers, numbers, numbers, few_bits)
def test_merging_is_associative_and_equals_counting_all_at_once(
    a: list[int], b: list[int], c: list[int], bits: int
) -> None:
    one, two, three = of(a, bits), of(b, bits), of(c, bits)
    assert one.merge(two).merge(three) == one.merge(two.merge(three)) == of(a + b + c, bits)
    assert one.merge(two) == two.merge(one)
    assert (one, two) == (of(a, bits), of(b, bits))  # both are unchanged


def test_a_small_case_by_hand() -> None:
    # One precision bit: 0, 1, 2, 3, then 4-5, 6-7, then 8-11, 12-15.
    histogram = of([0, 3, 5, 9, 10], bits=1)
    assert histogram.bounds() == [(0, 0), (3, 3), (4, 5), (8, 11)]
    assert list(histogram.buckets.values()) == [1, 1, 1, 2]
    assert [histogram.percentile(p) for p in (0, 20, 40, 60, 80, 100)] == [0, 0, 3, 4, 9, 9]
    assert (histogram.rank(99), histogram.beyond(60), histogram.count) == (5, 2, 5)


def test_counts_make_the_same_histogram_again() -> None:
    histogram = of([1, 100, 100, 10**9])
    assert Histogram.of_counts(histogram.buckets) == histogram


def test_what_a_histogram_cannot_do_is_said() -> None:
    with pytest.raises(ParameterError, match="-1 is negative"):
        Histogram().add(-1)
    with pytest.raises(ParameterError, match="7 and 8 precision bits"):
        Histogram(7).merge(Histogram(8))
    with pytest.raises(ParameterError, match="empty"):
        Histogram().percentile(50)
    with pytest.raises(ParameterError, match="the percentile is 101"):
        of([1]).percentile(101)
    with pytest.raises(ParameterError, match="precision_bits is 0"):
        Histogram(0)
