"""Rows to time kernels on: the first rows of the table itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pyarrow as pa

from assay.datasets import Dataset
from assay.datasets.arrow_types import plain_array

__all__ = ["SAMPLE_ROWS", "first_rows"]

SAMPLE_ROWS = 16_384  # their keys and hashes stay in the second-level cache


def first_rows(dataset: Dataset, columns: Sequence[str]) -> tuple[int, Mapping[str, pa.Array]]:
    """The number of the first rows, at most `SAMPLE_ROWS`, and their columns, one chunk each."""
    found: list[pa.RecordBatch] = []
    rows = 0
    for batch in dataset.batches(columns):
        found.append(batch.data.slice(0, SAMPLE_ROWS - rows))
        rows += found[-1].num_rows
        if rows == SAMPLE_ROWS:
            break
    return rows, {
        name: pa.concat_arrays([plain_array(batch.column(index)) for batch in found])
        for index, name in enumerate(columns)
    }
