"""`assay export`: a partitioned layout as the DDL or configuration of a target."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE
from assay.cli.output import note, say
from assay.errors import UsageError
from assay.targets import TARGETS

if TYPE_CHECKING:
    from assay.targets.export import Export

__all__ = ["export"]

_NAMES = ", ".join(TARGETS)


def export(
    data: Annotated[
        str | None, Parameter(help="A dataset's name, a path, a glob, a definition or a generator.", metavar="DATA")
    ] = None,
    /,
    *,
    target: Annotated[str | None, Parameter(help=f"Where to: {_NAMES}.", metavar="NAME")] = None,
    strategy: Annotated[
        str | None,
        Parameter(
            help='The strategy, such as "hash(column)"; what the newest run recommends by default.', metavar="SPELLING"
        ),
    ] = None,
    partitions: Annotated[
        int | None, Parameter(help="How many partitions (8 by default, or those of the run).", metavar="N")
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(
            name=["--output", "-o"],
            help="The file to write, or a folder for several; standard output by default.",
            metavar="PATH",
        ),
    ] = None,
    table: Annotated[
        str | None,
        Parameter(help="The table's name there, such as shop.orders; the dataset's by default.", metavar="NAME"),
    ] = None,
    exact: Annotated[
        bool, Parameter(help="Keep the measured placement where the target has a hash of its own.", negative=())
    ] = False,
    rows: Annotated[bool, Parameter(help="Write the rows too, ready to be loaded.", negative=())] = False,
    store: Annotated[
        Path | None, Parameter(help="The results to take the strategy from (assay.duckdb).", metavar="FILE")
    ] = None,
    run: Annotated[str | None, Parameter(help="Which run of them; the newest by default.", metavar="RUN")] = None,
    force: Annotated[bool, Parameter(help="Overwrite files that are there.", negative=())] = False,
) -> int:
    """Write a partitioned layout as DDL or configuration.

    It is made from the table itself, and says how many rows each partition
    will hold, and where the target differs from what was measured.

    For example:

        assay export flights --target postgres --strategy "range(time_hour)"
        assay export flights --target duckdb --rows -o layout
    """
    if target is None:
        raise UsageError(f"--target is missing; expected one of {_NAMES}")
    if data is None:
        raise UsageError(
            "no dataset is given; expected a name, a path or a generator, as in `assay export flights ...`"
        )
    if rows and output is None:
        raise UsageError("--rows needs a folder to write to: add -o FOLDER")
    if strategy is not None and (store is not None or run is not None):
        raise UsageError("both --strategy and a run are given; expected one of them")
    place = store or DEFAULT_STORE
    if strategy is None and not place.exists():
        raise UsageError(
            f'no --strategy is given, and there is no store {place} to take one from; name one, such as "hash(column)"'
        )
    from assay.front import export as make

    made = make(
        data,
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
