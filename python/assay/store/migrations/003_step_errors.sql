-- Steps of a whole experiment that failed after its cells were measured, such as its answer: no cell bears their error.
ALTER TABLE experiment ADD COLUMN errors JSON;         -- a list of texts; NULL where no step failed
