"""The answer: which strategy, by which rule, and how it reads aloud.

Rule (METHODOLOGY, "Answers"): drop contenders with empty partitions or load_max_over_mean > 1.25;
order by mean cross_join_share, moved_over_optimum.add_one, load_max_over_mean, name. The rule is
always shown, and with it the Pareto set over the same three criteria.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.experiments.base import Answer, Cell
from assay.experiments.pareto import pareto

__all__ = ["MOST_LOAD", "answer"]

MOST_LOAD = 1.25

Row = Mapping[str, float | None]


def answer(
    parameters: Mapping[str, Any],
    cells: Sequence[Cell],
    values: Mapping[str, Row],
    notes: Sequence[str] = (),
    most_load: float = MOST_LOAD,
) -> Answer:
    """The answer for one grid point.

    Args:
        parameters: The grid point: {"partitions": 8}.
        cells: The cells of that point that were measured.
        values: By cell id, the metrics by name.
        notes: What the reader must know.
        most_load: The greatest load_max_over_mean of a usable strategy.
    """
    rows = {cell.contender: values.get(cell.cell_id, {}) for cell in cells}
    was_measured = bool(rows) and all("load_max_over_mean" in row for row in rows.values())
    rows = {name: row for name, row in rows.items() if row.get("load_max_over_mean") is not None}
    weightless = was_measured and not rows  # x/0 is null: the table has rows, but each weighs 0
    dropped = {name: why for name, row in rows.items() if (why := _dropped(row, most_load))}
    usable = [name for name in rows if name not in dropped]
    best = min(usable, key=lambda name: (*_criteria(rows[name]), name), default=None)
    rule = (
        f"without strategies that leave partitions empty or hold more than {most_load} x the mean in one; then least "
        "cross-partition joins (mean over foreign keys), then least movement when a node is added (over the optimum), "
        "then least load_max_over_mean, then name"
    )
    sentence = _sentence(rows, best, dropped, int(parameters.get("partitions", 0)))
    if weightless:
        weight = parameters.get("weight")
        sentence = f'Nothing can be compared: the weight "{weight}" is 0 in every row; leave it out to count rows.'
    unbeaten = pareto({name: _criteria(row) for name, row in rows.items()})
    return Answer(sentence, best, rule, tuple(unbeaten), dropped, tuple(notes), dict(parameters))


def _dropped(row: Row, most_load: float) -> str | None:
    empty, load = row.get("empty_partitions") or 0, row["load_max_over_mean"] or 0
    if empty:
        return f"{empty:.0f} empty partition{'s' if empty != 1 else ''}"
    if load > most_load:
        return f"the fullest partition holds {load:.2f} × the mean"
    return None


def _joins(row: Row) -> dict[str, float]:
    return {
        name.partition(".")[2]: share
        for name, share in row.items()
        if name.startswith("cross_join_share.") and share is not None
    }


def _criteria(row: Row) -> tuple[float, float, float]:
    joins = _joins(row)
    moved = row.get("moved_over_optimum.add_one")
    load = row.get("load_max_over_mean")
    return (
        sum(joins.values()) / len(joins) if joins else 0.0,
        float("inf") if moved is None else moved,
        float("inf") if load is None else load,
    )


def _sentence(rows: Mapping[str, Row], best: str | None, dropped: Mapping[str, str], n: int) -> str:
    where = f"on {n} partition{'s' if n != 1 else ''}"
    if not rows:
        return f"No strategy could be measured {where}."
    if best is None:
        nearest = min(dropped, key=lambda name: (rows[name]["load_max_over_mean"] or 0, *_criteria(rows[name]), name))
        if len(rows) == 1:
            return f"{nearest} does not spread this table {where}: {dropped[nearest]}."
        return (
            f"None of the {len(rows)} strategies spreads this table {where}: the nearest is {nearest}, "
            f"but {dropped[nearest]}."
        )
    row = rows[best]
    load = row["load_max_over_mean"] or 0
    evenness = "evenly" if load <= 1.15 else "fairly evenly"
    text = f"{best} spreads {evenness} {where} ({load:.2f} × mean)"
    joins = _joins(row)
    local = [name for name, share in joins.items() if share == 0]
    crossing = sorted(((share, name) for name, share in joins.items() if share > 0), reverse=True)
    if local:
        text += f" and keeps {_listed(local)} local"
    moved = row.get("moved_share.add_one")
    clauses = []
    if crossing:
        share, name = crossing[0]
        clauses.append(f"{_percent(share)} of joins with {name} cross partitions")
    if moved is not None:
        clauses.append(f"a node more moves {_percent(moved)} of the data (equal shares need {_percent(1 / (n + 1))})")
    return "; ".join([text, *clauses]) + "."


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else f"{100 * share:.2f} %"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
