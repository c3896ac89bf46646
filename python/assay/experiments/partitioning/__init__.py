"""Which partitioning strategy suits this table?

A strategy is measured by where it puts the rows that are there: how even the load is, what a node
more or less moves, which joins and foreign keys cross partitions, how many partitions a query
asks, and what routing costs.
"""

from assay.experiments.partitioning.counting import count_partitions
from assay.experiments.partitioning.experiment import EXPERIMENT
from assay.experiments.partitioning.user import Strategy, register_strategy
from assay.experiments.partitioning.user_metrics import PartitioningMetric, PartitionLoads, register_metric

__all__ = [
    "EXPERIMENT",
    "PartitionLoads",
    "PartitioningMetric",
    "Strategy",
    "count_partitions",
    "register_metric",
    "register_strategy",
]
