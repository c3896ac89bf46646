"""Runs made up row by row, for tests of the store alone."""

from __future__ import annotations

from datetime import UTC, datetime

from assay.experiments.base import Cell, Findings, Metric, Point, Value
from assay.harness.records import BlockRecord, DatasetRecord, ExperimentRecord, RunRecord, RunStatus, new_run_id
from assay.store import Store

METRICS = {
    name: Metric(name, "share", "lower", "exact", "measured", "f", "m") for name in ("load", "moved_share.ACTION")
}


class PlainCell(Cell):
    @property
    def cell_id(self) -> str:
        return self.contender


def run_record(**changes: object) -> RunRecord:
    fields = {
        "run_id": new_run_id(), "suite_name": "s", "question": None, "suite_toml": None, "suite_hash": "h", "seed": 1,
        "started": datetime.now(UTC), "status": "running", "command": "assay run s", "tool_version": "1",
        "environment_id": "e",
    }  # fmt: skip
    return RunRecord(**(fields | changes))  # type: ignore[arg-type]


def begin(store: Store, name: str = "s", contenders: tuple[str, ...] = ("a", "b")) -> str:
    record = run_record(suite_name=name)
    experiment = ExperimentRecord(0, "toy", "?", "counter", "f1", "{}", name, name)
    dataset = DatasetRecord("f1", "file", name, None, None, 10, None, "[]", "{}")
    cells = [PlainCell("toy", contender, 1, {"n": contender}, name, "f1") for contender in contenders]
    store.begin_run(record, {"cores": 2}, [(experiment, dataset, cells)])
    return record.run_id


def block(span: int, state: bytes = b"x") -> BlockRecord:
    return BlockRecord(0, 0, span, state, "h", 1, 0.1)


def finish(store: Store, run_id: str, *, load: float = 1.5, status: RunStatus = "done") -> str:
    """Gives the cells of a run that `begin` began their values, and ends it."""
    cells = store.query("SELECT cell_id FROM cell WHERE run_id = ?", [run_id])["cell_id"].to_pylist()
    values = [Value(cell, "load", load + place) for place, cell in enumerate(cells)]
    points = [Point(cell, "rows", place, f"p{place}", 10.0 * place) for cell in cells for place in range(3)]
    store.commit_findings(run_id, 0, Findings(values, points), METRICS)
    store.finish_experiment(
        run_id, 0, answers=[{"best": "a"}], samples=(), values=(), comparisons=(), failures={}, metrics=METRICS
    )
    store.end_run(run_id, status)
    return run_id
