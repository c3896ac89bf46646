//! `Checksum`, `BlockChecksums`, `checksum`: bindings of the checksum room.

use std::sync::{Mutex, MutexGuard, PoisonError};

use arrow_array::types::{UInt32Type, UInt64Type};
use assay_core::checksum::{self as core, Algorithm, BlockValues, Value};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buffer::ByteBuffer;
use crate::errors::raise;
use crate::hashing::{Threads, threads_or_default};
use crate::output;

fn value_out(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyAny>> {
    match value {
        Value::Word(word) => Ok(word.into_pyobject(py)?.into_any()),
        Value::Bytes(bytes) => Ok(PyBytes::new(py, &bytes).into_any()),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic while the lock is held would be a bug of ours; the state is valid in any case.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The checksum of a buffer.
#[pyfunction]
#[pyo3(signature = (data, algorithm, *, threads))]
pub fn checksum<'py>(
    py: Python<'py>,
    data: ByteBuffer,
    algorithm: &str,
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    let algorithm = Algorithm::parse(algorithm).map_err(raise)?;
    let threads = threads_or_default(threads);
    let value = py.detach(|| core::checksum(data.as_bytes(), algorithm, threads));
    value_out(py, value)
}

/// A checksum in the making; `assay.checksums.Checksum` documents it.
#[pyclass(frozen, module = "assay._core")]
pub struct Checksum {
    state: Mutex<core::Checksum>,
}

#[pymethods]
impl Checksum {
    #[new]
    fn new(algorithm: &str) -> PyResult<Self> {
        let algorithm = Algorithm::parse(algorithm).map_err(raise)?;
        Ok(Self { state: Mutex::new(core::Checksum::new(algorithm)) })
    }

    /// Appends the bytes of a buffer.
    #[pyo3(signature = (data, *, threads))]
    fn update(&self, py: Python<'_>, data: ByteBuffer, threads: Option<Threads>) -> PyResult<()> {
        let threads = threads_or_default(threads);
        py.detach(|| locked(&self.state).update(data.as_bytes(), threads));
        Ok(())
    }

    /// Appends bytes of which only the CRC and the number are known.
    fn combine(&self, py: Python<'_>, other: u64, other_bytes: u64) -> PyResult<()> {
        py.detach(|| locked(&self.state).combine(other, other_bytes)).map_err(raise)
    }

    /// A checksum of its own with the same state.
    fn copy(&self, py: Python<'_>) -> Self {
        py.detach(|| Self { state: Mutex::new(locked(&self.state).clone()) })
    }

    #[getter]
    fn value<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let value = py.detach(|| locked(&self.state).value());
        value_out(py, value)
    }

    #[getter]
    fn covered_bytes(&self, py: Python<'_>) -> u64 {
        py.detach(|| locked(&self.state).covered_bytes())
    }
}

/// The checksums of consecutive blocks in the making.
#[pyclass(frozen, module = "assay._core")]
pub struct BlockChecksums {
    algorithm: Algorithm,
    state: Mutex<core::Blocks>,
}

#[pymethods]
impl BlockChecksums {
    #[new]
    fn new(algorithm: &str, block_bytes: u64) -> PyResult<Self> {
        let algorithm = Algorithm::parse(algorithm).map_err(raise)?;
        let state = Mutex::new(core::Blocks::new(algorithm, block_bytes).map_err(raise)?);
        Ok(Self { algorithm, state })
    }

    /// Appends the bytes of a buffer.
    #[pyo3(signature = (data, *, threads))]
    fn update(&self, py: Python<'_>, data: ByteBuffer, threads: Option<Threads>) -> PyResult<()> {
        let threads = threads_or_default(threads);
        py.detach(|| locked(&self.state).update(data.as_bytes(), threads));
        Ok(())
    }

    /// One value per block so far, a short last one included.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let values = py.detach(|| locked(&self.state).clone().finish());
        match values {
            BlockValues::Words(words) if self.algorithm.bits() == 32 => {
                #[allow(clippy::cast_possible_truncation)]
                let narrow = words.into_iter().map(|word| word as u32).collect();
                output::primitive::<UInt32Type>(py, narrow, None)
            }
            BlockValues::Words(words) => output::primitive::<UInt64Type>(py, words, None),
            BlockValues::Bytes(bytes) => output::fixed_size_binary(py, self.algorithm.bits() / 8, bytes, None),
        }
    }
}
