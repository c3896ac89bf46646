"""The answer: which filter, by which rule, and how it reads aloud.

The rule is that of METHODOLOGY, "Answers": drop filters whose measured rate is surely above the target; then the
fewest bits a key, the lower rate, and the name. Which is fastest depends on the machine, and is shown beside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.experiments.base import Answer, Cell, Value
from assay.experiments.pareto import pareto
from assay.units import format_bytes

__all__ = ["MOST_OVER_TARGET", "answer"]

MOST_OVER_TARGET = 1.1

_BITS, _RATE, _OVER = "bits_per_key", "false_positive_rate", "false_positive_rate_over_target"
_CRITERIA = (_BITS, _RATE)

Row = Mapping[str, Value]


def answer(cells: Sequence[Cell], by_cell: Mapping[str, Row], left_out: Mapping[str, str] | None = None) -> Answer:
    """The answer for one target rate, number of keys and order; all cells have them.

    `left_out` are the filters of the catalogue that cannot be for this rate or type of key, and why.
    """
    parameters = dict(cells[0].parameters)
    rows = {cell.contender: by_cell[cell.cell_id] for cell in cells if cell.cell_id in by_cell}
    rows = {name: row for name, row in rows.items() if all(_number(row, metric) is not None for metric in _CRITERIA)}
    dropped = {
        name: f"it says yes to {_percent(_value(row, _RATE))} of the absent keys"
        for name, row in rows.items()
        if (row[_OVER].low or 0) > MOST_OVER_TARGET
    }
    usable = {name: row for name, row in rows.items() if name not in dropped}
    best = min(usable, key=lambda name: (*(_value(usable[name], metric) for metric in _CRITERIA), name), default=None)
    rule = (
        f"without filters whose rate is surely more than {MOST_OVER_TARGET} x the target; then the fewest bits a key, "
        "the lowest rate, and the name"
    )
    unbeaten = pareto({name: tuple(_value(row, metric) for metric in _CRITERIA) for name, row in rows.items()})
    target = float(parameters["false_positive_rate"])
    if not rows and (why := _unjudged(cells, by_cell)):
        return Answer(
            f"No filter could be judged at a target of {_percent(target)}: {why}.", None, rule, (), {}, (), parameters
        )
    sentence, findings = _sentence(rows, best, target, parameters["key"]), _findings(rows.get(best or "", {}))
    notes = [f"{name} was left out: {why}" for name, why in (left_out or {}).items()]
    return Answer(sentence, best, rule, tuple(unbeaten), dropped, tuple(notes), parameters, findings)


def _unjudged(cells: Sequence[Cell], by_cell: Mapping[str, Row]) -> str | None:
    """Why filters that were built have no rate; None where none was built."""
    notes = [by_cell[cell.cell_id][_RATE].note for cell in cells if _RATE in by_cell.get(cell.cell_id, {})]
    return next((note for note in notes if note), None)


def _number(row: Row, metric: str) -> float | None:
    return row[metric].value if metric in row else None


def _value(row: Row, metric: str) -> float:
    value = row[metric].value
    assert value is not None, "only rows with all criteria are compared"
    return value


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _sentence(rows: Mapping[str, Row], best: str | None, target: float, key: object) -> str:
    if not rows:
        return f"No filter could be measured at a target of {_percent(target)}."
    if best is None:
        return f"None of the {len(rows)} filters keeps to {_percent(target)} on these keys."
    row = rows[best]
    rate = _value(row, _RATE)
    wrong = (
        f"{_percent(rate)} of absent ones" if rate else f"none of {_value(row, 'absent_keys_asked'):,.0f} absent ones"
    )
    return (
        f"{best} holds the {_value(row, 'keys_held'):,.0f} keys of {key} in {_value(row, _BITS):.2f} bits each "
        f"and says yes to {wrong} ({_percent(target)} asked for)."
    )


def _findings(row: Row) -> tuple[str, ...]:
    """What a filter for each row group would spare; nothing where there are no groups."""
    if not row or _number(row, "row_groups_read_mean") is None:
        return ()
    groups, read = _value(row, "row_groups"), _value(row, "row_groups_read_mean")
    by_min_max, saved = _value(row, "row_groups_read_by_min_max"), _value(row, "bytes_saved_mean")
    words = (
        f"With one for each of {groups:.0f} row groups a point query reads {read:.2f} of them instead of "
        f"{by_min_max:.2f} by min and max alone ({_value(row, 'row_groups_read_at_best'):.2f} hold what it asks for), "
    )
    if saved >= 0:
        return (words + f"which spares it {format_bytes(saved)} after the filters' own.",)
    return (words + f"and {format_bytes(-saved)} more, as the filters' own bytes outweigh what they spare.",)
