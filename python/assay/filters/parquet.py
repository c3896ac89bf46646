"""The Bloom filters that a Parquet file keeps, read as filters to be probed.

`pyarrow` reads the footer, which says where the filter of a column chunk lies and what the column's values are; the
filter itself, a short header of Thrift and the bitset of `split_block`, is read here. Cost: the footer, and the bytes
of the filter. Source: Apache Parquet, BloomFilter.md, LogicalTypes.md.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from assay import _core
from assay.checks import integer
from assay.errors import DataError, UnknownNameError, UnsupportedTypeError
from assay.filters.bloom import BloomFilter

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

__all__ = ["parquet_filters", "read_filter"]

_HEADER_BYTES_HIGH = 1024


def parquet_filters(source: Any, column: str) -> list[BloomFilter | None]:
    """The filters that a Parquet file keeps for a column, one for each row group, in order.

    Args:
        source: A path, or an open file that can seek, or a pyarrow buffer of the whole file.
        column: The column's name; a nested one by its path with dots, as `pyarrow.parquet` shows it.

    Returns:
        A `BloomFilter` for each row group; None where the file has no filter for it.

    Raises:
        DataError: There is no Parquet file, or it is damaged.
        UnknownNameError: There is no such column.
        UnsupportedTypeError: The column's type has no keys here (INT96, BOOLEAN), or the source is none of these.

    Source:
        Apache Parquet, BloomFilter.md.
    """
    with _opened(source) as (file, metadata):
        index = _column_index(metadata, column)
        chunks = [metadata.row_group(group).column(index) for group in range(metadata.num_row_groups)]
        return [
            None if chunk.bloom_filter_offset is None else BloomFilter._of(_read(file, metadata, index, chunk))
            for chunk in chunks
        ]


def read_filter(source: Any, column: str, row_group: int) -> _core.BloomFilter:
    """The filter of one column chunk; see `BloomFilter.from_parquet`."""
    with _opened(source) as (file, metadata):
        index = _column_index(metadata, column)
        count = metadata.num_row_groups
        row_group = integer("row_group", row_group, 0, count - 1, f"one of the file's {count} groups, counted from 0")
        chunk = metadata.row_group(row_group).column(index)
        if chunk.bloom_filter_offset is None:
            raise DataError(
                f"column {column} has no Bloom filter in row group {row_group}; write the file with one "
                f"(pyarrow: write_table(..., bloom_filter_options={{{column!r}: True}})), or build one from the column"
            )
        return _read(file, metadata, index, chunk)


@contextmanager
def _opened(source: Any) -> Iterator[tuple[pa.NativeFile, pq.FileMetaData]]:
    """The open file and its footer."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        if isinstance(source, (str, os.PathLike)):
            file = pa.OSFile(os.fspath(source))
        elif isinstance(source, pa.NativeFile):
            file = source
        elif isinstance(source, (pa.Buffer, bytes, memoryview)):
            file = pa.BufferReader(source)
        elif hasattr(source, "read") and hasattr(source, "seek"):
            file = pa.PythonFile(source, mode="r")
        else:
            raise UnsupportedTypeError(
                f"source is of type {type(source).__name__}; expected a path, an open file that can seek, or a "
                "pyarrow buffer of the whole file"
            )
    except OSError as error:
        raise DataError(f"{source} cannot be opened: {error}") from error
    except TypeError as error:
        raise UnsupportedTypeError(
            f"{source} cannot be read ({error}); open it in binary, such as by mode rb"
        ) from error
    try:
        try:
            metadata = pq.read_metadata(file)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{source} is no Parquet file: {error}") from error
        yield file, metadata
    finally:
        if file is not source:
            file.close()


def _column_index(metadata: pq.FileMetaData, column: str) -> int:
    paths = [metadata.schema.column(index).path for index in range(metadata.num_columns)]
    if column not in paths:
        raise UnknownNameError.of("column", str(column), paths)
    return paths.index(column)


def _read(
    file: pa.NativeFile, metadata: pq.FileMetaData, index: int, chunk: pq.ColumnChunkMetaData
) -> _core.BloomFilter:
    """The filter of a column chunk that has one. Nothing is read beyond the file, whatever its footer says."""
    import pyarrow as pa

    keys, as_integer = _key_type(metadata.schema.column(index))
    offset, size = chunk.bloom_filter_offset, file.size()
    assert offset is not None
    if not 0 <= offset < size:
        raise DataError(
            f"the Bloom filter of column {chunk.path_in_schema} is said to begin at byte {offset}, but the file has "
            f"{size}: it is damaged or cut off"
        )
    file.seek(offset)
    header_bytes, bitset_bytes = _core.parquet_filter_header(file.read(min(_HEADER_BYTES_HIGH, size - offset)))
    if offset + header_bytes + bitset_bytes > size:
        raise DataError(
            f"the Bloom filter of column {chunk.path_in_schema} is said to take {bitset_bytes} bytes from byte "
            f"{offset + header_bytes} on, but the file ends at {size}: it is damaged or cut off"
        )
    file.seek(offset + header_bytes)
    bitset = file.read(bitset_bytes)
    # A chunk's values count its nulls; where nothing is said of these, all count as keys.
    statistics = chunk.statistics if chunk.is_stats_set else None
    nulls = (statistics.null_count or 0) if statistics is not None and statistics.has_null_count else 0
    key_count = max(chunk.num_values - nulls, 0)
    return _core.BloomFilter.from_bitset(bitset, pa.array([], keys), as_integer=as_integer, key_count=key_count)


def _key_type(column: pq.ColumnSchema) -> tuple[pa.DataType, bool]:
    """The Arrow type whose PLAIN bytes are those of a column, and whether its decimals are integers."""
    import pyarrow as pa

    physical, length = column.physical_type, column.length
    logical = json.loads(column.logical_type.to_json())
    kind = logical.get("Type", "None")
    if kind == "Decimal":
        precision, scale = logical["precision"], logical["scale"]
        if physical == "INT32":
            return pa.decimal32(precision, scale), True
        if physical == "INT64":
            return pa.decimal64(precision, scale), True
        if physical == "FIXED_LEN_BYTE_ARRAY" and length == _decimal_bytes(precision):
            return (pa.decimal128 if precision <= 38 else pa.decimal256)(precision, scale), False
    elif physical == "INT32":
        if kind == "Int":
            return getattr(pa, f"{'' if logical['isSigned'] else 'u'}int{logical['bitWidth']}")(), False
        return {"Date": pa.date32(), "Time": pa.time32("ms")}.get(kind, pa.int32()), False
    elif physical == "INT64":
        if kind == "Int":
            return (pa.int64() if logical["isSigned"] else pa.uint64()), False
        if kind in ("Time", "Timestamp"):
            unit = {"milliseconds": "ms", "microseconds": "us", "nanoseconds": "ns"}[logical["timeUnit"]]
            return (pa.time64(unit) if kind == "Time" else pa.timestamp(unit)), False
        return pa.int64(), False
    elif physical == "FLOAT":
        return pa.float32(), False
    elif physical == "DOUBLE":
        return pa.float64(), False
    elif physical == "BYTE_ARRAY":
        return (pa.string() if kind in ("String", "Enum", "JSON") else pa.binary()), False
    elif physical == "FIXED_LEN_BYTE_ARRAY":
        return (pa.float16() if kind == "Float16" else pa.binary(length)), False
    raise UnsupportedTypeError(
        f"column {column.path} is of Parquet's type {physical} ({kind}), whose keys cannot be told; expected an "
        "integer, float, date, time, timestamp, decimal, text or binary"
    )


def _decimal_bytes(precision: int) -> int:
    """The fewest bytes of a signed integer that hold every decimal of so many digits."""
    return next(size for size in range(1, 33) if 2 ** (8 * size - 1) > 10**precision - 1)
