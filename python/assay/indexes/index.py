"""`assay.Index`: one structure over one column, or over several as a compound key."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any, Literal

import pyarrow as pa

from assay import _core
from assay.checks import UINT64_HIGH, integer
from assay.errors import ParameterError
from assay.indexes.columns import CLOSED, bound_columns, key_columns, list_sizes, row_numbers
from assay.indexes.progress import bar_of
from assay.indexes.spelling import parse_index

__all__ = ["Index"]

Closed = Literal["both", "left", "right", "neither"]
# The bytes of a key and its row number at least: what an index of words cannot take less than.
_LEAST_BYTES = 12
_WORTH_WATCHING = 100_000  # entries; fewer are built before one could look
_TOLD_EVERY_S = 0.1
_LOOKED_EVERY_S = 0.002


class Index:
    """From a key to the numbers of the rows that hold it: a secondary index over an Arrow column.

    Made by `Index.build`. Entries are pairs of a key and a row number; several rows may hold one key, and a null key is
    not indexed (of a compound key, one whose parts are all null). One value is one key in every type of its family:
    an index of int32 can be asked with int64, one of seconds with nanoseconds.
    """

    __slots__ = ("_kind", "_native", "_types")

    _kind: str
    _native: _core.Index
    _types: list[pa.DataType]

    def __init__(self) -> None:
        raise TypeError("an index is made by Index.build(column, kind='btree')")

    @classmethod
    def build(
        cls,
        column: Any,
        *,
        kind: str = "btree",
        rows: Any = None,
        threads: int | None = None,
        memory_limit: int | None = None,
        progress: Callable[[int, int], None] | bool | None = None,
    ) -> Index:
        """An index over a column.

        Args:
            column: Any Arrow column of shape (n,), chunked or not, of any type that can be a key (see `assay.hash`); or
                a table, whose columns are one compound key in their order.
            kind: A structure of `assay list contenders --room index`, with parameters where it has some:
                `"btree"`, `"pgm(error=64)"`.
            rows: The row number of each key, whole numbers of shape (n,) below 2^32 - 1; by default 0, 1, 2 ...
            threads: At most so many threads; None means all cores.
            memory_limit: The most bytes that the index may take; None means no limit.
            progress: True draws a bar on standard error. Or what is called at the beginning, now and then and at the
                end with (entries placed, entries in all), over all passes, and may raise to end it. The second number
                is the same from the first pass to the last.

        Raises:
            UnknownNameError: There is no such index or parameter; the nearest is offered.
            ParameterError: A parameter is out of bounds, or the index takes more bytes than allowed.
            UnsupportedTypeError: The column's type cannot be a key, or a key is longer than 16 MiB.
            UsageError: There are more entries than row numbers of 32 bits, or row numbers that do not fit.
        """
        spec = parse_index(kind)
        if progress is not None and not isinstance(progress, bool) and not callable(progress):
            raise ParameterError(
                f"progress is {progress!r}; expected True for a bar, or what is called with (entries placed, in all)"
            )
        limit = None if memory_limit is None else integer("memory_limit", memory_limit, 1, UINT64_HIGH)
        columns, numbers = key_columns(column), None if rows is None else row_numbers(rows)
        builder = _core.IndexBuilder(spec.name, dict(spec.parameters))

        def work(watched: _core.IndexProgress) -> _core.Index:
            builder.append(columns, numbers, progress=watched)
            _check_memory(spec.text, _LEAST_BYTES * len(builder), limit, "at least ")
            return builder.finish(threads=threads, progress=watched)

        made = object.__new__(cls)
        if progress is True:
            with bar_of(spec.text) as told:
                made._native = _watched(work, told)
        elif progress or not _are_few(columns):
            made._native = _watched(work, progress or None)
        else:
            made._native = work(_core.IndexProgress())
        made._kind = spec.text
        made._types = [one.type if hasattr(one, "type") else _type_of(one) for one in columns]
        _check_memory(spec.text, made.memory_bytes, limit, "")
        return made

    @property
    def kind(self) -> str:
        """The structure, as it was spelled."""
        return self._kind

    @property
    def types(self) -> list[pa.DataType]:
        """The types of the columns."""
        return list(self._types)

    @property
    def memory_bytes(self) -> int:
        """The bytes that the index takes: keys, row numbers, and whatever leads to them."""
        return int(self._native.memory_bytes)

    @property
    def statistics(self) -> dict[str, float]:
        """What else is to be said of the structure, by name; `assay explain KIND` says what."""
        return dict(self._native.statistics)

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._native)

    def __repr__(self) -> str:
        kinds = ", ".join(str(one) for one in self._types)
        return f"Index({self._kind} over {kinds}; {len(self):,} entries, {self.memory_bytes:,} bytes)"

    def lookup(self, keys: Any, *, threads: int | None = None, apart: Any = False) -> pa.LargeListArray:
        """The rows of each key.

        Args:
            keys: An Arrow column of shape (m,), or a table of as many columns as the index has.
            threads: At most so many threads; None means all cores.
            apart: True looks each key up by itself, as if it came alone: `scan`, `zone_map` and `bloom_blocks` else
                find all keys of a batch in one pass over their rows. Or the sizes of consecutive lists of keys, which
                sum to m, each of which is looked up by itself. The answer is the same.

        Returns:
            A LargeListArray<uint64> of shape (m,): rows ascending, an empty list where no row holds the key, null for a
            null key (compound: one with a null part), as null equals nothing.

        Raises:
            UnsupportedTypeError: The keys are of another family of types than the column.
            ParameterError: `apart` is no list of sizes, or they do not sum to the number of keys.
        """
        lists = None if isinstance(apart, bool) else list_sizes(apart)
        found: pa.LargeListArray = self._native.lookup(
            key_columns(keys), threads=threads, apart=apart is True, lists=lists
        )
        return found

    def lookup_first(self, keys: Any, *, threads: int | None = None) -> pa.UInt64Array:
        """The least row of each key; null where no row holds it, and for a null key.

        Args and errors are those of `lookup`.
        """
        found: pa.UInt64Array = self._native.lookup_first(key_columns(keys), threads=threads)
        return found

    def range(
        self,
        low: Any = None,
        high: Any = None,
        *,
        closed: Closed = "both",
        limit: int | None = None,
        descending: bool = False,
    ) -> pa.UInt64Array:
        """The rows of keys from `low` to `high`, in the order of keys; those of equal keys by row.

        Args:
            low: The least key, a Python value or a pyarrow scalar; None for no bound. For a compound key a tuple of its
                first parts, or of all: a key that begins with them counts as equal.
            high: The greatest key, likewise.
            closed: Which ends belong to the range: `both`, `left`, `right`, `neither`.
            limit: At most so many rows, from the side where the range begins.
            descending: From the greatest key to the least, the exact reverse.

        Returns:
            A UInt64Array. NaN comes after all numbers, text and binary are in the order of their bytes; a null part of
            a compound key comes after all values.

        Raises:
            ParameterError: The structure has no order, or a bound is null or of more parts than columns.
            UnsupportedTypeError: A bound is of another family of types than the column.
        """
        most = None if limit is None else integer("limit", limit, 0, UINT64_HIGH)
        ends = (bound_columns(low, self._types, "low"), bound_columns(high, self._types, "high"))
        found: pa.UInt64Array = self._native.range(
            *ends, closed=_closed(closed), limit=most, descending=bool(descending)
        )
        return found

    def ranges(
        self, lows: Any, highs: Any, *, closed: Closed = "both", threads: int | None = None
    ) -> pa.LargeListArray:
        """The rows of a batch of ranges, each as by `range`.

        Args:
            lows: The least key of each, as the keys of `lookup`; of a compound key all columns or its first ones.
            highs: The greatest key of each, likewise.
            closed: Which ends belong to the ranges.
            threads: At most so many threads; None means all cores.

        Returns:
            A LargeListArray<uint64> of shape (m,); null where a bound is null.
        """
        found: pa.LargeListArray = self._native.ranges(
            key_columns(lows), key_columns(highs), closed=_closed(closed), threads=threads
        )
        return found

    def insert(self, keys: Any, rows: Any) -> int:
        """Puts entries in, on an error none; one that is there already is there twice. How many: without null keys.

        Args:
            keys: An Arrow column of shape (m,), or a table of as many columns as the index has.
            rows: The row number of each key.

        Raises:
            UsageError: A key does not fit the column's type.
            ParameterError: There are not as many row numbers as keys, or they are none.
        """
        return int(self._native.insert(key_columns(keys), row_numbers(rows)))

    def delete(self, keys: Any, rows: Any = None) -> int:
        """Takes entries out: all of these keys, or with `rows` just these pairs. How many left."""
        return int(self._native.delete(key_columns(keys), None if rows is None else row_numbers(rows)))


def _closed(closed: str) -> tuple[bool, bool]:
    if not isinstance(closed, str) or closed not in CLOSED:
        raise ParameterError(f"closed is {closed!r}; expected one of {', '.join(CLOSED)}")
    return CLOSED[closed]


def _type_of(column: Any) -> pa.DataType:
    return pa.chunked_array(column).type if hasattr(column, "__arrow_c_stream__") else pa.array(column).type


def _check_memory(kind: str, found: int, limit: int | None, least: str) -> None:
    if limit is not None and found > limit:
        raise ParameterError(
            f"{kind} takes {least}{found:,} bytes; memory_limit allows {limit:,}: allow more, or index fewer rows"
        )


def _are_few(columns: list[Any]) -> bool:
    return bool(columns) and hasattr(columns[0], "__len__") and len(columns[0]) < _WORTH_WATCHING


def _watched(
    work: Callable[[_core.IndexProgress], _core.Index], progress: Callable[[int, int], None] | None
) -> _core.Index:
    """Works beside the caller, so that an interrupt and the caller's own errors end it."""
    watched = _core.IndexProgress()
    tell = progress or (lambda done, total: None)
    with ThreadPoolExecutor(1, thread_name_prefix="assay-index") as pool:
        future = pool.submit(work, watched)
        try:
            while not watched.total and not wait([future], timeout=_LOOKED_EVERY_S).done:
                pass  # how much there is to do is said at once
            while True:
                tell(watched.done, max(watched.total, 1))
                if wait([future], timeout=_TOLD_EVERY_S).done:
                    break
        except BaseException:
            watched.stop()
            raise
        index = future.result()
    tell(watched.total, max(watched.total, 1))
    return index
