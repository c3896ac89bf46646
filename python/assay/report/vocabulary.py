"""How metrics are named, grouped and ordered for people.

What a metric is (unit, direction, kind, origin) comes from the store, where the experiment wrote
it. This file only adds a short label, one line of meaning, and the group and order in which it is
shown. A metric that is not listed here still appears, under its own name, in the group "Other".
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from assay.report.entries import ENTRIES, GROUPS, Entry

__all__ = [
    "COUNTED",
    "GROUPS",
    "KEY_METRICS",
    "KIND_MEANINGS",
    "RANKING",
    "SERIES",
    "TRADE_OFFS",
    "WEIGHTS",
    "Entry",
    "bounds_of",
    "describe",
    "group_of",
    "in_a_sentence",
    "is_known",
    "order_of",
    "settings_words",
    "split_name",
]


KIND_MEANINGS = {
    "exact": "same input, same number, always",
    "seeded": "varies with the seed: the spread is shown",
    "timed": "varies with the machine: the interval is shown",
    "estimated": "from a sketch or a sample: the bound is shown",
}

# Columns of the terminal's table, most telling first; a narrow terminal takes a prefix of them.
KEY_METRICS = {
    "partitioning": (
        "load_max_over_mean",
        "cross_join_share",
        "moved_over_optimum.add_one",
        "empty_partitions",
        "effective_donors",
        "data_loss_chance",
        "avoidable_skew",
        "fan_out_mean",
        "lookup_ns",
        "routing_bytes",
    ),
    "placement": (
        "load_max_over_mean",
        "moved_over_optimum.add_one",
        "stray_moves.add_one",
        "ownership_cv",
        "memory_bytes",
        "lookup_ns",
        "moved_over_optimum.remove_one",
        "stray_moves.remove_25",
        "effective_receivers.remove_one",
        "build_ns",
    ),
    "hashing": (
        "hash_ns",
        "throughput",
        "balance_over_ideal.modulo",
        "balance_over_ideal.high",
        "balance_over_ideal.low",
        "collisions",
        "collisions_expected",
        "avalanche_bias_output",
        "hash_bits",
    ),
    "membership": (
        "bits_per_key",
        "false_positive_rate",
        "false_positive_rate_over_theory",
        "row_groups_read_mean",
        "row_groups_read_by_min_max",
        "probe_ns.present",
        "probe_ns.absent",
        "build_ns",
        "bytes_saved_mean",
        "memory_bytes",
    ),
    "integrity": (
        "throughput",
        "missed_share",
        "located_share",
        "repaired_share",
        "checksum_bytes_per_mib",
        "refused_share",
        "read_amplification",
        "check_ns",
        "false_alarms",
    ),
    "indexing": (
        "workload_ns",
        "read_ns",
        "write_ns",
        "bytes_per_row",
        "break_even_reads.none",
        "break_even_reads_direct.none",
        "read_speedup",
        "lookup_ns.hit",
        "lookup_ns.miss",
        "range_ns.100",
        "insert_ns",
        "build_ns",
        "lookup_latency_ns.p99",
        "memory_bytes",
    ),
    "caching": (
        "miss_ratio",
        "improvement_over_fifo",
        "distance_to_opt",
        "byte_miss_ratio",
        "compulsory_miss_ratio",
        "origin_writes",
        "modelled_latency_mean",
        "lost_writes",
        "stale_reads",
        "evictions",
        "simulate_ns",
        "misses",
    ),
}

# A mean over a family weighs each member by this one's, where the run has it: how often a query log asks for it.
WEIGHTS = {
    "cross_join_share": "join_statements",
    "fan_out_mean": "query_statements",
    "routed_fan_out_mean": "query_statements",
    "bytes_read": "query_statements",
    "pruned_bytes_share": "query_statements",
    "rows_reassembled_share": "query_statements",
}

# What a table is sorted by once the best is on top and the dropped are at the bottom; lower is better.
RANKING = {
    "partitioning": ("cross_join_share", "moved_over_optimum.add_one", "load_max_over_mean"),
    "placement": ("moved_over_optimum.add_one", "load_max_over_mean", "stray_moves.add_one", "memory_bytes"),
    "hashing": ("hash_ns",),
    "membership": ("bits_per_key", "false_positive_rate"),
    "integrity": ("check_ns", "checksum_bytes_per_mib"),
    "caching": ("miss_ratio", "byte_miss_ratio"),
    "indexing": ("workload_ns", "bytes_per_row"),
}

# The two metrics that a trade-off shows first: of these pairs the first that a run has; others show quality against
# time or bytes.
TRADE_OFFS = {
    "partitioning": (("load_max_over_mean", "cross_join_share"),),
    "hashing": (("hash_ns", "avalanche_bias_output"),),
    "membership": (("bits_per_key", "false_positive_rate"),),
    "integrity": (("check_ns", "checksum_bytes_per_mib"),),
    "caching": (("miss_ratio", "byte_miss_ratio"), ("miss_ratio", "simulate_ns"), ("miss_ratio", "evictions")),
    "indexing": (("lookup_ns.hit", "bytes_per_row"), ("read_ns", "write_ns"), ("workload_ns", "bytes_per_row")),
}

# Kinds of which what is dropped are bounds: it was measured, and nobody can build it.
_BOUNDED = {"caching"}

# A series' unit, and what its labels count, where it has them; others are plain numbers over their labels.
SERIES = {"hit_ratio": {"unit": "share", "over": "requests so far"}}

# Settings whose number reads as a count of something: a grid of them is named so.
COUNTED = {
    "partitions": ("partition", "partitions"),
    "nodes": ("node", "nodes"),
    "key_count": ("key", "keys"),
    "rows": ("row", "rows"),
}
_SETTINGS = {
    "weight": "weighed by {}",
    "weights": "weights {}",
    "removals": "removals of {} %",
    "seeds": "over {} seeds",
    "capacities": "capacities {}",
    "racks": "racks {}",
    "replicas": "{} copies",
    "failed_nodes": "{} nodes failing",
    "false_positive_rate": "a rate of {}",
    "order": "rows {}",
    "row_group_rows": "row groups of {} rows",
    "capacity": "a cache of {}",
    "counts": "capacity in {}",
    "write": "{}",
    "coherence": "coherence {}",
    "admission": "admission {}",
    "ttl": "a TTL of {}",
    "column": "an index on {}",
    "threads": "{} threads",
    "duplicates": "{} rows of each key",
}
_SETTINGS_OF_ONE = {  # where the number is 1
    "seeds": "over one seed",
    "replicas": "one copy",
    "failed_nodes": "one node failing",
    "row_group_rows": "row groups of one row",
    "threads": "one thread",
    "duplicates": "one row of each key",
}
_MOST_NAMED = 12  # of a list of settings

_ACTIONS = {
    "add_one": "add one",
    "remove_one": "remove one",
    "replace_one": "replace one",
    "double": "double",
    "split_hot": "split the fullest",
    "merge_cold": "merge the emptiest",
}
_ACTION_WORDS = {
    "add_one": "with one node more",
    "remove_one": "with one node less",
    "replace_one": "with one node replaced",
    "double": "with twice the nodes",
    "split_hot": "with the fullest partition split",
    "merge_cold": "with the two emptiest partitions merged",
}
_POSITIONS = {name: position for position, name in enumerate(ENTRIES)}


def split_name(metric: str) -> tuple[str, str | None]:
    """A metric's name without and with only its variable part.

    >>> split_name("moved_share.add_one"), split_name("load_cv")
    (('moved_share', 'add_one'), ('load_cv', None))
    """
    base, dot, variable = metric.partition(".")
    return base, variable if dot else None


def describe(metric: str) -> Entry:
    """The words for a metric; an unknown one is called by its own name.

    >>> describe("moved_share.add_one").label, describe("origin_load").label
    ('moved: add one', 'origin load')
    >>> describe("range_ns.1").label, describe("range_ns.100").label
    ('range of 1 row', 'range of 100 rows')
    """
    base, variable = split_name(metric)
    entry = ENTRIES.get(base)
    if entry is None:
        plain = metric.replace("_", " ")
        return Entry(plain, plain, GROUPS[-1], "")
    if variable is None:
        return Entry(_without_variable(entry.label), _without_variable(entry.short), entry.group, entry.meaning)
    shown = _ACTIONS.get(variable, variable).replace("p99_9", "p99.9")
    label = entry.label.replace("{} rows", "{} row") if shown == "1" else entry.label
    return Entry(label.replace("{}", shown), entry.short.replace("{}", shown), entry.group, entry.meaning)


def is_known(metric: str) -> bool:
    """Whether this file has words for a metric."""
    return split_name(metric)[0] in ENTRIES


def in_a_sentence(metric: str) -> str:
    """A metric's label without a colon.

    >>> in_a_sentence("moved_share.add_one"), in_a_sentence("orphan_rows.planes")
    ('moved with one node more', 'orphan rows, planes')
    """
    base, variable = split_name(metric)
    if variable in _ACTION_WORDS:
        return f"{describe(base).label} {_ACTION_WORDS[variable]}"
    return describe(metric).label.replace(": ", ", ")


def group_of(metric: str) -> str:
    """The heading under which a metric is shown."""
    return describe(metric).group


def order_of(metric: str) -> tuple[int, int, int, str]:
    """A sort key: by group, then as listed here, then by action, then by name."""
    base, variable = split_name(metric)
    action = list(_ACTIONS).index(variable) if variable in _ACTIONS else 0
    return GROUPS.index(group_of(metric)), _POSITIONS.get(base, len(_POSITIONS)), action, metric


def settings_words(settings: Mapping[str, Any]) -> str:
    """Settings as people say them, such as `10 nodes, over 20 seeds`; those without a value are left out.

    >>> settings_words({"partitions": 8, "weight": "seats", "key": None})
    '8 partitions, weighed by seats'
    >>> settings_words({"partitions": 4, "capacities": {"node-3": 2}, "racks": ["a", "b", "a", "b"], "replicas": 2})
    '4 partitions, capacities node-3 2, racks a, b, a, b, 2 copies'
    >>> settings_words({"rows": 1, "duplicates": 1, "threads": 1})
    '1 row, one row of each key, one thread'
    """
    words = []
    for name, value in settings.items():
        if name in COUNTED:
            one, many = COUNTED[name]
            words.append(f"{value} {one if value == 1 else many}")
        elif value is not None:
            of_one = _SETTINGS_OF_ONE.get(name) if value == 1 else None
            words.append(of_one or _SETTINGS.get(name, name + "={}").format(_listed(value)))
    return ", ".join(words)


def _listed(value: Any) -> str:
    """A setting's value as people say it; of long ones the beginning."""
    if isinstance(value, Mapping):
        value = [f"{name} {given}" for name, given in value.items()]
    if not isinstance(value, (list, tuple)):
        return str(value)
    more = f", … ({len(value)} in all)" if len(value) > _MOST_NAMED else ""
    return ", ".join(map(str, value[:_MOST_NAMED])) + more


def _without_variable(words: str) -> str:
    return words.replace(": {}", "").replace(" {}", "")


def bounds_of(kind: str, dropped: Collection[str]) -> frozenset[str]:
    """Of the contenders that an answer dropped those that cannot be chosen, so that they are neither best nor worst."""
    return frozenset(dropped) if kind in _BOUNDED else frozenset()
