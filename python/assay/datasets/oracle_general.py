"""libCacheSim's oracleGeneral: a record of 24 bytes a request, plain or compressed.

    offset  0  uint32  time, in seconds
            4  uint64  key
           12  uint32  size, in bytes
           16  int64   next_access: the number, from 1 (or from 0, as others write it), of the next request of
                              this key; -1 or 2^63 - 1 for none

All little-endian, without a header. Columns: time, key, size, and next_access, which is null where there is none.
Nothing in the file says what it is; what is checked is that it holds whole records and that every next access lies
ahead (below 2^48): text and other formats fail at their first records. Times may go backwards and sizes may be 0, as
they do in published traces. Cost: a plain file is cut anywhere, a compressed one read in order; 6 MiB at a time.
Source: libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h (layout only).
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from assay.datasets.batch import BATCH_ROWS, Batch, Span, check_target_rows, reading, row_spans
from assay.datasets.files import File, file_bytes, is_compressed, opened, stream
from assay.errors import ReadError

__all__ = ["RECORD", "OracleGeneralReader"]

RECORD = np.dtype([("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next_access", "<i8")])
_SCHEMA = pa.schema(
    [
        pa.field("time", pa.uint32()),
        pa.field("key", pa.uint64()),
        pa.field("size", pa.uint32()),
        pa.field("next_access", pa.int64()),
    ]
)
_NEVER = (-1, 2**63 - 1)
_FARTHEST = 2**48
_WAY_OUT = "expected records of 24 bytes: uint32 time, uint64 key, uint32 size, int64 next access, little-endian"


class _Bytes(Protocol):
    def read(self, count: int, /) -> bytes: ...


class OracleGeneralReader:
    """Files of oracleGeneral in the given order, read as one trace."""

    identity: str | None = None
    schema = _SCHEMA

    def __init__(self, files: Sequence[File]) -> None:
        self.files: tuple[File, ...] = tuple(files)
        sizes = []
        for path in self.files:
            with reading(path):
                sizes.append(file_bytes(path))
        self.storage_bytes: int | None = sum(sizes)
        self._in_order = any(map(is_compressed, self.files))
        self.rows: int | None = None
        self._starts: list[int] = []
        if not self._in_order:
            for path, size in zip(self.files, sizes, strict=True):
                _check_length(path, size)
            self._starts = [0, *accumulate(size // RECORD.itemsize for size in sizes)]
            self.rows = self._starts[-1]
        for path in self.files:  # what is no such file is refused at once
            with reading(path):
                next(self._records(path, 0, None))

    def spans(self, target_rows: int) -> list[Span]:
        """Row ranges of plain files, one span of compressed ones."""
        if self.rows is None:
            check_target_rows(target_rows)
            return [Span(0, 0, None, None)]
        return row_spans(self.rows, target_rows)

    def batches(self, columns: Sequence[str], span: Span | None, *, encoded: bool = False) -> Iterator[Batch]:
        """The chosen columns of a row range; whole records are read and checked."""
        if self.rows is None:
            first_row = 0
            for path in self.files:
                with reading(path):
                    for records in self._records(path, 0, None):
                        yield Batch(first_row, _batch(records, columns))
                        first_row += len(records)
            return
        start, end = (0, self.rows) if span is None else span.token
        number = max(0, bisect.bisect_right(self._starts, start) - 1)
        while start < end:
            first, last = self._starts[number], min(end, self._starts[number + 1])
            with reading(self.files[number]):
                for records in self._records(self.files[number], start - first, last - first):
                    yield Batch(start, _batch(records, columns))
                    start += len(records)
            number += 1

    def _records(self, path: File, start: int, end: int | None) -> Iterator[npt.NDArray[Any]]:
        """The records from `start` to `end` (None: all) of one file, checked, at most BATCH_ROWS at a time."""
        if is_compressed(path):
            with stream(path) as source:
                yield from _checked(path, source, 0, None)
        else:
            with opened(path) as source:
                source.seek(start * RECORD.itemsize)
                yield from _checked(path, source, start, end)


def _checked(path: File, source: _Bytes, start: int, end: int | None) -> Iterator[npt.NDArray[Any]]:
    done = start
    while end is None or done < end:
        wanted = BATCH_ROWS if end is None else min(BATCH_ROWS, end - done)
        data = _read(source, wanted * RECORD.itemsize)
        whole = len(data) // RECORD.itemsize
        if len(data) < wanted * RECORD.itemsize and (end is not None or len(data) % RECORD.itemsize):
            raise ReadError(
                f"{path} ends within record {done + whole + 1:,}, after {len(data) % RECORD.itemsize} of its "
                f"{RECORD.itemsize} bytes: it is truncated, or no oracleGeneral file; {_WAY_OUT}"
            )
        if not whole:
            if not done:
                raise ReadError(f"{path} is empty; expected at least one record")
            return
        records = np.frombuffer(data, RECORD, whole)
        _check_next_access(path, records, done)
        yield records
        done += whole


def _read(source: _Bytes, count: int) -> bytes:
    """`count` bytes, fewer only at the end: streams may give less at once."""
    data = source.read(count)
    while len(data) < count:
        more = source.read(count - len(data))
        if not more:
            break
        data += more
    return data


def _check_length(path: File, size: int) -> None:
    whole, rest = divmod(size, RECORD.itemsize)
    if rest:
        raise ReadError(
            f"{path} has {size:,} bytes, which are {whole:,} records of {RECORD.itemsize} bytes and {rest} bytes more: "
            f"it is truncated, or no oracleGeneral file; {_WAY_OUT}"
        )
    if not whole:
        raise ReadError(f"{path} is empty; expected at least one record")


def _check_next_access(path: File, records: npt.NDArray[Any], first: int) -> None:
    """Every next access lies ahead: what is read as one and does not is no oracleGeneral file."""
    following = records["next_access"]
    number = np.arange(first + 1, first + 1 + len(records))  # of each, from 1; from 0 that of the one after it
    wrong = ~_is_never(following) & ((following < number) | (following >= _FARTHEST))
    if wrong.any():
        at = int(np.argmax(wrong))
        raise ReadError(
            f"{path}, record {first + at + 1:,}: the next access of its key is request {int(following[at])}; expected "
            f"one after this request and below 2^48, or -1 for none: the file is damaged, or no oracleGeneral file; "
            f"{_WAY_OUT}"
        )


def _is_never(following: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    return np.asarray((following == _NEVER[0]) | (following == _NEVER[1]))


def _batch(records: npt.NDArray[Any], columns: Sequence[str]) -> pa.RecordBatch:
    arrays = []
    for name in columns or ["key"]:  # a batch without a column counts rows all the same
        values = np.ascontiguousarray(records[name])
        arrays.append(pa.array(values, mask=_is_never(values) if name == "next_access" else None))
    return pa.RecordBatch.from_arrays(arrays, names=list(columns) or ["key"]).select(list(columns))
