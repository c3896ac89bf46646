//! `BloomFilter`: bindings of Bloom filters in every layout.

use assay_core::error::Error;
use assay_core::filter::key_type::KeyType;
use assay_core::filter::parquet;
use assay_core::filter::{BloomFilter as Filter, Layout, Options};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buffer::ByteBuffer;
use crate::convert::Column;
use crate::errors::raise;
use crate::filters::{Shared, answers, key_type_of};
use crate::hashing::{Threads, threads_or_default};

/// A Bloom filter; `assay.filters.BloomFilter` documents it.
#[pyclass(frozen, module = "assay._core")]
pub struct BloomFilter {
    filter: Shared<Filter>,
}

impl BloomFilter {
    /// A filter of its own.
    pub fn of(filter: Filter) -> Self {
        Self { filter: Shared::new(filter) }
    }
}

#[pymethods]
impl BloomFilter {
    /// A filter that holds the keys of a column.
    #[staticmethod]
    #[pyo3(signature = (keys, *, false_positive_rate, layout, block_count, capacity, threads))]
    fn build(
        py: Python<'_>,
        keys: Column,
        false_positive_rate: f64,
        layout: &str,
        block_count: Option<u64>,
        capacity: Option<u64>,
        threads: Option<Threads>,
    ) -> PyResult<Self> {
        let layout = Layout::parse(layout).map_err(raise)?;
        let options = Options { layout, false_positive_rate, block_count, capacity };
        let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
        py.detach(|| Filter::build(&keys.keys()?, kind, options, threads).map_err(raise)).map(Self::of)
    }

    /// Whether the filter may hold each key of a column.
    #[pyo3(signature = (keys, *, threads))]
    fn contains<'py>(&self, py: Python<'py>, keys: Column, threads: Option<Threads>) -> PyResult<Bound<'py, PyAny>> {
        let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
        answers(py, &keys, |chunks| self.filter.read().contains(chunks, kind, threads))
    }

    /// Adds the keys of a column.
    #[pyo3(signature = (keys, *, threads))]
    fn insert(&self, py: Python<'_>, keys: Column, threads: Option<Threads>) -> PyResult<()> {
        let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
        py.detach(|| {
            let chunks = keys.keys()?;
            // An exception is made with the interpreter held, so only after the lock is given back.
            let inserted = self.filter.write().insert(&chunks, kind, threads);
            inserted.map_err(raise)
        })
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

    /// Whether both hold the same bits, in the same layout, for the same type.
    fn equals(&self, py: Python<'_>, other: &Self) -> bool {
        py.detach(|| {
            let left = self.filter.read().clone();
            left == *other.filter.read()
        })
    }

    /// A filter of its own with the same bits.
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

    /// The filter of Parquet's bitset, for a column of the type of `keys`, whose values are not read. A decimal is
    /// big-endian bytes, or with `as_integer` the INT32 or INT64 that its precision fits.
    #[staticmethod]
    #[pyo3(signature = (bitset, keys, *, as_integer, key_count))]
    fn from_bitset(
        py: Python<'_>,
        bitset: ByteBuffer,
        keys: Column,
        as_integer: bool,
        key_count: u64,
    ) -> PyResult<Self> {
        let mut kind = key_type_of(&keys)?;
        if let (KeyType::Decimal { bits, precision, scale }, true) = (kind, as_integer) {
            kind = KeyType::DecimalInteger { bits, precision, scale };
        }
        let made = py.detach(|| Filter::from_bitset(bitset.as_bytes(), kind, key_count));
        made.map(Self::of).ok_or_else(|| {
            let bytes = bitset.as_bytes().len();
            raise(Error::Corrupt(format!("{bytes} bytes for keys of type {kind} are no bitset of Parquet")))
        })
    }

    /// The false-positive rate that a filter of this layout and size has with so many distinct keys.
    fn false_positive_rate_at(&self, py: Python<'_>, keys: u64) -> f64 {
        py.detach(|| self.filter.read().false_positive_rate_at(keys))
    }

    #[getter]
    fn layout(&self, py: Python<'_>) -> &'static str {
        py.detach(|| self.filter.read().layout().contender().name)
    }

    #[getter]
    fn key_type(&self, py: Python<'_>) -> String {
        py.detach(|| self.filter.read().key_type().to_string())
    }

    #[getter]
    fn block_count(&self, py: Python<'_>) -> Option<u64> {
        py.detach(|| self.filter.read().block_count())
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

/// (bytes of the header, bytes of the bitset) of the Parquet filter that `data` begins with.
#[pyfunction]
pub fn parquet_filter_header(data: ByteBuffer) -> PyResult<(usize, usize)> {
    let found = parquet::read_header(data.as_bytes()).map_err(raise)?;
    Ok((found.header_bytes, found.bitset_bytes))
}
