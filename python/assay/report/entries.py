"""The words for each metric: its label, its short one, the group it is shown in, and one line of meaning.

Groups and entries stand in the order in which they are shown. `vocabulary.py` says how they are used.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ENTRIES", "GROUPS", "Entry"]


@dataclass(frozen=True)
class Entry:
    """A metric's words: `label` heads a column, `short` a narrow one, `meaning` is one line."""

    label: str
    short: str
    group: str
    meaning: str


GROUPS = (
    "Load",
    "Movement",
    "Joins and foreign keys",
    "Queries",
    "Transactions and hot keys",
    "Growth",
    "Replicas",
    "Hash quality",
    "Filters",
    "Faults",
    "Caching",
    "Indexes",
    "Cost",
    "Other",
)

_L, _M, _J, _Q, _T, _G, _R, _H, _F, _I, _K, _X, _C = GROUPS[:-1]

# Keys are names without their variable part; `{}` in a label is where that part goes.
ENTRIES: dict[str, Entry] = {
    "load_max_over_mean": Entry(
        "load max ÷ mean: {}",
        "max ÷ mean {}",
        _L,
        "the fullest partition or node against its fair part; 1 is even",
    ),
    "load_min_over_mean": Entry(
        "load min ÷ mean", "min ÷ mean", _L, "the emptiest partition against the average; 1 is even"
    ),
    "load_cv": Entry("load CV", "CV", _L, "standard deviation of the load over its mean; 0 is even"),
    "load_gini": Entry("load Gini", "Gini", _L, "inequality of the load; 0 is even, near 1 is all on one"),
    "load_p99_over_p50": Entry("load p99 ÷ p50", "p99 ÷ p50", _L, "a very full partition against the middle one"),
    "empty_partitions": Entry("empty partitions", "empty", _L, "partitions that hold no row"),
    "effective_parallelism": Entry(
        "effective parallelism", "effective", _L, "the share of partitions that work as if the load were even"
    ),
    "avoidable_skew": Entry(
        "avoidable skew",
        "avoidable",
        _L,
        "max ÷ mean against the best that whole keys allow; above 1 is the strategy's own fault",
    ),
    "sampling_floor_cv": Entry(
        "sampling floor CV", "floor CV", _L, "the CV that an ideal hash would show with so many keys"
    ),
    "ownership_cv": Entry(
        "ownership CV", "owner CV", _L, "spread of the nodes' parts of the hash space: load CV with endless keys"
    ),
    "ownership_cv_law": Entry("ownership CV by law", "law CV", _L, "the ownership CV that chance predicts"),
    "load_cv_law": Entry("load CV by law", "load law", _L, "the load CV that chance predicts for these keys and nodes"),
    "load_cv_over_law": Entry(
        "load CV ÷ law", "load ÷ law", _L, "the load CV against the predicted one; 1 is as predicted"
    ),
    "ownership_cv_over_law": Entry(
        "ownership CV ÷ law", "CV ÷ law", _L, "the ownership CV against the predicted one; 1 is as predicted"
    ),
    "share_over_weight_max": Entry(
        "share ÷ weight, largest", "max ÷ weight", _L, "the node with the most hash space for its weight; 1 is fair"
    ),
    "share_over_weight_min": Entry(
        "share ÷ weight, smallest", "min ÷ weight", _L, "the node with the least hash space for its weight; 1 is fair"
    ),
    "adjacent_equal_pairs": Entry(
        "equal neighbours", "equal pairs", _L, "points on the ring whose next point belongs to the same node"
    ),
    "adjacent_equal_pairs_law": Entry(
        "equal neighbours by law", "pairs by law", _L, "as many equal neighbours as chance predicts"
    ),
    "hash_and_list_differences": Entry(
        "apart from hash and list",
        "≠ hash, list",
        _L,
        "keys that a hash and then a list of nodes place elsewhere; 0 if it is these",
    ),
    "bytes_max_over_mean": Entry(
        "bytes max ÷ mean", "bytes max", _L, "the partition with most bytes against the average"
    ),
    "last_decile_share": Entry(
        "last-decile share", "last 10 %", _G, "the largest part of the last tenth of the rows that hits one partition"
    ),
    "growth_load_max_over_mean": Entry(
        "growth max ÷ mean",
        "growth",
        _G,
        "the last tenth of the rows on the layout that was learned before it; 1 is even",
    ),
    "unseen_key_share": Entry(
        "unseen keys", "unseen", _G, "the part of the last tenth of the rows whose key no earlier row has"
    ),
    "moved_share": Entry("moved: {}", "moved {}", _M, "the part of the load that changes node"),
    "moved_over_optimum": Entry(
        "moved ÷ optimum: {}", "moved ÷ opt {}", _M, "moved load against the least that must move; 1 is optimal"
    ),
    "stray_moves": Entry(
        "stray moves: {}", "stray {}", _M, "load moved between two nodes that were there before and after"
    ),
    "effective_senders": Entry(
        "effective senders: {}", "senders {}", _M, "nodes that give up what moves, as if all gave the same amount"
    ),
    "effective_receivers": Entry(
        "effective receivers: {}", "receivers {}", _M, "nodes that take over what moves, as if all took the same amount"
    ),
    "rebalance_minimum_share": Entry(
        "rebalance minimum: {}", "minimum {}", _M, "the least load that must move to be even again"
    ),
    "load_max_over_mean_after": Entry(
        "load max ÷ mean after: {}", "after {}", _M, "the fullest partition against the average once that is done"
    ),
    "rebalance_bytes": Entry("bytes moved: {}", "bytes {}", _M, "bytes sent from node to node"),
    "rebalance_seconds": Entry(
        "time to move: {}", "time {}", _M, "what the busiest node needs at the bandwidth that was given"
    ),
    "churn_moved_share": Entry(
        "churn moved", "churn", _M, "what a history of many changes moves, in times the whole data"
    ),
    "churn_moved_over_optimum": Entry(
        "churn moved ÷ optimum", "churn ÷ opt", _M, "movement of a history of changes against the least; 1 is optimal"
    ),
    "churn_moved_over_direct": Entry(
        "churn moved ÷ direct", "churn ÷ direct", _M, "movement of a history against going to its last nodes at once"
    ),
    "cross_join_share": Entry(
        "cross-partition joins: {}", "cross joins {}", _J, "matching rows whose parent lives in another partition"
    ),
    "orphan_rows": Entry("orphan rows: {}", "orphans {}", _J, "rows whose parent does not exist anywhere"),
    "orphan_values": Entry("orphan values: {}", "orphan values {}", _J, "distinct keys that have no parent"),
    "null_rows": Entry("null rows: {}", "nulls {}", _J, "rows whose foreign key is null"),
    "matched_rows": Entry("matched rows: {}", "matched {}", _J, "rows whose parent exists"),
    "parent_rows": Entry("parent rows: {}", "parents {}", _J, "rows of the parent table"),
    "broadcast_bytes": Entry(
        "broadcast bytes: {}", "broadcast {}", _J, "bytes sent if the parent is copied to all partitions"
    ),
    "repartition_bytes": Entry(
        "repartition bytes: {}", "repartition {}", _J, "bytes sent if the child is shuffled to its parents"
    ),
    "denormalized_bytes": Entry(
        "denormalized bytes: {}", "denormalized {}", _J, "bytes added if the parent's columns are copied in"
    ),
    "update_rows_mean": Entry(
        "rows per update: {}", "update rows {}", _J, "rows that one parent's update touches if copied in, on average"
    ),
    "update_rows_max": Entry(
        "rows per update, most: {}", "update rows max {}", _J, "rows that the widest update touches if copied in"
    ),
    "update_partitions_mean": Entry(
        "partitions per update: {}",
        "update parts {}",
        _J,
        "partitions that one parent's update touches if copied in, on average",
    ),
    "update_partitions_max": Entry(
        "partitions per update, most: {}",
        "update parts max {}",
        _J,
        "partitions that the widest update touches if copied in",
    ),
    "colocated_tables": Entry(
        "co-located tables: {}", "co-located {}", _J, "tables that stay together if partitioned by this foreign key"
    ),
    "fan_out_mean": Entry("fan-out: {}", "fan-out {}", _Q, "partitions that hold a match, on average over the queries"),
    "fan_out_max": Entry("fan-out max: {}", "max {}", _Q, "partitions that hold a match, for the widest query"),
    "routed_fan_out_mean": Entry("routed fan-out: {}", "routed {}", _Q, "partitions that the strategy alone must ask"),
    "pruned_bytes_share": Entry(
        "pruned bytes: {}", "pruned {}", _Q, "the part of the table that a query need not read"
    ),
    "bytes_read": Entry("bytes read: {}", "read {}", _Q, "bytes that the queries read"),
    "rows_reassembled_share": Entry(
        "rows reassembled: {}", "reassembled {}", _Q, "rows put together from several column groups"
    ),
    "column_growth_load_max_over_mean": Entry(
        "max ÷ mean, a column tenfold",
        "column × 10",
        _Q,
        "load max ÷ mean once the column that does most grows tenfold",
    ),
    "workload_fan_out_mean": Entry(
        "fan-out of a statement", "fan-out a stmt", _Q, "partitions that hold a match, for a statement of the log"
    ),
    "workload_routed_fan_out_mean": Entry(
        "routed fan-out of a statement", "routed a stmt", _Q, "partitions that a statement of the log must ask"
    ),
    "workload_bytes_read": Entry(
        "bytes read by a statement", "read a stmt", _Q, "bytes that a statement of the log reads, on average"
    ),
    "workload_statements": Entry("statements of the log", "statements", _Q, "statements that ask this table"),
    "query_statements": Entry("statements: {}", "statements {}", _Q, "how often the log asks this query"),
    "join_statements": Entry("joining statements: {}", "joins {}", _J, "how often the log joins this parent"),
    "distributed_transaction_share": Entry(
        "distributed transactions", "distributed", _T, "transactions that touch more than one partition"
    ),
    "transaction_participants_mean": Entry(
        "participants mean", "participants", _T, "partitions that a transaction touches"
    ),
    "hot_key_factor": Entry(
        "hot-key factor", "hot key", _T, "how much hotter one key may become before it unbalances the load"
    ),
    "salted_load_max_over_mean": Entry(
        "salted max ÷ mean", "salted", _T, "load max ÷ mean after the hottest keys are split"
    ),
    "salted_reads_factor": Entry(
        "reads once salted", "salted reads", _T, "partitions that a read by key asks after the hottest keys are split"
    ),
    "replica_load_max_over_mean": Entry(
        "max ÷ mean of all copies", "copies max", _R, "the fullest node against its fair part, every copy counted"
    ),
    "replica_rack_violations": Entry(
        "rack violations", "rack viol.", _R, "data whose copies share a rack although there are others"
    ),
    "rack_loss_share": Entry("lost with a rack", "rack loss", _R, "data that is gone if the worst rack is"),
    "rebuild_donors": Entry("rebuild donors", "donors", _R, "nodes that help to rebuild a lost one"),
    "effective_donors": Entry("effective donors", "eff. donors", _R, "donors as if all sent the same amount"),
    "rebuild_bytes": Entry("bytes to rebuild", "rebuild", _R, "bytes of the copies that a lost node held"),
    "rebuild_seconds": Entry(
        "time to rebuild", "rebuild time", _R, "until the busiest donor has sent its part, at the bandwidth given"
    ),
    "join_donors": Entry("donors on a join", "join donors", _R, "nodes that help to fill a new one"),
    "effective_join_donors": Entry(
        "effective donors on a join", "eff. join", _R, "donors of a new node as if all sent the same amount"
    ),
    "copysets": Entry("copysets", "copysets", _R, "sets of nodes whose loss at once loses data"),
    "data_loss_chance": Entry(
        "chance of data loss", "loss chance", _R, "that so many nodes, any of them, failing at once lose some key"
    ),
    "data_loss_chance_estimate": Entry(
        "chance of data loss, estimated", "loss chance ~", _R, "the same from drawn failures, with its interval"
    ),
    "false_positive_rate": Entry(
        "false-positive rate", "false yes", _F, "absent keys that the filter says yes to; the interval is exact"
    ),
    "expected_false_positive_rate": Entry(
        "expected false-positive rate", "expected", _F, "what theory expects of the filter as it was built"
    ),
    "false_positive_rate_over_theory": Entry(
        "rate ÷ theory", "÷ theory", _F, "the measured rate against the expected one; 1 is as expected"
    ),
    "false_positive_rate_over_target": Entry(
        "rate ÷ target", "÷ target", _F, "the measured rate against the one asked for; at most 1 keeps the promise"
    ),
    "false_negatives": Entry(
        "false negatives", "false no", _F, "held keys that the filter denies: none, or it is broken"
    ),
    "bits_per_key": Entry("bits per key", "bits ÷ key", _F, "bits of the filter for each key that it holds"),
    "keys_held": Entry("keys held", "keys", _F, "distinct keys in the filter"),
    "absent_keys_asked": Entry("absent keys asked", "absent", _F, "absent keys that the rate is measured with"),
    "row_groups": Entry("row groups", "groups", _F, "row groups that would have a filter each"),
    "row_groups_read_mean": Entry(
        "row groups read", "groups read", _F, "row groups that a point query reads with a filter for each, on average"
    ),
    "row_groups_read_by_min_max": Entry(
        "row groups read by min and max",
        "by min, max",
        _F,
        "row groups that it reads knowing only least and greatest keys",
    ),
    "row_groups_read_at_best": Entry("row groups read at best", "at best", _F, "row groups that hold what it asks for"),
    "pruned_bytes_share_by_min_max": Entry(
        "pruned bytes by min and max", "pruned min, max", _F, "the part of the table that min and max alone spare"
    ),
    "filter_bytes": Entry("bytes of filters", "filter bytes", _F, "the filters of all row groups"),
    "filter_bytes_share": Entry("filters ÷ table", "filter share", _F, "what the filters add to the table"),
    "filter_bytes_read_mean": Entry(
        "filter bytes read", "filters read", _F, "bytes of filters that a point query reads, on average"
    ),
    "bytes_saved_mean": Entry(
        "bytes saved by filters",
        "saved",
        _F,
        "bytes that filters spare a point query beyond min and max, less their own",
    ),
    "probes": Entry("probes", "probes", _F, "places that a filter looks at to answer yes"),
    "probe_ns": Entry("probe, {}", "probe {}", _C, "time to ask for one key, in bulk"),
    "routing_bytes": Entry("routing bytes", "routing", _C, "what a client must keep in memory to route a key"),
    "directory_entries": Entry("directory entries", "entries", _C, "entries of the directory"),
    "directory_cache_miss_share": Entry(
        "directory lookups", "lookups", _C, "reads that a cache of a tenth of the entries sends on to the directory"
    ),
    "directory_hops_mean": Entry("directory hops", "hops", _C, "requests for one read by key, behind such a cache"),
    "balance_over_ideal": Entry(
        "uneven ÷ ideal: {}",
        "uneven {}",
        _H,
        "how uneven buckets of the keys are against chance; 1 is as chance has it",
    ),
    "balance_ideal": Entry("uneven ÷ ideal, by chance", "by chance", _H, "where an ideal function's unevenness lies"),
    "keys_max_over_mean": Entry(
        "keys max ÷ mean: {}", "keys max {}", _H, "the bucket with most distinct keys against the average"
    ),
    "collisions": Entry("collisions", "collisions", _H, "pairs of different keys with the same hash"),
    "collisions_expected": Entry(
        "collisions by chance", "by chance", _H, "pairs that would collide under an ideal function of this width"
    ),
    "avalanche_share": Entry(
        "avalanche", "avalanche", _H, "the part of the hash that a flipped bit of the key changes; 50 % is ideal"
    ),
    "avalanche_bias_output": Entry(
        "avalanche bias, hash bits", "bias out", _H, "the hash's most predictable bit when a key bit flips; 0 is ideal"
    ),
    "avalanche_bias_input": Entry(
        "avalanche bias, key bits", "bias in", _H, "the key's most predictable bit when it flips; 0 is ideal"
    ),
    "hash_bits": Entry("hash width", "bits", _H, "bits of the hash"),
    "caught_share": Entry("caught: {}", "caught {}", _I, "faults after which a check says that something is wrong"),
    "missed_share": Entry("missed: {}", "missed {}", _I, "faults that pass as intact data"),
    "located_share": Entry("located: {}", "located {}", _I, "faults of which exactly the broken blocks are named"),
    "repaired_share": Entry(
        "repaired: {}", "repaired {}", _I, "faults that end with the right data, from another copy"
    ),
    "fetched_bytes": Entry("fetched: {}", "fetched {}", _I, "bytes that a repair fetches from the other copy"),
    "refused_share": Entry(
        "refused, both copies broken", "refused", _I, "repairs that are refused where the other copy is broken too"
    ),
    "false_alarms": Entry("false alarms", "alarms", _I, "checks that call intact data broken"),
    "checksum_bits": Entry("checksum width", "bits", _I, "bits kept of each checksum"),
    "checksum_bytes_per_mib": Entry("checksums a MiB", "kept/MiB", _C, "bytes of checksums for a MiB of data"),
    "read_amplification": Entry(
        "read to check 4 KiB", "read × 4 KiB", _C, "bytes read to trust a page of the data, over the page"
    ),
    "check_ns": Entry("check a KiB", "check KiB", _C, "time to check a KiB of data"),
    "miss_ratio": Entry("miss ratio", "miss ratio", _K, "requests whose object is not in the cache"),
    "byte_miss_ratio": Entry("byte miss ratio", "byte misses", _K, "bytes asked for that must come from the origin"),
    "improvement_over_fifo": Entry(
        "misses fewer than FIFO",
        "over FIFO",
        _K,
        "the part of FIFO's misses that the policy avoids; below 0 it has more",
    ),
    "distance_to_opt": Entry(
        "distance to OPT", "to OPT", _K, "requests that miss and would not, were the future known"
    ),
    "compulsory_miss_ratio": Entry(
        "first requests", "first", _K, "requests that miss in any cache, as their object was never asked for before"
    ),
    "compulsory_miss_share": Entry(
        "first requests ÷ misses", "first ÷ misses", _K, "the part of the misses that nothing can avoid"
    ),
    "hits": Entry("hits", "hits", _K, "requests whose object is in the cache"),
    "misses": Entry("misses", "misses", _K, "requests whose object is not in the cache"),
    "evictions": Entry("evictions", "evictions", _K, "objects that went to make room"),
    "requests": Entry("requests", "requests", _K, "requests that were replayed"),
    "distinct_keys": Entry("distinct keys", "keys", GROUPS[-1], "objects that a trace asks for, or keys of an index"),
    "capacity_objects": Entry("capacity", "capacity", _K, "objects that the cache holds"),
    "capacity_bytes": Entry("capacity in bytes", "capacity", _K, "bytes that the cache holds"),
    "read_miss_ratio": Entry("miss ratio of reads", "read misses", _K, "reads that the origin must answer"),
    "origin_reads": Entry("origin reads", "origin reads", _K, "what the origin must read"),
    "origin_writes": Entry("origin writes", "origin writes", _K, "what the origin must write, flushes included"),
    "write_amplification": Entry(
        "written ÷ asked for", "÷ writes", _C, "what is written for each write or byte asked for; below 1 they merge"
    ),
    "writes_coalesced": Entry("writes coalesced", "coalesced", _K, "writes that a later one replaced in the cache"),
    "lost_writes": Entry(
        "acknowledged writes lost", "lost writes", _K, "what a crash of the cache loses, on average over its instants"
    ),
    "stale_reads": Entry("stale reads", "stale", _K, "reads that were told something no longer true"),
    "stale_read_share": Entry(
        "stale reads ÷ reads", "stale ÷ reads", _K, "the part of the reads that was no longer true"
    ),
    "lost_updates": Entry("lost updates", "undone", _K, "writes of others that a late flush undid"),
    "flushes": Entry("flushes", "flushes", _K, "objects that were written back"),
    "dirty_max": Entry("most dirty objects", "dirty", _K, "most objects that were in the cache alone"),
    "modelled_latency_mean": Entry(
        "latency, modelled", "latency", _C, "what a request waits on average, by your costs"
    ),
    "modelled_latency_p99": Entry("latency p99, modelled", "p99", _C, "what 99 % of the requests do not exceed"),
    "modelled_read_latency_mean": Entry("read latency, modelled", "read", _C, "what a read waits on average"),
    "modelled_write_latency_mean": Entry("write latency, modelled", "write", _C, "what a write waits on average"),
    "knee_capacity": Entry("knee of the curve", "knee", _K, "the capacity after which more room brings less"),
    "cheapest_capacity": Entry("cheapest capacity", "cheapest", _C, "the capacity that costs least, by the prices"),
    "cost": Entry("cost", "cost", _C, "misses and room, in the money of the prices that were given"),
    "simulate_ns": Entry("simulate a request", "simulate", _C, "time to simulate a request"),
    "hash_ns": Entry("hash time", "hash", _C, "time to hash one key"),
    "throughput": Entry("throughput", "throughput", _C, "bytes worked through in a second"),
    "memory_bytes": Entry("memory", "memory", _C, "bytes that lookups read and a client must hold"),
    "lookup_ns": Entry("lookup {}", "lookup {}", _C, "time to find where one key lives"),
    "lookup_latency_ns": Entry("lookup latency {}", "latency {}", _C, "time of one lookup called from Python"),
    "workload_ns": Entry("an operation", "operation", _X, "time of an operation of the workload with this index alone"),
    "workload_regret": Entry("regret", "regret", _X, "what the workload costs over the cheapest index of this key"),
    "read_ns": Entry("a read", "read", _X, "time of a read of the workload that asks for this key"),
    "write_ns": Entry("a write", "write", _X, "time that the index adds to a write of the workload"),
    "read_speedup": Entry("reads over a scan", "÷ scan", _X, "how many times faster reads are than without an index"),
    "break_even_reads": Entry(
        "pays from, against {}", "from {}", _X, "reads for each write from which on it pays, predicted from its parts"
    ),
    "break_even_reads_direct": Entry(
        "pays from, measured, against {}", "measured {}", _X, "the same, measured where reads and writes alternate"
    ),
    "break_even_over_direct": Entry(
        "predicted ÷ measured, against {}", "÷ measured {}", _X, "how far the predicted mix is off; 1 is right"
    ),
    "query_ns": Entry("query: {}", "{}", _X, "time of one query of the workload, to its row numbers"),
    "query_cost_ns": Entry(
        "cost of {}", "cost {}", _X, "what a query costs with this index, or with the scan it is left to"
    ),
    "query_regret": Entry("regret of {}", "regret {}", _X, "what a query costs over the index that is fastest for it"),
    "range_ns": Entry("range of {} rows", "range {}", _X, "time of a range of so many rows"),
    "ordered_scan_ns": Entry("row in order", "in order", _X, "time to list all rows in order, for each"),
    "insert_ns": Entry("insert", "insert", _X, "time that a new row takes, in batches"),
    "update_ns": Entry("update", "update", _X, "time that a changed key takes, in batches"),
    "delete_ns": Entry("delete", "delete", _X, "time that a row takes which goes, in batches"),
    "bytes_per_row": Entry("bytes per row", "bytes ÷ row", _X, "what the index takes for each row that has a key"),
    "rows_skipped_share": Entry("rows skipped", "skipped", _X, "the part of the rows that a lookup need not read"),
    "rows_indexed": Entry("rows indexed", "rows", _X, "rows that have a key"),
    "answers_checked": Entry("answers checked", "checked", _X, "answers that were compared with a scan's"),
    "build_ns": Entry("build", "build", _C, "time to build it"),
}
