"""Rows that come, go and change, in batches: as an index is told of them, and as they are taken back.

A batch of insertions has new rows, numbered from the table's end on, whose keys are drawn from the column: as many of
them new ones as the column has distinct keys for its rows, the others of rows that are there. A batch of deletions
takes rows of the table; a batch of updates gives rows of the table other keys, which for an index of that column is a
deletion and an insertion. Keys with a null part are left as they are: nothing that is named can equal them. Batches are
disjoint in their rows, those of one kind and those of another, so that all may be applied, in whatever order, and be
taken back in another; the only row of a table is an exception, which both an update and a deletion need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from assay.datasets.splitmix import draws, unit_interval
from assay.experiments.indexing.drawing import absent_keys
from assay.experiments.indexing.keys import KeyRows
from assay.experiments.indexing.questions import Index
from assay.experiments.membership.absent import shuffled

__all__ = ["AT_ONCE", "Applied", "Batch", "Change", "batches_of"]

Change = Literal["insert", "update", "delete"]

POOL = 128  # batches, at most: more than what caches hold, or writes would seem cheaper than they are
AT_ONCE = 32  # batches that are applied before they are taken back, at most: an index stays about as large as it is
_ROWS, _KEYS, _NEW = range(30, 33)  # streams of the seed


@dataclass(frozen=True)
class Batch:
    """Rows whose keys go, and rows whose keys come."""

    gone: Any | None  # keys, with `rows`
    come: Any | None
    rows: pa.Array

    def __len__(self) -> int:
        return len(self.rows)

    def first(self, rows: int) -> Batch:
        """So many of its rows, at most."""
        gone, come = (None if keys is None else keys.slice(0, rows) for keys in (self.gone, self.come))
        return Batch(gone, come, self.rows.slice(0, rows))

    def apply(self, index: Index) -> None:
        """Tells an index of it."""
        _tell(index, self.gone, self.come, self.rows)

    def take_back(self, index: Index) -> None:
        """Makes the index what it was."""
        _tell(index, self.come, self.gone, self.rows)


def _tell(index: Index, gone: Any | None, come: Any | None, rows: pa.Array) -> None:
    """Rows that have one key have another; of what updates by itself in one go."""
    update = getattr(index, "update", None)
    if update is not None and gone is not None and come is not None:
        update(gone, rows, come)
        return
    if gone is not None:
        index.delete(gone, rows)
    if come is not None:
        index.insert(come, rows)


def batches_of(change: Change, key: KeyRows, size: int, seed: int, pool: int = POOL) -> list[Batch]:
    """Batches of a kind, each of `size` rows or as many as there are; none if every key has a null part."""
    rows = key.spelled
    if not len(rows):
        return []
    most = max(1, len(rows) // 2)  # a half may be updated, the other deleted
    size = min(size, most)
    count = max(1, min(pool, most // size))
    wanted = size * count
    number = 1 + ("insert", "update", "delete").index(change)
    mixed = rows[shuffled(len(rows), seed, _ROWS)]
    there = mixed[-wanted:] if change == "delete" else mixed[:wanted]
    old = key.taken(there)
    if change == "delete":
        return [
            Batch(_part(old, one, size), None, _numbers(there[one * size : (one + 1) * size])) for one in range(count)
        ]
    new = _new_keys(key, wanted, seed + number)
    if change == "update":
        return [
            Batch(_part(old, one, size), _part(new, one, size), _numbers(there[one * size : (one + 1) * size]))
            for one in range(count)
        ]
    first = len(key)
    return [
        Batch(None, _part(new, one, size), _numbers(np.arange(first + one * size, first + (one + 1) * size)))
        for one in range(count)
    ]


def _numbers(rows: np.ndarray) -> pa.Array:
    return pa.array(rows.astype(np.uint64))


def _part(keys: Any, place: int, size: int) -> Any:
    part = keys.slice(place * size, size)
    return part.combine_chunks() if isinstance(part, pa.Table) else part


def _new_keys(key: KeyRows, count: int, seed: int) -> Any:
    """Keys for rows: of rows that are there, and as many new ones as the column's rows have."""
    there = key.spelled[_places(len(key.spelled), seed, _KEYS, count)]
    keys = key.taken(there)
    is_new = unit_interval(draws(seed, np.arange(count, dtype=np.uint64), stream=_NEW)) < key.distinct / key.indexed
    made = absent_keys(key, int(is_new.sum()), seed)
    if not len(made):
        return keys
    places = np.arange(count)
    fresh = np.flatnonzero(is_new)[: len(made)]
    places[fresh] = count + np.arange(len(fresh))
    if isinstance(keys, pa.Table):
        return pa.concat_tables([keys, made.cast(keys.schema)]).take(pa.array(places)).combine_chunks()
    return pa.concat_arrays([keys, made]).take(pa.array(places))


def _places(count: int, seed: int, stream: int, wanted: int) -> np.ndarray:
    shares = unit_interval(draws(seed, np.arange(wanted, dtype=np.uint64), stream=stream))
    return np.minimum((shares * count).astype(np.int64), count - 1)


class Applied:
    """Applies the batches of a pool one after another, and takes back what was applied.

    Where it has taken back it goes on behind the last batch if as many are left, as the same few keys again and again
    would be found in the caches; else it begins anew, so that new rows come by ascending number as they do in use.
    """

    def __init__(self, index: Index, batches: Sequence[Batch]) -> None:
        self._index = index
        self._batches = batches
        self._first = 0
        self._applied = 0

    def __call__(self) -> None:
        """The next batch; at most as many as there are before they are taken back."""
        assert not self.is_used_up, "a batch cannot be applied twice"
        self._batches[(self._first + self._applied) % len(self._batches)].apply(self._index)
        self._applied += 1

    @property
    def applied(self) -> int:
        """How many batches are."""
        return self._applied

    @property
    def is_used_up(self) -> bool:
        """Whether there is no batch left."""
        return self._applied == len(self._batches)

    @property
    def is_at_end(self) -> bool:
        """Whether to take back before the next batch: as many as may be are applied, or it is the first one again."""
        return self._applied >= AT_ONCE or self._first + self._applied >= len(self._batches)

    def undo(self) -> None:
        """Takes back all that were applied, the last one first."""
        count, behind = self._applied, self._first + self._applied
        while self._applied:
            self._applied -= 1
            self._batches[(self._first + self._applied) % len(self._batches)].take_back(self._index)
        self._first = behind if behind + count <= len(self._batches) else 0
