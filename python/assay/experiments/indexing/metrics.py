"""The metrics of indexing: what each means, and its formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from assay.experiments.base import Metric

__all__ = ["AGAINST", "METRICS", "PROBES"]

PROBES = ("hit", "miss")
AGAINST = ("none", "next_best")
_BULK = "median over rounds of the least of several samples"


def _metric(
    name: str,
    unit: str,
    direction: Literal["lower", "higher", "none"],
    kind: Literal["exact", "seeded", "timed"],
    formula: str,
    meaning: str,
    origin: Literal["measured", "modelled"] = "measured",
) -> Metric:
    return Metric(name, unit, direction, kind, origin, formula, meaning, 'METHODOLOGY.md, "Indexing"')


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric(
            "break_even_reads.AGAINST",
            "ratio",
            "lower",
            "timed",
            "ns that a write costs more / ns that a read costs less",
            "Reads for each write from which on the index pays, predicted from its parts: against no index, and "
            "against the next best one. 0: it always pays.",
            "modelled",
        ),
        _metric(
            "break_even_reads_direct.AGAINST",
            "ratio",
            "lower",
            "timed",
            "the same of rounds that read and write at that mix, in turn; median of the rounds",
            "The same, measured where reads and writes alternate at the predicted mix.",
        ),
        _metric(
            "break_even_over_direct.AGAINST",
            "ratio",
            "none",
            "timed",
            "break_even_reads / break_even_reads_direct",
            "How far the prediction is off; 1 is right.",
        ),
        _metric(
            "workload_ns",
            "ns",
            "lower",
            "timed",
            "read_share * read_ns + (1 - read_share) * write_ns",
            "Time of an operation of the workload with this index alone.",
            "modelled",
        ),
        _metric(
            "workload_regret",
            "ratio",
            "lower",
            "timed",
            "workload_ns / the least workload_ns of an index of this key - 1",
            "How much more the workload costs than with the cheapest index of this key, or none.",
            "modelled",
        ),
        _metric(
            "read_ns",
            "ns",
            "lower",
            "timed",
            "sum over the reads of this key of share * query_cost_ns",
            "Time of a read of the workload that asks for this key.",
            "modelled",
        ),
        _metric(
            "write_ns",
            "ns",
            "lower",
            "timed",
            "sum over the writes of share * insert_ns, update_ns or delete_ns, in processor time as the reads",
            "Time that the index adds to a write of the workload.",
            "modelled",
        ),
        _metric(
            "read_speedup",
            "ratio",
            "higher",
            "timed",
            "read_ns of no index / read_ns",
            "How many times faster the reads of this key are than without an index.",
            "modelled",
        ),
        _metric(
            "query_ns.QUERY",
            "ns",
            "lower",
            "timed",
            f"{_BULK}, per instance",
            "Time of one query of the workload, to its row numbers.",
        ),
        _metric(
            "query_cost_ns.QUERY",
            "ns",
            "lower",
            "timed",
            "lower quartile of query_ns, in processor time where one thread does all; the scan's if it cannot answer",
            "What a query costs with this index: what costs and regrets are made of.",
            "modelled",
        ),
        _metric(
            "query_regret.QUERY",
            "ratio",
            "lower",
            "timed",
            "query_cost_ns / the least query_cost_ns of an index of this key, or none - 1",
            "How much more a query costs than with the index that answers it fastest.",
            "modelled",
        ),
        _metric(
            "lookup_ns.PROBE",
            "ns",
            "lower",
            "timed",
            f"{_BULK}, per key",
            "Time to look up a key in bulk: one that is there, or one that is not.",
        ),
        _metric(
            "lookup_latency_ns.PERCENTILE",
            "ns",
            "lower",
            "timed",
            "of lookups of one key, called one at a time from Python",
            "Time of a single lookup, and its tail.",
        ),
        _metric(
            "range_ns.ROWS",
            "ns",
            "lower",
            "timed",
            f"{_BULK}, per range",
            "Time of a range of as many keys as hold so many rows.",
        ),
        _metric(
            "ordered_scan_ns",
            "ns",
            "lower",
            "timed",
            f"{_BULK}, per row",
            "Time to list all rows in the order of the key, per row.",
        ),
        _metric("build_ns", "ns", "lower", "timed", f"{_BULK}, per row", "Time to build the index, per row."),
        _metric(
            "insert_ns",
            "ns",
            "lower",
            "timed",
            f"{_BULK}, per row, in batches of the setting batch",
            "Time that a new row takes.",
        ),
        _metric(
            "update_ns",
            "ns",
            "lower",
            "timed",
            f"{_BULK}, per row, in batches: the old key is deleted, the new one inserted",
            "Time that a changed key takes.",
        ),
        _metric(
            "delete_ns",
            "ns",
            "lower",
            "timed",
            f"{_BULK}, per row, in batches",
            "Time that a row takes which goes.",
        ),
        _metric(
            "bytes_per_row",
            "ratio",
            "lower",
            "exact",
            "memory_bytes / rows_indexed",
            "Bytes that the index takes for each row that has a key.",
        ),
        _metric("memory_bytes", "bytes", "lower", "exact", "bytes that it holds", "What the index takes."),
        _metric(
            "write_amplification",
            "ratio",
            "lower",
            "seeded",
            "bytes that insertions write / bytes of their keys and row numbers",
            "Bytes written for each byte that is inserted, where the index counts them.",
        ),
        _metric(
            "rows_skipped_share",
            "share",
            "higher",
            "seeded",
            "rows of blocks that lookups of present keys left unread / rows, mean over the lookups",
            "The part of the rows that a lookup need not read, of indexes that skip blocks.",
        ),
        _metric("rows_indexed", "rows", "none", "exact", "rows whose key is not null", "Rows that the index holds."),
        _metric("distinct_keys", "values", "none", "exact", "distinct keys, null apart", "Keys that the index holds."),
        _metric(
            "answers_checked",
            "count",
            "none",
            "exact",
            "answers compared with a scan's; one that differs fails the cell",
            "Answers that were found to be a scan's before anything was timed.",
        ),
    )
}
