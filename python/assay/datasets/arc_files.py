"""ARC's traces (.lis): a line asks for a run of blocks, and each block is a request.

A line is `first_block number_of_blocks ignored request_number`; of its two to four whole numbers the first two count.
Columns: time, the number of the line from 0, and key, the block. A line of n blocks becomes n requests for consecutive
keys, as the paper counts them. Cost: numbers of a whole block of lines are parsed at once, about 50 ns a line.
Source: Megiddo, Modha 2003, "ARC: A Self-Tuning, Low Overhead Replacement Cache" (FAST), section 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.datasets.batch import BATCH_ROWS, Batch, Span, slices
from assay.datasets.files import File
from assay.datasets.line_blocks import LineBlock, LineReader, bad_line, line_blocks
from assay.errors import ReadError

__all__ = ["ArcReader"]

_Integers: TypeAlias = npt.NDArray[np.int64]
_MOST_BLOCKS = 1 << 20  # of one line; published traces have 512 at most
_MOST_DIGITS = 18  # of a number, so that it fits 64 bits whatever it is
_POWERS = 10 ** np.arange(_MOST_DIGITS + 1, dtype=np.int64)
_WAY_OUT = "expected a line such as '4711 8 0 1': first block, number of blocks, a number to ignore, request number"


class ArcReader(LineReader):
    """Files in ARC's format in the given order, read as one trace."""

    schema = pa.schema([pa.field("time", pa.int64()), pa.field("key", pa.uint64())])

    def check(self, path: File, block: LineBlock) -> None:
        """Raises ReadError if the lines are not of the format."""
        _numbers(path, block)

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The requests of all lines."""
        row, lines = 0, 0
        for path in self.files:
            for block in line_blocks(path):
                first, count = _numbers(path, block)
                for start, end in _pieces(count):
                    data = _expanded(first[start:end], count[start:end], lines + start)
                    yield from slices(data.select(list(columns)), row)
                    row += data.num_rows
                lines += len(first)


def _pieces(count: _Integers) -> Iterator[tuple[int, int]]:
    """Ranges of lines that have about BATCH_ROWS requests together."""
    ends = np.cumsum(count)
    start = 0
    while start < len(count):
        before = int(ends[start - 1]) if start else 0
        end = max(start + 1, int(np.searchsorted(ends, before + BATCH_ROWS, side="right")))
        yield start, end
        start = end


def _expanded(first: _Integers, count: _Integers, line: int) -> pa.RecordBatch:
    """A request for each block of each line; `line` is the number of the first one."""
    before = np.cumsum(count) - count
    key = np.arange(int(count.sum()), dtype=np.int64) + np.repeat(first - before, count)
    time = np.repeat(np.arange(line, line + len(first), dtype=np.int64), count)
    return pa.RecordBatch.from_arrays([pa.array(time), pa.array(key.astype(np.uint64))], names=["time", "key"])


def _numbers(path: File, block: LineBlock) -> tuple[_Integers, _Integers]:
    """The first block and the number of blocks of every line.

    Raises:
        ReadError: A line is not of this format; its number is told.
    """
    text = np.frombuffer(block.data if block.data.endswith(b"\n") else block.data + b"\n", np.uint8)
    digit = (text >= ord("0")) & (text <= ord("9"))
    feed = text == ord("\n")
    other = ~(digit | feed | (text == ord(" ")) | (text == ord("\t")) | (text == ord("\r")))
    line_of = np.cumsum(feed) - feed  # of each character, from 0 within the block
    if other.any():
        raise _bad_line(path, block, int(line_of[np.argmax(other)]), "it holds more than whole numbers")
    starts = np.flatnonzero(digit & ~np.concatenate([[False], digit[:-1]]))
    ends = np.flatnonzero(digit & ~np.concatenate([digit[1:], [False]])) + 1
    per_line = np.bincount(line_of[starts], minlength=int(line_of[-1]) + 1)
    wrong = (per_line < 2) | (per_line > 4)
    if wrong.any():
        at = int(np.argmax(wrong))
        raise _bad_line(path, block, at, f"it holds {int(per_line[at])} numbers")
    second = np.cumsum(per_line) - per_line + 1  # the token's number, for each line
    first, count = (_parsed(path, block, text, starts[tokens], ends[tokens]) for tokens in (second - 1, second))
    few = (count < 1) | (count > _MOST_BLOCKS)
    if few.any():
        at = int(np.argmax(few))
        raise _bad_line(path, block, at, f"it asks for {int(count[at]):,} blocks, not for 1 to {_MOST_BLOCKS:,}")
    return first, count


def _parsed(path: File, block: LineBlock, text: npt.NDArray[np.uint8], starts: _Integers, ends: _Integers) -> _Integers:
    """The values of one token of each line."""
    lengths = ends - starts
    if (lengths > _MOST_DIGITS).any():
        at = int(np.argmax(lengths > _MOST_DIGITS))
        raise _bad_line(path, block, at, f"a number of it has more than {_MOST_DIGITS} digits")
    values = np.zeros(len(starts), np.int64)
    for place in range(int(lengths.max(initial=0))):  # from the last digit on
        has = lengths > place
        values[has] += (text[ends[has] - 1 - place] - ord("0")).astype(np.int64) * _POWERS[place]
    return values


def _bad_line(path: File, block: LineBlock, number: int, problem: str) -> ReadError:
    return bad_line(path, block, number, problem, _WAY_OUT)
