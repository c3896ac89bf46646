-- One row a timed metric of a cell and label, from the kept samples: the median over rounds of each round's
-- minimum (the estimate), and the spread that the minimum hides. `label` 'a/a' is the baseline's second copy. Outliers
-- are rounds beyond Tukey's fences (1.5 and 3 quartile distances); all of them count. A cpu_over_wall below 1 means
-- that the kernel waited, or that something else ran.
-- assay sql "SELECT contender, metric, ns_per_operation, ns_max FROM timed_summary WHERE label = 'a' ORDER BY 3"
CREATE OR REPLACE VIEW timed_summary AS
WITH quartiles AS (
    SELECT run_id, experiment_index, cell_id, metric, label,
           quantile_cont(ns_min, 0.25) AS first, quantile_cont(ns_min, 0.75) AS third
    FROM sample GROUP BY ALL)
SELECT s.run_id, s.experiment_index, c.contender, c.parameters, s.cell_id, s.metric, s.label,
       median(s.ns_min) AS ns_per_operation, min(s.ns_min) AS ns_min, median(s.ns_median) AS ns_median,
       any_value(q.first) AS ns_p25, any_value(q.third) AS ns_p75, max(s.ns_max) AS ns_max,
       count(DISTINCT s.process) AS processes, count(*) AS rounds,
       count(*) FILTER (s.ns_min < q.first - 1.5 * (q.third - q.first) OR s.ns_min > q.third + 1.5 * (q.third - q.first))
           - count(*) FILTER (s.ns_min < q.first - 3 * (q.third - q.first) OR s.ns_min > q.third + 3 * (q.third - q.first))
           AS outliers_mild,
       count(*) FILTER (s.ns_min < q.first - 3 * (q.third - q.first) OR s.ns_min > q.third + 3 * (q.third - q.first))
           AS outliers_severe,
       median(list_min(s.cpu_ns) / s.ns_min) AS cpu_over_wall, any_value(k.iterations) AS iterations,
       any_value(k.stop_rule) AS stop_rule
FROM sample s
JOIN cell c USING (run_id, experiment_index, cell_id)
JOIN quartiles q USING (run_id, experiment_index, cell_id, metric, label)
LEFT JOIN calibration k USING (run_id, experiment_index, cell_id, metric)
GROUP BY s.run_id, s.experiment_index, c.contender, c.parameters, s.cell_id, s.metric, s.label;
