-- One row a bucket of a cell's latencies of single operations, all processes together: how many took from lower_ns to
-- upper_ns, and the share that took at most that.
-- assay sql "SELECT contender, upper_ns, share_at_most FROM latency_bucket WHERE share_at_most >= 0.99"
CREATE OR REPLACE VIEW latency_bucket AS
WITH bucket AS (
    SELECT run_id, experiment_index, cell_id, name AS metric, unnest(lower) AS lower_ns, unnest(upper) AS upper_ns,
           unnest(counts) AS operations
    FROM histogram),
merged AS (
    SELECT run_id, experiment_index, cell_id, metric, lower_ns, upper_ns, sum(operations)::UBIGINT AS operations
    FROM bucket GROUP BY ALL)
SELECT m.run_id, m.experiment_index, c.contender, c.parameters, m.cell_id, m.metric, m.lower_ns, m.upper_ns, m.operations,
       sum(m.operations) OVER (PARTITION BY m.run_id, m.experiment_index, m.cell_id, m.metric ORDER BY m.lower_ns)
       / sum(m.operations) OVER (PARTITION BY m.run_id, m.experiment_index, m.cell_id, m.metric) AS share_at_most
FROM merged m
JOIN cell c USING (run_id, experiment_index, cell_id);
