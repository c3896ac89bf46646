"""What other packages add to assay: found by their entry points, loaded once, told of once where they fail.

    [project.entry-points."assay.contenders"]     a module that registers strategies when it is imported
    [project.entry-points."assay.experiments"]    an object that follows assay.experiments.base.Experiment
    [project.entry-points."assay.datasets"]       a package with definitions (TOML), or a callable that gives Arrow
    [project.entry-points."assay.metrics"]        a module that registers metrics of partitioning when it is imported

Finding them reads the installed packages' metadata (a few ms, once a process) and imports none of them; a plug-in is
imported when something of its kind is asked for. One that fails is left out, with its package and its error, and does
not keep the others from working. Source: Python Packaging User Guide, "Entry points specification".
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, TypeVar

from assay.errors import PlugInError

__all__ = [
    "GROUPS",
    "Kind",
    "PlugIn",
    "PlugInWarning",
    "failures",
    "importing",
    "load",
    "load_registering",
    "loading",
    "plug_ins",
    "refuse",
    "tell_failures_to",
]

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
Kind = Literal["contenders", "experiments", "datasets", "metrics"]
GROUPS: dict[Kind, str] = {
    "contenders": "assay.contenders",
    "experiments": "assay.experiments",
    "datasets": "assay.datasets",
    "metrics": "assay.metrics",
}


class PlugInWarning(UserWarning):
    """A plug-in of another package cannot be used; the rest can."""


@dataclass(frozen=True)
class PlugIn:
    """One entry point of another package: what it names, and where it comes from."""

    kind: Kind
    name: str
    target: str  # "module" or "module:object"
    package: str  # the distribution's name
    version: str

    @property
    def module(self) -> str:
        """The module that the target names."""
        return self.target.partition(":")[0].strip()

    @property
    def attribute(self) -> str:
        """The object within the module; empty where the module itself is meant."""
        return self.target.partition(":")[2].partition("[")[0].strip()

    def __str__(self) -> str:
        return f"{self.name} ({GROUPS[self.kind]}) of {self.package} {self.version}"


_failures: dict[PlugIn, str] = {}
_loading: list[PlugIn] = []
_tell: list[Callable[[str], None]] = []


@lru_cache(maxsize=1)
def _found() -> tuple[PlugIn, ...]:
    from importlib.metadata import entry_points

    found = set()
    for kind, group in GROUPS.items():
        for point in entry_points(group=group):
            package, version = (point.dist.name, point.dist.version) if point.dist else (point.module, "0")
            found.add(PlugIn(kind, point.name, point.value, package, version))
    return tuple(sorted(found, key=lambda one: (one.package, list(GROUPS).index(one.kind), one.name)))


def plug_ins(kind: Kind | None = None) -> tuple[PlugIn, ...]:
    """All plug-ins of installed packages, or those of one kind, by package and name; none is imported."""
    return tuple(one for one in _found() if kind in (None, one.kind))


def failures() -> dict[PlugIn, str]:
    """The plug-ins that could not be used so far in this process, each with its error."""
    return dict(_failures)


def loading() -> PlugIn | None:
    """The plug-in whose module is being imported: what registers itself now comes from its package."""
    return _loading[-1] if _loading else None


def load(plug_in: PlugIn) -> Any:
    """What the plug-in's target names, imported.

    Raises:
        PlugInError: It cannot be imported, now or earlier in this process; told of the first time only.
    """
    if plug_in in _failures:
        raise PlugInError(_sentence(plug_in, _failures[plug_in]))
    try:
        with importing(plug_in):
            import importlib

            found: Any = importlib.import_module(plug_in.module)
            for name in filter(None, plug_in.attribute.split(".")):
                found = getattr(found, name)
    except Exception as error:
        raise refuse(plug_in, _described(error)) from error
    return found


def load_registering(kind: Kind, loaded: set[PlugIn], registered: dict[_Key, _Value]) -> Iterator[PlugIn]:
    """Imports each plug-in of a kind whose modules register themselves, once; one that fails leaves nothing behind.

    Args:
        kind: Which kind.
        loaded: Those that were imported before; added to.
        registered: Where they register; what a failed one put there is taken back.

    Yields:
        Each plug-in that was imported now, so that the caller can note what came from its package.
    """
    for plug_in in plug_ins(kind):
        if plug_in in loaded or plug_in in _failures:
            continue
        loaded.add(plug_in)  # at once: what it imports may ask for what is registered
        before = dict(registered)
        try:
            load(plug_in)
        except PlugInError:
            registered.clear()
            registered.update(before)
            continue
        yield plug_in


@contextlib.contextmanager
def importing(plug_in: PlugIn) -> Iterator[None]:
    """Within it, what registers itself comes from this plug-in's package."""
    _loading.append(plug_in)
    try:
        yield
    finally:
        _loading.pop()


def refuse(plug_in: PlugIn, why: str) -> PlugInError:
    """The error of a plug-in that cannot be used; kept for `failures`, and told of the first time."""
    told = plug_in in _failures
    _failures.setdefault(plug_in, why)
    message = _sentence(plug_in, _failures[plug_in])
    import multiprocessing
    import warnings

    if not told and multiprocessing.parent_process() is None:  # the parent of a worker tells of it
        if _tell:
            _tell[-1](message)
        else:
            warnings.warn(message, PlugInWarning, stacklevel=3)
    return PlugInError(message)


def tell_failures_to(tell: Callable[[str], None]) -> None:
    """From now on a plug-in's failure is told by `tell` instead of by a Python warning."""
    _tell[:] = [tell]


def _sentence(plug_in: PlugIn, why: str) -> str:
    return f"the plug-in {plug_in} cannot be used and is left out: {why}; mend or uninstall {plug_in.package}"


def _described(error: Exception) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
