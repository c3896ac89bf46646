"""A text file as blocks of whole lines, plain or compressed, in bounded memory.

What the line formats of traces share: one ordered reader, one span, and errors that name the line. Cost: a block of
4 MiB at a time; a line may be at most 1 MiB long, since one that is longer is no line of a trace.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assay.datasets.batch import Span, check_target_rows, reading
from assay.datasets.files import File, file_bytes, stream
from assay.errors import ReadError

__all__ = ["LineBlock", "LineReader", "bad_line", "line_blocks"]

BLOCK_BYTES = 4 * 1024 * 1024
LINE_BYTES = 1024 * 1024
_SHOWN_BYTES = 60


@dataclass(frozen=True)
class LineBlock:
    """Whole lines, each ended by a line feed; the last of a file may lack it."""

    data: bytes
    first_line: int  # counted from 1


class LineReader(ABC):
    """Files of one line format in the given order, read as one trace; what is no such file is refused at once."""

    identity: str | None = None
    rows: int | None = None

    def __init__(self, files: Sequence[File]) -> None:
        self.files: tuple[File, ...] = tuple(files)
        self.storage_bytes: int | None = 0
        for path in self.files:
            with reading(path):
                self.storage_bytes += file_bytes(path)
                self.check(path, next(line_blocks(path)))

    @abstractmethod
    def check(self, path: File, block: LineBlock) -> None:
        """Raises ReadError if the lines are not of the format."""

    def spans(self, target_rows: int) -> list[Span]:
        """One span: everything."""
        check_target_rows(target_rows)
        return [Span(0, 0, None, None)]


def line_blocks(path: File) -> Iterator[LineBlock]:
    """The lines of the file, about BLOCK_BYTES of them at a time.

    Raises:
        ReadError: It is empty, cannot be decompressed, or holds a line of more than LINE_BYTES.
    """
    with reading(path), stream(path) as source:
        line, rest = 1, b""
        while data := source.read(BLOCK_BYTES):
            end = data.rfind(b"\n") + 1
            if not end:
                rest += data
            else:
                block = rest + data[:end]
                yield LineBlock(block, line)
                line += block.count(b"\n")
                rest = data[end:]
            if len(rest) > LINE_BYTES:
                raise ReadError(
                    f"{path}, line {line:,}: it is longer than {LINE_BYTES:,} bytes; expected a text file with a "
                    "request a line"
                )
        if rest:
            yield LineBlock(rest, line)
        elif line == 1:
            raise ReadError(f"{path} is empty; expected a request a line")


def bad_line(path: File, block: LineBlock, number: int, problem: str, wanted: str) -> ReadError:
    """The error of a line that is not of its format; its number within the block is from 0."""
    line = block.data.split(b"\n")[number]
    return ReadError(f"{path}, line {block.first_line + number:,}: {_shown(line)}: {problem}; {wanted}")


def _shown(data: bytes) -> str:
    """A line as a message quotes it: without its end, and not too much of it."""
    text = data.rstrip(b"\r\n")
    return repr(text[:_SHOWN_BYTES].decode("utf-8", "replace")) + ("..." if len(text) > _SHOWN_BYTES else "")
