//! `hash`, `digest`, `hash_rows`: bindings of the hash room.

use arrow_array::types::{UInt16Type, UInt32Type, UInt64Type};
use assay_core::hash::digest::{Digest, digest_keys};
use assay_core::hash::wide::{Wide, hash_wide_keys};
use assay_core::hash::{AnyFunction, HashFunction, Narrow, WideFunction, hash_keys, hash_narrow_keys};
use assay_core::keys::Keys;
use assay_core::memory;
use assay_core::threads::default_threads;
use pyo3::prelude::*;

use crate::convert::{Column, Columns};
use crate::errors::{parameter, raise};
use crate::kept::{Keep, Output};
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
    let threads = threads_or_default(threads);
    match AnyFunction::parse(algorithm, seed).map_err(raise)? {
        AnyFunction::Wide(function) => {
            let (hashes, validity) = py.detach(|| wide(columns, function, threads))?;
            output::kept_binary(py, size_of::<Wide>(), hashes, validity)
        }
        AnyFunction::Narrow(function) => match function.bits() {
            16 => {
                let (hashes, validity) = py.detach(|| narrow::<u16>(columns, function, threads))?;
                output::kept::<UInt16Type>(py, hashes, validity)
            }
            32 => {
                let (hashes, validity) = py.detach(|| narrow::<u32>(columns, function, threads))?;
                output::kept::<UInt32Type>(py, hashes, validity)
            }
            _ => {
                let (hashes, validity) = py.detach(|| {
                    let null = if columns.0.len() == 1 { 0 } else { of_nulls(function, columns.0.len()) };
                    runs(columns, 1, |keys, out| hash_keys(keys, function, threads, null, out).map_err(raise))
                })?;
                output::kept::<UInt64Type>(py, hashes, validity)
            }
        },
    }
}

/// The hashes of all runs of rows, each of `width` values, and their validity.
fn runs<T: Keep>(
    columns: &Columns,
    width: usize,
    mut hash: impl FnMut(&[Keys<'_>], &mut [T]) -> PyResult<()>,
) -> PyResult<(Output<T>, output::Validity)> {
    let rows = columns.rows()?;
    let single = columns.0.len() == 1;
    output::check_room(rows, width * size_of::<T>())?;
    let mut hashes = Output::<T>::new(rows * width);
    let mut validity = None;
    columns.for_each_run(|first, keys| {
        let len = keys[0].len();
        hash(keys, &mut hashes.values()[first * width..(first + len) * width])?;
        output::append_validity(&mut validity, run_validity(keys, single), first, len, rows);
        Ok(())
    })?;
    Ok((hashes, validity))
}

fn narrow<T: Keep + Narrow>(
    columns: &Columns,
    function: HashFunction,
    threads: usize,
) -> PyResult<(Output<T>, output::Validity)> {
    let null = if columns.0.len() == 1 { 0 } else { of_nulls(function, columns.0.len()) };
    runs(columns, 1, |keys, out| hash_narrow_keys(keys, function, threads, null, out).map_err(raise))
}

fn wide(columns: &Columns, function: WideFunction, threads: usize) -> PyResult<(Output<u8>, output::Validity)> {
    let parts = columns.0.len();
    let null = if parts == 1 { [0; size_of::<Wide>()] } else { function.bytes(&vec![0; parts]) };
    runs(columns, size_of::<Wide>(), |keys, out| {
        hash_wide_keys(keys, function, threads, null, out.as_chunks_mut().0);
        Ok(())
    })
}

/// The hash of a compound whose parts are all null: it has bytes of its own, 00 for each part.
fn of_nulls(function: HashFunction, parts: usize) -> u64 {
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
        output::check_room(rows, width)?;
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
