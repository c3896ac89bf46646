"""The timed kernels: finding rows' partitions in bulk, and learning a strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from assay.datasets import Dataset
from assay.experiments.base import Latency, Timer
from assay.experiments.distinct import DistinctKeys, Key
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.strategies import Learned
from assay.experiments.sample import first_rows

__all__ = ["PERCENTILES", "timers_of"]

PERCENTILES = ("p50", "p90", "p99", "p99_9")  # of the latencies of single lookups
SINGLE_ROWS = 1024  # that are looked up one at a time, again and again


def timers_of(
    contests: Sequence[Contest],
    dataset: Dataset,
    learn: Callable[[Contest], Learned],
    distinct: Mapping[Key, DistinctKeys],
) -> list[Timer]:
    """A lookup and a build timer for each contest, on one thread, on rows of the table itself."""
    columns = list(dict.fromkeys(name for contest in contests for name in contest.spec.columns))
    rows, sample = first_rows(dataset, columns)
    timers = []
    for contest in contests:
        learned = learn(contest)
        key = [sample[name] for name in contest.spec.columns]
        timers.append(
            Timer(contest.cell.cell_id, "lookup_ns", _lookup(learned, key, rows), rows, _single(learned, key, rows))
        )
    for contest in contests:
        timers.append(Timer(contest.cell.cell_id, "build_ns", _build(learn, contest), 1))
    return timers


def _lookup(learned: Learned, key: list[pa.Array], rows: int) -> Callable[[], object]:
    return lambda: learned.assign(key, rows, threads=1)


def _single(learned: Learned, key: list[pa.Array], rows: int) -> Latency:
    """Lookups of one row each, of rows that lie evenly over the sample; they are cut out beforehand."""
    chosen = range(0, rows, max(1, rows // SINGLE_ROWS))
    singles = [[column.slice(row, 1) for column in key] for row in chosen]

    def call(operation: int) -> object:
        return learned.assign(singles[operation], 1, first_row=chosen[operation], threads=1)

    return Latency("lookup_latency_ns", call, len(singles))


def _build(learn: Callable[[Contest], Learned], contest: Contest) -> Callable[[], object]:
    return lambda: learn(contest)
