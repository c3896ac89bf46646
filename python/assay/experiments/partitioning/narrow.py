"""Numbers of partitions, parents and instances in the narrowest unsigned type; its greatest value stands for none."""

from __future__ import annotations

import numpy as np

__all__ = ["NONE", "narrow"]

NONE = np.uint32(0xFFFFFFFF)  # no parent, no instance; in narrower types their greatest value


def narrow(numbers: np.ndarray, count: int) -> np.ndarray:
    """Unsigned numbers below `count`, or `NONE`, in the narrowest type that holds them all; no copy if they are."""
    for kind in (np.uint8, np.uint16):
        if count <= np.iinfo(kind).max:
            return numbers.astype(kind, copy=False)  # NONE is cut to the type's greatest value
    return numbers.astype(np.uint32, copy=False)
