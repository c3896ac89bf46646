"""`simulate_cache`: what comes of a trace in a cache of some policy and some capacities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from assay import _core
from assay.caches.capacities import Capacity, capacities_of, objects_or_bytes
from assay.caches.policies import parse_policy
from assay.caches.traces import read_trace
from assay.checks import UINT64_HIGH, integer
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
        pa.field("lost_writes", pa.uint64(), nullable=False),
    ]
)


def simulate_cache(
    trace: Any,
    policy: str = "lru",
    *,
    capacity: Capacity | Sequence[Capacity],
    key: str = "key",
    size: str | None = None,
    op: str | None = None,
    write: str | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> pa.Table:
    """What comes of each request of a trace in a cache: hits, misses, evictions, exactly counted.

    Args:
        trace: Whatever `assay.open_dataset` opens: a path, a name, an Arrow table. Its rows are requests in order.
        policy: Which object goes when another needs room, as `assay list contenders --room cache` names them, with
            parameters where wanted: `slru(segments=4)`.
        capacity: How much the cache holds: a number of objects, or of bytes if `size` is given; "1%" of the distinct
            keys (of the bytes of all objects, each with its first size); with `size` also "64MiB"; or a list of these.
        key: The column of keys.
        size: The column of objects' sizes in bytes.
        op: The column of operations; without `write` it is not read, and every request is a get that inserts on a
            miss.
        write: The write scheme.
        seed: What a policy that draws lots begins with.
        threads: How many capacities are simulated side by side at most; None means all cores.

    Returns:
        A row per capacity: policy, capacity, requests, hits, misses, miss_ratio, byte_miss_ratio (null without
        sizes), evictions, origin_reads, origin_writes, stale_reads, lost_writes.

    Raises:
        UnknownNameError: There is no such policy, parameter or column.
        ParameterError: A capacity or parameter is out of its bounds.
        DataError: The trace has no request, or a size is null or negative.
        UsageError: A key is null.
    """
    spec = parse_policy(policy)
    given = capacities_of(capacity)
    seed = integer("seed", seed, 0, UINT64_HIGH)
    if write is not None:
        raise ParameterError(f"write is {write!r}; write schemes are not there yet: leave it out")
    requests = read_trace(trace, key=key, size=size)
    whole = requests.distinct if size is None else requests.footprint_bytes
    counted = [objects_or_bytes(one, whole, bytes_=size is not None) for one in given]
    tasks = [(spec.name, dict(spec.parameters), one, size is not None, seed) for one in counted]
    found = _core.simulate_caches(requests, tasks, threads=threads)
    rows = [
        _row(spec.text, one, windows[0], sized=size is not None) for one, windows in zip(counted, found, strict=True)
    ]
    return pa.Table.from_pylist(rows, schema=RESULT)


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
        "lost_writes": 0,
    }
