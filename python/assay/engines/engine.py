"""What every engine answers: the verbs of `assay.Index` and some more, over a table that the engine holds.

    with open_engine("sqlite(layout=covering)") as engine:
        engine.fill(table, "tailnum", payload="distance")     # → bytes on disk
        engine.lookup(keys)                                   # → LargeList<uint64>, rows of each key ascending
        engine.range("N1", "N2", closed="left")               # → UInt64Array in key order, equal keys by row
        engine.insert(keys, rows); engine.delete(keys, rows)

The table has three things for each row: its number, its key (one column or several, in order) and a payload, which
is no part of any key. A row whose key is null (all parts of it) is left out; a null part of a compound key comes after
all values, and who asks for one gets null, as null equals nothing: all as in `assay.Index`. Row numbers are unique and
below 2^63.

This module checks what comes in, brings it into the forms of `ordered.py`, leaves nulls out, accounts for
conversions and written bytes, and builds the answers; an engine's own file has what is particular to it.
"""

from __future__ import annotations

import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Literal, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.catalogue import Contender
from assay.engines.folder import EngineFolder, WriteCounter
from assay.engines.ordered import KeyPart, columns_of, key_part, probes_of, scalars_of
from assay.errors import ParameterError, UnknownNameError, UnsupportedTypeError, UsageError

__all__ = ["Bounds", "Closed", "Engine"]

Closed = Literal["both", "left", "right", "neither"]
CLOSED = ("both", "left", "right", "neither")
_ROWS_BELOW = 1 << 63


@dataclass(frozen=True)
class Bounds:
    """A range: each bound is a value in its form for each part that it names, or None."""

    low: tuple[Any, ...] | None = None
    high: tuple[Any, ...] | None = None
    low_closed: bool = True
    high_closed: bool = True


class Engine(ABC):
    """An embedded engine with one table in a temporary folder; closing it removes what it made.

    Attributes:
        conversion_ns: Nanoseconds spent so far on bringing Arrow into the engine's form and back, in Python; a
            caller that times a verb may state them apart.
        threads: How many threads the engine may use; only DuckDB and RocksDB's background work heed it.
    """

    contender: ClassVar[Contender]

    def __init__(self, parameters: Mapping[str, Any], *, threads: int = 1, folder: Path | None = None) -> None:
        """As `open_engine`, which checks the parameters."""
        defaults = {one.name: one.default for one in self.contender.parameters}
        self.parameters: dict[str, Any] = {**defaults, **parameters}
        self.threads = threads
        self.conversion_ns = 0
        self.parts: tuple[KeyPart, ...] = ()
        self.payload_type: pa.DataType = pa.int64()
        self.rows = 0
        self._written = 0
        self._is_closed = False
        self._folder = EngineFolder(folder)
        try:
            self._counter = WriteCounter(self._folder.files)
            self._open(self._folder.files)
        except BaseException:
            self._folder.remove()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the engine and removes its files; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            try:
                self._close()
            finally:
                self._folder.remove()

    # What is known of it.

    @property
    def spelling(self) -> str:
        """As it would be spelled, with the parameters that are not the default."""
        default = {one.name: one.default for one in self.contender.parameters}
        given = [f"{name}={value}" for name, value in self.parameters.items() if value != default[name]]
        return f"{self.contender.name}({', '.join(given)})" if given else self.contender.name

    @property
    @abstractmethod
    def version(self) -> str:
        """The library's name and version, such as "SQLite 3.40.1"."""

    @property
    @abstractmethod
    def settings(self) -> Mapping[str, str]:
        """What was set apart from the engine's defaults, durability among it, as the engine calls it."""

    @property
    def size_bytes(self) -> int:
        """The engine's files together, logs included; `settle` first for what lasts."""
        return self._folder.size_bytes()

    @property
    def bytes_written(self) -> int | None:
        """What this process wrote during the engine's verbs so far; None where the system does not tell.

        Threads of this process that write meanwhile are counted too.
        """
        return None if self._counter.source is None else self._written

    @property
    def bytes_written_source(self) -> str | None:
        """What `bytes_written` counts: "/proc/self/io write_bytes", pages that go to the disk; or "... wchar"."""
        return self._counter.source

    def __len__(self) -> int:
        """The rows that it holds."""
        return self.rows

    # Verbs.

    def fill(
        self, table: pa.Table, key: str | Sequence[str], *, row: str | None = None, payload: str | None = None
    ) -> int:
        """Makes the table and its index of all rows, in the engine's best way, once.

        Args:
            table: The rows.
            key: The key's column, or columns in order.
            row: The column of row numbers; default: 0 and up.
            payload: A column of integers, text or binary that is kept beside the key; default: the row number.

        Returns:
            The bytes on disk, once settled.

        Raises:
            UnknownNameError: There is no such column.
            UnsupportedTypeError: A key column has no order that the engine could keep, or the payload's type is none
                of these.
            UsageError: The engine is closed, or was filled before; a key is longer than it takes.
        """
        self._check_open(filled=False)
        names = [key] if isinstance(key, str) else list(key)
        for name in [*names, *filter(None, (row, payload))]:
            if name not in table.column_names:
                raise UnknownNameError.of("column", name, table.column_names)
        if not names:
            raise ParameterError("key is empty; expected the name of at least one column")
        parts = tuple(key_part(name, table.schema.field(name).type) for name in names)
        self.payload_type = pa.int64() if payload is None else _payload_type(payload, table.schema.field(payload).type)
        rows = np.arange(table.num_rows, dtype=np.int64) if row is None else _row_numbers(table.column(row))
        with self._converting():
            columns = columns_of(table.select(names), parts)
            values = pa.array(rows) if payload is None else self._payload(table.column(payload), len(rows))
            self.parts = parts
            columns, (rows, values), _ = self._present(columns, rows, values)
        self._check_unique(rows)
        try:
            with self._writing():
                self._fill(columns, rows, values)
        except BaseException:
            self.parts = ()
            raise
        self.rows = len(rows)
        self.settle()
        return self.size_bytes

    def lookup(self, keys: Any) -> pa.LargeListArray:
        """The rows of each key, ascending: LargeList<uint64>; empty where it is absent, null for a null key."""
        count, columns, places, mask = self._probes(keys)
        positions, rows = self._find(columns)
        with self._converting():
            return _lists(places[positions], pa.array(rows.astype(np.uint64)), count, mask)

    def prepare(self, keys: Any) -> list[Any]:
        """The keys as the engine takes them, one by one, for `lookup_one`; None for a null key."""
        count, columns, places, mask = self._probes(keys)
        with self._converting():
            prepared = self._prepared(columns)
            if mask is None:
                return prepared
            found: list[Any] = [None] * count
            for place, key in zip(places.tolist(), prepared, strict=True):
                found[place] = key
            return found

    def lookup_one(self, prepared: Any) -> list[int]:
        """The rows of one key, as `prepare` gives it, ascending; what one question at a time costs."""
        return [] if prepared is None else self._find_one(prepared)

    def fetch(self, keys: Any) -> pa.LargeListArray:
        """The payloads of each key's rows, in the order of the rows: a list for each key, as `lookup` gives."""
        count, columns, places, mask = self._probes(keys)
        positions, values = self._fetch(columns)
        with self._converting():
            return _lists(places[positions], values.cast(self.payload_type), count, mask)

    def range(
        self,
        low: Any = None,
        high: Any = None,
        *,
        closed: Closed = "both",
        limit: int | None = None,
        descending: bool = False,
    ) -> pa.UInt64Array:
        """The rows of the keys between `low` and `high` in key order, equal keys by row; all without bounds.

        Args:
            low: A value of the key's type; a tuple for a compound key, which may name its first parts only and then
                stands for all keys that begin so.
            high: Likewise.
            closed: Which bounds belong to the range.
            limit: At most so many rows, from the beginning.
            descending: Whether the order is turned round, that of equal keys too.
        """
        self._check_open()
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 0):
            raise ParameterError(f"limit is {limit!r}; expected an integer of at least 0, or None")
        bounds = self._bounds(low, high, closed)
        if limit == 0 or self.rows == 0:
            return pa.array([], pa.uint64())
        return pa.array(self._range(bounds, limit, descending).astype(np.uint64))

    def ranges(self, lows: Any, highs: Any, *, closed: Closed = "both") -> pa.LargeListArray:
        """A batch of ranges: the rows of each, as `range` gives them; `lows` and `highs` are keys of the same number.

        Where a bound has a null, the answer is null.
        """
        self._check_open()
        self._bounds(None, None, closed)
        with self._converting():
            bounds = [*columns_of(lows, self.parts), *columns_of(highs, self.parts)]
            width, count = len(self.parts), len(bounds[0])
            if len(bounds[width]) != count:
                raise ParameterError(f"there are {count} lows and {len(bounds[width])} highs; expected as many")
            null = np.logical_or.reduce([column.is_null().to_numpy(zero_copy_only=False) for column in bounds])
            places = np.flatnonzero(~null)
            kept = [column.take(pa.array(places)) for column in bounds] if null.any() else bounds
            forms = [self._values(part, column) for part, column in zip(self.parts * 2, kept, strict=True)]
        counts, rows = np.zeros(len(places), np.int64), np.zeros(0, np.int64)
        if self.rows and len(places):
            counts, rows = self._ranges(forms[:width], forms[width:], closed)
        with self._converting():
            by_range = np.repeat(places, counts)
            return _lists(by_range, pa.array(rows.astype(np.uint64)), count, null if null.any() else None)

    def top_k(self, k: int, *, descending: bool = True) -> pa.UInt64Array:
        """The rows of the k largest keys, or of the smallest ones; ties as in `range`."""
        return self.range(limit=k, descending=descending)

    def ordered(self, *, descending: bool = False) -> pa.UInt64Array:
        """All rows in key order."""
        return self.range(descending=descending)

    def insert(self, keys: Any, rows: Any, payload: Any = None, *, transaction_rows: int | None = None) -> int:
        """Adds rows whose numbers are new; those with a null key are left out.

        Args:
            keys: Their keys.
            rows: Their numbers.
            payload: Their payloads; default: the row numbers, where the payload is of integers.
            transaction_rows: How many rows a transaction has; default: all in one.

        Returns:
            How many rows it holds more.
        """
        columns, numbers, values = self._rows(keys, rows, payload)
        self._check_unique(numbers)
        for part in _pieces(len(numbers), transaction_rows):
            with self._writing():
                self._insert([column[part] for column in columns], numbers[part], values[part])
            self.rows += len(numbers[part])
        return len(numbers)

    def update_payload(self, keys: Any, rows: Any, payload: Any, *, transaction_rows: int | None = None) -> int:
        """Gives rows another payload; arguments as in `insert`. Returns how many rows were there."""
        columns, numbers, values = self._rows(keys, rows, payload, asked=True)
        changed = 0
        for part in _pieces(len(numbers), transaction_rows):
            with self._writing():
                changed += self._update_payload([column[part] for column in columns], numbers[part], values[part])
        return changed

    def update_key(self, keys: Any, rows: Any, new_keys: Any, *, transaction_rows: int | None = None) -> int:
        """Gives rows another key, which must not be null; arguments as in `insert`. Returns how many were there."""
        self._check_open()
        with self._converting():
            after = columns_of(new_keys, self.parts)
            count, kept, places, _ = self._probes(keys)
            if count != len(after[0]):
                raise ParameterError(f"there are {count} keys and {len(after[0])} new ones")
            numbers = self._numbers(rows, count)
            self._check_unique(numbers)
            new, _, mask = self._present(after)
            if mask is not None:
                raise ParameterError("a new key is null, which an engine's row cannot have; delete the row instead")
            numbers, new = numbers[places], [column.take(pa.array(places)) for column in new]
        changed = 0
        for part in _pieces(len(numbers), transaction_rows):
            with self._writing():
                changed += self._update_key(
                    [column[part] for column in kept], numbers[part], [column[part] for column in new]
                )
        return changed

    def delete(self, keys: Any, rows: Any = None, *, transaction_rows: int | None = None) -> int:
        """Removes rows of these keys and numbers, or, without numbers, all rows of these keys.

        Returns:
            How many rows left.
        """
        self._check_open()
        with self._converting():
            count, columns, places, _ = self._probes(keys)
            numbers = None if rows is None else self._numbers(rows, count)[places]
        gone = 0
        for part in _pieces(len(columns[0]), transaction_rows):
            with self._writing():
                these = [column[part] for column in columns]
                gone += self._delete_keys(these) if numbers is None else self._delete_rows(these, numbers[part])
        self.rows -= gone
        return gone

    def settle(self) -> None:
        """Brings what is in logs and memory to where it stays: checkpoints, flushes, compactions due."""
        self._check_open()
        with self._writing():
            self._settle()

    # What an engine does: columns come in their forms, none of them null as a whole.

    @abstractmethod
    def _open(self, folder: Path) -> None: ...

    @abstractmethod
    def _close(self) -> None: ...

    @abstractmethod
    def _fill(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None: ...

    @abstractmethod
    def _find(self, columns: list[pa.Array]) -> tuple[np.ndarray, np.ndarray]:
        """(place of the probe, row) of every match, by both ascending."""

    @abstractmethod
    def _prepared(self, columns: list[pa.Array]) -> list[Any]:
        """The keys as `_find_one` takes them."""

    @abstractmethod
    def _find_one(self, key: Any) -> list[int]: ...

    @abstractmethod
    def _fetch(self, columns: list[pa.Array]) -> tuple[np.ndarray, pa.Array]:
        """(place of the probe, payload) of every match, by place and row ascending."""

    @abstractmethod
    def _range(self, bounds: Bounds, limit: int | None, descending: bool) -> np.ndarray: ...

    def _ranges(self, lows: list[pa.Array], highs: list[pa.Array], closed: Closed) -> tuple[np.ndarray, np.ndarray]:
        """How many rows each range has, and the rows of all; one by one, unless an engine has a better way."""
        starts, ends = (zip(*(column.to_pylist() for column in side), strict=True) for side in (lows, highs))
        found = [
            self._range(
                Bounds(start, end, closed in ("both", "left"), closed in ("both", "right")), None, descending=False
            )
            for start, end in zip(starts, ends, strict=True)
        ]
        return np.array([len(rows) for rows in found], np.int64), np.concatenate([*found, np.zeros(0, np.int64)])

    @abstractmethod
    def _insert(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> None:
        """One transaction."""

    @abstractmethod
    def _update_payload(self, columns: list[pa.Array], rows: np.ndarray, payload: pa.Array) -> int: ...

    @abstractmethod
    def _update_key(self, columns: list[pa.Array], rows: np.ndarray, new: list[pa.Array]) -> int: ...

    @abstractmethod
    def _delete_rows(self, columns: list[pa.Array], rows: np.ndarray) -> int: ...

    @abstractmethod
    def _delete_keys(self, columns: list[pa.Array]) -> int: ...

    @abstractmethod
    def _settle(self) -> None: ...

    def _values(self, part: KeyPart, column: pa.Array) -> pa.Array:
        """A key column in the form in which this engine keeps it; the other verbs get it so."""
        return part.values(column)

    # Helpers.

    def _check_open(self, *, filled: bool = True) -> None:
        if self._is_closed:
            raise UsageError(f"{self.spelling} is closed; open another")
        if filled and not self.parts:
            raise UsageError(f"{self.spelling} has no table yet; call fill(table, key)")
        if not filled and self.parts:
            raise UsageError(f"{self.spelling} is filled already; open another")

    def _check_unique(self, rows: np.ndarray) -> None:
        ordered = rows if len(rows) < 2 or bool((rows[1:] > rows[:-1]).all()) else np.sort(rows)
        twice = np.flatnonzero(ordered[1:] == ordered[:-1])
        if len(twice):
            raise ParameterError(f"row number {ordered[twice[0]]} is given twice; expected a number of its own a row")

    @contextlib.contextmanager
    def _converting(self) -> Iterator[None]:
        start = time.perf_counter_ns()
        try:
            yield
        finally:
            self.conversion_ns += time.perf_counter_ns() - start

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        before = self._counter.now()
        try:
            yield
        finally:
            after = self._counter.now()
            if before is not None and after is not None:
                self._written += after - before

    def _present(self, columns: list[pa.Array], *others: Any) -> tuple[list[pa.Array], list[Any], np.ndarray | None]:
        """The keys that are not null in their forms, what belongs to them, and which ones are null, if any."""
        forms = [self._values(part, column) for part, column in zip(self.parts, columns, strict=True)]
        if any(column.null_count == 0 for column in columns):
            return forms, list(others), None
        mask = np.logical_and.reduce([column.is_null().to_numpy(zero_copy_only=False) for column in columns])
        if not mask.any():
            return forms, list(others), None
        kept = pa.array(np.flatnonzero(~mask))
        taken = [other.take(kept) if isinstance(other, pa.Array) else other[~mask] for other in others]
        return [form.take(kept) for form in forms], taken, mask

    def _probes(self, keys: Any) -> tuple[int, list[pa.Array], np.ndarray, np.ndarray | None]:
        """How many are asked for; those that can be there, in their forms; their places; which are null, if any."""
        self._check_open()
        with self._converting():
            columns, absent = probes_of(keys, self.parts)
            count = len(columns[0])
            forms = [self._values(part, column) for part, column in zip(self.parts, columns, strict=True)]
            if not any(column.null_count for column in columns):
                return count, forms, np.arange(count), None
            null = np.logical_or.reduce([column.is_null().to_numpy(zero_copy_only=False) for column in columns])
            places = np.flatnonzero(~null)
            forms = [form.take(pa.array(places)) for form in forms]
        return count, forms, places, null if absent is None else null & ~absent

    def _rows(
        self, keys: Any, rows: Any, payload: Any, *, asked: bool = False
    ) -> tuple[list[pa.Array], np.ndarray, pa.Array]:
        """Rows in their forms that are put in, or asked for."""
        self._check_open()
        with self._converting():
            columns = probes_of(keys, self.parts)[0] if asked else columns_of(keys, self.parts)
            numbers = self._numbers(rows, len(columns[0]))
            if payload is None and self.payload_type != pa.int64():
                raise ParameterError(f"payload is missing; this table's is of type {self.payload_type}")
            values = pa.array(numbers) if payload is None else self._payload(payload, len(numbers))
            if asked:
                _, forms, places, _ = self._probes(pa.table(columns, [part.name for part in self.parts]))
                return forms, numbers[places], values.take(pa.array(places))
            forms, (numbers, values), _ = self._present(columns, numbers, values)
        return forms, numbers, values

    def _numbers(self, rows: Any, count: int) -> np.ndarray:
        numbers = _row_numbers(rows)
        if len(numbers) != count:
            raise ParameterError(f"there are {len(numbers)} row numbers and {count} keys; expected as many")
        return numbers

    def _payload(self, column: Any, count: int) -> pa.Array:
        array = column if isinstance(column, pa.Array | pa.ChunkedArray) else pa.array(column)
        if isinstance(array, pa.ChunkedArray):
            array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
        if pa.types.is_dictionary(array.type):
            array = array.dictionary_decode()
        if len(array) != count:
            raise ParameterError(f"there are {len(array)} payloads and {count} keys; expected as many")
        if array.null_count:
            empty: Any = {"int64": 0, "large_string": ""}.get(str(self.payload_type), b"")
            array = pc.fill_null(array.cast(self.payload_type), pa.scalar(empty, self.payload_type))
        try:
            return array.cast(self.payload_type)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise UnsupportedTypeError(
                f"the payload is of type {array.type}; expected {self.payload_type}: {error}"
            ) from error

    def _bounds(self, low: Any, high: Any, closed: str) -> Bounds:
        if closed not in CLOSED:
            raise UnknownNameError.of("way to close a range", str(closed), CLOSED)
        ends: list[tuple[Any, ...] | None] = []
        within = [closed in ("both", "left"), closed in ("both", "right")]
        for place, (which, bound) in enumerate((("low", low), ("high", high))):
            if bound is None:
                ends.append(None)
                continue
            values, is_within = scalars_of(bound, self.parts, which)
            ends.append(
                tuple(self._values(part, one)[0].as_py() for part, one in zip(self.parts, values, strict=False))
            )
            within[place] = within[place] if is_within is None else is_within
        return Bounds(ends[0], ends[1], within[0], within[1])


def _payload_type(name: str, type_: pa.DataType) -> pa.DataType:
    types = pa.types
    plain = type_.value_type if types.is_dictionary(type_) else type_
    if types.is_integer(plain) or types.is_boolean(plain):
        return pa.int64()
    if types.is_string(plain) or types.is_large_string(plain) or types.is_string_view(plain):
        return pa.large_string()
    if types.is_binary(plain) or types.is_large_binary(plain):
        return pa.large_binary()
    raise UnsupportedTypeError(f'the payload "{name}" is of type {type_}; expected integers, text or binary')


def _row_numbers(rows: Any) -> np.ndarray:
    array = rows if isinstance(rows, pa.Array | pa.ChunkedArray) else pa.array(rows)
    if not pa.types.is_integer(array.type) and len(array):
        raise UnsupportedTypeError(f"the row numbers are of type {array.type}; expected integers")
    if array.null_count:
        raise ParameterError("a row number is null; expected a number for each row")
    numbers = array.to_numpy(zero_copy_only=False) if isinstance(array, pa.Array) else array.to_numpy()
    if len(numbers) and not (int(numbers.min()) >= 0 and int(numbers.max()) < _ROWS_BELOW):
        raise ParameterError(f"row numbers are from {numbers.min()} to {numbers.max()}; expected 0 to 2^63 - 1")
    return np.ascontiguousarray(numbers.astype(np.int64))


def _pieces(count: int, size: int | None) -> Iterator[slice]:
    if size is not None and (isinstance(size, bool) or not isinstance(size, int) or size < 1):
        raise ParameterError(f"transaction_rows is {size!r}; expected an integer of at least 1, or None")
    step = size or max(count, 1)
    return (slice(start, min(start + step, count)) for start in range(0, count, step))


def _lists(places: np.ndarray, values: pa.Array, count: int, mask: np.ndarray | None) -> pa.LargeListArray:
    """Lists by probe: `values[i]` belongs to the probe at `places[i]`, ascending; `mask` says which are null."""
    counts = np.bincount(places, minlength=count) if count else np.zeros(0, np.int64)
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]), pa.int64())
    nulls = None if mask is None else pa.array(mask)
    return pa.LargeListArray.from_arrays(offsets, values, mask=nulls)
