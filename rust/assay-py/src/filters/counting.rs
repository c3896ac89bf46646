//! `CountingBloomFilter`: bindings of the filter that keys can be removed from.

use assay_core::filter::CountingBloomFilter as Filter;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buffer::ByteBuffer;
use crate::convert::Column;
use crate::errors::raise;
use crate::filters::bloom::BloomFilter;
use crate::filters::{Shared, answers, key_type_of};
use crate::hashing::{Threads, threads_or_default};

/// A counting Bloom filter; `assay.filters.CountingBloomFilter` documents it.
#[pyclass(frozen, module = "assay._core")]
pub struct CountingBloomFilter {
    filter: Shared<Filter>,
}

impl CountingBloomFilter {
    fn of(filter: Filter) -> Self {
        Self { filter: Shared::new(filter) }
    }
}

#[pymethods]
impl CountingBloomFilter {
    /// A filter that holds the keys of a column.
    #[staticmethod]
    #[pyo3(signature = (keys, *, false_positive_rate, capacity, threads))]
    fn build(
        py: Python<'_>,
        keys: Column,
        false_positive_rate: f64,
        capacity: Option<u64>,
        threads: Option<Threads>,
    ) -> PyResult<Self> {
        let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
        py.detach(|| Filter::build(&keys.keys()?, kind, false_positive_rate, capacity, threads).map_err(raise))
            .map(Self::of)
    }

    /// Whether the filter may hold each key of a column.
    #[pyo3(signature = (keys, *, threads))]
    fn contains<'py>(&self, py: Python<'py>, keys: Column, threads: Option<Threads>) -> PyResult<Bound<'py, PyAny>> {
        key_type_of(&keys)?;
        let threads = threads_or_default(threads);
        answers(py, &keys, |chunks| self.filter.read().contains(chunks, threads))
    }

    /// Adds the keys of a column.
    #[pyo3(signature = (keys, *, threads))]
    fn insert(&self, py: Python<'_>, keys: Column, threads: Option<Threads>) -> PyResult<()> {
        key_type_of(&keys)?;
        let threads = threads_or_default(threads);
        py.detach(|| {
            let chunks = keys.keys()?;
            self.filter.write().insert(&chunks, threads);
            Ok(())
        })
    }

    /// Removes the keys of a column.
    fn remove(&self, py: Python<'_>, keys: Column) -> PyResult<()> {
        key_type_of(&keys)?;
        py.detach(|| {
            let chunks = keys.keys()?;
            // An exception is made with the interpreter held, so only after the lock is given back.
            let removed = self.filter.write().remove(&chunks);
            removed.map_err(raise)
        })
    }

    /// The standard filter of the keys that are held now.
    fn to_bloom(&self, py: Python<'_>) -> BloomFilter {
        py.detach(|| BloomFilter::of(self.filter.read().to_bloom()))
    }

    /// The filter that holds the keys of both.
    fn union(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        py.detach(|| {
            // A copy first, so that no two locks are held at once.
            let left = self.filter.read().clone();
            let joined = left.union(&other.filter.read());
            joined.map(Self::of).map_err(raise)
        })
    }

    /// Whether both hold the same counters, for the same type.
    fn equals(&self, py: Python<'_>, other: &Self) -> bool {
        py.detach(|| {
            let left = self.filter.read().clone();
            left == *other.filter.read()
        })
    }

    /// A filter of its own with the same counters.
    fn copy(&self, py: Python<'_>) -> Self {
        py.detach(|| Self::of(self.filter.read().clone()))
    }

    /// The stored form.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| self.filter.read().to_bytes());
        PyBytes::new(py, &bytes)
    }

    /// The filter of a stored form.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: ByteBuffer) -> PyResult<Self> {
        py.detach(|| Filter::from_bytes(data.as_bytes()).map(Self::of).map_err(raise))
    }

    /// The false-positive rate that a filter of this size has with so many distinct keys.
    fn false_positive_rate_at(&self, py: Python<'_>, keys: u64) -> f64 {
        py.detach(|| self.filter.read().false_positive_rate_at(keys))
    }

    #[getter]
    fn key_type(&self, py: Python<'_>) -> String {
        py.detach(|| self.filter.read().key_type().to_string())
    }

    #[getter]
    fn counter_count(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.filter.read().count())
    }

    #[getter]
    fn saturated_count(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.filter.read().saturated_count())
    }

    #[getter]
    fn bits(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.filter.read().bits())
    }

    #[getter]
    fn probes(&self, py: Python<'_>) -> u32 {
        py.detach(|| self.filter.read().probes())
    }

    #[getter]
    fn memory_bytes(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.filter.read().memory_bytes())
    }

    #[getter]
    fn key_count(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.filter.read().key_count())
    }

    #[getter]
    fn expected_false_positive_rate(&self, py: Python<'_>) -> f64 {
        py.detach(|| self.filter.read().expected_false_positive_rate())
    }
}
