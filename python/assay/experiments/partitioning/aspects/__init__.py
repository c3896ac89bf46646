"""Aspects: families of metrics, each in a file of its own.

An aspect says which distinct keys it needs, what it puts beside them once they are known, whether
and what it sums over the rows, and which values it makes of all that. The job
(`assay.experiments.partitioning.job`) knows no metric; a new family is a new file here, a line in
`PLANS`, its declarations in `metrics.py` and its test.
"""

from __future__ import annotations

from collections.abc import Sequence

from assay.datasets import Dataset
from assay.experiments.partitioning.aspects import (
    balance,
    churn,
    colocation,
    columns,
    denormalization,
    directory,
    fan_out,
    growth,
    hot_keys,
    join_bytes,
    joins,
    movement,
    replicas,
    size,
    transactions,
    user_metrics,
    work,
)
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["PLANS", "Aspect", "Found", "Mistakes", "Study", "plan", "suits"]

# Each plans its aspect for a dataset and settings: None where there is nothing to measure. In the order of reports.
PLANS = (
    balance.plan,
    hot_keys.plan,
    movement.plan,
    replicas.plan,
    joins.plan,
    join_bytes.plan,
    denormalization.plan,
    colocation.plan,
    fan_out.plan,
    transactions.plan,
    work.plan,
    growth.plan,
    churn.plan,
    directory.plan,
    size.plan,
    columns.plan,
    user_metrics.plan,
)


def suits(aspect: Aspect, contest: Contest) -> bool:
    """Whether an aspect measures a strategy: rows are placed by most, columns by `vertical`; the work is anyone's."""
    return isinstance(aspect, work.Work) or isinstance(aspect, columns.Columns) == bool(contest.spec.groups)


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Sequence[Aspect]:
    """All aspects that the settings ask for; mistakes are added with their places."""
    found = (make(dataset, settings, mistakes) for make in PLANS)
    return tuple(aspect for aspect in found if aspect is not None)
