"""Balance: how evenly rows, weight and bytes lie on the partitions, and what the keys force.

Source: METHODOLOGY, "Load".
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from assay.datasets import Dataset
from assay.experiments.distinct import total
from assay.experiments.loads import load_metrics
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.why_empty import why_empty
from assay.experiments.partitioning.cluster import node_name
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["Balance", "lower_bound", "plan"]


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Balance:
    """Always measured."""
    return Balance(tuple(dataset.schema.names) if settings.bytes else ())


@dataclass(frozen=True)
class Balance(Aspect):
    """The loads of the partitions."""

    sized: tuple[str, ...]  # the columns whose bytes are summed; none where bytes are not asked for

    def columns(self) -> Iterable[str]:
        """All, where bytes are asked for."""
        return self.sized

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Loads of keyed strategies follow from the distinct keys; others, and bytes, need the rows."""
        return bool(self.sized) or not contest.spec.keyed

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """Weight and bytes by partition."""
        partitions = rows.partitions(contest)
        if not contest.spec.keyed:
            state.sums(f"weight:{contest.index}", contest.partitions).add(partitions, rows.weights)
        if self.sized:
            state.sums(f"bytes:{contest.index}", contest.partitions).add(partitions, rows.sizes())

    def measure(self, study: Study, found: Found) -> None:
        """The load metrics, routing, and the loads as a series."""
        capacities = study.contest.cluster.unequal
        found.add(load_metrics(study.loads, capacities))
        if capacities is not None:
            found.set("load_gini", None, "it is defined for equal capacities")
        if found.numbers["empty_partitions"]:
            found.set("empty_partitions", found.numbers["empty_partitions"], why_empty(study))
        self._floors(study, found)
        found.set("routing_bytes", study.learned.routing_bytes)
        if study.learned.directory_entries is not None:
            found.set("directory_entries", study.learned.directory_entries)
        if self.sized:
            sizes = study.sums(f"bytes:{study.index}", study.n)
            found.set("bytes_max_over_mean", load_metrics(sizes, capacities)["load_max_over_mean"])
            found.set("bytes_max", int(sizes.max()))
        names = [node_name(node) for node in study.learned.nodes]
        found.series("load", study.loads.tolist(), names)
        if capacities is not None:
            whole, capacity = total(study.loads), math.fsum(capacities)
            found.series("fair_load", (whole * one / capacity for one in capacities), names)

    def _floors(self, study: Study, found: Found) -> None:
        load = found.numbers["load_max_over_mean"]
        if study.keyed:
            own = study.own
            load = None if load is None else load / lower_bound(own.weights, study.n)
        found.set("avoidable_skew", load)
        if study.contest.cluster.unequal is not None:
            found.set("avoidable_skew", None, "it is defined for equal capacities")
        if not study.keyed:
            found.set("sampling_floor_cv", None, "rows are placed by their number, not by a hash of a key")
            return
        keys = len(own) - int(own.is_null.any())
        found.set("sampling_floor_cv", math.sqrt(study.n / keys) if keys else None)


def lower_bound(weights: np.ndarray, n: int) -> float:
    """The least load_max_over_mean of any strategy that keeps keys whole.

    One partition holds the heaviest key; and of the n + 1 heaviest keys two share a partition.
    """
    whole = total(weights)
    if not whole:
        return 1.0
    most = n + 1
    top = np.sort(np.partition(weights, len(weights) - most)[-most:] if len(weights) > most else weights)[::-1]
    heaviest = [int(weight) for weight in top] + [0] * max(0, most - len(top))
    return max(1.0, n * heaviest[0] / whole, n * (heaviest[n - 1] + heaviest[n]) / whole)
