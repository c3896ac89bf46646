//! Simulations with write schemes: the binding of the rooms `write_scheme` and `coherence`.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt8Type};
use arrow_schema::DataType;
use assay_cache::Task;
use assay_cache::writes::counts::{Cause, Counts};
use assay_cache::writes::foreign::{Choice, Foreign, Per};
use assay_cache::writes::latency::{Costs, Latency, Waits};
use assay_cache::writes::{self, Operation, Plan, Rows, coherence};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::{PySimulationProgress, PyTask, PyTrace, values_of};
use crate::convert::Column;
use crate::errors::{parameter, raise};
use crate::hashing::{Threads, threads_or_default};
use crate::slices::slice_of;

/// A contender's name and its parameters, as Python says them.
#[derive(FromPyObject)]
pub struct Spelled<'py>(String, Bound<'py, PyDict>);

/// How others write: the rate, whether it is by the unit of time, whether every key is written alike.
type PyForeign = (f64, bool, bool);

/// Costs: hit, read, write and flush of the origin, version check.
type PyCosts = (f64, f64, f64, f64, f64);

/// What comes of each simulation of the trace with writes, a dictionary each.
#[pyfunction]
#[pyo3(signature = (trace, tasks, *, operations, times, write, coherence, foreign, crashes, costs, seed, progress = None, threads = None))]
#[allow(clippy::too_many_arguments)]
pub fn simulate_writes<'py>(
    py: Python<'py>,
    trace: &PyTrace,
    tasks: Vec<PyTask<'_>>,
    operations: Column,
    times: Option<Column>,
    write: Spelled<'_>,
    coherence: Spelled<'_>,
    foreign: PyForeign,
    crashes: Option<u64>,
    costs: Option<PyCosts>,
    seed: u64,
    progress: Option<&PySimulationProgress>,
    threads: Option<Threads>,
) -> PyResult<Vec<Bound<'py, PyDict>>> {
    let threads = threads_or_default(threads);
    let tasks = tasks.iter().map(PyTask::task).collect::<PyResult<Vec<Task>>>()?;
    let codes = slice_of!(&operations, UInt8Type, DataType::UInt8, "uint8");
    let known = codes.iter().map(|&code| Operation::of(code)).collect::<Option<Vec<_>>>();
    let operations = known.ok_or_else(|| parameter("an operation is none of those known".to_owned()))?;
    let times =
        times.as_ref().map(|column| -> PyResult<_> { Ok(slice_of!(column, Int64Type, DataType::Int64, "int64")) });
    let times = times.transpose()?;
    let (rate, by_time, uniform) = foreign;
    let plan = Plan {
        scheme: write.0.clone(),
        parameters: values_of(&write.1)?,
        coherence: coherence::build(&coherence.0, &values_of(&coherence.1)?).map_err(raise)?,
        foreign: Foreign {
            rate,
            per: if by_time { Per::Time } else { Per::Request },
            choice: if uniform { Choice::Uniform } else { Choice::Popularity },
        },
        crashes,
        seed,
    };
    let (trace, progress) = (Arc::clone(&trace.trace), PySimulationProgress::shared(progress));
    let rows = Rows { operations: &operations, times };
    let found = py.detach(|| writes::sweep(&trace, rows, &tasks, &plan, threads, &progress)).map_err(raise)?;
    let costs = costs.map(|(hit, origin_read, origin_write, flush, version_check)| Costs {
        hit,
        origin_read,
        origin_write,
        flush,
        version_check,
    });
    found.iter().map(|counts| described(py, counts, costs.as_ref())).collect()
}

/// What was counted, by the names of the result's columns.
#[allow(clippy::cast_precision_loss)]
fn described<'py>(py: Python<'py>, counts: &Counts, costs: Option<&Costs>) -> PyResult<Bound<'py, PyDict>> {
    let losses = &counts.losses;
    let mean = |sum: u128| if losses.instants == 0 { 0.0 } else { sum as f64 / losses.instants as f64 };
    let entry = PyDict::new(py);
    for (name, value) in [
        ("requests", counts.requests),
        ("hits", counts.hits),
        ("reads", counts.reads),
        ("read_hits", counts.read_hits),
        ("writes", counts.writes),
        ("deletes", counts.deletes),
        ("bytes", counts.bytes),
        ("bytes_hit", counts.bytes_hit),
        ("bytes_written", counts.bytes_written),
        ("evictions", counts.evictions),
        ("origin_reads", counts.origin_reads),
        ("origin_writes", counts.origin_writes),
        ("bytes_from_origin", counts.bytes_from_origin),
        ("bytes_to_origin", counts.bytes_to_origin),
        ("writes_through", counts.written_through),
        ("writes_coalesced", counts.coalesced),
        ("writes_superseded", counts.superseded),
        ("flushes", counts.all_flushes()),
        ("flushes_by_eviction", counts.flushes[Cause::Eviction as usize]),
        ("flushes_by_expiry", counts.flushes[Cause::Expiry as usize]),
        ("flushes_by_limit", counts.flushes[Cause::Limit as usize]),
        ("flushes_by_interval", counts.flushes[Cause::Interval as usize]),
        ("flushes_at_end", counts.flushes[Cause::End as usize]),
        ("dirty_max", counts.dirty_most),
        ("dirty_left", counts.dirty_left),
        ("lost_updates", counts.lost_updates),
        ("stale_reads", counts.stale_reads),
        ("foreign_writes", counts.foreign_writes),
        ("invalidations", counts.invalidations),
        ("messages_lost", counts.messages_lost),
        ("expirations", counts.expirations),
        ("version_checks", counts.version_checks),
        ("crashes", losses.instants),
        ("lost_writes_min", losses.fewest),
        ("lost_writes_max", losses.most),
    ] {
        entry.set_item(name, value)?;
    }
    entry.set_item("lost_writes", mean(losses.writes))?;
    entry.set_item("lost_objects", mean(losses.objects))?;
    let all = counts.read_waits.and(&counts.write_waits);
    let of = |waits: &Waits| costs.and_then(|costs| waits.latency(costs));
    entry.set_item("latency", of(&all).map(summary))?;
    entry.set_item("read_latency", of(&counts.read_waits).map(summary))?;
    entry.set_item("write_latency", of(&counts.write_waits).map(summary))?;
    Ok(entry)
}

/// Mean, median, 90th, 99th and 99.9th percentile, greatest.
fn summary(latency: Latency) -> (f64, f64, f64, f64, f64, f64) {
    (latency.mean, latency.p50, latency.p90, latency.p99, latency.p99_9, latency.max)
}
