"""The answer: which policy, by how much, and what the trace does not tell.

The rule is that of METHODOLOGY, "Caching": of the policies that can be built the fewest misses; policies whose ranges
over seeds meet are not told apart, and are named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.caches.policies import parse_policy
from assay.experiments.base import Answer, Cell, Value
from assay.experiments.caching.policies import BOUND, USUAL, knows_the_future
from assay.experiments.pareto import pareto
from assay.units import format_bytes, format_count, format_value

__all__ = ["answer"]

Row = Mapping[str, Value]

_RULE = (
    "the fewest misses of those that can be built; which miss alike is said, and the catalogue's first of them stands "
    "for all"
)
_CRITERIA = ("miss_ratio", "byte_miss_ratio", "evictions")


def answer(cells: Sequence[Cell], by_cell: Mapping[str, Row], all_cells: Sequence[Cell] = ()) -> Answer:
    """The answer for one capacity, which all of `cells` have; what holds for `all_cells` is said with the first."""
    parameters = dict(cells[0].parameters)
    rows = {cell.contender: by_cell[cell.cell_id] for cell in cells if cell.cell_id in by_cell}
    where = _where(cells[0], next(iter(rows.values()), {}))
    if not rows:
        return Answer(f"No policy could be simulated in {where}.", None, _RULE, parameters=parameters)
    bounds = {name: "it knows the future" for name in rows if knows_the_future(parse_policy(name))}
    usable = {name: row for name, row in rows.items() if name not in bounds}
    best = min(usable, key=lambda name: _of(usable[name], "miss_ratio"), default=None)
    criteria = [metric for metric in _CRITERIA if all(_number(row, metric) is not None for row in usable.values())]
    unbeaten = pareto({name: tuple(_of(row, metric) for metric in criteria) for name, row in usable.items()})
    if best is None:
        sentence = f"Only bounds were simulated in {where}: {', '.join(rows)} cannot be built."
        return Answer(sentence, None, _RULE, (), bounds, (), parameters)
    return Answer(
        _sentence(usable, best, where),
        best,
        _RULE,
        tuple(unbeaten),
        bounds,
        tuple(_notes(usable[best], first=bool(all_cells))),
        parameters,
        (*_findings(rows, usable, best), *_knee(best, usable[best], all_cells), *_cheapest(all_cells, by_cell)),
    )


def _number(row: Row, metric: str) -> float | None:
    return row[metric].value if metric in row else None


def _of(row: Row, metric: str) -> float:
    value = _number(row, metric)
    assert value is not None, f"{metric} is always known"
    return value


def _percent(share: float) -> str:
    return format_value(share, "share")


def _points(share: float) -> str:
    """A difference of two shares, in points."""
    return f"{100 * share:.2g}" if share < 0.01 else f"{100 * share:.1f}"


def _where(cell: Cell, row: Row) -> str:
    """The cache in words, with what a share comes to."""
    given = cell.parameters["capacity"]
    objects, size = _number(row, "capacity_objects"), _number(row, "capacity_bytes")
    counted = "" if objects is None else f"{format_count(objects)} {'object' if objects == 1 else 'objects'}"
    counted = counted if size is None else format_bytes(size)
    shuffled = ", requests shuffled," if cell.parameters["order"] == "shuffled" else ""
    if not counted:
        return f"a cache of {given}{shuffled}"
    return (f"a cache of {given} ({counted})" if isinstance(given, str) else f"a cache of {counted}") + shuffled


def _requests(row: Row) -> str:
    count = _of(row, "requests")
    return "1 request" if count == 1 else f"{format_count(count)} requests"


def _range(value: Value) -> tuple[float, float]:
    assert value.value is not None, "miss ratios are always known"
    return (
        value.value if value.low is None else value.low,
        value.value if value.high is None else value.high,
    )


def _alike(rows: Mapping[str, Row], best: str) -> list[str]:
    """The others that seeds cannot tell from the best, or that miss as often."""
    _, high = _range(rows[best]["miss_ratio"])
    return [name for name, row in rows.items() if name != best and _range(row["miss_ratio"])[0] <= high]


def _sentence(rows: Mapping[str, Row], best: str, where: str) -> str:
    row = rows[best]
    least = _of(row, "miss_ratio")
    alike = _alike(rows, best)
    others = {name: _of(other, "miss_ratio") for name, other in rows.items() if name not in (best, *alike)}
    told = f"In {where} {best} misses {_percent(least)} of {_requests(row)}"
    beaten = ""
    if others:
        following = min(others, key=lambda name: others[name])
        beaten = f"{_points(others[following] - least)} points fewer than the next, {following}"
        if USUAL in others and following != USUAL:
            beaten += f", and {_points(others[USUAL] - least)} fewer than {USUAL}"
    if alike:
        several = ", ".join(alike[:-1]) + " and " + alike[-1] if len(alike) > 1 else alike[0]
        told += f", as {'do' if len(alike) > 1 else 'does'} {several}"
    if beaten:
        told += f": {beaten}"
    floor = _of(row, "compulsory_miss_ratio")
    return f"{told}. {_percent(floor)} are first requests of a key, which miss in any cache."


def _findings(rows: Mapping[str, Row], usable: Mapping[str, Row], best: str) -> list[str]:
    found = []
    least = _of(rows[best], "miss_ratio")
    distance = _number(rows[best], "distance_to_opt")
    if distance is not None:
        floor = _of(rows[best], "compulsory_miss_ratio")
        if distance <= 0:
            found.append(f"That is as few as {BOUND}, which knows the future.")
        else:
            found.append(
                f"{BOUND}, which knows the future, misses {_percent(least - distance)}: that is what is left to win."
            )
        if least - floor < 0.001 and len(usable) > 1:
            found.append("Nearly all misses are first requests: a larger cache, or another policy, cannot help.")
    size = _number(rows[best], "byte_miss_ratio")
    if size is not None:
        byte_best = min(usable, key=lambda name: _number(usable[name], "byte_miss_ratio") or 0)
        fewest = _of(usable[byte_best], "byte_miss_ratio")
        if byte_best != best and fewest < size:
            found.append(
                f"Of bytes {byte_best} misses fewest, {_percent(fewest)}, where {best} misses {_percent(size)}."
            )
    return found


def _knee(best: str, row: Row, cells: Sequence[Cell]) -> list[str]:
    """Where the curve of the first capacity's winner bends, told once."""
    capacity = _number(row, "knee_capacity")
    if not cells or capacity is None:
        return []
    size = f"{format_count(capacity)} objects" if _number(row, "capacity_bytes") is None else format_bytes(capacity)
    return [f"The curve of {best} bends at {size}: beyond, more room brings less than before."]


def _cheapest(cells: Sequence[Cell], by_cell: Mapping[str, Row]) -> list[str]:
    """Which of all caches costs least, where prices are given; bounds and shuffled traces are no choice."""
    known = [
        (row["cost"].value, cell)
        for cell in cells
        if (row := by_cell.get(cell.cell_id, {})) and _number(row, "cost") is not None
        if cell.parameters["order"] == "stored" and not knows_the_future(parse_policy(cell.contender))
    ]
    if not known:
        return []
    cost, cell = min(known, key=lambda pair: pair[0] or 0)
    row = by_cell[cell.cell_id]
    return [
        f"By these prices {cell.contender} in {_where(cell, row)} costs least of all that was simulated: {cost:,.4g}."
    ]


def _notes(row: Row, *, first: bool) -> list[str]:
    notes = []
    if first:
        these = "This is" if _of(row, "requests") == 1 else "These are"
        notes.append(
            f"{these} {_requests(row)} of one trace: another day, or another service, may have another winner. "
            "All requests are counted, from an empty cache on."
        )
    if _of(row, "evictions") == 0:
        notes.append("Nothing was evicted: the cache holds all that was asked for, and policies do not differ.")
    return notes
