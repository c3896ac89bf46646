"""Parquet, one file or many: row groups are the pieces, and the footers know every row's number.

Columns that stand in folder names (`hive.py`) are added to each file's rows. Cost: the footers at
opening; then a batch of the chosen columns at a time, and their compressed pages, of which at most 1 MiB
per column are held where a row group is large. One column is decoded in one thread, since that costs
a sixth less than sharing it out (6 M rows of int64: 0.031 s against 0.037 s of processor time).
Source: Apache Parquet format specification, file layout (row groups and footer metadata).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from assay.datasets.batch import Batch, Span, check_target_rows, reading, slices, unique_columns
from assay.datasets.files import File, file_bytes, random_access, reads_ahead
from assay.datasets.hive import folder_columns
from assay.datasets.parquet_widths import Widths, wider
from assay.errors import ReadError

__all__ = ["ParquetReader"]

_BUFFER_BYTES = 1 << 20  # of compressed pages, for each column whose chunks are larger
_RUN_ROWS = 1_000_000


@dataclass(frozen=True)
class _RowGroup:
    file: int
    group: int
    first_row: int
    rows: int


class ParquetReader:
    """Parquet files in the given order, read as one table. They must agree on columns and types.

    Args:
        files: At least one.
        folders: The (name, value) pairs in each file's folders; None where there are none.
        types: Declared types of columns in folder names.
        identity: What the rows follow from, where that is known without reading them.
    """

    def __init__(
        self,
        files: Sequence[File],
        *,
        folders: Sequence[tuple[tuple[str, str], ...]] | None = None,
        types: Mapping[str, pa.DataType] | None = None,
        identity: str | None = None,
    ) -> None:
        self.identity = identity
        self.files: tuple[File, ...] = tuple(files)
        self.storage_bytes: int | None = 0
        self._groups: list[_RowGroup] = []
        self._widths = Widths()
        schema: pa.Schema | None = None
        rows = 0
        for number, path in enumerate(self.files):
            with reading(path), random_access(path) as source, pq.ParquetFile(source, pre_buffer=False) as file:
                found = unique_columns(file.schema_arrow, path)
                schema = found if schema is None else _agree(schema, found, self.files[0], path)
                self._widths.add(file.metadata, schema)
                for group in range(file.metadata.num_row_groups):
                    count = file.metadata.row_group(group).num_rows
                    self._groups.append(_RowGroup(number, group, rows, count))
                    rows += count
                self.storage_bytes += file_bytes(path)
        assert schema is not None, "a reader needs at least one file"
        self._own = frozenset(schema.names)
        in_folders = folder_columns(folders or [()] * len(self.files), self.files, schema, types or {})
        self._in_folders: dict[str, list[Any]] = {field.name: values for field, values in in_folders}
        self.folders = tuple(folders or ()) if in_folders else None  # as they decide what is read
        self.schema = pa.schema([*schema.remove_metadata(), *(field for field, _ in in_folders)])
        self.rows: int | None = rows

    @property
    def group_first_rows(self) -> tuple[int, ...]:
        """The number of the first row of each row group that has rows, across files."""
        return tuple(group.first_row for group in self._groups if group.rows)

    def spans(self, target_rows: int) -> list[Span]:
        """Runs of whole row groups, across files, that stay within `target_rows` where one group does."""
        check_target_rows(target_rows)
        runs: list[list[_RowGroup]] = []
        held = 0
        for group in self._groups:
            if not runs or held + group.rows > target_rows:
                runs.append([])
                held = 0
            runs[-1].append(group)
            held += group.rows
        return [
            Span(index, run[0].first_row, sum(group.rows for group in run), _token(run))
            for index, run in enumerate(runs)
        ] or [Span(0, 0, 0, ())]

    def files_of(self, span: Span | None) -> tuple[File, ...]:
        """The files that hold the rows of `span`."""
        return self.files if span is None else tuple(self.files[number] for number, _, _ in span.token)

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The chosen columns of the row groups of `span`, file by file."""
        token = _token(self._groups) if span is None else span.token
        first_row = 0 if span is None else span.first_row
        own = [name for name in columns if name in self._own]
        coded = self._widths.coded_columns(own) if encoded else []
        large = any(self._widths.chunk_bytes.get(name, 0) > _BUFFER_BYTES for name in own)
        width = 0.0  # bytes per row, of the widest batch so far: footers do not tell all
        longest = 0  # rows of a batch so far
        for number, first_group, end_group in token:
            path = self.files[number]
            ahead = reads_ahead(path)
            buffer_bytes = _BUFFER_BYTES if large and isinstance(path, Path) else 0
            with (
                reading(path),
                random_access(path) as source,
                pq.ParquetFile(source, pre_buffer=ahead, read_dictionary=coded, buffer_size=buffer_bytes) as file,
            ):
                for groups in self._runs(number, range(first_group, end_group), own, ahead):
                    rows = self._widths.batch_rows(own, width)
                    for data in file.iter_batches(rows, row_groups=groups, columns=own, use_threads=len(own) > 1):
                        longest = max(longest, data.num_rows)
                        width = wider(width, data, min(rows, longest))
                        yield from slices(self._chosen(data, columns, number), first_row)
                        first_row += data.num_rows

    def _runs(self, number: int, groups: range, own: Sequence[str], ahead: bool) -> list[range]:
        """`groups` of file `number` in runs that are read in one go.

        Fetching ahead holds all of a run, so it is one row group. Where widths vary, those of the first row
        group size the batches of the next run, and so on.
        """
        if ahead:
            return [range(group, group + 1) for group in groups]
        if self._widths.are_fixed(own):
            return [groups] if groups else []
        first = next((place for place, group in enumerate(self._groups) if group.file == number), 0)
        runs, start, rows = [], groups.start, 0
        for group in groups:
            rows += self._groups[first + group].rows
            if start == groups.start or rows >= _RUN_ROWS or group == groups.stop - 1:
                runs.append(range(start, group + 1))
                start, rows = group + 1, 0
        return runs

    def _chosen(self, data: pa.RecordBatch, columns: Sequence[str], number: int) -> pa.RecordBatch:
        """`columns` of the rows of `data` in file `number`, in that order.

        A column named "a" would also choose the leaves of a column named "a.b", hence the selection.
        """
        if not any(name in self._in_folders for name in columns):
            return data.select(list(columns)).replace_schema_metadata(None)
        arrays = [
            pa.repeat(self._in_folders[name][number], data.num_rows) if name in self._in_folders else data.column(name)
            for name in columns
        ]
        fields = [self.schema.field(name) if name in self._in_folders else data.schema.field(name) for name in columns]
        return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def _token(groups: Sequence[_RowGroup]) -> tuple[tuple[int, int, int], ...]:
    """(file, first row group, row group after the last) for each file that `groups` touch."""
    pieces: list[tuple[int, int, int]] = []
    for group in groups:
        if pieces and pieces[-1][0] == group.file:
            pieces[-1] = (group.file, pieces[-1][1], group.group + 1)
        else:
            pieces.append((group.file, group.group, group.group + 1))
    return tuple(pieces)


def _agree(schema: pa.Schema, found: pa.Schema, first: File, path: File) -> pa.Schema:
    """`schema`, which `found` must match by name and type in any order."""
    missing = [name for name in schema.names if name not in found.names]
    extra = [name for name in found.names if name not in schema.names]
    if missing or extra:
        what = f"lacks the column {missing[0]!r} of" if missing else f"has a column {extra[0]!r} that is not in"
        raise ReadError(f"{path} {what} {first}; files of one dataset must have the same columns")
    for field in schema:
        other = found.field(field.name).type
        if other != field.type:
            raise ReadError(
                f"column {field.name!r} is {other} in {path} and {field.type} in {first}; "
                "files of one dataset must have the same types"
            )
    return schema
