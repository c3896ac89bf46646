-- One row an expectation: what was wanted, what was met; `outcome` is met, unmet or not measured.
-- assay sql "SELECT * FROM expectation_check WHERE outcome <> 'met'"
CREATE OR REPLACE VIEW expectation_check AS
SELECT x.run_id, x.experiment_index, e.kind AS experiment, x.position, x.contender, x.parameters, x.metric, x.relation,
       x.bound, x.value, x.met,
       CASE WHEN x.met IS NULL THEN 'not measured' WHEN x.met THEN 'met' ELSE 'unmet' END AS outcome
FROM expectation x
JOIN experiment e USING (run_id, experiment_index);
