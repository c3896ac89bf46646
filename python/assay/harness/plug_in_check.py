"""Every plug-in of other packages, loaded, with what is wrong with it."""

from __future__ import annotations

from assay import catalogue, plugins
from assay.datasets import known_datasets
from assay.errors import PlugInError
from assay.experiments import registry

__all__ = ["check_plug_ins"]


def check_plug_ins() -> list[tuple[plugins.PlugIn, str | None]]:
    """All that are installed, by package and name, each with its error or None; those that fail are told of once."""
    if not plugins.plug_ins():
        return []
    catalogue.contenders()
    for kind in registry.kinds():
        try:
            _ = registry.get(kind).metrics  # partitioning loads those of others
        except PlugInError:
            continue
    known_datasets()
    failed = plugins.failures()
    return [(one, failed.get(one)) for one in plugins.plug_ins()]
