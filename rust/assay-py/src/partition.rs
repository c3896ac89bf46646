//! Strategies and what they learn from: bindings of the partition room.

use std::sync::Arc;

use arrow_array::types::UInt32Type;
use assay_core::counts::Counts;
use assay_core::fold;
use assay_core::keys::Keys;
use assay_core::partition::composite::Composite;
use assay_core::partition::replicas::{Chain, replicas};
use assay_core::partition::{Action, Derived, Distinct, Request, Setting, Strategy, check_racks, learn};
use pyo3::prelude::*;

use crate::convert::{Column, Columns};
use crate::errors::{parameter, raise};
use crate::fold::PySums;
use crate::hashing::{Threads, threads_or_default};
use crate::key_table::PyKeyTable;
use crate::output;
use crate::slices::{Groups, Narrowed, counts, in_blocks};

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
    rows: Column,
    weights: Column,
    derived: Derived,
}

#[pymethods]
impl PyDistinct {
    /// One chunk per column; rows and weights are uint64, one per key. `table` numbers the keys of a single column by
    /// their rows here.
    #[new]
    #[pyo3(signature = (columns, rows, weights, table = None))]
    #[allow(clippy::needless_pass_by_value)]
    fn new(
        columns: Vec<Column>,
        rows: Column,
        weights: Column,
        table: Option<PyRef<'_, PyKeyTable>>,
    ) -> PyResult<Self> {
        let count = rows.len();
        let derived = match table {
            None => Derived::default(),
            Some(table) if columns.len() == 1 && table.shared().len() == count => Derived::with_table(table.shared()),
            Some(table) => {
                return Err(parameter(format!(
                    "the table holds {} keys, but there are {} of {} columns; expected as many of one column",
                    table.shared().len(),
                    count,
                    columns.len()
                )));
            }
        };
        let made = Self { columns, rows, weights, derived };
        made.with(|distinct| distinct.check())?;
        Ok(made)
    }
}

impl PyDistinct {
    /// Calls `work` with the borrowed form.
    fn with<R>(&self, work: impl FnOnce(Distinct<'_>) -> assay_core::error::Result<R>) -> PyResult<R> {
        let columns = whole(&self.columns)?;
        let [rows, weights] = [&self.rows, &self.weights].map(|column| counts(Some(column)));
        let [rows, weights] = [rows?, weights?].map(|counts| counts.unwrap_or(Counts::U64(&[])));
        work(Distinct { columns: &columns, rows, weights, derived: &self.derived }).map_err(raise)
    }
}

/// What fails together with each node; no racks at all mean that every node fails alone.
type PyRacks = Option<Vec<Option<String>>>;

/// A learned strategy, and the racks of its nodes.
#[pyclass(name = "Strategy", frozen, module = "assay._core")]
pub struct PyStrategy {
    strategy: Arc<dyn Strategy>,
    racks: Vec<Option<String>>,
}

impl PyStrategy {
    fn new(strategy: Arc<dyn Strategy>, racks: PyRacks) -> PyResult<Self> {
        let racks = racks.unwrap_or_default();
        check_racks(&racks, strategy.nodes().len()).map_err(raise)?;
        Ok(Self { strategy, racks })
    }

    /// As `assign` does, but in the narrowest type: no wide copy of all numbers is made.
    fn assign_narrow<'py>(
        &self,
        py: Python<'py>,
        columns: Columns,
        rows: usize,
        first_row: u64,
        threads: Option<Threads>,
    ) -> PyResult<Bound<'py, PyAny>> {
        const PIECE: usize = 1 << 18;
        let threads = threads_or_default(threads);
        self.check_rows(&columns, rows, first_row)?;
        let columns = columns.in_pieces(PIECE);
        let found = py.detach(|| -> PyResult<Narrowed> {
            let mut found = Narrowed::with_capacity(rows, self.strategy.nodes().len());
            let mut piece: Vec<u32> = fold::zeros(rows.min(PIECE), 1, 1).map_err(raise)?;
            columns.for_each_run(|first, keys| {
                let part = &mut piece[..keys[0].len()];
                self.strategy.assign(keys, first_row + first as u64, threads, part).map_err(raise)?;
                found.extend(part);
                Ok(())
            })?;
            Ok(found)
        })?;
        found.into_pyarrow(py)
    }

    /// Refuses columns that are not those of `rows` rows from `first_row` on.
    fn check_rows(&self, columns: &Columns, rows: usize, first_row: u64) -> PyResult<()> {
        if !columns.0.is_empty() && columns.rows()? != rows {
            return Err(parameter(format!("the columns have {} rows; expected {rows}", columns.rows()?)));
        }
        if columns.0.is_empty() && self.strategy.keyed() && rows > 0 {
            return Err(parameter(format!("there are no columns for {rows} rows; expected those of the key")));
        }
        if first_row.checked_add(rows as u64).is_none() {
            return Err(parameter(format!("first_row is {first_row}; expected that {rows} rows more fit 64 bits")));
        }
        Ok(())
    }
}

#[pymethods]
impl PyStrategy {
    /// Learns a strategy for these nodes.
    #[staticmethod]
    #[pyo3(signature = (
        name, distinct, nodes, settings, *, values = None, groups = None, capacities = None, racks = None
    ))]
    #[allow(clippy::too_many_arguments)]
    fn learn(
        py: Python<'_>,
        name: &str,
        distinct: &PyDistinct,
        nodes: Vec<u32>,
        settings: Vec<(String, PySetting)>,
        values: Option<Column>,
        groups: Option<Vec<u32>>,
        capacities: Option<Vec<f64>>,
        racks: PyRacks,
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
                        capacities: capacities.as_deref().unwrap_or_default(),
                        racks: racks.as_deref().unwrap_or_default(),
                    },
                )
            })
        })?;
        Self::new(strategy.into(), racks)
    }

    /// A composite of two strategies; the first takes the first `first_columns` columns.
    #[staticmethod]
    #[pyo3(signature = (first, second, first_columns, nodes, *, racks = None))]
    fn composite(first: &Self, second: &Self, first_columns: usize, nodes: Vec<u32>, racks: PyRacks) -> PyResult<Self> {
        let (first, second) = (Arc::clone(&first.strategy), Arc::clone(&second.strategy));
        Self::new(Arc::new(Composite::new(first, second, first_columns, nodes).map_err(raise)?), racks)
    }

    /// The number of each partition's node; node k is called `node-k`.
    #[getter]
    fn nodes(&self) -> Vec<u32> {
        self.strategy.nodes().to_vec()
    }

    /// The bytes of state that a router must hold.
    #[getter]
    fn routing_bytes(&self) -> u64 {
        self.strategy.routing_bytes()
    }

    /// The entries of a directory; None for strategies that compute where keys live.
    #[getter]
    fn directory_entries(&self) -> Option<u64> {
        self.strategy.directory_entries()
    }

    /// Whether the partition depends on the key alone, not on the row's number.
    #[getter]
    fn keyed(&self) -> bool {
        self.strategy.keyed()
    }

    /// The partition of each row; the first row is row `first_row` of the table, of `rows` rows. `narrow`: in the narrowest
    /// type that holds them and leaves its greatest value for none, found a piece of the rows at a time.
    #[pyo3(signature = (columns, rows, *, first_row = 0, threads = None, narrow = false))]
    fn assign<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<Column>,
        rows: usize,
        first_row: u64,
        threads: Option<Threads>,
        narrow: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        if narrow && !columns.is_empty() {
            return self.assign_narrow(py, Columns(columns), rows, first_row, threads);
        }
        let threads = threads_or_default(threads);
        let columns = Columns(columns);
        self.check_rows(&columns, rows, first_row)?;
        let out = py.detach(|| -> PyResult<Vec<u32>> {
            let mut out = fold::zeros(rows, 1, 1).map_err(raise)?;
            if columns.0.is_empty() {
                self.strategy.assign(&[], first_row, threads, &mut out).map_err(raise)?;
                return Ok(out);
            }
            columns.for_each_run(|first, keys| {
                let part = &mut out[first..first + keys[0].len()];
                self.strategy.assign(keys, first_row + first as u64, threads, part).map_err(raise)
            })?;
            Ok(out)
        })?;
        output::primitive::<UInt32Type>(py, out, None)
    }

    /// Adds the number of rows of each partition to `sums`, on this thread.
    #[pyo3(signature = (columns, rows, sums, *, first_row = 0))]
    fn count(
        &self,
        py: Python<'_>,
        columns: Vec<Column>,
        rows: usize,
        sums: &mut PySums,
        first_row: u64,
    ) -> PyResult<()> {
        let columns = Columns(columns);
        self.check_rows(&columns, rows, first_row)?;
        let sums = sums.plain()?;
        py.detach(|| {
            if columns.0.is_empty() {
                return self.strategy.count(&[], first_row, rows, sums).map_err(raise);
            }
            columns.for_each_run(|first, keys| {
                self.strategy.count(keys, first_row + first as u64, keys[0].len(), sums).map_err(raise)
            })
        })
    }

    /// The positions of each row's `count` replicas among the nodes, `count` after `count`; the first is its partition.
    #[pyo3(signature = (columns, rows, count, *, first_row = 0, threads = None))]
    fn replicas<'py>(
        &self,
        py: Python<'py>,
        columns: Vec<Column>,
        rows: usize,
        count: usize,
        first_row: u64,
        threads: Option<Threads>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let threads = threads_or_default(threads);
        let columns = Columns(columns);
        self.check_rows(&columns, rows, first_row)?;
        let strategy = self.strategy.as_ref();
        let out = py.detach(|| -> PyResult<Vec<u32>> {
            let mut out = fold::zeros(rows, count, 1).map_err(raise)?;
            if columns.0.is_empty() {
                replicas(strategy, &self.racks, &[], first_row, count, threads, &mut out).map_err(raise)?;
                return Ok(out);
            }
            // Without rows there are no runs, but a wrong count is wrong all the same.
            replicas(strategy, &self.racks, &[], first_row, count, threads, &mut []).map_err(raise)?;
            columns.for_each_run(|first, keys| {
                let part = &mut out[first * count..(first + keys[0].len()) * count];
                let first_row = first_row + first as u64;
                replicas(strategy, &self.racks, keys, first_row, count, threads, part).map_err(raise)
            })?;
            Ok(out)
        })?;
        output::primitive::<UInt32Type>(py, out, None)
    }

    /// The strategy after an action if it has a way of its own, else None: learn it anew. Capacities and racks are those of
    /// the nodes after the action, in the order of `action_nodes`; racks then follow the nodes of the strategy.
    #[pyo3(signature = (action, distinct, *, capacities = None, racks = None))]
    fn change(
        &self,
        py: Python<'_>,
        action: &str,
        distinct: &PyDistinct,
        capacities: Option<Vec<f64>>,
        racks: PyRacks,
    ) -> PyResult<Option<Self>> {
        let action = Action::parse(action).map_err(raise)?;
        let capacities = capacities.unwrap_or_default();
        let changed = py.detach(|| distinct.with(|distinct| self.strategy.change(action, &distinct, &capacities)))?;
        let Some(strategy) = changed else { return Ok(None) };
        let racks = match racks {
            None => None,
            Some(racks) => Some(in_order_of(strategy.as_ref(), &racks)?),
        };
        Self::new(strategy.into(), racks).map(Some)
    }

    /// For windows from `first` to `last`, both within: the number of partitions to ask; None if windows say nothing.
    fn routed_windows<'py>(&self, py: Python<'py>, first: Column, last: Column) -> PyResult<Option<Bound<'py, PyAny>>> {
        let first = whole(std::slice::from_ref(&first))?;
        let last = whole(std::slice::from_ref(&last))?;
        let counts = py.detach(|| self.strategy.routed_windows(&first[0], &last[0])).map_err(raise)?;
        counts.map(|counts| output::primitive::<UInt32Type>(py, counts, None)).transpose()
    }
}

/// The racks of a changed strategy's nodes, from those in ascending order of the nodes' numbers.
fn in_order_of(strategy: &dyn Strategy, racks: &[Option<String>]) -> PyResult<Vec<Option<String>>> {
    check_racks(racks, strategy.nodes().len()).map_err(raise)?;
    let mut ascending = strategy.nodes().to_vec();
    ascending.sort_unstable();
    let place = |node: &u32| ascending.binary_search(node).ok().and_then(|place| racks.get(place).cloned()).flatten();
    Ok(strategy.nodes().iter().map(place).collect())
}

/// The replicas of rows from their partitions, chained in the order of the nodes, unseen racks first.
#[pyfunction]
#[pyo3(signature = (partitions, nodes, count, *, racks = None))]
pub fn chained_replicas<'py>(
    py: Python<'py>,
    partitions: Column,
    nodes: usize,
    count: usize,
    racks: PyRacks,
) -> PyResult<Bound<'py, PyAny>> {
    let rows = partitions.len();
    let partitions = Groups::of(&partitions)?;
    let out = py.detach(|| {
        let chain = Chain::new(nodes, &racks.unwrap_or_default(), count)?;
        let mut out = fold::zeros(rows, count, 1)?;
        let mut first = 0;
        in_blocks([partitions], None, |[partitions], _| {
            let next = first + partitions.len();
            chain.fill(partitions, &mut out[first * count..next * count])?;
            first = next;
            Ok(())
        })
        .map(|()| out)
    });
    output::primitive::<UInt32Type>(py, out.map_err(raise)?, None)
}

/// The nodes after an action on nodes 0 to n - 1; None if the action cannot be.
#[pyfunction]
pub fn action_nodes(action: &str, n: u32) -> PyResult<Option<Vec<u32>>> {
    Action::parse(action).and_then(|action| action.nodes(n)).map_err(raise)
}
