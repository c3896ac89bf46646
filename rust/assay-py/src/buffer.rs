//! Bytes of any object that speaks the buffer protocol, without a copy.

use pyo3::buffer::PyUntypedBuffer;
use pyo3::prelude::*;

use crate::errors::{parameter, unsupported_type};

/// A contiguous buffer, held while this lives: bytes, bytearray, memoryview, numpy, pyarrow.Buffer.
pub struct ByteBuffer(PyUntypedBuffer);

impl ByteBuffer {
    /// The bytes where they lie.
    pub fn as_bytes(&self) -> &[u8] {
        let length = self.0.len_bytes();
        if length == 0 {
            return &[];
        }
        // SAFETY: the exporter keeps the memory in place while the buffer is held, and it is C-contiguous,
        // as was checked when it was taken. A writer in another thread may change bytes meanwhile, as with
        // hashlib and zlib: what is computed is then of some mixture, and nothing else depends on it.
        unsafe { std::slice::from_raw_parts(self.0.buf_ptr().cast::<u8>(), length) }
    }
}

impl<'py> FromPyObject<'_, 'py> for ByteBuffer {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let buffer = PyUntypedBuffer::get(&object).map_err(|error| {
            let kind = object.get_type().name().map_or_else(|_| "object".to_owned(), |name| name.to_string());
            unsupported_type(format!(
                "expected bytes (bytes, bytearray, memoryview, a numpy array, a pyarrow.Buffer), got {kind} ({error})"
            ))
        })?;
        if !buffer.is_c_contiguous() {
            return Err(parameter(format!(
                "the buffer is not contiguous (shape {:?}, strides {:?}); copy it first, as bytes(buffer) or \
                 numpy.ascontiguousarray(array)",
                buffer.shape(),
                buffer.strides()
            )));
        }
        Ok(Self(buffer))
    }
}
