//! Distinct keys, their numbers and their counts: bindings of the key table.

use std::sync::Arc;

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_schema::DataType;
use assay_core::counts::Tally;
use assay_core::key_table::{self, KeyTable, Pairs};
use assay_core::memory;
use pyo3::prelude::*;

use crate::convert::Column;
use crate::errors::{parameter, raise};
use crate::output;
use crate::slices::{counts, slice_of};

/// Distinct keys and their numbers, in order of first appearance, with the rows and weight of each.
#[pyclass(name = "KeyTable", module = "assay._core")]
pub struct PyKeyTable {
    table: Arc<KeyTable>,
    /// None once they were handed over.
    rows: Option<Tally>,
    /// None as long as every row weighs 1.
    weights: Option<Tally>,
}

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
        Self { table: Arc::default(), rows: Some(Tally::default()), weights: None }
    }

    fn __len__(&self) -> usize {
        self.table.len()
    }

    /// The bytes that the table holds.
    #[getter]
    fn memory_bytes(&self) -> u64 {
        let tallies: u64 = self.rows.iter().chain(&self.weights).map(Tally::memory_bytes).sum();
        self.table.memory_bytes() + tallies
    }

    /// The number of the null key, or None if it was not met.
    #[getter]
    fn null(&self) -> Option<u32> {
        self.table.null()
    }

    /// The number of each key, and the rows that met a key for the first time.
    fn insert<'py>(&mut self, py: Python<'py>, keys: Column) -> PyResult<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
        rows_fit(keys.len())?;
        let table = self.own()?;
        let (numbers, fresh) = py.detach(|| -> PyResult<_> {
            let (mut numbers, mut fresh, mut first) = (memory::zeros::<u32>(keys.len()), Vec::new(), 0);
            for chunk in keys.keys()? {
                let next = first + chunk.len();
                #[allow(clippy::cast_possible_truncation)] // as was checked
                table.insert_keys(&chunk, first as u32, &mut numbers[first..next], &mut fresh);
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
        let table = self.own()?;
        let (numbers, fresh) = py.detach(|| {
            let (mut numbers, mut fresh) = (memory::zeros::<u32>(first.len()), Vec::new());
            table.insert_each(&Pairs { first, second }, 0, &mut numbers, &mut fresh);
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
                self.table.find_keys(&chunk, 0..chunk.len(), &mut numbers[first..next]);
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
            self.table.find_each(&Pairs { first, second }, 0..first.len(), &mut numbers);
            numbers
        });
        present(py, numbers)
    }

    /// So many more keys are to come: room for them is made at once, where growing step by step would take longer.
    fn expect(&mut self, more: usize) -> PyResult<()> {
        rows_fit(more)?;
        let table = self.own()?;
        table.expect(more);
        Ok(())
    }

    /// Counts the rows (1 each, or `rows`) and the weight (that of the rows, or `weights`) of keys by their numbers.
    #[pyo3(signature = (numbers, rows = None, weights = None))]
    #[allow(clippy::needless_pass_by_value)]
    fn tally(
        &mut self,
        py: Python<'_>,
        numbers: Column,
        rows: Option<Column>,
        weights: Option<Column>,
    ) -> PyResult<()> {
        let numbers = slice_of!(&numbers, UInt32Type, DataType::UInt32, "uint32");
        let rows = counts(rows.as_ref())?;
        let weights = counts(weights.as_ref())?;
        let counted = self.rows.as_mut().ok_or_else(handed_over)?;
        py.detach(|| {
            if weights.is_some() && self.weights.is_none() {
                self.weights = Some(counted.clone()); // until now a row weighed 1
            }
            counted.grow(self.table.len());
            counted.add(numbers, rows)?;
            if let Some(sums) = &mut self.weights {
                sums.grow(self.table.len());
                sums.add(numbers, weights.or(rows))?;
            }
            Ok(())
        })
        .map_err(raise)
    }

    /// The rows and the weight of each key, handed over in the narrowest type that holds them: no more can be counted then.
    /// No weights where each row weighs 1.
    fn tallies<'py>(&mut self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, Option<Bound<'py, PyAny>>)> {
        let full = |mut tally: Tally| {
            tally.grow(self.table.len());
            output::tally(py, tally)
        };
        let rows = self.rows.take().ok_or_else(handed_over)?;
        Ok((full(rows)?, self.weights.take().map(full).transpose()?))
    }
}

impl PyKeyTable {
    /// The table, as long as strategies have not learned from it: keys that they number must not change under them.
    fn own(&mut self) -> PyResult<&mut KeyTable> {
        Arc::get_mut(&mut self.table).ok_or_else(|| {
            parameter("the table is shared with strategies that learned from it; insert into a new one".to_owned())
        })
    }

    /// The table, shared.
    pub fn shared(&self) -> Arc<KeyTable> {
        Arc::clone(&self.table)
    }
}

fn handed_over() -> PyErr {
    parameter("the counts of the table were handed over; count in a new one".to_owned())
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
