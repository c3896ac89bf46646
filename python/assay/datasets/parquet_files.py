"""Parquet, one file or many: row groups are the pieces, and the footers know every row's number.

Cost: the footers at opening; then one row group's chosen columns at a time.
Source: Apache Parquet format specification, file layout (row groups and footer metadata).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from assay.datasets.batch import BATCH_ROWS, Batch, Span, check_target_rows, reading, slices, unique_columns
from assay.errors import ReadError

__all__ = ["ParquetReader"]


@dataclass(frozen=True)
class _RowGroup:
    file: int
    group: int
    first_row: int
    rows: int


class ParquetReader:
    """Parquet files in the given order, read as one table. They must agree on columns and types."""

    def __init__(self, files: Sequence[Path], *, identity: str | None = None) -> None:
        self.identity = identity
        self.files = tuple(files)
        self.storage_bytes: int | None = 0
        self._groups: list[_RowGroup] = []
        schema: pa.Schema | None = None
        rows = 0
        for number, path in enumerate(self.files):
            with reading(path), pq.ParquetFile(path) as file:
                found = unique_columns(file.schema_arrow, path)
                schema = found if schema is None else _agree(schema, found, self.files[0], path)
                for group in range(file.metadata.num_row_groups):
                    count = file.metadata.row_group(group).num_rows
                    self._groups.append(_RowGroup(number, group, rows, count))
                    rows += count
                self.storage_bytes += path.stat().st_size
        assert schema is not None, "a reader needs at least one file"
        self.schema = schema.remove_metadata()
        self.rows: int | None = rows

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

    def batches(self, columns: Sequence[str], span: Span | None) -> Iterator[Batch]:
        """The chosen columns of the row groups of `span`, file by file."""
        token = _token(self._groups) if span is None else span.token
        first_row = 0 if span is None else span.first_row
        for number, first_group, end_group in token:
            path = self.files[number]
            groups = range(first_group, end_group)
            # Buffering ahead would fetch every row group asked for at once, and so hold the whole file.
            with reading(path), pq.ParquetFile(path, pre_buffer=False) as file:
                # A column named "a" would also choose the leaves of a column named "a.b", hence the select.
                for data in file.iter_batches(BATCH_ROWS, row_groups=groups, columns=list(columns)):
                    yield from slices(data.select(list(columns)).replace_schema_metadata(None), first_row)
                    first_row += data.num_rows


def _token(groups: Sequence[_RowGroup]) -> tuple[tuple[int, int, int], ...]:
    """(file, first row group, row group after the last) for each file that `groups` touch."""
    pieces: list[tuple[int, int, int]] = []
    for group in groups:
        if pieces and pieces[-1][0] == group.file:
            pieces[-1] = (group.file, pieces[-1][1], group.group + 1)
        else:
            pieces.append((group.file, group.group, group.group + 1))
    return tuple(pieces)


def _agree(schema: pa.Schema, found: pa.Schema, first: Path, path: Path) -> pa.Schema:
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
