//! Bindings of the filter room: what all filters share. Each class is a file beside its name in `filters/`.

pub mod bloom;
pub mod counting;

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use arrow_schema::{DataType, TimeUnit as ArrowTimeUnit};
use assay_core::filter::key_type::KeyType;
use assay_core::keys::{Keys, TimeUnit};
use pyo3::prelude::*;

use crate::convert::Column;
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

/// The core's name of a column's type.
///
/// # Errors
/// If it cannot be a key.
pub fn key_type_of(column: &Column) -> PyResult<KeyType> {
    key_type(&column.data_type).ok_or_else(|| column.unsupported())
}

/// A filter that many threads probe, and one at a time changes.
///
/// Locks are taken with the interpreter released, and nothing asks for it while one is held: else a thread that holds it
/// and waits for the lock would never get it. A panic while a lock is held would be a bug of ours; the bits are valid in
/// any case.
pub struct Shared<F>(RwLock<F>);

impl<F> Shared<F> {
    /// A filter of its own.
    pub fn new(filter: F) -> Self {
        Self(RwLock::new(filter))
    }

    /// To probe it.
    pub fn read(&self) -> RwLockReadGuard<'_, F> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// To change it.
    pub fn write(&self) -> RwLockWriteGuard<'_, F> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A Boolean for each key of a column, null where the key is: `probe` gives a bit for each row of its chunks.
///
/// # Errors
/// If the column is malformed.
pub fn answers<'py>(
    py: Python<'py>,
    keys: &Column,
    probe: impl FnOnce(&[Keys<'_>]) -> Vec<u64> + Send,
) -> PyResult<Bound<'py, PyAny>> {
    let rows = keys.len();
    output::check_room(rows, 1)?;
    let (bits, validity) = py.detach(|| -> PyResult<_> {
        let chunks = keys.keys()?;
        let bits = probe(&chunks);
        let (mut validity, mut first) = (None, 0);
        for chunk in &chunks {
            output::append_validity(&mut validity, chunk.validity_bytes(), first, chunk.len(), rows);
            first += chunk.len();
        }
        Ok((bits, validity))
    })?;
    output::boolean(py, bits, rows, validity)
}
