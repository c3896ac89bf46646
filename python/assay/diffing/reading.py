"""One side of a diff, read from its store: what was run, on which machine, and what came out.

Timed metrics come as one number per process: the median of its rounds, which the database takes, or its own
percentile of single operations.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from assay.errors import UsageError
from assay.harness.histogram import PRECISION_BITS, Histogram
from assay.harness.timing_summary import LEAST_BEYOND, PERCENTILES, percentile_metric
from assay.report import Source

__all__ = ["AnswerOf", "CellOf", "Number", "Side", "read_side"]


@dataclass(frozen=True)
class Number:
    """One metric of one cell."""

    metric: str
    unit: str
    kind: str  # exact, seeded, estimated, timed
    direction: str  # lower, higher, none
    value: float | None
    low: float | None
    high: float | None
    note: str | None
    processes: tuple[float, ...] = ()  # of timed metrics: the median of each process's rounds, > 0
    floor: float = 1.0  # what two copies of the metric's baseline differed by; 1 where that was not measured


@dataclass(frozen=True)
class CellOf:
    """One cell of a run with its numbers; `error` says why it has none."""

    experiment_index: int
    experiment: str  # its kind
    cell_id: str
    contender: str
    version: int
    parameters: Mapping[str, Any]
    dataset: str
    fingerprint: str
    status: str  # planned, done, failed
    error: str | None
    numbers: Mapping[str, Number] = field(default_factory=dict)


@dataclass(frozen=True)
class AnswerOf:
    """What one experiment recommends at one grid point."""

    experiment: str
    dataset: str
    parameters: Mapping[str, Any]
    best: str | None
    advice: bool = False  # it speaks of the whole grid


@dataclass(frozen=True)
class Side:
    """One run, as far as a diff needs it."""

    name: str  # as the user named it
    run_id: str
    store: str | None
    suite: str
    label: str | None
    status: str
    started: str  # ISO 8601
    tool_version: str
    machine: Mapping[str, Any]  # all facts of the environment
    cells: Sequence[CellOf]
    answers: Sequence[AnswerOf]
    claims: Mapping[str, str]  # sentence → verdict
    commit: str | None = None  # of two commits; empty for the working tree


def read_side(store: Source, run_id: str, *, name: str, path: str | None) -> Side:
    """The run `run_id` of `store`.

    Raises:
        UsageError: The store holds no such run.
    """
    runs = _rows(
        store,
        "SELECT r.suite_name, r.label, r.status, r.tool_version, "
        "epoch_us(r.started) AS started, e.facts::VARCHAR AS facts "
        "FROM run r LEFT JOIN environment e USING (environment_id) WHERE r.run_id = ?",
        run_id,
    )
    if not runs:
        raise UsageError(f"there is no run {run_id} in {path or 'the store in memory'}; `assay list runs` shows them")
    run = runs[0]
    experiments = {
        row["experiment_index"]: row
        for row in _rows(
            store,
            "SELECT e.experiment_index, e.kind, e.dataset_fingerprint, e.answers::VARCHAR AS answers, "
            "coalesce(d.name, '') AS dataset FROM experiment e "
            "LEFT JOIN dataset d ON d.fingerprint = e.dataset_fingerprint WHERE e.run_id = ? "
            "ORDER BY e.experiment_index",
            run_id,
        )
    }
    claims = _rows(store, "SELECT sentence, verdict FROM claim WHERE run_id = ? ORDER BY position", run_id)
    return Side(
        name=name,
        run_id=run_id,
        store=path,
        suite=run["suite_name"],
        label=run["label"],
        status=run["status"],
        started=datetime.fromtimestamp(run["started"] / 1e6, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        tool_version=run["tool_version"],
        machine=json.loads(run["facts"] or "{}"),
        cells=_cells(store, run_id, experiments),
        answers=[answer for row in experiments.values() for answer in _answers(row)],
        claims={row["sentence"]: row["verdict"] for row in claims},
    )


def _cells(store: Source, run_id: str, experiments: Mapping[int, Mapping[str, Any]]) -> list[CellOf]:
    numbers = _numbers(store, run_id)
    return [
        CellOf(
            row["experiment_index"],
            experiments[row["experiment_index"]]["kind"],
            row["cell_id"],
            row["contender"],
            row["contender_version"],
            json.loads(row["parameters"]),
            experiments[row["experiment_index"]]["dataset"],
            experiments[row["experiment_index"]]["dataset_fingerprint"],
            row["status"],
            row["error"],
            numbers.get((row["experiment_index"], row["cell_id"]), {}),
        )
        for row in _rows(
            store,
            "SELECT experiment_index, cell_id, contender, contender_version, parameters::VARCHAR AS parameters, "
            "status, error FROM cell WHERE run_id = ? "
            "ORDER BY experiment_index, contender, parameters::VARCHAR, cell_id",
            run_id,
        )
    ]


def _numbers(store: Source, run_id: str) -> dict[tuple[int, str], dict[str, Number]]:
    processes: dict[tuple[int, str, str], list[float]] = {}
    for row in _rows(
        store,
        "SELECT experiment_index, cell_id, metric, process, median(ns_min) AS ns FROM sample "
        "WHERE run_id = ? AND label = 'a' GROUP BY ALL HAVING median(ns_min) > 0 ORDER BY ALL",
        run_id,
    ):
        processes.setdefault((row["experiment_index"], row["cell_id"], row["metric"]), []).append(row["ns"])
    floors = {
        (row["experiment_index"], row["metric"]): row["floor"]
        for row in _rows(
            store,
            "SELECT experiment_index, metric, max(noise_floor) AS floor FROM comparison WHERE run_id = ? GROUP BY ALL",
            run_id,
        )
    }
    percentiles = _percentiles(store, run_id)
    processes |= percentiles
    table = store.query(
        "SELECT experiment_index, cell_id, name, unit, kind, direction, value, low, high, note FROM metric "
        "WHERE run_id = ? ORDER BY experiment_index, cell_id, name",
        [run_id],
    )
    found: dict[tuple[int, str], dict[str, Number]] = {}
    columns = [table.column(name).to_pylist() for name in table.column_names]
    for index, cell_id, name, unit, kind, direction, *found_values, note in zip(*columns, strict=True):
        # What is no number (NaN) is none: it is not below or above any.
        value, low, high = (None if one is None or math.isnan(one) else one for one in found_values)
        number = Number(
            name,
            unit,
            kind,
            direction,
            value,
            low,
            high,
            note,
            tuple(processes.get((index, cell_id, name), ())),
            max(1.0, floors.get((index, name)) or 1.0, _step(value) if (index, cell_id, name) in percentiles else 1.0),
        )
        found.setdefault((index, cell_id), {})[name] = number
    return found


def _percentiles(store: Source, run_id: str) -> dict[tuple[int, str, str], list[float]]:
    """The latency percentiles of each process that has operations enough beyond them."""
    found: dict[tuple[int, str, str], list[float]] = {}
    for row in _rows(
        store,
        "SELECT experiment_index, cell_id, name, precision_bits, lower, counts FROM histogram WHERE run_id = ? "
        "ORDER BY experiment_index, cell_id, name, process",
        run_id,
    ):
        histogram = Histogram(row["precision_bits"])
        for lower, count in zip(row["lower"], row["counts"], strict=True):
            histogram.add(int(lower), count)
        for suffix, percent in PERCENTILES.items():
            if histogram.beyond(percent) >= LEAST_BEYOND and (latency := float(histogram.percentile(percent))) > 0:
                key = (row["experiment_index"], row["cell_id"], percentile_metric(row["name"], suffix))
                found.setdefault(key, []).append(latency)
    return found


def _step(latency: float | None) -> float:
    """The ratio of latencies two steps apart: of the clock, which counts whole ns, or of the histogram's buckets."""
    return 1 + 2 * max(1 / latency, 2**-PRECISION_BITS) if latency else 1.0


def _answers(row: Mapping[str, Any]) -> list[AnswerOf]:
    return [
        AnswerOf(
            row["kind"],
            row["dataset"],
            dict(answer.get("parameters") or {}),
            answer.get("best"),
            bool(answer.get("advice")),
        )
        for answer in json.loads(row["answers"] or "[]")
    ]


def _rows(store: Source, sql: str, run_id: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.query(sql, [run_id]).to_pylist()
    return rows
