"""A small experiment for tests of the harness: how evenly does `key % n` spread a column of integers?

Stage 0 learns the largest key, stage 1 counts the rows per remainder. `fault` makes it misbehave.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from assay.errors import MeasurementError, SuiteError, UnknownNameError
from assay.experiments.base import Answer, Cell, Findings, Job, Metric, Point, Timer, Value

Fault = Literal[
    "none",
    "update",
    "assay_error",
    "exit_elsewhere",
    "raise_elsewhere",
    "learn",
    "timer",
    "timer_exit",
    "unknown_elsewhere",
]


class ToySettings(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: str
    counters: list[str] = Field(min_length=1)
    shift: int | list[int] = 0
    fault: Fault = "none"


class ToyCell(Cell):
    """A cell whose id needs nothing that is compiled."""

    @property
    def cell_id(self) -> str:
        content = [self.experiment, self.contender, dict(self.parameters), self.dataset_fingerprint]
        return hashlib.blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=16).hexdigest()


@dataclass
class ToyJob:
    key: str
    cells: Sequence[ToyCell]
    divisors: tuple[int, ...]  # by cell
    fault: Fault
    home_pid: int
    stages: int = 2
    timed: bool = True

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        return {}

    def columns(self, stage: int) -> Sequence[str]:
        return [self.key]

    def scans(self, stage: int, learned: bytes | None) -> bool:
        return True

    def start(self, stage: int, learned: bytes | None) -> list[np.ndarray]:
        if stage == 0:
            return [np.array([-1], dtype=np.int64)]
        assert learned is not None
        assert int(learned) >= -1, "stage 1 knows the largest key"
        return [np.zeros(divisor, dtype=np.int64) for divisor in self.divisors]

    def update(self, state: list[np.ndarray], batch: Any) -> None:
        self._misbehave(batch.first_row)
        self._note(state, batch.first_row)
        keys = batch.data.column(0).to_numpy(zero_copy_only=False)
        if len(state) == 1 and len(state[0]) == 1 and state[0][0] >= -1 and not self._counts(state):
            state[0][0] = max(state[0][0], int(keys.max(initial=-1)))
            return
        for counts, divisor, cell in zip(state, self.divisors, self.cells, strict=True):
            counts += np.bincount((keys + cell.parameters["shift"]) % divisor, minlength=divisor)

    def _counts(self, state: list[np.ndarray]) -> bool:
        return len(state) == len(self.divisors) and all(len(s) == d for s, d in zip(state, self.divisors, strict=True))

    def _note(self, state: list[np.ndarray], first_row: int) -> None:
        """Writes stage and row into the journal that TOY_JOURNAL names: what was measured, by whatever process."""
        if path := os.environ.get("TOY_JOURNAL"):
            with open(path, "a") as journal:  # noqa: PTH123 - one short write, which no other process cuts
                journal.write(f"{int(self._counts(state))} {first_row}\n")

    def _misbehave(self, first_row: int) -> None:
        if self.fault == "update" and first_row > 0:
            raise ZeroDivisionError(f"the fault of row {first_row}")
        if self.fault == "assay_error" and first_row > 0:
            raise MeasurementError("the counter lost a row")
        self._look_up()
        if self.fault == "exit_elsewhere" and os.getpid() != self.home_pid:
            os._exit(7)
        if self.fault == "raise_elsewhere" and os.getpid() != self.home_pid:
            raise OSError("this worker has no disk")

    def _look_up(self) -> None:
        if self.fault == "unknown_elsewhere" and os.getpid() != self.home_pid:
            raise UnknownNameError.of("counter", "mine", ["modulo"])

    def merge(self, state: list[np.ndarray], other: list[np.ndarray]) -> list[np.ndarray]:
        if self._counts(state):
            return [a + b for a, b in zip(state, other, strict=True)]
        return [np.maximum(state[0], other[0])]

    def pack(self, state: list[np.ndarray]) -> bytes:
        return json.dumps([counts.tolist() for counts in state]).encode()

    def unpack(self, stage: int, packed: bytes, learned: bytes | None) -> list[np.ndarray]:
        return [np.array(counts, dtype=np.int64) for counts in json.loads(packed)]

    def learn(self, stage: int, state: list[np.ndarray]) -> bytes:
        if self.fault == "learn":
            raise UnknownNameError.of("value", "x", ["y"])
        return str(int(state[0][0])).encode()

    def finish(self, learned: Sequence[bytes], state: list[np.ndarray]) -> Findings:
        assert len(learned) == 1
        values, points, failures = [], [], {}
        for cell, counts in zip(self.cells, state, strict=True):
            if counts.sum() == 0:
                failures[cell.cell_id] = "there are no rows"
                continue
            values.append(Value(cell.cell_id, "rows_max", int(counts.max())))
            values.append(Value(cell.cell_id, "max_over_mean", float(counts.max() / counts.mean())))
            values.append(Value(cell.cell_id, "share.even", float(counts[::2].sum() / counts.sum())))
            values.append(Value(cell.cell_id, "key_max", int(learned[0]), note="from stage 0"))
            points += [Point(cell.cell_id, "rows", i, f"remainder-{i}", float(c)) for i, c in enumerate(counts)]
        return Findings(values, points, failures)

    def timers(self, learned: Sequence[bytes]) -> Sequence[Timer]:
        self._look_up()
        keys = np.arange(64)

        def timer(cell: ToyCell, divisor: int) -> Timer:
            def call() -> object:
                if self.fault == "timer" and divisor == 4:
                    raise ArithmeticError("the kernel of 4 is wrong")
                if self.fault == "timer_exit":
                    os._exit(9)
                return keys % divisor

            return Timer(cell.cell_id, "modulo_ns", call, len(keys))

        return [timer(cell, divisor) for cell, divisor in zip(self.cells, self.divisors, strict=True)]


class ToyExperiment:
    kind = "toy"
    question = "How evenly does key % n spread the rows?"
    noun = "counter"
    settings = ToySettings
    metrics: Mapping[str, Metric] = {
        metric.name: metric
        for metric in (
            Metric("rows_max", "rows", "lower", "exact", "measured", "max count", "rows of the fullest remainder"),
            Metric("max_over_mean", "ratio", "lower", "exact", "measured", "max / mean", "imbalance"),
            Metric("share.PARITY", "share", "none", "exact", "measured", "rows / all", "rows of even remainders"),
            Metric("key_max", "count", "none", "exact", "measured", "max key", "the largest key"),
            Metric("modulo_ns", "ns", "lower", "timed", "measured", "time / operations", "ns per key"),
        )
    }

    def job(self, dataset: Any, settings: ToySettings, *, base: str | None = None) -> ToyJob:
        mistakes = []
        if settings.key not in dataset.schema.names:
            mistakes.append(("key", str(UnknownNameError.of("column", settings.key, dataset.schema.names))))
        for index, spelling in enumerate(settings.counters):
            if not re.fullmatch(r"\s*modulo\(\s*[1-9]\d*\s*\)\s*", spelling):
                mistakes.append((f"counters[{index}]", f'"{spelling}" is not a counter; expected modulo(N)'))
        if mistakes:
            raise SuiteError("toy", mistakes)
        shifts = settings.shift if isinstance(settings.shift, list) else [settings.shift]
        cells, divisors = [], []
        for shift in shifts:
            for spelling in settings.counters:
                contender = "".join(spelling.split())
                cells.append(ToyCell("toy", contender, 1, {"shift": shift}, dataset.name, dataset.fingerprint()))
                divisors.append(int(contender[7:-1]))
        return ToyJob(settings.key, cells, tuple(divisors), settings.fault, os.getpid())

    def answer(
        self, cells: Sequence[Cell], values: Sequence[Value], settings: ToySettings, job: Job | None = None
    ) -> Sequence[Answer]:
        found = {(value.cell_id, value.metric): value.value for value in values}
        measured = [cell for cell in cells if found.get((cell.cell_id, "max_over_mean")) is not None]
        best = min(measured, key=lambda cell: (found[cell.cell_id, "max_over_mean"], cell.contender))
        return [Answer(f"{best.contender} spreads most evenly", best.contender, "smallest max_over_mean")]


TOY = ToyExperiment()


def worker_facts() -> tuple[int, str | None, int]:
    """Process id, the cap on polars threads, and Arrow's threads of the process that is asked."""
    import pyarrow as pa

    return os.getpid(), os.environ.get("POLARS_MAX_THREADS"), pa.cpu_count()
