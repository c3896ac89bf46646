"""CSV, one file or many, plain, compressed, or inside a zip archive.

Fields have no boundaries that can be found from the middle, so a CSV table is one ordered reader
and one span; rows are numbered as they come, and their count is known only after a scan. Types are
learned from the first block (4 MiB) and must hold for the rest: where they do not, the error says
which column to declare. Cost: one block at a time.
Source: RFC 4180; a field that is empty and not quoted is null.
"""

from __future__ import annotations

import json
import re
import shlex
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv

from assay.datasets.batch import Batch, Span, check_target_rows, reading, slices, unique_columns
from assay.datasets.files import File, file_bytes, local_file, stream
from assay.errors import ReadError, UnknownNameError

__all__ = ["CsvReader"]

_BLOCK_BYTES = 4 * 1024 * 1024
_HEADER_BYTES = 64 * 1024  # read to see what separates the header's fields
_DELIMITERS = ",;\t|"
_LOCAL_HEADER_BYTES = 30  # of a zip member, before its name and extra field (APPNOTE.TXT, 4.3.7)
_NAME_LENGTHS = range(26, 30)  # where the two lengths stand in it
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"  # deflate, no name, no time (RFC 1952, 2.3)


class CsvReader:
    """CSV files in the given order, read as one table."""

    identity: str | None = None
    rows: int | None = None

    def __init__(
        self,
        files: Sequence[File],
        *,
        member: str | None = None,
        types: Mapping[str, pa.DataType] | None = None,
        null_values: Sequence[str] | None = None,
        delimiter: str | None = None,
    ) -> None:
        self.files: tuple[File, ...] = tuple(files)
        self._member = member
        self._null_values = ["", *(text for text in null_values or () if text != "")]
        self._delimiter_is_declared = delimiter is not None
        self._delimiter = delimiter or ("\t" if _is_tab_separated(self.files[0]) else ",")
        with reading(self.files[0]):
            self.storage_bytes: int | None = sum(map(file_bytes, self.files))
        self.schema = self._learn(dict(types or {}))

    def spans(self, target_rows: int) -> list[Span]:
        """One span: everything."""
        check_target_rows(target_rows)
        return [Span(0, 0, None, None)]

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The chosen columns of all rows; parsing the rest of each line is all that they cost."""
        # No column at all means "every column" to the parser: read the first one to count rows.
        wanted = list(columns) or self.schema.names[:1]
        types = {field.name: field.type for field in self.schema}
        first_row = 0
        for path in self.files:
            with reading(path), ExitStack() as stack:
                stream = self._open(path, types, wanted, stack)
                while (data := self._next(stream, path)) is not None:
                    yield from slices(data.select(list(columns)), first_row)
                    first_row += data.num_rows

    def _learn(self, declared: dict[str, pa.DataType]) -> pa.Schema:
        path = self.files[0]
        with reading(path), ExitStack() as stack:
            schema = self._open(path, declared, None, stack).schema
            try:
                found = unique_columns(schema, path)
            except UnicodeDecodeError as error:
                raise _not_utf8(path, "its header") from error
        if len(found) == 1 and not self._delimiter_is_declared and (other := self._delimiter_of_header(path)):
            raise _wrong_delimiter(path, self._delimiter, other)
        for name in declared:
            if name not in found.names:
                raise UnknownNameError.of("column", name, found.names, hint=f"declared in types of {path.name}")
        for field in found:
            if pa.types.is_binary(field.type) and field.name not in declared:
                raise _not_utf8(path, f"the column {json.dumps(field.name, ensure_ascii=False)}", field.name)
        # A column without a value in the first block says nothing about its type; text holds whatever follows.
        return pa.schema(
            [pa.field(field.name, pa.string() if pa.types.is_null(field.type) else field.type) for field in found]
        )

    def _open(
        self, path: File, types: Mapping[str, pa.DataType], columns: list[str] | None, stack: ExitStack
    ) -> pacsv.CSVStreamingReader:
        try:
            return pacsv.open_csv(
                _source(path, self._member, stack),
                read_options=pacsv.ReadOptions(block_size=_BLOCK_BYTES),
                parse_options=pacsv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
                convert_options=pacsv.ConvertOptions(
                    column_types=dict(types),
                    include_columns=columns,
                    null_values=self._null_values,
                    strings_can_be_null=True,
                    quoted_strings_can_be_null=False,
                ),
            )
        except pa.ArrowInvalid as error:
            raise self._explained(path, error) from error

    def _next(self, stream: pacsv.CSVStreamingReader, path: File) -> pa.RecordBatch | None:
        try:
            return stream.read_next_batch()
        except StopIteration:
            return None
        except pa.ArrowInvalid as error:
            raise self._explained(path, error) from error

    def _explained(self, path: File, error: pa.ArrowInvalid) -> ReadError:
        """The parser's message with the way out."""
        if "columns, got" in str(error) and (other := self._delimiter_of_header(path)):
            return _wrong_delimiter(path, self._delimiter, other)
        return _explain(path, error)

    def _delimiter_of_header(self, path: File) -> str | None:
        """What separates the fields of the header, where the delimiter that was assumed does not occur in it."""
        with ExitStack() as stack:
            head = bytes(_source(path, self._member, stack).read(_HEADER_BYTES))
        line = head.split(b"\n", 1)[0].decode("utf-8", "replace")
        if self._delimiter in line:
            return None
        return max((mark for mark in _DELIMITERS if mark in line), key=line.count, default=None)


def _source(path: File, member: str | None, stack: ExitStack) -> Any:
    """What the CSV parser reads from; closed with `stack`."""
    if path.suffix.lower() != ".zip":
        return stack.enter_context(stream(path))
    local = local_file(path)
    with zipfile.ZipFile(local) as archive:
        member_info = archive.getinfo(_member(archive, path, member))
    return stack.enter_context(_unzipped(local, member_info))


def _unzipped(path: Path, member: zipfile.ZipInfo) -> pa.NativeFile:
    """The member as a stream that needs no Python.

    Arrow reads ahead in threads of its own; a file object of Python's would be called from them even
    while the interpreter shuts down. A deflated member is a gzip file without its header and trailer;
    its compressed bytes are held in memory.
    """
    if member.flag_bits & 1:
        raise ReadError(f"{path}: the member {member.filename} is encrypted; expected a plain zip archive")
    with path.open("rb") as file:
        file.seek(member.header_offset + _NAME_LENGTHS.start)
        lengths = file.read(4)
        name_bytes, extra_bytes = int.from_bytes(lengths[:2], "little"), int.from_bytes(lengths[2:], "little")
        file.seek(member.header_offset + _LOCAL_HEADER_BYTES + name_bytes + extra_bytes)
        data = file.read(member.compress_size)
    if member.compress_type == zipfile.ZIP_STORED:
        return pa.BufferReader(data)
    if member.compress_type != zipfile.ZIP_DEFLATED:
        method = zipfile.compressor_names.get(member.compress_type, str(member.compress_type))  # type: ignore[attr-defined]
        raise ReadError(f"{path}: the member {member.filename} is compressed by {method}; expected deflate or none")
    trailer = member.CRC.to_bytes(4, "little") + (member.file_size & 0xFFFFFFFF).to_bytes(4, "little")
    return pa.CompressedInputStream(pa.BufferReader(_GZIP_HEADER + data + trailer), "gzip")


def _member(archive: zipfile.ZipFile, path: File, member: str | None) -> str:
    """The name of the one CSV member, or of the given one."""
    names = [info.filename for info in archive.infolist() if not info.is_dir() and "__MACOSX" not in info.filename]
    if member is not None:
        if member not in names:
            raise UnknownNameError.of(f"member of {path.name}", member, names)
        return member
    tables = [name for name in names if name.lower().endswith((".csv", ".tsv", ".txt"))]
    if len(tables) != 1:
        shown = ", ".join(tables[:8]) or "none"
        raise ReadError(
            f"{path} holds {len(tables)} CSV members ({shown}); expected one, or name it: {path.name}/MEMBER.csv"
        )
    return tables[0]


def _is_tab_separated(path: File) -> bool:
    return ".tsv" in (suffix.lower() for suffix in path.suffixes)


def _not_utf8(path: File, what: str, column: str | None = None) -> ReadError:
    way_out = f"convert the file, such as: iconv -f LATIN1 -t UTF-8 {shlex.quote(path.name)} > utf8.csv"
    if column is not None:
        way_out += f"; or declare bytes in a definition: types = {{ {json.dumps(column, ensure_ascii=False)} = "
        way_out += '"binary" }'
    return ReadError(f"{path} cannot be read as CSV: {what} holds text that is not UTF-8; {way_out}")


def _wrong_delimiter(path: File, assumed: str, found: str) -> ReadError:
    name = re.sub(r"[^A-Za-z0-9_]+", "_", path.name.split(".")[0])
    return ReadError(
        f"{path} cannot be read as CSV with {json.dumps(assumed)} between fields: its header has none, but "
        f"{json.dumps(found)}; write a definition beside it, such as {name}.toml with source = "
        f"{{ path = {json.dumps(path.name)} }} and delimiter = {json.dumps(found)}, and name that instead"
    )


def _explain(path: File, error: pa.ArrowInvalid) -> ReadError:
    """The parser's message with the way out."""
    reason = " ".join(str(error).split())
    if "invalid UTF8" in reason:
        return _not_utf8(path, f"a column ({reason})")
    if "conversion error" in reason:
        way_out = 'declare the column in a definition, such as types = { COLUMN = "string" }, or its null_values; '
        way_out += "times are read as 2024-12-31 23:59:59, numbers with a decimal point"
    elif "straddling" in reason:
        way_out = f"one line is longer than {_BLOCK_BYTES:,} bytes; expected shorter lines, or a quote is not closed"
    else:
        way_out = "expected comma-separated values in UTF-8, a header line first, as many fields on every line"
    return ReadError(f"{path} cannot be read as CSV: {reason}; {way_out}")
