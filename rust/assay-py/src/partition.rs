//! Strategies, key tables and sums by group: bindings of the partition room and its folds.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{UInt8Type, UInt32Type, UInt64Type};
use arrow_schema::DataType;
use assay_core::fold;
use assay_core::key_table::{self, KeyTable, Pairs};
use assay_core::keys::Keys;
use assay_core::memory;
use assay_core::partition::composite::Composite;
use assay_core::partition::{Action, Derived, Distinct, Request, Setting, Strategy, learn};
use pyo3::prelude::*;

use crate::convert::{Column, Columns};
use crate::errors::{parameter, raise};
use crate::hashing::{Threads, threads_or_default};
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

/// One chunk of each column, as keys.
fn whole(columns: &[Column]) -> PyResult<Vec<Keys<'_>>> {
    columns
        .iter()
        .map(|column| match column.chunks.as_slice() {
            [_] => Ok(column.keys()?.remove(0)),
            chunks => Err(parameter(format!("{} has {} chunks; combine them into one", column.label(), chunks.len()))),
        })
        .collect()
}

/// A parameter as Python gives it.
#[derive(FromPyObject)]
pub enum PySetting {
    Integer(i64),
    Number(f64),
    Text(String),
}

impl From<PySetting> for Setting {
    fn from(setting: PySetting) -> Self {
        match setting {
            PySetting::Integer(value) => Self::Integer(value),
            PySetting::Number(value) => Self::Number(value),
            PySetting::Text(text) => Self::Text(text),
        }
    }
}

/// Distinct keys with their rows and weights, from which strategies are learned.
#[pyclass(name = "Distinct", frozen, module = "assay._core")]
pub struct PyDistinct {
    columns: Vec<Column>,
    rows: Vec<u64>,
    weights: Vec<u64>,
    derived: Derived,
}

#[pymethods]
impl PyDistinct {
    /// One chunk per column; rows and weights are uint64, one per key.
    #[new]
    #[allow(clippy::needless_pass_by_value)]
    fn new(columns: Vec<Column>, rows: Column, weights: Column) -> PyResult<Self> {
        let keys = whole(&columns)?;
        let rows = slice_of!(&rows, UInt64Type, DataType::UInt64, "uint64").to_vec();
        let weights = slice_of!(&weights, UInt64Type, DataType::UInt64, "uint64").to_vec();
        let derived = Derived::default();
        Distinct { columns: &keys, rows: &rows, weights: &weights, derived: &derived }.check().map_err(raise)?;
        drop(keys);
        Ok(Self { columns, rows, weights, derived })
    }
}

impl PyDistinct {
    /// Calls `work` with the borrowed form.
    fn with<R>(&self, work: impl FnOnce(Distinct<'_>) -> assay_core::error::Result<R>) -> PyResult<R> {
        let columns = whole(&self.columns)?;
        work(Distinct { columns: &columns, rows: &self.rows, weights: &self.weights, derived: &self.derived })
            .map_err(raise)
    }
}

/// A learned strategy.
#[pyclass(name = "Strategy", frozen, module = "assay._core")]
pub struct PyStrategy(Arc<dyn Strategy>);

#[pymethods]
impl PyStrategy {
    /// Learns a strategy for these nodes.
    #[staticmethod]
    #[pyo3(signature = (name, distinct, nodes, settings, *, values = None, groups = None))]
    fn learn(
        py: Python<'_>,
        name: &str,
        distinct: &PyDistinct,
        nodes: Vec<u32>,
        settings: Vec<(String, PySetting)>,
        values: Option<Column>,
        groups: Option<Vec<u32>>,
    ) -> PyResult<Self> {
        let values = values.as_ref().map(|column| whole(std::slice::from_ref(column))).transpose()?;
        let settings: Vec<(String, Setting)> = settings.into_iter().map(|(name, value)| (name, value.into())).collect();
        let strategy = py.detach(|| {
            distinct.with(|distinct| {
                learn(
                    name,
                    &Request {
                        distinct,
                        nodes: &nodes,
                        settings: &settings,
                        values: values.as_ref().map(|values| &values[0]),
                        groups: groups.as_deref().unwrap_or_default(),
                    },
                )
            })
        })?;
        Ok(Self(strategy.into()))
    }

    /// A composite of two strategies; the first takes the first `first_columns` columns.
    #[staticmethod]
    fn composite(first: &Self, second: &Self, first_columns: usize, nodes: Vec<u32>) -> PyResult<Self> {
        let made = Composite::new(Arc::clone(&first.0), Arc::clone(&second.0), first_columns, nodes).map_err(raise)?;
        Ok(Self(Arc::new(made)))
    }

    /// The number of each partition's node; node k is called `node-k`.
    #[getter]
    fn nodes(&self) -> Vec<u32> {
        self.0.nodes().to_vec()
    }

    /// The bytes of state that a router must hold.
    #[getter]
    fn routing_bytes(&self) -> u64 {
        self.0.routing_bytes()
    }

    /// Whether the partition depends on the key alone, not on the row's number.
    #[getter]
    fn keyed(&self) -> bool {
        self.0.keyed()
    }

    /// The partition of each row; the first row is row `first_row` of the table, of `rows` rows.
    #[pyo3(signature = (columns, rows, *, first_row = 0, threads = None))]
    fn assign<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<Column>,
        rows: usize,
        first_row: u64,
        threads: Option<Threads>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let threads = threads_or_default(threads);
        let columns = Columns(columns);
        if !columns.0.is_empty() && columns.rows()? != rows {
            return Err(parameter(format!("the columns have {} rows; expected {rows}", columns.rows()?)));
        }
        if columns.0.is_empty() && self.0.keyed() && rows > 0 {
            return Err(parameter(format!("there are no columns for {rows} rows; expected those of the key")));
        }
        if first_row.checked_add(rows as u64).is_none() {
            return Err(parameter(format!("first_row is {first_row}; expected that {rows} rows more fit 64 bits")));
        }
        let out = py.detach(|| -> PyResult<Vec<u32>> {
            let mut out = fold::zeros(rows, 1, 1).map_err(raise)?;
            if columns.0.is_empty() {
                self.0.assign(&[], first_row, threads, &mut out).map_err(raise)?;
                return Ok(out);
            }
            columns.for_each_run(|first, keys| {
                let part = &mut out[first..first + keys[0].len()];
                self.0.assign(keys, first_row + first as u64, threads, part).map_err(raise)
            })?;
            Ok(out)
        })?;
        output::primitive::<UInt32Type>(py, out, None)
    }

    /// The strategy after an action if it has a way of its own, else None: learn it anew.
    fn change(&self, py: Python<'_>, action: &str, distinct: &PyDistinct) -> PyResult<Option<Self>> {
        let action = Action::parse(action).map_err(raise)?;
        let changed = py.detach(|| distinct.with(|distinct| self.0.change(action, &distinct)))?;
        Ok(changed.map(|strategy| Self(strategy.into())))
    }

    /// For windows from `first` to `last`, both within: the number of partitions to ask; None if windows say nothing.
    fn routed_windows<'py>(&self, py: Python<'py>, first: Column, last: Column) -> PyResult<Option<Bound<'py, PyAny>>> {
        let first = whole(std::slice::from_ref(&first))?;
        let last = whole(std::slice::from_ref(&last))?;
        let counts = py.detach(|| self.0.routed_windows(&first[0], &last[0])).map_err(raise)?;
        counts.map(|counts| output::primitive::<UInt32Type>(py, counts, None)).transpose()
    }
}

/// The nodes after an action on nodes 0 to n - 1; None if the action cannot be.
#[pyfunction]
pub fn action_nodes(action: &str, n: u32) -> PyResult<Option<Vec<u32>>> {
    Action::parse(action).and_then(|action| action.nodes(n)).map_err(raise)
}

/// Distinct keys and their numbers, in order of first appearance.
#[pyclass(name = "KeyTable", module = "assay._core")]
pub struct PyKeyTable(KeyTable);

/// Pairs are of two columns of equal length.
fn equal_lengths(first: &[u32], second: &[u32]) -> PyResult<()> {
    if first.len() == second.len() {
        return Ok(());
    }
    let (first, second) = (first.len(), second.len());
    Err(parameter(format!("the pairs' parts have {first} and {second} rows; expected equally many")))
}

/// Keys and rows are numbered in 32 bits.
fn rows_fit(rows: usize) -> PyResult<()> {
    if rows < key_table::ABSENT as usize {
        return Ok(());
    }
    let most = key_table::ABSENT;
    Err(parameter(format!("there are {rows} rows in one batch; expected fewer than {most}: insert it in slices")))
}

#[pymethods]
impl PyKeyTable {
    #[new]
    fn new() -> Self {
        Self(KeyTable::new())
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    /// The bytes that the table holds.
    #[getter]
    fn memory_bytes(&self) -> u64 {
        self.0.memory_bytes()
    }

    /// The number of the null key, or None if it was not met.
    #[getter]
    fn null(&self) -> Option<u32> {
        self.0.null()
    }

    /// The number of each key, and the rows that met a key for the first time.
    fn insert<'py>(&mut self, py: Python<'py>, keys: Column) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        rows_fit(keys.len())?;
        let (numbers, fresh) = py.detach(|| -> PyResult<_> {
            let (mut numbers, mut fresh, mut first) = (memory::zeros::<u32>(keys.len()), Vec::new(), 0);
            for chunk in keys.keys()? {
                let next = first + chunk.len();
                #[allow(clippy::cast_possible_truncation)] // as was checked
                self.0.insert_keys(&chunk, first as u32, &mut numbers[first..next], &mut fresh);
                first = next;
            }
            Ok((numbers, fresh))
        })?;
        Ok((output::primitive::<UInt32Type>(py, numbers, None)?, output::primitive::<UInt32Type>(py, fresh, None)?))
    }

    /// As `insert`, for keys that are pairs of numbers.
    fn insert_pairs<'py>(
        &mut self,
        py: Python<'py>,
        first: Column,
        second: Column,
    ) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        let first = slice_of!(&first, UInt32Type, DataType::UInt32, "uint32");
        let second = slice_of!(&second, UInt32Type, DataType::UInt32, "uint32");
        equal_lengths(first, second)?;
        rows_fit(first.len())?;
        let (numbers, fresh) = py.detach(|| {
            let (mut numbers, mut fresh) = (memory::zeros::<u32>(first.len()), Vec::new());
            self.0.insert_each(&Pairs { first, second }, 0, &mut numbers, &mut fresh);
            (numbers, fresh)
        });
        Ok((output::primitive::<UInt32Type>(py, numbers, None)?, output::primitive::<UInt32Type>(py, fresh, None)?))
    }

    /// The number of each key; null where the table does not hold it.
    fn find<'py>(&self, py: Python<'py>, keys: Column) -> PyResult<Bound<'py, PyAny>> {
        let numbers = py.detach(|| -> PyResult<Vec<u32>> {
            let (mut numbers, mut first) = (memory::zeros::<u32>(keys.len()), 0);
            for chunk in keys.keys()? {
                let next = first + chunk.len();
                self.0.find_keys(&chunk, 0..chunk.len(), &mut numbers[first..next]);
                first = next;
            }
            Ok(numbers)
        })?;
        present(py, numbers)
    }

    /// As `find`, for keys that are pairs of numbers.
    fn find_pairs<'py>(&self, py: Python<'py>, first: Column, second: Column) -> PyResult<Bound<'py, PyAny>> {
        let first = slice_of!(&first, UInt32Type, DataType::UInt32, "uint32");
        let second = slice_of!(&second, UInt32Type, DataType::UInt32, "uint32");
        equal_lengths(first, second)?;
        let numbers = py.detach(|| {
            let mut numbers = memory::zeros::<u32>(first.len());
            self.0.find_each(&Pairs { first, second }, 0..first.len(), &mut numbers);
            numbers
        });
        present(py, numbers)
    }
}

/// Numbers with those of absent keys as nulls.
fn present(py: Python<'_>, numbers: Vec<u32>) -> PyResult<Bound<'_, PyAny>> {
    if !numbers.contains(&key_table::ABSENT) {
        return output::primitive::<UInt32Type>(py, numbers, None);
    }
    let mut validity = vec![0_u8; numbers.len().div_ceil(8)];
    for (row, number) in numbers.iter().enumerate() {
        validity[row >> 3] |= u8::from(*number != key_table::ABSENT) << (row & 7);
    }
    output::primitive::<UInt32Type>(py, numbers, Some(validity))
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
    let groups = slice_of!(&groups, UInt32Type, DataType::UInt32, "uint32");
    let weights = match &weights {
        None => None,
        Some(column) => Some(slice_of!(column, UInt64Type, DataType::UInt64, "uint64")),
    };
    let sums = py.detach(|| {
        let mut sums = fold::zeros(count, 1, 1)?;
        fold::sum_by(groups, weights, &mut sums).map(|()| sums)
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
    let from = slice_of!(&from_groups, UInt32Type, DataType::UInt32, "uint32");
    let to = slice_of!(&to_groups, UInt32Type, DataType::UInt32, "uint32");
    let weights = match &weights {
        None => None,
        Some(column) => Some(slice_of!(column, UInt64Type, DataType::UInt64, "uint64")),
    };
    let sums = py.detach(|| {
        let mut sums = fold::zeros(height, width, 1)?;
        fold::sum_pairs(from, to, weights, width, &mut sums).map(|()| sums)
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
