"""Runs made by hand: cells with the numbers that a test wants, written as a runner writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assay.experiments.base import Cell, Findings, Metric, Value
from assay.harness.records import (
    ClaimRecord,
    ComparisonRecord,
    DatasetRecord,
    ExperimentRecord,
    HistogramRecord,
    RunRecord,
    SampleRecord,
    new_run_id,
)
from assay.store import Store

METRICS = {
    metric.name: metric
    for metric in (
        Metric("misses", "count", "lower", "exact", "measured", "misses", "what was missed"),
        Metric("hits", "count", "higher", "exact", "measured", "hits", "what was hit"),
        Metric("fill", "share", "none", "exact", "measured", "fill", "how full it is"),
        Metric("moved.ACTION", "share", "lower", "exact", "measured", "moved", "what moves"),
        Metric("imbalance", "ratio", "lower", "seeded", "measured", "max / mean", "how uneven it is"),
        Metric("distinct", "values", "none", "estimated", "measured", "sketch", "distinct values"),
        Metric("lookup_ns", "ns", "lower", "timed", "measured", "time", "ns per lookup"),
        Metric("lookup_latency_ns.PERCENTILE", "ns", "lower", "timed", "measured", "p50", "half of the lookups"),
        Metric("keys_per_s", "count", "higher", "timed", "measured", "rate", "keys per second"),
    )
}
MACHINE = {
    "cpu_model": "A processor", "cores": 2, "cores_usable": 2, "memory_bytes": 8_000_000_000, "system": "Linux",
    "python": "CPython 3.12.1",
}  # fmt: skip

Numbers = Mapping[str, Any]  # metric → value, (value, low, high), or for timed ones {process: [ns, ns, ...]}


@dataclass
class Kept:
    """A run and its store, as `assay.run` returns them."""

    store: Store
    run_id: str


@dataclass
class Made:
    """A run to keep: `cells` maps a contender to its numbers, or to the error that it failed with."""

    cells: Mapping[str, Numbers | str]
    best: str | None = None
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"partitions": 4})
    dataset: str = "orders"
    fingerprint: str = "f" * 64
    version: int = 1
    machine: Mapping[str, Any] = field(default_factory=lambda: dict(MACHINE))
    suite: str = "suite"
    label: str | None = None
    floor: float = 1.0
    claims: Mapping[str, str] = field(default_factory=dict)
    latencies: Mapping[str, Sequence[Mapping[int, int]]] = field(default_factory=dict)  # by process: ns → count
    unmeasured: Sequence[str] = ()  # contenders that stay planned
    minutes: int = 0  # after the first run

    def keep(self, path: Path | str) -> str:
        """Writes the run into the store at `path` and returns its id."""
        run_id = new_run_id()
        with Store(path) as store:
            self._keep(store, run_id)
        return run_id

    def in_memory(self) -> Kept:
        """The run in a store of its own, in memory."""
        kept = Kept(Store(None), new_run_id())
        self._keep(kept.store, kept.run_id)
        return kept

    def _keep(self, store: Store, run_id: str) -> None:
        cells = {
            contender: Cell("toy", contender, self.version, self.parameters, self.dataset, self.fingerprint)
            for contender in (*self.cells, *self.unmeasured)
        }
        started = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=self.minutes)
        run = RunRecord(
            run_id, self.suite, None, None, "0" * 64, 0, started, "running", "assay run suite.toml", "0.1.0",
            str(hash(json.dumps(dict(self.machine), sort_keys=True))), self.label,
        )  # fmt: skip
        dataset = DatasetRecord(self.fingerprint, "file", self.dataset, None, None, 100, 1000, "[]", "{}")
        experiment = ExperimentRecord(0, "toy", "Which?", "toy", self.fingerprint, "{}", None, "assay compare toy")
        store.begin_run(run, self.machine, [(experiment, dataset, list(cells.values()))])
        values, timed, samples, failures = [], [], [], {}
        comparisons: list[ComparisonRecord] = []
        for contender, numbers in self.cells.items():
            cell_id = cells[contender].cell_id
            if isinstance(numbers, str):
                failures[cell_id] = numbers
                continue
            for metric, number in numbers.items():
                if isinstance(number, Mapping):
                    samples += _samples(cell_id, metric, number)
                    rounds = sorted(ns for process in number.values() for ns in process)
                    timed.append(Value(cell_id, metric, rounds[len(rounds) // 2], rounds[0], rounds[-1]))
                    comparisons.append(
                        ComparisonRecord(
                            cell_id,
                            metric,
                            cell_id,
                            1.0,
                            1.0,
                            1.0,
                            self.floor,
                            "same",
                            3,
                            5,
                            threshold=1.01,
                            p_value=1.0,
                            p_adjusted=1.0,
                            compared=1,
                            rounds_needed=None,
                            method=2,
                        )
                    )
                else:
                    value, low, high = number if isinstance(number, tuple) else (number, None, None)
                    values.append(Value(cell_id, metric, value, low, high))
        store.commit_findings(run_id, 0, Findings(values, (), failures), METRICS)
        if self.unmeasured:
            store.flush()
            store.commit([_planned(run_id, cells[contender].cell_id) for contender in self.unmeasured], now=True)
        answers = [{"sentence": "It is.", "best": self.best, "rule": "", "parameters": dict(self.parameters)}]
        store.finish_experiment(
            run_id,
            0,
            answers=answers if self.best else [],
            samples=samples,
            values=timed,
            comparisons=comparisons,
            histograms=[
                HistogramRecord(
                    cells[contender].cell_id,
                    "lookup_latency_ns",
                    process,
                    7,
                    tuple(map(float, counts)),
                    tuple(map(float, counts)),
                    tuple(counts.values()),
                )
                for contender, processes in self.latencies.items()
                for process, counts in enumerate(processes)
            ],
            failures={},
            metrics=METRICS,
        )
        claims = [
            ClaimRecord(position, "topic", sentence, verdict, None, "[]", "[]", "measured", "assay run", None)
            for position, (sentence, verdict) in enumerate(self.claims.items())
        ]
        store.commit_claims(run_id, claims)
        store.end_run(run_id, "interrupted" if self.unmeasured else "done")


def _planned(run_id: str, cell_id: str) -> Any:
    from assay.store.database import Change

    return Change("UPDATE cell SET status = 'planned' WHERE run_id = ? AND cell_id = ?", (run_id, cell_id))


def _samples(cell_id: str, metric: str, processes: Mapping[int, Sequence[float]]) -> list[SampleRecord]:
    return [
        SampleRecord(cell_id, metric, process, number, 0, "a", ns, ns, ns, 5, 10, 64)
        for process, rounds in processes.items()
        for number, ns in enumerate(rounds)
    ]


def steady(ns: float, *, wobble: float = 0.001, processes: int = 3) -> dict[int, list[float]]:
    """Rounds around `ns` in several processes, whose medians lie `wobble` of it apart."""
    return {p: [ns * (1 + wobble * (p - (processes - 1) / 2))] * 5 for p in range(processes)}
