//! Bindings of the filters of fingerprints, which are built once from all keys.

use assay_core::filter::BinaryFuseFilter as BinaryFuse;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::buffer::ByteBuffer;
use crate::convert::Column;
use crate::errors::raise;
use crate::filters::{answers, key_type_of};
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

use assay_core::filter::table::Table as _;

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
