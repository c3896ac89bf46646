//! The binding of assay's core to Python: convert, release the interpreter, call, convert back.

#![allow(clippy::needless_pass_by_value)] // what Python hands over arrives by value

mod buffer;
mod cache;
mod catalogue;
mod checksums;
mod convert;
mod curves;
mod errors;
mod filters;
mod fingerprint_filters;
mod fold;
mod given;
mod hashing;
mod index;
mod kept;
mod key_table;
mod merkle;
mod output;
mod partition;
mod placement;
mod slices;

use assay_core::lanes::{self, Path};
use pyo3::prelude::*;

use crate::errors::raise;

/// Takes wider instructions away where the environment says so; see METHODOLOGY.md, "Instructions".
const WIDEST: &str = "ASSAY_INSTRUCTIONS";

/// The instructions that loops run on here: `avx512`, `avx2` or `portable`.
#[pyfunction]
fn instructions() -> &'static str {
    Path::widest().name()
}

/// The native part of assay; use it through the documented modules of the package.
#[pymodule]
mod _core {
    use super::{Bound, Path, PyModule, PyResult, WIDEST, lanes, raise};

    #[pymodule_init]
    fn init(_module: &Bound<'_, PyModule>) -> PyResult<()> {
        match std::env::var(WIDEST) {
            Ok(name) if !name.is_empty() => lanes::limit_to(Path::parse(&name).map_err(raise)?),
            _ => {}
        }
        Ok(())
    }

    #[pymodule_export]
    use super::instructions;
    #[pymodule_export]
    use crate::cache::writes::simulate_writes;
    #[pymodule_export]
    use crate::cache::{PySimulationProgress, PyTrace, simulate_caches};
    #[pymodule_export]
    use crate::catalogue::catalogue;
    #[pymodule_export]
    use crate::checksums::{BlockChecksums, Checksum, checksum};
    #[pymodule_export]
    use crate::curves::{
        PyKeySample, lru_byte_misses, misses_by_key, optimal_distances, reuse_distances, reuse_squares,
    };
    #[pymodule_export]
    use crate::filters::bloom::{BloomFilter, parquet_filter_header};
    #[pymodule_export]
    use crate::filters::counting::CountingBloomFilter;
    #[pymodule_export]
    use crate::fingerprint_filters::{BinaryFuseFilter, CuckooFilter, RibbonFilter, XorFilter};
    #[pymodule_export]
    use crate::fold::{
        PyMarks, PySums, gather, give_back_memory, journeys, mark_pairs, sum_by, sum_pairs, weight_apart,
    };
    #[pymodule_export]
    use crate::hashing::{digest, hash, hash_rows};
    #[pymodule_export]
    use crate::index::{PyIndex, PyIndexBuilder, PyIndexProgress};
    #[pymodule_export]
    use crate::key_table::PyKeyTable;
    #[pymodule_export]
    use crate::merkle::{MerkleLeaves, MerkleTree, verify_block};
    #[pymodule_export]
    use crate::partition::{PyDistinct, PyStrategy, action_nodes, chained_replicas};
    #[pymodule_export]
    use crate::placement::PyPlacement;
}
