"""`assay explain`: what a name means, when to choose it, and what it takes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from assay.cli.output import print_lines, say

if TYPE_CHECKING:
    from assay.catalogue import Contender
    from assay.experiments.base import Experiment, Metric

__all__ = ["explain", "print_flags"]

Lines = list[tuple[str, str]]


def explain(
    name: Annotated[str, Parameter(help="A contender, metric, experiment, dataset or generator: see `assay list`.")], /
) -> int:
    """Explain a contender, a metric, an experiment or a dataset.

    For example:

        assay explain ring
        assay explain moved_over_optimum
    """
    from assay.cli.inventory import names
    from assay.errors import UnknownNameError

    found = [entry for look in (_contenders, _experiments, _metrics, _datasets, _generators) for entry in look(name)]
    if not found:
        known = [one for kind, entries in names().items() if kind != "verbs" for one in entries]
        raise UnknownNameError.of(
            "contender, metric, experiment or dataset", name, known, "`assay list` shows them by kind"
        )
    for position, (heading, lines) in enumerate(found):
        if position:
            say("")
        say(heading)
        print_lines([(label, text) for label, text in lines if text])
    return 0


def _contenders(name: str) -> list[tuple[str, Lines]]:
    from assay import catalogue

    strategies = {id(one) for one in catalogue.strategies()}
    return [
        (
            f"{one.name}: {_noun(one, id(one) in strategies)}",
            [
                ("idea", one.idea),
                ("choose when", one.choose_when),
                ("cost", one.cost),
                ("parameters", "\n".join(_parameter(parameter) for parameter in one.parameters) or "none"),
                ("abilities", ", ".join(sorted(one.abilities)).replace("_", " ")),
                ("source", one.source),
                ("version", str(one.version)),
                ("package", _package(one.package)),
            ],
        )
        for one in catalogue.contenders()
        if one.name == name
    ]


def _package(package: str | None) -> str:
    """Which package a name comes from, where it is none of assay's own."""
    return {"assay": "", None: "none: registered in this process"}.get(package, str(package))


def _noun(one: Contender, is_strategy: bool) -> str:
    article = "an" if one.noun[0] in "aeiou" else "a"
    return f"{article} {one.noun}" + (", also a strategy" if is_strategy and one.room != "partition" else "")


def _parameter(parameter: Any) -> str:
    default = f" (default {parameter.default})" if parameter.default else ""
    meaning = f": {parameter.meaning}" if parameter.meaning else ""
    return f"{parameter.name}{meaning}; {parameter.bounds}{default}"


def _experiments(name: str) -> list[tuple[str, Lines]]:
    from assay.experiments import registry

    if name not in registry.kinds():
        return []
    one = registry.get(name)
    return [
        (
            f"{one.kind}: an experiment",
            [
                ("question", one.question),
                ("settings", "\n".join(_settings(one))),
                ("metrics", ", ".join(one.metrics)),
                ("package", _package(registry.package_of(name))),
                ("try", f"assay compare {one.kind} DATA"),
            ],
        )
    ]


def print_flags(kind: str) -> None:
    """Every setting of an experiment as the flag that it is, below the help of `compare`; nothing for no experiment."""
    from assay.experiments import registry
    from assay.units import plural

    if kind not in registry.kinds():
        return
    one = registry.get(kind)
    say(f"Flags of {kind}, instead of those above that belong to others. {one.question}\n")
    lines = []
    for line in _settings(one):
        name, _, meaning = line.partition(": ")
        name = one.noun if name == plural(one.noun) else name
        lines.append((f"--{name.replace('_', '-')}", meaning))
    print_lines(lines)


def _settings(one: Experiment) -> list[str]:
    from pydantic_core import PydanticUndefined

    lines = []
    for name, field in one.settings.model_fields.items():
        default = field.default_factory() if field.default_factory is not None else field.default
        shown = (
            "required"
            if default is PydanticUndefined
            else f"default {json.dumps(default)}"
            if default not in (None, [], {})
            else "optional"
        )
        lines.append(f"{name}{_meaning(one.settings, name)} ({shown})")
    return lines


def _meaning(settings: type[Any], name: str) -> str:
    """What the docstring of the settings says of one of them, in its entry `name: ...`, which may go on over lines."""
    entries = "|".join(map(re.escape, settings.model_fields))
    found = re.search(
        rf"^\s*{re.escape(name)}: (.*?)(?=^\s*(?:{entries}): |^\s*$|\Z)", settings.__doc__ or "", re.M | re.S
    )
    return "" if found is None else ": " + " ".join(found[1].split()).rstrip(".")


def _metrics(name: str) -> list[tuple[str, Lines]]:
    from assay.cli.inventory import experiments, package_of_metric

    named = [(metric, one) for one in experiments() for metric in one.metrics.values() if _is_named(metric, name)]
    named.sort(key=lambda found: found[0].name != name)  # by its very name before by its stem
    return [_metric(metric, one.kind, package_of_metric(one, metric.name)) for metric, one in named]


def _is_named(metric: Metric, name: str) -> bool:
    """`moved_share.ACTION` is named by itself, by `moved_share` and by `moved_share.add_one`."""
    stem, _, variable = metric.name.partition(".")
    return name == metric.name or (bool(variable) and name.partition(".")[0] == stem)


def _metric(metric: Metric, kind: str, package: str | None) -> tuple[str, Lines]:
    from assay.units import UNITS

    trust = {
        "exact": "exact: the same input gives the same bits, always",
        "seeded": "seeded: varies with the seed",
        "timed": "timed: varies with the machine; shown with an interval",
        "estimated": "estimated: shown with its bound",
    }
    better = {"lower": "lower is better", "higher": "higher is better", "none": "neither way is better"}
    return f"{metric.name}: a metric of {kind}", [
        ("meaning", metric.meaning),
        ("formula", metric.formula),
        *([("source", metric.source)] if metric.source else []),
        ("unit", f"{metric.unit}: {UNITS.get(metric.unit, '')}"),
        ("reading", better[metric.direction]),
        ("trust", f"{trust[metric.kind]}; {metric.origin}"),
        ("package", _package(package)),
    ]


def _datasets(name: str) -> list[tuple[str, Lines]]:
    from assay.cli.inventory import missing_data
    from assay.datasets import known_datasets

    return [
        (
            f"{one.name}: a dataset",
            [
                ("what", one.description),
                ("source", one.source),
                ("licence", one.licence or ""),
                ("attribution", one.attribution or ""),
                ("installed", "yes" if one.installed else missing_data(one).replace(":", ";", 1)),
                ("package", _package(one.package)),
                ("columns", f"assay data {one.name}"),
            ],
        )
        for one in known_datasets()
        if one.name == name
    ]


def _generators(name: str) -> list[tuple[str, Lines]]:
    from assay.datasets import CALLS

    if name not in CALLS:
        return []
    one = CALLS[name]
    number: Callable[[float], str] = lambda value: f"{value:,}"  # noqa: E731
    parameters = [
        f"{parameter.name}: {parameter.meaning}; from {number(parameter.low)} to {number(parameter.high)}"
        + ("" if parameter.default is None else f" (default {parameter.default})")
        for parameter in one.parameters
    ]
    return [
        (
            f"{one.name}: a generator of tables",
            [
                ("rows", one.idea),
                ("spelling", one.signature()),
                ("parameters", "\n".join(parameters)),
                ("try", f'assay data "{one.example}"'),
            ],
        )
    ]
