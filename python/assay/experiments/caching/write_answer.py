"""What the write schemes of one capacity cost and lose, beside each other, in words.

Each scheme is told with the policy that misses least under it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.caches.policies import parse_policy
from assay.experiments.base import Cell, Value
from assay.experiments.caching.policies import knows_the_future
from assay.units import format_count, format_value

__all__ = ["write_findings"]

Row = Mapping[str, Value]


def write_findings(cells: Sequence[Cell], by_cell: Mapping[str, Row]) -> list[str]:
    """What sets the write schemes apart; all cells have one order, capacity and coherence, and each a scheme."""
    best: dict[str, Row] = {}
    for cell in cells:
        row = by_cell.get(cell.cell_id)
        if row is None or "lost_writes" not in row or knows_the_future(parse_policy(cell.contender)):
            continue
        scheme = str(cell.parameters["write"])
        if scheme not in best or _of(row, "miss_ratio") < _of(best[scheme], "miss_ratio"):
            best[scheme] = row
    if not best:
        return []
    found = [_speed(best), _losses(best), _staleness(best)]
    return [sentence for sentence in found if sentence]


def _of(row: Row, metric: str) -> float:
    value = row[metric].value
    assert value is not None, f"{metric} is known of every run with writes"
    return value


def _speed(best: Mapping[str, Row]) -> str:
    """Which is fastest, where costs were given; else which spares the origin most."""
    known = {
        scheme: _of(row, "modelled_latency_mean") for scheme, row in best.items() if "modelled_latency_mean" in row
    }
    if len(known) == len(best) and len(best) > 1:
        first, *others = sorted(known, key=lambda scheme: known[scheme])
        slower = ", ".join(f"{scheme} {known[scheme]:,.2f}" for scheme in others)
        return f"{first} is fastest by these costs: a request waits {known[first]:,.2f} on average ({slower})."
    writes = {scheme: _of(row, "origin_writes") for scheme, row in best.items()}
    told = ", ".join(f"{scheme} {format_count(count)}" for scheme, count in writes.items())
    return f"Writes that reach the origin: {told}."


def _losses(best: Mapping[str, Row]) -> str:
    losing = {scheme: row["lost_writes"] for scheme, row in best.items() if (row["lost_writes"].high or 0) > 0}
    safe = [scheme for scheme in best if scheme not in losing]
    told = [
        f"a crash under {scheme} loses {value.value:,.1f} acknowledged writes on average, {value.high:,.0f} at most"
        for scheme, value in losing.items()
    ]
    if safe:
        told.append(f"under {_listed(safe)} a crash loses none")
    words = "; ".join(told)
    return f"{words[0].upper()}{words[1:]}."


def _staleness(best: Mapping[str, Row]) -> str:
    shares = {scheme: row["stale_read_share"].value or 0 for scheme, row in best.items()}
    if not any(shares.values()):
        return ""
    told = ", ".join(f"{scheme} {format_value(share, 'share')}" for scheme, share in shares.items())
    return f"As others write, these reads are told something no longer true: {told}."


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
