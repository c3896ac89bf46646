-- One row a timed metric of a cell and label, from the kept samples: the median over rounds of each round's
-- minimum (the estimate), and the spread that the minimum hides. `label` 'a/a' is the baseline's second copy.
-- assay sql "SELECT contender, metric, ns_per_operation, ns_max FROM timed_summary WHERE label = 'a' ORDER BY 3"
CREATE OR REPLACE VIEW timed_summary AS
SELECT s.run_id, s.experiment_index, c.contender, c.parameters, s.cell_id, s.metric, s.label,
       median(s.ns_min) AS ns_per_operation, min(s.ns_min) AS ns_min, median(s.ns_median) AS ns_median,
       quantile_cont(s.ns_min, 0.25) AS ns_p25, quantile_cont(s.ns_min, 0.75) AS ns_p75, max(s.ns_max) AS ns_max,
       count(DISTINCT s.process) AS processes, count(*) AS rounds
FROM sample s
JOIN cell c USING (run_id, experiment_index, cell_id)
GROUP BY ALL;
