"""Arrow IPC, also called Feather: the file format can be cut anywhere, the stream format is read in order.

Cost: files on this machine are mapped into memory, so what is not compressed is read without a copy, and only
when touched. Source: Apache Arrow columnar format, "IPC File Format" and "IPC Streaming Format".
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.ipc as ipc

from assay.datasets.batch import Batch, Span, check_target_rows, reading, row_spans, slices, unique_columns
from assay.datasets.files import File, file_bytes, in_place, opened
from assay.errors import ReadError

__all__ = ["IpcFileReader", "IpcStreamReader", "open_ipc"]

_FILE_MAGIC = b"ARROW1"
_FEATHER_1_MAGIC = b"FEA1"


def open_ipc(files: Sequence[File]) -> IpcFileReader | IpcStreamReader:
    """The reader for the IPC format that the one file of `files` has.

    Raises:
        ReadError: there are several files, or the one is neither format.
    """
    path = files[0]
    if len(files) > 1:
        raise ReadError(f"{len(files)} Arrow IPC files were given ({path} first); expected one, or Parquet files")
    with reading(path), opened(path) as file:
        magic = file.read(6)
    if magic.startswith(_FEATHER_1_MAGIC):
        raise ReadError(f"{path} is Feather version 1, which Arrow left behind; write it again as Arrow IPC")
    return IpcFileReader(path) if magic == _FILE_MAGIC else IpcStreamReader(path)


class IpcFileReader:
    """One IPC file. Spans are row ranges, alike to those of a table in memory."""

    identity: str | None = None

    def __init__(self, path: File) -> None:
        self.files: tuple[File, ...] = (path,)
        with reading(path), in_place(path) as file:
            reader = ipc.open_file(file)
            self.schema = unique_columns(reader.schema, path).remove_metadata()
            self._starts = _starts(path, self.schema)
            self.storage_bytes: int | None = file_bytes(path)
        self.rows: int | None = self._starts[-1]

    def spans(self, target_rows: int) -> list[Span]:
        """Row ranges of `target_rows` rows."""
        assert self.rows is not None
        return row_spans(self.rows, target_rows)

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The chosen columns of a row range; other columns are not decompressed."""
        start, end = (0, self._starts[-1]) if span is None else span.token
        path = self.files[0]
        with reading(path), in_place(path) as file:
            reader = ipc.open_file(file, options=_options(self.schema, columns))
            number = max(0, bisect.bisect_right(self._starts, start) - 1)
            while number < reader.num_record_batches and self._starts[number] < end:
                first_row = max(start, self._starts[number])
                stop = min(end, self._starts[number + 1])
                data = reader.get_batch(number).select(list(columns)).replace_schema_metadata(None)
                yield from slices(data.slice(first_row - self._starts[number], stop - first_row), first_row)
                number += 1


class IpcStreamReader:
    """One IPC stream: like CSV, one ordered reader and one span."""

    identity: str | None = None
    rows: int | None = None

    def __init__(self, path: File) -> None:
        self.files: tuple[File, ...] = (path,)
        with reading(path), in_place(path) as file:
            self.schema = unique_columns(ipc.open_stream(file).schema, path).remove_metadata()
            self.storage_bytes: int | None = file_bytes(path)

    def spans(self, target_rows: int) -> list[Span]:
        """One span: everything."""
        check_target_rows(target_rows)
        return [Span(0, 0, None, None)]

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The chosen columns of all rows."""
        path = self.files[0]
        first_row = 0
        with reading(path), in_place(path) as file:
            for data in ipc.open_stream(file, options=_options(self.schema, columns)):
                chosen = data.select(list(columns)).replace_schema_metadata(None)
                yield from slices(chosen, first_row)
                first_row += data.num_rows


def _options(schema: pa.Schema, columns: Sequence[str]) -> ipc.IpcReadOptions:
    """Reads only `columns`; none at all means every one to Arrow, so the first stands in to count rows."""
    wanted = [schema.get_field_index(name) for name in columns] or [0]
    return ipc.IpcReadOptions(included_fields=wanted)


def _starts(path: File, schema: pa.Schema) -> list[int]:
    """The global number of each record batch's first row, and last the number of rows."""
    starts = [0]
    cheapest = [field.name for field in schema if pa.types.is_primitive(field.type)][:1]
    with in_place(path) as file:
        reader = ipc.open_file(file, options=_options(schema, cheapest))
        for number in range(reader.num_record_batches):
            starts.append(starts[-1] + reader.get_batch(number).num_rows)
    return starts
