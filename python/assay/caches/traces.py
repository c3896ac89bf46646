"""A dataset as a trace: its requests in order, with dense numbers for keys, and sizes where it has them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.checks import name_of
from assay.datasets import Dataset, open_dataset
from assay.errors import DataError, UnsupportedTypeError

__all__ = ["check_keys", "read_trace", "sizes_of"]


def read_trace(source: Any, *, key: str = "key", size: str | None = None) -> _core.Trace:
    """The requests of `source`, in the order of its rows.

    Args:
        source: Whatever `assay.open_dataset` opens; rows are requests in the order of time.
        key: The column of keys, of any type that can be a key; none may be null.
        size: The column of objects' sizes in bytes: whole numbers of at least 0, none null.

    Raises:
        UnknownNameError: There is no such column.
        UnsupportedTypeError: A column cannot be a key, or holds no numbers.
        DataError: There is no request, a key is null, or a size is null, negative or no whole number.
    """
    dataset = open_dataset(source)
    name_of("key", key, "the column of keys")
    trace = _core.Trace()
    if dataset.rows is not None:
        trace.expect(dataset.rows)
    columns = list(dict.fromkeys([key] if size is None else [key, size]))
    for batch in dataset.batches(columns, encoded=True):
        keys = batch.data.column(key)
        check_keys(keys, key, dataset, batch.first_row)
        sizes = None if size is None else sizes_of(batch.data.column(size), size, dataset, batch.first_row)
        try:
            trace.append(keys, sizes)
        except UnsupportedTypeError as error:
            raise UnsupportedTypeError(f'{dataset.name}, column "{key}": {error}') from error
    if not len(trace):
        raise DataError(f"{dataset.name} has no rows; a trace needs at least one request")
    trace.finish()
    return trace


def check_keys(column: pa.Array, name: str, dataset: Dataset, first_row: int) -> None:
    """Whether every request of a batch is for some object.

    Raises:
        DataError: A key is null; the message names its row.
    """
    if column.null_count:
        row = first_row + pc.index(column.is_null(), pa.scalar(True)).as_py()
        raise DataError(
            f'{dataset.name}: column "{name}" is null in row {row}; a request is for some object: give it a key, or '
            "leave the row out"
        )


def sizes_of(column: pa.Array, name: str, dataset: Dataset, first_row: int) -> pa.Array:
    """The sizes of a batch in bytes, as unsigned integers.

    Raises:
        UnsupportedTypeError: They are no numbers.
        DataError: One is null, negative or no whole number; the message names its row.
    """
    if not (pa.types.is_integer(column.type) or pa.types.is_floating(column.type)):
        raise UnsupportedTypeError(
            f'{dataset.name}: column "{name}" is of type {column.type}; sizes are whole numbers of bytes: cast it, or '
            "name another column"
        )
    # Arrow compares with 0 in 64 signed bits, where the largest sizes have no room; unsigned ones are never below it.
    wrong = column.is_null() if pa.types.is_unsigned_integer(column.type) else pc.less(column, 0)
    if pa.types.is_floating(column.type):
        wrong = pc.or_(wrong, pc.not_equal(column, pc.floor(column)))
        wrong = pc.or_(wrong, pc.invert(pc.less(column, float(1 << 63))))
    wrong = pc.fill_null(wrong, True)
    if pc.any(wrong).as_py():
        row = pc.index(wrong, pa.scalar(True)).as_py()
        met = "null" if not column[row].is_valid else column[row].as_py()
        raise DataError(
            f'{dataset.name}: column "{name}" is {met} in row {first_row + row}; '
            "a size is a whole number of at least 0 bytes: mend it, or leave the row out"
        )
    return column.cast(pa.uint64())
