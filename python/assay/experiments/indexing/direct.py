"""Break-even measured directly: two indexes read and write in turn at the predicted mix, round by round.

A round first times the parts of both, each kind of read and of write by itself, and then the mix, so that prediction
and measurement meet the same minutes: where cores are shared the same scan may take half as long again some minutes
later.

In the mix a step is as many writes of the workload as a batch has rows, and then as many reads as the mix has for them.
Reads come in calls of as many as are asked when they are timed alone, and what is short of a call goes over to the next
step; a write that does not concern the index costs nothing. The one does half of its steps, the other all, and the one
its other half, so that what else the machine does meets both; each time as many steps as a half come first that are not
counted, since the other has taken the caches meanwhile, as it would not in use. Reads and writes are clocked apart, and
weighed by the shares of the workload: so each round says by itself at which mix both would be alike. What was written
is taken back between rounds, and where the batches have run out.

The cost is bounded: a mix too extreme for the time of a round is run as near to it as fits, and `mix` says which ran.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from assay.experiments.indexing.break_even import BreakEven, Pays, break_even_of_rounds, pays_from, sense_of
from assay.experiments.indexing.changes import AT_ONCE, Applied
from assay.experiments.indexing.contests import Contest, Plan
from assay.experiments.indexing.kernels import WARM_NS, Rotating
from assay.experiments.indexing.questions import Index

__all__ = ["AGREEMENT", "Direct", "Side", "measure_directly"]

AGREEMENT = 0.2
ROUND_NS = 60_000_000  # of one side at the mix, about
PART_NS = 12_000_000  # of one kind of read or write apart from the mix
_FEWEST_STEPS, _MOST_STEPS = 4, 1_024
_ROUNDING = 1e-9  # of shares that sum to 1


@dataclass(frozen=True)
class Direct:
    """What the rounds gave.

    Attributes:
        predicted: When the index pays, of the parts as the same rounds timed them, each by itself.
        pays: When it pays at the mix, by the median of what is saved and added.
        reads: The reads for each write at which both are alike: the median of the rounds; None where it is none.
        low: The least of the rounds.
        high: The greatest; None where a round has none.
        cost_ratio: The total of the index over the other's at the predicted mix, median of the rounds: 1 is alike.
            Where no mix is predicted, at that which ran.
        mix: The reads for each write that were run.
        rounds: How many.
    """

    predicted: BreakEven
    pays: Pays
    reads: float | None
    low: float | None
    high: float | None
    cost_ratio: float
    mix: float
    rounds: int


@dataclass
class _Part:
    """A read or a write of the mix: its share, a call, as how many operations it counts, and what calls have taken."""

    share: float
    call: Callable[[], object]
    operations: int
    clock: Callable[[], int]
    due: float = 0.0
    ns: int = 0
    done: int = 0

    def begin(self) -> None:
        """As if nothing had been done."""
        self.due, self.ns, self.done = 0.0, 0, 0

    def run(self, calls: int) -> None:
        """Makes so many calls against the clock."""
        started = self.clock()
        for _ in range(calls):
            self.call()
        self.ns += self.clock() - started
        self.done += calls * self.operations

    @property
    def each_ns(self) -> float:
        """What one has taken."""
        return self.ns / max(1, self.done)


@dataclass
class Side:
    """One of the two: an index with the reads and the writes of the workload.

    Args:
        contest: Which index.
        plan: What is asked and changed.
        index: It, built.
        scan: What answers the reads that it cannot; None where it answers all, or nothing else does.
        reads: Shares by query.
        writes: Shares by kind.
        most: How many reads a call asks, at most.
    """

    contest: Contest
    plan: Plan
    index: Index
    scan: Side | None
    reads: Mapping[str, float]
    writes: Mapping[str, float]
    most: int
    _asked: list[_Part] = field(default_factory=list)
    _changed: list[_Part] = field(default_factory=list)
    _pools: list[Applied] = field(default_factory=list)

    def __post_init__(self) -> None:
        own = self.plan.asked(self.contest.spec)
        clock = time.thread_time_ns if self.contest.is_processor_bound else time.perf_counter_ns
        for name, share in self.reads.items():
            question = self.plan.questions.get(f"query_ns.{name}")
            if question is not None and len(question):
                side = self if self.scan is None or f"query_ns.{name}" in own else self.scan
                asking = Rotating(side.contest, question, side.index, self.most)
                self._asked.append(_Part(share, asking, asking.operations, clock))
        for kind, share in ({} if self.contest.is_none else self.writes).items():  # no index is told of nothing
            applied = Applied(self.index, self.plan.changes[kind])
            self._changed.append(_Part(share, applied, self.batch, clock))
            self._pools.append(applied)

    @property
    def batch(self) -> int:
        """The rows of a batch."""
        return len(next(iter(self.plan.changes.values()))[0])

    def alone(self) -> tuple[float, float]:
        """What a read and a write take, by their shares, where the workload's writes come without its reads, and each
        kind of read without others.

        What is read between writes has been written to: reads find half as many batches applied as there are before
        they are taken back.
        """
        if self._changed:
            _for_a_while(self._changed, partial(self.steps, 1, 0))
            self._do_the_rest(self._changed)
            _uncounted(self._changed, self._write_a_half)
        for part in self._asked:
            _for_a_while([part], partial(part.run, 1))
        self._take_back()
        return self._costs()

    def _write_a_half(self) -> None:
        while max(pool.applied for pool in self._pools) < AT_ONCE // 2 and not self._is_at_end:
            self.write()

    def begin(self) -> None:
        """A round without anything done."""
        for part in (*self._asked, *self._changed):
            part.begin()

    def warm(self, count: int, reads: float) -> None:
        """Steps that are not counted, as after a while in use: the other side has taken the caches meanwhile."""
        _uncounted((*self._asked, *self._changed), partial(self.steps, count, reads))

    def steps(self, count: int, reads: float) -> None:
        """So many steps, each with so many reads; where no batch is left, what was written is taken back unclocked."""
        for _ in range(count):
            if self._is_at_end:
                self._take_back()
            self.write()
            self.read(reads)

    @property
    def _is_at_end(self) -> bool:
        return any(pool.is_at_end for pool in self._pools)

    def _take_back(self) -> None:
        for pool in reversed(self._pools):
            pool.undo()

    def write(self) -> None:
        """A batch of the kind that is most overdue; none where the writes since the last did not concern the index."""
        for part in self._changed:
            part.due += part.share
        if sum(part.due for part in self._changed) >= 1 - _ROUNDING:
            _most_due(self._changed).run(1)

    def read(self, reads: float) -> None:
        """So many reads, by their shares, each kind in whole calls."""
        for part in self._asked:
            part.due += part.share * reads
            calls = int(part.due / part.operations)
            if calls:
                part.run(calls)
                part.due -= calls * part.operations

    def end(self) -> tuple[float, float]:
        """What a read and a write have taken in the round, by their shares; what was not done is done once."""
        self._do_the_rest((*self._asked, *self._changed))
        return self._costs()

    def _do_the_rest(self, parts: Sequence[_Part]) -> None:
        """Takes back what was written, and does once what was not done."""
        self._take_back()
        for part in parts:
            if not part.done:
                for _ in range(2):  # as every other one does, it comes after one that is not counted
                    part.begin()
                    part.run(1)
                    self._take_back()

    def _costs(self) -> tuple[float, float]:
        whole = sum(part.share for part in self._asked) or 1.0
        return _summed(self._asked) / whole, _summed(self._changed)


def _for_a_while(parts: Sequence[_Part], step: Callable[[], object]) -> None:
    """Makes steps until these parts have taken a while, after some steps that are not counted."""
    for time_ns in (WARM_NS, PART_NS * len(parts)):
        count = 0
        for part in parts:
            part.begin()
        while not count or (sum(part.ns for part in parts) < time_ns and count < _MOST_STEPS):
            step()
            count += 1


def _uncounted(parts: Sequence[_Part], work: Callable[[], object]) -> None:
    """Does work that is not counted."""
    before = [(part.ns, part.done) for part in parts]
    work()
    for part, (ns, done) in zip(parts, before, strict=True):
        part.ns, part.done = ns, done


def _most_due(parts: Sequence[_Part]) -> _Part:
    found = max(parts, key=lambda part: part.due)
    found.due -= 1
    return found


def _summed(parts: Sequence[_Part]) -> float:
    return sum(part.share * part.each_ns for part in parts)


def measure_directly(one: Side, other: Side, reads: float, costs: tuple[float, float], rounds: int) -> Direct:
    """How `one` and `other` compare where they read and write in turn.

    Args:
        one: The index.
        other: What it is compared with.
        reads: The mix that the times of all kernels predict, in reads for each write: what is run if a first look at
            the parts of these two predicts none.
        costs: What a read and a write of the dearer one take, in ns, as predicted: how long a step will take.
        rounds: How many, at least 1.
    """
    for side in (one, other):
        side.alone()  # what grows at first, such as the room of an index, is not of the mix
    _, first_look = pays_from(*_difference(one.alone(), other.alone()))
    steps, in_step = _steps(first_look or reads, one.batch, costs)
    apart: list[tuple[float, float]] = []
    mixed: list[tuple[float, float]] = []
    totals: list[tuple[float, float, float, float]] = []
    for number in range(rounds):
        first, second = (one, other) if number % 2 == 0 else (other, one)
        alone = {id(side): side.alone() for side in (first, second)}
        apart.append(_difference(alone[id(one)], alone[id(other)]))
        for side in (one, other):
            side.begin()
        for count, side in ((steps // 2, first), (steps, second), (steps // 2, first)):
            side.warm(steps // 2, in_step)
            side.steps(count, in_step)
        own, others = one.end(), other.end()
        mixed.append(_difference(own, others))
        totals.append((*own, *others))
    predicted = break_even_of_rounds(apart, f"{one.contest.cell.cell_id}/{other.contest.cell.cell_id}")
    at = predicted.reads or in_step / one.batch
    pays, _ = pays_from(*(statistics.median(times) for times in zip(*mixed, strict=True)))
    sense = sense_of(predicted.pays, pays)
    ratios = sorted(_ratio(saved, added, sense) for saved, added in mixed)
    middle = statistics.median(ratios)
    return Direct(
        predicted,
        pays,
        middle if middle < float("inf") else None,
        ratios[0] if ratios[0] < float("inf") else None,
        ratios[-1] if ratios[-1] < float("inf") else None,
        statistics.median(_over(at * r + w, at * other_r + other_w) for r, w, other_r, other_w in totals),
        in_step / one.batch,
        rounds,
    )


def _steps(reads: float, batch: int, costs: tuple[float, float]) -> tuple[int, float]:
    """How many steps a round has, and how many reads a step."""
    affordable = max(1.0, (ROUND_NS / _FEWEST_STEPS - batch * costs[1]) / max(1.0, costs[0]))
    in_step = min(reads * batch, affordable)
    step_ns = in_step * costs[0] + batch * costs[1]
    return max(_FEWEST_STEPS, min(_MOST_STEPS, int(ROUND_NS / max(1.0, step_ns)))) // 2 * 2, in_step


def _difference(one: tuple[float, float], other: tuple[float, float]) -> tuple[float, float]:
    """What a read of the one saves, and a write adds."""
    return other[0] - one[0], one[1] - other[1]


def _over(total: float, other: float) -> float:
    return total / other if other else 1.0


def _ratio(saved: float, added: float, sense: Pays) -> float:
    """The reads for each write at which a round's costs are alike.

    Of what pays from a mix on, 0 where every mix pays, and infinite where none does; of what pays up to a mix the other
    way round: where its writes are not cheaper, it pays up to no read at all.
    """
    sign = -1.0 if sense == "up to" else 1.0
    if sign * saved <= 0:
        return float("inf")
    return max(0.0, added / saved)
