"""What the reader of an answer must know: what was assumed, and what the figures do not show."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence

from assay.experiments.base import Cell, Value
from assay.experiments.partitioning.cluster import heeding_capacities

__all__ = ["notes_of_the_log", "notes_on"]

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
    hot = {name: forced for name, row in rows.items() if not _splits_columns(name) and (forced := _forced(row)) > HOT}
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
        and name.startswith(
            ("hash(", "bucket(", "jump(", "rendezvous(", "ring(", "maglev(", "redis_slots(", "multi_probe(")
        )
    ]
    if few:
        notes.append(
            f"Few keys: even an ideal hash would spread {', '.join(few)} unevenly (sampling_floor_cv above "
            f"{MUCH_SAMPLING})."
        )
    notes += _on_columns(rows)
    notes += _on_growth(cells, rows)
    notes += _on_the_cluster(cells)
    return notes


def _splits_columns(name: str) -> bool:
    return name.startswith("vertical(")


def _on_columns(rows: Mapping[str, Row]) -> list[str]:
    """What is different about strategies that split columns, and which of their nodes hold nothing."""
    split = {name: row for name, row in rows.items() if _splits_columns(name)}
    if not split:
        return []
    notes = [
        f"Columns on servers of their own: the load of {', '.join(split)} is bytes, and each query reads whole groups; "
        "joins and rows' keys do not apply."
    ]
    for name, row in split.items():
        if empty := int(row.get("empty_partitions") or 0):
            notes.append(f"{name} has fewer groups than partitions: {empty} of the nodes hold no column.")
        grown = row.get("column_growth_load_max_over_mean")
        if grown and grown > HOT * (row.get("load_max_over_mean") or grown):
            notes.append(f"{name}: were one column ten times as large, its node would hold {grown:.2f} × the mean.")
    return notes


def _on_growth(cells: Sequence[Cell], rows: Mapping[str, Row]) -> list[str]:
    """What growth does, where it was replayed; else that it is not shown."""
    time = cells[0].parameters.get("time") if cells else None
    if time is None:
        ranges = [name for name in rows if "range(" in name]
        if not ranges:
            return []
        hint = shlex.quote(cells[0].hints["time"]) if "time" in cells[0].hints else "COLUMN"
        return [
            f"Growth is not shown: where keys ascend with time, as times and serial ids do, {', '.join(ranges)} "
            f"sends every new row to the last partition; --time {hint} replays the rows in that order."
        ]
    grown = {name: row.get("growth_load_max_over_mean") or 0 for name, row in rows.items()}
    uneven = sorted((name for name in grown if grown[name] > HOT), key=lambda name: (-grown[name], name))
    if not uneven:
        return []
    shown = ", ".join(f"{name} ({grown[name]:.2f} × mean)" for name in uneven)
    return [
        f"Growth: learned before the newest tenth of the rows by {time} and then fed it, these load one partition with "
        f"more than {HOT} times the mean of that tenth: {shown}."
    ]


def notes_of_the_log(cells: Sequence[Cell], values: Sequence[Value]) -> list[str]:
    """How many statements of the log count, what was left out, and what was assumed: alike for every cell."""
    here = {cell.cell_id for cell in cells}
    found = (one.note for one in values if one.metric == "workload_statements" and one.cell_id in here)
    return next((note.split("\n") for note in found if note), [])


def _on_the_cluster(cells: Sequence[Cell]) -> list[str]:
    """Which strategies do not know that nodes differ, and what is modelled of failures."""
    parameters = cells[0].parameters if cells else {}
    notes = []
    if "capacities" in parameters:
        heeding = heeding_capacities()
        ignorant = [cell.contender for cell in cells if cell.contender.partition("(")[0] not in heeding]
        if ignorant:
            notes.append(
                f"Capacities: {', '.join(ignorant)} treat{'s' if len(ignorant) == 1 else ''} all nodes as equal; "
                f"{', '.join(heeding)} heed capacities."
            )
    if "replicas" in parameters:
        failed = parameters.get("failed_nodes", parameters["replicas"])
        notes.append(
            f"Failures are modelled: any {failed} nodes alike fail at once; where the copies live is measured."
        )
    return notes


def _forced(row: Row) -> float:
    """The load over the mean that the hottest keys force on the fullest partition."""
    load, avoidable = row.get("load_max_over_mean"), row.get("avoidable_skew")
    return load / avoidable if load and avoidable else 1.0
