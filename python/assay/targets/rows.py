"""The table's rows as a file for a target: CSV for COPY, or Parquet, in row order, with the partitions beside.

Cost: one scan, a batch in memory at a time. Text is quoted and null is an unquoted empty field, so that an empty
text and null stay apart; binary is hexadecimal after a backslash and x, as PostgreSQL reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.datasets.arrow_types import plain_array
from assay.errors import UnsupportedTypeError
from assay.experiments.partitioning.strategies import Learned
from assay.targets.layout import Layout

__all__ = ["write_csv", "write_parquet", "write_table"]


def write_csv(path: Path, layout: Layout, extra: Mapping[str, Learned]) -> None:
    """Writes all rows as CSV with a header.

    Args:
        path: The file.
        layout: The table.
        extra: Further columns: their names, and the level whose partition they hold.

    Raises:
        UnsupportedTypeError: A column of lists or structs, which CSV cannot hold.
    """
    from pyarrow import csv

    for column in layout.schema:
        if pa.types.is_nested(column.type):
            raise UnsupportedTypeError(
                f'column "{column.name}" is of type {column.type}, which CSV cannot hold; leave the rows out, and load '
                "them your own way"
            )
    options = csv.WriteOptions(include_header=True, quoting_style="all_valid")
    writer: Any = None
    schema: pa.Schema | None = None
    try:
        for batch in layout.batches(extra):
            columns = [_for_csv(column) for column in batch.columns]
            if writer is None:
                schema = pa.schema(list(zip(batch.schema.names, [column.type for column in columns], strict=True)))
                writer = csv.CSVWriter(str(path), schema, write_options=options)
            writer.write(pa.RecordBatch.from_arrays(columns, schema=schema))
    finally:
        if writer is not None:
            writer.close()


def write_parquet(path: Path, layout: Layout, extra: Mapping[str, Learned]) -> None:
    """Writes all rows as one Parquet file."""
    from pyarrow import parquet

    writer: Any = None
    try:
        for batch in layout.batches(extra):
            if writer is None:
                writer = parquet.ParquetWriter(str(path), batch.schema)
            writer.write_batch(batch)
    finally:
        if writer is not None:
            writer.close()


def write_table(path: Path, table: pa.Table) -> None:
    """Writes a small table, such as a mapping, as Parquet."""
    from pyarrow import parquet

    parquet.write_table(table, path)


def _for_csv(column: pa.Array) -> pa.Array:
    """The column as CSV can hold it."""
    types: Any = pa.types
    zone = getattr(column.type, "tz", None)
    plain = plain_array(column)
    kind = plain.type
    if types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
        return pa.array([None if value is None else f"\\x{value.hex()}" for value in plain.to_pylist()], pa.string())
    if types.is_float16(kind):
        return plain.cast(pa.float32())
    if types.is_null(kind) or types.is_duration(kind):
        return plain.cast(pa.int64()).cast(pa.string()) if types.is_duration(kind) else plain.cast(pa.string())
    if types.is_timestamp(kind) and zone is not None:
        return plain.cast(pa.timestamp(kind.unit, "UTC"))
    if types.is_decimal(kind):
        return plain.cast(pa.string())
    return plain
