"""The timed kernels: finding rows' partitions in bulk, and learning a strategy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from assay.datasets import DatasetDescription
from assay.datasets.arrow_types import plain_array
from assay.experiments.base import Timer
from assay.experiments.distinct import DistinctKeys, Key
from assay.experiments.partitioning.strategies import Learned

if TYPE_CHECKING:
    from assay.experiments.partitioning.job import Contest

__all__ = ["SAMPLE_ROWS", "timers_of"]

SAMPLE_ROWS = 16_384  # of the table's first rows: their keys and hashes stay in the second-level cache


def timers_of(
    contests: Sequence[Contest],
    dataset: DatasetDescription,
    learn: Callable[[Contest], Learned],
    distinct: Mapping[Key, DistinctKeys],
) -> list[Timer]:
    """A lookup and a build timer for each contest, on one thread, on rows of the table itself."""
    columns = list(dict.fromkeys(name for contest in contests for name in contest.spec.columns))
    sample = _sample(dataset, columns)
    timers = []
    for contest in contests:
        learned = learn(contest)
        key = [sample[name] for name in contest.spec.columns]
        rows = len(sample[""])
        timers.append(Timer(contest.cell.cell_id, "lookup_ns", _lookup(learned, key, rows), rows))
    for contest in contests:
        timers.append(Timer(contest.cell.cell_id, "build_ns", _build(learn, contest), 1))
    return timers


def _sample(dataset: DatasetDescription, columns: list[str]) -> dict[str, pa.Array]:
    """The first rows' columns, and under "" something as long."""
    opened = dataset.open()
    found: list[pa.RecordBatch] = []
    rows = 0
    for batch in opened.batches(columns):
        found.append(batch.data.slice(0, SAMPLE_ROWS - rows))
        rows += found[-1].num_rows
        if rows == SAMPLE_ROWS:
            break
    arrays = {
        name: pa.concat_arrays([plain_array(batch.column(index)) for batch in found])
        for index, name in enumerate(columns)
    }
    return {**arrays, "": pa.nulls(rows)}


def _lookup(learned: Learned, key: list[pa.Array], rows: int) -> Callable[[], object]:
    return lambda: learned.assign(key, rows, threads=1)


def _build(learn: Callable[[Contest], Learned], contest: Contest) -> Callable[[], object]:
    return lambda: learn(contest)
