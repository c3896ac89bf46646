"""What a query's instances ask for, column by column, as a router sees them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

__all__ = ["Asked", "Values", "Windows"]


@dataclass(frozen=True)
class Values:
    """For each instance, the values that a column may be equal to: instance i has values[offsets[i]:offsets[i + 1]]."""

    offsets: np.ndarray  # int64, shape (instances + 1,)
    values: pa.Array

    @classmethod
    def one_each(cls, values: pa.Array) -> Values:
        """One value for each instance."""
        return cls(np.arange(len(values) + 1, dtype=np.int64), values)

    @property
    def counts(self) -> np.ndarray:
        """How many values each instance has."""
        return np.diff(self.offsets)


@dataclass(frozen=True)
class Windows:
    """For each instance, the least and the greatest value of a column; null where there is no bound."""

    first: pa.Array
    last: pa.Array


@dataclass(frozen=True)
class Asked:
    """The conditions of `count` instances, all of which must hold; a column without any may be anything."""

    count: int
    values: Mapping[str, Values] = field(default_factory=dict)
    windows: Mapping[str, Windows] = field(default_factory=dict)
    impossible: np.ndarray | None = None  # bool, instances whose conditions contradict each other; None for none
