//! `hash`, `digest`, `hash_rows`: bindings of the hash room.

use arrow_array::types::{UInt32Type, UInt64Type};
use assay_core::hash::digest::{Digest, digest_keys};
use assay_core::hash::{HashFunction, hash_keys};
use assay_core::keys::Keys;
use assay_core::threads::default_threads;
use pyo3::prelude::*;

use crate::convert::{Column, Columns};
use crate::errors::{parameter, raise};
use crate::output;

/// The number of threads for a caller's `threads=`.
pub fn threads_or_default(threads: Option<usize>) -> PyResult<usize> {
    match threads {
        None => Ok(default_threads()),
        Some(0) => Err(parameter("threads is 0; expected at least 1, or None for all cores".to_owned())),
        Some(count) => Ok(count),
    }
}

/// Validity of a run: one column's own; a compound of several is never null.
fn run_validity(keys: &[Keys<'_>], null_out: bool) -> output::Validity {
    if null_out { keys[0].validity_bytes() } else { None }
}

fn hash_columns<'py>(
    py: Python<'py>,
    columns: &Columns,
    algorithm: &str,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let function = HashFunction::parse(algorithm, seed).map_err(raise)?;
    let threads = threads_or_default(threads)?;
    let rows = columns.rows()?;
    let single = columns.0.len() == 1;
    // A compound whose parts are all null has bytes of its own: 00 for each part.
    let all_null = function_of_nulls(function, columns.0.len());
    let (hashes, validity) = py.detach(|| -> PyResult<_> {
        let mut hashes = vec![0_u64; rows];
        let mut validity = None;
        columns.for_each_run(|first, keys| {
            let len = keys[0].len();
            let null = if single { 0 } else { all_null };
            hash_keys(keys, function, threads, null, &mut hashes[first..first + len]).map_err(raise)?;
            output::append_validity(&mut validity, run_validity(keys, single), first, len, rows);
            Ok(())
        })?;
        Ok((hashes, validity))
    })?;
    if function.bits() == 32 {
        #[allow(clippy::cast_possible_truncation)]
        let narrow = hashes.into_iter().map(|hash| hash as u32).collect();
        return output::primitive::<UInt32Type>(py, narrow, validity);
    }
    output::primitive::<UInt64Type>(py, hashes, validity)
}

fn function_of_nulls(function: HashFunction, parts: usize) -> u64 {
    if function == HashFunction::Identity { 0 } else { function.bytes(&vec![0; parts]) }
}

/// The hash of each key of a column.
#[pyfunction]
#[pyo3(signature = (keys, algorithm = "xxh3_64", *, seed = 0, threads = None))]
pub fn hash<'py>(
    py: Python<'py>,
    keys: Column,
    algorithm: &str,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    hash_columns(py, &Columns(vec![keys]), algorithm, seed, threads)
}

/// The hash of each row of several columns, framed.
#[pyfunction]
#[pyo3(signature = (columns, algorithm = "xxh3_64", *, seed = 0, threads = None))]
pub fn hash_rows<'py>(
    py: Python<'py>,
    columns: Vec<Column>,
    algorithm: &str,
    seed: u64,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    if columns.is_empty() {
        return Err(parameter("hash_rows got no columns; expected at least one".to_owned()));
    }
    hash_columns(py, &Columns(columns), algorithm, seed, threads)
}

/// The digest of each key of a column.
#[pyfunction]
#[pyo3(signature = (keys, algorithm = "md5", *, threads = None))]
pub fn digest<'py>(
    py: Python<'py>,
    keys: Column,
    algorithm: &str,
    threads: Option<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let digest = Digest::parse(algorithm).map_err(raise)?;
    let threads = threads_or_default(threads)?;
    let columns = Columns(vec![keys]);
    let rows = columns.rows()?;
    let (bytes, validity) = py.detach(|| -> PyResult<_> {
        let mut bytes = Vec::with_capacity(rows * digest.width());
        let mut validity = None;
        columns.for_each_run(|first, keys| {
            bytes.extend_from_slice(&digest_keys(keys, digest, threads));
            output::append_validity(&mut validity, keys[0].validity_bytes(), first, keys[0].len(), rows);
            Ok(())
        })?;
        Ok((bytes, validity))
    })?;
    output::fixed_size_binary(py, digest.width(), bytes, validity)
}
