"""The one answer over a whole grid: key, strategy and number of partitions.

Rule (METHODOLOGY, "Advice"): of all candidates that meet every limit, the fewest partitions; there, the order of the
answer at one number of partitions. More partitions make more joins cross, queries ask more places and loads less even;
what speaks for more of them (bytes in one, data that a node more moves) are limits. If nothing meets them all, the
answer says which limit excludes most, and what comes nearest.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence

from assay.datasets.spelling import quote_name
from assay.experiments.base import Advice, Answer, Candidate, Cell, ConsideredKey, KeptLimit
from assay.experiments.pareto import pareto
from assay.experiments.partitioning.advise.grid import Grid
from assay.experiments.partitioning.answer import criteria, findings, joined, key_of, listed, mean_share, order, percent
from assay.experiments.partitioning.limits import EMPTY, Broken, Limits, Row, fan_out_of
from assay.units import format_bytes

__all__ = ["advise"]

MOST_FINDINGS = 2
CLOSE_SHARE = 0.02  # of joins
CLOSE_TIMES = 2.0
HOT_GROWTH = 2.0
_NAMES = ("cross_join_share", "moved_over_optimum.add_one", "load_max_over_mean")


class _Contest:
    """One candidate with what was measured of it."""

    def __init__(self, cell: Cell, row: Row, limits: Limits) -> None:
        self.cell = cell
        self.row = row
        self.name = cell.contender
        self.partitions = int(cell.parameters["partitions"])
        self.broken: tuple[Broken, ...] = limits.broken(row)
        self.order = (self.partitions, *criteria(row), self.name)
        fan_out = row.get("workload_fan_out_mean")
        self.unbeaten_by = (*self.order[:-1], *(() if fan_out is None else (fan_out,)))

    @property
    def nearness(self) -> tuple[object, ...]:
        """How far it is from meeting every limit: by the number of limits that it misses, then by how much."""
        return (len(self.broken), sum(one.excess for one in self.broken), *self.order)


def advise(
    cells: Sequence[Cell],
    values: Mapping[str, Row],
    reasons: Mapping[str, str],
    limits: Limits,
    grid: Grid,
    notes: Sequence[str] = (),
) -> Answer:
    """The answer over all cells.

    Args:
        cells: All that was tried.
        values: By cell id, the metrics by name.
        reasons: By cell id, why partitions are empty.
        limits: What a usable strategy must keep to.
        grid: What was tried, and what was not.
        notes: What the reader must know beside what the grid says.
    """
    measured = [
        _Contest(cell, row, limits)
        for cell in cells
        if (row := values.get(cell.cell_id, {})).get("load_max_over_mean") is not None
    ]
    usable = sorted((one for one in measured if not one.broken), key=lambda one: one.order)
    best = usable[0] if usable else None
    others = sorted((one for one in measured if one.broken), key=lambda one: one.nearness)
    unbeaten = set(pareto({one.cell.cell_id: one.unbeaten_by for one in usable}))
    excluded = Counter(broken.limit for one in measured for broken in one.broken)
    candidates = tuple(
        Candidate(
            contender=one.name,
            parameters=dict(one.cell.parameters),
            criteria=_weighed(one),
            broken={broken.limit: broken.words for broken in one.broken},
            pareto=one.cell.cell_id in unbeaten,
            best=one is best,
            lost=None if one is best else _lost(one, best),
        )
        for one in [*usable, *others]
    )
    advice = Advice(candidates, _kept(limits, excluded), _considered(grid))
    rule = f"{limits.rule}; then the fewest partitions; {order(one.row for one in measured)}"
    sentence = _sentence(best, measured, others, limits, excluded)
    names = tuple(f"{one.name} on {one.partitions}" for one in usable if one.cell.cell_id in unbeaten)
    parameters = {} if best is None else dict(best.cell.parameters)
    contender = None if best is None else best.name
    return Answer(
        sentence=sentence,
        best=contender,
        rule=rule,
        pareto=names,
        notes=(*_close(usable), *_grown(usable), *grid.notes, *notes),
        parameters=parameters,
        findings=_findings(measured, reasons, best),
        advice=advice,
    )


def _kept(limits: Limits, excluded: Mapping[str, int]) -> tuple[KeptLimit, ...]:
    kept = [(name, words, excluded.get(name, 0), limits.bound(name)) for name, words in limits.words.items()]
    return tuple(KeptLimit(name, words, missed, *(bound or (None, None))) for name, words, missed, bound in kept)


def _considered(grid: Grid) -> tuple[ConsideredKey, ...]:
    choice = grid.choice
    tried = [ConsideredKey(name, True, words) for name, words in choice.tried.items()]
    return (*tried, *(ConsideredKey(name, False, words) for name, words in choice.rejected.items()))


def _close(usable: Sequence[_Contest]) -> list[str]:
    """What the order of criteria decides by a hair's breadth: least movement, where joins hardly differ."""
    if not usable:
        return []
    best = usable[0]
    shares, moved, _ = criteria(best.row)
    near = [
        one
        for one in usable
        if one.partitions == best.partitions
        and criteria(one.row)[0] - shares <= CLOSE_SHARE
        and criteria(one.row)[1] <= moved / CLOSE_TIMES
    ]
    if not near:
        return []
    other = min(near, key=lambda one: (criteria(one.row)[1], one.order))
    own, much = (one.row.get("moved_share.add_one") or 0.0 for one in (other, best))
    return [
        f"Close: {other.name} lets {percent(criteria(other.row)[0])} of joins cross, {best.name} {percent(shares)}, "
        f"but a node more moves {percent(own)} of the data instead of {percent(much)}; the rule puts joins first, and "
        f"moved_max = {_above(own):g} would choose otherwise."
    ]


def _grown(usable: Sequence[_Contest]) -> list[str]:
    """What growth does to the best, and which limit would choose what it does less to."""
    grown = [one.row.get("growth_load_max_over_mean") for one in usable]
    if not usable or grown[0] is None or grown[0] <= HOT_GROWTH:
        return []
    text = (
        f"Growth: learned before the newest tenth of the rows and then fed it, {usable[0].name} loads one partition "
        f"with {grown[0]:.2f} × the mean of that tenth"
    )
    other = next(
        (one for one, much in zip(usable, grown, strict=True) if much is not None and much <= HOT_GROWTH), None
    )
    if other is None:
        return [f"{text}; so do all candidates that meet every limit."]
    return [f"{text}; growth_skew_max = {HOT_GROWTH:g} would choose {other.name} on {_partitions(other.partitions)}."]


def _above(share: float) -> float:
    """A round number somewhat above a share."""
    return min(1.0, math.ceil(share * 110) / 100)


def _weighed(one: _Contest) -> dict[str, float | None]:
    """What the candidate is judged by: the criteria and what limits look at."""
    shares = joined(one.row)
    found: dict[str, float | None] = {"load_max_over_mean": one.row.get("load_max_over_mean")}
    if shares:
        found["cross_join_share"] = mean_share(one.row)
    for name in (*_NAMES[1:2], "moved_share.add_one", "bytes_max", "bytes_max_estimated", "growth_load_max_over_mean"):
        if name in one.row:
            found[name] = one.row[name]
    fan_out = fan_out_of(one.row)
    if fan_out is not None:
        found["workload_fan_out_mean" if "workload_fan_out_mean" in one.row else "fan_out_mean"] = fan_out
    found[EMPTY] = one.row.get(EMPTY)
    return found


def _lost(one: _Contest, best: _Contest | None) -> str:
    """Why a candidate is not the best."""
    if one.broken:
        return "; ".join(broken.words for broken in one.broken)
    assert best is not None, "a candidate that meets all limits has a best above it"
    if one.partitions != best.partitions:
        return f"more partitions than the {best.partitions:,} that do"
    words = {
        "cross_join_share": lambda value: f"{percent(value)} of joins cross",
        "moved_over_optimum.add_one": lambda value: f"a node more moves {value:.2f} × the optimum",
        "load_max_over_mean": lambda value: f"{value:.2f} × the mean in the fullest",
    }
    for name, own, least in zip(_NAMES, criteria(one.row), criteria(best.row), strict=True):
        if own != least:
            said, against = words[name](own), words[name](least)
            if said == against:
                return f"{said}, a little more than the best"
            return f"{said}, against {_figure(name, least)}"
    return "equal in everything; the name decided"


def _figure(name: str, value: float) -> str:
    return percent(value) if name == "cross_join_share" else f"{value:.2f}"


def _findings(measured: Sequence[_Contest], reasons: Mapping[str, str], best: _Contest | None) -> tuple[str, ...]:
    """What stands out: of each strategy at the number of partitions that won, else at the least where it does."""
    counts = sorted({one.partitions for one in measured}, key=lambda n: (best is None or n != best.partitions, n))
    found: dict[str, str] = {}
    for n in counts:
        here = [one for one in measured if one.partitions == n]
        why = {one.name: reasons[one.cell.cell_id] for one in here if one.cell.cell_id in reasons}
        found = findings({one.name: one.row for one in here}, why, n) | found  # the first that was said of it stays
    return tuple(found.values())[:MOST_FINDINGS]


def _sentence(
    best: _Contest | None,
    measured: Sequence[_Contest],
    others: Sequence[_Contest],
    limits: Limits,
    excluded: Mapping[str, int],
) -> str:
    if not measured:
        return "Nothing can be advised: no candidate could be measured."
    if best is not None:
        return _recommendation(best)
    nearest = others[0]
    most, count = max(excluded.items(), key=lambda item: item[1])
    text = (
        f"None of the {len(measured):,} candidates meets every limit: that {limits.words[most]} ({most}) excludes "
        f"most, {count:,} of them"
    )
    freed = [one for one in measured if {broken.limit for broken in one.broken} == {most}]
    if freed and len(excluded) > 1:
        text += f", and is the only limit that {len(freed):,} of these miss"
    missed = listed([broken.words for broken in nearest.broken])
    return f"{text}; the nearest is {nearest.name} on {_partitions(nearest.partitions)}, but {missed}."


def _recommendation(best: _Contest) -> str:
    """`Partition flights by tailnum with jump on 16 partitions: ...`."""
    row, n = best.row, best.partitions
    load = row["load_max_over_mean"] or 0
    clauses = [f"the fullest holds {load:.2f} × the mean"]
    size = row.get("bytes_max", row.get("bytes_max_estimated"))
    if size is not None:
        clauses[0] += f" ({'' if 'bytes_max' in row else 'about '}{format_bytes(size)})"
    shares = joined(row)
    local = [name for name, share in shares.items() if share == 0]
    crossing = sorted(((share, name) for name, share in shares.items() if share > 0), reverse=True)
    if local:
        clauses.append(f"joins with {listed(local)} stay local")
    if crossing:
        share, name = crossing[0]
        clauses.append(
            f"{percent(share)} of those with {name} cross" if local else f"{percent(share)} of joins with {name} cross"
        )
    moved = row.get("moved_share.add_one")
    if moved is not None:
        clauses.append(f"a node more moves {percent(moved)} of the data (equal shares need {percent(1 / (n + 1))})")
    return f"Partition {best.cell.dataset} {_how(best.name)} on {_partitions(n)}: {'; '.join(clauses)}."


def _how(contender: str) -> str:
    """How a strategy is said: by its key, with its name and what else was spelled.

    >>> _how("ring(tailnum,virtual_nodes=128)"), _how("hash(a,b)"), _how("round_robin")
    ('by tailnum with ring(virtual_nodes=128)', 'by (a, b) with hash', 'with round_robin')
    """
    name, _, inside = contender.partition("(")
    columns = key_of(contender)
    if name == "composite" or not columns:
        return f"with {contender}"
    arguments = inside.removesuffix(")")
    for _ in columns:  # the columns come first; quoted ones may hold commas
        quoted = arguments.startswith('"')
        end = arguments.find('"', 1) + 1 if quoted else 0
        arguments = arguments[end:].partition(",")[2]
    spelled = ", ".join(map(quote_name, columns))
    by = spelled if len(columns) == 1 else f"({spelled})"
    return f"by {by} with {name}" + (f"({arguments})" if arguments else "")


def _partitions(n: int) -> str:
    return f"{n:,} partition{'s' if n != 1 else ''}"
