"""GDSF, after Cherkasova 1998, with libCacheSim's factor of a million."""

from __future__ import annotations

import math

from oracles.lfu_da import LfuDa


class Gdsf(LfuDa):
    """As LFU with dynamic ageing, but K = L + F / S."""

    def gain(self, key: int) -> float:
        """Requests per byte."""
        size = self.sizes[key]
        return self.frequency[key] * 1e6 / size if size else math.inf
