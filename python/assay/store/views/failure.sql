-- One row a failed cell, or a failed step of a whole experiment (without a contender), with its error.
-- assay sql "SELECT contender, error FROM failure"
CREATE OR REPLACE VIEW failure AS
SELECT c.run_id, c.experiment_index, e.kind AS experiment, c.contender, c.parameters, d.name AS dataset, c.cell_id, c.error
FROM cell c
JOIN experiment e USING (run_id, experiment_index)
LEFT JOIN dataset d ON d.fingerprint = e.dataset_fingerprint
WHERE c.status = 'failed'
UNION ALL
SELECT e.run_id, e.experiment_index, e.kind, NULL, NULL, d.name, NULL, unnest(from_json(e.errors, '["VARCHAR"]'))
FROM experiment e
LEFT JOIN dataset d ON d.fingerprint = e.dataset_fingerprint;
