-- One row a point of a series of a cell.
CREATE OR REPLACE VIEW series_point AS
SELECT s.run_id, s.experiment_index, c.contender, c.parameters, s.cell_id, s.name AS series, s.position, s.label, s.value
FROM series s JOIN cell c USING (run_id, experiment_index, cell_id);
