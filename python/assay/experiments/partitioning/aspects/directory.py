"""What a directory costs each lookup: a client's cache that holds the hottest tenth of its entries, and what misses it.

Modelled: the cache is the best that there can be of its size when accesses are independent of each other and fall on
keys as weight does; real ones, which must find out what is hot, miss more. Cost: a partial sort of the keys'
weights; no scan of the rows. Source: METHODOLOGY, "Routing"; Coffman and Denning 1973, "Operating Systems
Theory", chapter 6 (the independent reference model).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.datasets import Dataset
from assay.experiments.distinct import total
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["Directory", "plan"]

METRICS = ("directory_cache_miss_share", "directory_hops_mean")
ONE_ENTRY_IN = 10  # is in the cache


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Directory:
    """Measured of every directory; other strategies have none."""
    return Directory()


@dataclass(frozen=True)
class Directory(Aspect):
    """Lookups in a directory, behind a cache."""

    def measure(self, study: Study, found: Found) -> None:
        """The share of lookups that miss the cache, and the hops of a lookup."""
        if study.learned.directory_entries is None:
            return
        looked_up = [leaf.columns for leaf in study.contest.spec.leaves if leaf.name == "directory"]
        if len(looked_up) > 1:
            for name in METRICS:
                found.set(name, None, "there is more than one directory in it")
            return
        keys = study.keys(looked_up[0])
        weights = keys.weights[~keys.is_null]  # null has no entry: it lives in partition 0
        whole, cached = total(weights), max(1, len(weights) // ONE_ENTRY_IN)
        if not whole:
            for name in METRICS:
                found.set(name, None, "nothing weighs")
            return
        hottest = total(np.partition(weights, len(weights) - cached)[len(weights) - cached :])
        found.set(METRICS[0], (whole - hottest) / whole)
        found.set(METRICS[1], (2 * whole - hottest) / whole)
