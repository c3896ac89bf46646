"""`assay list`: what there is to choose from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE, FormatOption
from assay.cli.output import Format, NothingError, note, print_lines, print_rows, say
from assay.plugins import GROUPS

if TYPE_CHECKING:
    from assay.catalogue import Contender

__all__ = ["list_"]

What = Literal["experiments", "contenders", "strategies", "datasets", "metrics", "plugins", "runs"]
Rows = list[dict[str, Any]]


def list_(
    what: Annotated[What | None, Parameter(help="Which kind; an overview without it.")] = None,
    /,
    *,
    room: Annotated[
        str | None,
        Parameter(
            help="Contenders of one room only: hash, digest, filter, placement, checksum, cache, write_scheme, "
            "coherence, partition."
        ),
    ] = None,
    experiment: Annotated[str | None, Parameter(help="Metrics of one experiment only.", metavar="KIND")] = None,
    store: Annotated[Path, Parameter(help="Where runs are kept.", metavar="FILE")] = DEFAULT_STORE,
    format: FormatOption = "table",
) -> int:
    """List experiments, contenders, datasets, metrics, plug-ins or runs.

    `assay explain NAME` says more of each.

    For example:

        assay list strategies
        assay list contenders --room placement --format json
    """
    if what is None:
        _overview(format)
        return 0
    if what == "runs":
        return _runs(store, format)
    listings: dict[str, Callable[[], Rows]] = {
        "experiments": _experiments,
        "contenders": lambda: _contenders(room),
        "strategies": _strategies,
        "datasets": _datasets,
        "metrics": lambda: _metrics(experiment),
        "plugins": _plug_ins,
    }
    rows = listings[what]()
    if what == "plugins" and not rows:
        raise NothingError(
            "no installed package brings a plug-in; one names it under an entry-point group: "
            f"{', '.join(GROUPS.values())}"
        )
    if format != "table":
        print_rows(rows, format)
        return 0
    plain = what != "plugins" and all(row["package"] == "assay" for row in rows)
    for row in rows:
        if plain:
            row.pop("package")
        row.pop("parameters", None)
        row.pop("spelling", None)
    _print_by(rows, {"contenders": "room", "metrics": "experiment"}.get(what))
    note("\n`assay explain NAME` says more")
    return 0


def _print_by(rows: Rows, heading: str | None) -> None:
    """Prints rows as one table, or as one for each value of `heading`."""
    if heading is None:
        print_rows(rows, "table")
        return
    for position, value in enumerate(dict.fromkeys(row[heading] for row in rows)):
        say(f"{chr(10) if position else ''}{value}")
        print_rows(
            [{name: row[name] for name in row if name != heading} for row in rows if row[heading] == value], "table"
        )


def _overview(format: Format) -> None:
    from assay.cli.inventory import names
    from assay.plugins import plug_ins

    known = {kind: entries for kind, entries in names().items() if kind != "verbs"}
    if plug_ins():
        known["plugins"] = [f"{one.name} ({one.package})" for one in plug_ins()]
    if format == "table":
        print_lines([(kind, ", ".join(entries)) for kind, entries in known.items()])
    else:
        print_rows([{"kind": kind, "name": name} for kind, entries in known.items() for name in entries], format)


def _experiments() -> Rows:
    from assay.cli.inventory import experiments
    from assay.experiments import registry

    return [
        {
            "name": one.kind,
            "package": registry.package_of(one.kind),
            "contenders": one.noun,
            "metrics": len(one.metrics),
            "question": one.question,
        }
        for one in experiments()
    ]


def _contenders(room: str | None) -> Rows:
    from assay import catalogue

    return [{"room": one.room, **_contender(one)} for one in catalogue.contenders(room)]


def _strategies() -> Rows:
    from assay import catalogue

    return [_contender(one) for one in catalogue.strategies()]


def _contender(one: Contender) -> dict[str, Any]:
    parameters = [
        {"name": parameter.name, "default": parameter.default, "bounds": parameter.bounds}
        for parameter in one.parameters
    ]
    return {"name": one.name, "package": one.package, "parameters": parameters, "idea": one.idea}


def _datasets() -> Rows:
    from assay.cli.inventory import missing_data
    from assay.datasets import CALLS, known_datasets

    shipped = [
        {
            "name": one.name,
            "package": one.package,
            "installed": "yes" if one.installed else missing_data(one),
            "licence": one.licence,
            "spelling": one.name,
            "description": one.description,
        }
        for one in known_datasets()
    ]
    generated = [
        {
            "name": one.name,
            "package": "assay",
            "installed": _installed(one.name, one.example),
            "licence": None,
            "spelling": one.signature(),
            "description": one.idea,
        }
        for one in CALLS.values()
    ]
    return shipped + generated


def _installed(name: str, example: str) -> str:
    from assay.datasets import GENERATORS
    from assay.datasets.calls import is_call_installed

    if name in GENERATORS:
        return "made up"
    return "yes" if is_call_installed(example) else 'no: pip install "assay[data]"'


def _metrics(kind: str | None) -> Rows:
    from assay.cli.inventory import experiments, package_of_metric
    from assay.experiments import registry

    chosen = experiments() if kind is None else [registry.get(kind)]
    return [
        {
            "experiment": one.kind,
            "name": metric.name,
            "package": package_of_metric(one, metric.name),
            "unit": metric.unit,
            "better": metric.direction,
            "kind": metric.kind,
            "meaning": metric.meaning,
        }
        for one in chosen
        for metric in one.metrics.values()
    ]


def _plug_ins() -> Rows:
    from assay.harness.plug_in_check import check_plug_ins

    return [
        {
            "name": one.name,
            "kind": one.kind,
            "package": one.package,
            "version": one.version,
            "target": one.target,
            "status": "works" if error is None else f"left out: {error}",
        }
        for one, error in check_plug_ins()
    ]


def _runs(path: Path, format: Format) -> int:
    from assay.store import Store

    with Store.read_only(path) as store:
        rows = store.query(
            "SELECT run_id AS run, suite_name AS suite, status, strftime(started, '%Y-%m-%d %H:%M') AS started, "
            "cells_done || '/' || cells || if(cells_failed > 0, ', ' || cells_failed || ' failed', '') AS cells, "
            "label, command FROM run_summary"
        ).to_pylist()
    if not rows:
        raise NothingError(f"{path} holds no run yet; `assay run SUITE.toml --store {path}` makes one")
    if format == "table":
        unused = {"command"} | ({"label"} if all(row["label"] is None for row in rows) else set())
        rows = [{name: value for name, value in row.items() if name not in unused} for row in rows]
    print_rows(rows, format)
    return 0
