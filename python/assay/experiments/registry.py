"""The experiments by kind: those of assay, loaded when asked for, and those of plug-ins.

A plug-in names its experiment under the entry-point group `assay.experiments`, by its kind; a notebook or a
test calls `register`. A kind of assay's own, or of another package, cannot be taken by another.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from assay import plugins
from assay.errors import ParameterError, UnknownNameError

if TYPE_CHECKING:
    from assay.experiments.base import Experiment

__all__ = ["BUILT_IN", "get", "kinds", "package_of", "register"]

BUILT_IN = {
    "caching": "assay.experiments.caching:EXPERIMENT",
    "hashing": "assay.experiments.hashing:EXPERIMENT",
    "indexing": "assay.experiments.indexing:EXPERIMENT",
    "membership": "assay.experiments.membership:EXPERIMENT",
    "integrity": "assay.experiments.integrity:EXPERIMENT",
    "partitioning": "assay.experiments.partitioning:EXPERIMENT",
    "placement": "assay.experiments.placement:EXPERIMENT",
}
_CONTRACT = ("kind", "question", "noun", "settings", "metrics", "job", "answer")
_registered: dict[str, Experiment] = {}


def kinds() -> list[str]:
    """The names of all experiments, sorted; none is loaded, and those that failed to load are left out."""
    usable = (kind for kind, plug_in in _plug_ins().items() if plug_in not in plugins.failures())
    return sorted({*BUILT_IN, *_registered, *usable})


def get(kind: str) -> Experiment:
    """The experiment of this kind.

    Raises:
        UnknownNameError: There is no such kind; the message offers the nearest one.
        PlugInError: It is a plug-in's, which cannot be loaded, or does not follow the contract.
    """
    experiment: Experiment
    if kind in _registered:
        return _registered[kind]
    if kind in BUILT_IN:
        module, _, name = BUILT_IN[kind].partition(":")
        experiment = getattr(import_module(module), name)
        return experiment
    plug_in = _plug_ins().get(kind)
    if plug_in is None:
        raise UnknownNameError.of("experiment", kind, kinds())
    experiment = plugins.load(plug_in)
    missing = [name for name in _CONTRACT if not hasattr(experiment, name)]
    if missing:
        raise plugins.refuse(
            plug_in,
            f"{plug_in.target} is of type {type(experiment).__name__} without {', '.join(missing)}; expected an "
            "experiment, as assay.experiments.base.Experiment describes it",
        )
    if experiment.kind != kind:
        raise plugins.refuse(
            plug_in, f'its kind is "{experiment.kind}" and its entry point "{kind}"; expected one name for both'
        )
    return experiment


def package_of(kind: str) -> str | None:
    """The package that an experiment comes from: "assay", a plug-in's; None if this process registered it."""
    if kind in _registered:
        return None
    plug_in = _plug_ins().get(kind)
    return "assay" if plug_in is None or kind in BUILT_IN else plug_in.package


def register(experiment: Experiment) -> None:
    """Adds an experiment of one's own under its kind, for this process.

    Raises:
        ParameterError: The kind is one of assay's own, or of a plug-in.
    """
    if experiment.kind in BUILT_IN:
        raise ParameterError(f'"{experiment.kind}" is an experiment of assay\'s own; give yours another kind')
    taken = _plug_ins().get(experiment.kind)
    if taken is not None:
        raise ParameterError(f'"{experiment.kind}" is an experiment of {taken.package}; give yours another kind')
    _registered[experiment.kind] = experiment


def _plug_ins() -> dict[str, plugins.PlugIn]:
    """Those that may be loaded, by kind; one whose kind is taken is refused."""
    found: dict[str, plugins.PlugIn] = {}
    for plug_in in plugins.plug_ins("experiments"):
        owner = "assay" if plug_in.name in BUILT_IN else found[plug_in.name].package if plug_in.name in found else None
        if owner is None:
            found[plug_in.name] = plug_in
        elif plug_in not in plugins.failures():
            plugins.refuse(plug_in, f'"{plug_in.name}" is an experiment of {owner} already; give yours another kind')
    return found
