"""A dataset: columns of Arrow data with known facts, read batch by batch, in bounded memory.

It can be described to another process in a few hundred bytes, and read there span by span.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.datasets.batch import Batch, Reader, Span
from assay.datasets.csv_files import CsvReader
from assay.datasets.definition import Definition, ForeignKey
from assay.datasets.files import File, FileStamp
from assay.datasets.fingerprint import (
    FingerprintKind,
    check_checksum,
    content_fingerprint,
    file_fingerprint,
    files_digest,
    has_metadata,
    metadata_digest,
)
from assay.datasets.ipc_files import IpcFileReader
from assay.datasets.memory import TableReader, spool_table
from assay.datasets.parquet_files import ParquetReader
from assay.datasets.query import Query
from assay.datasets.readers import open_reader, reading_options
from assay.errors import ChecksumMismatchError, ReadError, SuiteError, UnknownNameError

__all__ = ["Dataset", "DatasetDescription"]


class Dataset:
    """One table: its declaration, its schema, and readers over it. Made by `open_dataset`.

    Attributes:
        name: What it is called in suites and reports.
        definition: What is declared about it.
        schema: The columns, without metadata.
        rows: Their number; None where only a scan can tell (CSV, IPC streams).
        foreign_keys: References to parents, each with its name.
        queries: Shapes of queries to measure.
        roles: Which column is the time, the weight and so on.
        storage_bytes: As it lies in files or memory; None for generators.
        fingerprint_kind: What the fingerprint is over: "file", "content", "generator" or "metadata".
    """

    def __init__(
        self,
        definition: Definition,
        reader: Reader,
        *,
        base: Path | None = None,
        fingerprint_kind: FingerprintKind | None = None,
        where: str | None = None,
        verify: bool = True,
    ) -> None:
        self.name = definition.name
        self.definition = definition
        self.base = base
        self.schema = reader.schema
        self.rows = reader.rows
        self.storage_bytes = reader.storage_bytes
        self.foreign_keys: tuple[ForeignKey, ...] = definition.references()
        self.queries: tuple[Query, ...] = definition.parsed_queries()
        self.roles: Mapping[str, str] = dict(definition.roles)
        self.fingerprint_kind: FingerprintKind = fingerprint_kind or _kind(reader)
        self._reader = reader
        self._digest: str | None = None
        self._fingerprint: str | None = None
        self._spooled: Path | None = None
        mistakes = _mistakes(definition, reader)
        if mistakes:
            raise SuiteError(where or self.name, mistakes)
        self._stamps = tuple(FileStamp.of(path) for path in reader.files)
        if verify and definition.checksum is not None:
            check_checksum(self.name, reader.files, definition.checksum, self._files_digest())

    def __reduce__(self) -> tuple[object, ...]:
        """A dataset travels to another process as its description, never as a table."""
        return DatasetDescription.open, (self.description(),)

    def __repr__(self) -> str:
        rows = "rows not counted" if self.rows is None else f"{self.rows:,} rows"
        return f"<Dataset {self.name}: {rows} x {len(self.schema)} columns>"

    @property
    def files(self) -> tuple[File, ...]:
        """The files that hold the rows, in row order; empty for generators and tables in memory."""
        return self._reader.files if self.fingerprint_kind != "content" else ()

    @property
    def row_groups(self) -> tuple[int, ...] | None:
        """The number of the first row of each row group of Parquet files, in row order; None for anything else."""
        return self._reader.group_first_rows if isinstance(self._reader, ParquetReader) else None

    def spans(self, *, target_rows: int = 1_000_000) -> list[Span]:
        """All rows in order, cut into pieces of about `target_rows` rows; at least one, which may be empty.

        Parquet is cut between row groups, IPC files, generators and tables in memory anywhere; CSV is one piece.
        """
        return self._reader.spans(target_rows)

    def batches(
        self, columns: Sequence[str] | None = None, span: Span | None = None, *, encoded: bool = False
    ) -> Iterator[Batch]:
        """Rows in order, a batch at a time, each with its first row's global number.

        Args:
            columns: Which ones, in that order; None means all, and none at all gives batches that only count rows.
            span: One of `spans`; None means all rows.
            encoded: Whether texts that Parquet holds as dictionaries may come so, whatever the schema says: reading
                and hashing them is several times faster.

        Raises:
            UnknownNameError: there is no such column; at once, not at the first batch.
            ReadError: the file is truncated or changes its types; when reading reaches the place.
            ChecksumMismatchError: a file is not the one that was opened; before the first batch or after the last.
        """
        names = self.schema.names if columns is None else [self.column(name).name for name in columns]
        return self._guarded(self._reader.batches(names, span, encoded=encoded), self._stamps_of(span))

    def table(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole table in memory; for small ones, such as parents."""
        names = self.schema.names if columns is None else list(columns)
        batches = [batch.data for batch in self.batches(names)]
        return pa.Table.from_batches(batches, schema=pa.schema([self.column(name) for name in names]))

    def column(self, name: str) -> pa.Field:
        """The field called `name`.

        Raises:
            UnknownNameError: there is none; the nearest name is offered.
        """
        if name not in self.schema.names:
            raise UnknownNameError.of(f"column of {self.name}", name, self.schema.names)
        return self.schema.field(name)

    def parent(self, foreign_key: ForeignKey) -> Dataset:
        """The dataset that `foreign_key` refers to.

        Raises:
            ReadError, UnknownNameError: there is no such parent.
            SuiteError: the parent lacks one of the key's columns.
        """
        from assay.datasets.opening import open_dataset

        try:
            parent = open_dataset(foreign_key.parent, base=self.base)
        except (ReadError, UnknownNameError) as problem:
            raise type(problem)(f"foreign key {foreign_key.name} of {self.name}: {problem}") from problem
        missing = [name for name in foreign_key.parent_columns if name not in parent.schema.names]
        if missing:
            error = UnknownNameError.of(f"column of {parent.name}", missing[0], parent.schema.names)
            raise SuiteError(self.name, [(f"foreign_keys.{foreign_key.name}.parent_columns", str(error))])
        return parent

    def fingerprint(self) -> str:
        """64 hex digits that differ where rows or types differ; computed once. See `fingerprint_kind`."""
        if self._fingerprint is None:
            self._fingerprint = self._compute_fingerprint()
        return self._fingerprint

    def description(self) -> DatasetDescription:
        """What another process needs to read the same rows; picklable.

        A table in memory is written to a temporary Arrow IPC file once; it lasts as long as this process.
        """
        if isinstance(self._reader, TableReader) and self._spooled is None:
            self._spooled = spool_table(self._reader.table)
        elif self.fingerprint_kind == "content" and self._spooled is None:
            spooled = self._reader.files[0]
            assert isinstance(spooled, Path)
            self._spooled = spooled
        return DatasetDescription(
            definition=self.definition,
            base=None if self.base is None else str(self.base),
            stamps=self._stamps,
            spooled=None if self._spooled is None else str(self._spooled),
            fingerprint=self._fingerprint,
        )

    def _stamps_of(self, span: Span | None) -> tuple[FileStamp, ...]:
        """The stamps of the files that `span` reads; asking a store for all of many files would take too long."""
        if span is None or not isinstance(self._reader, ParquetReader):
            return self._stamps
        by_file = dict(zip(self._reader.files, self._stamps, strict=True))
        return tuple(by_file[file] for file in self._reader.files_of(span))

    def _guarded(self, batches: Iterator[Batch], stamps: Sequence[FileStamp]) -> Iterator[Batch]:
        """`batches` of files that stay what they were: numbers from two versions of a table would be wrong silently."""
        self._check_unchanged(stamps)
        try:
            yield from batches
        except ReadError:
            self._check_unchanged(stamps)  # the better reason, if it is one
            raise
        self._check_unchanged(stamps)

    def _check_unchanged(self, stamps: Sequence[FileStamp]) -> None:
        wanted = {stamp.path for stamp in stamps}
        found = {FileStamp.of(file) for file in self._reader.files if str(file) in wanted}
        changed = {stamp.path for stamp in set(stamps) ^ found}
        if changed:
            raise ChecksumMismatchError(
                f"dataset {self.name}: {min(changed)} has changed since it was opened; "
                "leave the files alone during a run, and start again"
            )

    def _files_digest(self) -> str:
        if self._digest is None:
            self._digest = files_digest(self._reader.files)
        return self._digest

    def _compute_fingerprint(self) -> str:
        if self.fingerprint_kind == "content":
            return content_fingerprint(self._reader)
        if self._reader.identity is not None:
            return file_fingerprint(self._reader.identity, {"generator": True})
        if self.fingerprint_kind == "metadata":
            digest = metadata_digest(self._reader.files, footers=isinstance(self._reader, ParquetReader))
        else:
            digest = self._files_digest()
        return file_fingerprint(digest, self._options())

    def _options(self) -> dict[str, Any]:
        """What decides, beside the bytes, which rows are read."""
        options = reading_options(self.definition)
        if isinstance(self._reader, ParquetReader) and self._reader.folders:
            options["folders"] = self._reader.folders
        return options


@dataclass(frozen=True)
class DatasetDescription:
    """How to open a dataset again, in this process or another one on the same machine."""

    definition: Definition
    base: str | None
    stamps: tuple[FileStamp, ...]
    spooled: str | None
    fingerprint: str | None  # if it is known already

    def open(self) -> Dataset:
        """The dataset, over the same bytes.

        Raises:
            ChecksumMismatchError: a file has changed since the dataset was described, or its generator.
        """
        base = None if self.base is None else Path(self.base)
        if self.spooled is not None:
            reader: Reader = IpcFileReader(Path(self.spooled))
        else:
            reader = open_reader(self.definition, base)
        dataset = Dataset(
            self.definition,
            reader,
            base=base,
            fingerprint_kind="content" if self.spooled else None,
            verify=False,
        )
        if reader.identity is not None:  # made anew where it is opened, perhaps on another machine
            if self.fingerprint not in (None, dataset.fingerprint()):
                raise ChecksumMismatchError(
                    f"dataset {self.definition.name} is made by another version of its generator here; "
                    "install the same versions on all machines"
                )
        elif self.spooled is None:
            dataset._check_unchanged(self.stamps)
        dataset._fingerprint = self.fingerprint
        return dataset


def _kind(reader: Reader) -> FingerprintKind:
    if reader.identity is not None:
        return "generator"
    if has_metadata(reader.files):
        return "metadata"
    return "file" if reader.files else "content"


def _mistakes(definition: Definition, reader: Reader) -> list[tuple[str, str]]:
    """Every place where the declaration does not fit the table."""
    named: list[tuple[str, str]] = [(f"roles.{role}", column) for role, column in definition.roles.items()]
    for key in definition.references():
        named += [(f"foreign_keys.{key.name}.columns", column) for column in key.columns]
    mistakes: list[tuple[str, str]] = []
    for query in definition.parsed_queries():
        named += [(f"queries.{query.name}", column) for column in query.needed]
    for place, column in named:
        if column not in reader.schema.names:
            mistakes.append((place, str(UnknownNameError.of("column", column, reader.schema.names))))
    if not isinstance(reader, CsvReader):
        mistakes += [
            (option, "is for CSV; this table brings its own types, so leave it out")
            for option in ("types", "null_values", "delimiter")
            if getattr(definition, option)
            and not (option == "types" and isinstance(reader, ParquetReader) and reader.folders)
        ]
    if definition.checksum is not None and (reader.identity is not None or not reader.files):
        mistakes.append(("checksum", "is for files; a generator's rows follow from its spelling, so leave it out"))
    return mistakes
