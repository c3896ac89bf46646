"""What the scan of a table leaves: the columns of the keys, in the order of the rows; and the tables that vary them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from assay.datasets.arrow_types import plain_array
from assay.errors import EmptyInputError, ParameterError
from assay.experiments import packing
from assay.experiments.indexing.keys import KeyRows, plain_float
from assay.experiments.indexing.settings import Order
from assay.experiments.membership.absent import shuffled
from assay.units import count_of

__all__ = ["ColumnLog", "Columns"]

_T = TypeVar("_T")
_SHUFFLING = 1  # stream of the seed


class ColumnLog:
    """Batches of columns, collected in the order of the rows."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = tuple(names)
        self.parts: list[tuple[pa.Array, ...]] = []

    def add(self, data: pa.RecordBatch) -> None:
        """Appends a batch."""
        self.parts.append(tuple(plain_float(plain_array(data.column(name))) for name in self.names))

    def absorb(self, other: ColumnLog) -> None:
        """Appends what another has collected of the rows that follow."""
        self.parts += other.parts

    @property
    def table(self) -> pa.Table:
        """The columns, each of one chunk for every batch."""
        columns = [pa.chunked_array([part[place] for part in self.parts]) for place in range(len(self.names))]
        return pa.table(columns, names=list(self.names))

    def pack(self) -> bytes:
        """As bytes; a log without batches has no types, and no table."""
        return packing.pack({"names": self.names}, {"columns": self.table} if self.parts else {})

    @classmethod
    def unpack(cls, packed: bytes) -> ColumnLog:
        """What was packed."""
        head, tables = packing.unpack(packed)
        log = cls(head["names"])
        for batch in tables["columns"].to_batches() if tables else ():
            log.parts.append(tuple(batch.columns))
        return log


class Columns:
    """The columns of all keys; what is made of them is made once in a process."""

    def __init__(self, table: pa.Table) -> None:
        self.table = table
        self._made: dict[Any, Any] = {}
        self._lock = threading.RLock()

    @classmethod
    def of(cls, log: ColumnLog) -> Columns:
        """What was collected, one chunk for each column."""
        return cls(log.table.combine_chunks() if log.parts else pa.table({}))

    @property
    def rows(self) -> int:
        """Their number."""
        return int(self.table.num_rows)

    def once(self, name: Any, make: Callable[[], _T]) -> _T:
        """What `make` makes, made once in this process."""
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: _T = self._made[name]
        return made

    def pack(self) -> bytes:
        """As bytes."""
        return packing.pack({}, {"columns": self.table})

    @classmethod
    def unpack(cls, packed: bytes) -> Columns:
        """What was packed."""
        return cls(packing.unpack(packed)[1]["columns"].combine_chunks())

    def __reduce__(self) -> tuple[object, ...]:
        return Columns.unpack, (self.pack(),)

    def key(self, names: tuple[str, ...], rows: int | None, order: Order, duplicates: int | None, seed: int) -> KeyRows:
        """The key of these columns, of so many rows, ordered so, with so many rows of each key.

        Raises:
            EmptyInputError: No row has a key.
            ParameterError: There are fewer rows, or fewer distinct keys.
        """
        return self.once((names, rows, order, duplicates), lambda: self._varied(names, rows, order, duplicates, seed))

    def _varied(
        self, names: tuple[str, ...], rows: int | None, order: Order, duplicates: int | None, seed: int
    ) -> KeyRows:
        whole = KeyRows(names, tuple(_one_chunk(self.table.column(name)) for name in names))
        if rows is not None and rows > len(whole) and duplicates is None:
            raise ParameterError(f"rows is {rows:,}, and the table has {len(whole):,}; ask for fewer, or leave it out")
        if not whole.indexed:
            raise EmptyInputError(f"{whole.label} has no key that is not null; choose another")
        count = rows or len(whole)
        found = whole
        if duplicates is not None:
            wanted = -(-count // duplicates)
            first = np.sort(whole.distinct_rows)
            if wanted > len(first):
                raise ParameterError(
                    f"duplicates is {duplicates:,}, for which {count:,} rows need {wanted:,} distinct keys, and "
                    f"{whole.label} has {len(first):,}; ask for at least {-(-count // len(first)):,}, or fewer rows"
                )
            found = whole.in_order(first[np.arange(count) % wanted])
        elif count < len(whole):
            found = whole.in_order(np.arange(count))
        if not found.indexed:
            raise EmptyInputError(
                f"{whole.label} has no key that is not null in its first {count_of(count, 'row')}; ask for more"
            )
        if order == "shuffled":
            return found.in_order(shuffled(len(found), seed, _SHUFFLING))
        if order == "sorted":
            null = np.flatnonzero(found.numbers < 0)
            return found.in_order(np.concatenate((found.by_key.astype(np.int64), null)))
        return found


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    if isinstance(combined, pa.ChunkedArray):
        return combined.chunk(0) if combined.num_chunks else pa.array([], column.type)
    return combined
