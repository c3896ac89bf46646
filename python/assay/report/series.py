"""Series of cells that have no chart of their own: curves and profiles of any experiment.

An experiment that keeps a series (a miss-ratio curve, loads over time) needs no code here: it is drawn over its
labels where they are numbers, and as bars over its positions where they are names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.report.run_view import Source

__all__ = ["other_series"]

# Drawn elsewhere, or told in words.
_OWN = (
    *("load", "load_rows", "fair_load", "growth", "growth_so_far", "rebuild_donors", "effective_donors"),
    *("rebalance", "orphans"),
)
_LONGEST = 200  # points of one series


def other_series(
    store: Source, run_id: str, experiment_index: int, places: Mapping[str, tuple[int, int]], room: int
) -> tuple[dict[str, Any], int]:
    """Each other series by cell, thinned to 200 points, and how many series of cells were left out for want of room.

    Returns:
        By name {"point:row": {"labels": [...], "values": [...]}}.
    """
    known = ", ".join("?" * len(_OWN))
    rows = store.query(
        f"""WITH own AS (
                SELECT cell_id, name, position, label, value,
                       ceil(count(*) OVER (PARTITION BY cell_id, name) / {_LONGEST})::BIGINT AS step
                FROM series WHERE run_id = ? AND experiment_index = ? AND split_part(name, '.', 1) NOT IN ({known}))
            SELECT name, cell_id, list(label ORDER BY position) AS labels, list(value ORDER BY position) AS "values"
            FROM own WHERE position % step = 0 GROUP BY name, cell_id ORDER BY name, cell_id""",
        [run_id, experiment_index, *_OWN],
    ).to_pylist()
    rows = [row for row in rows if row["cell_id"] in places]
    rows.sort(key=lambda row: (row["name"], places[row["cell_id"]][1], places[row["cell_id"]][0]))
    found: dict[str, Any] = {}
    left_out = 0
    for row in rows:
        if len(row["values"]) > room:
            left_out += 1
            continue
        room -= len(row["values"])
        place = "{}:{}".format(*places[row["cell_id"]])
        found.setdefault(row["name"], {})[place] = {"labels": row["labels"], "values": row["values"]}
    return found, left_out
