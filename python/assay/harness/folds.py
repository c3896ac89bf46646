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

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from assay.errors import MeasurementError
from assay.experiments.base import Job, Lesson
from assay.harness.executors import InlineExecutor, is_local, threads_of
from assay.harness.progress import ProgressSink
from assay.harness.records import BlockRecord, ResultStore, StageRecord
from assay.harness.span_runner import SpanRunner
from assay.harness.spans import SpanResult, decompressed, fold_spans, packed_lesson

if TYPE_CHECKING:
    from assay.datasets import Dataset, Span

__all__ = ["StageFolder"]

_STATES_AT_ONCE = 16  # read back from the store when a run is resumed
_AHEAD = 4  # windows of spans that may wait for one before them


class StageFolder:
    """Runs the stages of one experiment of one run.

    Args:
        job: The experiment's folds.
        dataset: The table.
        store: Where blocks are committed and found again.
        run_id: The run.
        experiment_index: The experiment's place in the run.
        executor: Where spans are measured; replaced by this process if its workers are lost.
        window: The most spans that may be measured at once.
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
        self.spans = SpanRunner(job, dataset, executor, progress)
        self._window = max(2, window)
        self.span_rows = span_rows
        self.progress = progress
        self.resumed = resumed

    @property
    def keeps(self) -> bool:
        """Whether states are kept, so that a killed run can go on; a store in memory dies with the run."""
        return self.store.path is not None

    @property
    def window(self) -> int:
        """The most spans that may be measured at once."""
        return 1 if isinstance(self.spans.executor, InlineExecutor) else self._window

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

    def close(self) -> None:
        """Removes what carried learned bytes to workers."""
        self.spans.close()

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
        self.spans.begin(stage, learned)
        if not self.keeps and is_local(self.spans.executor):
            return self._folded_here(stage, spans, learned)
        committed = (
            self.store.committed_spans(self.run_id, self.experiment_index, stage) if self.resumed else set[int]()
        )
        self.progress.advance(len(committed))
        state = None
        for packed in self._in_order(stage, spans, committed):
            other = self.job.unpack(stage, decompressed(packed), learned)
            state = other if state is None else self.job.merge(state, other)
        return self.job.start(stage, learned) if state is None else state

    def _folded_here(self, stage: int, spans: Sequence[Span], learned: Lesson | None) -> Any:
        """The state of all spans, folded by threads of this process that each take a run of them."""
        count = min(len(spans), threads_of(self.spans.executor))
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

    def _stage(self, stage: int) -> StageRecord:
        record = self.store.stage_record(self.run_id, self.experiment_index, stage) if self.resumed else None
        if record is None:
            spans = len(self.dataset.spans(target_rows=self.span_rows))
            record = StageRecord(self.experiment_index, stage, spans, self.span_rows)
            self.store.begin_stage(self.run_id, record)
        return record

    def _in_order(self, stage: int, spans: Sequence[Span], committed: set[int]) -> Iterator[bytes]:
        """The packed state of each span, in order; spans that are not committed are measured."""
        todo = deque(span for span in spans if span.index not in committed)
        ready: dict[int, bytes] = {}
        try:
            for position in range(len(spans)):
                if position in committed and position not in ready:
                    later = [index for index in sorted(committed) if index >= position]
                    ready |= self.store.block_states(self.run_id, self.experiment_index, stage, later[:_STATES_AT_ONCE])
                while position not in ready:
                    # Where one span takes long, only so many others are measured and wait for it.
                    while todo and self.spans.running < self.window:
                        if len(ready) >= _AHEAD * self.window and self.spans.running:
                            break
                        self.spans.submit(todo.popleft())
                    for result in self.spans.arrived():
                        ready[result.span] = result.packed
                        self._commit(stage, result)
                yield ready.pop(position)
        finally:
            self.spans.stop()

    def _commit(self, stage: int, result: SpanResult) -> None:
        state = result.packed if self.keeps else None
        block = BlockRecord(self.experiment_index, stage, result.span, state, result.host, result.pid, result.wall_s)
        self.store.commit_blocks(self.run_id, [block])
        self.progress.advance()
