"""The metrics that users and other packages add: functions of the loads, which are all there by then.

Only their names travel to other processes; the functions are looked up where cells are measured, in the parent.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.datasets import Dataset
from assay.experiments.distinct import numpy_of
from assay.experiments.partitioning import user_metrics
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.cluster import node_name
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["UserMetrics", "plan"]


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> UserMetrics | None:
    """Whatever is registered."""
    names = tuple(user_metrics.user_metrics())
    return UserMetrics(names) if names else None


@dataclass(frozen=True)
class UserMetrics(Aspect):
    """Registered metrics by name."""

    names: tuple[str, ...]

    def measure(self, study: Study, found: Found) -> None:
        """Each metric of the same loads; one that changes them would change them for the others, so it cannot."""
        loads = _loads(study)
        for name in self.names:
            number, bounds, note = user_metrics.measure(name, loads)
            found.set(name, number, note, bounds=bounds)


def _loads(study: Study) -> user_metrics.PartitionLoads:
    keys = None
    if study.keyed:
        own = study.own
        placed = numpy_of(study.partitions)[~own.is_null]
        keys = _frozen(np.bincount(placed, minlength=study.n).astype(np.uint64))
    sized = study.state is not None and study.state.has(f"bytes:{study.index}")
    capacities = study.contest.cluster.unequal
    return user_metrics.PartitionLoads(
        study.contest.spec.text,
        study.n,
        tuple(node_name(node) for node in study.learned.nodes),
        _frozen(study.loads),
        keys,
        _frozen(study.sums(f"bytes:{study.index}", study.n)) if sized else None,
        None if capacities is None else tuple(capacities),
    )


def _frozen(numbers: np.ndarray) -> np.ndarray:
    """A view that cannot be written to."""
    view = numbers.view()
    view.flags.writeable = False
    return view
