"""The job of the experiment `integrity`: the first bytes of the dataset, and every trial on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from assay.datasets import Batch, Dataset
from assay.errors import AssayError, EmptyInputError
from assay.experiments.base import Cell, Findings, Lesson, Point, Throughput, Timer, Value
from assay.experiments.integrity.content import content_of
from assay.experiments.integrity.settings import Fault
from assay.experiments.integrity.trials import Contest, measure
from assay.experiments.single_scan import SingleScan

__all__ = ["IntegrityJob"]

_KIB = 1024


@dataclass(frozen=True)
class IntegrityJob(SingleScan):
    """The checksums and sizes of blocks to try on the bytes of one dataset."""

    dataset: Dataset
    contests: tuple[Contest, ...]
    size: int  # bytes to take, at most
    faults: tuple[Fault, ...]
    timed: ClassVar[bool] = True

    @property
    def cells(self) -> Sequence[Cell]:
        """One for each checksum and size of blocks."""
        return [contest.cell for contest in self.contests]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The kinds of faults."""
        return {"FAULT": self.faults}

    def columns(self, stage: int) -> Sequence[str]:
        """None: bytes are read, not rows."""
        return []

    def scans(self, stage: int, learned: Lesson | None) -> bool:
        """No rows are read."""
        return False

    def start(self, stage: int, learned: Lesson | None) -> None:
        """Nothing is collected."""

    def update(self, state: Any, batch: Batch) -> None:
        """Nothing is collected."""

    def merge(self, state: Any, other: Any) -> None:
        """Nothing is collected."""

    def finish(self, learned: Sequence[Lesson], state: Any) -> Findings:
        """Every trial of every checksum.

        Raises:
            EmptyInputError: The dataset has too few bytes for two blocks.
        """
        data = self._content()
        values: list[Value] = []
        points: list[Point] = []
        failures: dict[str, str] = {}
        for contest in self.contests:
            try:
                found, series = measure(contest, data)
            except AssayError as error:
                failures[contest.cell.cell_id] = str(error)
            else:
                values += found
                points += series
        return Findings(values, points, failures)

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """A check of all the bytes by every checksum, on one thread."""
        data = self._content()
        return [
            Timer(
                contest.cell.cell_id,
                "check_ns",
                contest.scheme.kernel(data, contest.block_bytes),
                max(1, round(len(data) / _KIB)),
                throughput=Throughput("throughput", len(data)),
            )
            for contest in self.contests
        ]

    def _content(self) -> bytes:
        data = content_of(self.dataset, self.size)
        largest = max(contest.block_bytes for contest in self.contests)
        if len(data) < 2 * largest:
            raise EmptyInputError(
                f"{self.dataset.name} has {len(data):,} bytes, too few for two blocks of {largest:,}; "
                "take smaller blocks: --block-bytes, or block_bytes in a suite"
            )
        return data
