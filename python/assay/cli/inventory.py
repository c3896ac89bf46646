"""Everything that has a name: what `assay list` lists, `assay explain` explains, and the documents must cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.cli.output import warn

if TYPE_CHECKING:
    from assay.experiments.base import Experiment

__all__ = ["experiments", "names", "room_name"]


_named: set[str] = set()  # incomplete experiments that were told of in this process


def experiments() -> list[Experiment]:
    """Every experiment, loaded, by kind; one whose package is incomplete is named on standard error and left out."""
    from assay.experiments import registry

    found = []
    for kind in registry.kinds():
        try:
            found.append(registry.get(kind))
        except ImportError as error:
            if kind not in _named:
                warn(f"the experiment {kind} cannot be loaded: {error}")
                _named.add(kind)
    return found


def names() -> dict[str, list[str]]:
    """Every public name by kind of thing, in the order of listing.

    Returns:
        `verbs`, `experiments`, `contenders`, `strategies`, `placements`, `datasets`, `generators` and `metrics`
        (`moved_share.ACTION`: the variable part in capitals). A name is listed once, even if several rooms have it.
    """
    from assay import catalogue
    from assay.cli.app import VERBS
    from assay.datasets import CALLS, known_datasets

    found = experiments()
    return {
        "verbs": list(VERBS),
        "experiments": [experiment.kind for experiment in found],
        "contenders": _once(contender.name for contender in catalogue.contenders()),
        "strategies": _once(contender.name for contender in catalogue.strategies()),
        "placements": _once(one.name for one in catalogue.contenders() if one.room == "placement"),
        "datasets": [dataset.name for dataset in known_datasets()],
        "generators": list(CALLS),
        "metrics": _once(metric for experiment in found for metric in experiment.metrics),
    }


def room_name(room: str) -> str:
    """What a contender of this room is called: "hash function", "strategy"."""
    from assay.catalogue import NOUNS

    return NOUNS.get(room, room)


def _once(entries: object) -> list[str]:
    return list(dict.fromkeys(entries))  # type: ignore[call-overload]
