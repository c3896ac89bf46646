"""The timed kernels: finding rows' partitions in bulk, and learning a strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from assay.datasets import Dataset
from assay.experiments.base import Timer
from assay.experiments.distinct import DistinctKeys, Key
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.strategies import Learned
from assay.experiments.sample import first_rows

__all__ = ["timers_of"]


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
        timers.append(Timer(contest.cell.cell_id, "lookup_ns", _lookup(learned, key, rows), rows))
    for contest in contests:
        timers.append(Timer(contest.cell.cell_id, "build_ns", _build(learn, contest), 1))
    return timers


def _lookup(learned: Learned, key: list[pa.Array], rows: int) -> Callable[[], object]:
    return lambda: learned.assign(key, rows, threads=1)


def _build(learn: Callable[[Contest], Learned], contest: Contest) -> Callable[[], object]:
    return lambda: learn(contest)
