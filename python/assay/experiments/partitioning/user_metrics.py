"""Metrics of partitioning that users and other packages write in Python.

    import assay

    @assay.register_metric
    class Theil(assay.PartitioningMetric):
        "Theil's index of the load: 0 is even, ln(n) is all in one partition."
        name = "load_theil"
        unit = "ratio"
        direction = "lower"
        formula = "mean of (x / m) ln(x / m) over the loads x with mean m"
        source = "Theil 1967, Economics and Information Theory"

        def value(self, loads):
            x = loads.loads / loads.loads.mean()
            ...

A metric is a function of one strategy's loads; it is asked in the parent process, once for each cell, when all rows are
counted. One that fails has no value, and a note that says why; the cell's other metrics are not affected.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

import numpy as np

from assay import plugins
from assay.errors import ParameterError
from assay.experiments.base import Metric
from assay.experiments.partitioning.metrics import METRICS
from assay.units import UNITS

__all__ = ["FAILED", "PartitionLoads", "PartitioningMetric", "measure", "package_of", "register_metric", "user_metrics"]

FAILED = "the metric failed: "  # how the note of a metric begins whose code did


@dataclass(frozen=True)
class PartitionLoads:
    """What a metric is given: one strategy's partitions, exactly counted.

    Attributes:
        strategy: Its spelling.
        partitions: Their number n.
        nodes: The partitions' names, in order.
        loads: The rows in each partition, or the sum of their weights where the settings name one; uint64, shape (n,).
        keys: The distinct keys in each, without null; uint64, shape (n,). None where rows are placed by their number.
        bytes: The bytes of the rows in each; uint64, shape (n,). None unless the settings ask for bytes.
        capacities: What each node can hold, shape (n,); None where all are equal.
    """

    strategy: str
    partitions: int
    nodes: tuple[str, ...]
    loads: np.ndarray
    keys: np.ndarray | None
    bytes: np.ndarray | None
    capacities: tuple[float, ...] | None


class PartitioningMetric:
    """The base of metrics written in Python.

    Attributes:
        name: How it is called; letters, digits and underscores, its unit last.
        unit: A key of `assay.units.UNITS`: "ratio", "share", "rows" ...
        direction: Which way is better: "lower", "higher" or "none".
        kind: "exact" (the same loads, the same bits), or "estimated" (with a bound).
        origin: "measured", "replayed" or "modelled".
        formula: How the value comes from the loads, in symbols or words.
        meaning: One line; by default the first of the class's documentation.
        source: The paper or text that it follows.
    """

    name: ClassVar[str] = ""
    unit: ClassVar[str] = "ratio"
    direction: ClassVar[str] = "none"
    kind: ClassVar[str] = "exact"
    origin: ClassVar[str] = "measured"
    formula: ClassVar[str] = ""
    meaning: ClassVar[str] = ""
    source: ClassVar[str] = "a user's own"

    def value(self, loads: PartitionLoads) -> Any:
        """The metric of one strategy: a number; None where it does not apply; of an estimate (value, low, high)."""
        raise NotImplementedError(f"{type(self).__name__} does not say what it measures; define value(self, loads)")


@dataclass(frozen=True)
class _Registered:
    declaration: Metric
    function: PartitioningMetric
    package: str | None  # None: registered in this process alone


_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "unit": tuple(UNITS),
    "direction": ("lower", "higher", "none"),
    "kind": ("exact", "estimated"),
    "origin": ("measured", "replayed", "modelled"),
}
_registered: dict[str, _Registered] = {}
_loaded: set[plugins.PlugIn] = set()
_MetricClass = TypeVar("_MetricClass", bound=type[PartitioningMetric])


def register_metric(metric: _MetricClass) -> _MetricClass:
    """Makes a metric known by its name, in this process; returns it, so that it can decorate the class.

    Raises:
        ParameterError: Its declaration is not complete, or its name is taken.
    """
    plug_in = plugins.loading()
    package = plug_in.package if plug_in else None
    declaration = _declaration(metric)
    if declaration.name in {name.partition(".")[0] for name in METRICS}:
        raise ParameterError(f'"{metric.name}" is a metric of assay\'s own; give yours another name')
    there = _registered.get(declaration.name)
    if there is not None and there.package not in (None, package) and _home(there.function) != _home(metric):
        raise ParameterError(
            f'"{metric.name}" is a metric of the package {there.package} already; give yours another name, or '
            f"uninstall {there.package}"
        )
    _registered[declaration.name] = _Registered(declaration, metric(), package)
    return metric


def user_metrics() -> dict[str, Metric]:
    """The declarations of all that were registered, here or by plug-ins, by name."""
    _load_plug_ins()
    return {name: one.declaration for name, one in _registered.items()}


def package_of(name: str) -> str | None:
    """The package that a registered metric comes from; None if this process registered it."""
    return _registered[name].package


def measure(name: str, loads: PartitionLoads) -> tuple[float | int | None, tuple[float, float] | None, str | None]:
    """The value of a registered metric, its bounds if it is estimated, and why it has no value."""
    _load_plug_ins()
    if name not in _registered:
        return None, None, f"{FAILED}nothing of this name is registered in the process that measures"
    one = _registered[name]
    try:
        return _checked(one.function.value(loads), one.declaration.kind)
    except Exception as error:
        where = f" ({one.package})" if one.package else ""
        return None, None, f"{FAILED}{type(error).__name__}: {' '.join(str(error).split())}{where}"


def _checked(given: Any, kind: str) -> tuple[float | int | None, tuple[float, float] | None, str | None]:
    if given is None:
        return None, None, "it does not apply here"
    numbers: Sequence[Any] = [given]
    if kind == "estimated":
        if not isinstance(given, tuple) or len(given) != 3:
            raise TypeError(f"an estimate gave {given!r}; expected (value, low, high)")
        numbers = given
    plain: list[float | int] = []
    for number in numbers:
        number = number.item() if isinstance(number, np.generic) else number
        if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
            raise TypeError(f"it gave {number!r}; expected a finite number, or None where it does not apply")
        plain.append(number)
    if len(plain) == 3 and not plain[1] <= plain[0] <= plain[2]:
        raise ValueError(f"an estimate gave {plain[0]} with bounds {plain[1]} and {plain[2]}; expected it within them")
    return plain[0], (float(plain[1]), float(plain[2])) if len(plain) == 3 else None, None


def _declaration(metric: type[PartitioningMetric]) -> Metric:
    if not metric.name.isidentifier() or not metric.name.islower():
        raise ParameterError(
            f"{metric.__name__}.name is {metric.name!r}; expected lower-case letters, digits and underscores"
        )
    if metric.value is PartitioningMetric.value:
        raise ParameterError(f"{metric.__name__} has no value; define value(self, loads) -> a number")
    for word, allowed in _ALLOWED.items():
        if getattr(metric, word) not in allowed:
            raise ParameterError(
                f"{metric.__name__}.{word} is {getattr(metric, word)!r}; expected one of {', '.join(allowed)}"
            )
    meaning = metric.meaning or (inspect.getdoc(metric) or "").partition("\n")[0]
    for word, text in (("formula", metric.formula), ("meaning", meaning)):
        if not text.strip():
            raise ParameterError(f"{metric.__name__} has no {word}; a number that nobody can check helps nobody")
    return Metric(
        metric.name,
        metric.unit,
        metric.direction,  # type: ignore[arg-type]
        metric.kind,  # type: ignore[arg-type]
        metric.origin,  # type: ignore[arg-type]
        metric.formula,
        meaning.rstrip("."),
        metric.source,
    )


def _home(metric: object) -> tuple[str, str]:
    """The module and name of a metric's class."""
    kind = metric if isinstance(metric, type) else type(metric)
    return kind.__module__, kind.__qualname__


def _load_plug_ins() -> None:
    """Imports what other packages name under `assay.metrics`; each registers itself, and one that fails leaves none."""
    for plug_in in plugins.load_registering("metrics", _loaded, _registered):
        for name, one in _registered.items():  # a module that was imported before: by a test, or a notebook
            if one.package is None and f"{_home(one.function)[0]}.".startswith(f"{plug_in.module}."):
                _registered[name] = _Registered(one.declaration, one.function, plug_in.package)
