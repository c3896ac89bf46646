//! Traces and the simulation of caches: the binding of the cache room, which `assay.caches` wraps.

pub mod writes;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type, UInt64Type};
use arrow_schema::DataType;
use assay_cache::{Guard, Measure, Progress, Settings, Tally, Task, Trace, Ttl};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::Column;
use crate::errors::{parameter, raise};
use crate::given::{value_of, values_of};
use crate::hashing::{Threads, threads_or_default};
use crate::output;
use crate::slices::slice_of;

/// Requests in the order of time, with dense numbers for keys.
#[pyclass(name = "Trace", module = "assay._core")]
#[derive(Default)]
pub struct PyTrace {
    trace: Arc<Trace>,
}

impl PyTrace {
    /// Of a trace that is made already.
    pub fn of(trace: Arc<Trace>) -> Self {
        Self { trace }
    }

    /// The trace, shared.
    pub fn shared(&self) -> Arc<Trace> {
        Arc::clone(&self.trace)
    }

    /// The trace as it may be changed: not while a simulation reads it.
    fn own(&mut self) -> PyResult<&mut Trace> {
        Arc::get_mut(&mut self.trace)
            .ok_or_else(|| parameter("the trace is being simulated; append to it afterwards".to_owned()))
    }
}

#[pymethods]
impl PyTrace {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// The number of requests.
    fn __len__(&self) -> usize {
        self.trace.len()
    }

    /// The number of distinct keys.
    #[getter]
    fn distinct(&self) -> usize {
        self.trace.distinct()
    }

    /// The bytes of all objects, each with the size of its first request; 0 without sizes.
    #[getter]
    fn footprint_bytes(&self) -> u64 {
        self.trace.footprint_bytes()
    }

    /// The sizes of all requests together; 0 without sizes.
    #[getter]
    fn requested_bytes(&self) -> u64 {
        self.trace.requested_bytes()
    }

    /// The mean size of the object that a byte of the footprint is of; 0 without sizes.
    #[getter]
    fn size_of_bytes_mean(&self) -> f64 {
        self.trace.size_of_bytes_mean()
    }

    /// Whether requests have sizes.
    #[getter]
    fn has_sizes(&self) -> bool {
        self.trace.has_sizes()
    }

    /// So many more requests are to come; their memory is taken at once.
    fn expect(&mut self, more: usize) -> PyResult<()> {
        self.own().map(|trace| trace.expect(more))
    }

    /// Appends the requests of these keys, in their order, with a size each or without.
    #[pyo3(signature = (keys, sizes = None))]
    fn append(&mut self, py: Python<'_>, keys: Column, sizes: Option<Column>) -> PyResult<()> {
        let sizes = match &sizes {
            None => None,
            Some(column) => Some(slice_of!(column, UInt64Type, DataType::UInt64, "uint64")),
        };
        if let Some(sizes) = sizes
            && sizes.len() != keys.len()
        {
            return Err(parameter(format!(
                "there are {} sizes for {} keys; expected as many",
                sizes.len(),
                keys.len()
            )));
        }
        let trace = self.own()?;
        py.detach(|| {
            let mut first = 0;
            for chunk in keys.keys()? {
                let next = first + chunk.len();
                trace.append(&chunk, sizes.map(|sizes| sizes[first..next].to_vec())).map_err(raise)?;
                first = next;
            }
            Ok(())
        })
    }

    /// Gives each request its time, in whole numbers that never fall.
    fn set_times(&mut self, times: Column) -> PyResult<()> {
        let times = slice_of!(&times, Int64Type, DataType::Int64, "int64").to_vec();
        self.own()?.set_times(times).map_err(raise)
    }

    /// Gives each request the lifetime that it says its object has; 0 says nothing.
    fn set_lifetimes(&mut self, lifetimes: Column) -> PyResult<()> {
        let lifetimes = slice_of!(&lifetimes, UInt64Type, DataType::UInt64, "uint64").to_vec();
        self.own()?.set_lifetimes(lifetimes).map_err(raise)
    }

    /// Gives back the memory that only appending needed.
    fn finish(&mut self) -> PyResult<()> {
        self.own().map(Trace::finish)
    }

    /// The number of each request's key, in order of first appearance.
    fn ids<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        output::primitive::<UInt32Type>(py, self.trace.ids().to_vec(), None)
    }
}

/// How far simulations are, and the way to call them off.
#[pyclass(name = "SimulationProgress", module = "assay._core", frozen)]
#[derive(Default)]
pub struct PySimulationProgress {
    progress: Arc<Progress>,
}

impl PySimulationProgress {
    /// The one given, or one that nobody sees.
    pub fn shared(given: Option<&Self>) -> Arc<Progress> {
        given.map(|one| Arc::clone(&one.progress)).unwrap_or_default()
    }
}

#[pymethods]
impl PySimulationProgress {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Requests taken so far, over all simulations.
    #[getter]
    fn done(&self) -> u64 {
        self.progress.done.load(Ordering::Relaxed)
    }

    /// Ends the simulations that run; they answer with what they have.
    fn stop(&self) {
        self.progress.stopped.store(1, Ordering::Relaxed);
    }
}

/// A simulation as Python says it: policy, parameters, capacity, whether that counts bytes, seed. What stands in front
/// of the policy is among the parameters: "admission", a name and its parameters, and "ttl", a number or "requests".
#[derive(FromPyObject)]
pub struct PyTask<'py>(String, Bound<'py, PyDict>, u64, bool, u64);

impl PyTask<'_> {
    /// The simulation as the core says it.
    pub fn task(&self) -> PyResult<Task> {
        let Self(policy, given, capacity, bytes, seed) = self;
        let measure = if *bytes { Measure::Bytes } else { Measure::Objects };
        let (mut parameters, mut guard) = (Vec::new(), Guard::default());
        for (name, value) in given.iter() {
            match name.extract::<String>()?.as_str() {
                "admission" => {
                    let (name, parameters) = value.extract::<(String, Bound<'_, PyDict>)>()?;
                    guard.admission = Some((name, values_of(&parameters)?));
                }
                "ttl" if value.extract::<&str>().is_ok_and(|text| text == "requests") => {
                    guard.ttl = Some(Ttl::OfRequests);
                }
                "ttl" => guard.ttl = Some(Ttl::Fixed(value.extract()?)),
                name => parameters.push((name.to_owned(), value_of(name, &value)?)),
            }
        }
        let settings = Settings { capacity: *capacity, measure, seed: *seed, parameters, guard };
        Ok(Task { policy: policy.clone(), settings })
    }
}

/// A tally as Python reads it: requests, hits, bytes, bytes of hits, inserted, evictions.
type Numbers = (u64, u64, u64, u64, u64, u64);

fn numbers(tally: &Tally) -> Numbers {
    (tally.requests, tally.hits, tally.bytes, tally.bytes_hit, tally.inserted, tally.evictions)
}

/// What comes of each simulation of the trace, window by window.
#[pyfunction]
#[pyo3(signature = (trace, tasks, *, window = None, progress = None, threads = None))]
pub fn simulate_caches(
    py: Python<'_>,
    trace: &PyTrace,
    tasks: Vec<PyTask<'_>>,
    window: Option<usize>,
    progress: Option<&PySimulationProgress>,
    threads: Option<Threads>,
) -> PyResult<Vec<Vec<Numbers>>> {
    let threads = threads_or_default(threads);
    let tasks = tasks.iter().map(PyTask::task).collect::<PyResult<Vec<_>>>()?;
    let (trace, progress) = (Arc::clone(&trace.trace), PySimulationProgress::shared(progress));
    let found = py.detach(|| assay_cache::sweep(&trace, &tasks, window, threads, &progress)).map_err(raise)?;
    Ok(found.iter().map(|windows| windows.iter().map(numbers).collect()).collect())
}
