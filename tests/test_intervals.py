"""Exact intervals against scipy, which the product itself does not load."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from assay.errors import ParameterError
from assay.intervals import incomplete_beta, over_seeds, rate_interval, student_quantile


@given(st.integers(1, 100_000), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_the_interval_of_a_rate_is_scipy_s(trials: int, share: float, confidence: float) -> None:
    hits = round(share * trials)
    expected = stats.binomtest(hits, trials).proportion_ci(confidence, method="exact")
    found = rate_interval(hits, trials, confidence=confidence)
    # scipy's root is off by 1e-9 at times: of 0 hits in 12,086 the exact bound is 1 - 0.05 ** (1 / 12086).
    assert found == pytest.approx((expected.low, expected.high), rel=1e-8, abs=1e-12)
    assert found[0] <= hits / trials <= found[1]


@pytest.mark.parametrize(("hits", "trials"), [(0, 10), (1, 10), (5, 10), (10, 10), (3, 200)])
def test_the_interval_of_a_rate_covers_at_least_as_often_as_it_says(hits: int, trials: int) -> None:
    # Exactly, by the distribution itself: at the interval's ends the observed count has a tail of 2.5 %.
    low, high = rate_interval(hits, trials)
    if hits:
        assert stats.binom.sf(hits - 1, trials, low) == pytest.approx(0.025)
    if hits < trials:
        assert stats.binom.cdf(hits, trials, high) == pytest.approx(0.025)


def test_three_hundred_trials_without_a_hit_say_less_than_one_in_a_hundred() -> None:
    # The rule of three at 97.5 %: 1 - 0.025^(1/300) = 1.22 %.
    assert rate_interval(0, 300) == (0.0, pytest.approx(1 - 0.025 ** (1 / 300)))


@given(st.floats(0.05, 500), st.floats(0.05, 500), st.floats(0, 1))
def test_the_incomplete_beta_function_is_scipy_s(a: float, b: float, x: float) -> None:
    assert incomplete_beta(a, b, x) == pytest.approx(special.betainc(a, b, x), rel=1e-9, abs=1e-13)


@given(st.floats(0.001, 0.999), st.integers(1, 500))
def test_student_s_quantile_is_scipy_s(probability: float, degrees: int) -> None:
    expected = stats.t.ppf(probability, degrees)
    assert student_quantile(probability, degrees) == pytest.approx(expected, rel=1e-8, abs=1e-7)


def test_draws_over_seeds_by_hand() -> None:
    # 1, 2, 3: mean 2, deviation 1, t(0.975, 2) = 4.302653 over the root of 3.
    spread = over_seeds([1.0, 3.0, 2.0])
    half = 4.302652729911275 / math.sqrt(3)
    assert (spread.mean, spread.least, spread.greatest, spread.draws) == (2.0, 1.0, 3.0, 3)
    assert (spread.low, spread.high) == (pytest.approx(2 - half), pytest.approx(2 + half))
    assert over_seeds([5.0]) == type(spread)(5.0, 5.0, 5.0, 5.0, 5.0, 1)


def test_impossible_rates_and_no_draws_are_told() -> None:
    with pytest.raises(ParameterError, match="hits is 11; expected 0 to 10"):
        rate_interval(11, 10)
    with pytest.raises(ParameterError, match="trials is 0; expected at least 1"):
        rate_interval(0, 0)
    with pytest.raises(ParameterError, match="confidence is 95"):
        rate_interval(1, 10, confidence=95)
    with pytest.raises(ParameterError, match="no draws"):
        over_seeds([])
