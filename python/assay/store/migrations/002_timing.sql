-- Timing that can be judged again: every short sample, processor time beside wall time, what was calibrated and why the
-- rounds ended, histograms of single operations, and how sure a verdict is. Rows of older runs have NULL in new columns.
ALTER TABLE run ADD COLUMN budget_s DOUBLE;            -- what the run was allowed to take; NULL without --budget
ALTER TABLE run ADD COLUMN load_1m_before DOUBLE;      -- the machine's load average over a minute
ALTER TABLE run ADD COLUMN load_1m_after DOUBLE;
ALTER TABLE sample ADD COLUMN ns DOUBLE[];             -- all m short samples in the order in which they ran, ns per operation
ALTER TABLE sample ADD COLUMN cpu_ns DOUBLE[];         -- the same in processor time of the thread
ALTER TABLE comparison ADD COLUMN threshold DOUBLE;    -- a ratio: smaller differences are none
ALTER TABLE comparison ADD COLUMN p_value DOUBLE;      -- that the true ratio lies within floor and threshold
ALTER TABLE comparison ADD COLUMN p_adjusted DOUBLE;   -- the same among all that were compared (Benjamini-Hochberg)
ALTER TABLE comparison ADD COLUMN compared UINTEGER;   -- how many were compared at once
ALTER TABLE comparison ADD COLUMN rounds_needed UINTEGER;  -- about how many more rounds a process an unclear one needs; NULL: none, or none suffices
ALTER TABLE comparison ADD COLUMN method UINTEGER;     -- version of the method; see METHODOLOGY.md, "Timing"
CREATE TABLE calibration (                 -- what was found before the rounds of a timed cell and frozen, and how they ended
    run_id VARCHAR, experiment_index UINTEGER, cell_id VARCHAR, metric VARCHAR,
    iterations UBIGINT NOT NULL,           -- calls per sample
    operations UBIGINT NOT NULL,           -- operations per call
    calibrated_ns DOUBLE,                  -- ns of one sample as calibrated: the fastest of five probes; NULL if the calls were given
    processes UINTEGER NOT NULL, rounds UINTEGER NOT NULL,                    -- rounds over all processes
    seconds DOUBLE NOT NULL,               -- that this cell's samples took together
    stop_rule VARCHAR NOT NULL,            -- precise, processes, rounds, time, budget, died
    PRIMARY KEY (run_id, experiment_index, cell_id, metric));
CREATE TABLE histogram (                   -- latencies of single operations in one process; merged by adding counts
    run_id VARCHAR, experiment_index UINTEGER, cell_id VARCHAR, name VARCHAR, process UINTEGER,
    precision_bits UINTEGER NOT NULL,      -- 2^bits buckets an octave
    lower DOUBLE[], upper DOUBLE[],        -- in ns: a bucket holds lower <= latency <= upper; both whole numbers, ascending
    counts UBIGINT[],
    PRIMARY KEY (run_id, experiment_index, cell_id, name, process));
