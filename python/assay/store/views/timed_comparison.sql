-- One row a timed cell beside its metric's baseline: ratio > 1 is slower; believe it only beyond the noise floor. An
-- unclear one needs about rounds_needed more rounds in each process; NULL there: rounds alone would not do.
-- assay sql "SELECT contender, baseline, ratio, low, high, verdict FROM timed_comparison"
CREATE OR REPLACE VIEW timed_comparison AS
SELECT x.run_id, x.experiment_index, c.contender, c.parameters, x.cell_id, x.metric, b.contender AS baseline,
       b.parameters AS baseline_parameters, x.ratio, x.low, x.high, x.noise_floor, x.verdict, x.processes, x.rounds,
       x.threshold, x.p_value, x.p_adjusted, x.compared, x.rounds_needed
FROM comparison x
JOIN cell c USING (run_id, experiment_index, cell_id)
JOIN cell b ON b.run_id = x.run_id AND b.experiment_index = x.experiment_index AND b.cell_id = x.baseline_cell_id;
