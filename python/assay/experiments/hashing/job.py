"""The fold of the experiment `hashing`: one scan that counts the distinct keys, then every function on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay.errors import AssayError
from assay.experiments.base import Findings, Lesson, Point, Throughput, Timer, Value
from assay.experiments.distinct import KeyCounter
from assay.experiments.distinct_scan import DistinctScan
from assay.experiments.hashing.measuring import Contest, Hashed, hashed, measure
from assay.experiments.hashing.settings import Bits
from assay.experiments.hashing.spelling import HashSpec, hash_keys
from assay.experiments.partitioning.row_bytes import column_bytes
from assay.experiments.sample import first_rows

__all__ = ["HashingJob"]


@dataclass(frozen=True)
class HashingJob(DistinctScan[Contest]):
    """The functions and numbers of buckets to measure with the keys of one dataset."""

    bits: tuple[Bits, ...]
    flipped_keys: int
    seed: int
    left_out: Mapping[str, str]  # functions of the catalogue that do not take these keys, and why

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The bits that make buckets."""
        return {"BITS": self.bits}

    def finish(self, learned: Sequence[Lesson], state: KeyCounter) -> Findings:
        """Every function on the distinct keys.

        Raises:
            EmptyInputError: There is no key that is not null.
        """
        keys = self.keys_of(state)
        flipped = self._drawn(np.flatnonzero(~keys.is_null))
        known: dict[HashSpec, Hashed] = {}

        def measured(contest: Contest) -> tuple[list[Value], list[Point]]:
            if contest.spec not in known:
                known[contest.spec] = hashed(contest.spec, keys, flipped)
            return measure(contest, keys, known[contest.spec])

        return self.measured(measured)

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
