"""Jobs of known ratio for the acceptance test of the method: the same work twice, or exactly 3 % more.

A job has two cells. The baseline works through 100 blocks; the candidate through 100 or 103 blocks of its own,
so that a ratio of 1 or 1.03 is true by construction, but for the call's fixed cost; `injected` checks it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

import assay
from assay.experiments.base import Cell, Findings, Metric, Timer

__all__ = [
    "BASELINE",
    "CALL_S",
    "CANDIDATE",
    "KINDS",
    "METRICS",
    "PairJob",
    "PlainCell",
    "Spin",
    "injected",
    "kernel",
    "spin",
]

BLOCKS = 100
CALL_S = 100e-6  # of a call of `Spin`
KINDS = ("checksum", "hash", "interpreter")
METRICS: Mapping[str, Metric] = {
    "work_ns": Metric("work_ns", "ns", "lower", "timed", "measured", "time / calls", "ns per call")
}


@dataclass(frozen=True)
class PlainCell(Cell):
    """A cell that is known by its contender."""

    @property
    def cell_id(self) -> str:
        return self.contender


BASELINE = PlainCell("pair", "baseline", 1, {}, "none", "none")
CANDIDATE = PlainCell("pair", "candidate", 1, {}, "none", "none")


def kernel(kind: str, blocks: int, seed: int) -> Callable[[], object]:
    """A call that works through so many blocks of its own, one unit of work each."""
    unit: Callable[[Any], object]
    data: list[Any]
    if kind == "checksum":  # native code over bytes
        draw = random.Random(seed)
        data = [draw.randbytes(4096) for _ in range(blocks)]
        unit = partial(assay.checksum, algorithm="crc32c")
    elif kind == "hash":  # native code over an Arrow column, which allocates its result
        keys = pa.array(np.random.default_rng(seed).integers(0, 1 << 60, blocks * 256))
        data = [keys.slice(256 * block, 256) for block in range(blocks)]
        unit = partial(assay.hash, algorithm="xxh3_64", threads=1)
    else:  # the interpreter alone
        data = [range(block, block + 16) for block in range(blocks)]
        unit = sum

    def call() -> None:
        for block in data:
            unit(block)

    return call


@dataclass
class PairJob:
    """A baseline and a candidate, built afresh in each process; the candidate first or second by `seed`."""

    kind: str
    candidate_blocks: int
    seed: int
    stages: int = 1
    timed: bool = True

    @property
    def cells(self) -> Sequence[Cell]:
        return [BASELINE, CANDIDATE]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        return {}

    def columns(self, stage: int) -> Sequence[str]:
        return []

    def scans(self, stage: int, learned: object) -> bool:
        return False

    def start(self, stage: int, learned: object) -> Any:
        return None

    def update(self, state: Any, batch: Any) -> None:
        raise NotImplementedError("there is no table")

    def merge(self, state: Any, other: Any) -> Any:
        return state

    def pack(self, state: Any) -> bytes:
        return b""

    def unpack(self, stage: int, packed: bytes, learned: object) -> Any:
        return None

    def learn(self, stage: int, state: Any) -> bytes:
        return b""

    def finish(self, learned: object, state: Any) -> Findings:
        return Findings(())

    def timers(self, learned: object) -> Sequence[Timer]:
        first, second = ("baseline", BLOCKS, 1), ("candidate", self.candidate_blocks, 2)
        built = {}
        for name, blocks, salt in (first, second) if self.seed % 2 else (second, first):
            built[name] = kernel(self.kind, blocks, 10 * self.seed + salt)
        return [Timer(name, "work_ns", built[name], 1) for name in ("baseline", "candidate")]


def injected(kind: str, blocks: int, *, probes: int = 1000) -> float:
    """The true ratio of the two kernels on this machine: the least of many single calls of each, in turn."""
    kernels = [kernel(kind, BLOCKS, 1), kernel(kind, blocks, 2)]
    least = [float("inf")] * 2
    for call in kernels:
        call()
    for _ in range(probes):
        for place, call in enumerate(kernels):
            started = time.perf_counter_ns()
            call()
            least[place] = min(least[place], time.perf_counter_ns() - started)
    return least[1] / least[0]


def spin(seconds: float) -> None:
    """Computes until this thread has used so much processor time."""
    end = time.thread_time() + seconds
    while time.thread_time() < end:
        pass


@dataclass(frozen=True)
class Spin:
    """A timing task of two kernels, of 0.1 ms a call."""

    def timers(self) -> Sequence[Timer]:
        return [Timer(name, "work_ns", lambda: spin(CALL_S), 1) for name in ("a", "b")]
