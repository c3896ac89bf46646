"""Simulations of one trace, side by side: the core's queue of (policy, capacity, seed), each run once.

Cost: a request of a simulation takes the core some 2 to 40 ns, by policy; each running one holds a few bytes for every
distinct key of the trace.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pyarrow as pa

from assay import _core
from assay.caches.policies import PolicySpec
from assay.errors import AssayError
from assay.experiments.caching.requests import Requests

__all__ = ["Outcome", "Simulation", "Window", "core_trace", "refusal", "simulate"]

_TOLD_EVERY_S = 0.1


@dataclass(frozen=True)
class Simulation:
    """One policy in a cache of one size."""

    text: str  # the policy's spelling
    name: str
    capacity: int
    counts_bytes: bool = False
    seed: int = 0
    parameters: Mapping[str, Any] = field(default_factory=dict, compare=False)  # as the spelling has them

    @classmethod
    def of(cls, spec: PolicySpec, capacity: int, counts_bytes: bool = False, seed: int = 0) -> Simulation:
        """That of a spelled policy."""
        return cls(spec.text, spec.name, capacity, counts_bytes, seed, spec.parameters)

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


def core_trace(requests: Requests) -> _core.Trace:
    """The requests as the core has them."""
    trace = _core.Trace()
    sizes = requests.sizes
    trace.append(pa.array(requests.columns["id"]), None if sizes is None else pa.array(sizes))
    trace.finish()
    return trace


def simulate(
    requests: Requests,
    simulations: Sequence[Simulation],
    *,
    windows: int = 1,
    threads: int | None = None,
    on_progress: Callable[[int], None] = lambda _: None,
) -> Mapping[Simulation, Outcome]:
    """What comes of each simulation; one that is named twice is run once.

    Args:
        requests: The trace, at least one request.
        simulations: What is run.
        windows: Into how many stretches of equally many requests each outcome is cut; the last may be shorter.
        threads: How many simulations run at once; by default as many as there are cores.
        on_progress: Told now and then of requests that were simulated since it was told last, over all simulations.
    """
    unique = list(dict.fromkeys(simulations))
    trace = core_trace(requests)
    progress = _core.SimulationProgress()
    told = 0
    length = math.ceil(len(requests) / windows)
    with ThreadPoolExecutor(1, thread_name_prefix="assay-caches") as pool:
        future = pool.submit(
            _core.simulate_caches,
            trace,
            [one.task for one in unique],
            window=length,
            progress=progress,
            threads=threads,
        )
        try:
            while True:
                try:
                    found = future.result(timeout=_TOLD_EVERY_S)
                    break
                except NotYet:
                    done = progress.done
                    on_progress(done - told)
                    told = done
        except BaseException:
            progress.stop()
            raise
    on_progress(len(requests) * len(unique) - told)
    return {
        one: Outcome([Window(*numbers) for numbers in windows_of])
        for one, windows_of in zip(unique, found, strict=True)
    }


@lru_cache(maxsize=1)
def _one_request() -> _core.Trace:
    trace = _core.Trace()
    trace.append(pa.array([0], pa.uint32()), pa.array([1], pa.uint64()))
    return trace


def refusal(simulation: Simulation) -> str | None:
    """Why the core does not build such a cache; None if it does."""
    try:
        _core.simulate_caches(_one_request(), [simulation.task], threads=1)
    except AssayError as error:
        return str(error)
    return None
