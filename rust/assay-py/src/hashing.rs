//! `hash`, `digest`, `hash_rows`: bindings of the hash room.

use arrow_array::types::{UInt16Type, UInt32Type, UInt64Type};
use assay_core::hash::digest::{Digest, digest_keys};
use assay_core::hash::{HashFunction, hash_keys};
use assay_core::keys::Keys;
use assay_core::memory;
use assay_core::threads::default_threads;
use pyo3::prelude::*;

use crate::convert::{Column, Columns};
use crate::errors::{parameter, raise};
use crate::output;

/// A caller's `threads=`.
pub struct Threads(usize);

/// A caller's `seed=`.
pub struct Seed(pub u64);

/// An unsigned integer of 64 bits; what else it is, is said with its name.
fn unsigned(object: Borrowed<'_, '_, PyAny>, name: &str, expected: &str) -> PyResult<u64> {
    object.extract::<u64>().map_err(|_| {
        let shown = object.repr().map_or_else(|_| "unprintable".to_owned(), |text| text.to_string());
        parameter(format!("{name} is {shown}; expected {expected}"))
    })
}

impl<'py> FromPyObject<'_, 'py> for Threads {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let expected = "an integer of at least 1, or None for all cores";
        let count = unsigned(object, "threads", expected)?;
        match usize::try_from(count) {
            Ok(count) if count > 0 => Ok(Self(count)),
            _ => Err(parameter(format!("threads is {count}; expected {expected}"))),
        }
    }
}

impl<'py> FromPyObject<'_, 'py> for Seed {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        unsigned(object, "seed", "an integer from 0 to 2^64 - 1").map(Self)
    }
}

/// The number of threads for a caller's `threads=`.
#[allow(clippy::needless_pass_by_value)]
pub fn threads_or_default(threads: Option<Threads>) -> usize {
    threads.map_or_else(default_threads, |threads| threads.0)
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
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    let function = HashFunction::parse(algorithm, seed).map_err(raise)?;
    let threads = threads_or_default(threads);
    let rows = columns.rows()?;
    let single = columns.0.len() == 1;
    // A compound whose parts are all null has bytes of its own: 00 for each part.
    let all_null = function_of_nulls(function, columns.0.len());
    let (hashes, validity) = py.detach(|| -> PyResult<_> {
        let mut hashes = memory::zeros::<u64>(rows);
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
    #[allow(clippy::cast_possible_truncation)]
    match function.bits() {
        16 => {
            let narrow = hashes.into_iter().map(|hash| hash as u16).collect();
            output::primitive::<UInt16Type>(py, narrow, validity)
        }
        32 => {
            let narrow = hashes.into_iter().map(|hash| hash as u32).collect();
            output::primitive::<UInt32Type>(py, narrow, validity)
        }
        _ => output::primitive::<UInt64Type>(py, hashes, validity),
    }
}

fn function_of_nulls(function: HashFunction, parts: usize) -> u64 {
    match function {
        HashFunction::Identity | HashFunction::Postgres(_) => 0,
        _ => function.bytes(&vec![0; parts]),
    }
}

/// The hash of each key of a column.
#[pyfunction]
#[pyo3(
    signature = (keys, algorithm = "xxh3_64", *, seed = Seed(0), threads = None),
    text_signature = "(keys, algorithm='xxh3_64', *, seed=0, threads=None)"
)]
pub fn hash<'py>(
    py: Python<'py>,
    keys: Column,
    algorithm: &str,
    seed: Seed,
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    hash_columns(py, &Columns(vec![keys]), algorithm, seed.0, threads)
}

/// The hash of each row of several columns, framed.
#[pyfunction]
#[pyo3(
    signature = (columns, algorithm = "xxh3_64", *, seed = Seed(0), threads = None),
    text_signature = "(columns, algorithm='xxh3_64', *, seed=0, threads=None)"
)]
pub fn hash_rows<'py>(
    py: Python<'py>,
    columns: Vec<Column>,
    algorithm: &str,
    seed: Seed,
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    if columns.is_empty() {
        return Err(parameter("hash_rows got no columns; expected at least one".to_owned()));
    }
    hash_columns(py, &Columns(columns), algorithm, seed.0, threads)
}

/// The digest of each key of a column.
#[pyfunction]
#[pyo3(signature = (keys, algorithm = "md5", *, threads = None))]
pub fn digest<'py>(
    py: Python<'py>,
    keys: Column,
    algorithm: &str,
    threads: Option<Threads>,
) -> PyResult<Bound<'py, PyAny>> {
    let digest = Digest::parse(algorithm).map_err(raise)?;
    let threads = threads_or_default(threads);
    let columns = Columns(vec![keys]);
    let rows = columns.rows()?;
    let (bytes, validity) = py.detach(|| -> PyResult<_> {
        let width = digest.width();
        let mut bytes = memory::zeros::<u8>(rows * width);
        let mut validity = None;
        columns.for_each_run(|first, keys| {
            digest_keys(keys, digest, threads, &mut bytes[first * width..(first + keys[0].len()) * width]);
            output::append_validity(&mut validity, keys[0].validity_bytes(), first, keys[0].len(), rows);
            Ok(())
        })?;
        Ok((bytes, validity))
    })?;
    output::fixed_size_binary(py, digest.width(), bytes, validity)
}
