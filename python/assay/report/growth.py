"""Growth as the page draws it: for each contender the load over the mean, tenth by tenth of the rows by time."""

from __future__ import annotations

from typing import Any

from assay.report.run_view import Source

__all__ = ["growth_by_cell"]

_SERIES = {"growth": "alone", "growth_so_far": "so_far"}


def growth_by_cell(store: Source, run_id: str, experiment_index: int, room: int) -> tuple[dict[str, Any], int]:
    """Each cell's tenths, and how many cells have some but were left out for want of room.

    Args:
        store: Where the run is.
        run_id: Which run.
        experiment_index: Which of its experiments.
        room: How many numbers may be taken.

    Returns:
        By cell {"tenths": [1, ...], "labels": [first time of each], "alone": [...], "so_far": [...]}; the number of
        cells left out.
    """
    rows = store.query(
        """SELECT cell_id, name, position, label, value FROM series
           WHERE run_id = ? AND experiment_index = ? AND name IN ('growth', 'growth_so_far')
           ORDER BY cell_id, name, position""",
        [run_id, experiment_index],
    ).to_pylist()
    found: dict[str, Any] = {}
    taken = 0
    left_out = set()
    for row in rows:
        cell_id = row["cell_id"]
        if cell_id not in found and taken >= room:
            left_out.add(cell_id)
            continue
        taken += 1
        growth = found.setdefault(cell_id, {"tenths": [], "labels": [], "alone": [], "so_far": []})
        if row["name"] == "growth":
            growth["tenths"].append(row["position"] + 1)
            growth["labels"].append(row["label"])
        growth[_SERIES[row["name"]]].append(row["value"])
    return found, len(left_out)
