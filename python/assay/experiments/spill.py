"""Distinct keys beyond a limit of memory: written to disk in pieces by their hash, and joined piece by piece.

When the tables of a `KeyCounter` outgrow their limit, what they have counted becomes a *run*: the keys with
their counts, cut into pieces by the first bits of the keys' hashes, in one temporary Arrow file. At the end
the same piece of every run is counted together, so that the tables then hold one piece at a time. Counts
stay exact. The distinct keys themselves, with 8 to 16 bytes of counts each, are in memory when the last
piece is joined: strategies learn from all of them.

Cost: every run is written and read once. Source: Graefe 1993, "Query Evaluation Techniques for Large
Databases", section 4.2 (hash aggregation with overflow).
"""

from __future__ import annotations

import tempfile
import weakref
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.errors import ReadError

__all__ = ["FIRST", "PIECES", "Runs"]

FIRST = "first"  # the row in which a key stands first, counted from where its counter began
PIECES = 16
_BITS = 4


class Runs:
    """The runs of one key, in temporary files that go with the object."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._files: list[Path] = []
        self._others: list[tuple[Runs, int]] = []  # whose runs were taken over, and the rows before theirs

    def __bool__(self) -> bool:
        return bool(self._files) or any(other for other, _ in self._others)

    def add(self, table: pa.Table, width: int) -> None:
        """Writes a run.

        Args:
            table: The keys in the first `width` columns, then their counts and, as `FIRST`, where each stands first.
            width: How many columns the key has.

        Raises:
            ReadError: The disk of the temporary files is full, or cannot be written.
        """
        hashed = _core.hash_rows([table.column(index) for index in range(width)], "xxh3_64", seed=0)
        bits = np.asarray(hashed.fill_null(0)) >> np.uint64(64 - _BITS)
        order = np.argsort(bits, kind="stable")
        ends = np.searchsorted(bits[order], np.arange(PIECES, dtype=np.uint64), side="right")
        try:
            if self._folder is None:
                folder = tempfile.TemporaryDirectory(prefix="assay-keys-")
                self._folder = Path(folder.name)
                weakref.finalize(self, folder.cleanup)
            path = self._folder / f"{len(self._files)}.arrow"
            with pa.ipc.new_file(str(path), table.schema) as writer:
                for start, end in zip([0, *ends[:-1]], ends, strict=True):
                    piece = table.take(pa.array(order[start:end])).combine_chunks()
                    writer.write_batch(_one_batch(piece))
        except OSError as error:
            raise ReadError(
                f"distinct keys cannot be written to {tempfile.gettempdir()}: {error}; make room there, set TMPDIR to "
                "a larger disk, or raise memory_limit"
            ) from None
        self._files.append(path)

    def take_over(self, other: Runs, rows_before: int) -> None:
        """Adds the runs of another, whose rows follow after so many."""
        if other:
            self._others.append((other, rows_before))

    def pieces(self) -> Iterator[Iterator[pa.Table]]:
        """For each piece of the hashes, the keys of all runs."""
        for piece in range(PIECES):
            yield self._piece(piece)

    def _piece(self, piece: int) -> Iterator[pa.Table]:
        for path in self._files:
            with pa.ipc.open_file(pa.memory_map(str(path))) as reader:
                yield pa.Table.from_batches([reader.get_batch(piece)])
        for other, rows_before in self._others:
            for table in other._piece(piece):
                place = table.schema.get_field_index(FIRST)
                yield table.set_column(place, FIRST, pc.add(table.column(place), pa.scalar(rows_before, pa.uint64())))


def _one_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.to_batches()
    if not batches:
        return pa.RecordBatch.from_pylist([], schema=table.schema)
    [batch] = batches
    return batch
