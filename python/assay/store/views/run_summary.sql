-- One row a run, newest first: what it was, how far it came, how it ended.  assay sql "SELECT * FROM run_summary"
CREATE OR REPLACE VIEW run_summary AS
SELECT r.run_id, r.suite_name, r.label, r.status, r.started, r.ended, r.seed,
       (SELECT count(*) FROM experiment e WHERE e.run_id = r.run_id) AS experiments,
       (SELECT count(*) FROM cell c WHERE c.run_id = r.run_id) AS cells,
       (SELECT count(*) FROM cell c WHERE c.run_id = r.run_id AND c.status = 'done') AS cells_done,
       (SELECT count(*) FROM cell c WHERE c.run_id = r.run_id AND c.status = 'failed') AS cells_failed,
       (SELECT count(*) FROM block b WHERE b.run_id = r.run_id) AS blocks,
       (SELECT count(*) FROM expectation x WHERE x.run_id = r.run_id AND x.met IS NOT TRUE) AS expectations_unmet,
       r.command, r.tool_version
FROM run r
ORDER BY r.started DESC, r.run_id DESC;
