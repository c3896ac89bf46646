"""The metrics of caching: what each means, and its formula.

What a policy does is counted, not sampled. A policy that draws lots differs from seed to seed: its numbers are the
mean over the seeds, and low and high the least and the greatest; of any other policy they are the number itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from assay.experiments.base import Metric

__all__ = ["METRICS"]


def _metric(
    name: str,
    unit: str,
    direction: Literal["lower", "higher", "none"],
    kind: Literal["exact", "seeded", "timed", "estimated"],
    formula: str,
    meaning: str,
    origin: Literal["measured", "replayed", "modelled"] = "replayed",
) -> Metric:
    return Metric(name, unit, direction, kind, origin, formula, meaning, 'METHODOLOGY.md, "Caching"')


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric(
            "miss_ratio",
            "share",
            "lower",
            "seeded",
            "misses / requests",
            "Share of the requests whose object is not in the cache.",
        ),
        _metric(
            "byte_miss_ratio",
            "share",
            "lower",
            "seeded",
            "sum of the sizes of the misses / sum of the sizes of all requests",
            "Share of the bytes asked for that must come from the origin.",
        ),
        _metric(
            "improvement_over_fifo",
            "share",
            "higher",
            "seeded",
            "(miss_ratio of fifo - miss_ratio) / miss_ratio of fifo, at the same capacity",
            "The part of FIFO's misses that the policy avoids; below 0 it has more of them.",
        ),
        _metric(
            "distance_to_opt",
            "share",
            "lower",
            "seeded",
            "miss_ratio - miss_ratio of opt, at the same capacity",
            "Requests that miss and need not have: with the future known they would have been hits.",
        ),
        _metric(
            "compulsory_miss_ratio",
            "share",
            "none",
            "exact",
            "distinct keys / requests",
            "First requests of a key, which miss in any cache of any size: the floor of every miss ratio.",
        ),
        _metric(
            "compulsory_miss_share",
            "share",
            "none",
            "seeded",
            "distinct keys / misses",
            "The part of the misses that no policy and no size can avoid.",
        ),
        _metric("hits", "count", "higher", "seeded", "requests - misses", "Requests whose object is in the cache."),
        _metric("misses", "count", "lower", "seeded", "counted", "Requests whose object is not in the cache."),
        _metric(
            "evictions",
            "count",
            "lower",
            "seeded",
            "objects that went to make room",
            "Objects that the cache threw out; one that stayed outside is none.",
        ),
        _metric("requests", "count", "none", "exact", "rows of the trace", "Requests that were replayed."),
        _metric("distinct_keys", "values", "none", "exact", "distinct keys", "Objects that the trace asks for."),
        _metric(
            "capacity_objects",
            "count",
            "none",
            "exact",
            "the setting capacity; of a share the greater of 1 and floor(share x distinct keys)",
            "What the cache holds, where objects are counted.",
        ),
        _metric(
            "capacity_bytes",
            "bytes",
            "none",
            "exact",
            "the setting capacity; of a share the greater of 1 and floor(share x bytes of all objects, by first size)",
            "What the cache holds, where bytes are counted.",
        ),
        _metric(
            "read_miss_ratio",
            "share",
            "lower",
            "seeded",
            "1 - hits of reads / reads",
            "Share of the reads that the origin must answer, where there are writes too.",
        ),
        _metric(
            "origin_reads",
            "count",
            "lower",
            "seeded",
            "reads of the origin",
            "What the origin must read, with a write scheme.",
        ),
        _metric(
            "origin_writes",
            "count",
            "lower",
            "seeded",
            "writes and deletions that reached the origin, flushes included",
            "What the origin must write.",
        ),
        _metric(
            "write_amplification",
            "ratio",
            "lower",
            "seeded",
            "origin_writes / (writes + deletions asked for)",
            "Writes of the origin for each write that was asked for; below 1 writes were coalesced.",
        ),
        _metric(
            "writes_coalesced",
            "count",
            "higher",
            "seeded",
            "acknowledged writes that a later one replaced before they were flushed",
            "Writes that the origin never saw, as the cache had a newer one by then.",
        ),
        _metric("flushes", "count", "none", "seeded", "dirty objects written to the origin", "Flushes of objects."),
        _metric(
            "dirty_max",
            "count",
            "lower",
            "seeded",
            "most dirty objects at a time",
            "How many objects were at most in the cache alone.",
        ),
        _metric(
            "lost_writes",
            "count",
            "lower",
            "seeded",
            "acknowledged writes that are in the cache alone, mean over the instants of a crash; low and high the "
            "fewest and the most",
            "Acknowledged writes that a crash of the cache loses.",
        ),
        _metric(
            "lost_updates",
            "count",
            "lower",
            "seeded",
            "flushes that wrote an older version over what others had written",
            "Writes of others that a late flush undid.",
        ),
        _metric(
            "stale_reads",
            "count",
            "lower",
            "seeded",
            "reads answered with an older version than the newest acknowledged one",
            "Reads that were told something that was no longer true.",
        ),
        _metric(
            "stale_read_share",
            "share",
            "lower",
            "seeded",
            "stale_reads / reads",
            "Share of the reads that were told something that was no longer true.",
        ),
        _metric(
            "modelled_latency_mean",
            "count",
            "lower",
            "seeded",
            "mean over requests of the costs of what each waited for",
            "What a request waits, on average, in the unit of the costs that were given.",
            "modelled",
        ),
        _metric(
            "modelled_latency_p99",
            "count",
            "lower",
            "seeded",
            "the least that 99 % of the requests do not exceed",
            "What the slowest requests wait, in the unit of the costs that were given.",
            "modelled",
        ),
        _metric(
            "modelled_read_latency_mean",
            "count",
            "lower",
            "seeded",
            "the same mean over reads alone",
            "What a read waits, on average.",
            "modelled",
        ),
        _metric(
            "modelled_write_latency_mean",
            "count",
            "lower",
            "seeded",
            "the same mean over writes and deletions alone",
            "What a write waits until it is acknowledged, on average.",
            "modelled",
        ),
        _metric(
            "knee_capacity",
            "count",
            "none",
            "seeded",
            "of the grid's capacities the one at which the policy's curve lies farthest below the line between its "
            "ends, on a logarithmic axis of capacities",
            "The capacity after which more room brings less than it did before: a number of objects, or of bytes.",
        ),
        _metric(
            "cheapest_capacity",
            "count",
            "none",
            "seeded",
            "of the grid's capacities the one with the least cost of the policy",
            "The capacity at which the policy's misses and room together cost least.",
            "modelled",
        ),
        _metric(
            "cost",
            "count",
            "lower",
            "seeded",
            "price_per_miss x misses + price_per_object x objects held, or price_per_byte x bytes held",
            "What the misses and the room of the cache cost together, in the money of the prices.",
            "modelled",
        ),
        _metric(
            "simulate_ns",
            "ns",
            "lower",
            "timed",
            "median over rounds of the least of several samples, per request",
            "Time to simulate a request, on one thread; what the policy costs in a cache of yours is another matter.",
            "measured",
        ),
    )
}
