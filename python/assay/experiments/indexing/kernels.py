"""What is timed of an index: calls of a bounded length, each on other instances than the last.

A call asks as many instances as the setting batch says, or fewer where their rows or their time would be too much.
Questions that come apart share no pass over rows: what would answer a batch in one pass looks each key up by itself,
and where it cannot be told so is asked one question a call. Changes are applied in batches, many in a row, and taken
back outside of the clock.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from assay.experiments.base import Latency, Timer
from assay.experiments.indexing.changes import AT_ONCE, Applied, Batch
from assay.experiments.indexing.contenders import close
from assay.experiments.indexing.contests import Contest, Plan
from assay.experiments.indexing.questions import Index, Lists, Lookups, Question, Ranges
from assay.experiments.indexing.settings import IndexingSettings

__all__ = ["Rotating", "copies_of", "timers_of"]

CALL_NS = 2_000_000  # that a call may take, about
ROWS_AT_ONCE = 250_000  # that the answers of a call may have
WARM_NS = 3_000_000  # of what the workload does, before its samples: in use its index is warm
SAMPLES_NS = 20_000_000  # that the samples of a kernel may take in a round


class Rotating:
    """Asks instances in turn, some at a time.

    Args:
        contest: Whose index it is.
        question: What is asked.
        index: It, built.
        most: How many a call asks, if their rows and their time are not too much.
    """

    def __init__(self, contest: Contest, question: Question, index: Index, most: int) -> None:
        if contest.spec.shares_passes:
            question, most = _apart(question, most, contest.spec.is_of_core)
        self._question, self._index, self._threads = question, index, contest.threads
        self._count = _instances_at_once(question, index, contest.threads, most)
        self._groups = max(1, len(question) // self._count)
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


def _apart(question: Question, most: int, is_of_core: bool) -> tuple[Question, int]:
    """The question so that its instances share no pass, and how many a call asks."""
    if is_of_core and isinstance(question, Ranges):
        return question, most  # each is a pass of its own
    if is_of_core and isinstance(question, Lookups | Lists) and question.per_operation == 1:
        return replace(question, apart=True), most
    return question, question.per_operation


def _instances_at_once(question: Question, index: Index, threads: int, most: int) -> int:
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


@dataclass(frozen=True)
class Copies:
    """An index several times, or one several times over where it is too large.

    Attributes:
        fresh: As it was built.
        used: As the workload's queries find it: with some of the workload's writes.
        changed: One that is written to and made what it was.
    """

    fresh: Index
    used: Index
    changed: Index


def copies_of(contest: Contest, plan: Plan, settings: IndexingSettings, is_large: bool) -> Copies:
    """The copies of an index.

    What is read between writes has been written to, which to some is all the same and to others not: half as many
    batches of each kind that the workload writes have been applied as are before they are taken back.

    Args:
        contest: Which index.
        plan: What is asked and changed.
        settings: The experiment's.
        is_large: Whether it is too large to be held several times, and is all three.

    Raises:
        UsageError: It cannot be of such keys, or takes more than it may.
    """
    fresh = contest.built(plan.rows, settings)
    if is_large:
        return Copies(fresh, fresh, fresh)
    used = fresh
    if plan.written and not contest.is_none:
        used = contest.built(plan.rows, settings)
        for kind in sorted(plan.written):
            for batch in plan.changes.get(kind, ())[: AT_ONCE // 2]:
                batch.apply(used)
    return Copies(fresh, used, contest.built(plan.rows, settings))


def timers_of(contest: Contest, plan: Plan, copies: Copies, settings: IndexingSettings) -> Iterator[Timer]:
    """The kernels of an index."""
    cell_id = contest.cell.cell_id
    for metric, question in plan.asked(contest.spec).items():
        index = copies.used if metric.startswith("query_ns.") else copies.fresh
        call = Rotating(contest, question, index, settings.batch)
        latency = None
        if metric == "lookup_ns.hit" and isinstance(question, Lookups):
            latency = Latency("lookup_latency_ns", _single(question, index), len(question))
        warm_ns = WARM_NS if metric.startswith("query_ns.") else 0
        samples = _samples(_undisturbed(call))
        yield Timer(cell_id, metric, call, call.operations, latency, samples=samples, warm_up_ns=warm_ns)
    if contest.is_none:
        return  # the table's own writes are the same with any index, and left out
    for kind, batches in plan.changes.items():
        run = _Run(copies.changed, batches)
        yield Timer(
            cell_id,
            f"{kind}_ns",
            run,
            run.operations,
            undo=run.undo,
            samples=_samples(run.spent_ns),
            calls=1,
            warm_up_ns=WARM_NS,
        )
    building = _Building(contest, plan, settings)
    rows = max(1, plan.rows.indexed)
    yield Timer(cell_id, "build_ns", building, rows, undo=building.undo, samples=1, calls=1)


class _Run:
    """Applies batches in a row, all of the pool or as many as fit; structures that merge now and then do so within."""

    def __init__(self, index: Index, batches: Sequence[Batch]) -> None:
        self._applied = Applied(index, batches)
        spent = _spent(self._applied) + _spent(self._applied.undo)
        self._count = max(1, min(len(batches), AT_ONCE, SAMPLES_NS // spent))
        self.operations = self._count * len(batches[0])
        self.spent_ns = self._count * spent

    def __call__(self) -> None:
        for _ in range(self._count):
            self._applied()

    def undo(self) -> None:
        """Takes back what was applied."""
        self._applied.undo()


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
