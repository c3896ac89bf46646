"""A cache in front of an origin, naively: every version of every object is written down.

Nothing is shared with the product: versions are events in a list, and what a crash would lose is looked up in that list
at every instant. The order of things before a request is that of METHODOLOGY ("Write schemes"): the interval's flush,
messages that are due, writes of others. Draws are SplitMix64's, stream by stream.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oracles.told import MAKERS, Policy

MASK = 2**64 - 1
STEP = 0x9E3779B97F4A7C15


class Draws:
    """SplitMix64 (Steele, Lea and Flood 2014)."""

    def __init__(self, seed: int, stream: int) -> None:
        self.state = seed
        self.state = self.next() ^ (stream * STEP & MASK)

    def next(self) -> int:
        self.state = (self.state + STEP) & MASK
        mixed = self.state
        mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9 & MASK
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & MASK
        return mixed ^ mixed >> 31

    def happens(self, probability: float) -> bool:
        return probability >= 1 or (probability > 0 and (self.next() >> 11) / 2**53 < probability)

    def below(self, count: int) -> int:
        return self.next() * count >> 64


@dataclass
class Case:
    """All that a run depends on."""

    policy: str = "lru"  # or another of `oracles.told.MAKERS`
    capacity: int = 2
    by_bytes: bool = False
    scheme: str = "write_through"
    allocate: bool = True
    flush_interval: int = 0
    dirty_limit: int = 0
    flush_at_end: bool = True
    coherence: str = "none"
    duration: int = 1
    delay: int = 0
    loss: float = 0.0
    rate: float = 0.0
    per: str = "request"
    choice: str = "popularity"
    crashes: int | None = None
    seed: int = 0
    costs: tuple[float, float, float, float, float] = (1.0, 10.0, 20.0, 30.0, 5.0)


@dataclass
class Row:
    """One row of the trace; `others` is true where somebody else asks."""

    key: Any
    op: str = "read"  # or "write", "delete"
    size: int = 1
    time: int = 0
    others: bool = False


@dataclass
class World:
    """The cache, and all that was ever acknowledged."""

    case: Case
    rows: Sequence[Row]
    counts: Counter[str] = field(default_factory=Counter)
    policy: Policy = field(init=False)
    cache: set[Any] = field(default_factory=set)  # what the policy holds
    value: dict[Any, int] = field(default_factory=dict)  # the version in the cache
    stored: dict[Any, int] = field(default_factory=dict)
    dirty: OrderedDict[Any, int] = field(default_factory=OrderedDict)  # key -> bytes of the newest, in order of soiling
    origin: Counter[Any] = field(default_factory=Counter)  # key -> version
    deleted: set[Any] = field(default_factory=set)
    log: list[tuple[Any, int, bool]] = field(default_factory=list)  # key, version, by others: as acknowledged
    reached: Counter[Any] = field(default_factory=Counter)  # the newest version that the origin ever had
    messages: list[tuple[int, Any, int]] = field(default_factory=list)
    waits: dict[str, list[float]] = field(default_factory=lambda: {"read": [], "write": []})
    lost: list[tuple[int, int]] = field(default_factory=list)  # versions and objects, at each instant
    wait: float = 0.0
    now: int = 0

    def __post_init__(self) -> None:
        self.policy = MAKERS[self.case.policy](self.case.capacity)

    # what is known of versions

    def newest(self, key: Any) -> int:
        return max((version for logged, version, _ in self.log if logged == key), default=0)

    def acknowledge(self, key: Any, *, others: bool) -> int:
        self.log.append((key, self.newest(key) + 1, others))
        return self.newest(key)

    def to_origin(self, key: Any, version: int, *, deleted: bool = False) -> None:
        self.origin[key] = version
        self.reached[key] = max(self.reached[key], version)
        self.deleted.discard(key)
        if deleted:
            self.deleted.add(key)

    def lost_by_a_crash_now(self) -> tuple[int, int]:
        """Acknowledged versions newer than any that the origin ever had."""
        lost = [(key, version) for key, version, _ in self.log if version > self.reached[key]]
        assert all(key in self.dirty for key, _ in lost)
        return len(lost), len({key for key, _ in lost})

    # the cache

    def weight(self, row: Row) -> int:
        return row.size if self.case.by_bytes else 1

    def hit(self, key: Any) -> bool:
        hit = self.policy.hit(key)
        self.evict()
        assert hit == (key in self.cache)
        return hit

    def insert(self, row: Row) -> bool:
        inserted = self.policy.put(row.key, self.weight(row))
        self.evict()
        return inserted

    def evict(self) -> None:
        there = self.policy.there()
        for victim in self.cache - there:
            self.counts["evictions"] += 1
            if victim in self.dirty:
                self.flush(victim, "flushes_by_eviction")
        self.cache = there

    def store(self, key: Any, version: int) -> None:
        self.value[key], self.stored[key] = version, self.now

    def forget(self, key: Any) -> None:
        self.policy.remove(key)
        self.cache.remove(key)
        self.dirty.pop(key, None)

    # towards the origin

    def flush(self, key: Any, cause: str) -> None:
        size = self.dirty.pop(key)
        if cause not in ("flushes_by_interval", "flushes_at_end"):
            self.wait += self.case.costs[3]
        if self.origin[key] > self.value[key]:
            if self.case.coherence == "version_check":
                self.counts["version_checks"] += 1
                self.counts["writes_superseded"] += 1
                return
            self.counts["lost_updates"] += 1
        self.counts["flushes"] += 1
        self.counts[cause] += 1
        self.counts["origin_writes"] += 1
        self.counts["bytes_to_origin"] += size
        self.to_origin(key, self.value[key])

    def flush_all(self, cause: str) -> None:
        for key in list(self.dirty):
            self.flush(key, cause)

    def through(self, key: Any, version: int, size: int, *, deleted: bool = False) -> None:
        self.wait += self.case.costs[2]
        self.counts["origin_writes"] += 1
        self.counts["writes_through"] += 1
        self.counts["bytes_to_origin"] += size
        self.to_origin(key, version, deleted=deleted)

    # what others do

    def change(self, key: Any, *, deleted: bool = False) -> None:
        self.counts["foreign_writes"] += 1
        version = self.acknowledge(key, others=True)
        self.to_origin(key, version, deleted=deleted)
        if self.case.coherence == "invalidation":
            if self.loss_draws.happens(self.case.loss):
                self.counts["messages_lost"] += 1
            else:
                self.messages.append((self.now + self.case.delay, key, version))
                self.deliver()

    def deliver(self) -> None:
        for due, key, version in [message for message in self.messages if message[0] <= self.now]:
            self.messages.remove((due, key, version))
            if key in self.cache and self.value[key] < version:
                self.counts["invalidations"] += 1
                self.counts["writes_superseded"] += key in self.dirty
                self.forget(key)

    # what clients ask

    def read(self, row: Row) -> bool:
        key = row.key
        if key in self.cache and self.case.coherence == "ttl" and self.now - self.stored[key] >= self.case.duration:
            self.counts["expirations"] += 1
            if key in self.dirty:
                self.flush(key, "flushes_by_expiry")
            self.forget(key)
        elif key in self.cache and self.case.coherence == "version_check":
            self.counts["version_checks"] += 1
            self.wait += self.case.costs[4]
            if self.origin[key] > self.value[key]:
                self.counts["writes_superseded"] += key in self.dirty
                self.forget(key)
        if self.hit(key):
            self.counts["stale_reads"] += self.value[key] < self.newest(key)
            return True
        self.wait += self.case.costs[1]
        self.counts["origin_reads"] += 1
        self.counts["stale_reads"] += self.origin[key] < self.newest(key)
        if key not in self.deleted:
            self.counts["bytes_from_origin"] += row.size
            if self.insert(row):
                self.store(key, self.origin[key])
        return False

    def write(self, row: Row) -> bool:
        key, case = row.key, self.case
        version = self.acknowledge(key, others=False)
        self.counts["bytes_written"] += row.size
        if case.scheme != "write_back":
            self.through(key, version, row.size)
        if case.scheme == "write_around":
            if there := key in self.cache:
                self.forget(key)
            return there
        there = self.hit(key)
        if there or (case.allocate and self.insert(row)):
            self.store(key, version)
            if case.scheme == "write_back":
                self.counts["writes_coalesced"] += key in self.dirty
                self.dirty[key] = row.size
                self.counts["dirty_max"] = max(self.counts["dirty_max"], len(self.dirty))
                while case.dirty_limit and len(self.dirty) > case.dirty_limit:
                    self.flush(next(iter(self.dirty)), "flushes_by_limit")
        elif case.scheme == "write_back":
            self.through(key, version, row.size)
        return there

    def delete(self, row: Row) -> bool:
        there = row.key in self.cache
        version = self.acknowledge(row.key, others=False)
        self.counts["writes_coalesced"] += row.key in self.dirty
        if there:
            self.forget(row.key)
        self.through(row.key, version, 0, deleted=True)
        return there

    # the run

    def run(self) -> dict[str, Any]:
        case, rows = self.case, self.rows
        self.loss_draws, foreign, crash = Draws(case.seed, 2), Draws(case.seed, 1), Draws(case.seed, 3)
        distinct = list(dict.fromkeys(row.key for row in rows))
        left = sum(not row.others for row in rows)
        wanted = left if case.crashes is None or case.crashes >= left else case.crashes
        every = wanted == left
        boundary, before = case.flush_interval, 0
        for row in rows:
            self.now = row.time - rows[0].time
            if case.scheme == "write_back" and case.flush_interval and self.now >= boundary:
                self.flush_all("flushes_by_interval")
                while boundary <= self.now:
                    boundary += case.flush_interval
            self.deliver()
            if row.others:
                if row.op != "read":
                    self.change(row.key, deleted=row.op == "delete")
                continue
            if case.rate > 0:
                expected = case.rate * (1.0 if case.per == "request" else self.now - before)
                before = self.now
                for _ in range(math.floor(expected) + foreign.happens(expected - math.floor(expected))):
                    even = case.choice == "uniform"
                    self.change(distinct[foreign.below(len(distinct))] if even else rows[foreign.below(len(rows))].key)
            self.wait = case.costs[0]
            hit = getattr(self, row.op)(row)
            self.waits["read" if row.op == "read" else "write"].append(self.wait)
            self.counts.update(requests=1, hits=hit, bytes=row.size, bytes_hit=row.size * hit)
            self.counts.update({f"{row.op}s": 1, "read_hits": hit and row.op == "read"})
            if every:
                self.lost.append(self.lost_by_a_crash_now())
            elif wanted:
                if crash.below(left) < wanted:
                    self.lost.append(self.lost_by_a_crash_now())
                    wanted -= 1
                left -= 1
        if case.scheme == "write_back" and case.flush_at_end:
            self.flush_all("flushes_at_end")
        self.counts["dirty_left"] = len(self.dirty)
        return self.result()

    def result(self) -> dict[str, Any]:
        versions = [lost for lost, _ in self.lost] or [0]
        objects = [lost for _, lost in self.lost] or [0]
        return {
            **self.counts,
            "crashes": len(self.lost),
            "lost_writes_min": min(versions),
            "lost_writes_max": max(versions),
            "lost_writes": sum(versions) / len(versions),
            "lost_objects": sum(objects) / len(objects),
            **{f"read_latency_{name}": value for name, value in summary(self.waits["read"]).items()},
            **{f"write_latency_{name}": value for name, value in summary(self.waits["write"]).items()},
            **{
                f"latency_{name}": value for name, value in summary([*self.waits["read"], *self.waits["write"]]).items()
            },
        }


def summary(latencies: list[float]) -> dict[str, float | None]:
    """Mean, nearest-rank percentiles and maximum; None where there are no requests."""
    names = {"p50": 500, "p90": 900, "p99": 990, "p99_9": 999}
    if not latencies:
        return dict.fromkeys(["mean", *names, "max"])
    ordered = sorted(latencies)
    ranks = {name: ordered[-(-len(ordered) * share // 1000) - 1] for name, share in names.items()}
    return {"mean": sum(ordered) / len(ordered), **ranks, "max": ordered[-1]}


def simulate(case: Case, rows: Sequence[Row]) -> dict[str, Any]:
    """What comes of the rows; every count that is absent is 0."""
    return World(case, rows).run()
