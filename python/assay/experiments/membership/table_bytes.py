"""The bytes of a row: as Parquet stores the table, else of the data of its first rows."""

from __future__ import annotations

from assay.datasets import Dataset
from assay.experiments.distinct import numpy_of, total
from assay.experiments.partitioning.row_bytes import row_bytes
from assay.experiments.sample import SAMPLE_ROWS

__all__ = ["mean_row_bytes"]


def mean_row_bytes(dataset: Dataset) -> float:
    """The mean bytes of a row: of Parquet's files; of anything else of the data of the first rows.

    Raises:
        UnsupportedTypeError: A nested column where there are no Parquet files: its bytes are not defined.
    """
    if dataset.row_groups is not None and dataset.storage_bytes is not None and dataset.rows:
        return float(dataset.storage_bytes / dataset.rows)
    for batch in dataset.batches():
        sample = batch.data.slice(0, SAMPLE_ROWS)
        if sample.num_rows:
            return float(total(numpy_of(row_bytes(sample))) / sample.num_rows)
    return 0.0
