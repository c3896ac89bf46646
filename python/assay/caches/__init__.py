"""Caches: which objects stay where not all have room, simulated on a trace of requests.

A trace is any dataset whose rows are requests in the order of time; only its key is needed. A policy is spelled by
its name and parameters, such as `lru` or `slru(segments=4)`; a capacity counts objects or bytes, or is a share.
"""

from __future__ import annotations

from assay.caches.choosing import Cheapest, Knee, cheapest, knee
from assay.caches.curve import miss_ratio_curve
from assay.caches.operations import OPERATIONS
from assay.caches.simulate import RESULT, simulate_cache
from assay.caches.user_policies import EvictionPolicy, RequestPolicy
from assay.caches.write_schemes import WRITE_COLUMNS, Costs, ForeignWrites

__all__ = [
    "OPERATIONS",
    "RESULT",
    "WRITE_COLUMNS",
    "Cheapest",
    "Costs",
    "EvictionPolicy",
    "ForeignWrites",
    "Knee",
    "RequestPolicy",
    "cheapest",
    "knee",
    "miss_ratio_curve",
    "simulate_cache",
]
