//! Columns of unsigned integers without nulls, as the slices that they are.

use std::ops::Range;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_schema::DataType;
use assay_core::counts::Counts;
use assay_core::error::Result;
use assay_core::fold::Narrow;
use pyo3::prelude::*;

use crate::convert::Column;
use crate::errors::parameter;
use crate::output;

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

/// Whole numbers of an optional column, in whatever width they are.
pub fn counts(column: Option<&Column>) -> PyResult<Option<Counts<'_>>> {
    let Some(column) = column else { return Ok(None) };
    Ok(Some(match column.data_type {
        DataType::UInt8 => Counts::U8(slice_of!(column, UInt8Type, DataType::UInt8, "uint8")),
        DataType::UInt16 => Counts::U16(slice_of!(column, UInt16Type, DataType::UInt16, "uint16")),
        DataType::UInt32 => Counts::U32(slice_of!(column, UInt32Type, DataType::UInt32, "uint32")),
        _ => Counts::U64(slice_of!(column, UInt64Type, DataType::UInt64, "uint64")),
    }))
}

/// The numbers of groups, in whatever width they are; the greatest of a narrow type is no group.
#[derive(Clone, Copy)]
pub enum Groups<'a> {
    U8(&'a [u8]),
    U16(&'a [u16]),
    U32(&'a [u32]),
}

impl<'a> Groups<'a> {
    /// Those of a column.
    pub fn of(column: &'a Column) -> PyResult<Self> {
        Ok(match column.data_type {
            DataType::UInt8 => Self::U8(slice_of!(column, UInt8Type, DataType::UInt8, "uint8")),
            DataType::UInt16 => Self::U16(slice_of!(column, UInt16Type, DataType::UInt16, "uint16")),
            _ => Self::U32(slice_of!(column, UInt32Type, DataType::UInt32, "uint32")),
        })
    }

    fn len(self) -> usize {
        match self {
            Self::U8(groups) => groups.len(),
            Self::U16(groups) => groups.len(),
            Self::U32(groups) => groups.len(),
        }
    }

    /// As numbers of 32 bits: borrowed where they are, else written to `block`.
    fn wide(self, range: Range<usize>, block: &'a mut Vec<u32>) -> &'a [u32] {
        block.clear();
        match self {
            Self::U8(groups) => block.extend(groups[range].iter().map(|group| group.wide())),
            Self::U16(groups) => block.extend(groups[range].iter().map(|group| group.wide())),
            Self::U32(groups) => return &groups[range],
        }
        block
    }
}

fn wide_counts<'a>(counts: Counts<'a>, range: Range<usize>, block: &'a mut Vec<u64>) -> &'a [u64] {
    block.clear();
    match counts {
        Counts::U8(counts) => block.extend(counts[range].iter().copied().map(u64::from)),
        Counts::U16(counts) => block.extend(counts[range].iter().copied().map(u64::from)),
        Counts::U32(counts) => block.extend(counts[range].iter().copied().map(u64::from)),
        Counts::U64(counts) => return &counts[range],
    }
    block
}

/// Rows that are widened at a time: few enough to stay in the cache.
const BLOCK: usize = 1 << 14;

/// Calls `work` with groups and weights in their widest types, a block of rows at a time where they are narrow, so that
/// no wide copy of all is made. Columns of different lengths are handed over whole: `work` refuses them.
pub fn in_blocks<const N: usize>(
    groups: [Groups<'_>; N],
    weights: Option<Counts<'_>>,
    mut work: impl FnMut([&[u32]; N], Option<&[u64]>) -> Result<()>,
) -> Result<()> {
    let rows = groups.first().map_or(0, |groups| groups.len());
    let narrow = groups.iter().any(|groups| !matches!(groups, Groups::U32(_)))
        || weights.is_some_and(|weights| !matches!(weights, Counts::U64(_)));
    let alike = groups.iter().all(|groups| groups.len() == rows) && weights.is_none_or(|weights| weights.len() == rows);
    let step = if narrow && alike { BLOCK } else { rows.max(1) };
    let (mut blocks, mut block): ([Vec<u32>; N], Vec<u64>) = (std::array::from_fn(|_| Vec::new()), Vec::new());
    let mut first = 0;
    loop {
        let range = |len: usize| if alike { first..len.min(first + step) } else { 0..len };
        let mut places = blocks.each_mut().into_iter();
        let wide = groups.map(|groups| {
            let place = places.next().expect("as many blocks as groups");
            groups.wide(range(groups.len()), place)
        });
        work(wide, weights.map(|weights| wide_counts(weights, range(weights.len()), &mut block)))?;
        first += step;
        if first >= rows {
            return Ok(());
        }
    }
}

/// Numbers below `count` in the narrowest type that holds them all, its greatest value left for none.
pub enum Narrowed {
    U8(Vec<u8>),
    U16(Vec<u16>),
    U32(Vec<u32>),
}

impl Narrowed {
    /// Room for so many rows.
    pub fn with_capacity(rows: usize, count: usize) -> Self {
        match count {
            0..=0xFF => Self::U8(Vec::with_capacity(rows)),
            0x100..=0xFFFF => Self::U16(Vec::with_capacity(rows)),
            _ => Self::U32(Vec::with_capacity(rows)),
        }
    }

    /// Appends numbers, which must be below the count.
    #[allow(clippy::cast_possible_truncation)]
    pub fn extend(&mut self, numbers: &[u32]) {
        match self {
            Self::U8(narrow) => narrow.extend(numbers.iter().map(|number| *number as u8)),
            Self::U16(narrow) => narrow.extend(numbers.iter().map(|number| *number as u16)),
            Self::U32(narrow) => narrow.extend(numbers),
        }
    }

    /// As a pyarrow array.
    pub fn into_pyarrow(self, py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
        match self {
            Self::U8(values) => output::primitive::<UInt8Type>(py, values, None),
            Self::U16(values) => output::primitive::<UInt16Type>(py, values, None),
            Self::U32(values) => output::primitive::<UInt32Type>(py, values, None),
        }
    }
}
