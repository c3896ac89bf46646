"""`simulate_cache`: what comes of a trace in a cache of some policy and some capacities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from assay import _core
from assay.caches.calling_off import called_off_by_interrupts
from assay.caches.capacities import Capacity, capacities_of, objects_or_bytes
from assay.caches.operations import lifetimes, ticks
from assay.caches.policies import check_in_front, guarded, parse_policy
from assay.caches.traces import read_trace
from assay.caches.user_policies import UserPolicy, check_user_policy, run_user_policy, user_policy_name
from assay.caches.write_schemes import (
    WRITE_COLUMNS,
    Costs,
    ForeignWrites,
    WritePlan,
    check_crashes,
    parse_coherence,
    parse_write_scheme,
)
from assay.checks import UINT64_HIGH, integer
from assay.datasets import open_dataset
from assay.errors import ParameterError

__all__ = ["RESULT", "simulate_cache"]

RESULT = pa.schema(
    [
        pa.field("policy", pa.string(), nullable=False),
        pa.field("capacity", pa.uint64(), nullable=False),
        pa.field("requests", pa.uint64(), nullable=False),
        pa.field("hits", pa.uint64(), nullable=False),
        pa.field("misses", pa.uint64(), nullable=False),
        pa.field("miss_ratio", pa.float64(), nullable=False),
        pa.field("byte_miss_ratio", pa.float64()),
        pa.field("evictions", pa.uint64(), nullable=False),
        pa.field("origin_reads", pa.uint64(), nullable=False),
        pa.field("origin_writes", pa.uint64(), nullable=False),
        pa.field("stale_reads", pa.uint64(), nullable=False),
        pa.field("lost_writes", pa.float64(), nullable=False),
    ]
)


def simulate_cache(
    trace: Any,
    policy: str | UserPolicy = "lru",
    *,
    capacity: Capacity | Sequence[Capacity],
    key: str = "key",
    size: str | None = None,
    op: str | None = None,
    write: str | None = None,
    coherence: str = "none",
    foreign: ForeignWrites | float | str | None = None,
    time: str | None = None,
    costs: Costs | None = None,
    crashes: int | None = None,
    admission: str | None = None,
    ttl: int | str | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> pa.Table:
    """What comes of each request of a trace in a cache: hits, misses, evictions, exactly counted.

    Args:
        trace: Whatever `assay.open_dataset` opens: a path, a name, an Arrow table. Its rows are requests in order.
        policy: Which object goes when another needs room, as `assay list contenders --room cache` names them, with
            parameters where wanted: `slru(segments=4)`. Or one of your own, in Python: an object with `on_hit(key)`,
            `on_miss(key)` and `evict()`, a mapping such as `cachetools.LRUCache`, or what makes one of these of a
            capacity (`assay.caches.EvictionPolicy`).
        capacity: How much the cache holds: a number of objects, or of bytes if `size` is given; "1%" of the distinct
            keys (of the bytes of all objects, each with its first size); with `size` also "64MiB"; or a list of these.
        key: The column of keys.
        size: The column of objects' sizes in bytes.
        op: The column of operations, such as `get`, `set` and `delete`; without `write` its values are not read, and
            every request is a get that inserts on a miss.
        write: The write scheme: `write_through`, `write_around`, or `write_back(flush_interval=1000, dirty_limit=100)`;
            `assay list contenders --room write_scheme` names them. `coherence`, `foreign`,
            `costs` and `crashes` need one.
        coherence: How the cache learns what others write: `none`, `ttl(duration=60)`,
            `invalidation(delay=2, loss=0.01)`, `version_check`.
        foreign: Others who write to the origin, past the cache: a rate for each request, the column that says which
            rows are theirs, or `assay.caches.ForeignWrites`.
        time: The column of times, whose unit is that of durations, intervals and delays, and of `ttl`; without it they
            count rows.
        costs: What things cost, `assay.caches.Costs`, for modelled latencies.
        crashes: At how many seeded instants the cache may crash; None means after every request, which is exact.
        admission: What decides on a miss whether the object comes in at all: `second_hit`, `tiny_lfu`,
            `size(at_most=4096)`; `assay list contenders --room admission` names them. None: all come in.
        ttl: How long an object is true after it was put in; a request for it at that age or later is a miss. Or the
            column in which requests say how long theirs is: the last that was said counts when an object is put in, 0
            or null says nothing, and an object of which nothing was said is true for ever. With a write scheme that is
            its `coherence`.
        seed: What everything that draws lots begins with.
        threads: How many capacities are simulated side by side at most; None means all cores.

    Returns:
        A row per capacity: policy, capacity, requests, hits, misses, miss_ratio, byte_miss_ratio (null without
        sizes), evictions, origin_reads, origin_writes, stale_reads, lost_writes (the acknowledged writes that a crash
        loses, on average over its instants); with `write` also the columns `assay.caches.WRITE_COLUMNS`, such as
        lost_writes_min and lost_writes_max, the fewest and the most.

    Raises:
        UnknownNameError: There is no such policy, parameter or column.
        ParameterError: A capacity or parameter is out of its bounds.
        DataError: The trace has no request; a key, size, operation or time is null, or a size negative; or time goes
            backwards.
        MeasurementError: A promise of the write scheme was broken, so that the run counts for nothing.
            Or a policy of your own failed, held more than the capacity, or evicted what was not there.
    """
    spec = parse_policy(policy) if isinstance(policy, str) else None
    if spec is None:
        check_user_policy(policy)
    given = capacities_of(capacity)
    seed = integer("seed", seed, 0, UINT64_HIGH)
    plan = _plan(op, write, coherence, foreign, time, costs, crashes, ttl)
    if spec is None and plan is not None:
        raise ParameterError(f"write is {write!r}, but the policy is one in Python; write schemes take the named ones")
    if spec is None and (admission is not None or ttl is not None):
        raise ParameterError("the policy is one in Python; admission and ttl stand in front of the named ones")
    if spec is not None:
        check_in_front(spec, write=write, admission=admission, ttl=ttl)
    dataset = open_dataset(trace)
    if op is not None:
        dataset.column(op)
    requests = read_trace(dataset, key=key, size=size)
    if ttl is not None and time is not None:
        requests.set_times(ticks(dataset, time))
    if isinstance(ttl, str):
        requests.set_lifetimes(lifetimes(dataset, ttl))
    whole = requests.distinct if size is None else requests.footprint_bytes
    counted = [objects_or_bytes(one, whole, bytes_=size is not None) for one in given]
    if spec is None:
        name, only = user_policy_name(policy), len(counted) == 1
        runs = [run_user_policy(policy, dataset, one, key=key, size=size, only=only) for one in counted]
        own = [_row(name, one, tally, sized=size is not None) for one, tally in zip(counted, runs, strict=True)]
        return pa.Table.from_pylist(own, schema=RESULT)
    parameters = guarded(spec.parameters, admission, ttl)
    tasks = [(spec.name, parameters, one, size is not None, seed) for one in counted]
    if plan is not None:
        counts = plan.run(dataset, requests, tasks, seed=seed, threads=threads)
        together = [{"policy": spec.text, "capacity": one, **row} for one, row in zip(counted, counts, strict=True)]
        return pa.Table.from_pylist(together, schema=pa.schema([*RESULT, *WRITE_COLUMNS]))
    found = called_off_by_interrupts(
        lambda progress: _core.simulate_caches(requests, tasks, progress=progress, threads=threads)
    )
    rows = [
        _row(spec.text, one, windows[0], sized=size is not None) for one, windows in zip(counted, found, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=RESULT)


def _plan(
    op: str | None,
    write: str | None,
    coherence: str,
    foreign: ForeignWrites | float | str | None,
    time: str | None,
    costs: Costs | None,
    crashes: int | None,
    ttl: int | str | None,
) -> WritePlan | None:
    """What was asked of writes; None where nothing was."""
    if write is None:
        given = {"foreign": foreign, "time": time if ttl is None else None, "costs": costs, "crashes": crashes}
        extra = [name for name, value in given.items() if value is not None]
        extra += ["coherence"] if coherence != "none" else []
        if extra:
            ttl_too = ", or with ttl" if extra == ["time"] else ""
            raise ParameterError(
                f"{' and '.join(extra)} can be given only with a write scheme{ttl_too}; add one, such as "
                "write='write_through'"
            )
        return None
    if ttl is not None:
        raise ParameterError(
            f"ttl is {ttl!r} beside a write scheme, where values expire by its coherence, all alike; write "
            f"coherence='ttl(duration={60 if isinstance(ttl, str) else ttl})' instead"
        )
    if op is None:
        raise ParameterError(f"write is {write!r}, but the trace has no operations; name their column, such as op='op'")
    if costs is not None and not isinstance(costs, Costs):
        raise ParameterError(f"costs is {costs!r}; expected assay.caches.Costs(hit=..., origin_read=..., ...)")
    scheme, kind = parse_write_scheme(write), parse_coherence(coherence)
    return WritePlan(scheme, kind, ForeignWrites.of(foreign), costs, check_crashes(crashes), op, time)


def _row(policy: str, capacity: int, tally: tuple[int, ...], *, sized: bool) -> dict[str, Any]:
    requests, hits, whole, bytes_hit, _inserted, evictions = tally
    misses = requests - hits
    return {
        "policy": policy,
        "capacity": capacity,
        "requests": requests,
        "hits": hits,
        "misses": misses,
        "miss_ratio": misses / requests,
        "byte_miss_ratio": (whole - bytes_hit) / whole if sized and whole else None,
        "evictions": evictions,
        "origin_reads": misses,
        "origin_writes": 0,
        "stale_reads": 0,
        "lost_writes": 0.0,
    }
