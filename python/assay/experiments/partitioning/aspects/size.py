"""Size: the bytes in the fullest partition, estimated from the bytes of a row where they are not all read.

Planned where a limit asks for it and bytes are not measured (`aspects/balance.py` measures them).
Source: METHODOLOGY, "Advice".
"""

from __future__ import annotations

from dataclasses import dataclass

from assay import _core
from assay.datasets import Dataset
from assay.errors import UsageError
from assay.experiments.distinct import numpy_of
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings
from assay.experiments.partitioning.table_sample import RowBytes, row_bytes_of

__all__ = ["Size", "plan"]

METRIC = "bytes_max_estimated"


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Size | None:
    """Only where the bytes of a partition are limited, and not measured."""
    if settings.partition_bytes_max is None or settings.bytes or dataset.rows == 0:
        return None
    try:
        return Size(row_bytes_of(dataset), settings.weight is not None)
    except UsageError as error:
        mistakes.append(("partition_bytes_max", error))
        return None


@dataclass(frozen=True)
class Size(Aspect):
    """The estimated bytes of the fullest partition."""

    row: RowBytes
    weighed: bool  # a partition's load is then not its number of rows

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Where rows are weighed and placed by their number."""
        return self.weighed and not contest.spec.keyed

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """Rows by partition."""
        state.sums(f"rows:{contest.index}", contest.partitions).add(rows.partitions(contest), None)

    def measure(self, study: Study, found: Found) -> None:
        """The rows of the fullest partition times the bytes of a row."""
        if not self.weighed:
            rows = study.loads
        elif study.keyed:
            rows = numpy_of(_core.sum_by(study.partitions, study.own.arrow_rows, study.n))
        else:
            rows = study.sums(f"rows:{study.index}", study.n)
        most = int(rows.max())
        found.set(METRIC, most * self.row.mean, f"{self.row.mean:.1f} bytes a row, from {self.row.source}")
        if not self.row.stored:
            found.bounds[METRIC] = (most * self.row.low, most * self.row.high)
