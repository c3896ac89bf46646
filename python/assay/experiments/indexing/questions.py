"""Questions as an index is asked them, each with its right answer: lookups, lists, ranges, prefixes, the order.

A question has instances. `ask` puts instances first to beyond - 1 to an index in as few calls as its verbs allow, and
returns what the index said; `check` compares that with the rows that a scan finds, and raises where they differ.
Rows of equal keys come ascending from a lookup; in the greatest k the rows of equal keys may come in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import pyarrow as pa

from assay.errors import MeasurementError
from assay.experiments.distinct import numpy_of
from assay.experiments.indexing.keys import KeyRows
from assay.units import count_of

__all__ = ["InOrder", "Index", "Lists", "Lookups", "Question", "Ranges"]

Closed = Literal["both", "left", "right", "neither"]


class Index(Protocol):
    """What is asked of an index that has been built; see `assay.Index`."""

    def lookup(self, keys: Any, *, threads: int | None = None) -> pa.Array:
        """The rows of each key; a structure of the core is also told `apart`."""

    def range(
        self, low: Any = None, high: Any = None, *, closed: Closed = "both", limit: int | None = None,
        descending: bool = False,
    ) -> pa.Array:  # fmt: skip
        """The rows of the keys within bounds, in order."""

    def ranges(self, lows: Any, highs: Any, *, closed: Closed = "both", threads: int | None = None) -> pa.Array:
        """The rows of each of many ranges."""

    def insert(self, keys: Any, rows: pa.Array) -> int | None:
        """Adds pairs of key and row."""

    def delete(self, keys: Any, rows: pa.Array | None = None) -> int:
        """Removes pairs."""

    @property
    def memory_bytes(self) -> int:
        """What it takes."""

    @property
    def statistics(self) -> dict[str, float]:
        """What it counts."""


class Question(Protocol):
    """Instances of one question about one key."""

    def __len__(self) -> int:
        """How many instances there are."""

    def ask(self, index: Index, first: int, beyond: int, threads: int) -> Any:
        """What the index says of some of them."""

    def check(self, answer: Any, first: int, beyond: int) -> None:
        """Nothing if the answer is right.

        Raises:
            MeasurementError: It is not; the message names the first instance.
        """

    def rows(self, first: int, beyond: int) -> int:
        """How many rows the right answer has."""

    def operations(self, first: int, beyond: int) -> int:
        """As how many operations these instances count."""

    @property
    def per_operation(self) -> int:
        """How many instances are one operation."""


@dataclass(frozen=True)
class Lookups:
    """The rows of each key: instance i asks for `keys[i]`, which is number `numbers[i]` of the distinct ones, or -1."""

    key: KeyRows
    keys: Any
    numbers: np.ndarray
    per_operation: int = 1  # keys that count as one operation
    apart: bool = False  # keys of a call share no pass over rows, which is for structures of the core to be told

    def __len__(self) -> int:
        return len(self.numbers)

    def ask(self, index: Index, first: int, beyond: int, threads: int) -> Any:
        """One call."""
        told = {"apart": True} if self.apart else {}
        return index.lookup(self.keys.slice(first, beyond - first), threads=threads, **told)

    def check(self, answer: Any, first: int, beyond: int) -> None:
        """Each list has the key's rows, ascending."""
        wanted = [_rows_of(self.key, number) for number in self.numbers[first:beyond]]
        _check_lists(answer, wanted, lambda place: f"the rows of {_shown(self.keys, first + place)}")

    def rows(self, first: int, beyond: int) -> int:
        """The rows of all."""
        numbers = self.numbers[first:beyond]
        present = numbers[numbers >= 0]
        return int((self.key.starts[present + 1] - self.key.starts[present]).sum())

    def operations(self, first: int, beyond: int) -> int:
        """The keys, or groups of them."""
        return max(1, (beyond - first) // self.per_operation)


@dataclass(frozen=True)
class Lists:
    """The rows of each list of keys: instance i asks for keys offsets[i] to offsets[i + 1] - 1."""

    lookups: Lookups
    offsets: np.ndarray
    apart: bool = False  # lists of a call share no pass over rows, as of `Lookups`

    per_operation = 1

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def ask(self, index: Index, first: int, beyond: int, threads: int) -> Any:
        """One call."""
        ends = self.offsets[first : beyond + 1]
        told = {"apart": np.diff(ends)} if self.apart else {}
        return index.lookup(self.lookups.keys.slice(int(ends[0]), int(ends[-1] - ends[0])), threads=threads, **told)

    def check(self, answer: Any, first: int, beyond: int) -> None:
        """Each key of each list has its rows."""
        self.lookups.check(answer, int(self.offsets[first]), int(self.offsets[beyond]))

    def rows(self, first: int, beyond: int) -> int:
        """The rows of all."""
        return self.lookups.rows(int(self.offsets[first]), int(self.offsets[beyond]))

    def operations(self, first: int, beyond: int) -> int:
        """The lists."""
        return beyond - first


@dataclass(frozen=True)
class Ranges:
    """The rows within bounds: instance i finds the keys numbered first[i] to beyond[i] - 1.

    Bounds have all columns of the key, or its first ones: what begins with them is equal to them.
    """

    key: KeyRows
    lows: Any
    highs: Any
    first: np.ndarray
    beyond: np.ndarray
    closed: Closed = "both"

    per_operation = 1

    def __len__(self) -> int:
        return len(self.first)

    def ask(self, index: Index, first: int, beyond: int, threads: int) -> Any:
        """One call."""
        count = beyond - first
        return index.ranges(
            self.lows.slice(first, count), self.highs.slice(first, count), closed=self.closed, threads=threads
        )

    def check(self, answer: Any, first: int, beyond: int) -> None:
        """Each list has the rows of the keys within, by key and then by row."""
        wanted = [self._rows(place) for place in range(first, beyond)]
        _check_lists(answer, wanted, lambda place: f"the range from {_shown(self.lows, first + place)}")

    def _rows(self, place: int) -> np.ndarray:
        return self.key.rows_between(int(self.first[place]), int(self.beyond[place]))

    def rows(self, first: int, beyond: int) -> int:
        """The rows of all."""
        starts = self.key.starts
        return int((starts[self.beyond[first:beyond]] - starts[self.first[first:beyond]]).sum())

    def operations(self, first: int, beyond: int) -> int:
        """The ranges."""
        return beyond - first


@dataclass(frozen=True)
class InOrder:
    """All rows in the order of the key, or the first so many of them from one end; one instance.

    `by_row` says that a row counts as an operation, where all are asked for.
    """

    key: KeyRows
    limit: int | None = None
    descending: bool = False
    by_row: bool = False

    per_operation = 1

    def __len__(self) -> int:
        return 1

    def ask(self, index: Index, first: int, beyond: int, threads: int) -> Any:
        """One call."""
        return index.range(limit=self.limit, descending=self.descending)

    def check(self, answer: Any, first: int, beyond: int) -> None:
        """The keys come in order; where all are asked for, ascending, equal ones by row."""
        name = "all rows in order" if self.limit is None else f"the first {count_of(self.limit, 'row')} in order"
        if self.limit is None and not self.descending:
            _check_rows(answer, self.key.by_key, name)
            return
        found = _numbers(answer)
        wanted = self.key.numbers[self.key.by_key.astype(np.int64)]
        wanted = (wanted[::-1] if self.descending else wanted)[: self.limit]
        inside = found.astype(np.int64)[found < len(self.key)]
        if len(np.unique(inside)) != len(wanted) or not np.array_equal(self.key.numbers[inside], wanted):
            raise MeasurementError(f"{name}: among {_brief(found)} are other keys than a scan's, or a row comes twice")

    def rows(self, first: int, beyond: int) -> int:
        """The rows asked for."""
        return self.key.indexed if self.limit is None else min(self.limit, self.key.indexed)

    def operations(self, first: int, beyond: int) -> int:
        """One, or each row."""
        return max(1, self.rows(0, 1)) if self.by_row else 1


def _rows_of(key: KeyRows, number: int) -> np.ndarray:
    return key.rows_of(number) if number >= 0 else np.zeros(0, np.uint64)


def _shown(keys: Any, place: int) -> str:
    if isinstance(keys, pa.Table):
        return repr(tuple(column[place].as_py() for column in keys.columns))
    return repr(keys[place].as_py())


def _numbers(answer: Any) -> np.ndarray:
    """Row numbers as numpy has them; a chunked array too."""
    array = answer.combine_chunks() if isinstance(answer, pa.ChunkedArray) else answer
    return numpy_of(array).astype(np.uint64)


def _check_lists(answer: Any, wanted: Sequence[np.ndarray], name: Any) -> None:
    array = answer.combine_chunks() if isinstance(answer, pa.ChunkedArray) else answer
    if len(array) != len(wanted):
        raise MeasurementError(f"{len(wanted)} questions have {len(array)} answers")
    lengths = numpy_of(array.value_lengths().fill_null(0)).astype(np.int64)
    flat = _numbers(array.flatten())
    right = np.array([len(rows) for rows in wanted], np.int64)
    if np.array_equal(lengths, right) and np.array_equal(flat, np.concatenate([*wanted, np.zeros(0, np.uint64)])):
        return
    ends = np.cumsum(lengths)
    for place, rows in enumerate(wanted):
        _check_rows(flat[ends[place] - lengths[place] : ends[place]], rows, name(place))


def _check_rows(answer: Any, wanted: np.ndarray, name: str) -> None:
    found = answer if isinstance(answer, np.ndarray) else _numbers(answer)
    if not np.array_equal(found, wanted):
        raise MeasurementError(f"{name}: {_brief(found)}; a scan finds {_brief(wanted)}")


def _brief(rows: np.ndarray) -> str:
    shown = ", ".join(map(str, rows[:5].tolist()))
    return count_of(len(rows), "row") + (f" ({shown}{', ...' if len(rows) > 5 else ''})" if len(rows) else "")
