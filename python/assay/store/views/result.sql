-- One row a metric of a cell, with all that names it.
CREATE OR REPLACE VIEW result AS
SELECT m.run_id, m.experiment_index, e.kind AS experiment, c.contender, c.parameters, d.name AS dataset, m.cell_id,
       m.name AS metric, m.unit, m.kind, m.direction, m.origin, m.value, m.low, m.high, m.note
FROM metric m
JOIN cell c USING (run_id, experiment_index, cell_id)
JOIN experiment e USING (run_id, experiment_index)
LEFT JOIN dataset d ON d.fingerprint = e.dataset_fingerprint;
