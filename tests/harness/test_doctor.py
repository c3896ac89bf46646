"""The doctor: findings with meanings, an answer from the noise floor, and what a bare system does not show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.errors import MeasurementError, ParameterError
from assay.harness import doctor, probes
from assay.harness.doctor import examine
from assay.harness.machine import Machine
from assay.harness.probes import Bandwidth, NoiseFloor, Use, noise_floors
from assay.harness.timing_settings import TimingSettings


def floor(kernel: str, ratio: float) -> NoiseFloor:
    return NoiseFloor(kernel, ratio, max(ratio, 1.01), 1.3, 1.5, 3, 90)


@pytest.fixture
def swift(monkeypatch: pytest.MonkeyPatch) -> list[NoiseFloor]:
    """Probes that measure nothing; the floors that are found are the test's to say."""
    floors = [floor("hash_cached_ns", 1.002), floor("hash_uncached_ns", 1.034)]
    monkeypatch.setattr(probes, "noise_floors", lambda settings, *, uncached: floors)
    monkeypatch.setattr(probes, "memory_bandwidth", lambda machine, *, seconds: Bandwidth(1 << 27, 8e9, 1.2e10))
    monkeypatch.setattr(probes, "watch_use", lambda machine, seconds: Use(seconds, 0.02, 0.0, 0))
    return floors


def test_the_answer_says_which_differences_can_be_trusted(swift: list[NoiseFloor]) -> None:
    assert examine().answer == (
        "Differences below 3.4 % cannot be told apart on this machine now; where the work stays in the cache, those "
        "below 1.0 %."
    )
    swift.pop()
    assert examine().answer == (
        "Differences of 1.0 % and more can be told apart on this machine now: its noise is 0.2 %, where the work stays "
        "in the cache; other work was not timed."
    )
    swift[:] = [floor("hash_cached_ns", 2.5)]
    assert examine().answer.startswith("Differences below a factor of 2.5 cannot be told apart on this machine now, ")


def test_each_finding_has_a_meaning_and_what_is_not_good_has_a_way_out(swift: list[NoiseFloor]) -> None:
    diagnosis = examine()
    names = [one.name for one in diagnosis.findings]
    assert names[:2] == ["noise_floor_cached", "noise_floor_uncached"] and len(names) == len(set(names))
    for one in diagnosis.findings:
        assert one.meaning and one.text, one.name
        assert bool(one.advice) == (one.state != "good"), one.name
    assert not diagnosis.failures


def test_a_system_without_files_leaves_out_what_it_does_not_show(swift: list[NoiseFloor], tmp_path: Path) -> None:
    diagnosis = examine(machine=Machine(tmp_path))
    assert {"frequency governor", "turbo", "hyper-threading", "virtualisation", "clock source"} <= set(diagnosis.hidden)
    assert not {"governor", "turbo", "smt", "virtualised", "clock_source"} & {one.name for one in diagnosis.findings}
    assert not diagnosis.failures, "what a system does not show is no failure"


def test_bad_conditions_are_called_so(swift: list[NoiseFloor], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, text in {
        "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave",
        "sys/devices/system/cpu/cpufreq/boost": "1",
        "sys/devices/system/cpu/smt/active": "1",
        "sys/devices/system/clocksource/clocksource0/current_clocksource": "hpet",
        "proc/self/cgroup": "0::/",
        "sys/fs/cgroup/cpu.max": "50000 100000",
    }.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.setattr(probes, "watch_use", lambda machine, seconds: Use(seconds, 0.8, 0.05, 3))
    monkeypatch.setattr(doctor, "load_1m", lambda: 1000.0)
    states = {one.name: one.state for one in examine(machine=Machine(tmp_path)).findings}
    poor = {name for name, state in states.items() if state == "poor"}
    assert {"load_1m", "busy_share", "steal_share", "throttled_periods", "clock_source"} <= poor
    assert all(states[name] == "note" for name in ("governor", "turbo", "smt", "cpu_limit_cores"))


def test_what_cannot_be_measured_is_told_and_the_rest_is_there(
    swift: list[NoiseFloor], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise MeasurementError("no timing process came to an end")

    monkeypatch.setattr(probes, "noise_floors", fail)
    diagnosis = examine()
    assert diagnosis.answer == "How noisy this machine is could not be measured."
    assert diagnosis.failures == ("noise floor: no timing process came to an end",)
    assert {"cores", "timer", "memory_bandwidth", "store_disk", "versions"} <= {one.name for one in diagnosis.findings}


def test_a_folder_that_is_yet_to_be_made_is_on_the_disk_of_its_parent(swift: list[NoiseFloor], tmp_path: Path) -> None:
    diagnosis = examine(store_folder=tmp_path / "a" / "b")
    (disk,) = [one for one in diagnosis.findings if one.name == "store_disk"]
    assert disk.value["free_bytes"] > 0 and not diagnosis.failures


def test_too_short_a_time_is_refused() -> None:
    with pytest.raises(ParameterError, match="seconds is 1; expected at least 2"):
        examine(seconds=1)


def test_the_noise_floor_is_that_of_timing_processes() -> None:
    settings = TimingSettings(processes=2, rounds=2, samples=2, target_sample_ns=50_000)
    (found,) = noise_floors(settings, uncached=False)
    assert (found.kernel, found.processes, found.rounds) == ("hash_cached_ns", 2, 4)
    assert found.bound >= found.floor >= 1.0 and found.bound >= 1.01
    assert found.single >= 1.0 and found.ns > 0


def test_the_clock_and_the_memory_are_measured(tmp_path: Path) -> None:
    clock = probes.probe_clock()
    assert clock.read_ns > 0 and clock.step_ns > 0 and clock.resolution_ns > 0
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemAvailable:    65536 kB\n", encoding="utf-8")
    speed = probes.memory_bandwidth(Machine(tmp_path), seconds=0.01)
    assert speed.array_bytes == 8 << 20, "an eighth of what is free"
    assert speed.copy > 0 and speed.sum > 0
