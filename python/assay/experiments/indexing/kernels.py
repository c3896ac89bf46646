"""What is timed of an index: calls of a bounded length, each on other instances than the last.

A call asks as many instances as the setting batch says, or fewer where their rows or their time would be too much:
a scan of a million rows is asked once a call. Changes are applied in batches and taken back outside of the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial

from assay.experiments.base import Latency, Timer
from assay.experiments.indexing.changes import Applied
from assay.experiments.indexing.contenders import close
from assay.experiments.indexing.contests import Contest, Plan
from assay.experiments.indexing.questions import Index, Lookups, Question
from assay.experiments.indexing.settings import IndexingSettings

__all__ = ["Rotating", "instances_at_once", "timers_of"]

CALL_NS = 2_000_000  # that a call may take, about
ROWS_AT_ONCE = 1_000_000  # that the answers of a call may have
SAMPLES_NS = 20_000_000  # that the samples of a kernel may take in a round


class Rotating:
    """Asks instances in turn, so many at a time."""

    def __init__(self, question: Question, index: Index, count: int, threads: int) -> None:
        self._question, self._index, self._count, self._threads = question, index, count, threads
        self._groups = max(1, len(question) // count)
        self._next = 0

    def __call__(self) -> object:
        """The next ones."""
        first = self._next * self._count
        self._next = (self._next + 1) % self._groups
        return self._question.ask(self._index, first, first + self._count, self._threads)

    @property
    def operations(self) -> int:
        """As how many operations a call counts."""
        return self._question.operations(0, self._count)


def instances_at_once(question: Question, index: Index, threads: int, most: int) -> int:
    """How many instances a call asks."""
    count = min(most, len(question))
    while count > 1 and question.rows(0, count) > ROWS_AT_ONCE:
        count = max(1, count // 2)
    asked = 1
    while asked < count:  # from few to many, so that a slow index is not asked for much
        spent = _undisturbed(partial(question.ask, index, 0, asked, threads))
        if spent > CALL_NS / 8:
            return max(1, min(count, int(asked * CALL_NS / spent)))
        asked = min(count, asked * 8)
    return count


def _undisturbed(call: Callable[[], object]) -> int:
    """What a call takes; one that seems slow is made again until two agree, as a quick one may be interrupted."""
    spent = _spent(call)
    for _ in range(4):
        if spent <= CALL_NS / 8:
            break
        again = _spent(call)
        if again > 0.7 * spent:
            return min(again, spent)
        spent = again
    return spent


def _spent(call: Callable[[], object]) -> int:
    started = time.perf_counter_ns()
    call()
    return max(1, time.perf_counter_ns() - started)


def timers_of(
    contest: Contest, plan: Plan, index: Index, changing: Index, settings: IndexingSettings
) -> Iterator[Timer]:
    """The kernels of an index; `changing` is a second one, which batches are applied to."""
    cell_id, threads = contest.cell.cell_id, contest.threads
    for metric, question in plan.asked(contest.spec).items():
        count = instances_at_once(question, index, threads, settings.batch)
        call = Rotating(question, index, count, threads)
        latency = None
        if metric == "lookup_ns.hit" and isinstance(question, Lookups):
            latency = Latency("lookup_latency_ns", _single(question, index), len(question))
        yield Timer(cell_id, metric, call, call.operations, latency, samples=_samples(_undisturbed(call)))
    if contest.is_none:
        return  # the table's own writes are the same with any index, and left out
    for kind, batches in plan.changes.items():
        applied = Applied(changing, batches)
        spent, undone = _spent(applied), _spent(applied.undo)
        calls = max(1, min(len(batches), SAMPLES_NS // undone))  # in a sample: all of them are taken back after it
        yield Timer(
            cell_id,
            f"{kind}_ns",
            applied,
            len(batches[0]),
            undo=applied.undo,
            samples=_samples(spent + undone),
            calls=calls,
        )
    building = _Building(contest, plan, settings)
    rows = max(1, plan.rows.indexed)
    yield Timer(cell_id, "build_ns", building, rows, undo=building.undo, samples=1, calls=1)


class _Building:
    """Builds an index, and ends it outside of the clock."""

    def __init__(self, contest: Contest, plan: Plan, settings: IndexingSettings) -> None:
        self._contest, self._plan, self._settings = contest, plan, settings
        self._built: Index | None = None

    def __call__(self) -> None:
        self._built = self._contest.built(self._plan.rows, self._settings)

    def undo(self) -> None:
        """Ends what was built."""
        if self._built is not None:
            close(self._built)
            self._built = None


def _samples(spent_ns: int) -> int | None:
    """How many samples of a call that takes so long are enough in a round; None for the usual number."""
    return max(1, SAMPLES_NS // spent_ns) if spent_ns > CALL_NS else None


def _single(question: Lookups, index: Index) -> Callable[[int], object]:
    keys = question.keys
    return lambda place: index.lookup(keys.slice(place, 1), threads=1)
