"""Rebalancing plans: what each action sends from node to node, the links that carry most first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.report.run_view import Row, Source
from assay.report.vocabulary import describe, order_of
from assay.units import format_bytes, format_value

__all__ = ["LINKS_SHOWN", "links_by_cell", "plan_sentences"]

LINKS_SHOWN = 5  # of each plan

Links = dict[str, list[tuple[str, float]]]  # action → (link, bytes), the most first


def links_by_cell(store: Source, run_id: str, experiment_index: int) -> dict[str, Links]:
    """The busiest links of every cell's plans."""
    rows = store.query(
        """SELECT cell_id, name, label, value FROM series
           WHERE run_id = ? AND experiment_index = ? AND name LIKE 'rebalance.%' AND position < ?
           ORDER BY cell_id, name, position""",
        [run_id, experiment_index, LINKS_SHOWN],
    ).to_pylist()
    found: dict[str, Links] = {}
    for row in rows:
        plans = found.setdefault(row["cell_id"], {})
        plans.setdefault(row["name"].removeprefix("rebalance."), []).append((row["label"], row["value"]))
    return found


def plan_sentences(row: Row, links: Mapping[str, Any]) -> list[str]:
    """A contender's plans, a line each: what moves, how long it takes, and over which links most of it goes."""
    lines = []
    for metric in sorted((name for name in row.numbers if name.startswith("rebalance_bytes.")), key=order_of):
        action = metric.partition(".")[2]
        moved, seconds = row.numbers[metric].value, row.numbers.get(f"rebalance_seconds.{action}")
        if moved is None or seconds is None:
            continue
        what = describe(metric).label.partition(": ")[2]
        line = f"{what}: {format_bytes(moved)} in {format_value(seconds.value, 's')}"
        most = ", ".join(f"{label} {format_bytes(carried)}" for label, carried in links.get(action, ())[:2])
        lines.append(f"{line}; most: {most}" if most else line)
    return lines
