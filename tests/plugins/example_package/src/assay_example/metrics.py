"""A metric of partitioning: Theil's index of the load."""

from __future__ import annotations

import numpy as np

import assay


@assay.register_metric
class Theil(assay.PartitioningMetric):
    """How unequal the load is: 0 is even, ln(n) is all in one of n partitions."""

    name = "load_theil"
    unit = "ratio"
    direction = "lower"
    formula = "mean of (x / m) ln(x / m) over the loads x with mean m; 0 ln 0 = 0"
    source = "Theil 1967, Economics and Information Theory"

    def value(self, loads: assay.PartitionLoads) -> float | None:
        """None where no partition holds anything."""
        if not loads.loads.any():
            return None
        relative = loads.loads / loads.loads.mean()
        relative = relative[relative > 0]
        return float((relative * np.log(relative)).sum() / loads.partitions)
