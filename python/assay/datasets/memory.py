"""Tables in memory: anything that speaks the Arrow PyCapsule interface.

A table that is already in memory (pyarrow, polars, pandas) stays where it is. A stream (a record
batch reader, a DuckDB relation) may be larger than memory and can be read only once, so it is
spooled to an Arrow IPC file in a temporary directory. Other processes read such a file too.
Source: Apache Arrow, "The Arrow PyCapsule Interface".
"""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.ipc as ipc

from assay.datasets.batch import BATCH_ROWS, Batch, Span, reading, row_spans, unique_columns
from assay.errors import ReadError, UnsupportedTypeError

__all__ = ["TableReader", "is_arrow", "spool_path", "spool_stream", "spool_table", "to_table_or_stream"]

_directory: Path | None = None
_numbers = itertools.count()


class TableReader:
    """A pyarrow table in memory, read without a copy."""

    identity: str | None = None
    files: tuple[Path, ...] = ()

    def __init__(self, table: pa.Table, name: str) -> None:
        self.table = table.replace_schema_metadata(None)
        self.schema = unique_columns(self.table.schema, f"dataset {name}")
        self.rows: int | None = table.num_rows
        self.storage_bytes: int | None = table.nbytes

    def spans(self, target_rows: int) -> list[Span]:
        """Row ranges of `target_rows` rows, whatever the chunks."""
        return row_spans(self.table.num_rows, target_rows)

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The chosen columns of a row range, as slices of the table."""
        first_row, end = (0, self.table.num_rows) if span is None else span.token
        if not columns:  # a table without columns has no rows to cut, a batch without columns has
            blank = self.table.select(self.schema.names[:1])
            yield from (Batch(b.first_row, b.data.select([])) for b in _cut(blank, first_row, end))
        else:
            yield from _cut(self.table.select(list(columns)), first_row, end)


def _cut(table: pa.Table, first_row: int, end: int) -> Iterator[Batch]:
    for data in table.slice(first_row, end - first_row).to_batches(max_chunksize=BATCH_ROWS):
        if data.num_rows:
            yield Batch(first_row, data)
            first_row += data.num_rows


def is_arrow(source: object) -> bool:
    """Whether `source` speaks the Arrow PyCapsule interface, or becomes something that does by `collect`."""
    return (
        hasattr(source, "__arrow_c_stream__")
        or hasattr(source, "__arrow_c_array__")
        or (hasattr(source, "collect") and hasattr(source, "collect_schema"))
    )


def to_table_or_stream(source: Any) -> pa.Table | pa.RecordBatchReader:
    """A table for what is in memory, a reader for what is produced as it is read.

    Raises:
        UnsupportedTypeError: it is a single column, or cannot be exported to Arrow.
    """
    kind = f"{type(source).__module__}.{type(source).__qualname__}"
    if not (hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")):
        source = source.collect()  # a lazy frame: its result is a frame in memory
    try:
        if isinstance(source, pa.Table):
            return source
        if hasattr(source, "__arrow_c_array__"):
            return pa.Table.from_batches([pa.record_batch(source)])
        stream = pa.RecordBatchReader.from_stream(source)
        in_memory = kind.startswith(("polars.", "pandas."))
        return stream.read_all() if in_memory else stream
    except (pa.ArrowException, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise UnsupportedTypeError(
            f"{kind} is not a table: {reason}; expected columns with unique names, such as a pyarrow table, "
            "a data frame or a DuckDB relation"
        ) from error


def spool_table(table: pa.Table) -> Path:
    """`table` as an IPC file, cut evenly, for other processes to read; removed when this process ends."""
    even = table.unify_dictionaries()  # the file format has one dictionary per column
    return _spool(even.schema, even.to_batches(max_chunksize=BATCH_ROWS))


def spool_stream(stream: pa.RecordBatchReader, name: str) -> Path:
    """What `stream` yields as an IPC file, a batch at a time; dictionaries, which may change, become values."""
    schema = unique_columns(stream.schema, f"dataset {name}")
    plain = pa.schema(
        [pa.field(f.name, f.type.value_type if pa.types.is_dictionary(f.type) else f.type, f.nullable) for f in schema]
    )
    with reading(f"dataset {name}"):
        return _spool(plain, (data if schema == plain else data.cast(plain) for data in stream))


def spool_path(name: str) -> Path:
    """A place for a temporary file called about `name`, in a folder that is removed when this process ends."""
    folder = _spool_directory() / str(next(_numbers))
    folder.mkdir()
    return folder / (name.replace("/", "_") or "file")


def _spool(schema: pa.Schema, batches: Any) -> Path:
    path = spool_path("table.arrow")
    try:
        with reading(path), pa.OSFile(str(path), "wb") as sink, ipc.new_file(sink, schema) as writer:
            for data in batches:
                writer.write_batch(data)
    except ReadError as error:
        path.unlink(missing_ok=True)
        hint = f"tables are spooled under {path.parents[1]}, set TMPDIR to place them elsewhere"
        raise ReadError(f"{error}; {hint}") from error
    return path


def _spool_directory() -> Path:
    """This process's own directory, made at the first need and removed at exit by the process that made it."""
    global _directory
    if _directory is None:
        _directory = Path(tempfile.mkdtemp(prefix="assay-"))
        atexit.register(_remove, _directory, os.getpid())
    return _directory


def _remove(directory: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child inherits the hook, and must not act on it
        shutil.rmtree(directory, ignore_errors=True)
