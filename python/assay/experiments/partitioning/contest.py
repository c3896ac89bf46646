"""One strategy at one number of partitions: what is compared."""

from __future__ import annotations

from dataclasses import dataclass

from assay.experiments.base import Cell
from assay.experiments.partitioning.cluster import Cluster
from assay.experiments.partitioning.strategies import StrategySpec

__all__ = ["Contest"]


@dataclass(frozen=True)
class Contest:
    """One strategy at one number of partitions, the cell that its numbers go to, and the nodes."""

    index: int  # its place among the contests of the job
    spec: StrategySpec
    partitions: int
    cell: Cell
    cluster: Cluster
