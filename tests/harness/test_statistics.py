"""The estimates against cases whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from assay.harness.statistics import Estimate, median_estimate, noise_floor, paired_ratio, ratio_verdict


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
