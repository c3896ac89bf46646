//! `Placement`: the binding of the placement room, which `assay.placement` wraps.

use std::any::Any;
use std::sync::Arc;

use arrow_array::types::{Float64Type, UInt32Type, UInt64Type};
use arrow_array::{ArrayRef, FixedSizeListArray, UInt32Array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use assay_core::hash::HashFunction;
use assay_core::memory;
use assay_core::placement::anchor::Anchor;
use assay_core::placement::buckets::Buckets;
use assay_core::placement::memento::Memento;
use assay_core::placement::movement::{CIRCLE, moved_share};
use assay_core::placement::redis_slots::RedisSlots;
use assay_core::placement::ring::Ring;
use assay_core::placement::{self, DEPENDS_ON_ALL_KEYS, Node, Placement, Settings};
use pyo3::prelude::*;

use crate::convert::{Column, Columns};
use crate::errors::{parameter, raise};
use crate::hashing::{Threads, threads_or_default};
use crate::output;

/// A placement of any kind.
#[pyclass(name = "Placement", module = "assay._core", frozen)]
pub struct PyPlacement {
    placement: Box<dyn Placement>,
    /// Whether it holds keys, so that lookups place no others.
    holds_keys: bool,
}

#[pymethods]
impl PyPlacement {
    /// The placement `kind` of these nodes; `weights` and `racks` are as long as `names`.
    #[new]
    #[pyo3(signature = (kind, names, weights, racks, *, hash, seed, virtual_nodes = None, probes = None, epsilon = None, capacity = None, table_size = None, slots = None, buckets = None))]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        kind: &str,
        names: Vec<String>,
        weights: Vec<f64>,
        racks: Vec<Option<String>>,
        hash: &str,
        seed: u64,
        virtual_nodes: Option<u64>,
        probes: Option<u64>,
        epsilon: Option<f64>,
        capacity: Option<u64>,
        table_size: Option<u64>,
        slots: Option<Vec<u16>>,
        buckets: Option<(Vec<u32>, Vec<u32>)>,
    ) -> PyResult<Self> {
        let mut settings =
            Settings::new(nodes(names, weights, racks)).with_hash(HashFunction::parse(hash, seed).map_err(raise)?);
        settings.virtual_nodes = virtual_nodes;
        settings.probes = probes;
        settings.epsilon = epsilon;
        settings.capacity = capacity;
        settings.buckets = buckets.map(|(of_nodes, removed)| Buckets { of_nodes, removed });
        settings.table_size = table_size;
        settings.slots = slots;
        py.detach(|| placement::build(kind, settings)).map(Self::without_keys).map_err(raise)
    }

    /// What the placement becomes on other nodes.
    fn with_nodes(
        &self,
        py: Python<'_>,
        names: Vec<String>,
        weights: Vec<f64>,
        racks: Vec<Option<String>>,
    ) -> PyResult<Self> {
        let settings = Settings { nodes: nodes(names, weights, racks), ..self.placement.settings().clone() };
        py.detach(|| placement::changed(&*self.placement, settings)).map(Self::without_keys).map_err(raise)
    }

    /// The position of each slot's node, of `redis_slots`.
    #[getter]
    fn slots(&self) -> PyResult<Vec<u16>> {
        let any: &dyn Any = &*self.placement;
        let slots = any.downcast_ref::<RedisSlots>().map(|placement| placement.slots().to_vec());
        slots.ok_or_else(|| parameter(format!("{} has no slots; use RedisSlots", self.placement.contender().name)))
    }

    /// The bucket of each node, and the buckets without one in the order of their removal, of `anchor` and `memento`.
    #[getter]
    fn buckets(&self) -> PyResult<(Vec<u32>, Vec<u32>)> {
        let any: &dyn Any = &*self.placement;
        let anchor = any.downcast_ref::<Anchor>().map(Anchor::buckets);
        let found = anchor.or_else(|| any.downcast_ref::<Memento>().map(Memento::buckets));
        let found = found.map(|buckets| (buckets.of_nodes.clone(), buckets.removed.clone()));
        found.ok_or_else(|| {
            parameter(format!("{} has no buckets; use Anchor or Memento", self.placement.contender().name))
        })
    }

    /// The position of each key's node.
    #[pyo3(signature = (keys, *, threads = None))]
    fn lookup<'py>(&self, py: Python<'py>, keys: Column, threads: Option<Threads>) -> PyResult<Bound<'py, PyAny>> {
        let threads = threads_or_default(threads);
        let columns = Columns(vec![keys]);
        let rows = columns.rows()?;
        output::check_room(rows, size_of::<u32>())?;
        let (owners, validity) = py.detach(|| -> PyResult<_> {
            let held = self.held(&columns, threads)?;
            let placement = held.as_deref().unwrap_or(&*self.placement);
            let mut owners = memory::zeros::<u32>(rows);
            let mut validity = None;
            columns.for_each_run(|first, keys| {
                let len = keys[0].len();
                placement::lookup(placement, keys, threads, &mut owners[first..first + len]).map_err(raise)?;
                output::append_validity(&mut validity, keys[0].validity_bytes(), first, len, rows);
                Ok(())
            })?;
            Ok((owners, validity))
        })?;
        output::primitive::<UInt32Type>(py, owners, validity)
    }

    /// The placement of these very keys, if the node of a key depends on the others; None: on the key alone.
    #[pyo3(signature = (keys, *, threads = None))]
    fn of_keys(&self, py: Python<'_>, keys: Column, threads: Option<Threads>) -> PyResult<Option<Self>> {
        let columns = Columns(vec![keys]);
        Ok(py
            .detach(|| self.held(&columns, threads_or_default(threads)))?
            .map(|placement| Self { placement, holds_keys: true }))
    }

    /// The positions of each key's `count` replicas.
    #[pyo3(signature = (keys, count, *, threads = None))]
    fn replicas<'py>(
        &self,
        py: Python<'py>,
        keys: Column,
        count: usize,
        threads: Option<Threads>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let threads = threads_or_default(threads);
        let columns = Columns(vec![keys]);
        let rows = columns.rows()?;
        let (positions, validity) = py.detach(|| -> PyResult<_> {
            self.placement.replicas(&[], count, &mut []).map_err(raise)?;
            // As many as there are nodes at most; beside them are the hashes.
            output::check_room(rows, count * size_of::<u32>() + size_of::<u64>())?;
            let mut positions = Vec::with_capacity(rows * count);
            let mut validity = None;
            columns.for_each_run(|first, keys| {
                positions.extend(placement::replicas(&*self.placement, keys, count, threads).map_err(raise)?);
                output::append_validity(&mut validity, keys[0].validity_bytes(), first, keys[0].len(), rows);
                Ok(())
            })?;
            Ok((positions, validity))
        })?;
        fixed_size_list(py, count, rows, positions, validity)
    }

    /// The share of the hash space of each node, in order.
    fn ownership(&self, py: Python<'_>) -> Vec<f64> {
        py.detach(|| self.placement.ownership())
    }

    /// The share of keys whose node has another name in `after`.
    fn moved_share(&self, py: Python<'_>, after: &Self) -> f64 {
        py.detach(|| moved_share(&*self.placement, &*after.placement))
    }

    /// Bytes of routing state.
    #[getter]
    fn memory_bytes(&self) -> u64 {
        self.placement.memory_bytes()
    }

    /// A ring's arcs: the points, the node of each, the share of the circle that ends in it.
    fn arcs<'py>(&self, py: Python<'py>) -> PyResult<[Bound<'py, PyAny>; 3]> {
        let ring = self.ring()?;
        let count = ring.point_count();
        let mut columns = (Vec::with_capacity(count), Vec::with_capacity(count), Vec::with_capacity(count));
        py.detach(|| {
            for (point, owner, length) in ring.arcs() {
                columns.0.push(point);
                columns.1.push(owner);
                #[allow(clippy::cast_precision_loss)]
                columns.2.push(length as f64 / CIRCLE);
            }
        });
        Ok([
            output::primitive::<UInt64Type>(py, columns.0, None)?,
            output::primitive::<UInt32Type>(py, columns.1, None)?,
            output::primitive::<Float64Type>(py, columns.2, None)?,
        ])
    }

    /// A ring's neighbouring points of the same node.
    fn adjacent_equal_pairs(&self) -> PyResult<usize> {
        Ok(self.ring()?.adjacent_equal_pairs())
    }
}

fn nodes(names: Vec<String>, weights: Vec<f64>, racks: Vec<Option<String>>) -> Vec<Node> {
    let nodes = names.into_iter().zip(weights).zip(racks);
    nodes.map(|((name, weight), rack)| Node { name, weight, rack }).collect()
}

impl PyPlacement {
    fn without_keys(placement: Box<dyn Placement>) -> Self {
        Self { placement, holds_keys: false }
    }

    /// The placement of all these keys but null ones, if the node of a key depends on the others.
    fn held(&self, columns: &Columns, threads: usize) -> PyResult<Option<Box<dyn Placement>>> {
        if !self.placement.contender().can(DEPENDS_ON_ALL_KEYS) || self.holds_keys {
            return Ok(None);
        }
        output::check_room(columns.rows()?, size_of::<u64>())?;
        let mut hashes = Vec::with_capacity(columns.rows()?);
        columns.for_each_run(|_, keys| {
            let found = placement::hash_values(&*self.placement, keys, threads).map_err(raise)?;
            hashes.extend((0..).zip(found).filter(|(row, _)| !keys[0].is_null(*row)).map(|(_, hash)| hash));
            Ok(())
        })?;
        Ok(self.placement.of_keys(&mut hashes))
    }

    fn ring(&self) -> PyResult<&Ring> {
        let any: &dyn Any = &*self.placement;
        any.downcast_ref()
            .ok_or_else(|| parameter(format!("{} has no points; use Ring", self.placement.contender().name)))
    }
}

/// Lists of `width` positions with validity.
fn fixed_size_list<'py>(
    py: Python<'py>,
    width: usize,
    rows: usize,
    positions: Vec<u32>,
    validity: output::Validity,
) -> PyResult<Bound<'py, PyAny>> {
    let values: ArrayRef = Arc::new(UInt32Array::new(ScalarBuffer::from(positions), None));
    let field = Arc::new(Field::new("item", DataType::UInt32, true));
    let nulls = validity.map(|bytes| NullBuffer::new(BooleanBuffer::new(Buffer::from_vec(bytes), 0, rows)));
    let width = i32::try_from(width)
        .map_err(|_| parameter(format!("count is {width}; an Arrow list holds at most {} replicas", i32::MAX)))?;
    output::to_pyarrow(py, Arc::new(FixedSizeListArray::new(field, width, values, nulls)))
}
