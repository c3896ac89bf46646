"""The answer: which strategy, by which rule, and how it reads aloud.

Rule (METHODOLOGY, "The answer"): drop contenders with empty partitions or load_max_over_mean > 1.25,
or that miss another limit; order by mean cross_join_share, moved_over_optimum.add_one,
load_max_over_mean, name. The mean is over foreign keys, each weighing alike, or with a query log as
often as its statements join by it. The rule is always shown, and with it the Pareto set over the same
three criteria. Partitions that are empty because the keys have something in common are said at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from assay.datasets.spelling import Nested, parse_nested
from assay.experiments.base import Answer, Cell
from assay.experiments.pareto import pareto
from assay.experiments.partitioning.aspects.why_empty import is_structure
from assay.experiments.partitioning.limits import EMPTY, Limits

__all__ = [
    "answer",
    "criteria",
    "dropped",
    "findings",
    "joined",
    "joins",
    "key_of",
    "listed",
    "mean_share",
    "order",
    "percent",
]

MOST_FINDINGS = 3
ORDER = (
    "then least cross-partition joins (mean over foreign keys{}), then least movement when a node is added (over the "
    "optimum), then least load_max_over_mean, then name"
)

Row = Mapping[str, float | None]


def answer(
    parameters: Mapping[str, Any],
    cells: Sequence[Cell],
    values: Mapping[str, Row],
    notes: Sequence[str] = (),
    limits: Limits | None = None,
    reasons: Mapping[str, str] | None = None,
) -> Answer:
    """The answer for one grid point.

    Args:
        parameters: The grid point: {"partitions": 8}.
        cells: The cells of that point that were measured.
        values: By cell id, the metrics by name.
        notes: What the reader must know.
        limits: What a usable strategy must keep to.
        reasons: By cell id, why partitions are empty.
    """
    limits = limits or Limits()
    why = {cell.contender: reason for cell in cells if (reason := (reasons or {}).get(cell.cell_id))}
    rows = {cell.contender: values.get(cell.cell_id, {}) for cell in cells}
    was_measured = bool(rows) and all("load_max_over_mean" in row for row in rows.values())
    rows = {name: row for name, row in rows.items() if row.get("load_max_over_mean") is not None}
    weightless = was_measured and not rows  # x/0 is null: the table has rows, but each weighs 0
    missed = {name: words for name, row in rows.items() if (words := dropped(row, limits, why.get(name)))}
    usable = [name for name in rows if name not in missed]
    best = min(usable, key=lambda name: (*criteria(rows[name]), name), default=None)
    notes = [*_of_the_log(rows, usable, best), *notes]
    n = int(parameters.get("partitions", 0))
    sentence = _sentence(rows, best, missed, n, unequal="capacities" in parameters)
    if weightless:
        weight = parameters.get("weight")
        sentence = f'Nothing can be compared: the weight "{weight}" is 0 in every row; leave it out to count rows.'
    unbeaten = pareto({name: criteria(row) for name, row in rows.items()})
    rule = f"{limits.rule}; {order(rows.values())}"
    found = tuple(findings(rows, why, n).values())[:MOST_FINDINGS]
    return Answer(sentence, best, rule, tuple(unbeaten), missed, tuple(notes), dict(parameters), found)


def order(rows: Iterable[Row]) -> str:
    """How usable strategies are ordered, in words."""
    return ORDER.format(", each as often as the log joins by it" if any(_often(row) for row in rows) else "")


def _of_the_log(rows: Mapping[str, Row], usable: Sequence[str], best: str | None) -> list[str]:
    """What the log joins, and what the advice would be without it."""
    often = next((found for row in rows.values() if (found := _often(row))), {})
    if not often:
        return []
    whole = sum(often.values())
    if not whole:
        return ["The log joins no parent: cross-partition joins play no part in the order."]
    shares = sorted(often.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"{name} {percent(count / whole)}" for name, count in shares if count)
    never = [name for name, count in shares if not count]
    rest = f"; never {listed(never)}" if never else ""
    without = min(usable, key=lambda name: (*criteria(rows[name], weighed=False), name), default=None)
    if without == best or best is None or without is None:
        return [f"The log's joins: {named}{rest}. Without the log the advice would be the same."]
    mean, other = mean_share(rows[best]), mean_share(rows[without])
    return [
        f"The log changes the advice: without it, {without}. Its joins are {named}{rest}; of them {percent(mean)} "
        f"cross partitions under {best}, {percent(other)} under {without}."
    ]


def dropped(row: Row, limits: Limits, why_empty: str | None = None) -> str | None:
    """Why a strategy cannot be the best; None if it can."""
    found = limits.broken(row)
    if not found:
        return None
    words = found[0].words
    # What keys have in common is a finding of its own, said at once.
    return f"{words}: {why_empty}" if found[0].limit == EMPTY and why_empty and not is_structure(why_empty) else words


def findings(rows: Mapping[str, Row], why: Mapping[str, str], n: int) -> dict[str, str]:
    """Which strategies leave partitions empty because of what the keys have in common, and what fills them: a sentence
    by strategy."""
    found = {}
    for name in sorted(why):
        if not is_structure(why[name]) or name not in rows:
            continue
        empty = rows[name].get("empty_partitions") or 0
        text = f"{name} leaves {empty:,.0f} of {n:,} partitions empty: {why[name]}"
        columns = key_of(name)
        filling = [
            other
            for other, row in rows.items()
            if key_of(other) == columns and not row.get("empty_partitions") and row.get("load_max_over_mean")
        ]
        if filling:
            other = min(filling, key=lambda one: (not one.startswith("hash("), rows[one]["load_max_over_mean"], one))
            text += f"; {other} fills all {n:,} ({rows[other]['load_max_over_mean']:.2f} × mean)"
        else:
            text += "; a hash of the key does not depend on it"
        found[name] = f"{text}."
    return found


def key_of(contender: str) -> tuple[str, ...]:
    """The columns of a strategy, by its spelling.

    >>> key_of("composite(list(origin),hash(tailnum,function=md5))"), key_of("round_robin")
    (('origin', 'tailnum'), ())
    """

    def columns(node: Nested) -> list[str]:
        parts = [one for one in node.positional if isinstance(one, Nested)]
        if parts or node.name == "composite":  # a bare word among them is a strategy without a column: round_robin
            return [name for part in parts for name in columns(part)]
        return [str(one) for one in node.positional]

    return tuple(dict.fromkeys(columns(parse_nested(contender))))


def joins(row: Row) -> dict[str, float]:
    """The share of joins that cross partitions, by foreign key."""
    return {
        name.partition(".")[2]: share
        for name, share in row.items()
        if name.startswith("cross_join_share.") and share is not None
    }


def _often(row: Row) -> dict[str, float]:
    """How often the log joins by each foreign key; empty without a log."""
    return {
        name.partition(".")[2]: often
        for name, often in row.items()
        if name.startswith("join_statements.") and often is not None
    }


def joined(row: Row) -> dict[str, float]:
    """The shares of `joins`, without foreign keys that the query log never joins by."""
    often = _often(row)
    return {name: share for name, share in joins(row).items() if not often or often.get(name)}


def mean_share(row: Row, *, weighed: bool = True) -> float:
    """The mean of cross_join_share over foreign keys that have one; 0 where nothing is joined."""
    shares = joins(row)
    often = _often(row) if weighed else {}
    weights = {name: often.get(name, 0.0) if often else 1.0 for name in shares}
    whole = sum(weights.values())
    return sum(share * weights[name] for name, share in shares.items()) / whole if whole else 0.0


def criteria(row: Row, *, weighed: bool = True) -> tuple[float, float, float]:
    """What the rule orders by before the name: cross_join_share, moved_over_optimum.add_one, load_max_over_mean.

    Joins weigh as often as a query log makes them, unless `weighed` is off.
    """
    moved = row.get("moved_over_optimum.add_one")
    load = row.get("load_max_over_mean")
    return (
        mean_share(row, weighed=weighed),
        float("inf") if moved is None else moved,
        float("inf") if load is None else load,
    )


def _sentence(
    rows: Mapping[str, Row], best: str | None, missed: Mapping[str, str], n: int, *, unequal: bool = False
) -> str:
    where = f"on {n} partition{'s' if n != 1 else ''}"
    if not rows:
        return f"No strategy could be measured {where}."
    if best is None:
        nearest = min(missed, key=lambda name: (rows[name]["load_max_over_mean"] or 0, *criteria(rows[name]), name))
        if len(rows) == 1:
            return f"{nearest} does not spread this table {where}: {missed[nearest]}."
        return (
            f"None of the {len(rows)} strategies spreads this table {where}: the nearest is {nearest}, "
            f"but {missed[nearest]}."
        )
    row = rows[best]
    load = row["load_max_over_mean"] or 0
    evenness = "evenly" if load <= 1.15 else "fairly evenly"
    text = f"{best} spreads {evenness} {where} ({load:.2f} × mean)"
    shares = joined(row)
    local = [name for name, share in shares.items() if share == 0]
    crossing = sorted(((share, name) for name, share in shares.items() if share > 0), reverse=True)
    if local:
        text += f" and keeps {listed(local)} local"
    moved = row.get("moved_share.add_one")
    clauses = []
    if crossing:
        share, name = crossing[0]
        clauses.append(f"{percent(share)} of joins with {name} cross partitions")
    if moved is not None:
        need = f" (equal shares need {percent(1 / (n + 1))})"
        if unequal:
            over = row.get("moved_over_optimum.add_one")
            need = f" (fair shares need {percent(moved / over)})" if over else ""
        clauses.append(f"a node more moves {percent(moved)} of the data{need}")
    return "; ".join([text, *clauses]) + "."


def percent(share: float) -> str:
    """A share as people say it.

    >>> percent(0.876), percent(0.0012)
    ('88 %', '0.12 %')
    """
    return f"{100 * share:.0f} %" if share >= 0.01 or share == 0 else f"{100 * share:.2f} %"


def listed(names: Sequence[str]) -> str:
    """Names in a row.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
