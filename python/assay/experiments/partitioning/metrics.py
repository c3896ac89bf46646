"""The metrics of partitioning: what each means, and its formula.

Those of balance and movement are computed in `assay.experiments.loads`. Source: METHODOLOGY, "Load".
"""

from __future__ import annotations

from collections.abc import Mapping

from assay.experiments.base import Metric

__all__ = ["METRICS"]


def _metric(
    name: str, unit: str, direction: str, formula: str, meaning: str, kind: str = "exact", origin: str = "measured"
) -> Metric:
    return Metric(name, unit, direction, kind, origin, formula, meaning, _source(name))  # type: ignore[arg-type]


# The sections of METHODOLOGY.md that define the metrics whose names begin so; the first that fits.
_SECTIONS = (
    (("load_max_over_mean_after",), "Actions and movement"),
    (("load_", "empty_", "effective_parallelism", "avoidable_", "sampling_", "bytes_max"), "Load"),
    (("moved_", "stray_", "rebalance_", "churn_"), "Actions and movement"),
    (("hot_key", "salted_", "last_decile", "growth_", "unseen_"), "Hot keys and growth"),
    (("replica_", "rack_", "rebuild_", "effective_", "join_donors", "copysets"), "Replicas and capacities"),
    (("data_loss_",), "Replicas and capacities"),
    (("workload_", "query_statements", "join_statements"), "Workload"),
    (("cross_join", "orphan_", "null_", "matched_", "parent_", "broadcast_"), "Foreign keys"),
    (("repartition_", "denormalized_", "update_", "colocated_"), "Foreign keys"),
    (("rows_reassembled", "column_growth"), "Vertical partitioning"),
    (("fan_out_", "routed_", "bytes_read", "pruned_"), "Queries"),
    (("distributed_", "transaction_"), "Transactions"),
    (("routing_", "directory_", "lookup_", "build_"), "Routing"),
)


def _source(name: str) -> str:
    [section, *_] = [section for beginnings, section in _SECTIONS if name.startswith(beginnings)]
    return f'METHODOLOGY.md, "{section}"'


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        _metric(
            "load_max_over_mean",
            "ratio",
            "lower",
            "max L_i / mean L_i",
            "How much more than its share the fullest partition holds.",
        ),
        _metric(
            "load_min_over_mean",
            "ratio",
            "higher",
            "min L_i / mean L_i",
            "What the emptiest partition holds of its share.",
        ),
        _metric(
            "load_cv",
            "ratio",
            "lower",
            "sqrt(mean((L_i / mean L - 1)^2))",
            "Spread of the loads: standard deviation over mean.",
        ),
        _metric(
            "load_gini",
            "ratio",
            "lower",
            "sum((2i - n - 1) L_(i)) / (n sum L)",
            "Inequality of the loads: 0 all equal, towards 1 all in one partition.",
        ),
        _metric(
            "load_p99_over_p50",
            "ratio",
            "lower",
            "99th percentile of L / median of L, linear",
            "How far the tail of the loads is from the middle.",
        ),
        _metric("empty_partitions", "partitions", "lower", "count of L_i = 0", "Partitions that hold nothing."),
        _metric(
            "effective_parallelism",
            "share",
            "higher",
            "W^2 / (n sum L_i^2)",
            "Share of the partitions that work as if all were equally loaded.",
        ),
        _metric(
            "avoidable_skew",
            "ratio",
            "lower",
            "load_max_over_mean / max(1, n p_1, n (p_n + p_(n+1)))",
            "Imbalance beyond what the hottest keys force on any strategy that keeps keys whole.",
        ),
        _metric(
            "sampling_floor_cv",
            "ratio",
            "none",
            "sqrt(n / m), m distinct keys",
            "The spread that an ideal hash would have with so many keys.",
        ),
        _metric(
            "bytes_max_over_mean",
            "ratio",
            "lower",
            "max B_i / mean B_i",
            "As load_max_over_mean, in bytes of row data.",
        ),
        _metric(
            "bytes_max", "bytes", "lower", "max B_i", "Bytes of row data in the partition that holds most of them."
        ),
        _metric(
            "bytes_max_estimated",
            "bytes",
            "lower",
            "rows of the fullest partition x mean bytes of a sampled row",
            "As bytes_max, from the bytes of sampled rows.",
            "estimated",
        ),
        _metric(
            "moved_share.ACTION",
            "share",
            "lower",
            "moved weight / all weight",
            "Share of the data that moves to another node.",
        ),
        _metric(
            "moved_over_optimum.ACTION",
            "ratio",
            "lower",
            "moved_share / (1/(n+1), 1/n, 1/n, 1/2)",
            "Movement over the least that equal shares need.",
        ),
        _metric(
            "stray_moves.ACTION",
            "rows",
            "lower",
            "weight moved between nodes present before and after",
            "Data that moves although neither node came or went.",
        ),
        _metric(
            "rebalance_minimum_share.ACTION",
            "share",
            "none",
            "sum max(0, fair share after - load before) / W",
            "The least share that must move to make the loads equal, from the loads as they are.",
        ),
        _metric(
            "load_max_over_mean_after.ACTION",
            "ratio",
            "lower",
            "max L_i / mean L_i after the action",
            "How much more than its share the fullest partition holds once the action is done.",
        ),
        _metric(
            "rebalance_bytes.ACTION",
            "bytes",
            "lower",
            "bytes of the rows whose node changes",
            "Bytes that the action sends from node to node.",
        ),
        _metric(
            "rebalance_seconds.ACTION",
            "s",
            "lower",
            "max over nodes of max(bytes in, bytes out) / bandwidth",
            "Time to move them, all nodes at once, each at the bandwidth given.",
            origin="modelled",
        ),
        _metric(
            "churn_moved_share",
            "ratio",
            "lower",
            "sum over the events of moved weight / W",
            "What a history of nodes that come, go and are replaced moves, in times the whole data.",
            "seeded",
            "modelled",
        ),
        _metric(
            "churn_moved_over_optimum",
            "ratio",
            "lower",
            "churn_moved_share / sum over the events of 1/(n+1) or 1/n",
            "The movement of such a history over the least that equal shares need.",
            "seeded",
            "modelled",
        ),
        _metric(
            "churn_moved_over_direct",
            "ratio",
            "lower",
            "churn_moved_share / moved share from the first nodes to the last at once",
            "What the history moved over what going to its end at once would have.",
            "seeded",
            "modelled",
        ),
        _metric(
            "hot_key_factor",
            "ratio",
            "higher",
            "1 + (1.25 W - n L) / ((n - 1.25) w), w the heaviest key, L its partition; at least 1",
            "How many times as hot the hottest key may become before the load is out of balance.",
        ),
        _metric(
            "salted_load_max_over_mean",
            "ratio",
            "lower",
            "max L_i / mean L_i, the heaviest keys split over partitions p, p + 1, ...",
            "Imbalance once the hottest keys are split over several partitions.",
        ),
        _metric(
            "salted_reads_factor",
            "ratio",
            "lower",
            "(W + (s - 1) W_split) / W, each key in s partitions",
            "Partitions asked for a read by key once the hottest keys are split, on average.",
        ),
        _metric(
            "last_decile_share",
            "share",
            "lower",
            "max L_i / sum L_i over the last tenth of the rows by time",
            "Share of the newest rows that one partition takes.",
        ),
        _metric(
            "growth_load_max_over_mean",
            "ratio",
            "lower",
            "max L_i / mean L_i of the last tenth by time, on the strategy learned before it",
            "Imbalance of the newest rows on a layout that was made before they came.",
            origin="replayed",
        ),
        _metric(
            "unseen_key_share",
            "share",
            "lower",
            "weight in the last tenth of keys that no earlier row has / weight of the last tenth",
            "Share of the newest rows whose key the layout had not seen.",
            origin="replayed",
        ),
        _metric(
            "replica_load_max_over_mean",
            "ratio",
            "lower",
            "max L_i / mean L_i, every copy counted",
            "How much more than its share the fullest node holds, all copies together.",
        ),
        _metric(
            "replica_rack_violations",
            "share",
            "lower",
            "weight whose copies span fewer than min(replicas, racks) racks / W",
            "Share of the data whose copies share a rack although there are others.",
        ),
        _metric(
            "rack_loss_share",
            "share",
            "lower",
            "max over racks of the weight with all copies on the rack / W",
            "Share of the data that is gone if the worst rack is.",
        ),
        _metric(
            "rebuild_donors",
            "nodes",
            "higher",
            "mean over lost nodes of the nodes that send, each key from its first copy left",
            "Nodes that help to make a lost node's copies anew.",
        ),
        _metric(
            "effective_donors",
            "nodes",
            "higher",
            "mean over lost nodes of sum d_j / max d_j, d_j the weight that node j sends",
            "Donors as if all sent alike: how many times as fast as from a single node a rebuild is.",
        ),
        _metric(
            "rebuild_bytes",
            "bytes",
            "lower",
            "mean over lost nodes of the bytes of the copies that it held",
            "Bytes that must be sent when a node is lost.",
        ),
        _metric(
            "rebuild_seconds",
            "s",
            "lower",
            "mean over lost nodes of max_j bytes that node j sends / bandwidth",
            "Time until the busiest donor has sent what a lost node held.",
            origin="modelled",
        ),
        _metric(
            "join_donors",
            "nodes",
            "higher",
            "nodes that send to a node that joins, each key from its first copy",
            "Nodes that help to fill a new node.",
        ),
        _metric(
            "effective_join_donors",
            "nodes",
            "higher",
            "sum d_j / max d_j over what node j sends to a node that joins",
            "Donors of a new node as if all sent alike.",
        ),
        _metric(
            "copysets",
            "count",
            "lower",
            "distinct sets of nodes that hold all copies of a key",
            "Sets of nodes whose loss at once loses data.",
        ),
        _metric(
            "data_loss_chance",
            "share",
            "lower",
            "share of the C(n, k) sets of k nodes that include a copyset; copysets / C(n, k) at k = replicas",
            "Chance that so many nodes, any of them, failing at once lose some key.",
            origin="modelled",
        ),
        _metric(
            "data_loss_chance_estimate",
            "share",
            "lower",
            "share of 20,000 drawn sets of k nodes that include a copyset; Wilson's 95 % interval",
            "The same where there are too many sets to try.",
            "estimated",
            origin="modelled",
        ),
        _metric(
            "cross_join_share.FK",
            "share",
            "lower",
            "matched child weight whose parent lives elsewhere / matched weight",
            "Share of the join with this parent that crosses partitions.",
        ),
        _metric("orphan_rows.FK", "rows", "none", "rows whose key has no parent", "Rows that break the foreign key."),
        _metric(
            "orphan_values.FK",
            "values",
            "none",
            "distinct such keys, without null",
            "Distinct keys that break the foreign key.",
        ),
        _metric("null_rows.FK", "rows", "none", "rows with a null part of the key", "Rows that refer to nobody."),
        _metric(
            "matched_rows.FK", "rows", "none", "rows whose key has a parent", "Rows that the join finds a parent of."
        ),
        _metric(
            "parent_rows.FK", "rows", "none", "rows of the parent table", "Rows that a copy of the parent would hold."
        ),
        _metric(
            "broadcast_bytes.FK",
            "bytes",
            "lower",
            "bytes of the parent table x (n - 1)",
            "Bytes sent so that every partition holds the whole parent.",
        ),
        _metric(
            "repartition_bytes.FK",
            "bytes",
            "lower",
            "bytes of matched rows whose parent lives elsewhere",
            "Bytes sent to bring each row to its parent's partition, with every join.",
        ),
        _metric(
            "denormalized_bytes.FK",
            "bytes",
            "none",
            "sum over matched rows of the bytes of the parent's columns beside its key",
            "Bytes that copying the parent's columns into the rows adds.",
        ),
        _metric(
            "update_rows_mean.FK",
            "rows",
            "none",
            "matched rows / parents referred to",
            "Rows that an update of one parent touches if its columns were copied into them, on average.",
        ),
        _metric(
            "update_rows_max.FK",
            "rows",
            "none",
            "most matched rows of one parent",
            "Rows that an update of the most referenced parent touches if its columns were copied into them.",
        ),
        _metric(
            "update_partitions_mean.FK",
            "partitions",
            "lower",
            "mean over parents referred to of the partitions that hold a row of theirs",
            "Partitions that an update of one parent touches if its columns were copied into the rows, on average.",
        ),
        _metric(
            "update_partitions_max.FK",
            "partitions",
            "lower",
            "most partitions that hold a row of one parent",
            "Partitions that an update touches in the worst case if the parent's columns were copied into the rows.",
        ),
        _metric(
            "colocated_tables.FK",
            "tables",
            "none",
            "1 + tables reached by foreign keys that hold all columns partitioned by",
            "Tables whose joins stay local if this one is partitioned by the foreign key, and the others alike.",
        ),
        _metric(
            "fan_out_mean.QUERY",
            "partitions",
            "lower",
            "mean partitions that hold a match",
            "Partitions that a query finds something in, on average.",
        ),
        _metric(
            "fan_out_max.QUERY",
            "partitions",
            "lower",
            "most partitions that hold a match",
            "Partitions that the worst instance of the query finds something in.",
        ),
        _metric(
            "routed_fan_out_mean.QUERY",
            "partitions",
            "lower",
            "mean partitions that the strategy alone must ask",
            "Partitions that a router must ask, knowing only the strategy.",
        ),
        _metric(
            "bytes_read.QUERY",
            "bytes",
            "lower",
            "mean over instances of the sum of B_p, p the partitions that must be asked",
            "Bytes of the columns read in the partitions that a router must ask, on average.",
        ),
        _metric(
            "pruned_bytes_share.QUERY",
            "share",
            "higher",
            "1 - mean bytes_read / mean bytes of the columns read in all partitions",
            "Share of the bytes that a query need not read, as its router knows better.",
        ),
        _metric(
            "rows_reassembled_share.QUERY",
            "share",
            "lower",
            "matched rows whose columns read lie in more than one group / matched rows",
            "Share of the rows found that must be put together from several servers; 0 where rows lie whole.",
        ),
        _metric(
            "column_growth_load_max_over_mean",
            "ratio",
            "lower",
            "max over columns of max L_i / mean L_i, that column ten times as large, groups where they are",
            "Imbalance once the column that does most grows tenfold, of a strategy that splits columns.",
        ),
        _metric(
            "workload_fan_out_mean",
            "partitions",
            "lower",
            "sum of f fan_out / sum of f, over the accesses of the log, f how often each was asked",
            "Partitions in which a statement of the log finds something, on average.",
        ),
        _metric(
            "workload_routed_fan_out_mean",
            "partitions",
            "lower",
            "sum of f routed_fan_out / sum of f, over the accesses of the log",
            "Partitions that a statement of the log must ask, on average.",
        ),
        _metric(
            "workload_bytes_read",
            "bytes",
            "lower",
            "sum of f bytes_read / sum of f, over the accesses of the log",
            "Bytes that a statement of the log reads, on average.",
        ),
        _metric(
            "workload_statements",
            "count",
            "none",
            "statements of the log that ask the table",
            "How many statements the figures of the workload rest on.",
        ),
        _metric(
            "query_statements.QUERY",
            "count",
            "none",
            "accesses of the log that have the shape of this query",
            "How often the work asks this query: its weight in means over queries.",
        ),
        _metric(
            "join_statements.FK",
            "count",
            "none",
            "statements of the log that join this parent by the foreign key",
            "How often the work joins this parent: its weight in the answer's mean of cross_join_share.",
        ),
        _metric(
            "distributed_transaction_share",
            "share",
            "lower",
            "transactions with rows in more than one partition / transactions",
            "Share of the transactions that need a commit over several partitions.",
        ),
        _metric(
            "transaction_participants_mean",
            "partitions",
            "lower",
            "mean partitions that hold a row of the transaction",
            "Partitions that take part in a transaction, on average.",
        ),
        _metric(
            "routing_bytes", "bytes", "lower", "bytes of the routing state", "What every router must hold in memory."
        ),
        _metric(
            "directory_entries",
            "entries",
            "lower",
            "keys that have an entry",
            "Entries that a directory must hold and keep true; other strategies have none.",
        ),
        _metric(
            "directory_cache_miss_share",
            "share",
            "lower",
            "1 - weight of the heaviest max(1, entries / 10) keys / weight of all keys with an entry",
            "Share of the lookups that an ideal client cache of a tenth of the entries sends on to the directory.",
            origin="modelled",
        ),
        _metric(
            "directory_hops_mean",
            "ratio",
            "lower",
            "1 + directory_cache_miss_share",
            "Requests for a read by key: one to the data, and one to the directory where the cache misses.",
            origin="modelled",
        ),
        _metric(
            "lookup_ns",
            "ns",
            "lower",
            "median over rounds of the least of several samples, per row",
            "Time to find a row's partition, in bulk, on one thread, hash included.",
            "timed",
        ),
        _metric(
            "build_ns",
            "ns",
            "lower",
            "median over rounds of the least of several samples",
            "Time to learn the strategy from the distinct keys.",
            "timed",
        ),
    )
}
