"""One stage of one experiment: every span measured once, committed, and merged in span order.

A span is measured wherever the executor puts it, from a description alone: the job, the dataset,
the span, and what the stage before has learned. Its packed state is committed before it is merged,
so that a resumed run takes it from the store instead of measuring it again. States are merged in
the order of their spans, whatever order they arrive in, and at most a window of them waits.

Where nothing is kept to resume from and the spans are measured in this process, nothing is packed:
each thread folds its run of spans into one state, and these are merged in order. Both ways give the
same bits.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError, MeasurementError, UsageError
from assay.experiments.base import Job, Lesson
from assay.harness.executors import InlineExecutor, is_local, threads_of
from assay.harness.progress import ProgressSink
from assay.harness.records import BlockRecord, ResultStore, StageRecord

if TYPE_CHECKING:
    from assay.datasets import Dataset, Span

__all__ = ["SpanResult", "SpanTask", "StageFolder", "fold_spans", "measure_span", "measure_task", "packed_lesson"]

_INLINE_BYTES = 64 * 1024  # of learned bytes; more go by a file, read once per worker
_STATES_AT_ONCE = 16  # read back from the store when a run is resumed


@dataclass(frozen=True)
class SpanTask:
    """All that another process needs to measure one span; small, and the same but for the span."""

    work: bytes  # the pickled (job, dataset description)
    work_key: str  # its hash: a worker unpickles each work once
    stage: int
    span: Span
    learned: bytes | None  # packed
    learned_path: str | None  # instead of `learned`, where that is large


@dataclass(frozen=True)
class SpanResult:
    """The packed state of one span, and who measured it in how long."""

    span: int
    packed: bytes
    host: str
    pid: int
    wall_s: float


def packed_lesson(lesson: Lesson) -> bytes:
    """What a stage has learned, as bytes."""
    return lesson if isinstance(lesson, bytes) else lesson.pack()


def measure_span(job: Job, dataset: Dataset, stage: int, span: Span, learned: Lesson | None) -> SpanResult:
    """Folds the batches of one span into a fresh state and packs it."""
    started = time.perf_counter()
    state = job.start(stage, learned)
    for batch in dataset.batches(list(job.columns(stage)), span, encoded=True):
        job.update(state, batch)
    packed = job.pack(state)
    return SpanResult(span.index, packed, platform.node(), os.getpid(), time.perf_counter() - started)


def measure_task(task: SpanTask) -> SpanResult:
    """`measure_span` from a description; what is sent to an executor."""
    job, dataset = _unpickled(task.work_key, task.work)
    learned = task.learned if task.learned_path is None else _learned(task.learned_path)
    return measure_span(job, dataset, task.stage, task.span, learned)


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


class StageFolder:
    """Runs the stages of one experiment of one run.

    Args:
        job: The experiment's folds.
        dataset: The table.
        store: Where blocks are committed and found again.
        run_id: The run.
        experiment_index: The experiment's place in the run.
        executor: Where spans are measured; replaced by this process if its workers are lost.
        window: The most spans that may be measured or wait to be merged at once.
        span_rows: About how many rows a span has; a resumed stage keeps its first cut.
        progress: Told of each span.
        resumed: Whether the store may hold stages and spans of this experiment already.
    """

    def __init__(
        self,
        job: Job,
        dataset: Dataset,
        store: ResultStore,
        run_id: str,
        experiment_index: int,
        *,
        executor: Executor,
        window: int,
        span_rows: int,
        progress: ProgressSink,
        resumed: bool = False,
    ) -> None:
        self.job = job
        self.dataset = dataset
        self.store = store
        self.run_id = run_id
        self.experiment_index = experiment_index
        self.executor = executor
        self.window = 1 if isinstance(executor, InlineExecutor) else max(2, window)
        self.span_rows = span_rows
        self.progress = progress
        self.resumed = resumed
        self._work: tuple[str, bytes] | None = None
        self._lesson: tuple[Lesson, bytes] | None = None  # the last one that was packed
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    @property
    def keeps(self) -> bool:
        """Whether states are kept, so that a killed run can go on; a store in memory dies with the run."""
        return self.store.path is not None

    def learned(self, stage: int, before: Lesson | None) -> Lesson:
        """What a stage that is not the last teaches the next one, from the store if it is there."""
        record = self._stage(stage)
        if record.learned is not None:
            self.progress.advance(record.spans)
            return record.learned
        learned = self.job.learn(stage, self._merged(record, before))
        if self.keeps:
            self.store.end_stage(self.run_id, self.experiment_index, stage, packed_lesson(learned))
        return learned

    def merged(self, stage: int, learned: Lesson | None) -> Any:
        """The state of the whole table at `stage`."""
        return self._merged(self._stage(stage), learned)

    def _merged(self, record: StageRecord, learned: Lesson | None) -> Any:
        stage = record.stage
        if not self.job.scans(stage, learned):
            self.progress.advance(record.spans)
            return self.job.start(stage, learned)
        spans = self.dataset.spans(target_rows=record.span_rows)
        if len(spans) != record.spans:
            raise MeasurementError(
                f"{self.dataset.name} is cut into {len(spans)} spans of {record.span_rows} rows, where the run to "
                f"resume had {record.spans}; its files have changed; start a new run without --resume"
            )
        if not self.keeps and is_local(self.executor):
            return self._folded_here(stage, spans, learned)
        committed = (
            self.store.committed_spans(self.run_id, self.experiment_index, stage) if self.resumed else set[int]()
        )
        self.progress.advance(len(committed))
        state = None
        for packed in self._in_order(stage, spans, committed, learned):
            other = self.job.unpack(stage, packed, learned)
            state = other if state is None else self.job.merge(state, other)
        return self.job.start(stage, learned) if state is None else state

    def _folded_here(self, stage: int, spans: Sequence[Span], learned: Lesson | None) -> Any:
        """The state of all spans, folded by threads of this process that each take a run of them."""
        count = min(len(spans), threads_of(self.executor))
        runs = [spans[len(spans) * i // count : len(spans) * (i + 1) // count] for i in range(count)]
        stop = threading.Event()
        with ThreadPoolExecutor(count, thread_name_prefix="assay-fold") as pool:
            futures = [
                pool.submit(fold_spans, self.job, self.dataset, stage, run, learned, stop, self.progress.advance)
                for run in runs
            ]
            try:
                state = futures[0].result()  # of several errors the first in the order of rows is raised
                for index in range(1, count):
                    state = self.job.merge(state, futures[index].result())
                    futures[index] = futures[0]  # lets go of what was merged
            finally:
                stop.set()
        return state

    def close(self) -> None:
        """Removes the files that carried learned bytes to workers."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _stage(self, stage: int) -> StageRecord:
        record = self.store.stage_record(self.run_id, self.experiment_index, stage) if self.resumed else None
        if record is None:
            spans = len(self.dataset.spans(target_rows=self.span_rows))
            record = StageRecord(self.experiment_index, stage, spans, self.span_rows)
            self.store.begin_stage(self.run_id, record)
        return record

    def _in_order(
        self, stage: int, spans: Sequence[Span], committed: set[int], learned: Lesson | None
    ) -> Iterator[bytes]:
        """The packed state of each span, in order; spans that are not committed are measured."""
        todo = iter([span for span in spans if span.index not in committed])
        running: dict[Future[SpanResult], tuple[Span, bool]] = {}  # the span, and whether it is measured here
        ready: dict[int, bytes] = {}
        try:
            for position in range(len(spans)):
                if position in committed and position not in ready:
                    later = [index for index in sorted(committed) if index >= position]
                    ready |= self.store.block_states(self.run_id, self.experiment_index, stage, later[:_STATES_AT_ONCE])
                while position not in ready:
                    self._submit(stage, todo, running, learned, room=self.window - len(running))
                    for result in self._arrived(stage, running, learned):
                        ready[result.span] = result.packed
                        self._commit(stage, result)
                yield ready.pop(position)
        finally:
            for future in running:
                future.cancel()

    def _submit(
        self,
        stage: int,
        todo: Iterator[Span],
        running: dict[Future[SpanResult], tuple[Span, bool]],
        learned: Lesson | None,
        *,
        room: int,
    ) -> None:
        for _ in range(room):
            span = next(todo, None)
            if span is None:
                return
            try:
                if is_local(self.executor):
                    future = self.executor.submit(measure_span, self.job, self.dataset, stage, span, learned)
                else:
                    future = self.executor.submit(measure_task, self._task(stage, span, learned))
            except (BrokenExecutor, RuntimeError) as error:
                self._lose_executor(error)
                future = self.executor.submit(measure_span, self.job, self.dataset, stage, span, learned)
            running[future] = span, is_local(self.executor)

    def _arrived(
        self, stage: int, running: dict[Future[SpanResult], tuple[Span, bool]], learned: Lesson | None
    ) -> Iterator[SpanResult]:
        """The results that are there, at least one; a span lost with its worker is measured here, once."""
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in sorted(done, key=lambda future: running[future][0].index):
            span, here = running.pop(future)
            error = future.exception()
            if error is None:
                yield future.result()
                continue
            if here and not isinstance(error, BrokenExecutor):
                raise error  # the same would happen again
            if not isinstance(error, (AssayError, BrokenExecutor)):
                self.progress.message(f"a worker failed ({_one_line(error)}); its span is measured once more here")
            if isinstance(error, BrokenExecutor):
                self._lose_executor(error)
            result = measure_span(self.job, self.dataset, stage, span, learned)
            if isinstance(error, (UsageError, AttributeError, ImportError)):
                # It works here and not there: what this process alone has registered is unknown to workers.
                self._lose_executor(error)
            yield result

    def _commit(self, stage: int, result: SpanResult) -> None:
        block = BlockRecord(
            self.experiment_index, stage, result.span, result.packed, result.host, result.pid, result.wall_s
        )
        self.store.commit_blocks(self.run_id, [block])
        self.progress.advance()

    def _lose_executor(self, error: BaseException) -> None:
        if not isinstance(self.executor, InlineExecutor):
            self.progress.message(f"the workers cannot be used ({_one_line(error)}); going on in this process")
            self.executor = InlineExecutor()
            self.window = 1

    def _task(self, stage: int, span: Span, lesson: Lesson | None) -> SpanTask:
        if self._work is None:
            work = pickle.dumps((self.job, self.dataset.description()))
            self._work = hashlib.sha256(work).hexdigest(), work
        key, work = self._work
        learned = self._packed(lesson)
        if learned is None or len(learned) <= _INLINE_BYTES:
            return SpanTask(work, key, stage, span, learned, None)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="assay-learned-")
        path = Path(self._folder.name, f"{self.experiment_index}-{stage}")
        if not path.exists():
            path.write_bytes(learned)
        return SpanTask(work, key, stage, span, None, str(path))

    def _packed(self, lesson: Lesson | None) -> bytes | None:
        if lesson is None or isinstance(lesson, bytes):
            return lesson
        if self._lesson is None or self._lesson[0] is not lesson:
            self._lesson = lesson, lesson.pack()
        return self._lesson[1]


_opened: dict[str, tuple[Job, Dataset]] = {}  # the last work of this worker, by its key


def _unpickled(key: str, work: bytes) -> tuple[Job, Dataset]:
    if key not in _opened:
        job, description = pickle.loads(work)
        _opened.clear()
        _opened[key] = job, description.open()
    return _opened[key]


@lru_cache(maxsize=1)
def _learned(path: str) -> bytes:
    return Path(path).read_bytes()


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
