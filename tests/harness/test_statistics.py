"""The estimates against cases whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from assay.errors import ParameterError
from assay.harness.statistics import (
    Estimate,
    Outliers,
    benjamini_hochberg,
    half_width,
    limit,
    log_ratios,
    median_estimate,
    noise_floor,
    outliers,
    p_value,
    paired_ratio,
    processes_differ,
    ratio_verdict,
    rounds_needed,
)


def test_two_identical_series_differ_by_exactly_nothing() -> None:
    series = [list(np.random.default_rng(1).lognormal(3, 0.2, 30)) for _ in range(3)]
    assert paired_ratio(series, series, seed=0) == Estimate(1.0, 1.0, 1.0)
    assert noise_floor(series, series, seed=0) == 1.0


def test_a_constant_factor_is_found_exactly_however_noisy_the_rounds() -> None:
    baseline = [list(np.random.default_rng(p).lognormal(3, 1.0, 20)) for p in range(3)]
    candidate = [[1.5 * value for value in rounds] for rounds in baseline]
    ratio = paired_ratio(baseline, candidate, seed=0)
    assert ratio.value == pytest.approx(1.5, rel=1e-12)
    assert ratio.high - ratio.low < 1e-12


def test_the_interval_of_the_median_covers_the_truth_about_as_often_as_it_says() -> None:
    # 200 trials of 90 exponential rounds whose median is ln 2. At 95 % coverage the standard error of the
    # share is 1.5 %; three of them, and 1.5 % for the bootstrap's own error at this size, make the tolerance.
    random = np.random.default_rng(7)
    covered = 0
    for trial in range(200):
        estimate = median_estimate(list(random.exponential(1.0, (3, 30))), seed=trial)
        covered += estimate.low <= np.log(2) <= estimate.high
    # Resampling three processes first widens the interval a little where processes do not differ.
    assert 0.89 <= covered / 200 <= 1.0


def test_processes_that_differ_widen_the_interval() -> None:
    random = np.random.default_rng(3)
    alike = [list(100 + random.normal(0, 1, 30)) for _ in range(3)]
    apart = [[value + shift for value in rounds] for rounds, shift in zip(alike, (-10, 0, 10), strict=True)]
    narrow, wide = median_estimate(alike, seed=0), median_estimate(apart, seed=0)
    assert wide.high - wide.low > 10 * (narrow.high - narrow.low)


def test_processes_of_different_length_keep_their_own_rounds() -> None:
    estimate = median_estimate([[1.0, 1.0, 1.0, 1.0, 1.0], [3.0]], seed=0)
    assert estimate.value == 1.0
    assert (estimate.low, estimate.high) == (1.0, 3.0)  # both processes are at times drawn twice


def test_one_round_is_its_own_interval() -> None:
    assert median_estimate([[5.0]], seed=0) == Estimate(5.0, 5.0, 5.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    data = [list(np.random.default_rng(5).exponential(1, 10))]
    assert median_estimate(data, seed=4) == median_estimate(data, seed=4)
    assert median_estimate(data, seed=4) != median_estimate(data, seed=5)


@pytest.mark.parametrize(
    ("ratio", "floor", "direction", "verdict"),
    [
        (Estimate(1.10, 1.05, 1.2), 1.02, "lower", "worse"),
        (Estimate(0.90, 0.85, 0.95), 1.02, "lower", "better"),
        (Estimate(0.90, 0.85, 0.95), 1.02, "higher", "worse"),
        (Estimate(1.10, 1.05, 1.2), 1.08, "lower", "unclear"),  # the noise floor reaches into the interval
        (Estimate(1.00, 0.995, 1.005), 1.0, "lower", "same"),  # within 1 %, which is no difference
        (Estimate(1.02, 0.99, 1.05), 1.03, "lower", "unclear"),
    ],
)
def test_a_verdict_needs_the_whole_interval(ratio: Estimate, floor: float, direction: str, verdict: str) -> None:
    assert ratio_verdict(ratio, floor, direction=direction) == verdict  # type: ignore[arg-type]


# -- many comparisons -------------------------------------------------------------------------------


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_are_scipy_s(p_values: list[float]) -> None:
    assert benjamini_hochberg(p_values) == pytest.approx(list(stats.false_discovery_control(p_values)))


def test_adjusting_nothing_gives_nothing_and_impossible_p_values_are_told() -> None:
    assert benjamini_hochberg([]) == []
    with pytest.raises(ParameterError, match="expected each from 0 to 1"):
        benjamini_hochberg([0.5, 1.5])


def test_a_p_value_falls_below_five_percent_where_the_interval_leaves_the_bound() -> None:
    bound = limit(1.0)  # 1 %
    for value in (1.2, 1 / 1.2):  # intervals that just touch the bound, above 1 and below
        touching = (
            Estimate(value, bound, value**2 / bound) if value > 1 else Estimate(value, value**2 * bound, 1 / bound)
        )
        assert p_value(touching, bound) == pytest.approx(0.05)
    assert p_value(Estimate(1.005, 1.004, 1.006), bound) == 1.0  # below the smallest effect
    assert p_value(Estimate(1.5, 1.5, 1.5), bound) == 0.0  # without any spread
    assert p_value(Estimate(1.05, 1.02, 1.08), bound) > p_value(Estimate(1.05, 1.03, 1.07), bound)


def test_of_many_equal_kernels_few_are_called_different() -> None:
    # 200 cells that do not differ, 10 that do by 10 %: the intervals alone would call some of the equal ones.
    random = np.random.default_rng(2)
    ratios = []
    for cell in range(210):
        true = 1.1 if cell < 10 else 1.0
        baseline = [list(random.lognormal(0, 0.02, 12)) for _ in range(3)]
        ratios.append(paired_ratio(baseline, [list(true * random.lognormal(0, 0.02, 12)) for _ in range(3)], seed=cell))
    adjusted = benjamini_hochberg([p_value(ratio, 1.0) for ratio in ratios])
    alone = [ratio.low > 1 or ratio.high < 1 for ratio in ratios]
    called = [p <= 0.05 for p in adjusted]
    assert all(called[:10])
    assert sum(called[10:]) < sum(alone[10:])
    assert sum(called[10:]) <= 3


def test_a_difference_that_many_comparisons_explain_is_unclear() -> None:
    assert ratio_verdict(Estimate(1.1, 1.05, 1.2), 1.0, p_adjusted=0.04) == "worse"
    assert ratio_verdict(Estimate(1.1, 1.05, 1.2), 1.0, p_adjusted=0.06) == "unclear"
    assert ratio_verdict(Estimate(1.04, 1.03, 1.045), 1.0, threshold=1.05) == "same"


# -- how much more is needed ------------------------------------------------------------------------


def rounds_of(random: np.random.Generator, count: int, middle: float, *, apart: float = 0.0) -> list[list[float]]:
    """Log ratios of three processes."""
    return [list(random.normal(middle + shift, 0.05, count)) for shift in (-apart, 0.0, apart)]


def test_the_quick_width_is_about_that_of_the_bootstrap() -> None:
    for seed, apart in ((1, 0.0), (2, 0.0), (3, 0.04)):
        logs = rounds_of(np.random.default_rng(seed), 40, 0.0, apart=apart)
        interval = median_estimate(logs, seed=0)
        # A bootstrap over three processes sees two thirds of the variance between them.
        assert half_width(logs) == pytest.approx((interval.high - interval.low) / 2, rel=0.45)


def evenly_drawn(count: int, middle: float, deviation: float) -> list[list[float]]:
    """Three processes whose rounds are the quantiles of a normal distribution: noise without chance."""
    shares = (np.arange(count) + 0.5) / count
    return [list(stats.norm.ppf(shares, middle, deviation))] * 3


def test_with_the_rounds_that_are_asked_for_the_interval_just_leaves_the_bound() -> None:
    # 2 % more with 5 % of noise: √(π/2) × 5 % × 1.96 / √N must be log 1.02 - log 1.01, so that N is about 154.
    middle = math.log(1.02)
    gap = middle - math.log(1.01)
    few = evenly_drawn(20, middle, 0.05)
    assert half_width(few) > gap
    more = rounds_needed(few, 1.01)
    assert more == pytest.approx((math.pi / 2 * (0.05 * 1.96 / gap) ** 2 - 60) / 3, abs=4)
    assert more is not None
    assert half_width(evenly_drawn(20 + more, middle, 0.05)) == pytest.approx(gap, rel=0.05)


def test_no_rounds_suffice_where_processes_differ_or_the_ratio_lies_on_the_bound() -> None:
    apart = rounds_of(np.random.default_rng(1), 400, 0.02, apart=0.2)
    assert rounds_needed(apart, 1.01) is None
    assert processes_differ(apart)
    alike = rounds_of(np.random.default_rng(1), 400, 0.0)
    assert not processes_differ(alike)
    middle = float(np.median(np.concatenate(alike)))
    assert rounds_needed(alike, math.exp(abs(middle))) is None


def test_outliers_are_classified_by_tukey_s_fences_and_none_is_dropped() -> None:
    # Quartiles 10 and 20: mild beyond -5 and 35, severe beyond -20 and 50.
    data = [10.0] * 30 + [20.0] * 30 + [-30.0, -10.0, 36.0, 49.0, 51.0, 1000.0]
    found = outliers(data)
    assert found == Outliers(low_severe=1, low_mild=1, high_mild=2, high_severe=2)
    assert found.count == 6


def test_log_ratios_are_taken_round_by_round() -> None:
    assert log_ratios([[1.0, 2.0]], [[2.0, 2.0]]) == [[pytest.approx(math.log(2)), 0.0]]
