"""The bytes of a dataset: those of its files where it has files, else its rows in one defined form.

A table in memory, or from a generator, is written 4,096 rows at a time, column after column: for each column a byte a
row that says whether it is there, the lengths of texts and bytes as u32 little-endian, and the values: fixed widths as
Arrow holds them, null as zeros; bool 1 byte; dictionaries decoded. Neither batches nor libraries change a byte of it.

Cost: one pass over as many bytes as are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets import Dataset
from assay.datasets.arrow_types import plain_array
from assay.datasets.batch import reading
from assay.datasets.files import opened
from assay.errors import UnsupportedTypeError
from assay.experiments.distinct import numpy_of

__all__ = ["content_of"]

_ROWS = 4096


def content_of(dataset: Dataset, most: int) -> bytes:
    """The first `most` bytes of a dataset; all where it has fewer.

    Raises:
        ReadError: A file cannot be read.
        UnsupportedTypeError: A nested column of a table in memory, for which no form is defined.
    """
    found = bytearray()
    for piece in _of_files(dataset, most) if dataset.files else _of_rows(dataset):
        found += piece[: most - len(found)]
        if len(found) >= most:
            break
    return bytes(found)


def _of_files(dataset: Dataset, most: int) -> Iterator[bytes]:
    for file in dataset.files:
        with reading(file), opened(file) as source:
            yield source.read(most)


def _of_rows(dataset: Dataset) -> Iterator[bytes]:
    waiting: list[pa.RecordBatch] = []
    for batch in dataset.batches():
        waiting.append(batch.data)
        rows = sum(part.num_rows for part in waiting)
        if rows < _ROWS:
            continue
        table = pa.Table.from_batches(waiting)
        whole = rows // _ROWS * _ROWS
        for first in range(0, whole, _ROWS):
            yield _written(table.slice(first, _ROWS))
        waiting = table.slice(whole).to_batches()
    if waiting:
        yield _written(pa.Table.from_batches(waiting))


def _written(rows: pa.Table) -> bytes:
    return b"".join(_column(name, rows.column(name)) for name in rows.column_names)


def _column(name: str, chunks: pa.ChunkedArray) -> bytes:
    column = pa.concat_arrays([plain_array(chunk) for chunk in chunks.chunks])
    kind = column.type
    there = numpy_of(column.is_valid()).astype(np.uint8).tobytes()
    if pa.types.is_null(kind):
        return there
    if pa.types.is_large_string(kind) or pa.types.is_large_binary(kind):
        lengths = numpy_of(pc.fill_null(pc.binary_length(column), 0)).astype("<u4").tobytes()
        return there + lengths + b"".join(value for value in column.cast(pa.large_binary()).to_pylist() if value)
    if pa.types.is_boolean(kind):
        return there + numpy_of(column.fill_null(False)).astype(np.uint8).tobytes()
    if pa.types.is_nested(kind):
        raise UnsupportedTypeError(
            f'column "{name}" is of type {kind}, which has no defined bytes; leave it out, or write the table to a file'
        )
    width = kind.bit_width // 8
    values = np.frombuffer(column.buffers()[1], np.uint8, count=width * len(column), offset=width * column.offset)
    return there + (values.reshape(-1, width) * numpy_of(column.is_valid())[:, None].astype(np.uint8)).tobytes()
