"""The traces of Twitter's cache clusters: CSV without a header, plain or compressed.

A line is `timestamp,anonymized key,key size,value size,client id,operation,TTL`. Columns: time (seconds), key, size,
op, ttl (seconds; 0 where nothing is set), client, key_size and value_size; size is the sum of the two, which is what
an object takes. A line has exactly seven fields, so a key holds no comma; quotes are part of it. Times may go
backwards by a little, as they do in the published files. Cost: as CSV, 4 MiB at a time; only what is asked for is made.
Source: Yang, Yue, Rashmi 2020, "A large scale analysis of hundreds of in-memory cache clusters at Twitter" (OSDI), and
the format in its repository, twitter/cache-trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from assay.datasets.batch import Batch, Span, slices
from assay.datasets.files import File
from assay.datasets.line_blocks import BLOCK_BYTES, LineBlock, LineReader, bad_line, line_blocks
from assay.errors import ReadError

__all__ = ["OPERATIONS", "TwitterReader"]

OPERATIONS = ("get", "gets", "set", "add", "replace", "cas", "append", "prepend", "delete", "incr", "decr")
_FIELDS = {
    "time": pa.int64(),
    "key": pa.string(),
    "key_size": pa.uint32(),
    "value_size": pa.uint32(),
    "client": pa.string(),
    "op": pa.string(),
    "ttl": pa.uint64(),
}
_SCHEMA = pa.schema(
    [
        *(pa.field(name, _FIELDS[name]) for name in ("time", "key")),
        pa.field("size", pa.uint64()),
        *(pa.field(name, _FIELDS[name]) for name in ("op", "ttl", "client", "key_size", "value_size")),
    ]
)
_WAY_OUT = (
    "expected seven fields such as '0,yDqF:3q1AaJnrrJnAAaAA,27,6,1,get,0': timestamp, key, key size, value size, "
    "client, operation, TTL"
)


class TwitterReader(LineReader):
    """Files of one cluster in the given order, read as one trace."""

    schema = _SCHEMA

    def check(self, path: File, block: LineBlock) -> None:
        """Raises ReadError if the lines are not of the format."""
        _parsed(path, block, list(_FIELDS))

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The chosen columns of all lines."""
        sized = "size" in columns
        fields = [name for name in _FIELDS if name in columns or (sized and name in ("key_size", "value_size"))]
        row = 0
        for path in self.files:
            for block in line_blocks(path):
                table = _parsed(path, block, fields or ["op"])
                if sized:
                    total = pc.add(table["key_size"].cast(pa.uint64()), table["value_size"].cast(pa.uint64()))
                    table = table.append_column("size", total)
                for data in table.select(list(columns)).to_batches():
                    yield from slices(data, row)
                    row += data.num_rows


def _parsed(path: File, block: LineBlock, fields: list[str]) -> pa.Table:
    """These fields of the lines.

    Raises:
        ReadError: A line is not of this format; its number is told.
    """
    data = block.data
    if b"\r" in data:  # Arrow would end a line at a lone one
        data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
        if b"\r" in data:
            raise _located(path, block, "a carriage return stands within a line")
    try:
        table = pacsv.read_csv(
            pa.BufferReader(data),
            read_options=pacsv.ReadOptions(column_names=list(_FIELDS), block_size=BLOCK_BYTES),
            parse_options=pacsv.ParseOptions(quote_char=False, ignore_empty_lines=False),
            convert_options=pacsv.ConvertOptions(column_types=_FIELDS, include_columns=fields, null_values=[]),
        )
    except pa.ArrowInvalid as error:
        raise _located(path, block, " ".join(str(error).split())) from error
    if "op" in fields:
        known = pc.is_in(table["op"], value_set=pa.array(OPERATIONS))
        if not pc.all(known).as_py():
            raise _located(path, block, "an operation is not known")
    if "key" in fields and pc.any(pc.equal(pc.binary_length(table["key"]), 0)).as_py():
        raise _located(path, block, "a key is empty")
    return table


def _located(path: File, block: LineBlock, reason: str) -> ReadError:
    """The first line that is not of this format, found slowly."""
    for number, line in enumerate(block.data.removesuffix(b"\n").split(b"\n")):
        if problem := _problem(line):
            return bad_line(path, block, number, problem, _WAY_OUT)
    return ReadError(f"{path}, from line {block.first_line:,} on: {reason}; {_WAY_OUT}")


def _problem(line: bytes) -> str:
    try:
        whole = line.decode().removesuffix("\r")
    except UnicodeDecodeError:
        return "it is no text in UTF-8"
    if "\r" in whole:
        return "a carriage return stands within it"
    fields = whole.split(",")
    if len(fields) != len(_FIELDS):
        return f"it has {len(fields)} field" + ("" if len(fields) == 1 else "s")
    for (name, data_type), text in zip(_FIELDS.items(), fields, strict=True):
        if pa.types.is_integer(data_type):
            low, high = (0, 2**data_type.bit_width - 1) if name != "time" else (-(2**63), 2**63 - 1)
            digits = text.strip(" \t").removeprefix("-")  # blanks around a number do not matter
            if not (digits.isascii() and digits.isdigit()):
                return f"{name} is {text!r}, no whole number"
            if not low <= int(text) <= high:
                return f"{name} is {text}, not within {low} to {high}"
        elif name == "op" and text not in OPERATIONS:
            return f"the operation is {text!r}, none of {', '.join(OPERATIONS)}"
        elif not text:
            return f"{name} is empty"
    return ""
