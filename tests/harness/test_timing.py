"""Timing: fresh processes, interleaved rounds, a noise floor, and errors that stay with their cell."""

from __future__ import annotations

import os
from typing import Any

import pytest

from assay.errors import ParameterError
from assay.experiments.base import Timer
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.harness.kernels import Kernels, calibrated_iterations
from assay.harness.records import SampleRecord
from assay.harness.timing import round_order, time_job, time_kernels
from assay.harness.timing_summary import BASELINE_COPY, summarise
from assay.store import Store

FAST = TimingSettings(processes=1, rounds=5, samples=2, target_sample_ns=2000, seconds=5)


def sample(
    cell: str, process: int, number: int, ns: float, label: str = "a", metric: str = "modulo_ns"
) -> SampleRecord:
    return SampleRecord(cell, metric, process, number, 0, label, ns, ns, ns, 5, 1, 1)


def test_samples_are_interleaved_in_a_seeded_order() -> None:
    orders = [round_order(6, 1, 0, number) for number in range(20)]
    assert all(sorted(order) == list(range(6)) for order in orders)
    assert len({tuple(order) for order in orders}) > 10
    assert orders == [round_order(6, 1, 0, number) for number in range(20)]
    assert round_order(6, 1, 1, 0) != orders[0] or round_order(6, 2, 0, 0) != orders[0]


def test_every_kernel_runs_once_a_round_and_each_baseline_twice() -> None:
    timers = [Timer(cell, metric, lambda: None, 1) for metric in ("x_ns", "y_ns") for cell in ("c1", "c2", "c3")]
    timing = time_kernels(Kernels(timers), FAST, {}, seed=0)
    samples = timing.samples
    assert not timing.failures
    for number in range(FAST.rounds):
        found = sorted((s.metric, s.cell_id, s.label) for s in samples if s.round == number)
        expected = [(m, c, "a") for m in ("x_ns", "y_ns") for c in ("c1", "c2", "c3")]
        expected += [(m, "c1", BASELINE_COPY) for m in ("x_ns", "y_ns")]
        assert found == sorted(expected)
        assert sorted(s.position for s in samples if s.round == number) == list(range(8))
    assert all(0 < s.ns_min <= s.ns_median <= s.ns_max and s.process == 0 for s in samples)
    assert all((min(s.ns), max(s.ns), len(s.ns), len(s.cpu_ns)) == (s.ns_min, s.ns_max, 2, 2) for s in samples)


def test_calibration_aims_at_the_length_of_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    # A clock that a kernel of 100 ns drives by itself: 5000 ns need 50 calls.
    now = [0]
    monkeypatch.setattr("assay.harness.kernels.time.perf_counter_ns", lambda: now[0])

    def call() -> None:
        now[0] += 100

    calls, sample_ns = calibrated_iterations(Timer("c", "x_ns", call, 10), 5000)
    assert 50 <= calls <= 60
    assert sample_ns == 100 * calls


def test_a_kernel_that_raises_fails_its_own_cell_only() -> None:
    calls = iter(range(10**9))

    def fails_late() -> None:
        if next(calls) > 200:
            raise ValueError("late")

    def fails_at_once() -> None:
        raise ValueError("at once")

    timers = [
        Timer("ok", "x_ns", lambda: None, 1),
        Timer("late", "x_ns", fails_late, 1),
        Timer("no", "x_ns", fails_at_once, 1),
    ]
    timing = time_kernels(Kernels(timers), FAST, {}, seed=0)
    assert timing.failures == {"late": "ValueError: late", "no": "ValueError: at once"}
    assert {s.cell_id for s in timing.samples} == {"ok"}


def test_values_ratios_and_floor_come_from_the_samples() -> None:
    samples = []
    for process in range(3):
        for number in range(8):
            base = 100.0 + process + number
            samples += [sample("base", process, number, base), sample("base", process, number, base, BASELINE_COPY)]
            samples += [sample("slow", process, number, 2 * base), sample("same", process, number, base)]
    timing = summarise(samples, {}, {}, TimingSettings(rounds=8), seed=0)
    values = {value.cell_id: value for value in timing.values}
    assert values["base"].value == 104.5  # the median of 100..107, 101..108, 102..109
    assert values["base"].note is None
    ratios = {row.cell_id: row for row in timing.comparisons}
    assert set(ratios) == {"slow", "same"}
    assert ratios["slow"].ratio == pytest.approx(2, rel=1e-12) and ratios["slow"].verdict == "worse"
    assert (ratios["same"].ratio, ratios["same"].noise_floor, ratios["same"].verdict) == (1.0, 1.0, "same")
    assert (ratios["slow"].processes, ratios["slow"].rounds) == (3, 24)


def test_few_processes_and_few_rounds_are_said_aloud() -> None:
    samples = [sample("c", 0, number, 10.0) for number in range(6)]
    [value] = summarise(samples, {}, {}, TimingSettings(rounds=30), seed=0, stops={"modulo_ns": "time"}).values
    assert value.note == "within 1 process only; stopped by time after 6 of 30 rounds"


def test_a_run_times_its_cells_and_keeps_the_samples(content: dict[str, Any]) -> None:
    with Store(None) as store:
        settings = TimingSettings(processes=2, rounds=5, samples=2, target_sample_ns=20_000)
        outcome = run_suite(suite_from_dict(content), store, timing=settings)
        assert outcome.exit_code == 0
        rows = store.query("SELECT * FROM result WHERE metric = 'modulo_ns'").to_pylist()
        assert len(rows) == 6
        assert all(0 < row["low"] <= row["value"] <= row["high"] for row in rows)
        assert all(row["kind"] == "timed" and "within 2 processes only" in row["note"] for row in rows)
        summary = store.query("SELECT label, processes, rounds FROM timed_summary").to_pylist()
        assert sorted(row["label"] for row in summary) == ["a"] * 6 + ["a/a"]
        assert all((row["processes"], row["rounds"]) == (2, 10) for row in summary)
        compared = store.query("SELECT * FROM timed_comparison").to_pylist()
        assert len(compared) == 5
        assert {row["baseline"] for row in compared} == {"modulo(4)"}
        assert all(
            row["noise_floor"] >= 1 and row["verdict"] in ("better", "worse", "same", "unclear") for row in compared
        )


def test_a_failed_timer_keeps_the_exact_metrics_of_its_cell(content: dict[str, Any]) -> None:
    content["experiment"][0] |= {"fault": "timer", "shift": 0}
    with Store(None) as store:
        outcome = run_suite(suite_from_dict(content), store, timing=FAST)
        assert outcome.exit_code == 3
        failures = store.query("SELECT contender, error FROM failure").to_pylist()
        assert failures == [{"contender": "modulo(4)", "error": "ArithmeticError: the kernel of 4 is wrong"}]
        rows = store.query("SELECT contender, metric FROM result").to_pylist()
        assert {row["contender"] for row in rows if row["metric"] == "modulo_ns"} == {"modulo(7)", "modulo(10)"}
        assert {row["contender"] for row in rows if row["metric"] == "rows_max"} == {
            "modulo(4)",
            "modulo(7)",
            "modulo(10)",
        }


def test_kernels_that_only_this_process_can_build_are_timed_here(content: dict[str, Any]) -> None:
    content["experiment"][0]["fault"] = "unknown_elsewhere"
    experiment = suite_from_dict(content).experiments[0]
    settings = TimingSettings(processes=3, rounds=5, samples=2, target_sample_ns=2000)
    timing = time_job(experiment.job, [b"1"], experiment.experiment.metrics, settings, seed=0)
    assert not timing.failures
    assert {value.note for value in timing.values} == {"within 1 process only"}
    assert len(timing.values) == 6


def test_a_timing_process_that_dies_fails_the_cells_and_not_the_run(content: dict[str, Any]) -> None:
    content["experiment"][0]["fault"] = "timer_exit"
    experiment = suite_from_dict(content).experiments[0]
    timing = time_job(experiment.job, [b"1"], experiment.experiment.metrics, FAST, seed=0)
    assert set(timing.failures) == {cell.cell_id for cell in experiment.cells}
    assert set(timing.failures.values()) == {"the timing process ended with status 9"}


@pytest.mark.parametrize("change", [{"processes": 0}, {"rounds": 0}, {"seconds": 0}, {"samples": -1}])
def test_settings_outside_their_bounds_are_refused(change: dict[str, int]) -> None:
    [name] = change
    with pytest.raises(ParameterError, match=f"timing.{name} is {change[name]}; expected"):
        TimingSettings(**change)  # type: ignore[arg-type]


def test_the_environment_is_known_by_what_is_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.harness.environment import environment_facts, environment_id

    first = environment_facts()
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 1.0, 1.0))
    second = environment_facts()
    assert second["load_1m_before"] == 99.0
    assert environment_id(first) == environment_id(second)
    assert environment_id({**first, "kernel": "another"}) != environment_id(first)
    assert {"cpu_architecture", "cores", "python", "packages", "assay"} <= first.keys()
