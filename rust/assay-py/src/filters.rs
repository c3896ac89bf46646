//! `BloomFilter`: bindings of the filter room.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arrow_schema::{DataType, TimeUnit as ArrowTimeUnit};
use assay_core::filter::key_type::KeyType;
use assay_core::filter::{BloomFilter as Filter, Layout, Options};
use assay_core::keys::TimeUnit;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buffer::ByteBuffer;
use crate::convert::Column;
use crate::errors::raise;
use crate::hashing::{Threads, threads_or_default};
use crate::output;

fn unit(unit: ArrowTimeUnit) -> TimeUnit {
    match unit {
        ArrowTimeUnit::Second => TimeUnit::Second,
        ArrowTimeUnit::Millisecond => TimeUnit::Millisecond,
        ArrowTimeUnit::Microsecond => TimeUnit::Microsecond,
        ArrowTimeUnit::Nanosecond => TimeUnit::Nanosecond,
    }
}

/// The core's name of an Arrow type; None if it cannot be a key.
fn key_type(data_type: &DataType) -> Option<KeyType> {
    let decimal = |bits, precision: u8, scale: i8| KeyType::Decimal { bits, precision, scale };
    Some(match data_type {
        DataType::Null => KeyType::Null,
        DataType::Boolean => KeyType::Boolean,
        DataType::Int8 => KeyType::Int8,
        DataType::Int16 => KeyType::Int16,
        DataType::Int32 => KeyType::Int32,
        DataType::Int64 => KeyType::Int64,
        DataType::UInt8 => KeyType::UInt8,
        DataType::UInt16 => KeyType::UInt16,
        DataType::UInt32 => KeyType::UInt32,
        DataType::UInt64 => KeyType::UInt64,
        DataType::Float16 => KeyType::Float16,
        DataType::Float32 => KeyType::Float32,
        DataType::Float64 => KeyType::Float64,
        DataType::Date32 => KeyType::Date32,
        DataType::Date64 => KeyType::Date64,
        DataType::Time32(found) => KeyType::Time32(unit(*found)),
        DataType::Time64(found) => KeyType::Time64(unit(*found)),
        DataType::Timestamp(found, _) => KeyType::Timestamp(unit(*found)),
        DataType::Decimal32(precision, scale) => decimal(32, *precision, *scale),
        DataType::Decimal64(precision, scale) => decimal(64, *precision, *scale),
        DataType::Decimal128(precision, scale) => decimal(128, *precision, *scale),
        DataType::Decimal256(precision, scale) => decimal(256, *precision, *scale),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => KeyType::Text,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => KeyType::Binary,
        DataType::FixedSizeBinary(width) => KeyType::Fixed(u32::try_from(*width).ok()?),
        DataType::Dictionary(_, values) => key_type(values)?,
        _ => return None,
    })
}

fn key_type_of(column: &Column) -> PyResult<KeyType> {
    key_type(&column.data_type).ok_or_else(|| column.unsupported())
}

/// A Bloom filter; `assay.filters.BloomFilter` documents it.
#[pyclass(frozen, module = "assay._core")]
pub struct BloomFilter {
    filter: RwLock<Filter>,
}

impl BloomFilter {
    // Locks are taken with the interpreter released, and nothing asks for it while one is held: else a thread that
    // holds it and waits for the lock would never get it. A panic while a lock is held would be a bug of ours; the
    // bits are valid in any case.
    fn read(&self) -> RwLockReadGuard<'_, Filter> {
        self.filter.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Filter> {
        self.filter.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(filter: Filter) -> Self {
        Self { filter: RwLock::new(filter) }
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
        let rows = keys.len();
        let (bits, validity) = py.detach(|| -> PyResult<_> {
            let chunks = keys.keys()?;
            let mut bits: Vec<u8> = Vec::with_capacity(rows.div_ceil(64) * 8);
            bits.extend(self.read().contains(&chunks, kind, threads).into_iter().flat_map(u64::to_le_bytes));
            let (mut validity, mut first) = (None, 0);
            for chunk in &chunks {
                output::append_validity(&mut validity, chunk.validity_bytes(), first, chunk.len(), rows);
                first += chunk.len();
            }
            Ok((bits, validity))
        })?;
        output::boolean(py, bits, rows, validity)
    }

    /// Adds the keys of a column.
    #[pyo3(signature = (keys, *, threads))]
    fn insert(&self, py: Python<'_>, keys: Column, threads: Option<Threads>) -> PyResult<()> {
        let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
        py.detach(|| {
            let chunks = keys.keys()?;
            // An exception is made with the interpreter held, so only after the lock is given back.
            let inserted = self.write().insert(&chunks, kind, threads);
            inserted.map_err(raise)
        })
    }

    /// The filter that holds the keys of both.
    fn union(&self, py: Python<'_>, other: &Self) -> PyResult<Self> {
        py.detach(|| {
            // A copy first, so that no two locks are held at once.
            let left = self.read().clone();
            let joined = left.union(&other.read());
            joined.map(Self::of).map_err(raise)
        })
    }

    /// Whether both hold the same bits, in the same layout, for the same type.
    fn equals(&self, py: Python<'_>, other: &Self) -> bool {
        py.detach(|| {
            let left = self.read().clone();
            left == *other.read()
        })
    }

    /// A filter of its own with the same bits.
    fn copy(&self, py: Python<'_>) -> Self {
        py.detach(|| Self::of(self.read().clone()))
    }

    /// The stored form.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| self.read().to_bytes());
        PyBytes::new(py, &bytes)
    }

    /// The filter of a stored form.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: ByteBuffer) -> PyResult<Self> {
        py.detach(|| Filter::from_bytes(data.as_bytes()).map(Self::of).map_err(raise))
    }

    #[getter]
    fn layout(&self, py: Python<'_>) -> &'static str {
        py.detach(|| self.read().layout().contender().name)
    }

    #[getter]
    fn key_type(&self, py: Python<'_>) -> String {
        py.detach(|| self.read().key_type().to_string())
    }

    #[getter]
    fn block_count(&self, py: Python<'_>) -> Option<u64> {
        py.detach(|| self.read().block_count())
    }

    #[getter]
    fn bits(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.read().bits())
    }

    #[getter]
    fn probes(&self, py: Python<'_>) -> u32 {
        py.detach(|| self.read().probes())
    }

    #[getter]
    fn memory_bytes(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.read().memory_bytes())
    }

    #[getter]
    fn keys_inserted(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.read().keys_inserted())
    }

    #[getter]
    fn expected_false_positive_rate(&self, py: Python<'_>) -> f64 {
        py.detach(|| self.read().expected_false_positive_rate())
    }
}
