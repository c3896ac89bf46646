"""The metrics of membership: what each means, and its formula.

A rate is measured on keys that are drawn or made up, so it is seeded; its low and high are the exact binomial
interval of the rate (Clopper and Pearson 1934), which holds the true one 95 times in 100 at least.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from assay.experiments.base import Metric

__all__ = ["KEYS", "METRICS"]

KEYS = ("present", "absent")


def _metric(
    name: str,
    unit: str,
    direction: Literal["lower", "higher", "none"],
    kind: Literal["exact", "seeded", "timed"],
    formula: str,
    meaning: str,
    origin: Literal["measured", "modelled"] = "measured",
) -> Metric:
    return Metric(name, unit, direction, kind, origin, formula, meaning, 'METHODOLOGY.md, "Membership"')


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric(
            "false_positive_rate",
            "share",
            "lower",
            "seeded",
            "absent keys answered yes / absent keys asked for",
            "How often the filter says yes to a key that it does not hold.",
        ),
        _metric(
            "expected_false_positive_rate",
            "share",
            "none",
            "exact",
            "of the filter as built, by the formula of its layout",
            "The rate that theory expects of a key whose hash is random.",
            "modelled",
        ),
        _metric(
            "false_positive_rate_over_theory",
            "ratio",
            "none",
            "seeded",
            "false_positive_rate / expected_false_positive_rate",
            "The measured rate over the expected one; 1 is as expected.",
        ),
        _metric(
            "false_positive_rate_over_target",
            "ratio",
            "lower",
            "seeded",
            "false_positive_rate / the setting false_positive_rate",
            "The measured rate over the one that was asked for; at most 1 keeps the promise.",
        ),
        _metric(
            "false_negatives",
            "values",
            "lower",
            "exact",
            "keys inserted and answered no; any fails the cell",
            "Keys that the filter denies although it holds them: none, or it is no filter.",
        ),
        _metric(
            "keys_held", "values", "none", "exact", "distinct keys that are not null", "Keys that the filter holds."
        ),
        _metric(
            "absent_keys_asked",
            "values",
            "none",
            "exact",
            "held out + made up",
            "Absent keys that the rate is measured with.",
        ),
        _metric("bits_per_key", "count", "lower", "exact", "8 memory_bytes / keys_held", "Bits that a key takes."),
        _metric("memory_bytes", "bytes", "lower", "exact", "bytes that probes read", "What the filter takes."),
        _metric(
            "probes",
            "count",
            "lower",
            "exact",
            "of the filter as built: bits, or slots of fingerprints",
            "Places that the filter looks at to answer yes; the blocked ones find theirs in one cache line.",
        ),
        _metric(
            "probe_ns.KEYS",
            "ns",
            "lower",
            "timed",
            "median over rounds of the least of several samples, per key",
            "Time to ask for a key, in bulk, on one thread, hash included: of present keys and of absent ones.",
        ),
        _metric(
            "build_ns",
            "ns",
            "lower",
            "timed",
            "median over rounds of the least of several samples, per key",
            "Time to build the filter, on one thread, per key, hash included.",
        ),
        _metric(
            "row_groups", "count", "none", "exact", "groups with a key", "Row groups that would have a filter each."
        ),
        _metric(
            "row_groups_read_by_min_max",
            "count",
            "none",
            "exact",
            "mean over queries of the groups with min <= value <= max",
            "Row groups that a point query reads where only the least and the greatest key of each are known.",
        ),
        _metric(
            "row_groups_read_mean",
            "count",
            "lower",
            "exact",
            "mean over queries of those whose filter says yes as well",
            "Row groups that a point query reads with a filter for each beside min and max.",
        ),
        _metric(
            "row_groups_read_at_best",
            "count",
            "none",
            "exact",
            "mean over queries of the groups that hold the value",
            "Row groups that a point query has to read: they hold what it asks for.",
        ),
        _metric(
            "pruned_bytes_share_by_min_max",
            "share",
            "none",
            "exact",
            "1 - bytes of the groups that min and max let through / bytes of the table",
            "The part of the table that min and max alone spare a point query.",
        ),
        _metric(
            "pruned_bytes_share",
            "share",
            "higher",
            "exact",
            "1 - bytes of the groups that are read / bytes of the table",
            "The part of the table that a point query need not read, with a filter for each row group.",
        ),
        _metric(
            "filter_bytes", "bytes", "lower", "exact", "sum over groups", "Bytes of the filters of all row groups."
        ),
        _metric(
            "filter_bytes_share",
            "share",
            "lower",
            "exact",
            "filter_bytes / bytes of the table",
            "What the filters add to the table.",
        ),
        _metric(
            "filter_bytes_read_mean",
            "bytes",
            "lower",
            "exact",
            "mean over queries of the filters of the groups that min and max let through",
            "Bytes of filters that a point query reads before it knows which groups to read.",
        ),
        _metric(
            "bytes_saved_mean",
            "bytes",
            "higher",
            "exact",
            "bytes read by min and max alone - bytes read - filter_bytes_read_mean, mean over queries",
            "Bytes that filters spare a point query, less those of the filters that it reads; below 0 they cost more.",
        ),
    )
}
