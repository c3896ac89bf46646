"""A dataset as a trace: its requests in order, with dense numbers for keys, and sizes where it has them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.datasets import Dataset, open_dataset
from assay.errors import DataError

__all__ = ["read_trace", "sizes_of"]


def read_trace(source: Any, *, key: str = "key", size: str | None = None) -> _core.Trace:
    """The requests of `source`, in the order of its rows.

    Args:
        source: Whatever `assay.open_dataset` opens; rows are requests in the order of time.
        key: The column of keys, of any type that can be a key; none may be null.
        size: The column of objects' sizes in bytes: integers of at least 0, none null.

    Raises:
        UnknownNameError: There is no such column.
        UsageError: A key is null.
        DataError: There is no request, or a size is null, negative or no integer.
    """
    dataset = open_dataset(source)
    trace = _core.Trace()
    columns = list(dict.fromkeys([key] if size is None else [key, size]))
    for batch in dataset.batches(columns, encoded=True):
        sizes = None if size is None else sizes_of(batch.data.column(size), size, dataset, batch.first_row)
        trace.append(batch.data.column(key), sizes)
    if not len(trace):
        raise DataError(f"{dataset.name} has no rows; a trace needs at least one request")
    trace.finish()
    return trace


def sizes_of(column: pa.Array, name: str, dataset: Dataset, first_row: int) -> pa.Array:
    """The sizes of a batch in bytes, as unsigned integers.

    Raises:
        DataError: One is null, negative or no integer; the message names its row.
    """
    if not pa.types.is_integer(column.type):
        raise DataError(f'{dataset.name}: column "{name}" is of type {column.type}; sizes are integers, in bytes')
    # Arrow compares with 0 in 64 signed bits, where the largest sizes have no room; unsigned ones are never below it.
    unsigned = pa.types.is_unsigned_integer(column.type)
    wrong = column.is_null() if unsigned else pc.fill_null(pc.less(column, 0), True)
    if pc.any(wrong).as_py():
        row = pc.index(wrong, pa.scalar(True)).as_py()
        raise DataError(
            f'{dataset.name}: column "{name}" is {column[row].as_py()} in row {first_row + row}; '
            "a size is at least 0 bytes: mend it, or leave the row out"
        )
    return column.cast(pa.uint64())
