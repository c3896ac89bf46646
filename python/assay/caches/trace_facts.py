"""What a trace asks for: how many objects and bytes, how often again and how soon, how skewed, in what mix.

One scan, and a second one of sizes where there are any. Cost: 4 bytes a request and about 40 a distinct key; 250 ns a
request, and 400 with sizes, times and operations. What is counted is exact; the exponent of Zipf's law is estimated
(`zipf_fit.py`).
Source: reuse times: Denning 1968, "The Working Set Model for Program Behavior"; one-hit wonders: Breslau et al. 1999.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.caches.operations import OPERATIONS
from assay.caches.traces import sizes_of
from assay.caches.zipf_fit import ZipfFit, fit_zipf
from assay.datasets import Dataset, TraceRoles
from assay.datasets.arrow_types import plain_array
from assay.errors import DataError

__all__ = ["ReuseBucket", "SizeFacts", "TimeFacts", "TraceFacts", "describe_trace"]

_Integers = npt.NDArray[np.int64]
_MOST_OPERATIONS = 100
_KIND_OF = {name: kind for kind, names in OPERATIONS.items() for name in names}
_CHUNK = 1 << 18
_TICKS_A_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}


@dataclass(frozen=True)
class ReuseBucket:
    """Requests for an object whose last request was `low` to `high` before, counted in requests or in objects.

    In requests, 1 is the one just before. In objects, 1 means that nothing else was asked for since, and a request of
    distance d hits in LRU caches of d objects and more.
    """

    low: int
    high: int
    requests: int


@dataclass(frozen=True)
class SizeFacts:
    """The bytes of a trace. An object's size is that of its first request, as caches here keep it."""

    footprint_bytes: int  # of all objects
    requested_bytes: int  # of all requests, each with its own size
    smallest: int
    median: int  # of objects; the lower one of two
    largest: int
    empty_requests: int  # of size 0
    changing_keys: int  # with requests of different sizes


@dataclass(frozen=True)
class TimeFacts:
    """When requests came, in the column's own values."""

    first: Any
    last: Any  # the latest, whatever the order
    backwards: int  # requests that are earlier than the one before
    seconds: float | None  # from the first to the last, where the column's type has a unit


@dataclass(frozen=True)
class TraceFacts:
    """A trace as `assay data` shows it."""

    roles: TraceRoles
    requests: int
    keys: int  # distinct ones: the footprint in objects
    once: int  # keys that were asked for once, one-hit wonders
    top_requests: int  # for the most popular key
    zipf: ZipfFit | None
    reuse_times: tuple[ReuseBucket, ...]  # in requests, of all but the first for each key
    reuse_distances: tuple[ReuseBucket, ...]  # the same in objects
    operations: tuple[tuple[str, int], ...] | None  # and how many requests have each, most first; None without
    sizes: SizeFacts | None
    time: TimeFacts | None

    @property
    def repeated(self) -> int:
        """Requests for an object that was asked for before: what the largest cache can hit at most."""
        return self.requests - self.keys

    @property
    def kinds(self) -> dict[str, int] | None:
        """Requests by kind of operation: read, write, delete, and other for names that no log uses."""
        if self.operations is None:
            return None
        found = dict.fromkeys((*OPERATIONS, "other"), 0)
        for name, requests in self.operations:
            found[_KIND_OF.get(name.strip().casefold(), "other")] += requests
        return found


def describe_trace(dataset: Dataset, roles: TraceRoles) -> TraceFacts:
    """What `dataset` asks for as a trace.

    Raises:
        DataError: It has no request; a key, size, time or operation is null; a size is negative.
        ReadError: It cannot be read to its end.
    """
    trace, times, mix = _core.Trace(), _Times(roles.time), _Mix(dataset, roles.op)
    for batch in dataset.batches(roles.columns, encoded=True):
        for column in (roles.key, roles.time, roles.op):
            if column is not None:
                _refuse_nulls(dataset, column, batch.data.column(column), batch.first_row)
        sizes = None
        if roles.size is not None:
            sizes = sizes_of(batch.data.column(roles.size), roles.size, dataset, batch.first_row)
        trace.append(batch.data.column(roles.key), sizes)
        times.add(batch.data)
        mix.add(batch.data)
    if not len(trace):
        raise DataError(f"{dataset.name} has no rows; a trace needs at least one request")
    trace.finish()
    ids = trace.ids().to_numpy()
    counts = np.bincount(ids, minlength=trace.distinct)
    return TraceFacts(
        roles=roles,
        requests=len(trace),
        keys=trace.distinct,
        once=int((counts == 1).sum()),
        top_requests=int(counts.max()),
        zipf=fit_zipf(counts),
        reuse_times=_reuse_times(ids, trace.distinct),
        reuse_distances=_by_powers(_core.reuse_distances(trace).to_numpy()),
        operations=mix.facts(),
        sizes=None if roles.size is None else _sizes(dataset, roles.size, ids, trace.distinct),
        time=times.facts(),
    )


def _refuse_nulls(dataset: Dataset, name: str, column: pa.Array, first_row: int) -> None:
    if column.null_count:
        row = first_row + pc.index(column.is_null(), pa.scalar(True)).as_py()
        raise DataError(
            f'{dataset.name}: column "{name}" is null in row {row}; every request of a trace has a key, and a time and '
            "an operation where these have a column: mend it, or leave the row out"
        )


def _reuse_times(ids: npt.NDArray[np.uint32], keys: int) -> tuple[ReuseBucket, ...]:
    """How many requests came after how many others since the last for the same key, by powers of two."""
    last = np.full(keys, -1, np.int64)
    found = np.zeros(65, np.int64)
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        order = np.argsort(chunk, kind="stable")
        ordered = chunk[order]
        at = order.astype(np.int64) + start
        before = np.empty(len(chunk), np.int64)
        before[1:] = at[:-1]
        first = np.concatenate([[True], ordered[1:] != ordered[:-1]])  # of its key within the chunk
        before[first] = last[ordered[first]]
        last[ordered[np.concatenate([first[1:], [True]])]] = at[np.concatenate([first[1:], [True]])]
        times = (at - before)[before >= 0]
        found += np.bincount(np.frexp(times.astype(np.float64))[1] - 1, minlength=65)
    return tuple(
        ReuseBucket(1 << bucket, (2 << bucket) - 1, int(found[bucket])) for bucket in range(len(ids).bit_length())
    )[: int(np.max(np.flatnonzero(found), initial=-1)) + 1]


def _by_powers(counts: npt.NDArray[np.uint64]) -> tuple[ReuseBucket, ...]:
    """Requests of each distance, shape (largest + 1,), where the one at 0 are first ones, by powers of two."""
    buckets = []
    low = 1
    while low < len(counts):
        buckets.append(ReuseBucket(low, 2 * low - 1, int(counts[low : 2 * low].sum())))
        low *= 2
    while buckets and not buckets[-1].requests:
        buckets.pop()
    return tuple(buckets)


def _sizes(dataset: Dataset, column: str, ids: npt.NDArray[np.uint32], keys: int) -> SizeFacts:
    """Every object's first size, and whether others followed."""
    first, changed = np.zeros(keys, np.uint64), np.zeros(keys, np.bool_)
    seen, total, empty = 0, 0, 0
    for batch in dataset.batches([column]):
        sizes = sizes_of(batch.data.column(0), column, dataset, batch.first_row).to_numpy(zero_copy_only=False)
        chunk = ids[batch.first_row : batch.first_row + len(sizes)]
        new = np.flatnonzero(chunk >= seen)  # numbers are given in the order of first requests
        numbers, place = np.unique(chunk[new], return_index=True)
        first[numbers] = sizes[new[place]]
        seen += len(numbers)
        changed[chunk[sizes != first[chunk]]] = True
        total += _exact_sum(sizes)
        empty += int((sizes == 0).sum())
    ordered = np.sort(first)
    return SizeFacts(
        _exact_sum(ordered),
        total,
        int(ordered[0]),
        int(ordered[(keys - 1) // 2]),
        int(ordered[-1]),
        empty,
        int(changed.sum()),
    )


def _exact_sum(values: npt.NDArray[np.uint64]) -> int:
    """The sum as Python has it: 64 bits would overflow."""
    return (int((values >> np.uint64(32)).sum()) << 32) + int((values & np.uint64(0xFFFFFFFF)).sum())


class _Mix:
    """How many requests have each operation."""

    def __init__(self, dataset: Dataset, column: str | None) -> None:
        self._dataset = dataset
        self._column = column
        self._counts: Counter[str] = Counter()

    def add(self, data: pa.RecordBatch) -> None:
        if self._column is None:
            return
        for entry in plain_array(data.column(self._column)).value_counts():
            self._counts[entry["values"].as_py()] += entry["counts"].as_py()
            if len(self._counts) > _MOST_OPERATIONS:
                raise DataError(
                    f'{self._dataset.name}: column "{self._column}" has more than {_MOST_OPERATIONS} different texts, '
                    "so it holds no operations; name another column, or leave it out"
                )

    def facts(self) -> tuple[tuple[str, int], ...] | None:
        if self._column is None:
            return None
        return tuple(sorted(self._counts.items(), key=lambda entry: (-entry[1], entry[0])))


class _Times:
    """The first and the last time, and how often one is earlier than the one before."""

    def __init__(self, column: str | None) -> None:
        self._column = column
        self._type: pa.DataType | None = None
        self._first: Any = None
        self._last: Any = None
        self._before: Any = None
        self._backwards = 0

    def add(self, data: pa.RecordBatch) -> None:
        if self._column is None or not data.num_rows:
            return
        column = plain_array(data.column(self._column))
        self._type = column.type
        values = _numbers(column)
        before = values[:1] if self._before is None else np.array([self._before], values.dtype)
        self._backwards += int((values < np.concatenate([before, values[:-1]])).sum())
        self._before = values[-1]
        low, high = values.min(), values.max()
        self._first = low if self._first is None else min(self._first, low)
        self._last = high if self._last is None else max(self._last, high)

    def facts(self) -> TimeFacts | None:
        if self._column is None or self._type is None:
            return None
        ticks = _TICKS_A_SECOND.get(self._type.unit) if pa.types.is_timestamp(self._type) else None
        seconds = None if ticks is None else (int(self._last) - int(self._first)) / ticks
        first, last = (self._shown(value) for value in (self._first, self._last))
        return TimeFacts(first, last, self._backwards, seconds)

    def _shown(self, value: Any) -> Any:
        assert self._type is not None
        if pa.types.is_integer(self._type) or pa.types.is_floating(self._type):
            return value.item()
        number = pa.array([value.item()], pa.int32() if pa.types.is_date32(self._type) else pa.int64())
        return number.cast(self._type).cast(pa.string())[0].as_py()


def _numbers(column: pa.Array) -> npt.NDArray[Any]:
    """Times as numbers that have their order."""
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        return np.asarray(column.to_numpy(zero_copy_only=False))
    if pa.types.is_date32(column.type):
        return np.asarray(column.cast(pa.int32()).to_numpy(zero_copy_only=False))
    return np.asarray(column.cast(pa.int64()).to_numpy(zero_copy_only=False))
