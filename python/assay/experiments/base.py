"""What an experiment is: settings, cells, metrics, and folds over a table.

An experiment over a table is a list of folds. Stage 0 learns what the contenders need, stage 1
assigns and measures; each stage is one scan for all contenders. A state is built by `start`, fed
by `update` batch by batch, joined by `merge`, and travels as bytes (`pack`, `unpack`), so that
spans of a table can be measured in threads, in processes or on a cluster, committed one by one,
and resumed. Any split into spans gives the same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

if TYPE_CHECKING:
    from assay.datasets import Batch, Dataset

__all__ = [
    "Advice",
    "Answer",
    "Candidate",
    "Cell",
    "ConcludesFromTimes",
    "ConsideredKey",
    "Experiment",
    "Findings",
    "FinishesInSteps",
    "HoldsMemory",
    "Job",
    "KeptLimit",
    "Latency",
    "Lesson",
    "Metric",
    "Packable",
    "Point",
    "Rounds",
    "Throughput",
    "Timer",
    "Times",
    "Value",
]


@dataclass(frozen=True)
class Metric:
    """A named number: what it means, its unit, which way is better, and how far to trust it.

    A metric whose name ends in a variable part (`moved_share.ACTION`) is declared once, under the
    name with the variable part in capitals.
    """

    name: str
    unit: str  # a key of assay.units.UNITS
    direction: Literal["lower", "higher", "none"]
    kind: Literal["exact", "seeded", "timed", "estimated"]
    origin: Literal["measured", "replayed", "modelled"]
    formula: str
    meaning: str
    source: str = ""  # where the formula is defined: a section of METHODOLOGY.md, a paper


@dataclass(frozen=True)
class Cell:
    """One point of the grid: a contender with its parameters on a dataset."""

    experiment: str  # the kind: "partitioning"
    contender: str  # its spelling without blanks: "hash(tailnum)"
    contender_version: int
    parameters: Mapping[str, Any]  # the settings that make the cell: {"partitions": 8, ...}
    dataset: str  # its name
    dataset_fingerprint: str
    hints: Mapping[str, str] = field(default_factory=dict, compare=False)  # what an answer may propose; no identity

    @cached_property
    def cell_id(self) -> str:
        """BLAKE3-128 of the canonical JSON of what identifies the cell, as 32 hex digits."""
        from assay.experiments.identity import cell_id

        return cell_id(self)


@dataclass(frozen=True)
class Value:
    """One metric of one cell. `value` None means not applicable; `note` says why."""

    cell_id: str
    metric: str  # with its variable part: "moved_share.add_one"
    value: float | int | None
    low: float | None = None
    high: float | None = None
    note: str | None = None


@dataclass(frozen=True)
class Point:
    """One point of a series of a cell: the load of one partition, a curve's sample."""

    cell_id: str
    series: str  # "load_rows"
    position: int
    label: str  # "node-0"
    value: float


@dataclass(frozen=True)
class Candidate:
    """One contender at one grid point, as an advice over all of them weighed it."""

    contender: str
    parameters: Mapping[str, Any]
    criteria: Mapping[str, float | None]  # what is weighed, by name, in the order of the rule; lower is better
    broken: Mapping[str, str] = field(default_factory=dict)  # limit → how it is missed; empty if all are met
    pareto: bool = False  # meets all limits, and none that does beats it on every criterion
    best: bool = False
    lost: str | None = None  # why it is not the best


@dataclass(frozen=True)
class KeptLimit:
    """A limit that candidates must keep to."""

    name: str  # the setting's
    words: str
    excluded: int  # candidates that miss it
    bound: float | None = None
    metric: str | None = None  # the criterion that it bounds


@dataclass(frozen=True)
class ConsideredKey:
    """A key that was tried, or why it was not."""

    name: str  # its columns, joined by commas
    tried: bool
    words: str  # what is known of it, or why it was not tried


@dataclass(frozen=True)
class Advice:
    """What an answer over a whole grid rests on: everything that was tried, and what was not."""

    candidates: tuple[Candidate, ...]  # best first
    limits: tuple[KeptLimit, ...]
    keys: tuple[ConsideredKey, ...] = ()


@dataclass(frozen=True)
class Answer:
    """The answer to an experiment's question, ready to be read aloud.

    An answer with `advice` speaks of the whole grid, any other of one grid point.
    """

    sentence: str
    best: str | None  # a contender's spelling
    rule: str  # how `best` was chosen, in words
    pareto: tuple[str, ...] = ()  # contenders that none beats on every criterion
    dropped: Mapping[str, str] = field(default_factory=dict)  # contender → why it cannot be best
    notes: tuple[str, ...] = ()  # warnings and assumptions, one sentence each
    parameters: Mapping[str, Any] = field(default_factory=dict)  # of the grid point answered
    findings: tuple[str, ...] = ()  # what stands out and why; they follow the sentence at once
    advice: Advice | None = None


@dataclass(frozen=True)
class Findings:
    """What a job has measured exactly: values and series; failed cells keep their error."""

    values: Sequence[Value]
    points: Sequence[Point] = ()
    failures: Mapping[str, str] = field(default_factory=dict)  # cell_id → error
    rows: int | None = None  # of the dataset, as the scan counted them


@dataclass(frozen=True)
class Latency:
    """Operations of a kernel that can be called one at a time; their latencies fill a histogram.

    Its percentiles p50, p90, p99 and p99_9 are the family of metrics `metric` ("lookup_latency_ns.p99"), of kind
    "timed", which the experiment declares as `lookup_latency_ns.PERCENTILE`.
    """

    metric: str  # without its variable part: "lookup_latency_ns"
    call: Callable[[int], object]  # does operation i, 0 <= i < operations
    operations: int


@dataclass(frozen=True)
class Throughput:
    """The bytes that a kernel works through: with its time they make a metric of kind "timed" and unit "GB/s"."""

    metric: str  # "throughput"
    bytes: int  # per call


@dataclass(frozen=True)
class Timer:
    """A kernel to be timed: `call()` does `operations` operations once, in one thread."""

    cell_id: str
    metric: str  # a metric of kind "timed", in ns per operation
    call: Callable[[], object]
    operations: int
    latency: Latency | None = None
    throughput: Throughput | None = None
    undo: Callable[[], object] | None = None  # takes back what the calls of a sample did; outside of the clock
    samples: int | None = None  # in a round, at most: of a kernel whose one call takes long
    calls: int | None = None  # in a sample, at most: of a kernel that changes what it works on
    warm_up_ns: int = (
        0  # for so long calls that are not counted come before the samples of a round: others had the caches
    )


class Packable(Protocol):
    """What a stage has learned, as an object; it is packed only where it must travel or be kept."""

    def pack(self) -> bytes:
        """As bytes, which the job's stages read as well as the object."""


Lesson = bytes | Packable


class Job(Protocol):
    """The folds of one experiment over one dataset; a picklable description, never a table."""

    stages: int
    cells: Sequence[Cell]

    @property
    def timed(self) -> bool:
        """Whether kernels are timed where nobody has said so; they are where somebody has."""

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """What the variable part of a metric's name may be here: {"ACTION": ["add_one", ...], "FK": [...]}."""

    def columns(self, stage: int) -> Sequence[str]:
        """The columns of the dataset that this stage reads."""

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """Whether this stage has to read the table; if not, its state is the empty one."""

    def start(self, stage: int, learned: Lesson | None) -> Any:
        """An empty state for `stage`; `learned` is what `learn` returned for the stage before, perhaps packed."""

    def update(self, state: Any, batch: Batch) -> None:
        """Feeds one batch (its first row's global number and its columns) into `state`."""

    def merge(self, state: Any, other: Any) -> Any:
        """The state of both; called in span order."""

    def pack(self, state: Any) -> bytes:
        """The state as bytes that `unpack` reads in another process."""

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> Any:
        """The state that was packed."""

    def learn(self, stage: int, state: Any) -> Lesson:
        """What the next stage must know, from the merged state of `stage`; runs in the parent."""

    def finish(self, learned: Sequence[Lesson], state: Any) -> Findings:
        """All exact metrics, from what was learned and the merged state of the last stage."""

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """The kernels to time, built afresh in the process that times them; may be empty."""


@runtime_checkable
class FinishesInSteps(Protocol):
    """A job whose `finish` takes long, as simulations do; a run asks for this instead, and shows how far it is."""

    finish_steps: int  # of the run's progress; a span is one

    def finish_in_steps(self, learned: Sequence[Lesson], state: Any, on_progress: Callable[[float], None]) -> Findings:
        """What `finish` gives; `on_progress` is told, now and then, of the share that is done, from 0 to 1."""


Rounds = Mapping[tuple[str, str], Sequence[Sequence[float]]]
"""By cell and metric: for each process the ns per operation of each of its rounds, the median of its samples."""


@dataclass(frozen=True)
class Times:
    """What was timed."""

    wall: Rounds
    processor: Rounds  # of the thread that called


@runtime_checkable
class HoldsMemory(Protocol):
    """A job whose timers hold much more than was learned; processes that would hold too much live one by one."""

    def timed_bytes(self, learned: Sequence[Lesson]) -> int:
        """About how many bytes a process holds that times."""


@runtime_checkable
class ConcludesFromTimes(Protocol):
    """A job that makes more of its times, such as where one contender overtakes another; asked once all are timed."""

    def conclude(
        self, learned: Sequence[Lesson], values: Sequence[Value], times: Times, on_progress: Callable[[float], None]
    ) -> Findings:
        """Further values and series; `values` are all there are, and cells that failed have no rounds."""


class Experiment(Protocol):
    """A question with contenders; one module each."""

    kind: str
    question: str
    noun: str  # what a contender is called here: "strategy"
    settings: type[Any]  # a pydantic model, extra="forbid"; a list where a scalar stands is a grid
    metrics: Mapping[str, Metric]

    def job(self, dataset: Dataset, settings: Any, *, base: str | None = None) -> Job:
        """Checks `settings` against the dataset (raising with every mistake) and plans the cells."""

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: Any, job: Job | None = None
    ) -> Sequence[Answer]:
        """The answer for each grid point, best first in the sentence; `job` planned the cells."""
