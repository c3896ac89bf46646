//! Sums by group, marks and movements: bindings of the inner loops of every fold over a table.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_schema::DataType;
use assay_core::counts::{Counts, Tally};
use assay_core::{fold, memory};
use pyo3::prelude::*;

use crate::convert::Column;
use crate::errors::{parameter, raise};
use crate::slices::{Groups, counts, in_blocks, slice_of};
use crate::{kept, output};

/// Gives memory that was freed back to the operating system, that kept for outputs too; takes milliseconds.
#[pyfunction]
pub fn give_back_memory(py: Python<'_>) {
    py.detach(|| {
        kept::give_back();
        memory::give_back();
    });
}

/// With more groups than this, 8 bytes for each would be felt.
const MANY_GROUPS: usize = 1 << 16;

enum Kept {
    Few(fold::Sums),
    Many(Tally),
}

/// Exact sums by group over many batches. Of many groups they are kept as narrow as they can be.
#[pyclass(name = "Sums", module = "assay._core")]
pub struct PySums(Kept);

impl PySums {
    /// The sums as plain ones, which they are from then on.
    pub fn plain(&mut self) -> PyResult<&mut fold::Sums> {
        if let Kept::Many(tally) = &self.0 {
            let mut sums = fold::Sums::new(tally.counts().len()).map_err(raise)?;
            sums.merge(&tally.counts().iter().collect::<Vec<u64>>()).map_err(raise)?;
            self.0 = Kept::Few(sums);
        }
        match &mut self.0 {
            Kept::Few(sums) => Ok(sums),
            Kept::Many(_) => unreachable!("they were made plain"),
        }
    }
}

#[pymethods]
impl PySums {
    #[new]
    fn new(count: usize) -> PyResult<Self> {
        if count <= MANY_GROUPS {
            return fold::Sums::new(count).map(|sums| Self(Kept::Few(sums))).map_err(raise);
        }
        let narrow = fold::zeros(count, 1, 1).map_err(raise)?;
        Ok(Self(Kept::Many(Tally::U8(narrow))))
    }

    /// Adds each row's weight (1 if there are none) to its group's sum; 2^32 - 1 is no group.
    #[pyo3(signature = (groups, weights = None))]
    #[allow(clippy::needless_pass_by_value)]
    fn add(&mut self, py: Python<'_>, groups: Column, weights: Option<Column>) -> PyResult<()> {
        let groups = Groups::of(&groups)?;
        let weights = counts(weights.as_ref())?;
        let kept = &mut self.0;
        py.detach(|| {
            in_blocks([groups], weights, |[groups], weights| match kept {
                Kept::Few(sums) => sums.add(groups, weights),
                Kept::Many(tally) => tally.add(groups, weights.map(Counts::U64)),
            })
        })
        .map_err(raise)
    }

    /// Adds sums that were made elsewhere.
    #[allow(clippy::needless_pass_by_value)]
    fn merge(&mut self, py: Python<'_>, other: Column) -> PyResult<()> {
        let other = counts(Some(&other))?.unwrap_or(Counts::U64(&[]));
        let kept = &mut self.0;
        py.detach(|| match kept {
            Kept::Few(sums) => sums.merge(&other.iter().collect::<Vec<u64>>()),
            Kept::Many(tally) => tally.merge(other),
        })
        .map_err(raise)
    }

    /// The sums, as uint64.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let values = match &self.0 {
            Kept::Few(sums) => sums.values().to_vec(),
            Kept::Many(tally) => tally.counts().iter().collect(),
        };
        output::primitive::<UInt64Type>(py, values, None)
    }

    /// The sums in the type that they are kept in, which `merge` takes too.
    fn narrow<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.0 {
            Kept::Few(_) => self.values(py),
            Kept::Many(tally) => output::tally(py, tally.clone()),
        }
    }
}

/// Pairs (group, partition) that occur, marked over many batches.
#[pyclass(name = "Marks", module = "assay._core")]
pub struct PyMarks(fold::Marks);

#[pymethods]
impl PyMarks {
    #[new]
    fn new(height: usize, width: usize) -> PyResult<Self> {
        fold::Marks::new(height, width).map(Self).map_err(raise)
    }

    /// Marks the pair of each row; the group 2^32 - 1 is none.
    #[allow(clippy::needless_pass_by_value)]
    fn mark(&mut self, py: Python<'_>, groups: Column, partitions: Column) -> PyResult<()> {
        let (groups, partitions) = (Groups::of(&groups)?, Groups::of(&partitions)?);
        py.detach(|| in_blocks([groups, partitions], None, |[groups, partitions], _| self.0.mark(groups, partitions)))
            .map_err(raise)
    }

    /// Joins marks that were made elsewhere.
    #[allow(clippy::needless_pass_by_value)]
    fn merge(&mut self, py: Python<'_>, other: Column) -> PyResult<()> {
        let other = slice_of!(&other, UInt8Type, DataType::UInt8, "uint8");
        py.detach(|| self.0.merge(other)).map_err(raise)
    }

    /// The matrix as bytes: row-major, the least bit first.
    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        output::primitive::<UInt8Type>(py, self.0.bits().to_vec(), None)
    }

    /// How many partitions are marked for each group.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        output::primitive::<UInt64Type>(py, py.detach(|| self.0.counts()), None)
    }
}

/// The entry of a table (uint8, uint16 or uint32; the greatest is none) that each row's number names, as uint32.
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
pub fn gather<'py>(py: Python<'py>, table: Column, numbers: Column) -> PyResult<Bound<'py, PyAny>> {
    let numbers = slice_of!(&numbers, UInt32Type, DataType::UInt32, "uint32");
    macro_rules! from {
        ($kind:ty, $data_type:pat, $name:literal) => {{
            let table = slice_of!(&table, $kind, $data_type, $name);
            py.detach(|| fold::gather(table, numbers)).map_err(raise)?
        }};
    }
    let found = match table.data_type {
        DataType::UInt8 => from!(UInt8Type, DataType::UInt8, "uint8"),
        DataType::UInt16 => from!(UInt16Type, DataType::UInt16, "uint16"),
        _ => from!(UInt32Type, DataType::UInt32, "uint32"),
    };
    output::primitive::<UInt32Type>(py, found, None)
}

/// The weight of the rows whose two groups differ, of those that have a first one.
#[pyfunction]
#[pyo3(signature = (first, second, weights = None))]
#[allow(clippy::needless_pass_by_value)]
pub fn weight_apart(py: Python<'_>, first: Column, second: Column, weights: Option<Column>) -> PyResult<u64> {
    let (first, second) = (Groups::of(&first)?, Groups::of(&second)?);
    let weights = counts(weights.as_ref())?;
    py.detach(|| {
        let mut sum = 0_u64;
        in_blocks([first, second], weights, |[first, second], weights| {
            let more = fold::weight_apart(first, second, weights)?;
            sum = sum.checked_add(more).ok_or_else(fold::overflow)?;
            Ok(())
        })
        .map(|()| sum)
    })
    .map_err(raise)
}

/// The weight that stays, moves, and strays, from each key's partition before and after.
#[pyfunction]
#[pyo3(signature = (here, there, before, now, weights = None))]
#[allow(clippy::needless_pass_by_value)]
pub fn journeys(
    py: Python<'_>,
    here: Column,
    there: Column,
    before: Vec<u32>,
    now: Vec<u32>,
    weights: Option<Column>,
) -> PyResult<[u64; 3]> {
    let (here, there) = (Groups::of(&here)?, Groups::of(&there)?);
    let weights = counts(weights.as_ref())?;
    py.detach(|| {
        let journeys = fold::Journeys::new(&before, &now);
        let mut sums = [0; 3];
        in_blocks([here, there], weights, |[here, there], weights| journeys.add(here, there, weights, &mut sums))
            .map(|()| sums)
    })
    .map_err(raise)
}

/// The sum of weights (or the number of rows) of each group.
#[pyfunction]
#[pyo3(signature = (groups, weights, count))]
pub fn sum_by<'py>(
    py: Python<'py>,
    groups: Column,
    weights: Option<Column>,
    count: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let groups = Groups::of(&groups)?;
    let weights = counts(weights.as_ref())?;
    let sums = py.detach(|| {
        let mut sums = fold::zeros(count, 1, 1)?;
        in_blocks([groups], weights, |[groups], weights| fold::sum_by(groups, weights, &mut sums)).map(|()| sums)
    });
    let sums = sums.map_err(raise)?;
    output::primitive::<UInt64Type>(py, sums, None)
}

/// The sum of weights (or the number of rows) of each pair of groups, as a row-major matrix.
#[pyfunction]
#[pyo3(signature = (from_groups, to_groups, weights, height, width))]
pub fn sum_pairs<'py>(
    py: Python<'py>,
    from_groups: Column,
    to_groups: Column,
    weights: Option<Column>,
    height: usize,
    width: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let (from, to) = (Groups::of(&from_groups)?, Groups::of(&to_groups)?);
    let weights = counts(weights.as_ref())?;
    let sums = py.detach(|| {
        let mut sums = fold::zeros(height, width, 1)?;
        in_blocks([from, to], weights, |[from, to], weights| fold::sum_pairs(from, to, weights, width, &mut sums))
            .map(|()| sums)
    });
    let sums = sums.map_err(raise)?;
    output::primitive::<UInt64Type>(py, sums, None)
}

/// The bits (group, partition) that occur, as a row-major bit matrix of bytes.
#[pyfunction]
pub fn mark_pairs<'py>(
    py: Python<'py>,
    groups: Column,
    partitions: Column,
    height: usize,
    width: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let groups = slice_of!(&groups, UInt32Type, DataType::UInt32, "uint32");
    let partitions = slice_of!(&partitions, UInt32Type, DataType::UInt32, "uint32");
    let bits = py.detach(|| {
        let mut bits = fold::zeros(height, width, 8)?;
        fold::mark_pairs(groups, partitions, height, width, &mut bits).map(|()| bits)
    });
    let bits = bits.map_err(raise)?;
    output::primitive::<UInt8Type>(py, bits, None)
}
