"""What a generator is: a name, parameters with bounds, and one function from row numbers to columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from assay.datasets.splitmix import Integers
from assay.errors import ParameterError

__all__ = ["ROWS", "SEED", "Columns", "Generator", "Parameter", "Values", "time_column"]

Values: TypeAlias = Mapping[str, int | float]
Columns: TypeAlias = dict[str, npt.NDArray[np.generic]]
_EPOCH_US = 1_704_067_200_000_000  # 2024-01-01T00:00:00


@dataclass(frozen=True)
class Parameter:
    """A parameter with its default (None: must be given) and its bounds, both included."""

    name: str
    default: int | float | None
    low: int | float
    high: int | float
    meaning: str

    def check(self, generator: str, value: object) -> int | float:
        """`value`, if it is of the right kind and within bounds; else ParameterError."""
        whole = isinstance(self.low, int)
        if (
            not isinstance(value, int if whole else (int, float))
            or isinstance(value, bool)
            or not self.low <= value <= self.high
        ):
            kind = "a whole number" if whole else "a number"
            raise ParameterError(
                f"{generator}: {self.name} is {value!r}; expected {kind} from {self.low} to {self.high} "
                f"({self.meaning})"
            )
        return int(value) if whole else float(value)


@dataclass(frozen=True)
class Generator:
    """One way to make rows up."""

    name: str
    idea: str
    parameters: tuple[Parameter, ...]
    make: Callable[[Values, Integers], Columns]
    version: int = 1  # changes with the bits

    def signature(self) -> str:
        """`zipf(rows, keys=10000, exponent=1.1, seed=0)`."""
        parts = [p.name if p.default is None else f"{p.name}={p.default}" for p in self.parameters]
        return f"{self.name}({', '.join(parts)})"

    @property
    def example(self) -> str:
        """A small table, to try."""
        return f"{self.name}(rows=1000)"


ROWS = Parameter("rows", None, 0, 10**12, "rows to make")
SEED = Parameter("seed", 0, 0, 2**64 - 1, "another seed, other rows of the same shape")


def time_column(rows: Integers) -> npt.NDArray[np.datetime64]:
    """A millisecond a row, from the beginning of 2024 on."""
    return (rows.astype(np.int64) * 1000 + _EPOCH_US).astype("datetime64[us]")
