"""One span of a table: how it is told to another process, measured there, and told back.

What travels is a description (the job, the dataset, the span), never a table. What many spans need alike (the
job, and what the stage before has learned) is a `Parcel` under a key, which a process unpacks once. An error
comes back as a value, so that no cluster logs what the parent is going to tell. A large state travels, and is kept,
compressed: it is full of zeros where a span knows few of the table's keys.
Cost: a process keeps the last job, and what was last learned; LZ4 over large states, 0.6 s of processor time a
gigabyte each way. Source: Collet, "LZ4 Frame Format Description".
"""

from __future__ import annotations

import os
import pickle
import platform
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from assay.errors import MeasurementError
from assay.experiments.base import Job, Lesson

if TYPE_CHECKING:
    from assay.datasets import Dataset, Span

__all__ = [
    "Parcel",
    "SpanFailure",
    "SpanResult",
    "SpanTask",
    "compressed",
    "decompressed",
    "fold_spans",
    "measure_span",
    "measure_task",
    "open_work",
    "packed_lesson",
]


_WORTH_IT = 64 * 1024  # bytes
_WORTH_SHARE = 0.9  # of the bytes, at most
_COMPRESSED = b"assay.lz4 "


@dataclass(frozen=True)
class Parcel:
    """Bytes that many spans need: here, or in a file that every worker can read."""

    key: str  # no two parcels share it
    data: bytes | None
    path: str | None = None

    @classmethod
    def of(cls, data: bytes) -> Parcel:
        """The parcel of these bytes."""
        return cls(uuid.uuid4().hex, data)

    def read(self) -> bytes:
        """The bytes."""
        if self.data is not None:
            return self.data
        assert self.path is not None, "a parcel is here or in a file"
        return Path(self.path).read_bytes()

    def __reduce_ex__(self, protocol: Any) -> tuple[object, ...]:
        """Protocol 5 lets the bytes travel beside the pickle, without a copy."""
        if protocol < 5 or self.data is None:
            return Parcel, (self.key, self.data, self.path)
        return _parcel_of, (self.key, pickle.PickleBuffer(self.data))


def _parcel_of(key: str, data: Any) -> Parcel:
    return Parcel(key, data if isinstance(data, bytes) else bytes(data))


@dataclass(frozen=True)
class SpanTask:
    """Which span to measure at which stage; the parcels of the job and of what was learned go beside it."""

    stage: int
    span: Span


@dataclass(frozen=True)
class SpanResult:
    """The packed state of one span, perhaps compressed, and who measured it in how long."""

    span: int
    packed: bytes
    host: str
    pid: int
    wall_s: float

    def __reduce_ex__(self, protocol: Any) -> tuple[object, ...]:
        """As of a parcel."""
        packed = pickle.PickleBuffer(self.packed) if protocol >= 5 else self.packed
        return _result_of, (self.span, packed, self.host, self.pid, self.wall_s)


def _result_of(span: int, packed: Any, host: str, pid: int, wall_s: float) -> SpanResult:
    return SpanResult(span, packed if isinstance(packed, bytes) else bytes(packed), host, pid, wall_s)


@dataclass(frozen=True)
class SpanFailure:
    """The error of a span, as a value that travels."""

    error: Exception

    @classmethod
    def of(cls, error: Exception) -> SpanFailure:
        """The failure; an error that cannot travel keeps its words."""
        try:
            pickle.loads(pickle.dumps(error))
        except Exception:
            return cls(MeasurementError(f"{type(error).__name__}: {error}"))
        return cls(error)


def packed_lesson(lesson: Lesson) -> bytes:
    """What a stage has learned, as bytes."""
    return lesson if isinstance(lesson, bytes) else lesson.pack()


def compressed(packed: bytes) -> bytes:
    """The bytes, smaller if they are large and that helps; `decompressed` reads both."""
    if len(packed) < _WORTH_IT:
        return packed
    smaller: bytes = pa.compress(packed, codec="lz4", asbytes=True)
    if len(smaller) > len(packed) * _WORTH_SHARE:
        return packed
    return b"".join((_COMPRESSED, len(packed).to_bytes(8, "little"), smaller))


def decompressed(state: bytes) -> bytes:
    """What was compressed, or the bytes themselves if they were not."""
    if not state.startswith(_COMPRESSED):
        return state
    start = len(_COMPRESSED)
    size = int.from_bytes(state[start : start + 8], "little")
    whole: bytes = pa.decompress(memoryview(state)[start + 8 :], decompressed_size=size, codec="lz4", asbytes=True)
    return whole


class StoppedError(Exception):
    """Nobody waits for this span any more."""


def measure_span(
    job: Job, dataset: Dataset, stage: int, span: Span, learned: Lesson | None, stop: threading.Event | None = None
) -> SpanResult:
    """Folds the batches of one span into a fresh state and packs it; gives up when `stop` is set."""
    started = time.perf_counter()
    state = job.start(stage, learned)
    for batch in dataset.batches(list(job.columns(stage)), span, encoded=True):
        if stop is not None and stop.is_set():
            raise StoppedError
        job.update(state, batch)
    packed = compressed(job.pack(state))
    return SpanResult(span.index, packed, platform.node(), os.getpid(), time.perf_counter() - started)


def measure_task(task: SpanTask, work: Parcel, learned: Parcel | None) -> SpanResult | SpanFailure:
    """`measure_span` from a description; what is sent to an executor."""
    try:
        job, dataset = _WORK.get(work)
        lesson = None if learned is None else _LESSON.get(learned)
        return measure_span(job, dataset, task.stage, task.span, lesson)
    except Exception as error:
        return SpanFailure.of(error)


def open_work(work: Parcel) -> SpanFailure | None:
    """Whether this process can unpack the job and see its dataset; None if so."""
    try:
        _WORK.get(work)
    except Exception as error:
        return SpanFailure.of(error)
    return None


def fold_spans(
    job: Job,
    dataset: Dataset,
    stage: int,
    spans: Sequence[Span],
    learned: Lesson | None,
    stop: threading.Event,
    done: Callable[[], None],
) -> Any:
    """The state of consecutive spans, folded one after the other; ends early when `stop` is set."""
    state = job.start(stage, learned)
    columns = list(job.columns(stage))
    for span in spans:
        for batch in dataset.batches(columns, span, encoded=True):
            if stop.is_set():
                return state
            job.update(state, batch)
        done()
    return state


class _Kept:
    """What a process has made of the last parcel; threads that need it at once make it once."""

    def __init__(self, make: Callable[[bytes], Any]) -> None:
        self._make = make
        self._lock = threading.Lock()
        self._key: str | None = None
        self._made: Any = None

    def get(self, parcel: Parcel) -> Any:
        """What was made of the parcel."""
        with self._lock:
            if self._key != parcel.key:
                self._key, self._made = None, None  # the old one goes before the new one comes
                self._made = self._make(parcel.read())
                self._key = parcel.key
            return self._made


def _work(data: bytes) -> tuple[Job, Dataset]:
    job, dataset = pickle.loads(data)
    return job, dataset


_WORK = _Kept(_work)
_LESSON = _Kept(lambda data: data)  # the job unpacks it, and keeps that as long as these bytes
