"""`assay export`: the results of runs as files, or a partitioned layout as the DDL or configuration of a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Group, Parameter

from assay.cli.export_results import ResultFormat, export_results
from assay.cli.options import DEFAULT_STORE
from assay.cli.output import note, say
from assay.errors import UsageError
from assay.targets import TARGETS

if TYPE_CHECKING:
    from assay.targets.export import Export

__all__ = ["export"]

_NAMES = ", ".join(TARGETS)


_RESULTS = Group("Results of a run (without --target)", sort_key=2)
_LAYOUT = Group("Layout of a table (with --target)", sort_key=3)


def export(
    what: Annotated[
        str | None,
        Parameter(
            help="Without --target a run: its id, its beginning, its label or a suite's name; the newest by default. "
            "With --target a table: a dataset's name, a path, a glob, a definition or a generator.",
            metavar="RUN|DATA",
        ),
    ] = None,
    /,
    *,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            help="The file to write, or a folder for several; standard output by default.",
            metavar="PATH",
        ),
    ] = None,
    store: Annotated[
        Path | None, Parameter(help="The file that holds the results (assay.duckdb).", metavar="FILE")
    ] = None,
    force: Annotated[bool, Parameter(help="Overwrite files that are there.", negative=())] = False,
    format: Annotated[
        ResultFormat | None,
        Parameter(help="By the file's name by default; csv to standard output, parquet in a folder.", group=_RESULTS),
    ] = None,
    view: Annotated[
        tuple[str, ...],
        Parameter(
            help="Which view or table, more than once for several; `result` by default, all of them in a folder.",
            metavar="NAME",
            negative=(),
            group=_RESULTS,
        ),
    ] = (),
    all_: Annotated[
        bool, Parameter(name="--all", help="All runs of the store instead of one.", negative=(), group=_RESULTS)
    ] = False,
    target: Annotated[str | None, Parameter(help=f"Where to: {_NAMES}.", metavar="NAME", group=_LAYOUT)] = None,
    strategy: Annotated[
        str | None,
        Parameter(
            help='The strategy, such as "hash(column)"; what the newest run recommends by default.',
            metavar="SPELLING",
            group=_LAYOUT,
        ),
    ] = None,
    partitions: Annotated[
        int | None,
        Parameter(help="How many partitions (8 by default, or those of the run).", metavar="N", group=_LAYOUT),
    ] = None,
    table: Annotated[
        str | None,
        Parameter(
            help="The table's name there, such as shop.orders; the dataset's by default.", metavar="NAME", group=_LAYOUT
        ),
    ] = None,
    exact: Annotated[
        bool,
        Parameter(
            help="Keep the measured placement where the target has a hash of its own.", negative=(), group=_LAYOUT
        ),
    ] = False,
    rows: Annotated[
        bool, Parameter(help="Write the rows too, ready to be loaded.", negative=(), group=_LAYOUT)
    ] = False,
    run: Annotated[
        str | None,
        Parameter(help="The run to take the strategy from; the newest by default.", metavar="RUN", group=_LAYOUT),
    ] = None,
) -> int:
    """Write results for other tools, or a layout for its target.

    Without --target it writes what runs have measured, as Parquet, CSV, JSON
    or Markdown. With --target it writes a partitioned table's DDL or
    configuration, made from the table itself: it says how many rows each
    partition will hold, and where the target differs from what was measured.

    For example:

        assay export flights -o flights.csv
        assay export --all -o results
        assay export flights --target postgres --strategy "range(time_hour)"
        assay export flights --target duckdb --rows -o layout
    """
    place = store or DEFAULT_STORE
    of_layout = {"--strategy": strategy, "--partitions": partitions, "--table": table, "--exact": exact, "--rows": rows}
    of_layout |= {"--run": run}
    of_results = {"--format": format, "--view": view, "--all": all_}
    if target is None:
        given = [flag for flag, value in of_layout.items() if value not in (None, False)]
        if given:
            raise UsageError(
                f"{given[0]} is about a table's layout and --target is missing; expected one of {_NAMES}; "
                "without a target the results of runs are exported, by `assay export RUN`"
            )
        if what is not None and not place.exists():
            raise UsageError(
                f'there is no store {place} to export the run "{what}" from; name one with --store FILE; to write the '
                f"layout of a table give --target, one of {_NAMES}"
            )
        return export_results(what, all_runs=all_, names=view, format=format, output=output, store=place, force=force)
    given = [flag for flag, value in of_results.items() if value not in (None, False, ())]
    if given:
        raise UsageError(
            f"{given[0]} is about the results of runs, --target {target} about a table's layout; expected one of them"
        )
    if what is None:
        raise UsageError(
            "no dataset is given; expected a name, a path or a generator, as in `assay export flights ...`"
        )
    if rows and output is None:
        raise UsageError("--rows needs a folder to write to: add -o FOLDER")
    if strategy is not None and (store is not None or run is not None):
        raise UsageError("both --strategy and a run are given; expected one of them")
    if strategy is None and not place.exists():
        raise UsageError(
            f'no --strategy is given, and there is no store {place} to take one from; name one, such as "hash(column)"'
        )
    from assay.front import export as make

    made = make(
        what,
        target=target,
        strategy=strategy,
        partitions=partitions,
        table=table,
        exact=exact,
        rows=rows,
        store=None if strategy is not None else place,
        run=run,
    )
    if output is None:
        say(made.text)
    else:
        for path in made.write(output, force=force):
            say(str(path))
    _tell(made, written=output is not None)
    return 0


def _tell(made: Export, *, written: bool) -> None:
    """Where the target differs, and what else is needed."""
    for text in made.notes:
        note(f"note: {text}")
    others = [file.name for file in made.files[1:]]
    if others and not written:
        note(f"note: this is {made.files[0].name} alone; -o FOLDER writes {', '.join(others)} beside it")
