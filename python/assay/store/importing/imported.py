"""What another harness's file tells: benchmarks with their values, and the machine they ran on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from assay.errors import ReadError

__all__ = ["Benchmark", "ImportedRun", "Process", "field", "numbers"]

Unit = Literal["ns", "bytes", "count"]


@dataclass(frozen=True)
class Process:
    """The values that one process measured, in order: each the mean over `iterations` calls."""

    values: Sequence[float]
    iterations: int = 1


@dataclass(frozen=True)
class Benchmark:
    """One benchmark with its parameters; `processes` is empty where the file holds a summary alone."""

    name: str  # with its parameters: "test_sort.py::test_sort[10]"
    parameters: Mapping[str, Any]
    group: str | None  # benchmarks of one group were meant to be compared
    unit: Unit
    processes: Sequence[Process]
    operations: int = 1  # per call
    median: float | None = None  # of a summary, in the unit
    missing: str | None = None  # why there is no value, or no interval


@dataclass(frozen=True)
class ImportedRun:
    """One file: who measured when and where, and what."""

    tool: str  # "pyperf"
    tool_version: str
    name: str  # of the suite
    started: datetime  # with its zone
    ended: datetime | None
    label: str | None  # the commit, where the file names one
    environment: Mapping[str, Any]
    benchmarks: Sequence[Benchmark]


def field(record: object, *names: str, source: str, kind: type | tuple[type, ...] = object) -> Any:
    """The value under `names`, from the outside inwards.

    Raises:
        ReadError: It is not there, or of another kind.
    """
    found: Any = record
    for depth, name in enumerate(names):
        place = ".".join(names[: depth + 1])
        if not isinstance(found, Mapping) or name not in found:
            raise ReadError(f"{source} has no {place}; it is not whole, or of another version of its tool")
        found = found[name]
    if not isinstance(found, kind):
        raise ReadError(f"{'.'.join(names)} of {source} is {type(found).__name__}; it is not as its tool writes it")
    return found


def numbers(values: object, factor: float, *, name: str, source: str) -> list[float]:
    """`values` as finite numbers times `factor`.

    Raises:
        ReadError: One of them is no finite number.
    """
    found = []
    for value in values if isinstance(values, list) else [values]:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise ReadError(f'"{name}" of {source} has the value {value!r}; expected a finite number')
        found.append(float(value) * factor)
    return found
