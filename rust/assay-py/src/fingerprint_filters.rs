//! Bindings of the filters of fingerprints: those that are built once from all keys, and the cuckoo filter.

use assay_core::filter::table::Table as _;
use assay_core::filter::{
    BinaryFuseFilter as BinaryFuse, CuckooFilter as Cuckoo, RibbonFilter as Ribbon, XorFilter as Xor,
};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buffer::ByteBuffer;
use crate::convert::Column;
use crate::errors::raise;
use crate::filters::{Shared, answers, key_type_of};
use crate::hashing::{Threads, threads_or_default};

/// The class of a filter that never changes: what all of them can, and what `own` adds.
macro_rules! built_once {
    ($(#[$about:meta])* $name:ident, $filter:ty, { $($own:tt)* }) => {
        $(#[$about])*
        #[pyclass(frozen, module = "assay._core")]
        pub struct $name {
            filter: $filter,
        }

        impl $name {
            fn of(filter: $filter) -> Self {
                Self { filter }
            }
        }

        #[pymethods]
        impl $name {
            $($own)*

            /// Whether the filter may hold each key of a column.
            #[pyo3(signature = (keys, *, threads))]
            fn contains<'py>(
                &self,
                py: Python<'py>,
                keys: Column,
                threads: Option<Threads>,
            ) -> PyResult<Bound<'py, PyAny>> {
                key_type_of(&keys)?;
                let threads = threads_or_default(threads);
                answers(py, &keys, |chunks| self.filter.contains(chunks, threads))
            }

            /// Whether both hold the same bits, for the same type.
            fn equals(&self, py: Python<'_>, other: &Self) -> bool {
                py.detach(|| self.filter == other.filter)
            }

            /// A filter of its own with the same bits.
            fn copy(&self, py: Python<'_>) -> Self {
                py.detach(|| Self::of(self.filter.clone()))
            }

            /// The stored form.
            fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
                let bytes = py.detach(|| self.filter.to_bytes());
                PyBytes::new(py, &bytes)
            }

            /// The filter of a stored form.
            #[staticmethod]
            fn from_bytes(py: Python<'_>, data: ByteBuffer) -> PyResult<Self> {
                py.detach(|| <$filter>::from_bytes(data.as_bytes()).map(Self::of).map_err(raise))
            }

            #[getter]
            fn key_type(&self) -> String {
                self.filter.key_type.to_string()
            }

            #[getter]
            fn bits(&self) -> u64 {
                self.filter.table.bits()
            }

            #[getter]
            fn memory_bytes(&self) -> u64 {
                self.filter.memory_bytes()
            }

            #[getter]
            fn key_count(&self) -> u64 {
                self.filter.table.keys()
            }

            #[getter]
            fn expected_false_positive_rate(&self) -> f64 {
                self.filter.table.expected_rate()
            }
        }
    };
}

built_once! {
    /// A binary fuse filter; `assay.filters.BinaryFuseFilter` documents it.
    BinaryFuseFilter, BinaryFuse, {
        /// A filter that holds the keys of a column.
        #[staticmethod]
        #[pyo3(signature = (keys, *, fingerprint_bits, arity, threads))]
        fn build(
            py: Python<'_>,
            keys: Column,
            fingerprint_bits: u32,
            arity: u32,
            threads: Option<Threads>,
        ) -> PyResult<Self> {
            let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
            py.detach(|| BinaryFuse::build(&keys.keys()?, kind, fingerprint_bits, arity, threads).map_err(raise))
                .map(Self::of)
        }

        #[getter]
        fn fingerprint_bits(&self) -> u32 {
            self.filter.table.fingerprint_bits()
        }

        #[getter]
        fn arity(&self) -> u32 {
            self.filter.table.arity()
        }
    }
}

built_once! {
    /// An xor filter; `assay.filters.XorFilter` documents it.
    XorFilter, Xor, {
        /// A filter that holds the keys of a column.
        #[staticmethod]
        #[pyo3(signature = (keys, *, fingerprint_bits, threads))]
        fn build(py: Python<'_>, keys: Column, fingerprint_bits: u32, threads: Option<Threads>) -> PyResult<Self> {
            let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
            py.detach(|| Xor::build(&keys.keys()?, kind, fingerprint_bits, threads).map_err(raise)).map(Self::of)
        }

        #[getter]
        fn fingerprint_bits(&self) -> u32 {
            self.filter.table.fingerprint_bits()
        }
    }
}

built_once! {
    /// A ribbon filter; `assay.filters.RibbonFilter` documents it.
    RibbonFilter, Ribbon, {
        /// A filter that holds the keys of a column.
        #[staticmethod]
        #[pyo3(signature = (keys, *, fingerprint_bits, threads))]
        fn build(py: Python<'_>, keys: Column, fingerprint_bits: u32, threads: Option<Threads>) -> PyResult<Self> {
            let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
            py.detach(|| Ribbon::build(&keys.keys()?, kind, fingerprint_bits, threads).map_err(raise)).map(Self::of)
        }

        #[getter]
        fn fingerprint_bits(&self) -> u32 {
            self.filter.table.fingerprint_bits()
        }
    }
}

/// A cuckoo filter; `assay.filters.CuckooFilter` documents it.
#[pyclass(frozen, module = "assay._core")]
pub struct CuckooFilter {
    filter: Shared<Cuckoo>,
}

impl CuckooFilter {
    fn of(filter: Cuckoo) -> Self {
        Self { filter: Shared::new(filter) }
    }
}

#[pymethods]
impl CuckooFilter {
    /// A filter that holds the keys of a column.
    #[staticmethod]
    #[pyo3(signature = (keys, *, false_positive_rate, capacity, threads))]
    fn build(
        py: Python<'_>,
        keys: Column,
        false_positive_rate: f64,
        capacity: Option<u64>,
        threads: Option<Threads>,
    ) -> PyResult<Self> {
        let (kind, threads) = (key_type_of(&keys)?, threads_or_default(threads));
        py.detach(|| Cuckoo::build(&keys.keys()?, kind, false_positive_rate, capacity, threads).map_err(raise))
            .map(Self::of)
    }

    /// Whether the filter may hold each key of a column.
    #[pyo3(signature = (keys, *, threads))]
    fn contains<'py>(&self, py: Python<'py>, keys: Column, threads: Option<Threads>) -> PyResult<Bound<'py, PyAny>> {
        key_type_of(&keys)?;
        let threads = threads_or_default(threads);
        answers(py, &keys, |chunks| self.filter.read().contains(chunks, threads))
    }

    /// Adds the keys of a column, equal ones once.
    #[pyo3(signature = (keys, *, threads))]
    fn insert(&self, py: Python<'_>, keys: Column, threads: Option<Threads>) -> PyResult<()> {
        key_type_of(&keys)?;
        let threads = threads_or_default(threads);
        py.detach(|| {
            let chunks = keys.keys()?;
            // An exception is made with the interpreter held, so only after the lock is given back.
            let inserted = self.filter.write().table.insert(chunks.as_slice(), threads);
            inserted.map_err(raise)
        })
    }

    /// Takes the keys of a column out, equal ones once.
    #[pyo3(signature = (keys, *, threads))]
    fn remove(&self, py: Python<'_>, keys: Column, threads: Option<Threads>) -> PyResult<()> {
        key_type_of(&keys)?;
        let threads = threads_or_default(threads);
        py.detach(|| {
            let chunks = keys.keys()?;
            let removed = self.filter.write().table.remove(chunks.as_slice(), threads);
            removed.map_err(raise)
        })
    }

    /// Whether both hold the same bits, for the same type.
    fn equals(&self, py: Python<'_>, other: &Self) -> bool {
        py.detach(|| {
            // A copy first, so that no two locks are held at once.
            let left = self.filter.read().clone();
            left == *other.filter.read()
        })
    }

    /// A filter of its own with the same bits.
    fn copy(&self, py: Python<'_>) -> Self {
        py.detach(|| Self::of(self.filter.read().clone()))
    }

    /// The stored form.
    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = py.detach(|| self.filter.read().to_bytes());
        PyBytes::new(py, &bytes)
    }

    /// The filter of a stored form.
    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: ByteBuffer) -> PyResult<Self> {
        py.detach(|| Cuckoo::from_bytes(data.as_bytes()).map(Self::of).map_err(raise))
    }

    #[getter]
    fn key_type(&self, py: Python<'_>) -> String {
        py.detach(|| self.filter.read().key_type.to_string())
    }

    #[getter]
    fn bits(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.filter.read().table.bits())
    }

    #[getter]
    fn memory_bytes(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.filter.read().memory_bytes())
    }

    #[getter]
    fn key_count(&self, py: Python<'_>) -> u64 {
        py.detach(|| self.filter.read().table.keys())
    }

    #[getter]
    fn expected_false_positive_rate(&self, py: Python<'_>) -> f64 {
        py.detach(|| self.filter.read().table.expected_rate())
    }

    #[getter]
    fn fingerprint_bits(&self, py: Python<'_>) -> u32 {
        py.detach(|| self.filter.read().table.fingerprint_bits())
    }

    #[getter]
    fn buckets(&self, py: Python<'_>) -> u32 {
        py.detach(|| self.filter.read().table.buckets())
    }
}
