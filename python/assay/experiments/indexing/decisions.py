"""Which index each query is cheapest with, and which set of indexes suits the whole workload, with its regret.

A query costs what the fastest index of the set takes that answers it, or the scan; a write costs what every index of
the set adds. Sets of at most one index for each key are tried: all of them while they are few, else the index that
helps most is added one after another until none helps. The regret of a choice is its cost over the cheapest one.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from assay.experiments.base import Cell, Value
from assay.experiments.indexing.contenders import NO_INDEX
from assay.experiments.indexing.mix import Mix
from assay.units import format_duration_ns

__all__ = ["MOST_SETS", "Candidate", "Choice", "best_set", "cost_of", "decisions", "times", "whole_workload"]

MOST_SETS = 100_000
_COST = "query_cost_ns."
_VARIED = ("order", "threads", "rows", "duplicates")

Row = Mapping[str, Value]


@dataclass(frozen=True)
class Candidate:
    """An index on a key: what each query takes with it, and what it adds to a write."""

    key: str
    index: str
    queries: Mapping[str, float]
    write: float

    @property
    def label(self) -> str:
        """As people say it."""
        return f"{self.index} on {self.key}"


@dataclass(frozen=True)
class Choice:
    """A set of indexes and its cost: of an operation of the workload, in ns."""

    indexes: tuple[Candidate, ...]
    cost: float
    is_exhaustive: bool

    @property
    def words(self) -> str:
        """The set."""
        return ", ".join(one.label for one in self.indexes) or "no index at all"


def times(ratio: float) -> str:
    """A ratio in words: three digits, and no power of ten.

    >>> times(2.2234), times(22234.4)
    ('2.22', '22,234')
    """
    return f"{ratio:,.0f}" if ratio >= 100 else f"{ratio:.3g}"


def cost_of(
    chosen: Sequence[Candidate], scans: Mapping[str, float], shares: Mapping[str, float], write_share: float
) -> float:
    """What an operation costs with these indexes.

    Args:
        chosen: The indexes.
        scans: What each query takes without an index.
        shares: The share of each query of all operations.
        write_share: The share of writes.
    """
    reads = sum(
        shares[name] * min([scan, *(one.queries[name] for one in chosen if name in one.queries)])
        for name, scan in scans.items()
    )
    return reads + write_share * sum(one.write for one in chosen)


def best_set(
    candidates: Sequence[Candidate], scans: Mapping[str, float], shares: Mapping[str, float], write_share: float
) -> Choice:
    """The set of indexes with the least cost."""
    by_key: dict[str, list[Candidate]] = {}
    for one in candidates:
        by_key.setdefault(one.key, []).append(one)
    count = 1
    for options in by_key.values():
        count *= len(options) + 1
    if count <= MOST_SETS:
        sets = (
            tuple(one for one in picked if one is not None)
            for picked in itertools.product(*([None, *options] for options in by_key.values()))
        )
        found = min(sets, key=lambda chosen: (cost_of(chosen, scans, shares, write_share), len(chosen)))
        return Choice(found, cost_of(found, scans, shares, write_share), is_exhaustive=True)
    chosen: list[Candidate] = []
    cost = cost_of(chosen, scans, shares, write_share)
    while True:
        taken = {one.key for one in chosen}
        tried = [
            (cost_of([*chosen, one], scans, shares, write_share), one) for one in candidates if one.key not in taken
        ]
        least, best = min(tried, key=lambda pair: pair[0], default=(cost, None))
        if best is None or least >= cost:
            return Choice(tuple(chosen), cost, is_exhaustive=False)
        chosen.append(best)
        cost = least


def decisions(cells: Sequence[Cell], by_cell: Mapping[str, Row]) -> list[str]:
    """Sentences: the cheapest index of each query of these cells, which are of one key."""
    rows = {cell.contender: by_cell[cell.cell_id] for cell in cells if cell.cell_id in by_cell}
    scan = rows.get(NO_INDEX)
    if scan is None:
        return []
    found = []
    for metric in scan:
        if not metric.startswith(_COST) or scan[metric].value is None:
            continue
        taken = {name: row[metric].value for name, row in rows.items() if metric in row}
        known = {name: float(value) for name, value in taken.items() if value is not None}
        best = min(known, key=lambda name: (known[name], name))
        query = metric.partition(".")[2]
        if best == NO_INDEX:
            found.append(f"{query} is cheapest without an index, {format_duration_ns(known[best])}.")
        else:
            found.append(
                f"{query} is cheapest with {best}: {format_duration_ns(known[best])}, "
                f"{times(known[NO_INDEX] / known[best])} times faster than a scan."
            )
    return found


def whole_workload(cells: Sequence[Cell], by_cell: Mapping[str, Row], mix: Mix) -> list[str]:
    """Sentences: the set of indexes that is the cheapest for all reads and writes, as the keys are varied.

    Nothing where only one key may be indexed, as its own answer says it all.
    """
    found = []
    points: dict[tuple[object, ...], list[Cell]] = {}
    for cell in cells:
        points.setdefault(tuple(cell.parameters.get(name) for name in _VARIED), []).append(cell)
    for point, here in points.items():
        if len({cell.parameters["column"] for cell in here}) < 2:
            continue
        candidates, scans = _candidates(here, by_cell)
        if not candidates:
            continue
        shares = {name: mix.shares[name] for name in scans}
        write_share = 1 - mix.read_share
        best = best_set(candidates, scans, shares, write_share)
        none = cost_of((), scans, shares, write_share)
        words = f"The whole workload is cheapest with {best.words}: {format_duration_ns(best.cost)} an operation"
        if best.indexes:
            words += f", {format_duration_ns(none)} without an index"
            alone = min(
                ((cost_of((one,), scans, shares, write_share), one) for one in candidates), key=lambda pair: pair[0]
            )
            if len(best.indexes) > 1 and best.cost:
                words += f"; {alone[1].label} alone costs {times(alone[0] / best.cost)} times as much"
        varied = ", ".join(f"{name} {value}" for name, value in zip(_VARIED, point, strict=True) if value is not None)
        found.append(f"{words}{f' ({varied})' if len(points) > 1 else ''}.")
    return found


def _candidates(cells: Sequence[Cell], by_cell: Mapping[str, Row]) -> tuple[list[Candidate], dict[str, float]]:
    """The indexes with their times, and what each query takes without one: by the scan of the shortest key."""
    candidates: list[Candidate] = []
    scans: dict[str, float] = {}
    for cell in cells:
        row = by_cell.get(cell.cell_id, {})
        write = row["write_ns"].value if "write_ns" in row else None
        queries = {
            metric.partition(".")[2]: float(value.value)
            for metric, value in row.items()
            if metric.startswith(_COST) and value.value is not None
        }
        if cell.contender == NO_INDEX:
            for name, time in queries.items():
                scans[name] = min(time, scans.get(name, time))
        elif write is not None:
            candidates.append(Candidate(str(cell.parameters["column"]), cell.contender, queries, float(write)))
    return candidates, scans
