//! The binding of assay's core to Python: convert, release the interpreter, call, convert back.

#![allow(clippy::needless_pass_by_value)] // what Python hands over arrives by value

mod buffer;
mod catalogue;
mod checksums;
mod convert;
mod errors;
mod filters;
mod fold;
mod hashing;
mod key_table;
mod output;
mod partition;
mod placement;
mod slices;

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
    use crate::fold::{
        PyMarks, PySums, gather, give_back_memory, journeys, mark_pairs, sum_by, sum_pairs, weight_apart,
    };
    #[pymodule_export]
    use crate::hashing::{digest, hash, hash_rows};
    #[pymodule_export]
    use crate::key_table::PyKeyTable;
    #[pymodule_export]
    use crate::partition::{PyDistinct, PyStrategy, action_nodes, chained_replicas};
    #[pymodule_export]
    use crate::placement::PyPlacement;
}
