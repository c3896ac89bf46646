"""What the reader of an answer must know: what was assumed, and what the figures do not show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from assay.experiments.base import Cell

__all__ = ["notes_on"]

MUCH_SAMPLING = 0.1  # of sampling_floor_cv: an ideal hash would be a tenth off
HOT = 1.25  # times the mean, forced by the hottest keys

Row = Mapping[str, float | None]


def notes_on(cells: Sequence[Cell], values: Mapping[str, Row], *, proposed: bool) -> list[str]:
    """Warnings and assumptions on one grid point, a sentence each.

    Args:
        cells: The cells of the grid point.
        values: By cell id, the metrics by name.
        proposed: Whether the strategies were proposed rather than named.
    """
    notes = []
    if proposed:
        tried = ", ".join(cell.contender for cell in cells)
        notes.append(f"No strategy was named; these were tried: {tried}.")
    rows = {cell.contender: values.get(cell.cell_id, {}) for cell in cells}
    hot = {name: forced for name, row in rows.items() if (forced := _forced(row)) > HOT}
    if hot:
        shown = ", ".join(f"{name} ({forced:.2f} × mean)" for name, forced in hot.items())
        notes.append(
            f"Hot keys: some are so heavy that any strategy which keeps keys whole is that uneven: {shown}; "
            "add a column to the key, or split the hot keys."
        )
    few = [
        name
        for name, row in rows.items()
        if name not in hot
        and (row.get("sampling_floor_cv") or 0) > MUCH_SAMPLING
        and name.startswith(("hash(", "jump(", "rendezvous(", "ring(", "maglev("))
    ]
    if few:
        notes.append(
            f"Few keys: even an ideal hash would spread {', '.join(few)} unevenly (sampling_floor_cv above "
            f"{MUCH_SAMPLING})."
        )
    ranges = [name for name in rows if "range(" in name]
    if ranges:
        notes.append(
            f"Growth is not shown: where keys ascend with time, as times and serial ids do, {', '.join(ranges)} "
            "sends every new row to the last partition."
        )
    return notes


def _forced(row: Row) -> float:
    """The load over the mean that the hottest keys force on the fullest partition."""
    load, avoidable = row.get("load_max_over_mean"), row.get("avoidable_skew")
    return load / avoidable if load and avoidable else 1.0
