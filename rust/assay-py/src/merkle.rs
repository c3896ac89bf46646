//! `MerkleLeaves`, `MerkleTree`, `verify_block`: bindings of the checksum room's trees.

use std::sync::{Mutex, PoisonError};

use arrow_array::types::UInt64Type;
use assay_core::checksum::Algorithm;
use assay_core::checksum::merkle::{self as core, Place, digest_of};
use assay_core::hash::digest::Digest;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buffer::ByteBuffer;
use crate::errors::raise;
use crate::hashing::{Threads, threads_or_default};
use crate::output;

fn digest_named(name: &str) -> PyResult<Digest> {
    Algorithm::parse(name).and_then(|algorithm| digest_of(algorithm, name)).map_err(raise)
}

/// The leaves of a tree in the making.
#[pyclass(frozen, module = "assay._core")]
pub struct MerkleLeaves {
    state: Mutex<core::Leaves>,
}

#[pymethods]
impl MerkleLeaves {
    #[new]
    fn new(algorithm: &str, block_bytes: u64) -> PyResult<Self> {
        let leaves = core::Leaves::new(digest_named(algorithm)?, block_bytes).map_err(raise)?;
        Ok(Self { state: Mutex::new(leaves) })
    }

    /// Appends the bytes of a buffer.
    #[pyo3(signature = (data, *, threads))]
    fn update(&self, py: Python<'_>, data: ByteBuffer, threads: Option<Threads>) -> PyResult<()> {
        let threads = threads_or_default(threads);
        py.detach(|| self.state.lock().unwrap_or_else(PoisonError::into_inner).update(data.as_bytes(), threads));
        Ok(())
    }

    /// The tree over all bytes so far.
    fn finish(&self, py: Python<'_>) -> MerkleTree {
        let tree = py.detach(|| self.state.lock().unwrap_or_else(PoisonError::into_inner).clone().finish());
        MerkleTree { tree }
    }
}

/// A Merkle tree; `assay.checksums.MerkleTree` documents it.
#[pyclass(frozen, module = "assay._core")]
pub struct MerkleTree {
    tree: core::Tree,
}

#[pymethods]
impl MerkleTree {
    /// The tree of a stored form.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: ByteBuffer) -> PyResult<Self> {
        let tree = py.detach(|| core::Tree::from_bytes(data.as_bytes())).map_err(raise)?;
        Ok(Self { tree })
    }

    /// The stored form.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| self.tree.to_bytes());
        PyBytes::new(py, &bytes)
    }

    /// The numbers of the blocks that differ.
    fn diff<'py>(&self, py: Python<'py>, other: &Self) -> PyResult<Bound<'py, PyAny>> {
        let found = py.detach(|| self.tree.diff(&other.tree)).map_err(raise)?;
        output::primitive::<UInt64Type>(py, found, None)
    }

    /// The digests beside a block's way to the root, from below.
    fn proof<'py>(&self, py: Python<'py>, index: u64) -> PyResult<Vec<Bound<'py, PyBytes>>> {
        let siblings = self.tree.proof(index).map_err(raise)?;
        Ok(siblings.iter().map(|sibling| PyBytes::new(py, sibling)).collect())
    }

    /// The digests of all blocks.
    fn leaves<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        output::fixed_size_binary(py, self.tree.digest().width(), self.tree.leaves().to_vec(), None)
    }

    fn equals(&self, py: Python<'_>, other: &Self) -> bool {
        py.detach(|| self.tree == other.tree)
    }

    #[getter]
    fn root<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.tree.root())
    }

    #[getter]
    fn algorithm(&self) -> &'static str {
        self.tree.digest().name()
    }

    #[getter]
    fn block_bytes(&self) -> u64 {
        self.tree.block_bytes()
    }

    #[getter]
    fn block_count(&self) -> u64 {
        self.tree.block_count()
    }

    #[getter]
    fn covered_bytes(&self) -> u64 {
        self.tree.covered_bytes()
    }

    #[getter]
    fn memory_bytes(&self) -> u64 {
        self.tree.memory_bytes()
    }
}

/// Whether a block lies at a place of the bytes whose tree has this root.
#[pyfunction]
#[pyo3(signature = (algorithm, block, siblings, root, *, block_bytes, covered_bytes, index))]
#[allow(clippy::too_many_arguments)] // what a proof consists of, each by its name
pub fn verify_block(
    py: Python<'_>,
    algorithm: &str,
    block: ByteBuffer,
    siblings: Vec<ByteBuffer>,
    root: ByteBuffer,
    block_bytes: u64,
    covered_bytes: u64,
    index: u64,
) -> PyResult<bool> {
    let digest = digest_named(algorithm)?;
    let place = Place { block_bytes, covered_bytes, index };
    Ok(py.detach(|| {
        let siblings: Vec<&[u8]> = siblings.iter().map(ByteBuffer::as_bytes).collect();
        core::verify(digest, place, block.as_bytes(), &siblings, root.as_bytes())
    }))
}
