//! Indexes: the binding of the index room, which `assay.indexes` wraps.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLock};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_array::{LargeListArray, UInt64Array, new_empty_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use assay_core::error::Error;
use assay_core::keys::Keys;
use assay_index::answers::{Answers, Passes};
use assay_index::built::{Builder, Built};
use assay_index::encode::{Limit, Side};
use assay_index::{Progress, Take};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::convert::{Column, Columns, keys_of};
use crate::errors::{parameter, raise, unsupported_type};
use crate::given::values_of;
use crate::hashing::{Threads, threads_or_default};
use crate::output;
use crate::slices::slice_of;

/// How far the building of an index is, and the way to call it off.
#[pyclass(name = "IndexProgress", module = "assay._core", frozen)]
#[derive(Default)]
pub struct PyIndexProgress {
    progress: Arc<Progress>,
}

#[pymethods]
impl PyIndexProgress {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    /// Entries placed so far, over all passes.
    #[getter]
    fn done(&self) -> u64 {
        self.progress.done.load(Ordering::Relaxed)
    }

    /// How many there will be, as far as that is known.
    #[getter]
    fn total(&self) -> u64 {
        self.progress.total.load(Ordering::Relaxed)
    }

    /// Calls the building off; it raises.
    fn stop(&self) {
        self.progress.stopped.store(1, Ordering::Relaxed);
    }
}

/// What keys of this type are to an index, in words; columns of one family compare.
fn family(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Null => "null",
        DataType::Boolean => "bool",
        DataType::Float16 | DataType::Float32 | DataType::Float64 => "float",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::Timestamp(_, None) => "timestamp",
        DataType::Timestamp(_, Some(_)) => "timestamp with a time zone",
        DataType::Duration(_) => "duration",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "decimal"
        }
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => "text",
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => "binary",
        DataType::Dictionary(_, values) => family(values),
        _ => "integer",
    }
}

fn check_families(columns: &Columns, wanted: &[DataType]) -> PyResult<()> {
    for (column, wanted) in columns.0.iter().zip(wanted) {
        let (given, wanted_family) = (family(&column.data_type), family(wanted));
        if given != wanted_family && given != "null" && wanted_family != "null" {
            return Err(unsupported_type(format!(
                "{} is of type {}, and the indexed column of type {wanted}: {given} keys do not compare with {wanted_family} ones; \
                 cast the keys to {wanted}",
                column.label(),
                column.data_type
            )));
        }
    }
    Ok(())
}

fn numbers(rows: Option<&Column>, keys: usize) -> PyResult<Option<&[u64]>> {
    let Some(rows) = rows else { return Ok(None) };
    let rows = slice_of!(rows, UInt64Type, DataType::UInt64, "uint64");
    if rows.len() != keys {
        return Err(parameter(format!("there are {} row numbers for {keys} keys; expected as many", rows.len())));
    }
    Ok(Some(rows))
}

/// Where lists of so many keys end.
fn list_ends(sizes: &Column, keys: usize) -> PyResult<Vec<usize>> {
    let mut end = 0_usize;
    let ends = slice_of!(sizes, UInt64Type, DataType::UInt64, "uint64").iter().map(|size| {
        end = end.saturating_add(usize::try_from(*size).unwrap_or(usize::MAX));
        end
    });
    let ends: Vec<usize> = ends.collect();
    let found = ends.last().copied().unwrap_or(0);
    if found != keys {
        return Err(parameter(format!(
            "the sizes in apart sum to {found}; expected {keys}, the number of keys: name the size of each list"
        )));
    }
    Ok(ends)
}

/// The ends within a run of rows; a list that goes on in the next run ends with this one.
fn ends_within(ends: &[usize], first: usize, rows: usize) -> Vec<usize> {
    let from = ends.partition_point(|end| *end <= first);
    let mut within: Vec<usize> = ends[from..].iter().map(|end| end - first).take_while(|end| *end < rows).collect();
    within.push(rows);
    within
}

/// After so many rows of a column it is looked whether more are wanted.
const ROWS_AT_ONCE: usize = 1 << 20;

/// The entries of an index that is to be built.
#[pyclass(name = "IndexBuilder", module = "assay._core")]
pub struct PyIndexBuilder {
    builder: Option<Builder>,
    types: Vec<DataType>,
}

#[pymethods]
impl PyIndexBuilder {
    #[new]
    fn new(kind: &str, given: &Bound<'_, PyDict>) -> PyResult<Self> {
        let builder = Builder::new(kind, &values_of(given)?).map_err(raise)?;
        Ok(Self { builder: Some(builder), types: Vec::new() })
    }

    /// Takes more rows: a column, or several that are one key in their order.
    #[pyo3(signature = (columns, rows = None, *, progress = None))]
    fn append(
        &mut self,
        py: Python<'_>,
        columns: Vec<Column>,
        rows: Option<Column>,
        progress: Option<&PyIndexProgress>,
    ) -> PyResult<()> {
        let columns = Columns(columns);
        let count = columns.rows()?;
        let numbers = numbers(rows.as_ref(), count)?;
        if self.types.is_empty() {
            self.types = columns.0.iter().map(|column| column.data_type.clone()).collect();
        } else {
            check_families(&columns, &self.types)?;
        }
        let builder = self.builder.as_mut().ok_or_else(|| parameter("the index is built already".to_owned()))?;
        let told = progress.map(|one| Arc::clone(&one.progress)).unwrap_or_default();
        if progress.is_some() {
            builder.expect(count, &told);
        }
        py.detach(|| {
            if count == 0 {
                // Columns without rows still have types.
                let empty = columns.0.iter().map(|column| (new_empty_array(&column.data_type), column));
                let empty: Vec<_> = empty.collect();
                let keys = empty
                    .iter()
                    .map(|(array, column)| keys_of(array.as_ref()).map_err(raise)?.ok_or_else(|| column.unsupported()));
                return builder.append(&keys.collect::<PyResult<Vec<_>>>()?, None, &told).map_err(raise);
            }
            columns.in_pieces(ROWS_AT_ONCE).for_each_run(|first, keys| {
                let run = keys.first().map_or(0, Keys::len);
                builder.append(keys, numbers.map(|rows| &rows[first..first + run]), &told).map_err(raise)
            })
        })
    }

    /// How many entries there are.
    fn __len__(&self) -> usize {
        self.builder.as_ref().map_or(0, Builder::entries)
    }

    /// The index.
    #[pyo3(signature = (*, threads = None, progress = None))]
    fn finish(
        &mut self,
        py: Python<'_>,
        threads: Option<Threads>,
        progress: Option<&PyIndexProgress>,
    ) -> PyResult<PyIndex> {
        let threads = threads_or_default(threads);
        let progress = progress.map(|one| Arc::clone(&one.progress)).unwrap_or_default();
        let builder = self.builder.take().ok_or_else(|| parameter("the index is built already".to_owned()))?;
        let built = py.detach(|| builder.finish(threads, &progress)).map_err(raise)?;
        Ok(PyIndex { built: RwLock::new(built), types: std::mem::take(&mut self.types) })
    }
}

/// From a key to the rows that hold it. Any number of threads may read it at once; who changes it waits for them, and they
/// for the change, without the interpreter.
#[pyclass(name = "Index", module = "assay._core", frozen)]
pub struct PyIndex {
    built: RwLock<Built>,
    types: Vec<DataType>,
}

fn list_of(py: Python<'_>, answers: Answers) -> PyResult<Bound<'_, PyAny>> {
    let len = answers.found.ends.len();
    let mut offsets = Vec::with_capacity(len + 1);
    offsets.push(0);
    offsets.extend_from_slice(&answers.found.ends);
    let nulls = answers.validity.map(|bytes| NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(bytes), 0, len)));
    let rows = UInt64Array::new(ScalarBuffer::from(answers.found.rows), None);
    let field = Arc::new(Field::new("item", DataType::UInt64, true));
    let list = LargeListArray::new(field, OffsetBuffer::new(ScalarBuffer::from(offsets)), Arc::new(rows), nulls);
    output::to_pyarrow(py, Arc::new(list))
}

/// The answers to consecutive runs of rows as one.
#[derive(Default)]
struct Joined {
    answers: Answers,
    rows: usize,
}

impl Joined {
    fn append(&mut self, run: Answers, first: usize, total: usize) {
        let len = run.found.ends.len();
        output::append_validity(&mut self.answers.validity, run.validity, first, len, total);
        if self.rows == 0 {
            self.answers.found = run.found;
        } else {
            let found = &mut self.answers.found;
            #[allow(clippy::cast_possible_wrap)]
            let before = found.rows.len() as i64;
            found.ends.extend(run.found.ends.iter().map(|end| before + end));
            found.rows.extend_from_slice(&run.found.rows);
        }
        self.rows += len;
    }
}

/// What is raised when a change of an index ended in a bug of ours.
fn half_changed<T>(_: PoisonError<T>) -> PyErr {
    raise(Error::Data("a change of the index ended midway, and what it holds is unknown: build it anew".to_owned()))
}

impl PyIndex {
    /// Reads it beside other readers, when nobody changes it; the interpreter is released while it waits and works.
    fn read<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&Built) -> PyResult<T> + Send) -> PyResult<T> {
        py.detach(|| work(&*self.built.read().map_err(half_changed)?))
    }

    /// Changes it, when nobody else has it; the interpreter is released while it waits and works.
    fn change<T: Send>(&self, py: Python<'_>, work: impl FnOnce(&mut Built) -> PyResult<T> + Send) -> PyResult<T> {
        py.detach(|| work(&mut *self.built.write().map_err(half_changed)?))
    }
}

fn limit(built: &Built, columns: Option<&Columns>, side: Side, included: bool) -> PyResult<Limit> {
    let Some(columns) = columns else { return Ok(Limit::None) };
    let mut limit = Limit::None;
    columns.for_each_run(|_, keys| {
        limit = built.bound(Some(keys), 0, side, included).map_err(raise)?;
        Ok(())
    })?;
    Ok(limit)
}

#[pymethods]
impl PyIndex {
    /// How many entries there are.
    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        self.read(py, |built| Ok(usize::try_from(built.entries()).unwrap_or(usize::MAX)))
    }

    /// The bytes that it takes.
    #[getter]
    fn memory_bytes(&self, py: Python<'_>) -> PyResult<u64> {
        self.read(py, |built| Ok(built.memory_bytes()))
    }

    /// What else is to be said of it.
    #[getter]
    fn statistics(&self, py: Python<'_>) -> PyResult<Vec<(&'static str, f64)>> {
        self.read(py, |built| Ok(built.statistics()))
    }

    /// The rows of each key; in one pass over rows all keys, or none with another, or those of lists of so many keys.
    #[pyo3(signature = (columns, *, threads = None, apart = false, lists = None))]
    fn lookup<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<Column>,
        threads: Option<Threads>,
        apart: bool,
        lists: Option<Column>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (columns, threads) = (Columns(columns), threads_or_default(threads));
        check_families(&columns, &self.types)?;
        let total = columns.rows()?;
        let ends = lists.as_ref().map(|sizes| list_ends(sizes, total)).transpose()?;
        let joined = self.read(py, |built| {
            let mut joined = Joined::default();
            columns.for_each_run(|first, keys| {
                let within = ends.as_deref().map(|ends| ends_within(ends, first, keys.first().map_or(0, Keys::len)));
                let passes = match &within {
                    Some(ends) => Passes::Lists(ends),
                    None if apart => Passes::Apart,
                    None => Passes::Shared,
                };
                joined.append(built.lookup(keys, threads, passes).map_err(raise)?, first, total);
                Ok(())
            })?;
            PyResult::Ok(joined)
        })?;
        list_of(py, joined.answers)
    }

    /// The least row of each key.
    #[pyo3(signature = (columns, *, threads = None))]
    fn lookup_first<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<Column>,
        threads: Option<Threads>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (columns, threads) = (Columns(columns), threads_or_default(threads));
        check_families(&columns, &self.types)?;
        let total = columns.rows()?;
        let (rows, validity) = self.read(py, |built| {
            let (mut rows, mut validity) = (Vec::new(), None);
            columns.for_each_run(|first, keys| {
                let (more, valid) = built.lookup_first(keys, threads).map_err(raise)?;
                output::append_validity(&mut validity, valid, first, more.len(), total);
                if rows.is_empty() {
                    rows = more
                } else {
                    rows.extend_from_slice(&more)
                }
                Ok(())
            })?;
            PyResult::Ok((rows, validity))
        })?;
        output::primitive::<UInt64Type>(py, rows, validity)
    }

    /// The rows of keys within bounds, in the order of keys.
    #[pyo3(signature = (low, high, *, closed, limit = None, descending = false))]
    fn range<'py>(
        &self,
        py: Python<'py>,
        low: Option<Vec<Column>>,
        high: Option<Vec<Column>>,
        closed: (bool, bool),
        limit: Option<usize>,
        descending: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (low, high) = (low.map(Columns), high.map(Columns));
        for columns in [&low, &high].into_iter().flatten() {
            check_families(columns, &self.types)?;
        }
        let take = Take { limit: limit.unwrap_or(usize::MAX), descending };
        let rows = self.read(py, |built| {
            let low = self::limit(built, low.as_ref(), Side::Low, closed.0)?;
            let high = self::limit(built, high.as_ref(), Side::High, closed.1)?;
            built.range(&low, &high, take).map_err(raise)
        })?;
        output::primitive::<UInt64Type>(py, rows, None)
    }

    /// The rows of each range of a batch.
    #[pyo3(signature = (lows, highs, *, closed, threads = None))]
    fn ranges<'py>(
        &self,
        py: Python<'py>,
        lows: Vec<Column>,
        highs: Vec<Column>,
        closed: (bool, bool),
        threads: Option<Threads>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (threads, parts) = (threads_or_default(threads), lows.len());
        let (lows, highs) = (Columns(lows), Columns(highs));
        check_families(&lows, &self.types)?;
        check_families(&highs, &self.types)?;
        let (total, others) = (lows.rows()?, highs.rows()?);
        if total != others {
            return Err(parameter(format!("there are {total} low bounds and {others} high ones; expected as many")));
        }
        let both = Columns(lows.0.into_iter().chain(highs.0).collect());
        let joined = self.read(py, |built| {
            let mut joined = Joined::default();
            both.for_each_run(|first, keys| {
                let (low, high) = keys.split_at(parts);
                joined.append(built.ranges(low, high, closed, threads).map_err(raise)?, first, total);
                Ok(())
            })?;
            PyResult::Ok(joined)
        })?;
        list_of(py, joined.answers)
    }

    /// Puts entries in, all of them or on an error none; how many.
    fn insert(&self, py: Python<'_>, columns: Vec<Column>, rows: Column) -> PyResult<u64> {
        let columns = Columns(columns);
        check_families(&columns, &self.types)?;
        let rows = numbers(Some(&rows), columns.rows()?)?.unwrap_or_default();
        self.change(py, |built| {
            let mut runs = 0;
            columns.for_each_run(|_, _| {
                runs += 1;
                Ok(())
            })?;
            if runs > 1 {
                // All of it fits, or nothing is put in.
                let mut more = 0;
                columns.for_each_run(|first, keys| {
                    let run = keys.first().map_or(0, Keys::len);
                    let checked = built.check_insert(keys, &rows[first..first + run], first, more);
                    more += checked.map_err(raise)?;
                    Ok(())
                })?;
            }
            let mut came = 0;
            columns.for_each_run(|first, keys| {
                let run = keys.first().map_or(0, Keys::len);
                came += built.insert(keys, &rows[first..first + run]).map_err(raise)?;
                Ok(())
            })?;
            Ok(came)
        })
    }

    /// Takes entries out, all of these keys or just these pairs; how many left.
    #[pyo3(signature = (columns, rows = None))]
    fn delete(&self, py: Python<'_>, columns: Vec<Column>, rows: Option<Column>) -> PyResult<u64> {
        let columns = Columns(columns);
        check_families(&columns, &self.types)?;
        let rows = numbers(rows.as_ref(), columns.rows()?)?;
        self.change(py, |built| {
            let mut gone = 0;
            columns.for_each_run(|first, keys| {
                let run = keys.first().map_or(0, Keys::len);
                gone += built.delete(keys, rows.map(|rows| &rows[first..first + run])).map_err(raise)?;
                Ok(())
            })?;
            Ok(gone)
        })
    }
}
