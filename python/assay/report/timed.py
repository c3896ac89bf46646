"""Timed cells as the page draws them: ratios to their baseline, and the rounds that were kept.

Ratios, intervals, noise floors and verdicts come from the store as they were found; samples are each round's minimum,
by process, so that the spread, a drift over rounds and an effect of the order can be seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.report.run_view import Source

__all__ = ["Places", "latencies_by_name", "ratios_by_metric", "samples_by_metric"]

Places = Mapping[str, tuple[int, int]]  # cell id → grid point, row

# Stores of earlier versions lack some of them.
_OF_A_RATIO = ("ratio", "low", "high", "verdict", "processes", "rounds", "rounds_needed", "threshold")
_MOST_BUCKETS = 240  # of one latency distribution
_FEWEST_ROUNDS = 20  # of a cell that is drawn


def ratios_by_metric(
    store: Source, run_id: str, experiment_index: int, places: Places, room: int
) -> tuple[dict[str, Any], int]:
    """Each timed metric's comparisons with its baseline, and how many were left out for want of room.

    Args:
        store: Where the run is.
        run_id: Which run.
        experiment_index: Which of its experiments.
        places: Where each cell stands on the page; what stands nowhere is not taken.
        room: How many comparisons may be taken.

    Returns:
        By metric {"baseline", "baseline_parameters" (JSON), "floor", "cells": {"point:row": {"ratio", "low", "high",
        "verdict", "processes", "rounds"} and what else the store says of it}}.
    """
    rows = store.query(
        """SELECT x.*, b.contender AS baseline, b.parameters::VARCHAR AS baseline_parameters
           FROM comparison x JOIN cell b ON b.run_id = x.run_id AND b.experiment_index = x.experiment_index
                                            AND b.cell_id = x.baseline_cell_id
           WHERE x.run_id = ? AND x.experiment_index = ? ORDER BY x.metric, x.cell_id""",
        [run_id, experiment_index],
    ).to_pylist()
    found: dict[str, Any] = {}
    left_out = 0
    for row in rows:
        place = places.get(row.pop("cell_id"))
        if place is None:
            continue
        if room <= 0:
            left_out += 1
            continue
        room -= 1
        metric, floor = row.pop("metric"), row.pop("noise_floor")
        baseline, parameters = row.pop("baseline"), row.pop("baseline_parameters")
        cells = found.setdefault(
            metric, {"baseline": baseline, "baseline_parameters": parameters, "floor": floor, "cells": {}}
        )
        cells["floor"] = floor if cells["floor"] is None or (floor or 0) > cells["floor"] else cells["floor"]
        cells["cells"]["{}:{}".format(*place)] = {
            name: _short(row[name]) if isinstance(row[name], float) else row[name]
            for name in _OF_A_RATIO
            if row.get(name) is not None
        }
    return found, left_out


def samples_by_metric(
    store: Source, run_id: str, experiment_index: int, places: Places, room: int
) -> tuple[dict[str, Any], list[str]]:
    """Each timed cell's rounds by process, and in words what was left out for want of room.

    Returns:
        By metric and "point:row" a list of {"process", "ns": each round's minimum, ns an operation, "position": its
        place in the round's order}; rounds are thinned evenly, and the cells that rank first are kept.
    """
    counts = store.query(
        """SELECT cell_id, metric, count(*) AS rounds FROM sample
           WHERE run_id = ? AND experiment_index = ? AND label = 'a' GROUP BY ALL""",
        [run_id, experiment_index],
    ).to_pylist()
    counts = [row for row in counts if row["cell_id"] in places]
    if not counts:
        return {}, []
    counts.sort(key=lambda row: (places[row["cell_id"]][1], places[row["cell_id"]][0], row["metric"]))
    whole = sum(row["rounds"] for row in counts)
    each = room // len(counts)
    step = 1
    chosen = counts
    if whole > room:
        most = max(row["rounds"] for row in counts)
        step = -(-most // max(_FEWEST_ROUNDS, each))
        chosen = counts[: max(1, room // max(1, most // step))]
    words = []
    if step > 1:
        words.append(f"Every {step}th round is drawn, to keep the page small.")
    if len(chosen) < len(counts):
        words.append(
            f"Rounds are drawn for {len(chosen):,} of {len(counts):,} timed cells and metrics, those that rank first."
        )
    cells = sorted({row["cell_id"] for row in chosen})
    rows = store.query(
        """SELECT cell_id, metric, process, list(ns_min ORDER BY round) AS ns, list(position ORDER BY round) AS position
           FROM sample WHERE run_id = ? AND experiment_index = ? AND label = 'a' AND list_contains(?, cell_id)
             AND round % ? = 0
           GROUP BY ALL ORDER BY metric, cell_id, process""",
        [run_id, experiment_index, cells, step],
    ).to_pylist()
    wanted = {(row["cell_id"], row["metric"]) for row in chosen}
    found: dict[str, Any] = {}
    for row in rows:
        if (row["cell_id"], row["metric"]) not in wanted:
            continue
        name = "{}:{}".format(*places[row["cell_id"]])
        rounds = {"process": row["process"], "ns": [_short(ns) for ns in row["ns"]], "position": row["position"]}
        found.setdefault(row["metric"], {}).setdefault(name, []).append(rounds)
    return found, [*words, "`assay sql` has every round."] if words else []


def latencies_by_name(
    store: Source, run_id: str, experiment_index: int, places: Places, room: int
) -> tuple[dict[str, Any], int]:
    """Each cell's latencies of single operations over all processes, and how many were left out for want of room.

    Returns:
        By name and "point:row" {"upper": the buckets' greatest latencies in ns, ascending, "counts"}; adjacent buckets
        are joined until at most 240 are left. Empty for stores of before there were histograms.
    """
    known = store.query("SELECT 1 FROM information_schema.tables WHERE table_name = 'histogram' LIMIT 1", [])
    if not known.num_rows:
        return {}, 0
    rows = store.query(
        """WITH buckets AS (
                SELECT name, cell_id, unnest(upper) AS bucket, unnest(counts) AS count FROM histogram
                WHERE run_id = ? AND experiment_index = ?),
            merged AS (
                SELECT name, cell_id, bucket, sum(count)::BIGINT AS count FROM buckets
                GROUP BY ALL HAVING sum(count) > 0)
           SELECT name, cell_id, list(bucket ORDER BY bucket) AS upper, list(count ORDER BY bucket) AS counts
           FROM merged GROUP BY name, cell_id ORDER BY name, cell_id""",
        [run_id, experiment_index],
    ).to_pylist()
    rows = [row for row in rows if row["cell_id"] in places]
    rows.sort(key=lambda row: (row["name"], places[row["cell_id"]][1], places[row["cell_id"]][0]))
    found: dict[str, Any] = {}
    left_out = 0
    for row in rows:
        upper, counts = row["upper"], row["counts"]
        step = -(-len(upper) // _MOST_BUCKETS)
        joined = [(upper[min(i + step, len(upper)) - 1], sum(counts[i : i + step])) for i in range(0, len(upper), step)]
        if 2 * len(joined) > room:
            left_out += 1
            continue
        room -= 2 * len(joined)
        found.setdefault(row["name"], {})["{}:{}".format(*places[row["cell_id"]])] = {
            "upper": [bucket for bucket, _ in joined],
            "counts": [count for _, count in joined],
        }
    return found, left_out


def _short(value: float) -> float:
    """Five digits are more than a timing is worth."""
    return float(f"{value:.5g}")
