"""Caches: which objects stay where not all have room, simulated on a trace of requests.

A trace is any dataset whose rows are requests in the order of time; only its key is needed. A policy is spelled by
its name and parameters, such as `lru` or `slru(segments=4)`; a capacity counts objects or bytes, or is a share.
"""

from __future__ import annotations

from assay.caches.simulate import simulate_cache

__all__ = ["simulate_cache"]
