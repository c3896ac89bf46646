"""The fold of the experiment `hashing`: one scan that counts the distinct keys, then every function on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from assay.datasets import Batch, Dataset
from assay.errors import AssayError, EmptyInputError
from assay.experiments import packing
from assay.experiments.base import Cell, Findings, Lesson, Point, Throughput, Timer, Value
from assay.experiments.distinct import DistinctKeys, Key, KeyCounter
from assay.experiments.hashing.measuring import Contest, Hashed, hashed, measure
from assay.experiments.hashing.settings import Bits
from assay.experiments.hashing.spelling import HashSpec, hash_keys
from assay.experiments.partitioning.row_bytes import column_bytes
from assay.experiments.sample import first_rows

__all__ = ["HashingJob"]


@dataclass(frozen=True)
class HashingJob:
    """The functions and numbers of buckets to measure with the keys of one dataset."""

    dataset: Dataset
    contests: tuple[Contest, ...]
    key: Key
    bits: tuple[Bits, ...]
    flipped_keys: int
    seed: int
    left_out: Mapping[str, str]  # functions of the catalogue that do not take these keys, and why
    stages: int = 1
    timed: bool = True

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each function and number of buckets."""
        return [contest.cell for contest in self.contests]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The bits that make buckets."""
        return {"BITS": self.bits}

    def columns(self, stage: int) -> Sequence[str]:
        """The columns of the key."""
        return self.key

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """Its one stage does."""
        return True

    def start(self, stage: int, learned: Lesson | None) -> KeyCounter:
        """A counter that has seen nothing."""
        return KeyCounter([self.key])

    def update(self, state: KeyCounter, batch: Batch) -> None:
        """Counts a batch of keys."""
        state.add({name: batch.data.column(name) for name in self.key}, None)

    def merge(self, state: KeyCounter, other: KeyCounter) -> KeyCounter:
        """Both counts as one."""
        state.add_distinct(other.finish())
        return state

    def pack(self, state: KeyCounter) -> bytes:
        """The counts as bytes."""
        return packing.pack({}, {"keys": state.finish()[self.key].table})

    def unpack(self, stage: int, packed: bytes, learned: Lesson | None) -> KeyCounter:
        """The counts that were packed."""
        _, tables = packing.unpack(packed)
        counter = KeyCounter([self.key])
        counter.add_distinct({self.key: DistinctKeys(self.key, tables["keys"])})
        return counter

    def learn(self, stage: int, state: Any) -> bytes:
        """Nothing: a single stage teaches no other."""
        raise AssertionError("hashing has a single stage")

    def finish(self, learned: Sequence[Lesson], state: KeyCounter) -> Findings:
        """Every function on the distinct keys.

        Raises:
            EmptyInputError: There is no key that is not null.
        """
        keys = state.finish()[self.key]
        if keys.is_null.all():
            names = ", ".join(f'"{name}"' for name in self.key)
            raise EmptyInputError(f"{self.dataset.name} has no key in {names} that is not null; choose another")
        flipped = self._drawn(np.flatnonzero(~keys.is_null))
        values: list[Value] = []
        points: list[Point] = []
        failures: dict[str, str] = {}
        known: dict[HashSpec, Hashed] = {}
        for contest in self.contests:
            try:
                if contest.spec not in known:
                    known[contest.spec] = hashed(contest.spec, keys, flipped)
                found, series = measure(contest, keys, known[contest.spec])
            except AssayError as error:
                failures[contest.cell.cell_id] = str(error)
            else:
                values += found
                points += series
        return Findings(values, points, failures)

    def _drawn(self, there: np.ndarray) -> np.ndarray:
        """Which of the keys have their bits flipped: all where they are few, else as the seed draws them."""
        if len(there) <= self.flipped_keys:
            return there
        drawn = np.random.Generator(np.random.PCG64(self.seed)).random(len(there))
        return np.sort(there[np.argpartition(drawn, self.flipped_keys)[: self.flipped_keys]])

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """Every function on one thread, on the table's own keys."""
        rows, sample = first_rows(self.dataset, self.key)
        columns = [sample[name] for name in self.key]
        size = sum(column_bytes(name, sample[name]) for name in self.key)
        timers = []
        for contest in self.contests:
            try:
                hash_keys(contest.spec, columns, threads=1)
            except AssayError:
                continue  # it has failed in `finish`, with its reason
            call = _hash(contest.spec, columns)
            throughput = Throughput("throughput", size) if size else None
            timers.append(Timer(contest.cell.cell_id, "hash_ns", call, rows, throughput=throughput))
        return timers


def _hash(spec: HashSpec, columns: Sequence[pa.Array]) -> Callable[[], object]:
    return lambda: hash_keys(spec, columns, threads=1)
