"""Measures spans wherever an executor puts them, and gives the result of each once.

A span that is lost with its worker is sent again, at most three times; then, or where a worker fails that this
process does not, it is measured here. Where all workers are gone, or they do not know what only this process
does, the rest is measured here, and a message says so. What has arrived is never measured again.
"""

from __future__ import annotations

import pickle
import tempfile
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    CancelledError,
    Executor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import AssayError, UsageError
from assay.experiments.base import Job, Lesson
from assay.harness.dask_cluster import DaskExecutor, LostTaskError
from assay.harness.executors import InlineExecutor, is_local
from assay.harness.progress import ProgressSink
from assay.harness.spans import (
    Parcel,
    SpanFailure,
    SpanResult,
    SpanTask,
    measure_span,
    measure_task,
    open_work,
    packed_lesson,
)

if TYPE_CHECKING:
    from assay.datasets import Dataset, Span

__all__ = ["SpanRunner"]

_INLINE_BYTES = 64 * 1024  # of a parcel; more go by a file where workers are on this machine
_TRIES = 4
_LOOK_S = 1.0  # how often a silent cluster is looked at


@dataclass(frozen=True)
class _Running:
    """A span under way: whether it is measured in this process, and how often it was sent."""

    span: Span
    here: bool
    tries: int = 1


class SpanRunner:
    """Measures the spans of one experiment, stage by stage.

    Args:
        job: The experiment's folds.
        dataset: The table.
        executor: Where spans are measured; replaced by this process if its workers are lost.
        progress: Told of what goes wrong.
    """

    def __init__(self, job: Job, dataset: Dataset, executor: Executor, progress: ProgressSink) -> None:
        self.job = job
        self.dataset = dataset
        self.executor = executor
        self.progress = progress
        self.is_lost = False  # the executor is of no use for other experiments either
        self._stage = 0
        self._learned: Lesson | None = None
        self._running: dict[Future[Any], _Running] = {}
        self._again: deque[Span] = deque()  # lost with their workers, to be measured here
        self._stop = threading.Event()
        self._work: Parcel | None = None
        self._lesson: tuple[Lesson, Parcel] | None = None  # the last one that was packed
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._told_of_losses = False

    @property
    def running(self) -> int:
        """How many spans are under way."""
        return len(self._running) + len(self._again)

    def begin(self, stage: int, learned: Lesson | None) -> None:
        """What is submitted from now on belongs to `stage`.

        Raises:
            UsageError: Workers of a cluster cannot see the dataset.
        """
        self._stage, self._learned = stage, learned
        self._stop = threading.Event()
        if self._work is None and isinstance(self.executor, DaskExecutor):
            self._ask_workers(self.executor)

    def submit(self, span: Span) -> None:
        """Has the span measured; `arrived` gives its result."""
        self._send(_Running(span, is_local(self.executor)))

    def arrived(self) -> Iterator[SpanResult]:
        """The results that are there, at least one.

        Raises:
            AssayError: A span cannot be measured here either.
        """
        if not self._running and self._again:
            self._send(_Running(self._again.popleft(), here=True))
        for future in self._done():
            run = self._running.pop(future)
            try:
                outcome = future.result()
            except (CancelledError, LostTaskError) as lost:
                self._send_again(run, lost)
                continue
            except Exception as error:
                if run.here and not isinstance(error, BrokenExecutor):
                    raise  # the same would happen again
                yield self._here(run.span, error)
                continue
            yield self._here(run.span, outcome.error) if isinstance(outcome, SpanFailure) else outcome

    def stop(self) -> None:
        """Nobody waits for what is under way any more."""
        self._stop.set()
        for future in self._running:
            future.cancel()
        self._running.clear()
        self._again.clear()

    def close(self) -> None:
        """Removes what carried parcels to workers."""
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None
        if isinstance(self.executor, DaskExecutor):
            self.executor.forget_shared()

    # -- sending ----------------------------------------------------------------------------------

    def _send(self, run: _Running) -> None:
        if not run.here and not is_local(self.executor):
            try:
                self._running[self._sent(run.span)] = run
                return
            except LostTaskError as error:
                self._lose(error)
            except (BrokenExecutor, RuntimeError) as error:
                self._lose(error)
        executor = self.executor if is_local(self.executor) else InlineExecutor()
        try:
            future = executor.submit(
                measure_span, self.job, self.dataset, self._stage, run.span, self._learned, self._stop
            )
        except (BrokenExecutor, RuntimeError) as error:
            self._lose(error)
            future = self.executor.submit(
                measure_span, self.job, self.dataset, self._stage, run.span, self._learned, self._stop
            )
        self._running[future] = replace(run, here=True)

    def _sent(self, span: Span) -> Future[Any]:
        work, learned = self._packed_work(), self._packed_lesson()
        if isinstance(self.executor, DaskExecutor):
            for parcel in (work, learned):
                if parcel is not None and parcel.data is not None and len(parcel.data) > _INLINE_BYTES:
                    self.executor.share(parcel)
        return self.executor.submit(measure_task, SpanTask(self._stage, span), work, learned)

    def _send_again(self, run: _Running, error: BaseException) -> None:
        if not self._told_of_losses:
            self._told_of_losses = True
            self.progress.message("a worker was lost; what it had not delivered is measured again")
        if run.tries < _TRIES:
            self._send(replace(run, tries=run.tries + 1))
        else:
            self._again.append(run.span)
        del error

    def _packed_work(self) -> Parcel:
        if self._work is None:
            # A job may hold the dataset too; together it is described once.
            self._work = self._parcel(pickle.dumps((self.job, self.dataset)))
        return self._work

    def _packed_lesson(self) -> Parcel | None:
        if self._learned is None:
            return None
        if self._lesson is None or self._lesson[0] is not self._learned:
            if isinstance(self.executor, DaskExecutor) and self._lesson is not None:
                self.executor.forget_shared(self._lesson[1].key)
            self._lesson = self._learned, self._parcel(packed_lesson(self._learned))
        return self._lesson[1]

    def _parcel(self, data: bytes) -> Parcel:
        """The parcel, by a file if it is large and all workers are processes of this machine."""
        parcel = Parcel.of(data)
        if len(data) <= _INLINE_BYTES or not isinstance(self.executor, ProcessPoolExecutor):
            return parcel
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="assay-parcels-")
        path = Path(self._folder.name, parcel.key)
        path.write_bytes(data)
        return Parcel(parcel.key, None, str(path))

    # -- what goes wrong --------------------------------------------------------------------------

    def _done(self) -> list[Future[Any]]:
        """The futures that have ended, in the order of their spans; none if the workers were lost meanwhile."""
        look = getattr(self.executor, "lost", None)
        while self._running:
            done, _ = wait(self._running, timeout=None if look is None else _LOOK_S, return_when=FIRST_COMPLETED)
            if done:
                return sorted(done, key=lambda future: self._running[future].span.index)
            reason = look() if look is not None else None
            if reason is not None:
                self._lose(reason)
                if self._again:
                    self._send(_Running(self._again.popleft(), here=True))
        return []

    def _here(self, span: Span, error: BaseException) -> SpanResult:
        """The result of a span that a worker could not measure; where this process cannot either, its error."""
        if isinstance(error, BrokenExecutor):
            self._lose(error)
        elif not isinstance(error, UsageError):
            self.progress.message(f"a worker failed ({_one_line(error)}); its span is measured once more here")
        result = measure_span(self.job, self.dataset, self._stage, span, self._learned)
        if isinstance(error, (UsageError, AttributeError, ImportError)):
            # It works here and not there: what this process alone has registered is unknown to workers.
            self._lose(error)
        return result

    def _lose(self, reason: BaseException | str) -> None:
        """Goes on in this process, with all that is under way elsewhere."""
        if isinstance(self.executor, InlineExecutor):
            return
        words = reason if isinstance(reason, str) else _one_line(reason)
        self.progress.message(f"the workers cannot be used ({words}); going on in this process")
        self.executor = InlineExecutor()
        self.is_lost = True
        elsewhere = [future for future, run in self._running.items() if not run.here and not future.done()]
        for future in elsewhere:
            self._again.append(self._running.pop(future).span)
            future.cancel()

    def _ask_workers(self, executor: DaskExecutor) -> None:
        """Has every worker open the dataset, so that what it cannot see is told at once."""
        answers = executor.ask_all(open_work, self._packed_work())
        failures = {address: answer.error for address, answer in sorted(answers.items()) if answer is not None}
        if not failures:
            return
        address, error = next(iter(failures.items()))
        name = self.dataset.name
        if self.dataset.description().spooled is not None:
            self.progress.message(
                f"{name} is a table in memory, which workers on other machines cannot read; it is measured in this "
                "process; write it to a file that all machines see, or to an object store, to measure it there"
            )
            self.executor = InlineExecutor()
        elif isinstance(error, (UsageError, AttributeError, ImportError)):
            self._lose(error)  # what only this process knows: a strategy of a notebook, say
        else:
            raise UsageError(
                f"the Dask worker {address} cannot read {name}: {_one_line(error)}; put the table where all machines "
                "see the same files by the same path (a shared folder, an object store), or leave out the executor"
            )


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    if isinstance(error, AssayError) and lines:
        return lines[0]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
