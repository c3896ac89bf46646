"""The bytes of each row's data: fixed widths and value lengths; bool 1, null 0, dictionaries decoded."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets.arrow_types import plain_array
from assay.errors import UnsupportedTypeError
from assay.experiments.distinct import numpy_of

__all__ = ["column_bytes", "row_bytes"]


def row_bytes(batch: pa.RecordBatch) -> pa.Array:
    """The bytes of each row (uint64, shape (batch.num_rows,)).

    Raises:
        UnsupportedTypeError: A nested column, whose bytes are not defined.
    """
    sizes = np.zeros(batch.num_rows, np.uint64)
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        sizes += _bytes_of(name, column)
    return pa.array(sizes)


def column_bytes(name: str, column: pa.Array) -> int:
    """The bytes of all values of a column.

    Raises:
        UnsupportedTypeError: A nested column, whose bytes are not defined.
    """
    return int(_bytes_of(name, column).sum())


def _bytes_of(name: str, column: pa.Array) -> np.ndarray:
    if pa.types.is_dictionary(column.type):
        sizes = np.append(_bytes_of(name, column.dictionary), np.uint64(0))  # the last one is that of null
        codes = numpy_of(column.indices.cast(pa.int64()).fill_null(len(column.dictionary)))
        return np.asarray(sizes[codes])
    plain = plain_array(column)
    valid = numpy_of(plain.is_valid())
    kind = plain.type
    if pa.types.is_null(kind):
        return np.zeros(len(plain), np.uint64)
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        return numpy_of(pc.fill_null(pc.binary_length(plain), 0)).astype(np.uint64)
    if pa.types.is_boolean(kind):
        return valid.astype(np.uint64)
    if pa.types.is_nested(kind):
        raise UnsupportedTypeError(
            f'column "{name}" is of type {kind}, whose bytes per row are not defined; leave the column out'
        )
    return valid.astype(np.uint64) * np.uint64(kind.bit_width // 8)
