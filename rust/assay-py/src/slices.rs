//! Columns of unsigned integers without nulls, as the slices that they are.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_schema::DataType;
use pyo3::prelude::*;

use crate::convert::Column;
use crate::errors::parameter;

/// The values of a column of unsigned integers without nulls, in one piece.
macro_rules! slice_of {
    ($column:expr, $kind:ty, $data_type:pat, $name:literal) => {{
        let column: &Column = $column;
        match (column.chunks.as_slice(), &column.data_type) {
            ([], _) => &[][..],
            ([chunk], $data_type) if chunk.null_count() == 0 => chunk.as_primitive::<$kind>().values().as_ref(),
            (chunks, found) => {
                return Err(parameter(format!(
                    "{} is of type {found} in {} chunks; expected {} in one chunk, without nulls",
                    column.label(),
                    chunks.len(),
                    $name
                )));
            }
        }
    }};
}
pub(crate) use slice_of;

/// The values of an optional column of uint64.
pub fn words(column: Option<&Column>) -> PyResult<Option<&[u64]>> {
    match column {
        None => Ok(None),
        Some(column) => Ok(Some(slice_of!(column, UInt64Type, DataType::UInt64, "uint64"))),
    }
}
