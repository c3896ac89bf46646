//! Plain vectors of the core as pyarrow arrays.

use std::sync::Arc;

use arrow_array::types::{ArrowPrimitiveType, UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, FixedSizeBinaryArray, PrimitiveArray};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use assay_core::counts::Tally;
use pyo3::prelude::*;
use pyo3::types::PyAny;
use pyo3_arrow::PyArray;

use crate::errors::parameter;
use crate::kept::{Keep, Output};

/// An array as a pyarrow array.
pub fn to_pyarrow<'py>(py: Python<'py>, array: ArrayRef) -> PyResult<Bound<'py, PyAny>> {
    let array = PyArray::from_array_ref(array);
    let imported = array.to_pyarrow(py)?.unbind();
    Ok(imported.into_bound(py))
}

/// Outputs of so many bytes and more are asked for before they are made.
const BYTES_ASKED_FOR: usize = 1 << 36;

/// That memory has room for an output of so many rows: a column of nulls has rows, but no bytes, so that there can be any
/// number of them, and memory that is not there would end the process.
///
/// # Errors
/// If there is none.
pub fn check_room(rows: usize, row_bytes: usize) -> PyResult<()> {
    let fits = |bytes: usize| bytes < BYTES_ASKED_FOR || Vec::<u8>::new().try_reserve_exact(bytes).is_ok();
    if rows.checked_mul(row_bytes).is_some_and(fits) {
        return Ok(());
    }
    Err(parameter(format!(
        "the column has {rows} rows, and {row_bytes} bytes for each of them do not fit memory; pass it in parts"
    )))
}

/// Validity bits of all rows; None means that no row is null.
pub type Validity = Option<Vec<u8>>;

fn nulls(validity: Validity, len: usize) -> Option<NullBuffer> {
    validity.map(|bytes| NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(bytes), 0, len)))
}

/// Fixed-width values with validity.
pub fn primitive<'py, T: ArrowPrimitiveType>(
    py: Python<'py>,
    values: Vec<T::Native>,
    validity: Validity,
) -> PyResult<Bound<'py, PyAny>> {
    let len = values.len();
    let array = PrimitiveArray::<T>::new(ScalarBuffer::from(values), nulls(validity, len));
    to_pyarrow(py, Arc::new(array))
}

/// Fixed-width values in memory that is kept for others, with validity.
pub fn kept<'py, T: ArrowPrimitiveType<Native: Keep>>(
    py: Python<'py>,
    values: Output<T::Native>,
    validity: Validity,
) -> PyResult<Bound<'py, PyAny>> {
    let values = values.into_values();
    let len = values.len();
    to_pyarrow(py, Arc::new(PrimitiveArray::<T>::new(values, nulls(validity, len))))
}

/// Fixed-size binaries in memory that is kept for others, with validity.
pub fn kept_binary<'py>(
    py: Python<'py>,
    width: usize,
    bytes: Output<u8>,
    validity: Validity,
) -> PyResult<Bound<'py, PyAny>> {
    binary(py, width, bytes.into_bytes(), validity)
}

/// Counts in the type that they are kept in.
pub fn tally(py: Python<'_>, tally: Tally) -> PyResult<Bound<'_, PyAny>> {
    match tally {
        Tally::U8(counts) => primitive::<UInt8Type>(py, counts, None),
        Tally::U16(counts) => primitive::<UInt16Type>(py, counts, None),
        Tally::U32(counts) => primitive::<UInt32Type>(py, counts, None),
        Tally::U64(counts) => primitive::<UInt64Type>(py, counts, None),
    }
}

/// Fixed-size binaries of `width` bytes with validity.
pub fn fixed_size_binary<'py>(
    py: Python<'py>,
    width: usize,
    bytes: Vec<u8>,
    validity: Validity,
) -> PyResult<Bound<'py, PyAny>> {
    binary(py, width, Buffer::from_vec(bytes), validity)
}

fn binary(py: Python<'_>, width: usize, bytes: Buffer, validity: Validity) -> PyResult<Bound<'_, PyAny>> {
    let len = bytes.len() / width;
    let width = i32::try_from(width).expect("digests and sketches are short");
    let array = FixedSizeBinaryArray::new(width, bytes, nulls(validity, len));
    debug_assert_eq!(array.len(), len);
    to_pyarrow(py, Arc::new(array))
}

/// Bits in words, least significant first, with validity; nothing is copied.
pub fn boolean<'py>(py: Python<'py>, words: Vec<u64>, len: usize, validity: Validity) -> PyResult<Bound<'py, PyAny>> {
    let values = BooleanBuffer::new(Buffer::from_vec(words), 0, len);
    to_pyarrow(py, Arc::new(BooleanArray::new(values, nulls(validity, len))))
}

/// The validity of consecutive runs, joined: appends `run` of `len` rows at row `first`.
pub fn append_validity(joined: &mut Validity, run: Validity, first: usize, len: usize, rows: usize) {
    if run.is_none() && joined.is_none() {
        return;
    }
    if joined.is_none() && (first, len) == (0, rows) {
        *joined = run;
        return;
    }
    let bytes = joined.get_or_insert_with(|| {
        let mut bytes = vec![0_u8; rows.div_ceil(8)];
        (0..first).for_each(|row| bytes[row >> 3] |= 1 << (row & 7));
        bytes
    });
    for index in 0..len {
        let valid = run.as_ref().is_none_or(|run| run[index >> 3] >> (index & 7) & 1 == 1);
        let row = first + index;
        bytes[row >> 3] |= u8::from(valid) << (row & 7);
    }
}
