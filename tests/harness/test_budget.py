"""A budget: how it is written, how experiments share it, and when rounds end."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from assay.errors import ParameterError
from assay.experiments.base import Latency, Metric, Timer
from assay.harness import TimingSettings, budget, run_suite, suite_from_dict
from assay.harness.budget import BudgetClock, ExperimentSize
from assay.harness.kernels import Kernels
from assay.harness.timing import _Here, _Rounds, time_kernels
from assay.harness.timing_settings import MOST_ROUNDS, budget_seconds
from assay.harness.timing_summary import Timing
from assay.store import Store


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("60s", 60), ("5m", 300), ("1h30m", 5400), ("1h 2m 3s", 3723), ("0.5m", 30), ("2.5s", 2.5), (7, 7.0), ("5M", 300)],
)
def test_a_budget_is_a_time(text: str | float, seconds: float) -> None:
    assert budget_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "5", "m", "5x", "-5m", "0s", 0, "5m1h", "soon", float("inf"), float("nan")])
def test_what_is_no_budget_is_told(text: str | float) -> None:
    with pytest.raises(ParameterError, match="expected a time above 0, such as 90s, 5m or 1h30m"):
        budget_seconds(text)


def test_within_a_budget_rounds_go_on_until_it_is_used() -> None:
    assert TimingSettings.within("1m") == TimingSettings(rounds=MOST_ROUNDS, budget_s=60)
    assert TimingSettings.within("1m", rounds=3) == TimingSettings(rounds=3, least_rounds=3, budget_s=60)


# -- how experiments share it -----------------------------------------------------------------------


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock of the budget, in seconds."""
    clock = [1000.0]
    monkeypatch.setattr(budget.time, "monotonic", lambda: clock[0])
    return clock


def test_experiments_share_what_is_left_by_what_a_round_costs(now: list[float]) -> None:
    # 100 s for three experiments; the second has twice the cells of the others, and the third is not timed.
    clock = BudgetClock(100, [ExperimentSize(1000, 2), ExperimentSize(2000, 4), ExperimentSize(1000, 0)])
    clock.scan_begins(0)
    now[0] += 4
    clock.scan_ends()  # 4 s for a thousand: 12 s for what comes
    now[0] += 1  # one round
    # 100 - 4 - 1 - 12 = 83 s are left, and a third of it is the first one's, whose first round is part of it
    assert clock.share(0, 1.0, 5) == pytest.approx(83 / 3 + 1)
    now[0] += 5  # it was precise early
    clock.scan_begins(1)
    now[0] += 8
    clock.scan_ends()
    now[0] += 3
    # 100 - 21 - 4 = 75 s, all of it for the second one: the third is not timed
    assert clock.share(1, 3.0, 9) == pytest.approx(75 + 3)


def test_a_budget_that_scans_have_used_leaves_nothing(now: list[float]) -> None:
    clock = BudgetClock(10, [ExperimentSize(0, 1)])
    clock.scan_begins(0)
    now[0] += 60
    clock.scan_ends()
    assert clock.share(0, 0.5, 2) == 0.5  # the round that is over, and the least rounds that are run anyway
    assert clock.share(0, 0.5, 0) == 0.0


# -- when rounds end --------------------------------------------------------------------------------

METRICS = {
    name: Metric(name, "ns", "lower", "timed", "measured", "time", "time")
    for name in ("x_ns", "y_ns", "one_ns.PERCENTILE")
}


def kernels(monkeypatch: pytest.MonkeyPatch, durations: dict[str, Callable[[int], int]]) -> Kernels:
    """Kernels on a clock of their own: the n-th call of each takes as many ns as its function says."""
    clock = [0]
    monkeypatch.setattr("assay.harness.kernels.time.perf_counter_ns", lambda: clock[0])

    def timer(name: str, duration: Callable[[int], int]) -> Timer:
        calls = itertools.count()

        def call(operation: int = 0) -> None:
            clock[0] += duration(next(calls))

        cell, metric = name.split("/")
        return Timer(cell, metric, call, 1, Latency("one_ns", call, 3) if cell == "latency" else None)

    return Kernels([timer(name, duration) for name, duration in durations.items()])


def timed(monkeypatch: pytest.MonkeyPatch, durations: dict[str, Callable[[int], int]], **settings: Any) -> Timing:
    chosen = {"processes": 1, "samples": 1, "target_sample_ns": 1, "single_operations": 0, **settings}
    return time_kernels(kernels(monkeypatch, durations), TimingSettings(**chosen), METRICS, seed=3)


def test_rounds_end_where_intervals_are_narrow_metric_by_metric(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = [100, 140, 90, 120, 160, 95, 180]
    timing = timed(
        monkeypatch,
        {
            "a/x_ns": lambda n: 100,
            "b/x_ns": lambda n: 103,
            "a/y_ns": lambda n: 100,
            "b/y_ns": lambda n: noise[n % len(noise)],
        },
        rounds=40,
    )
    found = {(row.cell_id, row.metric): (row.rounds, row.stop_rule) for row in timing.calibrations}
    assert found["a", "x_ns"] == found["b", "x_ns"] == (10, "precise")
    assert found["a", "y_ns"] == found["b", "y_ns"] == (40, "rounds")
    assert {
        row.cell_id: (row.iterations, row.calibrated_ns) for row in timing.calibrations if row.metric == "x_ns"
    } == {
        "a": (1, 100),
        "b": (1, 103),
    }
    ratios = {row.metric: row for row in timing.comparisons}
    assert (ratios["x_ns"].ratio, ratios["x_ns"].verdict) == (pytest.approx(1.03), "worse")
    assert (ratios["y_ns"].verdict, ratios["y_ns"].compared) == ("unclear", 2)
    assert ratios["y_ns"].rounds_needed is None or ratios["y_ns"].rounds_needed >= 1


def test_a_great_difference_need_not_be_known_as_precisely(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = [2000, 2060, 1940, 2030, 1970]  # 1.5 % of noise on a factor of 20
    durations = {"a/x_ns": lambda n: 100, "b/x_ns": lambda n: noise[n % 5]}
    [_, b] = timed(monkeypatch, durations, rounds=100).calibrations
    assert (b.rounds, b.stop_rule) == (10, "precise")
    [_, b] = timed(monkeypatch, durations, rounds=100, precision=0).calibrations
    assert (b.rounds, b.stop_rule) == (100, "rounds")


def test_the_time_ends_rounds_but_not_before_the_least(monkeypatch: pytest.MonkeyPatch) -> None:
    noise = [100, 140, 90, 120, 160, 95, 180]
    durations = {"a/x_ns": lambda n: 100, "b/x_ns": lambda n: noise[n % 7]}
    timing = timed(monkeypatch, durations, rounds=1000, seconds=1e-9, least_rounds=7)
    assert {(row.rounds, row.stop_rule) for row in timing.calibrations} == {(7, "time")}
    assert all("stopped by time after 7 of 1000 rounds" in str(value.note) for value in timing.values)


def test_percentiles_come_from_single_operations_and_say_on_how_many_they_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Every hundredth call takes a thousand times as long: the median does not show it, the tail does.
    timing = timed(
        monkeypatch,
        {"latency/x_ns": lambda n: 100_000 if n % 100 == 99 else 100},
        rounds=10,
        precision=0,
        single_operations=300,
    )
    values = {value.metric: value for value in timing.values}
    assert values["one_ns.p50"].value == 100
    assert values["one_ns.p50"].note == "3,000 operations, 1,500 beyond"
    assert values["one_ns.p99_9"].value is None
    assert values["one_ns.p99_9"].note == "only 3 of 3,000 operations lie beyond it; more rounds are needed"
    [record] = timing.histograms
    assert sum(record.counts) == 3000
    assert record.lower[0] <= 100 <= record.upper[0] and record.lower[-1] <= 100_000 <= record.upper[-1]
    assert 28 <= record.counts[-1] <= 32


def test_a_run_keeps_its_budget_and_why_its_rounds_ended(content: dict[str, Any]) -> None:
    settings = TimingSettings(processes=1, rounds=50, samples=2, target_sample_ns=2000, budget_s=3, precision=0)
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=settings)
        assert outcome.exit_code == 0
        rows = store.query("SELECT stop_rule, iterations, rounds, processes FROM calibration").to_pylist()
        assert len(rows) == 6
        assert all(row["stop_rule"] in ("rounds", "budget") and row["iterations"] >= 1 for row in rows)
        assert store.query("SELECT DISTINCT len(ns) AS m, len(cpu_ns) AS c FROM sample").to_pylist() == [
            {"m": 2, "c": 2}
        ]
        assert store.query("SELECT budget_s FROM run").to_pylist() == [{"budget_s": 3.0}]
        compared = store.query("SELECT DISTINCT compared, method, threshold FROM comparison").to_pylist()
        assert compared == [{"compared": 5, "method": 2, "threshold": 1.01}]


def test_the_rounds_of_each_experiment_of_a_run_end_with_its_share(
    content: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def nothing_left(_: BudgetClock, index: int, round_s: float, timed: int) -> float:
        asked.append(index)
        return 0.0

    monkeypatch.setattr(BudgetClock, "share", nothing_left)
    suite = suite_from_dict({**content, "experiment": [content["experiment"][0], {**content["experiment"][0]}]})
    settings = TimingSettings(
        processes=1, rounds=40, least_rounds=2, samples=2, target_sample_ns=2000, budget_s=3600, precision=0
    )
    with Store(None) as store:
        run_suite(suite, store, timing=settings)
        found = store.query("SELECT DISTINCT rounds, stop_rule FROM calibration").to_pylist()
    assert asked == [0, 1]
    assert found == [{"rounds": 2, "stop_rule": "budget"}]


def test_a_run_tells_the_clock_what_its_scans_took(content: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    clocks: list[BudgetClock] = []

    class Watched(BudgetClock):
        def __init__(self, budget_s: float | None, sizes: Sequence[ExperimentSize]) -> None:
            super().__init__(budget_s, sizes)
            clocks.append(self)

    monkeypatch.setattr("assay.harness.runner.BudgetClock", Watched)
    suite = suite_from_dict({**content, "experiment": content["experiment"] * 2})
    with Store(None) as store:
        run_suite(suite, store, timing=TimingSettings.off())
    [clock] = clocks
    assert clock._scan is None and clock._scan_s > 0
    assert clock._scanned == sum(size.scanned for size in clock._sizes) > 0


def test_processes_one_after_the_other_time_all_metrics_also_where_those_before_differ(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = TimingSettings(processes=3, rounds=25, samples=1, target_sample_ns=1, single_operations=0)
    rounds = _Rounds(settings, 3, None, lambda _: None)
    for process in range(3):
        other = 1000 * (1 + process)  # beside a baseline of 1000: what the processes do not agree on
        durations: dict[str, Callable[[int], int]] = {
            "a/x_ns": lambda n: 1000 + n % 7,
            "b/x_ns": lambda n, other=other: other + n % 7,  # type: ignore[misc]
            "a/y_ns": lambda _: 1000,
            "b/y_ns": lambda _: 1000,
        }
        rounds.run([_Here(kernels(monkeypatch, durations))], process)
    assert rounds.stops["x_ns"] == "processes"
    assert {sample.process for sample in rounds.samples if sample.metric == "y_ns"} == {0, 1, 2}
