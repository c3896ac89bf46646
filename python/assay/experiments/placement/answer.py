"""The answer: which placement, by which rule, and how it reads aloud.

The rule is that of METHODOLOGY, "Answers", where numbers that the seeds cannot tell apart are equal:
drop placements that hold more than 1.25 x the mean on one node; keep those whose movement, over the
seeds, reaches down to that of the least mover; of these those as even as the most even one; then the
fewest stray moves, the least memory, and the name decide. A cluster is one draw: contenders whose
draws overlap cannot be counted on to differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.experiments.base import Answer, Cell, Value
from assay.experiments.pareto import pareto
from assay.experiments.placement.settings import PlacementSettings

__all__ = ["MOST_LOAD", "answer"]

MOST_LOAD = 1.25

_LOAD, _MOVED = "load_max_over_mean", "moved_over_optimum.add_one"
_STRAY, _MEMORY = "stray_moves.add_one", "memory_bytes"
_CRITERIA = (_MOVED, _LOAD, _MEMORY)

Row = Mapping[str, Value]


def answer(cells: Sequence[Cell], by_cell: Mapping[str, Row], settings: PlacementSettings) -> Answer:
    """The answer for one number of nodes; all cells have it."""
    parameters = dict(cells[0].parameters)
    rows = {cell.contender: by_cell[cell.cell_id] for cell in cells if cell.cell_id in by_cell}
    rows = {name: row for name, row in rows.items() if all(_number(row, metric) is not None for metric in _CRITERIA)}
    dropped = {
        name: f"the fullest node holds {_mean(row, _LOAD):.2f} × the mean"
        for name, row in rows.items()
        if _mean(row, _LOAD) > MOST_LOAD
    }
    usable = {name: row for name, row in rows.items() if name not in dropped}
    alike = _least(_least(usable, _MOVED), _LOAD)
    best = min(alike, key=lambda name: (_mean(alike[name], _STRAY), _mean(alike[name], _MEMORY), name), default=None)
    rule = (
        f"without placements that hold more than {MOST_LOAD} x the mean on one node; then those that move least when "
        "a node is added, then the most even, both as far as the seeds can tell; then the fewest stray moves, the "
        "least memory, and the name"
    )
    unbeaten = pareto({name: tuple(_mean(row, metric) for metric in _CRITERIA) for name, row in rows.items()})
    notes = [f"Every number is the mean of {settings.seeds} seeds."] if settings.seeds > 1 else []
    if not settings.placements:
        notes.append(f"No placement was named; these were tried: {', '.join(cell.contender for cell in cells)}.")
    sentence = _sentence(rows, best, dropped, parameters["key"], int(parameters["nodes"]))
    return Answer(sentence, best, rule, tuple(unbeaten), dropped, tuple(notes), parameters)


def _number(row: Row, metric: str) -> float | None:
    return row[metric].value if metric in row else None


def _mean(row: Row, metric: str) -> float:
    value = row[metric].value
    assert value is not None, "only rows with all criteria are compared"
    return value


def _least(rows: Mapping[str, Row], metric: str) -> dict[str, Row]:
    """The placements whose range of `metric` over the seeds meets that of the least one."""
    if not rows:
        return {}
    _, most = _range(min(rows.values(), key=lambda row: _mean(row, metric)), metric)
    return {name: row for name, row in rows.items() if _range(row, metric)[0] <= most}


def _range(row: Row, metric: str) -> tuple[float, float]:
    """The least and the greatest draw."""
    found, mean = row[metric], _mean(row, metric)
    return mean if found.low is None else found.low, mean if found.high is None else found.high


def _sentence(rows: Mapping[str, Row], best: str | None, dropped: Mapping[str, str], key: object, nodes: int) -> str:
    where = f"on {nodes} node{'s' if nodes != 1 else ''}"
    if not rows:
        return f"No placement could be measured {where}."
    if best is None:
        nearest = min(rows, key=lambda name: (_mean(rows[name], _LOAD), name))
        return (
            f"None of the {len(rows)} placements spreads the keys of {key} {where}: with {nearest} {dropped[nearest]}."
        )
    row = rows[best]
    moved, over = _mean(row, "moved_share.add_one"), _mean(row, _MOVED)
    return (
        f"{best} spreads the keys of {key} {where} ({_mean(row, _LOAD):.2f} × mean); a node more moves "
        f"{100 * moved:.1f} % of them (equal shares need {100 * moved / over if over else 0:.1f} %)."
    )
