"""What a run writes and reads, verb by verb: every verb is one batch of rows, whole or absent.

A value reaches the database as Arrow or as a bound parameter, never as part of a statement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from assay.experiments.base import Cell, Findings, Metric, Point, Value
from assay.harness.records import (
    CalibrationRecord,
    ClaimRecord,
    ComparisonRecord,
    DatasetRecord,
    ExpectationRecord,
    ExperimentRecord,
    ExperimentState,
    HistogramRecord,
    RunRecord,
    RunStatus,
    SampleRecord,
    StageRecord,
)
from assay.store.database import Change
from assay.store.states import StateStore

__all__ = ["Store"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Store(StateStore):
    """The results of runs in one DuckDB file (or in memory); see `migrations` for the tables.

    >>> with Store(None) as store:
    ...     store.query("SELECT count(*) AS runs FROM run").to_pylist()
    [{'runs': 0}]
    """

    # -- what the runner writes -------------------------------------------------------------------

    def begin_run(
        self,
        run: RunRecord,
        environment: Mapping[str, Any],
        experiments: Sequence[tuple[ExperimentRecord, DatasetRecord, Sequence[Cell]]],
    ) -> None:
        """Writes the run, its environment and its whole plan at once; all cells are planned."""
        changes = [
            Change.insert(
                "environment",
                [{"environment_id": run.environment_id, "facts": _json(environment)}],
                or_replace=True,
            ),
            Change.insert("run", [{**asdict(run), "ended": None}]),
        ]
        datasets = {dataset.fingerprint: asdict(dataset) for _, dataset, _ in experiments}
        if experiments:
            changes.append(Change.insert("dataset", list(datasets.values()), or_replace=True))
            changes.append(
                Change.insert("experiment", [{"run_id": run.run_id, **asdict(record)} for record, _, _ in experiments])
            )
        for record, _, cells in experiments:
            rows = [
                {
                    "run_id": run.run_id,
                    "experiment_index": record.experiment_index,
                    "cell_id": cell.cell_id,
                    "contender": cell.contender,
                    "contender_version": cell.contender_version,
                    "parameters": _json(cell.parameters),
                    "status": "planned",
                }
                for cell in cells
            ]
            if rows:
                changes.append(Change.insert("cell", rows))
        self.commit(changes, now=True)

    def resume_run(self, run_id: str) -> None:
        """Marks an interrupted run as running again."""
        self.commit([Change("UPDATE run SET status = 'running', ended = NULL WHERE run_id = ?", (run_id,))], now=True)

    def begin_stage(self, run_id: str, stage: StageRecord) -> None:
        """Records how the table is cut for a scan, so that a resumed run cuts it alike."""
        self.commit([Change.insert("stage", [{"run_id": run_id, **asdict(stage)}])])

    def commit_findings(
        self, run_id: str, experiment_index: int, findings: Findings, metrics: Mapping[str, Metric]
    ) -> None:
        """Writes the exact metrics and series of an experiment; its cells are done, or failed with their error."""
        key = {"run_id": run_id, "experiment_index": experiment_index}
        changes = [*self._values(key, findings.values, metrics), *_series(key, findings.points)]
        changes += self._failures(key, findings.failures)
        where = "WHERE run_id = ? AND experiment_index = ?"
        if findings.rows is not None:  # a CSV's rows are known only now
            scanned = f"fingerprint = (SELECT dataset_fingerprint FROM experiment {where})"
            changes.append(
                Change(
                    f"UPDATE dataset SET rows = ? WHERE rows IS NULL AND {scanned}",
                    (findings.rows, run_id, experiment_index),
                )
            )
        changes.append(
            Change(f"UPDATE cell SET status = 'done' {where} AND status = 'planned'", (run_id, experiment_index))
        )
        changes.append(Change(f"UPDATE block SET state = NULL {where}", (run_id, experiment_index)))
        self.commit_and_remove(changes, run_id, f"{experiment_index}-", spare="learned")

    def finish_experiment(
        self,
        run_id: str,
        experiment_index: int,
        *,
        answers: Sequence[Mapping[str, Any]],
        samples: Sequence[SampleRecord],
        values: Sequence[Value],
        comparisons: Sequence[ComparisonRecord],
        failures: Mapping[str, str],
        metrics: Mapping[str, Metric],
        points: Sequence[Point] = (),
        calibrations: Sequence[CalibrationRecord] = (),
        histograms: Sequence[HistogramRecord] = (),
        errors: Sequence[str] = (),
    ) -> None:
        """Writes what was timed and the answers, which mark the experiment as finished, in one batch.

        `values` are the timed metrics and, with `points`, what was concluded from them, `failures` the errors of
        cells whose timer failed, `errors` those of the experiment's steps. What the stages had learned is dropped.
        """
        key = {"run_id": run_id, "experiment_index": experiment_index}
        changes = [*self._values(key, values, metrics), *_series(key, points)]
        if samples:
            changes.append(Change.insert("sample", [{**key, **asdict(sample)} for sample in samples]))
        for table, rows in (("comparison", comparisons), ("calibration", calibrations), ("histogram", histograms)):
            if rows:
                changes.append(Change.insert(table, [{**key, **asdict(row)} for row in rows]))
        changes += self._failures(key, failures)
        where = "WHERE run_id = ? AND experiment_index = ?"
        changes.append(
            Change(
                f"UPDATE experiment SET answers = ?, errors = ? {where}",
                (_json(list(answers)), _json(list(errors)) if errors else None, run_id, experiment_index),
            )
        )
        changes.append(Change(f"UPDATE stage SET learned = NULL {where}", (run_id, experiment_index)))
        self.commit_and_remove(changes, run_id, f"{experiment_index}-")

    def commit_expectations(self, run_id: str, expectations: Sequence[ExpectationRecord]) -> None:
        """Writes how the run's expectations came out, instead of what an earlier attempt wrote."""
        changes = [Change("DELETE FROM expectation WHERE run_id = ?", (run_id,))]
        if expectations:
            changes.append(Change.insert("expectation", [{"run_id": run_id, **asdict(row)} for row in expectations]))
        self.commit(changes)

    def commit_claims(self, run_id: str, claims: Sequence[ClaimRecord]) -> None:
        """Writes the verdicts on the run's claims, instead of what an earlier attempt wrote."""
        changes = [Change("DELETE FROM claim WHERE run_id = ?", (run_id,))]
        if claims:
            changes.append(Change.insert("claim", [{"run_id": run_id, **asdict(row)} for row in claims]))
        self.commit(changes)

    def end_run(self, run_id: str, status: RunStatus, *, load_1m_after: float | None = None) -> None:
        """Writes the run's end, the machine's load then, and everything that is pending."""
        change = Change(
            "UPDATE run SET status = ?, ended = ?, load_1m_after = ? WHERE run_id = ?",
            (status, datetime.now(UTC).isoformat(), load_1m_after, run_id),
        )
        if status in ("done", "failed"):
            self.commit_and_remove([change], run_id)
        else:
            self.commit([change])  # what was measured is kept for whoever resumes
        self.flush()

    # -- what a resumed run reads -----------------------------------------------------------------

    def run_record(self, run_id: str) -> RunRecord | None:
        """The run of this id, or None."""
        return self._run("run_id = ?", run_id)

    def unfinished_run(self, suite_name: str) -> RunRecord | None:
        """The latest run of this suite if it was killed or interrupted, else None."""
        run = self._run("suite_name = ?", suite_name)
        return run if run is not None and run.status in ("running", "interrupted") else None

    def experiment_states(self, run_id: str) -> list[ExperimentState]:
        """Where each experiment of a run stands, in order."""
        rows = self.query(
            """
            SELECT e.experiment_index, e.kind, e.dataset_fingerprint, e.answers IS NOT NULL AS answered,
                   coalesce(bool_and(c.status <> 'planned'), false) AS measured, list(c.cell_id) AS cell_ids,
                   list(c.cell_id) FILTER (c.status = 'failed') AS failed,
                   list(coalesce(c.error, '')) FILTER (c.status = 'failed') AS cell_errors,
                   e.errors::VARCHAR AS errors
            FROM experiment e LEFT JOIN cell c USING (run_id, experiment_index)
            WHERE e.run_id = ? GROUP BY ALL ORDER BY e.experiment_index
            """,
            [run_id],
        ).to_pylist()
        return [
            ExperimentState(
                row["experiment_index"],
                row["kind"],
                row["dataset_fingerprint"],
                row["measured"],
                row["answered"],
                frozenset(row["cell_ids"] or ()),
                dict(zip(row["failed"] or (), row["cell_errors"] or (), strict=True)),
                tuple(json.loads(row["errors"] or "[]")),
            )
            for row in rows
        ]

    def values(self, run_id: str, experiment_index: int) -> list[Value]:
        """All metrics of an experiment."""
        rows = self.query(
            "SELECT cell_id, name AS metric, value, low, high, note FROM metric "
            "WHERE run_id = ? AND experiment_index = ? ORDER BY cell_id, name",
            [run_id, experiment_index],
        ).to_pylist()
        return [Value(**row) for row in rows]

    # -- helpers ----------------------------------------------------------------------------------

    def _run(self, condition: str, parameter: str) -> RunRecord | None:
        rows = self.query(
            f"SELECT run_id, suite_name, question, suite_toml, suite_hash, seed, epoch_us(started) AS started, status, "
            f"command, tool_version, environment_id, label, budget_s, load_1m_before FROM run WHERE {condition} "
            f"ORDER BY started DESC, run_id DESC LIMIT 1",
            [parameter],
        ).to_pylist()
        if not rows:
            return None
        started = _EPOCH + timedelta(microseconds=rows[0].pop("started"))
        return RunRecord(**rows[0], started=started)

    def _values(self, key: Mapping[str, Any], values: Sequence[Value], metrics: Mapping[str, Metric]) -> list[Change]:
        if not values:
            return []
        declared = {name: _declared(name, metrics) for name in {value.metric for value in values}}
        of_values = [declared[value.metric] for value in values]
        columns: dict[str, list[Any]] = {
            "cell_id": [value.cell_id for value in values],
            "name": [value.metric for value in values],
            "unit": [metric.unit for metric in of_values],
            "kind": [metric.kind for metric in of_values],
            "direction": [metric.direction for metric in of_values],
            "origin": [metric.origin for metric in of_values],
            "value": [_number(value.value) for value in values],
            "low": [_number(value.low) for value in values],
            "high": [_number(value.high) for value in values],
            "note": [value.note for value in values],
        }
        return [Change.insert_columns("metric", key, columns)]

    def _failures(self, key: Mapping[str, Any], failures: Mapping[str, str]) -> list[Change]:
        return [
            Change(
                "UPDATE cell SET status = 'failed', error = ? "
                "WHERE run_id = ? AND experiment_index = ? AND cell_id = ?",
                (error, key["run_id"], key["experiment_index"], cell_id),
            )
            for cell_id, error in failures.items()
        ]


def _series(key: Mapping[str, Any], points: Sequence[Point]) -> list[Change]:
    if not points:
        return []
    columns: dict[str, list[Any]] = {
        "cell_id": [point.cell_id for point in points],
        "name": [point.series for point in points],
        "position": [point.position for point in points],
        "label": [point.label for point in points],
        "value": [float(point.value) for point in points],
    }
    return [Change.insert_columns("series", key, columns)]


def _declared(name: str, metrics: Mapping[str, Metric]) -> Metric:
    """The declaration of a metric; `moved_share.add_one` is declared as `moved_share.ACTION`."""
    if name in metrics:
        return metrics[name]
    stem = name.partition(".")[0]
    for declared, metric in metrics.items():
        head, dot, variable = declared.partition(".")
        if dot and head == stem and variable.isupper():
            return metric
    raise AssertionError(f"the metric {name} is not declared by its experiment")


def _number(value: float | int | None) -> float | None:
    return None if value is None else float(value)


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
