"""The experiments by kind: those of assay, loaded when asked for, and those of plug-ins.

A plug-in names its experiment under the entry-point group `assay.experiments`; a notebook or a
test calls `register`. A kind of assay's own cannot be taken by another.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING

from assay.errors import ParameterError, UnknownNameError

if TYPE_CHECKING:
    from assay.experiments.base import Experiment

__all__ = ["BUILT_IN", "GROUP", "get", "kinds", "register"]

GROUP = "assay.experiments"
BUILT_IN = {
    "partitioning": "assay.experiments.partitioning:EXPERIMENT",
    "placement": "assay.experiments.placement:EXPERIMENT",
}
_registered: dict[str, Experiment] = {}


def kinds() -> list[str]:
    """The names of all experiments, sorted; none is loaded."""
    return sorted({*BUILT_IN, *_registered, *_plug_ins()})


def get(kind: str) -> Experiment:
    """The experiment of this kind.

    Raises:
        UnknownNameError: There is no such kind; the message offers the nearest one.
    """
    experiment: Experiment
    if kind in _registered:
        return _registered[kind]
    if kind in BUILT_IN:
        module, _, name = BUILT_IN[kind].partition(":")
        experiment = getattr(import_module(module), name)
        return experiment
    plug_ins = _plug_ins()
    if kind in plug_ins:
        experiment = plug_ins[kind].load()
        return experiment
    raise UnknownNameError.of("experiment", kind, kinds())


def register(experiment: Experiment) -> None:
    """Adds an experiment of one's own under its kind, for this process.

    Raises:
        ParameterError: The kind is one of assay's own.
    """
    if experiment.kind in BUILT_IN:
        raise ParameterError(f'"{experiment.kind}" is an experiment of assay\'s own; give yours another kind')
    _registered[experiment.kind] = experiment


def _plug_ins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}
