"""A partitioning strategy: multiplicative hashing of integer keys.

Cost: one multiplication a key, no state. Choose it where keys are dense integers and a router must be tiny; choose a
real hash function where keys are chosen by somebody else, who could make them collide.
Source: Knuth, The Art of Computer Programming, volume 3, section 6.4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

import assay

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio, made odd


@assay.register_strategy
class Multiplicative(assay.Strategy):
    """The key times 2^64 over the golden ratio; the product's leading bits say where it lives."""

    name = "multiplicative"
    source = "Knuth, The Art of Computer Programming, volume 3, section 6.4"

    def assign(self, keys: pa.Table) -> Any:
        """The partition of each distinct key: the leading 32 bits of the product, scaled to n."""
        words = keys.column(0).to_numpy().astype(np.int64).view(np.uint64)
        leading = (words * _GOLDEN) >> np.uint64(32)
        return ((leading * np.uint64(self.partitions)) >> np.uint64(32)).astype(np.uint32)
