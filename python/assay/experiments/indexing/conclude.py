"""What is made of the times: costs of reads and writes, each query's cheapest index, and where each begins to pay."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence

from assay.errors import AssayError
from assay.experiments.base import Findings, Times, Value
from assay.experiments.indexing.break_even import BreakEven, Draws, break_even, cheapest, interval, sense_of
from assay.experiments.indexing.contenders import close
from assay.experiments.indexing.contests import Contest, plan_of
from assay.experiments.indexing.costs import Cost, baseline, costs_of, points_of
from assay.experiments.indexing.direct import AGREEMENT, Direct, Side, measure_directly
from assay.experiments.indexing.mix import Mix
from assay.experiments.indexing.settings import IndexingSettings
from assay.experiments.indexing.table import Columns
from assay.units import count_of

__all__ = ["agreement", "conclude"]

_KEPT = 2  # indexes of a direct measurement: the best ones are compared with all others


def conclude(
    contests: Sequence[Contest],
    columns: Columns,
    mix: Mix,
    settings: IndexingSettings,
    times: Times,
    on_progress: Callable[[float], None],
) -> Findings:
    """Values of every index whose times are complete.

    Args:
        contests: All of them.
        columns: The table.
        mix: The workload.
        settings: Among them the rounds of the direct measurement.
        times: What was timed.
        on_progress: Told of the share that is done.
    """
    points = points_of(contests)
    values: list[Value] = []
    for place, here in enumerate(points):
        costs = costs_of(here, mix, times, settings.seed)
        if costs:
            values += _costs(costs, mix)
            values += _regrets(costs)
            for part, found in enumerate(_break_evens(costs, columns, mix, settings), 1):
                values += found
                on_progress((place + part / len(costs)) / len(points))
        on_progress((place + 1) / len(points))
    return Findings(values)


def _timed(cost: Cost, metric: str, draws: Draws, note: str | None = None) -> Value:
    low, high = interval(draws)
    return Value(cost.contest.cell.cell_id, metric, draws.value, low, high, note)


def _costs(costs: Sequence[Cost], mix: Mix) -> list[Value]:
    values = []
    for cost in costs:
        note = f"{', '.join(cost.left)} left to the scan" if cost.left else None
        values += [
            _timed(cost, "read_ns", cost.read, note),
            _timed(cost, "write_ns", cost.write, _write_note(cost)),
            _timed(cost, "workload_ns", cost.workload, f"{100 * mix.read_share:.4g} % of the operations read"),
        ]
        for name, draws in cost.queries.items():
            left = "left to the scan" if name in cost.left else None
            values.append(_timed(cost, f"query_cost_ns.{name}", draws, left))
        base = baseline(cost, costs)
        if base is not None:
            speedup = Draws(base.read.value / cost.read.value, base.read.draws / cost.read.draws)
            values.append(_timed(cost, "read_speedup", speedup, f"over {base.name}"))
    return values


def _write_note(cost: Cost) -> str | None:
    if cost.contest.is_none:
        return "the table's own writes are left out"
    return "the table's own writes among them" if cost.contest.spec.is_engine else None


def _regrets(costs: Sequence[Cost]) -> list[Value]:
    """Over the cheapest: of the whole workload, and of each query."""
    values = []
    least = min(cost.workload.value for cost in costs)
    for cost in costs:
        values.append(Value(cost.contest.cell.cell_id, "workload_regret", cost.workload.value / least - 1))
    for name in dict.fromkeys(name for cost in costs for name in cost.queries):
        asked = [cost for cost in costs if name in cost.queries]
        best = min(cost.queries[name].value for cost in asked)
        values += [
            Value(cost.contest.cell.cell_id, f"query_regret.{name}", cost.queries[name].value / best - 1)
            for cost in asked
        ]
    return values


def _break_evens(
    costs: Sequence[Cost],
    columns: Columns,
    mix: Mix,
    settings: IndexingSettings,
) -> Iterator[list[Value]]:
    """Of each index against the same without one, and against the cheapest other one at this mix, one after another.

    Structures are compared with structures and engines with engines, which hold the table too.
    """
    indexes = [cost for cost in costs if not cost.contest.spec.is_bare]
    sides = _Sides(columns, mix, settings, costs)
    try:
        for cost in indexes:
            values: list[Value] = []
            base = baseline(cost, costs)
            if base is not None:
                values += _one(cost, base, "none", sides, settings)
            alike = [other for other in indexes if other.contest.spec.is_engine == cost.contest.spec.is_engine]
            others = {other.name: other.workload.value for other in alike if other is not cost}
            if others:
                name = cheapest(others)
                best = next(other for other in alike if other.name == name)
                values += _one(cost, best, "next_best", sides, settings)
            sides.keep_few()
            yield values
    finally:
        sides.close()


class _Sides:
    """The indexes of direct measurements, built when they are needed, the last few of them kept."""

    def __init__(self, columns: Columns, mix: Mix, settings: IndexingSettings, costs: Sequence[Cost]) -> None:
        self._columns, self._mix, self._settings = columns, mix, settings
        self._scan = next((cost for cost in costs if cost.contest.is_none), None)
        self._built: dict[str, Side] = {}  # the one used last at the end

    def of(self, cost: Cost) -> Side:
        """The side of an index."""
        contest = cost.contest
        cell = contest.cell.cell_id
        if cell in self._built:
            self._built[cell] = self._built.pop(cell)
            return self._built[cell]
        scan = self.of(self._scan) if cost.left and self._scan is not None else None
        plan = plan_of(contest.key, self._columns, self._mix, self._settings)
        index = contest.built(plan.rows, self._settings)
        names = contest.key.names
        side = Side(contest, plan, index, scan, self._mix.of(names), self._mix.writes_of(names), self._settings.batch)
        self._built[cell] = side
        return side

    def keep_few(self) -> None:
        """Ends those that were not used for the longest time; the scan stays, as others lean on it."""
        scan = None if self._scan is None else self._scan.contest.cell.cell_id
        for cell in [cell for cell in self._built if cell != scan][:-_KEPT]:
            close(self._built.pop(cell).index)

    def close(self) -> None:
        """Ends all."""
        while self._built:
            close(self._built.popitem()[1].index)


def _one(cost: Cost, other: Cost, against: str, sides: _Sides, settings: IndexingSettings) -> list[Value]:
    found = break_even(cost.read, cost.write, other.read, other.write)
    cell_id, versus = cost.contest.cell.cell_id, f"against {other.name}: "
    if not settings.direct_rounds or not found.reads:
        return [_predicted(cell_id, against, versus, found)]
    try:
        dearest = max(cost.read.value, other.read.value), max(cost.write.value, other.write.value)
        direct = measure_directly(sides.of(cost), sides.of(other), found.reads, dearest, settings.direct_rounds)
    except AssayError as error:
        unmeasured = Value(cell_id, f"break_even_reads_direct.{against}", None, note=str(error))
        return [_predicted(cell_id, against, versus, found), unmeasured]
    found = direct.predicted
    values = [_predicted(cell_id, against, versus, found)]
    ratio = found.reads / direct.reads if found.reads and direct.reads else None
    note = (
        f"{versus}median of {count_of(direct.rounds, 'round')} at {direct.mix:.3g} reads for each write, where its "
        f"total is {direct.cost_ratio:.3g} of the other's"
    )
    values.append(Value(cell_id, f"break_even_reads_direct.{against}", direct.reads, direct.low, direct.high, note))
    values.append(Value(cell_id, f"break_even_over_direct.{against}", ratio, note=agreement(found, direct)))
    return values


def _predicted(cell_id: str, against: str, versus: str, found: BreakEven) -> Value:
    return Value(cell_id, f"break_even_reads.{against}", found.reads, found.low, found.high, versus + found.words)


def agreement(found: BreakEven, direct: Direct) -> str:
    """Whether the prediction and the direct measurement agree, in words."""
    if found.pays == direct.pays and found.pays in ("never", "always"):
        return f"they agree that it pays at {'no mix' if found.pays == 'never' else 'every mix'}"
    predicted, measured = _mix(found.reads), _mix(direct.reads)
    if found.reads is None and sense_of(found.pays, direct.pays) == "up to":
        predicted = 0.0 if found.pays == "never" else math.inf
    if 0 < measured < math.inf and abs(predicted / measured - 1) <= AGREEMENT:
        return f"they agree within {100 * AGREEMENT:.0f} %"
    if _mix(direct.low) <= predicted <= _mix(direct.high):
        return "they agree within the interval"
    if found.low is not None and found.low <= measured <= _mix(found.high):
        return "they agree within the interval"
    return "they disagree" + ("" if measured < math.inf else ": the rounds found no mix at which both are alike")


def _mix(reads: float | None) -> float:
    """Where there is no mix: more reads for each write than can be."""
    return math.inf if reads is None else reads
