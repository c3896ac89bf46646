"""What is made of the times: costs of reads and writes, each query's cheapest index, and where each begins to pay."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from assay.errors import AssayError
from assay.experiments.base import Findings, Rounds, Value
from assay.experiments.indexing.break_even import BreakEven, Draws, break_even, cheapest, interval
from assay.experiments.indexing.contests import Contest, plan_of
from assay.experiments.indexing.costs import Cost, costs_of, points_of
from assay.experiments.indexing.direct import AGREEMENT, Direct, Side, measure_directly
from assay.experiments.indexing.mix import Mix
from assay.experiments.indexing.settings import IndexingSettings
from assay.experiments.indexing.table import Columns

__all__ = ["agreement", "conclude"]


def conclude(
    contests: Sequence[Contest],
    columns: Columns,
    mix: Mix,
    settings: IndexingSettings,
    rounds: Rounds,
    on_progress: Callable[[float], None],
) -> Findings:
    """Values of every index whose times are complete.

    Args:
        contests: All of them.
        columns: The table.
        mix: The workload.
        settings: Among them the rounds of the direct measurement.
        rounds: What was timed.
        on_progress: Told of the share that is done.
    """
    points = points_of(contests)
    values: list[Value] = []
    for place, here in enumerate(points):
        costs = costs_of(here, mix, rounds, settings.seed)
        if costs:
            values += _costs(costs, mix)
            values += _regrets(costs)
            values += _break_evens(costs, columns, mix, settings)
        on_progress((place + 1) / len(points))
    return Findings(values)


def _timed(cost: Cost, metric: str, draws: Draws, note: str | None = None) -> Value:
    low, high = interval(draws)
    return Value(cost.contest.cell.cell_id, metric, draws.value, low, high, note)


def _costs(costs: Sequence[Cost], mix: Mix) -> list[Value]:
    scan = costs[0]
    values = []
    for cost in costs:
        note = f"{', '.join(cost.left)} left to the scan" if cost.left else None
        speedup = Draws(scan.read.value / cost.read.value, scan.read.draws / cost.read.draws)
        values += [
            _timed(cost, "read_ns", cost.read, note),
            _timed(cost, "write_ns", cost.write),
            _timed(cost, "workload_ns", cost.workload, f"{100 * mix.read_share:.4g} % of the operations read"),
            _timed(cost, "read_speedup", speedup),
        ]
    return values


def _regrets(costs: Sequence[Cost]) -> list[Value]:
    """Over the cheapest: of the whole workload, and of each query."""
    values = []
    least = min(cost.workload.value for cost in costs)
    for cost in costs:
        values.append(Value(cost.contest.cell.cell_id, "workload_regret", cost.workload.value / least - 1))
    for name in costs[0].queries:
        times = {cost.contest.spec.text: cost.queries[name].value for cost in costs if name in cost.queries}
        best = min(times.values())
        for cost in costs:
            if name in cost.queries:
                regret = cost.queries[name].value / best - 1
                values.append(Value(cost.contest.cell.cell_id, f"query_regret.{name}", regret))
    return values


def _break_evens(costs: Sequence[Cost], columns: Columns, mix: Mix, settings: IndexingSettings) -> list[Value]:
    """Of each index against no index, and against the cheapest other one at this mix."""
    scan, indexes = costs[0], costs[1:]
    by_name = {cost.contest.spec.text: cost for cost in indexes}
    sides = _Sides(columns, mix, settings, scan)
    values: list[Value] = []
    for cost in indexes:
        values += _one(cost, scan, "none", sides, settings)
        others = {name: other.workload.value for name, other in by_name.items() if other is not cost}
        if others:
            best = by_name[cheapest(others)]
            values += _one(cost, best, "next_best", sides, settings)
        sides.drop(cost)
    return values


class _Sides:
    """The indexes of a direct measurement, built when they are needed; that of no index, and of the best ones, kept."""

    def __init__(self, columns: Columns, mix: Mix, settings: IndexingSettings, scan: Cost) -> None:
        self._columns, self._mix, self._settings, self._scan = columns, mix, settings, scan
        self._built: dict[str, Side] = {}
        self._asked: dict[str, int] = {}

    def of(self, cost: Cost) -> Side:
        """The side of an index."""
        contest = cost.contest
        cell = contest.cell.cell_id
        self._asked[cell] = self._asked.get(cell, 0) + 1
        if cell not in self._built:
            plan = plan_of(contest.key, self._columns, self._mix, self._settings)
            index = contest.built(plan.rows, self._settings)
            scan = index if cost is self._scan else self.of(self._scan).index
            names = contest.key.names
            self._built[cell] = Side(contest, plan, index, scan, self._mix.of(names), self._mix.writes_of(names))
        return self._built[cell]

    def drop(self, cost: Cost) -> None:
        """Forgets an index that no other was compared with so far."""
        cell = cost.contest.cell.cell_id
        if self._asked.get(cell, 0) <= 2:
            self._built.pop(cell, None)


def _one(cost: Cost, other: Cost, against: str, sides: _Sides, settings: IndexingSettings) -> list[Value]:
    found = break_even(cost.read, cost.write, other.read, other.write)
    cell_id, name = cost.contest.cell.cell_id, f"break_even_reads.{against}"
    versus = "" if against == "none" else f"against {other.contest.spec.text}: "
    values = [Value(cell_id, name, found.reads, found.low, found.high, versus + found.words)]
    if not settings.direct_rounds or not found.reads:
        return values
    try:
        dearest = max(cost.read.value, other.read.value), max(cost.write.value, other.write.value)
        direct = measure_directly(sides.of(cost), sides.of(other), found.reads, dearest, settings.direct_rounds)
    except AssayError as error:
        return [*values, Value(cell_id, f"break_even_reads_direct.{against}", None, note=str(error))]
    ratio = found.reads / direct.reads if direct.reads else None
    note = (
        f"{versus}median of {direct.rounds} rounds at {direct.mix:.3g} reads for each write, where its total is "
        f"{direct.cost_ratio:.3g} of the other's"
    )
    values.append(Value(cell_id, f"break_even_reads_direct.{against}", direct.reads, direct.low, direct.high, note))
    values.append(Value(cell_id, f"break_even_over_direct.{against}", ratio, note=agreement(found, direct)))
    return values


def agreement(found: BreakEven, direct: Direct) -> str:
    """Whether the prediction and the direct measurement agree, in words."""
    if direct.reads is None or found.reads is None:
        return "they disagree: the rounds found no mix at which both are alike"
    if abs(found.reads / direct.reads - 1) <= AGREEMENT if direct.reads else False:
        return f"they agree within {100 * AGREEMENT:.0f} %"
    inside = _within(direct.reads, found.low, found.high) or _within(found.reads, direct.low, direct.high)
    return "they agree within the interval" if inside else "they disagree"


def _within(value: float, low: float | None, high: float | None) -> bool:
    return (low is None or low <= value) and (high is None or value <= high)
