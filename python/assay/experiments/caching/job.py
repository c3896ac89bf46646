"""The folds of the experiment `caching`: the requests in order, collected once; then all simulations side by side.

A trace keeps its order, so that nothing of a simulation can be shared out by spans: the scan numbers the keys span by
span, and the simulations run in `finish`, taken from a queue by all cores.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from assay import _core
from assay.caches.operations import lifetimes, ticks
from assay.caches.traces import check_keys, sizes_of
from assay.datasets import Batch, Dataset, TraceRoles
from assay.errors import EmptyInputError
from assay.experiments.base import Cell, Findings, Lesson, Point, Timer, Value
from assay.experiments.caching.contests import Contest, measure, simulations_of
from assay.experiments.caching.curve_points import curve_values
from assay.experiments.caching.requests import RequestLog, Requests
from assay.experiments.caching.settings import CachingSettings
from assay.experiments.caching.simulating import Outcome, core_trace, refusal, simulate
from assay.experiments.caching.writes import Operations
from assay.experiments.distinct import numpy_of

__all__ = ["CachingJob"]

_TIMED_REQUESTS = 1_000_000  # of the first ones, in one call


@lru_cache(maxsize=2)
def _unpacked(learned: bytes) -> Requests:
    return Requests.unpack(learned)


def _requests(learned: Lesson | None) -> Requests:
    if isinstance(learned, Requests):
        return learned
    assert isinstance(learned, bytes), "requests are collected first, and travel as bytes"
    return _unpacked(learned)


@dataclass(frozen=True)
class CachingJob:
    """The policies and capacities to simulate on the requests of one trace."""

    dataset: Dataset
    contests: tuple[Contest, ...]
    roles: TraceRoles  # the trace's columns
    settings: CachingSettings
    stages: int = 2
    finish_steps: int = 100
    timed: bool = False  # what is asked is how often a policy misses; --timing tells what the simulation costs

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each policy, capacity and order of the requests."""
        return [contest.cell for contest in self.contests]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """No metric's name has a variable part."""
        return {}

    def columns(self, stage: int) -> Sequence[str]:
        """The columns of keys and sizes."""
        return [name for name in (self.roles.key, self.roles.size) if name is not None]

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """The trace is read once."""
        return stage == 0

    def start(self, stage: int, learned: Lesson | None) -> RequestLog:
        """A log without requests."""
        return RequestLog()

    def update(self, state: RequestLog, batch: Batch) -> None:
        """Appends the requests of a batch."""
        key, size = self.roles.key, self.roles.size
        keys, columns = batch.data.column(key), {}
        check_keys(keys, key, self.dataset, batch.first_row)
        if size is not None:
            columns["size"] = numpy_of(sizes_of(batch.data.column(size), size, self.dataset, batch.first_row))
        state.add(keys, columns)

    def merge(self, state: RequestLog, other: RequestLog) -> RequestLog:
        """Both, one after the other."""
        state.absorb(other)
        return state

    def pack(self, state: RequestLog) -> bytes:
        """The log as bytes."""
        return state.pack()

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> RequestLog:
        """The log that was packed."""
        return RequestLog.unpack(packed)

    def learn(self, stage: int, state: RequestLog) -> Requests:
        """All requests, in order."""
        return state.finish()

    def finish(self, learned: Sequence[Lesson], state: Any) -> Findings:
        """Every simulation.

        Raises:
            EmptyInputError: The trace has no requests.
        """
        return self.finish_in_steps(learned, state, lambda _: None)

    def finish_in_steps(self, learned: Sequence[Lesson], state: Any, on_progress: Callable[[float], None]) -> Findings:
        """The same; `on_progress` is told of the share that is done, from 0 to 1."""
        stored = _requests(learned[0])
        if not len(stored):
            raise EmptyInputError(f"{self.dataset.name} has no rows; there is no request to replay")
        roles = self.roles
        with_writes = any(contest.writes is not None for contest in self.contests)
        times = None
        expiring = any(contest.guard.ttl is not None for contest in self.contests)
        if roles.time is not None and (with_writes or expiring):
            times = numpy_of(ticks(self.dataset, roles.time))
        said = self._lifetimes()
        done_before = None if not with_writes else Operations.of(self.dataset, str(roles.op), times)
        values: list[Value] = []
        points: list[Point] = []
        failures: dict[str, str] = {}
        orders = self.settings.orders
        for place, order in enumerate(orders):
            requests, operations, lasting = stored, done_before, said
            if order == "shuffled":
                drawn = stored.drawn_order(self.settings.seed)
                requests = stored.in_order(drawn)
                operations = None if done_before is None else done_before.in_order(drawn)
                lasting = None if said is None else said[drawn]
            contests = [contest for contest in self.contests if contest.order == order]
            runs = {contest.cell.cell_id: simulations_of(contest, requests, self.settings) for contest in contests}
            refused = {run: why for own in runs.values() for run in own.all if (why := refusal(run)) is not None}
            simulations = [run for own in runs.values() for run in own.all if run not in refused]
            whole = len(requests) * max(1, len(set(simulations)))
            done = 0

            def told(more: int, place: int = place, whole: int = whole) -> None:
                nonlocal done
                done += more
                on_progress((place + done / whole) / len(orders))

            found: dict[Any, Outcome | str] = {**refused}
            found |= simulate(
                requests,
                simulations,
                times=times if expiring else None,
                lifetimes=lasting,
                operations=operations,
                windows=self.settings.windows,
                on_progress=told,
            )
            for contest in contests:
                own = runs[contest.cell.cell_id]
                failed = next((text for run in own.all if isinstance(text := found[run], str)), None)
                if failed is not None:
                    failures[contest.cell.cell_id] = failed
                    continue
                outcomes = {run: outcome for run in own.all if isinstance(outcome := found[run], Outcome)}
                numbers, series = measure(contest, own, outcomes, requests, self.settings)
                values += numbers
                points += series
        values += curve_values(self.contests, values)
        return Findings(values, points, failures, len(stored))

    def _lifetimes(self) -> np.ndarray | None:
        """How long the objects of requests are true (uint64), where a column says so."""
        column = next((one for contest in self.contests if isinstance(one := contest.guard.ttl, str)), None)
        return None if column is None else numpy_of(lifetimes(self.dataset, column))

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """Every simulation of the first requests, on one thread; of one order, as the work is the same."""
        whole = _requests(learned[0])
        first = whole.first(_TIMED_REQUESTS)
        said = self._lifetimes()
        trace = core_trace(first, lifetimes=None if said is None else said[:_TIMED_REQUESTS])
        timers = []
        for contest in self.contests:
            if contest.order != self.settings.orders[0] or contest.writes is not None:
                continue
            run = simulations_of(contest, whole, self.settings).own[0]
            if refusal(run) is not None:
                continue  # it has failed in `finish`, with its reason
            call = _simulation(trace, run.task)
            timers.append(Timer(contest.cell.cell_id, "simulate_ns", call, len(first)))
        return timers


def _simulation(trace: _core.Trace, task: Any) -> Callable[[], object]:
    return lambda: _core.simulate_caches(trace, [task], threads=1)
