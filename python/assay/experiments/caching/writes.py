"""Runs with writes: a write scheme in front of a cache, others who change the origin, crashes, and modelled latencies.

What is simulated, `assay.caches` says; here a scheme is a point of the grid beside the capacity. Cost: about two calls
of the policy a request, on top of one more scan of the columns of operations and times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields
from typing import Any

import numpy as np
import pyarrow as pa

from assay import _core
from assay.caches.calling_off import called_off_by_interrupts
from assay.caches.operations import operation_codes
from assay.caches.write_schemes import Costs, SchemeSpec, parse_coherence, parse_write_scheme
from assay.datasets import Dataset
from assay.errors import AssayError, ParameterError, UnknownNameError
from assay.experiments.base import Value
from assay.experiments.caching.spreads import spread
from assay.experiments.distinct import numpy_of

__all__ = ["Operations", "WriteSetting", "write_settings", "write_values"]

_COUNTED = ("origin_reads", "origin_writes", "writes_coalesced", "flushes", "dirty_max", "lost_updates", "stale_reads")
_LATENCIES = {
    "modelled_latency_mean": ("latency", 0),
    "modelled_latency_p99": ("latency", 3),
    "modelled_read_latency_mean": ("read_latency", 0),
    "modelled_write_latency_mean": ("write_latency", 0),
}


@dataclass(frozen=True)
class WriteSetting:
    """A write scheme with all that its run depends on, beside trace, policy and capacity."""

    scheme: str  # as it was spelled, without blanks
    coherence: str
    foreign_writes: float
    crashes: int | None
    costs: tuple[tuple[str, float], ...]  # by name
    specs: tuple[SchemeSpec, SchemeSpec] = field(compare=False, repr=False)

    @property
    def draws(self) -> bool:
        """Whether another seed gives other numbers: others write, instants are drawn, or messages are lost."""
        return bool(self.foreign_writes or self.crashes is not None or self.specs[1].parameters.get("loss"))

    @property
    def parameters(self) -> dict[str, Any]:
        """What makes the cell."""
        named = {"write": self.scheme, "coherence": self.coherence, "foreign_writes": self.foreign_writes}
        more = {"crashes": self.crashes, "costs": dict(self.costs) or None}
        return named | {name: value for name, value in more.items() if value is not None}

    def run(
        self,
        trace: _core.Trace,
        operations: Operations,
        tasks: Sequence[Any],
        seed: int,
        *,
        threads: int | None = None,
        on_progress: Callable[[int], None] = lambda _: None,
    ) -> Sequence[Mapping[str, Any]]:
        """What is counted of each task; `on_progress` is told now and then of requests that were simulated since.

        Raises:
            MeasurementError: A promise of the scheme was broken.
        """
        scheme, coherence = self.specs
        return called_off_by_interrupts(
            lambda progress: _core.simulate_writes(
                trace,
                list(tasks),
                operations=pa.array(operations.codes),
                times=None if operations.times is None else pa.array(operations.times),
                write=(scheme.name, dict(scheme.parameters)),
                coherence=(coherence.name, dict(coherence.parameters)),
                foreign=(float(self.foreign_writes), False, False),
                crashes=self.crashes,
                costs=Costs(**dict(self.costs)).numbers if self.costs else None,
                seed=seed,
                progress=progress,
                threads=threads,
            ),
            on_progress,
        )


@dataclass(frozen=True)
class Operations:
    """What each request does, and when."""

    codes: np.ndarray  # uint8, as the core numbers them
    times: np.ndarray | None  # int64

    @classmethod
    def of(cls, dataset: Dataset, op: str, times: np.ndarray | None) -> Operations:
        """Those of a trace; raises as `assay.simulate_cache` does."""
        return cls(numpy_of(operation_codes(dataset, op)), times)

    def in_order(self, order: np.ndarray) -> Operations:
        """The same operations in another order, at the times at which some were done before."""
        return Operations(self.codes[order], self.times)


def write_settings(settings: Any, mistakes: list[tuple[str, AssayError]]) -> list[WriteSetting | None]:
    """The grid of write schemes and kinds of coherence; only None where no scheme was asked for."""
    if not settings.writes:
        return [None]
    costs = tuple(sorted((settings.costs or {}).items()))
    parsed: dict[str, list[SchemeSpec]] = {"write": [], "coherence": []}
    given = {"write": settings.writes, "coherence": settings.coherences}
    for name, parse in (("write", parse_write_scheme), ("coherence", parse_coherence)):
        for place, text in enumerate(given[name]):
            try:
                parsed[name].append(parse(text))
            except AssayError as error:
                mistakes.append((f"{name}[{place}]" if len(given[name]) > 1 else name, error))
    if costs and (mistake := _mistake_of(dict(costs))) is not None:
        mistakes.append(("costs", mistake))
    return [
        WriteSetting(scheme.text, kind.text, settings.foreign_writes, settings.crashes, costs, (scheme, kind))
        for scheme in parsed["write"]
        for kind in parsed["coherence"]
    ]


def _mistake_of(costs: Mapping[str, float]) -> AssayError | None:
    """What is wrong with the names of costs; their bounds are those of the setting."""
    known = [one.name for one in fields(Costs)]
    unknown = next((name for name in costs if name not in known), None)
    if unknown is not None:
        return UnknownNameError.of("cost", unknown, known)
    missing = [one.name for one in fields(Costs) if one.default is MISSING and one.name not in costs]
    if missing:
        given = ", ".join(f"{name} = {value:g}" for name, value in costs.items())
        return ParameterError(
            f"costs has no {' and no '.join(missing)}, only {given}; expected hit, origin_read and origin_write, and "
            "where wanted flush and version_check"
        )
    return None


def write_values(cell_id: str, counted: Sequence[Mapping[str, Any]]) -> list[Value]:
    """The values that only a run with writes has, from what was counted for each seed."""

    def each(name: str) -> list[float | None]:
        return [one[name] for one in counted]

    def over(part: str, whole: str) -> list[float | None]:
        return [one[part] / one[whole] if one[whole] else None for one in counted]

    values = [spread(cell_id, name, each(name)) for name in _COUNTED]
    reads = [1 - one["read_hits"] / one["reads"] if one["reads"] else None for one in counted]
    asked = [one["writes"] + one["deletes"] for one in counted]
    sent = [one["origin_writes"] / all_ if all_ else None for one, all_ in zip(counted, asked, strict=True)]
    values += [
        spread(cell_id, "read_miss_ratio", reads, "nothing is read"),
        spread(cell_id, "stale_read_share", over("stale_reads", "reads"), "nothing is read"),
        spread(cell_id, "write_amplification", sent, "nothing is written"),
        _lost(cell_id, counted),
    ]
    for name, (whose, place) in _LATENCIES.items():
        if all(one[whose] is not None for one in counted):  # costs were given, and something waited for
            values.append(spread(cell_id, name, [one[whose][place] for one in counted]))
    return values


def _lost(cell_id: str, counted: Sequence[Mapping[str, Any]]) -> Value:
    """Over all instants of all seeds: the mean, the fewest, the most."""
    mean = sum(one["lost_writes"] for one in counted) / len(counted)
    fewest = min(one["lost_writes_min"] for one in counted)
    most = max(one["lost_writes_max"] for one in counted)
    instants = sum(one["crashes"] for one in counted)
    return Value(cell_id, "lost_writes", mean, fewest, most, f"mean over {instants:,} instants of a crash")
