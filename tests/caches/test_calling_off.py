"""Simulations end when they are called off, and tell how far they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from assay import _core
from assay.caches.calling_off import called_off_by_interrupts
from assay.caches.traces import read_trace

TRACE = read_trace(pa.table({"key": [1, 2, 3, 1]}))
TASKS: list[Any] = [("lru", {}, 2, False, 0), ("fifo", {}, 1, False, 0)]


def plain(progress: _core.SimulationProgress) -> int:
    return sum(len(windows) for windows in _core.simulate_caches(TRACE, TASKS, progress=progress, threads=1))


def writes(progress: _core.SimulationProgress) -> int:
    found = _core.simulate_writes(
        TRACE,
        TASKS,
        operations=pa.array([0, 1, 1, 0], pa.uint8()),
        times=None,
        write=("write_back", {}),
        coherence=("none", {}),
        foreign=(0.0, False, False),
        crashes=None,
        costs=None,
        seed=0,
        progress=progress,
        threads=1,
    )
    return len(found)


def by_key(progress: _core.SimulationProgress) -> int:
    return sum(misses > 0 for misses, _bytes, _squares in _core.misses_by_key(TRACE, TASKS, progress=progress))


@pytest.mark.parametrize("simulate", [plain, writes, by_key])
def test_all_requests_of_all_simulations_are_told_of(simulate: Callable[[_core.SimulationProgress], int]) -> None:
    told: list[int] = []
    assert called_off_by_interrupts(simulate, told.append) == len(TASKS)
    assert sum(told) == len(TASKS) * len(TRACE)


@pytest.mark.parametrize("simulate", [plain, writes, by_key])
def test_an_interrupt_ends_what_runs_before_it_is_passed_on(
    simulate: Callable[[_core.SimulationProgress], int],
) -> None:
    ended = []

    def for_ever(progress: _core.SimulationProgress) -> None:
        while simulate(progress):
            pass
        ended.append(simulate)

    def interrupt(_requests: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        called_off_by_interrupts(for_ever, interrupt)
    assert ended == [simulate]


def test_what_the_core_raises_is_passed_on() -> None:
    def refused(progress: _core.SimulationProgress) -> int:
        return len(_core.simulate_caches(TRACE, [("lru", {}, 0, False, 0)], progress=progress))

    with pytest.raises(ValueError, match="capacity is 0"):
        called_off_by_interrupts(refused)
