"""Simulations of one trace, side by side: the core's queue of (policy, capacity, seed), each run once.

Cost: a request of a simulation takes the core some 2 to 40 ns, by policy; each running one holds a few bytes for every
distinct key of the trace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa

from assay import _core
from assay.caches.calling_off import called_off_by_interrupts
from assay.caches.policies import PolicySpec
from assay.errors import AssayError
from assay.experiments.caching.guards import Guard
from assay.experiments.caching.requests import Requests
from assay.experiments.caching.writes import Operations, WriteSetting

__all__ = ["Outcome", "Simulation", "Window", "core_trace", "refusal", "simulate"]

NO_GUARD = Guard()


@dataclass(frozen=True)
class Simulation:
    """One policy in a cache of one size."""

    text: str  # the policy's spelling
    name: str
    capacity: int
    counts_bytes: bool = False
    seed: int = 0
    writes: WriteSetting | None = None
    guard: Guard = NO_GUARD
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)  # as the spelling has them

    @classmethod
    def of(
        cls,
        spec: PolicySpec,
        capacity: int,
        counts_bytes: bool = False,
        seed: int = 0,
        writes: WriteSetting | None = None,
        guard: Guard = NO_GUARD,
    ) -> Simulation:
        """That of a spelled policy."""
        return cls(spec.text, spec.name, capacity, counts_bytes, seed, writes, guard, guard.of(spec))

    @property
    def task(self) -> tuple[str, dict[str, Any], int, bool, int]:
        """As the core takes it."""
        return self.name, dict(self.parameters), self.capacity, self.counts_bytes, self.seed


@dataclass(frozen=True)
class Window:
    """What came of some requests in a row."""

    requests: int
    hits: int
    bytes: int
    bytes_hit: int
    inserted: int
    evictions: int


@dataclass(frozen=True)
class Outcome:
    """What came of a simulation, window by window."""

    windows: Sequence[Window]
    counted: Mapping[str, Any] | None = None  # what a run with writes counts besides

    def _sum(self, name: str) -> int:
        return sum(getattr(window, name) for window in self.windows)

    @property
    def requests(self) -> int:
        """Requests of the trace."""
        return self._sum("requests")

    @property
    def hits(self) -> int:
        """Requests whose object was there."""
        return self._sum("hits")

    @property
    def misses(self) -> int:
        """Requests whose object was not there."""
        return self.requests - self.hits

    @property
    def evictions(self) -> int:
        """Objects that went to make room."""
        return self._sum("evictions")

    @property
    def miss_ratio(self) -> float:
        """Misses / requests."""
        return self.misses / self.requests

    @property
    def byte_miss_ratio(self) -> float | None:
        """The same of bytes; None where no request asks for any."""
        whole = self._sum("bytes")
        return (whole - self._sum("bytes_hit")) / whole if whole else None


def core_trace(requests: Requests, times: np.ndarray | None = None, lifetimes: np.ndarray | None = None) -> _core.Trace:
    """The requests as the core has them.

    Args:
        requests: The trace.
        times: When each comes (int64), else they are counted.
        lifetimes: How long the object of each is true (uint64), as the request says; 0 says nothing.
    """
    trace = _core.Trace()
    sizes = requests.sizes
    trace.append(requests.asked, None if sizes is None else pa.array(sizes))
    if times is not None:
        trace.set_times(pa.array(times))
    if lifetimes is not None:
        trace.set_lifetimes(pa.array(lifetimes))
    trace.finish()
    return trace


def simulate(
    requests: Requests,
    simulations: Sequence[Simulation],
    *,
    times: np.ndarray | None = None,
    lifetimes: np.ndarray | None = None,
    operations: Operations | None = None,
    windows: int = 1,
    threads: int | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Mapping[Simulation, Outcome | str]:
    """What comes of each simulation, or why it failed; one that is named twice is run once.

    Args:
        requests: The trace, at least one request.
        simulations: What is run.
        times: When each comes (int64), where objects are true for so long.
        lifetimes: How long the object of each is true (uint64), where requests say so.
        operations: What each request does, where some simulations have writes.
        windows: Into how many stretches of equally many requests each outcome is cut; the last may be shorter.
        threads: How many simulations run at once; by default as many as there are cores.
        on_progress: Told now and then of requests that were simulated since it was told last, over all simulations.
    """
    unique = list(dict.fromkeys(simulations))
    trace = core_trace(requests, times, lifetimes)
    plain = [one for one in unique if one.writes is None]
    found: dict[Simulation, Outcome | str] = {}
    if plain:
        length = math.ceil(len(requests) / windows)
        for one, numbers in zip(plain, _plain(trace, plain, length, threads, on_progress), strict=True):
            found[one] = Outcome([Window(*each) for each in numbers])
    groups: dict[tuple[WriteSetting, int], list[Simulation]] = {}
    for one in unique:
        if one.writes is not None:
            groups.setdefault((one.writes, one.seed), []).append(one)
    for (writes, seed), group in groups.items():
        assert operations is not None, "writes are known where they are simulated"
        try:
            tasks = [one.task for one in group]
            outcomes = writes.run(trace, operations, tasks, seed, threads=threads, on_progress=on_progress)
        except AssayError as error:
            found |= dict.fromkeys(group, str(error))
        else:
            for one, counted in zip(group, outcomes, strict=True):
                found[one] = Outcome([_whole(counted)], counted)
    return found


def _whole(counted: Mapping[str, Any]) -> Window:
    requests, hits = counted["requests"], counted["hits"]
    return Window(requests, hits, counted["bytes"], counted["bytes_hit"], requests - hits, counted["evictions"])


def _plain(
    trace: _core.Trace,
    simulations: Sequence[Simulation],
    length: int,
    threads: int | None,
    on_progress: Callable[[int], None],
) -> Sequence[Sequence[tuple[int, ...]]]:
    """What the core finds of each, in windows of so many requests; it is called off with an interrupt."""
    tasks = [one.task for one in simulations]
    return called_off_by_interrupts(
        lambda progress: _core.simulate_caches(trace, tasks, window=length, progress=progress, threads=threads),
        on_progress,
    )


@lru_cache(maxsize=1)
def _one_request() -> _core.Trace:
    trace = _core.Trace()
    trace.append(pa.array([0], pa.uint32()), pa.array([1], pa.uint64()))
    trace.set_lifetimes(pa.array([0], pa.uint64()))
    return trace


def refusal(simulation: Simulation) -> str | None:
    """Why the core does not build such a cache; None if it does."""
    try:
        _core.simulate_caches(_one_request(), [simulation.task], threads=1)
    except AssayError as error:
        return str(error)
    return None
