"""What indexes are given, as the core takes it: columns of a key, bounds of a range, row numbers, sizes of lists."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from assay.errors import ParameterError, UnsupportedTypeError

__all__ = ["CLOSED", "bound_columns", "key_columns", "list_sizes", "row_numbers"]

_LONGEST_SHOWN = 80  # characters of a value in a message

# Which ends of a range belong to it.
CLOSED = {"both": (True, True), "left": (True, False), "right": (False, True), "neither": (False, False)}


def key_columns(keys: Any) -> list[Any]:
    """The columns of keys: a column, or each of a table's.

    Raises:
        UnsupportedTypeError: It is nothing that speaks Arrow.
        ParameterError: It is a table without columns.
    """
    if isinstance(keys, pa.RecordBatchReader):
        keys = keys.read_all()
    if isinstance(keys, pa.RecordBatch | pa.Table):
        found = [keys.column(place) for place in range(keys.num_columns)]
    elif isinstance(keys, pa.Array | pa.ChunkedArray):
        found = list(keys.flatten()) if pa.types.is_struct(keys.type) else [keys]
    else:
        found = _exported(keys)
    if not found:
        raise ParameterError("keys are a table without columns; expected at least one column")
    return found


def _exported(keys: Any) -> list[Any]:
    """The columns of what other packages export."""
    if hasattr(keys, "__arrow_c_stream__") and hasattr(keys, "columns"):
        return key_columns(pa.table(keys))
    if hasattr(keys, "__arrow_c_array__") or hasattr(keys, "__arrow_c_stream__"):
        return [keys]
    raise UnsupportedTypeError(
        f"keys are {type(keys).__name__}; expected an Arrow column or table (pyarrow, polars, pandas, DuckDB): wrap "
        "plain values as pyarrow.array(values)"
    )


def row_numbers(rows: Any) -> pa.Array:
    """Row numbers as the core takes them: uint64 in one piece.

    Raises:
        ParameterError: They are no whole numbers of 0 or more, or one is null.
    """
    wanted = "whole numbers of 0 or more, without nulls"
    try:
        found = rows if isinstance(rows, pa.Array | pa.ChunkedArray) else pa.array(rows)
        if isinstance(found, pa.ChunkedArray):
            found = found.combine_chunks()
            found = pa.concat_arrays(found.chunks) if isinstance(found, pa.ChunkedArray) else found
        if len(found) == 0:
            return pa.array([], pa.uint64())
        if found.null_count or not pa.types.is_integer(found.type):
            raise ParameterError(f"rows are of type {found.type} with {found.null_count} nulls; expected {wanted}")
        return found.cast(pa.uint64())
    except ParameterError:
        raise
    except (ValueError, TypeError, OverflowError) as error:  # Arrow's own are among them
        raise ParameterError(f"rows cannot be row numbers ({error}); expected {wanted}") from None


def list_sizes(apart: Any) -> pa.UInt64Array:
    """How many keys each list has.

    Raises:
        ParameterError: They are no whole numbers.
    """
    try:
        found = np.asarray(apart)
        if found.ndim == 1 and (not found.size or (found.dtype.kind in "iu" and found.min() >= 0)):
            return pa.array(found.astype(np.uint64))
    except (ValueError, TypeError):
        pass
    raise ParameterError(
        f"apart is {_brief(apart)}; expected True, False, or how many keys each list has, whole numbers of 0 and more"
    )


def bound_columns(value: Any, types: list[pa.DataType], name: str) -> list[pa.Array] | None:
    """A bound as columns of one row; None if there is none. A compound bound is a tuple of the first parts, or all.

    Raises:
        ParameterError: It has more parts than there are columns, or a part that is no value of its column's kind.
    """
    if value is None:
        return None
    parts = list(value) if isinstance(value, tuple | list) else [value]
    if not parts or len(parts) > len(types):
        raise ParameterError(
            f"{name} has {len(parts)} parts; the index has {len(types)} column{'s' * (len(types) != 1)}: give the "
            "first of them, or all"
        )
    return [_scalar(part, kind, name) for part, kind in zip(parts, types, strict=False)]


def _scalar(value: Any, kind: pa.DataType, name: str) -> pa.Array:
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if isinstance(value, pa.Scalar):
        return pa.repeat(value, 1)  # as it is: Python's own values are coarser, and end at the year 9999
    try:
        found = _typed(value, kind)
        if pa.types.is_timestamp(kind) and kind.tz is not None and pa.types.is_timestamp(found.type):
            found = found.cast(pa.timestamp(found.type.unit, kind.tz))  # one without a zone is taken for UTC
        if not pa.types.is_nested(found.type):
            return found
    except (ValueError, TypeError, OverflowError, NotImplementedError):  # Arrow's own are among them
        pass
    raise ParameterError(
        f"{name} is {_brief(value)}, which is no value of a column of type {kind}; pass a value of that type, or a "
        "pyarrow.scalar"
    )


def _typed(value: Any, kind: pa.DataType) -> pa.Array:
    """An array of a value; integers in a type of the column's family.

    Raises:
        ValueError: It cannot be of such, as a great integer that no float is. So do Arrow's own errors.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        return pa.array([value])
    if pa.types.is_floating(kind):
        if float(value) != value:
            raise ValueError
        return pa.array([float(value)])
    if pa.types.is_decimal(kind):
        from decimal import Decimal

        return pa.array([Decimal(value)])
    return pa.array([value], pa.uint64() if pa.types.is_integer(kind) and value >= 2**63 else None)


def _brief(value: Any) -> str:
    shown = " ".join(repr(value).split())
    return shown if len(shown) <= _LONGEST_SHOWN else f"{shown[:_LONGEST_SHOWN]}..."
