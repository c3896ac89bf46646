//! The binding of assay's core to Python: convert, release the interpreter, call, convert back.

#![allow(clippy::needless_pass_by_value)] // what Python hands over arrives by value

mod buffer;
mod catalogue;
mod checksums;
mod convert;
mod errors;
mod filters;
mod hashing;
mod output;
mod partition;
mod placement;

use pyo3::prelude::*;

/// The native part of assay; use it through the documented modules of the package.
#[pymodule]
mod _core {
    #[pymodule_export]
    use crate::catalogue::catalogue;
    #[pymodule_export]
    use crate::checksums::{BlockChecksums, Checksum, checksum};
    #[pymodule_export]
    use crate::filters::BloomFilter;
    #[pymodule_export]
    use crate::hashing::{digest, hash, hash_rows};
    #[pymodule_export]
    use crate::partition::{PyDistinct, PyKeyTable, PyStrategy, action_nodes, mark_pairs, sum_by, sum_pairs};
    #[pymodule_export]
    use crate::placement::PyPlacement;
}
