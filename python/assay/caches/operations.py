"""What the rows of a trace ask for: reads, writes and deletions, by the names that logs give them.

Names are compared without case. A write replaces the whole value, whatever its name: what `append` or `incr` would have
to read first is not modelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets import Dataset
from assay.datasets.arrow_types import plain_array
from assay.errors import DataError, UnknownNameError, UnsupportedTypeError

__all__ = ["OPERATIONS", "check_lifetimes", "lifetimes", "operation_codes", "ticks"]

# As the core numbers them; the same kind asked for by others is so much more.
READ, WRITE, DELETE = 0, 1, 2
_BY_OTHERS = {READ: 5, WRITE: 3, DELETE: 4}

# Twitter's and memcached's commands, those of block traces, of HTTP, and of SQL.
OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "read": ("get", "gets", "read", "r", "head", "load", "lookup", "scan", "select"),
    "write": (
        *("set", "add", "replace", "cas", "append", "prepend", "incr", "decr"),
        *("put", "write", "w", "store", "update", "insert", "upsert", "post", "patch"),
    ),
    "delete": ("delete", "del", "remove", "unlink", "trim", "d"),
}
_KINDS = {"read": READ, "write": WRITE, "delete": DELETE}
_CODES = {name: _KINDS[kind] for kind, names in OPERATIONS.items() for name in names}


def operation_codes(dataset: Dataset, op: str, others: str | None = None) -> pa.Array:
    """What each row asks for, as the core numbers it.

    Args:
        dataset: The trace.
        op: The column of operations: text, one of `OPERATIONS` a row.
        others: A column of true and false: true where somebody else asks, past the cache.

    Raises:
        UnknownNameError: There is no such column, or an operation that no log uses.
        UnsupportedTypeError: A column is of another type.
        DataError: An operation is null, or it is not known who asked.
    """
    columns = list(dict.fromkeys([op] if others is None else [op, others]))
    parts = [np.empty(0, np.uint8)]
    for batch in dataset.batches(columns, encoded=True):
        codes = _codes(dataset, op, batch.data.column(op), batch.first_row)
        if others is not None:
            column = batch.data.column(others)
            if not pa.types.is_boolean(column.type):
                raise UnsupportedTypeError(
                    f'{dataset.name}: column "{others}" is of type {column.type}; whether others wrote is true or false'
                )
            _refuse_nulls(dataset, others, column, batch.first_row, "say of each row whether others asked")
            elsewhere = np.array([_BY_OTHERS[kind] for kind in (READ, WRITE, DELETE)], np.uint8)
            codes = np.where(column.to_numpy(zero_copy_only=False), elsewhere[codes], codes)
        parts.append(codes)
    return pa.array(np.concatenate(parts), pa.uint8())


def _codes(dataset: Dataset, op: str, column: Any, first_row: int) -> Any:
    plain = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(plain) or pa.types.is_large_string(plain) or pa.types.is_string_view(plain)):
        raise UnsupportedTypeError(
            f'{dataset.name}: column "{op}" is of type {column.type}; operations are text, such as "get" and "set"'
        )
    _refuse_nulls(dataset, op, column, first_row, "say what each row asks for")
    encoded = column if pa.types.is_dictionary(column.type) else pc.dictionary_encode(column)
    indices = encoded.indices.to_numpy(zero_copy_only=False)
    named = encoded.dictionary.to_pylist()
    codes = np.zeros(max(1, len(named)), np.uint8)
    used = np.zeros(len(codes), bool)
    used[indices] = True
    for place, name in enumerate(named):
        if used[place]:
            code = _CODES.get(str(name).strip().casefold())
            if code is None:
                raise UnknownNameError.of(
                    f"operation in column {op} of {dataset.name}", str(name), _CODES, hint="map yours to one of these"
                )
            codes[place] = code
    return codes[indices]


def ticks(dataset: Dataset, time: str) -> pa.Array:
    """When each row was asked, in the column's own unit: milliseconds of a timestamp in milliseconds, for example.

    Raises:
        UnknownNameError: There is no such column.
        UnsupportedTypeError: It is neither of whole numbers nor of timestamps.
        DataError: A time is null, beyond 64 bits, or earlier than the one before it.
    """
    parts: list[pa.Array] = []
    latest: int | None = None
    for batch in dataset.batches([time]):
        column = batch.data.column(time)
        if not (pa.types.is_integer(column.type) or pa.types.is_temporal(column.type)):
            raise UnsupportedTypeError(
                f'{dataset.name}: column "{time}" is of type {column.type}; expected whole numbers or timestamps, '
                "whose unit is that of intervals and delays: multiply and cast it"
            )
        _refuse_nulls(dataset, time, column, batch.first_row, "give each row a time, or leave it out")
        if pa.types.is_date32(column.type) or pa.types.is_time32(column.type):
            column = column.cast(pa.int32())
        try:
            parts.append(column.cast(pa.int64()))
        except pa.ArrowInvalid as error:
            raise DataError(f'{dataset.name}: column "{time}" holds a time beyond 64 bits: {error}') from error
        latest = _refuse_falls(dataset, time, parts[-1], batch.first_row, latest)
    return pa.concat_arrays(parts) if parts else pa.array([], pa.int64())


def check_lifetimes(dataset: Dataset, ttl: str) -> None:
    """Whether a column can say how long objects are true.

    Raises:
        UnknownNameError: There is no such column.
        UnsupportedTypeError: It holds no whole numbers.
    """
    found = dataset.column(ttl).type
    plain = found.value_type if pa.types.is_dictionary(found) else found
    if not pa.types.is_integer(plain):
        raise UnsupportedTypeError(
            f'{dataset.name}: column "{ttl}" is of type {found}; expected whole numbers, in the unit of the column of '
            "times: multiply and cast it"
        )


def lifetimes(dataset: Dataset, ttl: str) -> pa.Array:
    """How long the object of each request is true (uint64), as the request says; 0 where it says nothing.

    Raises:
        As `check_lifetimes`; DataError: One is negative.
    """
    check_lifetimes(dataset, ttl)
    parts: list[pa.Array] = []
    for batch in dataset.batches([ttl]):
        column = pc.fill_null(plain_array(batch.data.column(ttl)), 0)
        negative = pc.less(column, 0) if pa.types.is_signed_integer(column.type) else pa.array([False])
        if pc.any(negative).as_py():
            row = pc.index(negative, pa.scalar(True)).as_py()
            raise DataError(
                f'{dataset.name}: column "{ttl}" is {column[row].as_py()} in row {batch.first_row + row}; an object is '
                "true for at least 0; 0 or null where the request does not say for how long"
            )
        parts.append(column.cast(pa.uint64()))
    return pa.concat_arrays(parts) if parts else pa.array([], pa.uint64())


def _refuse_falls(dataset: Dataset, name: str, times: pa.Array, first_row: int, latest: int | None) -> int | None:
    """The last of the times, none of which is earlier than the one before; `latest` is that before the first."""
    if not len(times):
        return latest
    values = times.to_numpy()
    before = np.concatenate([values[:1] if latest is None else [latest], values[:-1]])
    falls = np.flatnonzero(values < before)
    if len(falls):
        at = int(falls[0])
        raise DataError(
            f'{dataset.name}: time goes backwards: column "{name}" is {before[at]} in row {first_row + at - 1} and '
            f"{values[at]} in row {first_row + at}; sort the trace by it, or name another column of times"
        )
    return int(values[-1])


def _refuse_nulls(dataset: Dataset, name: str, column: Any, first_row: int, wanted: str) -> None:
    if column.null_count:
        row = first_row + pc.index(column.is_null(), pa.scalar(True)).as_py()
        raise DataError(f'{dataset.name}: column "{name}" is null in row {row}; {wanted}')
