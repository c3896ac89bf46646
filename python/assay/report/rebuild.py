"""Rebuilds as the page draws them: for each contender and lost node, who helps, and how well the work is shared."""

from __future__ import annotations

from typing import Any

from assay.report.run_view import Source

__all__ = ["rebuild_by_cell"]

_SERIES = {"rebuild_donors": "donors", "effective_donors": "effective"}


def rebuild_by_cell(store: Source, run_id: str, experiment_index: int, room: int) -> tuple[dict[str, Any], int]:
    """Each cell's donors by lost node, and how many cells have some but were left out for want of room.

    Args:
        store: Where the run is.
        run_id: Which run.
        experiment_index: Which of its experiments.
        room: How many numbers may be taken.

    Returns:
        By cell {"labels": [lost node, ...], "donors": [...], "effective": [...]}; the number of cells left out.
    """
    sizes = store.query(
        """SELECT cell_id, count(*) AS points FROM series
           WHERE run_id = ? AND experiment_index = ? AND name IN ('rebuild_donors', 'effective_donors')
           GROUP BY cell_id ORDER BY cell_id""",
        [run_id, experiment_index],
    ).to_pylist()
    chosen = []
    for row in sizes:
        if row["points"] <= room:
            room -= row["points"]
            chosen.append(row["cell_id"])
    rows = store.query(
        """SELECT cell_id, name, label, value FROM series
           WHERE run_id = ? AND experiment_index = ? AND name IN ('rebuild_donors', 'effective_donors')
             AND list_contains(?, cell_id)
           ORDER BY cell_id, name, position""",
        [run_id, experiment_index, chosen],
    ).to_pylist()
    found: dict[str, Any] = {cell_id: {"labels": [], "donors": [], "effective": []} for cell_id in chosen}
    for row in rows:
        rebuild = found[row["cell_id"]]
        rebuild[_SERIES[row["name"]]].append(row["value"])
        if row["name"] == "rebuild_donors":
            rebuild["labels"].append(row["label"])
    return found, len(sizes) - len(chosen)
