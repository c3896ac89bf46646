"""`assay import`: what other harnesses have measured, as runs of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from assay.cli.options import DEFAULT_STORE, StoreOption
from assay.cli.output import note, say, warn

__all__ = ["import_"]


def import_(
    files: Annotated[
        tuple[Path, ...], Parameter(help="JSON of pyperf or pytest-benchmark, also gzipped.", metavar="FILE")
    ],
    /,
    *,
    store: StoreOption = DEFAULT_STORE,
    label: Annotated[
        str | None, Parameter(help="A name for the runs; by default the commit that a file names.", metavar="TEXT")
    ] = None,
) -> int:
    """Bring results of pyperf and pytest-benchmark into the store.

    Each file becomes one run, with the samples of each process; importing it
    again changes nothing.

    For example:

        pytest --benchmark-json benchmarks.json
        assay import benchmarks.json
    """
    from assay.errors import UsageError
    from assay.store import Store
    from assay.store.importing import import_files

    if not files:
        raise UsageError("no file is given; expected JSON of pyperf or pytest-benchmark")
    is_new = not store.exists()
    with Store(store) as results:
        outcomes = import_files(results, files, label=label)
    if is_new and all(outcome.error is not None for outcome in outcomes):
        store.unlink()
    exit_code = 0
    for outcome in outcomes:
        if outcome.error is not None:
            warn(str(outcome.error))
            exit_code = max(exit_code, outcome.error.exit_code)
        elif outcome.is_new:
            count = f"{outcome.benchmarks:,} benchmark{'' if outcome.benchmarks == 1 else 's'}"
            say(f"{outcome.source}: run {outcome.run_id}, {count} of {outcome.tool}")
        else:
            say(f"{outcome.source}: run {outcome.run_id} is there already; nothing changed")
    if exit_code == 0:
        note(f"next: assay report {outcomes[-1].run_id}{'' if store == DEFAULT_STORE else f' --store {store}'}")
    return exit_code
