"""Instances over cells: keys that no instance tells apart are one cell, and an instance is some runs of cells.

The instances of a log overlap: a day is asked by one, its week by another. The values that they
name cut each column into atoms (a value of a list, a stretch between two bounds); keys alike in all
atoms are one cell. Rows mark the partitions of cells, and an instance's are those of its cells
together.

Cost: a sort of the distinct keys; joining the marks of a run costs two lookups whatever its length,
after log2(longest run) passes over the marks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay import _core
from assay.errors import ParameterError
from assay.experiments.distinct import DistinctKeys, numpy_of
from assay.experiments.partitioning.asked import Values, Windows
from assay.experiments.partitioning.facts import NONE
from assay.experiments.partitioning.ranks import window_ranks

__all__ = ["Spans", "cells_of", "marks_width"]

_MOST_RUNS = 2**26  # pairs of an instance and a run of its cells
_BLOCK_BYTES = 2**26  # of marks held at once beside the matrix


@dataclass(frozen=True)
class Spans:
    """Runs of cells: run r belongs to instance `instances[r]` (ascending) and is cells low[r] to high[r] - 1."""

    instances: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def join(self, marks: np.ndarray, count: int) -> np.ndarray:
        """The marks of each instance, uint8 of shape (count, width): those of all its cells.

        Args:
            marks: Bits of each cell, uint8 of shape (cells, width).
            count: The number of instances.
        """
        width = marks.shape[1]
        found = np.zeros((count, width), np.uint8)
        if not len(self.instances):
            return found
        step = max(1, _BLOCK_BYTES // max(len(marks), len(self.instances), 1))
        starts = np.flatnonzero(np.diff(self.instances, prepend=-1))
        owners = self.instances[starts]
        for first in range(0, width, step):
            runs = self._joined(np.ascontiguousarray(marks[:, first : first + step]))
            found[owners, first : first + step] = np.bitwise_or.reduceat(runs, starts, axis=0)
        return found

    def _joined(self, marks: np.ndarray) -> np.ndarray:
        """The marks of each run. A run of length l is two overlapping ones of the greatest power of 2 up to l."""
        lengths = self.high - self.low
        level = np.frexp(lengths.astype(float))[1] - 1  # floor(log2)
        found = np.zeros((len(lengths), marks.shape[1]), np.uint8)
        table = marks
        for power in range(int(level.max()) + 1):
            if power:
                table = table[: -(1 << power - 1)] | table[1 << power - 1 :]
            here = np.flatnonzero(level == power)
            found[here] = table[self.low[here]] | table[self.high[here] - (1 << power)]
        return found

    def sums(self, numbers: np.ndarray, count: int) -> np.ndarray:
        """For each instance, the sum of one number per cell (uint64)."""
        whole = np.concatenate(([0], np.cumsum(numbers, dtype=np.uint64))).astype(np.uint64)
        found = np.zeros(count, np.uint64)
        np.add.at(found, self.instances, whole[self.high] - whole[self.low])
        return found


def marks_width(partitions: int) -> int:
    """The bits of a row of marks: whole bytes, so that rows can be joined."""
    return -(-partitions // 8) * 8


def cells_of(
    name: str,
    distinct: DistinctKeys,
    values: Mapping[str, Values],
    windows: Mapping[str, tuple[Windows, np.ndarray]],
    count: int,
) -> tuple[np.ndarray, int, Spans]:
    """The cell of each distinct key (or `NONE`), the number of cells, and the runs of each instance.

    Args:
        name: The query's name.
        distinct: The distinct values of its columns: first those of `values`, then those of `windows`.
        values: For each column that equals one of some values, these.
        windows: For each column within bounds, the windows and which of their greatest values lie outside.
        count: The number of instances.

    Raises:
        ParameterError: The instances ask for too many combinations of values.
    """
    columns = dict(zip(distinct.key, distinct.columns, strict=True))
    atoms: list[np.ndarray] = []  # for each column, the atom of each distinct key, -1 for none
    lists: list[tuple[Values, np.ndarray]] = []  # for each column of values, the atom of each value asked
    stretches: list[tuple[np.ndarray, np.ndarray]] = []  # for each column of windows, first atom and the one after it
    for column, asked in values.items():
        of_key, of_value = _list_atoms(columns[column], asked.values)
        atoms.append(of_key)
        lists.append((asked, of_value))
    for column, (window, is_open) in windows.items():
        of_key, low, high = _window_atoms(columns[column], window, is_open)
        atoms.append(of_key)
        stretches.append((low, high))
    usable = np.flatnonzero(np.all([one >= 0 for one in atoms], axis=0))
    rows = np.stack([one[usable] for one in atoms], axis=1) if len(usable) else np.zeros((0, len(atoms)), np.int64)
    unique, cell = np.unique(rows, axis=0, return_inverse=True)  # in the order of the columns: runs are neighbours
    of_cell = np.full(len(distinct), NONE, np.uint32)
    of_cell[usable] = cell.reshape(-1).astype(np.uint32)
    return of_cell, len(unique), _runs(name, unique, lists, stretches, count)


def _list_atoms(column: pa.Array, asked: pa.Array) -> tuple[np.ndarray, np.ndarray]:
    table = _core.KeyTable()
    of_value, _ = table.insert(asked.cast(column.type))
    found = table.find(column)
    of_key = np.where(numpy_of(found.is_null()), -1, numpy_of(found.fill_null(0)).astype(np.int64))
    of_key[numpy_of(column.is_null())] = -1
    return of_key, numpy_of(of_value).astype(np.int64)


def _window_atoms(column: pa.Array, window: Windows, is_open: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Keys between two neighbouring bounds are one atom; those outside every window are none."""
    order, low, high = window_ranks(column, window.first, window.last, is_open)
    some = low < high
    cuts = np.unique(np.concatenate([low[some], high[some]]))
    depth = np.zeros(len(cuts) + 1, np.int64)  # how many windows cover the stretch that begins at each cut
    np.add.at(depth, np.searchsorted(cuts, low[some]), 1)
    np.add.at(depth, np.searchsorted(cuts, high[some]), -1)
    covered = np.cumsum(depth) > 0
    stretch = np.searchsorted(cuts, np.arange(len(order)), "right") - 1
    inside = (stretch >= 0) & covered[np.maximum(stretch, 0)] if len(cuts) else np.zeros(len(order), bool)
    of_key = np.full(len(column), -1, np.int64)
    of_key[order[inside]] = stretch[inside]
    first = np.where(some, np.searchsorted(cuts, low), 0)
    after = np.where(some, np.searchsorted(cuts, high), 0)
    return of_key, first, after


def _runs(
    name: str,
    unique: np.ndarray,
    lists: Sequence[tuple[Values, np.ndarray]],
    stretches: Sequence[tuple[np.ndarray, np.ndarray]],
    count: int,
) -> Spans:
    instances = np.arange(count)
    prefix_of_cell = np.zeros(len(unique), np.int64)
    prefix = np.zeros(count, np.int64)
    for place, (asked, of_value) in enumerate(lists):
        lengths = asked.counts[instances]
        if int(lengths.sum()) > _MOST_RUNS:
            raise ParameterError(
                f"query {name}: its statements ask for more than {_MOST_RUNS:,} combinations of values; "
                "take a part of the log"
            )
        within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        taken = np.repeat(asked.offsets[:-1][instances], lengths) + within
        instances, prefix = np.repeat(instances, lengths), np.repeat(prefix, lengths)
        size = int(of_value.max(initial=0)) + 1
        codes = prefix_of_cell * size + unique[:, place]
        known, prefix_of_cell = np.unique(codes, return_inverse=True)
        prefix_of_cell = prefix_of_cell.reshape(-1)
        wanted = prefix * size + of_value[taken]
        at = np.minimum(np.searchsorted(known, wanted), max(len(known) - 1, 0))
        there = known[at] == wanted if len(known) else np.zeros(len(wanted), bool)
        instances, prefix = instances[there], at[there]
    if not stretches:
        low = np.searchsorted(prefix_of_cell, prefix, "left")
        high = np.searchsorted(prefix_of_cell, prefix, "right")
        return _spans(instances, low, high)
    first, after = stretches[0]
    column = unique[:, len(lists)]
    size = int(max(column.max(initial=0) + 1, after.max(initial=0))) + 1
    codes = prefix_of_cell * size + column
    low = np.searchsorted(codes, prefix * size + first[instances])
    high = np.searchsorted(codes, prefix * size + after[instances])
    spans = _spans(instances, low, high)
    return _filtered(name, spans, unique[:, len(lists) + 1 :], stretches[1:]) if len(stretches) > 1 else spans


def _spans(instances: np.ndarray, low: np.ndarray, high: np.ndarray) -> Spans:
    some = low < high
    order = np.argsort(instances[some], kind="stable")
    return Spans(instances[some][order], low[some][order], high[some][order])


def _filtered(name: str, spans: Spans, others: np.ndarray, stretches: Sequence[tuple[np.ndarray, np.ndarray]]) -> Spans:
    """Runs cut to the cells that lie within further windows too, cell by cell."""
    lengths = spans.high - spans.low
    if int(lengths.sum()) > _MOST_RUNS:
        raise ParameterError(
            f"query {name}: its windows over several columns meet more than {_MOST_RUNS:,} cells; "
            "take a part of the log"
        )
    within = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    cells = np.repeat(spans.low, lengths) + within
    instances = np.repeat(spans.instances, lengths)
    kept = np.ones(len(cells), bool)
    for place, (first, after) in enumerate(stretches):
        atom = others[cells, place]
        kept &= (first[instances] <= atom) & (atom < after[instances])
    return Spans(instances[kept], cells[kept], cells[kept] + 1)
