"""A key a line: the simplest trace, plain or compressed.

The column `key` holds each line as text, without its line feed or carriage return and otherwise as it is: no trimming,
no quotes, no header. A number is the text of its digits. Cost: 4 MiB of lines are split at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets.batch import Batch, Span, slices
from assay.datasets.files import File
from assay.datasets.line_blocks import LineBlock, LineReader, bad_line, line_blocks
from assay.errors import ReadError

__all__ = ["KeyLinesReader"]


class KeyLinesReader(LineReader):
    """Files with a key a line in the given order, read as one trace."""

    schema = pa.schema([pa.field("key", pa.string())])

    def check(self, path: File, block: LineBlock) -> None:
        """Raises ReadError if the lines are not of the format."""
        _keys(path, block)

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The keys of all lines."""
        row = 0
        for path in self.files:
            for block in line_blocks(path):
                keys = pa.RecordBatch.from_arrays([_keys(path, block)], schema=self.schema)
                yield from slices(keys.select(list(columns)), row)
                row += keys.num_rows


def _keys(path: File, block: LineBlock) -> pa.Array:
    """The lines as texts.

    Raises:
        ReadError: A line is empty, or no text in UTF-8.
    """
    data = block.data.removesuffix(b"\n")
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").removesuffix(b"\r")
    try:
        whole = pa.array([data.decode()])
    except UnicodeDecodeError as error:
        raise _bad_line(path, block, data.count(b"\n", 0, error.start), "it is no text in UTF-8") from error
    keys = pc.split_pattern(whole, "\n").flatten()
    empty = pc.equal(pc.binary_length(keys), 0)
    if pc.any(empty).as_py():
        raise _bad_line(path, block, pc.index(empty, True).as_py(), "it is empty")
    return keys


def _bad_line(path: File, block: LineBlock, number: int, problem: str) -> ReadError:
    return bad_line(path, block, number, problem, "expected a key on every line, in UTF-8")
