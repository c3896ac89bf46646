"""Instances of the queries that a dataset declares: what one execution of each would ask for.

point      each distinct value of its columns without a null part
in_list    consecutive chunks of the sorted distinct values
range      each aligned window [i·width, (i+1)·width) that some value falls into
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets import Query
from assay.errors import ParameterError, UnsupportedTypeError
from assay.experiments.distinct import DistinctKeys, numpy_of, total
from assay.experiments.partitioning.asked import Asked, Values, Windows
from assay.experiments.partitioning.cells import Spans
from assay.experiments.partitioning.facts import NONE

__all__ = ["Instances", "check_marks", "check_query", "instances_of"]

_MOST_MARKS = 2**32  # bits, 512 MiB: one for each instance and partition

_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


@dataclass(frozen=True)
class Instances:
    """The instances of one query on one table. Instance i finds the keys of the cells of its spans.

    Attributes:
        name: The query's name.
        count: Their number.
        of_key: The cell of each distinct key of the query's columns (uint32), or `NONE`.
        cells: The number of cells.
        asked: What each instance asks for.
        spans: The cells of each instance; None where instance i has cell i.
        frequencies: How often each is asked, uint64; None where all count alike.
    """

    name: str
    count: int
    of_key: np.ndarray
    cells: int
    asked: Asked
    spans: Spans | None = None
    frequencies: np.ndarray | None = None

    @property
    def weight(self) -> int:
        """The sum of the frequencies."""
        return self.count if self.frequencies is None else total(self.frequencies)

    def weighted(self, numbers: np.ndarray) -> int:
        """The sum of one number per instance, each times its frequency; exact."""
        if self.frequencies is None:
            return total(numbers)
        return sum(int(one) * int(often) for one, often in zip(numbers, self.frequencies, strict=True))


def check_query(query: Query, schema: pa.Schema) -> None:
    """Refuses a query that this table cannot be asked.

    Raises:
        UnsupportedTypeError: A range over a column that is neither a number nor a time.
        ParameterError: A width that is finer than the column, or of the wrong kind.
    """
    if query.kind == "range":
        _width(query, schema.field(query.columns[0]).type)


def instances_of(query: Query, distinct: DistinctKeys) -> Instances:
    """The instances of `query`, from the distinct values of its columns."""
    if query.kind == "range":
        return _windows(query, distinct)
    usable = np.flatnonzero(~distinct.has_null)
    of_key = np.full(len(distinct), NONE, np.uint32)
    if query.kind == "point":
        of_key[usable] = np.arange(len(usable), dtype=np.uint32)
        taken = pa.array(usable)
        columns = zip(query.columns, distinct.columns, strict=True)
        asked = Asked(len(usable), {name: Values.one_each(column.take(taken)) for name, column in columns})
        return Instances(query.name, len(usable), of_key, len(usable), asked)
    size = query.size or 1
    order = numpy_of(pc.sort_indices(distinct.columns[0].take(pa.array(usable))))
    of_key[usable[order]] = np.arange(len(usable), dtype=np.uint32) // np.uint32(size)
    count = -(-len(usable) // size)
    offsets = np.minimum(np.arange(count + 1, dtype=np.int64) * size, len(usable))
    values = Values(offsets, distinct.columns[0].take(pa.array(usable[order])))
    return Instances(query.name, count, of_key, count, Asked(count, {query.columns[0]: values}))


def check_marks(name: str, cells: int, partitions: int) -> None:
    """Refuses a query with more pairs of instance and partition than memory should hold.

    Raises:
        ParameterError: There are too many.
    """
    if cells * partitions > _MOST_MARKS:
        raise ParameterError(
            f"query {name}: {cells:,} instances on {partitions:,} partitions are "
            f"{cells * partitions:,} pairs to tell apart; expected at most {_MOST_MARKS:,}: "
            "compare fewer partitions, or leave the query out"
        )


def _width(query: Query, data_type: pa.DataType) -> int | float:
    """The width in the column's own unit.

    Raises:
        UnsupportedTypeError: The column is neither a number nor a time.
        ParameterError: The width is of the wrong kind, or finer than the column.
    """
    name = query.columns[0]
    types = pa.types
    if types.is_dictionary(data_type):
        data_type = data_type.value_type
    if types.is_timestamp(data_type) or types.is_time(data_type) or types.is_date(data_type):
        if query.width_ns is None:
            raise ParameterError(
                f'query {query.name}: width is {query.width!r}, but "{name}" is a time; expected a duration such as 1d'
            )
        unit = 86_400 * _NS["s"] if types.is_date(data_type) else _NS[data_type.unit]
        if query.width_ns % unit:
            raise ParameterError(
                f'query {query.name}: width is {query.width}, finer than or no multiple of the unit of "{name}" '
                f"({data_type}); expected a multiple"
            )
        return query.width_ns // unit
    if types.is_integer(data_type) or types.is_floating(data_type):
        if not isinstance(query.width, int | float):
            raise ParameterError(
                f'query {query.name}: width is {query.width!r}, but "{name}" is a number; expected a number'
            )
        if types.is_integer(data_type) and float(query.width) != int(query.width):
            raise ParameterError(
                f'query {query.name}: width is {query.width}, but "{name}" holds integers; expected a whole number'
            )
        return int(query.width) if types.is_integer(data_type) else float(query.width)
    raise UnsupportedTypeError(
        f'query {query.name}: column "{name}" is of type {data_type}; a range needs a number or a time; '
        "use point or in_list for other types"
    )


def _windows(query: Query, distinct: DistinctKeys) -> Instances:
    column = distinct.columns[0]
    width = _width(query, column.type)
    usable = np.flatnonzero(~distinct.is_null)
    of_key = np.full(len(distinct), NONE, np.uint32)
    values = column.take(pa.array(usable))
    if pa.types.is_floating(column.type):
        ticks = numpy_of(values).astype(np.float64)
        finite = np.isfinite(ticks)
        usable, ticks = usable[finite], ticks[finite]
        windows, index = np.unique(np.floor(ticks / width), return_inverse=True)
        first = pa.array(windows * width).cast(column.type)
        beyond = numpy_of(pa.array((windows + 1) * width).cast(column.type))
        last = pa.array(np.nextafter(beyond, beyond.dtype.type(-np.inf)), column.type)
    else:
        ticks, back = _ticks(values)
        windows, index = np.unique(ticks // width, return_inverse=True)
        first, last = back(windows * width), back((windows + 1) * width - 1)
    of_key[usable] = index.astype(np.uint32)
    asked = Asked(len(windows), windows={query.columns[0]: Windows(first, last)})
    return Instances(query.name, len(windows), of_key, len(windows), asked)


def _ticks(values: pa.Array) -> tuple[np.ndarray, Callable[[np.ndarray], pa.Array]]:
    """Integers and times as integers of any size, and the way back into the column's type: what is above its greatest
    value becomes that, what is below its least becomes null."""
    data_type = values.type
    if pa.types.is_date64(data_type):
        ticks = numpy_of(values.cast(pa.int64())) // 86_400_000
    elif pa.types.is_date32(data_type) or pa.types.is_time32(data_type):
        ticks = numpy_of(values.cast(pa.int32())).astype(np.int64)
    elif pa.types.is_integer(data_type):
        ticks = numpy_of(values)
    else:
        ticks = numpy_of(values.cast(pa.int64()))
    return ticks.astype(object), lambda exact: _back(exact, data_type)


def _back(exact: np.ndarray, data_type: pa.DataType) -> pa.Array:
    scale = 86_400_000 if pa.types.is_date64(data_type) else 1
    small = pa.types.is_date32(data_type) or pa.types.is_time32(data_type)
    storage = data_type if pa.types.is_integer(data_type) else pa.int32() if small else pa.int64()
    signed = pa.types.is_signed_integer(storage)
    bits = storage.bit_width
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    scaled = [int(value) * scale for value in exact]
    array = pa.array([min(value, most) if value >= least else None for value in scaled], storage)
    return array if storage == data_type else array.view(data_type)
