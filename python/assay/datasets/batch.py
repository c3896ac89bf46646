"""Pieces of a table: spans to share out, batches to read, and what a reader of a format must do.

A reader streams: it holds one batch (and, for Parquet, one row group's pages) at a time. Rows keep
their global number whatever the span, so that any split gives the same answers.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pyarrow as pa

from assay.datasets.stores import store_errors
from assay.errors import AssayError, ParameterError, ReadError

if TYPE_CHECKING:
    from assay.datasets.files import File

__all__ = [
    "BATCH_BYTES",
    "BATCH_ROWS",
    "Batch",
    "Reader",
    "Span",
    "check_target_rows",
    "reading",
    "row_spans",
    "slices",
    "unique_columns",
]

BATCH_ROWS = 262_144  # rows of a batch at most: 2 MiB of one int64 column; counting keys is no faster beyond
BATCH_BYTES = 16 * 1024 * 1024  # of a batch, about: where rows are wider than 64 bytes, fewer of them


@dataclass(frozen=True)
class Span:
    """A piece of a table in row order, small enough to be sent anywhere: it names rows, and holds none."""

    index: int
    first_row: int
    rows: int | None  # None where only a scan can tell
    token: Any  # what the format's reader needs to find the rows again; picklable


@dataclass(frozen=True)
class Batch:
    """Some rows, with the global number of the first one."""

    first_row: int
    data: pa.RecordBatch


class Reader(Protocol):
    """One open table of one format. It may be opened anew in another process from the same files."""

    schema: pa.Schema
    rows: int | None  # None where only a scan can tell
    storage_bytes: int | None  # as it lies in files or memory; None for what is made on the fly
    identity: str | None  # what the rows follow from, where that is known without reading them

    @property
    def files(self) -> tuple[File, ...]:
        """In row order; empty for what is not in files."""

    def spans(self, target_rows: int) -> list[Span]:
        """All rows as spans of at least one indivisible piece and about `target_rows` rows; never empty."""

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """`columns`, in that order, of the rows of `span` (None: all rows), in row order.

        Where `encoded`, texts may come as dictionaries if the file holds them so, whatever the schema says.
        """


@contextmanager
def reading(path: object) -> Iterator[None]:
    """Turns whatever the library of a file, or of the store it is in, raises into a ReadError that names the file."""
    try:
        if hasattr(path, "store"):
            with store_errors(str(path), content=True):
                yield
        else:
            yield
    except AssayError:
        raise
    except FileNotFoundError as error:
        raise ReadError(f"{path}: there is no such file; check the spelling") from error
    except (pa.ArrowException, OSError, zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        raise ReadError(
            f"{path} cannot be read: {reason}; expected a whole file of the format that its name says"
        ) from error


def unique_columns(schema: pa.Schema, source: object) -> pa.Schema:
    """`schema`, whose column names must differ.

    Raises:
        ReadError: two columns share a name, so that a name would not say which is meant.
    """
    names = schema.names
    if len(set(names)) != len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        shown = ", ".join(repr(name) for name in twice[:8])
        raise ReadError(f"{source}: column name {shown} appears more than once; rename so that each is unique")
    if not names:
        raise ReadError(f"{source} has no columns; expected at least one")
    return schema


def slices(data: pa.RecordBatch, first_row: int) -> Iterator[Batch]:
    """`data` as batches of at most BATCH_ROWS rows, without a copy; nothing for no rows."""
    for offset in range(0, data.num_rows, BATCH_ROWS):
        yield Batch(first_row + offset, data.slice(offset, BATCH_ROWS))


def row_spans(rows: int, target_rows: int) -> list[Span]:
    """Spans over rows that can be cut anywhere; the token is (first row, row after the last)."""
    check_target_rows(target_rows)
    starts = range(0, rows, target_rows) if rows else [0]
    return [
        Span(index, start, min(target_rows, rows - start), (start, min(start + target_rows, rows)))
        for index, start in enumerate(starts)
    ]


def check_target_rows(target_rows: int) -> None:
    """Raises ParameterError unless a span may hold `target_rows` rows."""
    if target_rows < 1:
        raise ParameterError(f"target_rows is {target_rows}; expected at least 1")
