//! Miss-ratio curves: reuse distances, sampled traces, and the misses of simulations by key.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_schema::DataType;
use assay_cache::curve::sample::{self, Sample};
use assay_cache::curve::{bytes, missed_by_key, optimal, reuse};
use pyo3::prelude::*;

use crate::cache::{PySimulationProgress, PyTask, PyTrace};
use crate::convert::Column;
use crate::errors::{parameter, raise};
use crate::output;
use crate::slices::slice_of;

/// How many requests have each reuse distance in objects; at 0, the first requests of objects.
#[pyfunction]
pub fn reuse_distances<'py>(py: Python<'py>, trace: &PyTrace) -> PyResult<Bound<'py, PyAny>> {
    let trace = trace.shared();
    let found = py.detach(|| reuse::Reuse::of(trace.ids(), trace.distinct()));
    output::primitive::<UInt64Type>(py, found.counts, None)
}

/// As `reuse_distances`, for OPT: how many requests have each least capacity with which it hits them.
#[pyfunction]
pub fn optimal_distances<'py>(py: Python<'py>, trace: &PyTrace) -> PyResult<Bound<'py, PyAny>> {
    let trace = trace.shared();
    let found = py.detach(|| optimal::reuse(trace.ids(), trace.distinct()));
    output::primitive::<UInt64Type>(py, found.counts, None)
}

/// As `reuse_distances`, and what the requests of each distance add to the sum over keys of their squared misses.
#[pyfunction]
pub fn reuse_squares<'py>(py: Python<'py>, trace: &PyTrace) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let trace = trace.shared();
    let (counts, sums) = py.detach(|| {
        let mut distances = Vec::with_capacity(trace.len());
        reuse::for_each_distance(trace.ids(), trace.distinct(), |_, distance| distances.push(distance));
        sample::squares(trace.ids(), &distances, trace.distinct())
    });
    Ok((output::primitive::<UInt64Type>(py, counts, None)?, output::primitive::<UInt64Type>(py, sums, None)?))
}

/// The misses of LRU at ascending capacities in bytes, and their bytes; the size of the largest object, and whether
/// each object has one size: exact if so, at capacities from the largest object on.
#[pyfunction]
#[allow(clippy::type_complexity)]
pub fn lru_byte_misses(
    py: Python<'_>,
    trace: &PyTrace,
    capacities: Vec<u64>,
) -> PyResult<(Vec<(u64, u64)>, u64, bool)> {
    let trace = trace.shared();
    let sizes = trace.sizes().ok_or_else(|| parameter("the trace has no sizes".to_owned()))?;
    if !capacities.is_sorted() {
        return Err(parameter("the capacities do not ascend".to_owned()));
    }
    Ok(py.detach(|| {
        let (largest, one_each) = bytes::uniform(trace.ids(), sizes, trace.distinct());
        let found = bytes::missed(trace.ids(), sizes, trace.distinct(), &capacities);
        (found.iter().map(|missed| (missed.requests, missed.bytes)).collect(), largest, one_each)
    }))
}

/// The misses of each simulation, their bytes, and the sum over keys of their squared misses.
#[pyfunction]
#[pyo3(signature = (trace, tasks, *, progress = None))]
pub fn misses_by_key(
    py: Python<'_>,
    trace: &PyTrace,
    tasks: Vec<PyTask<'_>>,
    progress: Option<&PySimulationProgress>,
) -> PyResult<Vec<(u64, u64, u64)>> {
    let tasks = tasks.iter().map(PyTask::task).collect::<PyResult<Vec<_>>>()?;
    let (trace, progress) = (trace.shared(), PySimulationProgress::shared(progress));
    py.detach(|| {
        let found = tasks.iter().map(|task| missed_by_key(&trace, task, &progress));
        found
            .map(|found| found.map(|(missed, squares)| (missed.requests, missed.bytes, squares)))
            .collect::<Result<Vec<_>, _>>()
    })
    .map_err(raise)
}

/// Requests of a share of the keys, chosen by hash.
#[pyclass(name = "KeySample", module = "assay._core")]
pub struct PyKeySample {
    /// None once it became a trace.
    sample: Option<Sample>,
}

#[pymethods]
impl PyKeySample {
    #[new]
    #[pyo3(signature = (*, rate = None, size = None, seed = 0))]
    fn new(rate: Option<f64>, size: Option<usize>, seed: u64) -> PyResult<Self> {
        let sample = match (rate, size) {
            (Some(rate), None) => Sample::of_rate(rate, seed),
            (None, Some(size)) => Sample::of_size(size, seed),
            _ => return Err(parameter("a sample has a rate or a size: give one of them".to_owned())),
        };
        Ok(Self { sample: Some(sample.map_err(raise)?) })
    }

    /// Appends the requests of these keys, in their order, with a size each or without.
    #[pyo3(signature = (keys, sizes = None))]
    fn append(&mut self, py: Python<'_>, keys: Column, sizes: Option<Column>) -> PyResult<()> {
        let sizes = match &sizes {
            None => None,
            Some(column) => Some(slice_of!(column, UInt64Type, DataType::UInt64, "uint64")),
        };
        if sizes.is_some_and(|sizes| sizes.len() != keys.len()) {
            return Err(parameter(format!("there are not as many sizes as keys, {}", keys.len())));
        }
        let sample = self.sample.as_mut().ok_or_else(handed_over)?;
        py.detach(|| {
            let mut first = 0;
            for chunk in keys.keys()? {
                let next = first + chunk.len();
                sample.append(&chunk, sizes.map(|sizes| &sizes[first..next])).map_err(raise)?;
                first = next;
            }
            Ok(())
        })
    }

    /// All requests, those out of the sample included.
    #[getter]
    fn requests(&self) -> PyResult<u64> {
        self.sample.as_ref().map(Sample::requests).ok_or_else(handed_over)
    }

    /// The probability of a key to be in the sample.
    #[getter]
    fn rate(&self) -> PyResult<f64> {
        self.sample.as_ref().map(Sample::rate).ok_or_else(handed_over)
    }

    /// The sampled requests as a trace; nothing can be appended then.
    fn trace(&mut self, py: Python<'_>) -> PyResult<PyTrace> {
        let sample = self.sample.take().ok_or_else(handed_over)?;
        let trace = py.detach(|| sample.into_trace()).map_err(raise)?;
        Ok(PyTrace::of(Arc::new(trace)))
    }
}

fn handed_over() -> PyErr {
    parameter("the sample has become a trace; begin another one".to_owned())
}
