"""Writes in front of a cache: when they reach the origin, what a crash loses, and what is stale when others write.

A write scheme is spelled `write_through`, `write_around` or `write_back(flush_interval=60)`, and how the cache learns
of others' writes `none`, `ttl(duration=60)`, `invalidation(delay=2, loss=0.01)` or `version_check`: the catalogue's
rooms `write_scheme` and `coherence`. Latencies are modelled: what a request waited for, times your costs. METHODOLOGY,
"Write schemes", says what is modelled and what is not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.caches.calling_off import called_off_by_interrupts
from assay.caches.operations import operation_codes, ticks
from assay.catalogue import contenders, find
from assay.checks import UINT64_HIGH, integer, number
from assay.datasets import Dataset
from assay.datasets.spelling import parse_nested, without_blanks
from assay.errors import DataError, ParameterError, SpellingError

__all__ = ["WRITE_COLUMNS", "Costs", "ForeignWrites", "SchemeSpec", "parse_coherence", "parse_write_scheme"]

_MOST = 1e15
_COUNTED = (
    *("reads", "read_hits", "writes", "deletes", "writes_through", "writes_coalesced", "writes_superseded", "flushes"),
    *("flushes_by_eviction", "flushes_by_expiry", "flushes_by_limit", "flushes_by_interval", "flushes_at_end"),
    *("dirty_max", "dirty_left", "lost_updates", "foreign_writes", "invalidations", "messages_lost", "expirations"),
    *("version_checks", "crashes", "lost_writes_min", "lost_writes_max"),
)
_LOST = ("lost_objects",)
_BYTES = ("bytes_written", "bytes_from_origin", "bytes_to_origin")
_RATIOS = ("read_miss_ratio", "stale_read_ratio", "write_amplification")
_LATENCIES = {
    f"modelled_{whose}_{of}": (whose, place)
    for whose in ("latency", "read_latency", "write_latency")
    for place, of in enumerate(("mean", "p50", "p90", "p99", "p99_9", "max"))
}

# What a result has beside the columns of a run without writes.
WRITE_COLUMNS: Sequence[pa.Field] = (
    pa.field("write", pa.string(), nullable=False),
    pa.field("coherence", pa.string(), nullable=False),
    *(pa.field(name, pa.uint64(), nullable=False) for name in _COUNTED),
    *(pa.field(name, pa.float64(), nullable=False) for name in _LOST),
    *(pa.field(name, pa.uint64()) for name in _BYTES),
    *(pa.field(name, pa.float64()) for name in (*_RATIOS, *_LATENCIES)),
)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What things cost, all in one unit of your own: milliseconds, say.

    Attributes:
        hit: Asking the cache, which every request does.
        origin_read: A read of the origin, which every miss of a read waits for.
        origin_write: A write or deletion that a request waits for.
        flush: A flush that a request waits for, as room is made or the dirty limit kept; as `origin_write` by default.
        version_check: Asking the origin for a version; as `origin_read` by default.

    Raises:
        ParameterError: One is negative or no number.
    """

    hit: float
    origin_read: float
    origin_write: float
    flush: float | None = None
    version_check: float | None = None

    def __post_init__(self) -> None:
        for name in ("hit", "origin_read", "origin_write", "flush", "version_check"):
            value = getattr(self, name)
            if value is not None or name in ("hit", "origin_read", "origin_write"):
                number(f"Costs.{name}", value, 0, _MOST)

    @property
    def numbers(self) -> tuple[float, float, float, float, float]:
        """All of them, defaults included."""
        flush = self.origin_write if self.flush is None else self.flush
        check = self.origin_read if self.version_check is None else self.version_check
        return float(self.hit), float(self.origin_read), float(self.origin_write), float(flush), float(check)


@dataclass(frozen=True, kw_only=True)
class ForeignWrites:
    """How others write to the origin, past the cache: at a rate, or where the trace says so.

    Attributes:
        rate: Expected foreign writes for each request, or for each unit of the trace's time; seeded.
        per: Which of both.
        keys: Which objects: `popularity` draws rows of the trace, `uniform` its distinct keys.
        column: A column of true and false: rows that are true are asked by others. Such a row is no request.

    Raises:
        ParameterError: The rate is negative or no number, or a name is none of these.
    """

    rate: float = 0.0
    per: Literal["request", "time"] = "request"
    keys: Literal["popularity", "uniform"] = "popularity"
    column: str | None = None

    def __post_init__(self) -> None:
        number("ForeignWrites.rate", self.rate, 0, _MOST)
        for name, allowed in (("per", ("request", "time")), ("keys", ("popularity", "uniform"))):
            if getattr(self, name) not in allowed:
                raise ParameterError(
                    f"ForeignWrites.{name} is {getattr(self, name)!r}; expected {' or '.join(map(repr, allowed))}"
                )

    @classmethod
    def of(cls, given: ForeignWrites | float | str | None) -> ForeignWrites:
        """What was given: a number is a rate for each request, a text the name of a column.

        Raises:
            ParameterError: It is none of these.
        """
        if given is None:
            return cls()
        if isinstance(given, ForeignWrites):
            return given
        if isinstance(given, str):
            return cls(column=given)
        return cls(
            rate=number(
                "foreign",
                given,
                0,
                _MOST,
                "a rate for each request of at least 0, the name of a column, or ForeignWrites(...)",
            )
        )


@dataclass(frozen=True)
class SchemeSpec:
    """A write scheme or a kind of coherence as it was spelled, checked against the catalogue."""

    text: str  # its spelling without blanks
    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)


def parse_write_scheme(text: str) -> SchemeSpec:
    """The write scheme that `text` spells.

    Raises:
        SpellingError: It cannot be parsed, or has arguments without names.
        UnknownNameError: There is no such scheme or parameter; the nearest is offered.
        ParameterError: A parameter is out of its bounds.

    >>> parse_write_scheme("write_back(allocate=false)").parameters
    {'allocate': 'false'}
    """
    return _parse("write_scheme", "write scheme", text)


def parse_coherence(text: str) -> SchemeSpec:
    """The kind of coherence that `text` spells; raises as `parse_write_scheme`.

    >>> parse_coherence("invalidation(delay=2, loss=0.01)").text
    'invalidation(delay=2,loss=0.01)'
    """
    return _parse("coherence", "coherence", text)


def _parse(room: str, thing: str, text: Any) -> SchemeSpec:
    if not isinstance(text, str):
        raise ParameterError(f"{thing} is {text!r}; expected a spelling such as {contenders(room)[-1].name!r}")
    node = parse_nested(text)
    contender = find(node.name, contenders(room), thing)
    if node.positional:
        raise SpellingError(f"{node.text}: parameters have names here; write {node.name}(parameter=value)")
    given = {name: str(value).lower() if isinstance(value, bool) else value for name, value in node.keywords.items()}
    return SchemeSpec(without_blanks(node.text), node.name, contender.check(given))


@dataclass(frozen=True)
class WritePlan:
    """All that a run with writes depends on, beside trace, policy, capacities and seed."""

    scheme: SchemeSpec
    coherence: SchemeSpec
    foreign: ForeignWrites
    costs: Costs | None
    crashes: int | None
    op: str
    time: str | None

    def run(
        self, dataset: Dataset, trace: _core.Trace, tasks: Sequence[Any], *, seed: int, threads: int | None
    ) -> list[dict[str, Any]]:
        """What is counted of each task, by the names of the result's columns; raises as `simulate_cache`."""
        foreign = self.foreign
        operations = operation_codes(dataset, self.op, foreign.column)
        if foreign.column is not None and not pc.any(pc.less(operations, 3)).as_py():
            raise DataError(f'{dataset.name}: column "{foreign.column}" says of every row that others asked')
        times = None if self.time is None else ticks(dataset, self.time)
        found = called_off_by_interrupts(
            lambda progress: _core.simulate_writes(
                trace,
                tasks,
                operations=operations,
                times=times,
                write=(self.scheme.name, dict(self.scheme.parameters)),
                coherence=(self.coherence.name, dict(self.coherence.parameters)),
                foreign=(float(foreign.rate), foreign.per == "time", foreign.keys == "uniform"),
                crashes=self.crashes,
                costs=None if self.costs is None else self.costs.numbers,
                seed=seed,
                progress=progress,
                threads=threads,
            )
        )
        return [self._row(counted, sized=trace.has_sizes) for counted in found]

    def _row(self, counted: Mapping[str, Any], *, sized: bool) -> dict[str, Any]:
        requests, hits = counted["requests"], counted["hits"]
        whole, reads = counted["bytes"], counted["reads"]
        asked, sent = counted["writes"] + counted["deletes"], counted["origin_writes"]
        if sized:
            asked, sent = counted["bytes_written"], counted["bytes_to_origin"]
        return {
            "write": self.scheme.text,
            "coherence": self.coherence.text,
            **{name: counted[name] for name in ("requests", "hits", "evictions", "origin_reads", "origin_writes")},
            "misses": requests - hits,
            "miss_ratio": _ratio(requests - hits, requests),
            "byte_miss_ratio": _ratio(whole - counted["bytes_hit"], whole) if sized else None,
            "stale_reads": counted["stale_reads"],
            "lost_writes": counted["lost_writes"],
            **{name: counted[name] for name in (*_COUNTED, *_LOST)},
            **{name: counted[name] if sized else None for name in _BYTES},
            "read_miss_ratio": _ratio(reads - counted["read_hits"], reads),
            "stale_read_ratio": _ratio(counted["stale_reads"], reads),
            "write_amplification": _ratio(sent, asked),
            **{
                name: None if counted[whose] is None else counted[whose][place]
                for name, (whose, place) in _LATENCIES.items()
            },
        }


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def check_crashes(crashes: Any) -> int | None:
    """How many instants of crashes are drawn.

    Raises:
        ParameterError: It is neither None nor a whole number of at least 1.
    """
    wanted = "a number of instants of at least 1, or None for every instant"
    return None if crashes is None else integer("crashes", crashes, 1, UINT64_HIGH, wanted)
