"""What another process does with a dataset; it finds this module by its folder, whatever else is called `tests`."""

from __future__ import annotations

import os

from assay.datasets import DatasetDescription, Span


def ids_of_span(description: DatasetDescription, span: Span) -> tuple[int, list[int]]:
    """The process that has read them, and the values of the column `id` in a span."""
    dataset = description.open()
    return os.getpid(), [n for batch in dataset.batches(["id"], span) for n in batch.data["id"].to_pylist()]
