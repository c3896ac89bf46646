"""The answer: which hash function, by which rule, and how it reads aloud.

The rule is that of METHODOLOGY, "Hash functions on your own keys": drop functions whose buckets are less even, or
whose keys collide more often, than in 999 of 1,000 ideal functions; take the fastest of the others, and among those
that timing cannot tell from it the widest hash, and the first of the catalogue. Where nothing was timed, the first of
the catalogue.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from assay.experiments.base import Answer, Cell, Value
from assay.experiments.pareto import pareto
from assay.units import format_value, plural

__all__ = ["answer"]

_BALANCE = "balance_over_ideal"
_WORDS = {"modulo": "by modulo", "high": "by their high bits", "low": "by their low bits"}

Row = Mapping[str, Value]


def answer(cells: Sequence[Cell], by_cell: Mapping[str, Row], left_out: Mapping[str, str]) -> Answer:
    """The answer for one number of buckets; all cells have it."""
    parameters = dict(cells[0].parameters)
    rows = {cell.contender: by_cell[cell.cell_id] for cell in cells if cell.cell_id in by_cell}
    rows = {name: row for name, row in rows.items() if "collisions" in row}
    dropped = {name: fault for name, row in rows.items() if (fault := _fault(row, parameters["partitions"]))}
    usable = {name: row for name, row in rows.items() if name not in dropped}
    timed = {name: row for name, row in usable.items() if _number(row, "hash_ns") is not None}
    best = _fastest(timed) if timed else next(iter(usable), None)
    rule = (
        "without functions whose buckets are less even, or whose keys collide more often, than in 999 of 1,000 ideal "
        "functions; then the fastest, as far as timing can tell; then the widest hash, and the first of the catalogue"
        + ("" if timed else " (nothing was timed)")
    )
    unbeaten = pareto({name: (_of(row, "hash_ns"), _of(row, "collisions_expected")) for name, row in timed.items()})
    return Answer(
        _sentence(rows, usable, best, dropped, parameters),
        best,
        rule,
        tuple(unbeaten),
        dropped,
        tuple(_notes(rows, best, left_out)),
        parameters,
    )


def _number(row: Row, metric: str) -> float | None:
    return row[metric].value if metric in row else None


def _of(row: Row, metric: str) -> float:
    value = _number(row, metric)
    assert value is not None, f"only rows with {metric} come here"
    return value


def _fault(row: Row, n: int) -> str | None:
    """What chance does not explain."""
    ideal = row["balance_ideal"].high
    uneven = [
        (value.value, metric.partition(".")[2])
        for metric, value in row.items()
        if metric.startswith(f"{_BALANCE}.") and value.value is not None and ideal is not None and value.value > ideal
    ]
    found = []
    if uneven:
        most, bits = max(uneven)
        found.append(f"its {n:,} buckets {_WORDS[bits]} are {_times(most)} × as uneven as chance has them")
    most_pairs = row["collisions_expected"].high
    pairs = int(_of(row, "collisions"))
    if most_pairs is not None and pairs > most_pairs:
        expected = _of(row, "collisions_expected")
        found.append(f"{_pairs(pairs)} of keys collide where chance gives {_about(expected)}")
    return "; ".join(found) or None


def _fastest(rows: Mapping[str, Row]) -> str:
    """The widest of those that timing cannot tell from the fastest; ties to the first."""
    lead = min(rows.values(), key=lambda row: _of(row, "hash_ns"))["hash_ns"]
    limit = lead.value if lead.high is None else lead.high
    assert limit is not None
    alike = [name for name, row in rows.items() if _low(row["hash_ns"]) <= limit]
    return max(alike, key=lambda name: _of(rows[name], "hash_bits"))


def _low(value: Value) -> float:
    least = value.value if value.low is None else value.low
    assert least is not None
    return least


def _sentence(
    rows: Mapping[str, Row],
    usable: Mapping[str, Row],
    best: str | None,
    dropped: Mapping[str, str],
    parameters: Mapping[str, object],
) -> str:
    key = parameters["key"]
    name = ", ".join(key) if isinstance(key, list) else str(key)
    n = parameters["partitions"]
    if not rows:
        return f"No hash function could be measured on {name}."
    if best is None:
        first = next(iter(dropped))
        return f"None of the {len(rows)} functions spreads {name} as chance does: {first}: {dropped[first]}."
    row = rows[best]
    time, rate = _number(row, "hash_ns"), _number(row, "throughput")
    passed = f"{len(usable)} of {len(rows)} {plural('function')}"
    even = f"as evenly as chance does and without more collisions than it ({passed} do)"
    if time is None:
        return f"{best} spreads {name} over {n:,} buckets {even}; it is the first of them, as nothing was timed."
    speed = format_value(time, "ns") + (f" a key, {format_value(rate, 'GB/s')}" if rate is not None else " a key")
    return f"{best} hashes {name} fastest of those that fill {n:,} buckets {even}: {speed}."


def _notes(rows: Mapping[str, Row], best: str | None, left_out: Mapping[str, str]) -> list[str]:
    notes = []
    if best is not None:
        bits = int(_of(rows[best], "hash_bits"))
        pairs, expected = int(_of(rows[best], "collisions")), _of(rows[best], "collisions_expected")
        met = "no two keys collide" if not pairs else f"{_pairs(pairs)} of keys collide"
        notes.append(
            f"The hashes of {best} have {bits} bits: {met}, chance gives {_about(expected)}. "
            "They are the same in every release and on every machine."
        )
    if left_out:
        notes.append(f"Left out, as they do not take these keys: {', '.join(left_out)}.")
    return notes


def _pairs(count: int) -> str:
    return f"{count:,} pair{'s' if count != 1 else ''}"


def _about(expected: float) -> str:
    """An expected count, however small."""
    if expected == 0:
        return "none"
    if expected >= 0.01:
        return f"{expected:,.2f}" if expected < 10 else f"{expected:,.0f}"
    return f"1 in 10^{math.floor(-math.log10(expected))} such tables"


def _times(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio < 10 else f"{ratio:,.0f}"
