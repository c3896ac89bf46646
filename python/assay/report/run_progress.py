"""How far a run is, from its store alone: what is planned, scanned, measured, answered and failed.

Cost: four small queries on one open of the file, some ten ms, so that a writer is hardly kept waiting. What is only in
the running process (a kernel that is being timed) is not in the store; such an experiment is measured, and not yet
answered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

from assay.report.run_view import Source
from assay.report.vocabulary import KEY_METRICS, describe
from assay.units import format_value

__all__ = ["ExperimentProgress", "RunProgress", "ScanProgress", "read_progress"]

Phase = Literal["waiting", "scanning", "learning", "timing", "done"]
_BEFORE_TIMING = 0.9  # of an experiment's work, where nobody knows how long its timing takes


@dataclass(frozen=True)
class ScanProgress:
    """One scan of a table: how many of its parts are there."""

    stage: int
    done: int
    planned: int
    rows: int | None  # of the table


@dataclass(frozen=True)
class ExperimentProgress:
    """How far one experiment is.

    Attributes:
        scan: The latest scan; None before the first.
        phase: waiting for its turn, scanning the table, learning from a scan that is complete, timing (or answering),
            or done.
        answers: Sentences, each with the grid point it is of, once it is done.
        values: How many numbers there are.
        errors: How many steps of the whole experiment failed, such as its answer.
        leading: The best contenders by the most telling metric, while there is no answer yet; else empty.
    """

    index: int
    kind: str
    dataset: str
    cells: int
    cells_done: int
    cells_failed: int
    scan: ScanProgress | None
    phase: Phase
    answers: tuple[str, ...]
    values: int
    errors: int = 0
    leading: str = ""

    @property
    def name(self) -> str:
        """The question's kind and its table."""
        return f"{self.kind} of {self.dataset}"

    @property
    def share(self) -> float:
        """About how much of it is done, from 0 to 1."""
        if self.phase == "done":
            return 1.0
        if self.phase == "timing":
            return _BEFORE_TIMING
        if self.scan is None:
            return 0.0
        scans = max(2, self.scan.stage + 1)  # how many there will be is not known
        part = self.scan.done / self.scan.planned if self.scan.planned else 1.0
        return _BEFORE_TIMING * (self.scan.stage + part) / scans


@dataclass(frozen=True)
class RunProgress:
    """How far a run is."""

    run_id: str
    suite: str
    label: str | None
    status: str  # running, done, failed, interrupted
    started: datetime
    ended: datetime | None
    command: str
    unmet: int  # expectations, once they are judged
    newer_running: str | None  # a later run of this store that has not ended either
    experiments: tuple[ExperimentProgress, ...]
    failures: tuple[str, ...]  # the latest few, each with its contender or its experiment

    @property
    def cells(self) -> tuple[int, int, int]:
        """Done, failed and planned over all experiments."""
        return (
            sum(one.cells_done for one in self.experiments),
            sum(one.cells_failed for one in self.experiments),
            sum(one.cells for one in self.experiments),
        )

    @property
    def share(self) -> float:
        """About how much of the run is done, weighed by cells."""
        weights = [max(1, one.cells) for one in self.experiments]
        if not weights:
            return 1.0
        return sum(one.share * weight for one, weight in zip(self.experiments, weights, strict=True)) / sum(weights)


def read_progress(store: Source, run_id: str) -> RunProgress:
    """The progress of a run that is in the store."""
    (run,) = _rows(
        store,
        """SELECT r.suite_name, r.label, r.status, epoch_us(r.started) AS started, epoch_us(r.ended) AS ended,
                  r.command,
                  (SELECT count(*) FROM expectation x WHERE x.run_id = r.run_id AND x.met IS NOT TRUE) AS unmet,
                  (SELECT max(n.run_id) FROM run n WHERE n.status = 'running' AND n.started > r.started) AS newer
           FROM run r WHERE r.run_id = ?""",
        run_id,
    )
    experiments = _rows(
        store,
        """SELECT e.experiment_index AS position, e.kind, d.name AS dataset, d.rows, e.answers::VARCHAR AS answers,
                  count(c.cell_id) AS cells, count(*) FILTER (c.status = 'done') AS done,
                  count(*) FILTER (c.status = 'failed') AS failed,
                  coalesce(json_array_length(e.errors), 0) AS errors,
                  (SELECT count(*) FROM metric m WHERE m.run_id = e.run_id AND m.experiment_index = e.experiment_index
                     AND m.value IS NOT NULL) AS numbers
           FROM experiment e LEFT JOIN dataset d ON d.fingerprint = e.dataset_fingerprint
           LEFT JOIN cell c ON c.run_id = e.run_id AND c.experiment_index = e.experiment_index
           WHERE e.run_id = ? GROUP BY ALL ORDER BY position""",
        run_id,
    )
    scans = _rows(
        store,
        """SELECT s.experiment_index AS position, s.stage, s.spans, s.learned IS NOT NULL AS learned,
                  (SELECT count(*) FROM block b WHERE b.run_id = s.run_id AND b.experiment_index = s.experiment_index
                     AND b.stage = s.stage) AS blocks
           FROM stage s WHERE s.run_id = ? ORDER BY s.experiment_index, s.stage""",
        run_id,
    )
    failures = _rows(
        store,
        """SELECT coalesce(contender, experiment || ' of ' || coalesce(dataset, 'a table')) AS name, error FROM failure
           WHERE run_id = ? ORDER BY experiment_index DESC, contender NULLS FIRST, error LIMIT 3""",
        run_id,
    )
    latest = {row["position"]: row for row in scans}
    found = [_experiment(row, latest.get(row["position"])) for row in experiments]
    found = [replace(one, leading=_leading(store, run_id, one)) if one.phase == "timing" else one for one in found]
    return RunProgress(
        run_id,
        run["suite_name"],
        run["label"],
        run["status"],
        _time(run["started"]),
        None if run["ended"] is None else _time(run["ended"]),
        run["command"],
        run["unmet"],
        run["newer"],
        tuple(found),
        tuple(f"{row['name']}: {row['error']}" for row in failures),
    )


def _experiment(row: Mapping[str, Any], scan: Mapping[str, Any] | None) -> ExperimentProgress:
    planned = row["cells"] - row["done"] - row["failed"]
    phase: Phase = "waiting"
    if row["answers"] is not None:
        phase = "done"
    elif row["cells"] and not planned:
        phase = "timing"
    elif scan is not None:
        phase = "learning" if scan["learned"] or scan["blocks"] >= scan["spans"] else "scanning"
    return ExperimentProgress(
        row["position"],
        row["kind"],
        row["dataset"] or "a table",
        row["cells"],
        row["done"],
        row["failed"],
        None if scan is None else ScanProgress(scan["stage"], scan["blocks"], scan["spans"], row["rows"]),
        phase,
        tuple(_sentences(row["answers"])),
        row["numbers"],
        row["errors"],
    )


def _leading(store: Source, run_id: str, one: ExperimentProgress) -> str:
    """The best three by the metric that a table of this experiment would show first."""
    names = KEY_METRICS.get(one.kind, ())[:1]
    rows = store.query(
        """SELECT c.contender, m.name, m.unit, m.value
           FROM metric m JOIN cell c USING (run_id, experiment_index, cell_id)
           WHERE m.run_id = ? AND m.experiment_index = ? AND m.value IS NOT NULL AND m.direction <> 'none'
             AND (m.name = ? OR ? = '')
           ORDER BY m.name, if(m.direction = 'lower', m.value, -m.value), c.contender LIMIT 3""",
        [run_id, one.index, *(names or ("",)), *(names or ("",))],
    ).to_pylist()
    rows = [row for row in rows if row["name"] == rows[0]["name"]]
    if not rows:
        return ""
    told = ", ".join(f"{row['contender']} {format_value(row['value'], row['unit'])}" for row in rows)
    return f"{describe(rows[0]['name']).label}: {told}"


def _sentences(answers: str | None) -> list[str]:
    found = json.loads(answers) if answers else []
    several = len(found) > 1
    return [
        (f"{_words(one.get('parameters') or {})}: " if several and one.get("parameters") else "") + one["sentence"]
        for one in found
        if isinstance(one, Mapping) and one.get("sentence")
    ]


def _words(parameters: Mapping[str, Any]) -> str:
    name, value = next(iter(parameters.items()))
    return f"{value} {name}"


def _rows(store: Source, sql: str, run_id: str) -> Sequence[dict[str, Any]]:
    rows: list[dict[str, Any]] = store.query(sql, [run_id]).to_pylist()
    return rows


def _time(microseconds: int) -> datetime:
    return datetime.fromtimestamp(microseconds / 1e6, UTC)
