"""One cell: a policy in a cache of one size, with the policies that it is measured by, and what came of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.caches.capacities import Capacity, objects_or_bytes
from assay.caches.policies import PolicySpec
from assay.experiments.base import Cell, Point, Value
from assay.experiments.caching.guards import Guard
from assay.experiments.caching.policies import BASELINE, BOUND, draws_lots, reference
from assay.experiments.caching.requests import Requests
from assay.experiments.caching.settings import CachingSettings, Order
from assay.experiments.caching.simulating import Outcome, Simulation
from assay.experiments.caching.spreads import spread
from assay.experiments.caching.writes import WriteSetting, write_values

__all__ = ["Contest", "Runs", "measure", "simulations_of"]


@dataclass(frozen=True)
class Contest:
    """One cell."""

    spec: PolicySpec
    capacity: Capacity  # as it was given
    counts_bytes: bool
    order: Order
    writes: WriteSetting | None
    guard: Guard
    cell: Cell


@dataclass(frozen=True)
class Runs:
    """The simulations of one cell."""

    own: Sequence[Simulation]  # one for each seed
    baseline: Sequence[Simulation]  # FIFO, at the same capacity: one, or where all draws are of the writes one for each
    bound: Simulation | None  # OPT

    @property
    def all(self) -> Sequence[Simulation]:
        """All of them."""
        return [*self.own, *self.baseline, *([] if self.bound is None else [self.bound])]


def simulations_of(contest: Contest, requests: Requests, settings: CachingSettings) -> Runs:
    """What is run for a cell."""
    counts_bytes = contest.counts_bytes
    whole = requests.footprint_bytes if counts_bytes else requests.distinct
    capacity = objects_or_bytes(contest.capacity, whole, bytes_=counts_bytes)
    writes = contest.writes
    guard = contest.guard
    draws = draws_lots(contest.spec) or guard.draws or (writes is not None and writes.draws)
    seeds = range(settings.seed, settings.seed + settings.seeds) if draws else [settings.seed]
    own = [Simulation.of(contest.spec, capacity, counts_bytes, seed, writes, guard) for seed in seeds]
    fifo = reference(BASELINE)
    # OPT looks at when objects are asked for again, not at their sizes or at how long they are true.
    unbounded = writes is not None or guard.ttl is not None or (counts_bytes and not requests.alike)
    opt = None if unbounded else reference(BOUND)
    beside = seeds if writes is not None and writes.draws else [settings.seed]
    return Runs(
        own,
        []
        if fifo is None
        else [Simulation.of(fifo, capacity, counts_bytes, seed, writes, guard.alone) for seed in beside],
        None if opt is None else Simulation.of(opt, capacity, counts_bytes, settings.seed),
    )


def room_price(capacity: int, counts_bytes: bool, requests: Requests, settings: CachingSettings) -> float | None:
    """What the room of a cache costs; None where no price says."""
    if settings.price_per_object is not None:
        return None if counts_bytes else settings.price_per_object * capacity
    if settings.price_per_byte is None:
        return None
    if counts_bytes:
        return settings.price_per_byte * capacity
    mean = requests.footprint_bytes / requests.distinct
    return settings.price_per_byte * capacity * mean if mean else None


def measure(
    contest: Contest,
    runs: Runs,
    outcomes: Mapping[Simulation, Outcome],
    requests: Requests,
    settings: CachingSettings,
) -> tuple[list[Value], list[Point]]:
    """All values of one cell but the times, and its hit ratio over time."""
    cell_id = contest.cell.cell_id
    own = [outcomes[run] for run in runs.own]
    distinct, count = requests.distinct, len(requests)
    capacity, counts_bytes = runs.own[0].capacity, runs.own[0].counts_bytes

    fifo = [outcomes[run].misses for run in runs.baseline]
    fifo = fifo * len(own) if len(fifo) == 1 else fifo
    best = None if runs.bound is None else outcomes[runs.bound].miss_ratio
    values = [spread(cell_id, "miss_ratio", [one.miss_ratio for one in own])]
    if not requests.alike:
        by_bytes = [one.byte_miss_ratio for one in own]
        values.append(spread(cell_id, "byte_miss_ratio", by_bytes, "no request asks for a byte"))
    if fifo:
        over = [(least - one.misses) / least for one, least in zip(own, fifo, strict=True)]
        values.append(spread(cell_id, "improvement_over_fifo", over))
    if best is not None:
        values.append(spread(cell_id, "distance_to_opt", [one.miss_ratio - best for one in own]))
    values += [
        Value(cell_id, "compulsory_miss_ratio", distinct / count),
        spread(cell_id, "compulsory_miss_share", [distinct / one.misses for one in own]),
        spread(cell_id, "hits", [one.hits for one in own]),
        spread(cell_id, "misses", [one.misses for one in own]),
        spread(cell_id, "evictions", [one.evictions for one in own]),
        Value(cell_id, "requests", count),
        Value(cell_id, "distinct_keys", distinct),
        Value(cell_id, "capacity_bytes" if counts_bytes else "capacity_objects", capacity),
    ]
    if settings.price_per_miss is not None:
        price, room = settings.price_per_miss, room_price(capacity, counts_bytes, requests, settings)
        costs = [None if room is None else price * one.misses + room for one in own]
        values.append(spread(cell_id, "cost", costs, "no price says what room costs, as capacities are counted here"))
    counted = [one.counted for one in own if one.counted is not None]
    if counted:
        return [*values, *write_values(cell_id, counted)], []
    return values, _over_time(cell_id, own[0])


def _over_time(cell_id: str, outcome: Outcome) -> list[Point]:
    points, end = [], 0
    for position, window in enumerate(outcome.windows):
        end += window.requests
        points.append(Point(cell_id, "hit_ratio", position, str(end), window.hits / window.requests))
    return points
