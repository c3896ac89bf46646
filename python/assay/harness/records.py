"""What the harness hands to a store, row by row, and the verbs that it needs of one.

The harness knows no database: it speaks to any object with the verbs of `ResultStore`. Every
record is one row of the table of the same name; see `store/migrations` for the columns.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol

from assay.experiments.base import Cell, Findings, Metric, Point, Value

__all__ = [
    "BlockRecord",
    "CalibrationRecord",
    "ClaimRecord",
    "ComparisonRecord",
    "DatasetRecord",
    "ExpectationRecord",
    "ExperimentRecord",
    "ExperimentState",
    "HistogramRecord",
    "ResultStore",
    "RunRecord",
    "RunStatus",
    "SampleRecord",
    "StageRecord",
    "StopRule",
    "Verdict",
    "new_run_id",
]

RunStatus = Literal["running", "done", "failed", "interrupted"]
Verdict = Literal["better", "worse", "same", "unclear"]
StopRule = Literal["precise", "processes", "rounds", "time", "budget", "died"]


@dataclass(frozen=True)
class RunRecord:
    """One execution of a suite."""

    run_id: str
    suite_name: str
    question: str | None
    suite_toml: str | None  # None where the suite did not come from a file
    suite_hash: str
    seed: int
    started: datetime  # with its zone
    status: RunStatus
    command: str  # what to type to run it again
    tool_version: str
    environment_id: str
    label: str | None = None
    budget_s: float | None = None
    load_1m_before: float | None = None


@dataclass(frozen=True)
class DatasetRecord:
    """What a run knew of a dataset."""

    fingerprint: str
    fingerprint_kind: str
    name: str
    source: str | None
    licence: str | None
    rows: int | None
    bytes: int | None
    schema: str  # JSON: [{"name": ..., "type": ...}, ...]
    facts: str  # JSON object


@dataclass(frozen=True)
class ExperimentRecord:
    """One experiment of a run; `settings` is a JSON object."""

    experiment_index: int
    kind: str
    question: str
    noun: str
    dataset_fingerprint: str
    settings: str
    reading: str | None
    command: str


@dataclass(frozen=True)
class StageRecord:
    """One scan of an experiment: how the table was cut, and what the scan taught the next one."""

    experiment_index: int
    stage: int
    spans: int
    span_rows: int
    learned: bytes | None = None


@dataclass(frozen=True)
class BlockRecord:
    """One measured span of a stage; `state` is the packed state of the fold, None where nothing is kept."""

    experiment_index: int
    stage: int
    span: int
    state: bytes | None
    host: str
    pid: int
    wall_s: float


@dataclass(frozen=True)
class SampleRecord:
    """One round of one timed kernel, in ns per operation: the min, median and max of its samples."""

    cell_id: str
    metric: str
    process: int
    round: int
    position: int  # place in the order of the round
    label: str  # "a"; "a/a" for the second copy of the baseline
    ns_min: float
    ns_median: float
    ns_max: float
    samples: int
    iterations: int  # calls of the kernel per sample
    operations: int  # operations per call
    ns: tuple[float, ...] = ()  # all samples in the order in which they ran
    cpu_ns: tuple[float, ...] = ()  # the same in processor time of the thread


@dataclass(frozen=True)
class ComparisonRecord:
    """A timed cell beside the baseline of its metric: the paired ratio and what it is worth."""

    cell_id: str
    metric: str
    baseline_cell_id: str
    ratio: float
    low: float
    high: float
    noise_floor: float  # a ratio of at least 1: what two copies of the baseline differed by
    verdict: Verdict
    processes: int
    rounds: int
    threshold: float  # a ratio of at least 1: smaller differences are none
    p_value: float  # that the true ratio lies within floor and threshold
    p_adjusted: float  # the same among all `compared` (Benjamini-Hochberg)
    compared: int
    rounds_needed: (
        int | None
    )  # about how many more rounds in each process an unclear verdict needs; None: none suffices
    method: int  # version of the method


@dataclass(frozen=True)
class CalibrationRecord:
    """What was found out before the rounds of a timed cell and then frozen, and how its rounds ended."""

    cell_id: str
    metric: str
    iterations: int  # calls per sample
    operations: int  # operations per call
    calibrated_ns: float | None  # of one sample: the fastest probe; None where the calls were given
    processes: int
    rounds: int  # over all processes
    seconds: float  # that the samples of this cell took together
    stop_rule: StopRule


@dataclass(frozen=True)
class HistogramRecord:
    """Latencies of single operations in one process, as buckets of whole nanoseconds."""

    cell_id: str
    name: str  # the family of metrics that its percentiles are: "lookup_latency_ns"
    process: int
    precision_bits: int
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    counts: tuple[int, ...]


@dataclass(frozen=True)
class ExpectationRecord:
    """One `expect` of a suite and how it came out; `value` and `met` None mean not measured."""

    experiment_index: int
    position: int
    contender: str
    parameters: str | None  # JSON object, of the cell met or of what was asked
    metric: str
    relation: str  # below, above, equals, between
    bound: float | None  # of `between`, the lower one; of `equals`, the target
    value: float | None
    met: bool | None


@dataclass(frozen=True)
class ClaimRecord:
    """One textbook sentence and its verdict; `evidence` and `counterexample` are JSON lists."""

    position: int
    topic: str
    sentence: str
    verdict: str  # holds, holds if, refuted, unclear
    condition: str | None
    evidence: str
    counterexample: str
    origin: str
    command: str
    reading: str | None


@dataclass(frozen=True)
class ExperimentState:
    """Where an experiment of a stored run stands."""

    experiment_index: int
    kind: str
    dataset_fingerprint: str
    measured: bool  # its folds are finished: no cell is merely planned
    answered: bool  # its timing and answers are finished too
    cell_ids: frozenset[str]
    failures: Mapping[str, str]  # cell_id → error
    errors: Sequence[str] = ()  # of steps of the whole experiment


class ResultStore(Protocol):
    """The verbs that the runner needs; `assay.store.Store` has them."""

    @property
    def path(self) -> str | None:
        """The file, or None in memory."""

    def begin_run(
        self,
        run: RunRecord,
        environment: Mapping[str, Any],
        experiments: Sequence[tuple[ExperimentRecord, DatasetRecord, Sequence[Cell]]],
    ) -> None: ...

    def resume_run(self, run_id: str) -> None: ...

    def begin_stage(self, run_id: str, stage: StageRecord) -> None: ...

    def commit_blocks(self, run_id: str, blocks: Sequence[BlockRecord]) -> None: ...

    def end_stage(self, run_id: str, experiment_index: int, stage: int, learned: bytes) -> None: ...

    def commit_findings(
        self, run_id: str, experiment_index: int, findings: Findings, metrics: Mapping[str, Metric]
    ) -> None: ...

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
    ) -> None: ...

    def commit_expectations(self, run_id: str, expectations: Sequence[ExpectationRecord]) -> None: ...

    def commit_claims(self, run_id: str, claims: Sequence[ClaimRecord]) -> None: ...

    def end_run(self, run_id: str, status: RunStatus, *, load_1m_after: float | None = None) -> None: ...

    def flush(self) -> None: ...

    def run_record(self, run_id: str) -> RunRecord | None: ...

    def unfinished_run(self, suite_name: str) -> RunRecord | None: ...

    def experiment_states(self, run_id: str) -> list[ExperimentState]: ...

    def stage_record(self, run_id: str, experiment_index: int, stage: int) -> StageRecord | None: ...

    def committed_spans(self, run_id: str, experiment_index: int, stage: int) -> set[int]: ...

    def block_states(
        self, run_id: str, experiment_index: int, stage: int, spans: Iterable[int]
    ) -> dict[int, bytes]: ...

    def values(self, run_id: str, experiment_index: int) -> list[Value]: ...


def new_run_id() -> str:
    """A UUID of version 7 (RFC 9562): its first 48 bits are the time in ms, so that ids sort by age."""
    milliseconds = time.time_ns() // 1_000_000
    bits = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    bits |= 0b10 << 62 | secrets.randbits(62)
    digits = f"{bits:032x}"
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
