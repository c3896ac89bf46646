"""Kernels that change what they work on: taken back outside of the clock, and called as rarely as they say."""

from __future__ import annotations

import time
from typing import Any, ClassVar

import pytest

from assay.experiments.base import Timer
from assay.harness import timing
from assay.harness.kernels import Kernels


class Shelf:
    """Counts what is put on it and taken off."""

    def __init__(self) -> None:
        self.there = 0
        self.most = 0
        self.samples = 0

    def put(self) -> None:
        self.there += 1
        self.most = max(self.most, self.there)

    def clear(self) -> None:
        self.there = 0
        self.samples += 1


def test_what_a_sample_has_done_is_taken_back_before_the_next() -> None:
    shelf = Shelf()
    kernels = Kernels([Timer("cell", "put_ns", shelf.put, 1, undo=shelf.clear, calls=7)])
    found = kernels.calibrate(10_000_000)
    assert found.iterations == [7], "no more calls than it says, however short they are"
    kernels.round([0], samples=4)
    assert shelf.there == 0
    assert shelf.most == 7


def test_a_slow_kernel_gives_fewer_samples_in_a_round() -> None:
    shelf = Shelf()
    kernels = Kernels([Timer("cell", "put_ns", shelf.put, 1, undo=shelf.clear, samples=2, calls=1)])
    kernels.calibrate(1)
    shelf.samples = 0
    result = kernels.round([0], samples=10)
    assert len(result.ns[0]) == shelf.samples == 2


def test_a_warm_up_with_known_calls_is_taken_back_too() -> None:
    shelf = Shelf()
    kernels = Kernels([Timer("cell", "put_ns", shelf.put, 1, undo=shelf.clear)])
    kernels.calibrate(1, [3])
    assert shelf.there == 0


def test_a_kernel_warms_up_for_its_time_before_the_samples_of_a_round() -> None:
    calls = []
    timer = Timer("cell", "put_ns", lambda: calls.append(time.perf_counter_ns()), 1, calls=2, warm_up_ns=3_000_000)
    kernels = Kernels([timer])
    kernels.calibrate(1, [2])
    calls.clear()
    result = kernels.round([0], samples=4)
    assert len(result.ns[0]) == 4
    assert calls[-8] - calls[0] >= 2_000_000, "eight calls are the samples, what comes before them warms up"


class Sized:
    """A job without kernels that says how much it would hold."""

    cells: ClassVar[list[Any]] = []

    def __init__(self, size: int) -> None:
        self.size = size

    def timed_bytes(self, learned: Any) -> int:
        return self.size

    def timers(self, learned: Any) -> list[Timer]:
        return []


@pytest.mark.parametrize(("size", "at_once"), [(1 << 20, 3), (2 << 30, 1)])
def test_processes_that_would_hold_too_much_live_one_after_another(
    monkeypatch: pytest.MonkeyPatch, size: int, at_once: int
) -> None:
    lives: list[int] = []
    monkeypatch.setattr(timing, "TimingProcess", lambda task: task)
    monkeypatch.setattr(timing._Rounds, "run", lambda self, processes, first: lives.append(len(processes)))
    job: Any = Sized(size)
    timing.time_job(job, [], {}, timing.TimingSettings(processes=3), seed=0)
    assert lives[0] == at_once
