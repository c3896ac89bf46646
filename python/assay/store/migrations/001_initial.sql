-- The first schema. One writer; every table is append-only but for `run.status`, `run.ended`, `cell.status`, `cell.error`,
-- `experiment.answers` (NULL until the experiment is finished), `stage.learned` and `block.state`.
CREATE TABLE meta (key VARCHAR PRIMARY KEY, value VARCHAR NOT NULL);
CREATE TABLE environment (environment_id VARCHAR PRIMARY KEY, facts JSON NOT NULL);
CREATE TABLE dataset (
    fingerprint VARCHAR PRIMARY KEY, fingerprint_kind VARCHAR NOT NULL, name VARCHAR NOT NULL, source VARCHAR,
    licence VARCHAR, rows UBIGINT, bytes UBIGINT, schema JSON NOT NULL, facts JSON NOT NULL);
CREATE TABLE run (
    run_id VARCHAR PRIMARY KEY, suite_name VARCHAR NOT NULL, question VARCHAR, suite_toml VARCHAR, suite_hash VARCHAR NOT NULL,
    seed UBIGINT NOT NULL, started TIMESTAMPTZ NOT NULL, ended TIMESTAMPTZ, status VARCHAR NOT NULL,   -- running, done, failed, interrupted
    command VARCHAR NOT NULL, tool_version VARCHAR NOT NULL, environment_id VARCHAR NOT NULL, label VARCHAR);
CREATE TABLE experiment (
    run_id VARCHAR, experiment_index UINTEGER, kind VARCHAR NOT NULL, question VARCHAR NOT NULL, noun VARCHAR NOT NULL,
    dataset_fingerprint VARCHAR NOT NULL, settings JSON NOT NULL, reading VARCHAR, command VARCHAR NOT NULL,
    answers JSON,                          -- a list of assay.experiments.base.Answer
    PRIMARY KEY (run_id, experiment_index));
CREATE TABLE cell (
    run_id VARCHAR, experiment_index UINTEGER, cell_id VARCHAR, contender VARCHAR NOT NULL, contender_version UINTEGER NOT NULL,
    parameters JSON NOT NULL, status VARCHAR NOT NULL, error VARCHAR,          -- planned, done, failed
    PRIMARY KEY (run_id, experiment_index, cell_id));
CREATE TABLE stage (                       -- one scan of an experiment: how it was cut into spans, and what it taught the next
    run_id VARCHAR, experiment_index UINTEGER, stage UINTEGER, spans UINTEGER NOT NULL, span_rows UBIGINT NOT NULL,
    learned BLOB,                          -- NULL until the stage is merged, and again once the experiment is finished
    PRIMARY KEY (run_id, experiment_index, stage));
CREATE TABLE block (                       -- a committed span of a stage: resume skips it
    run_id VARCHAR, experiment_index UINTEGER, stage UINTEGER, span UINTEGER,
    state BLOB,                            -- the packed fold; NULL once the stage is merged
    host VARCHAR, pid UINTEGER, wall_s DOUBLE, PRIMARY KEY (run_id, experiment_index, stage, span));
CREATE TABLE metric (
    run_id VARCHAR, experiment_index UINTEGER, cell_id VARCHAR, name VARCHAR, unit VARCHAR NOT NULL, kind VARCHAR NOT NULL,
    direction VARCHAR NOT NULL, origin VARCHAR NOT NULL, value DOUBLE, low DOUBLE, high DOUBLE, note VARCHAR,
    PRIMARY KEY (run_id, experiment_index, cell_id, name));
CREATE TABLE series (
    run_id VARCHAR, experiment_index UINTEGER, cell_id VARCHAR, name VARCHAR, position UINTEGER, label VARCHAR, value DOUBLE,
    PRIMARY KEY (run_id, experiment_index, cell_id, name, position));
CREATE TABLE sample (                      -- one round of one timed kernel: m short samples, kept as min, median, max
    run_id VARCHAR, experiment_index UINTEGER, cell_id VARCHAR, metric VARCHAR, process UINTEGER, round UINTEGER, position UINTEGER,
    label VARCHAR,                         -- 'a' or, for the second copy of the baseline, 'a/a'
    ns_min DOUBLE, ns_median DOUBLE, ns_max DOUBLE,                           -- ns per operation, over the m samples
    samples UINTEGER, iterations UBIGINT, operations UBIGINT,
    PRIMARY KEY (run_id, experiment_index, cell_id, metric, process, round, label));
CREATE TABLE comparison (                  -- a timed cell beside its metric's baseline; recomputable from `sample`
    run_id VARCHAR, experiment_index UINTEGER, cell_id VARCHAR, metric VARCHAR, baseline_cell_id VARCHAR NOT NULL,
    ratio DOUBLE, low DOUBLE, high DOUBLE, noise_floor DOUBLE,
    verdict VARCHAR NOT NULL,              -- better, worse, same, unclear
    processes UINTEGER, rounds UINTEGER, PRIMARY KEY (run_id, experiment_index, cell_id, metric));
CREATE TABLE expectation (
    run_id VARCHAR, experiment_index UINTEGER, position UINTEGER, contender VARCHAR NOT NULL, parameters JSON, metric VARCHAR NOT NULL,
    relation VARCHAR NOT NULL, bound DOUBLE, value DOUBLE, met BOOLEAN,       -- relation: below, above, equals, between ...; met NULL: not measured
    PRIMARY KEY (run_id, experiment_index, position));
CREATE TABLE claim (
    run_id VARCHAR, position UINTEGER, topic VARCHAR NOT NULL, sentence VARCHAR NOT NULL, verdict VARCHAR NOT NULL,  -- holds, holds if, refuted, unclear
    condition VARCHAR, evidence JSON NOT NULL, counterexample JSON NOT NULL, origin VARCHAR NOT NULL, command VARCHAR NOT NULL,
    reading VARCHAR, PRIMARY KEY (run_id, position));
