"""`assay merge`: the runs of several stores in one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from assay.cli.output import note, say, warn

if TYPE_CHECKING:
    from assay.store.merging import Merged

__all__ = ["merge"]


def merge(
    target: Annotated[Path, Parameter(help="The store to bring runs into; made if it is not there.", metavar="TARGET")],
    sources: Annotated[tuple[Path, ...], Parameter(help="The stores to read; they are not changed.", metavar="SOURCE")],
    /,
    *,
    salvage: Annotated[
        bool, Parameter(help="Bring what can be read of damaged stores, table by table.", negative=())
    ] = False,
) -> int:
    """Bring the runs of other stores into one.

    A run that is there already is left as it is, so that merging twice
    changes nothing. A source comes whole or not at all, but for a damaged
    one with --salvage.

    For example:

        assay merge all.duckdb monday.duckdb tuesday.duckdb
        assay merge mended.duckdb damaged.duckdb --salvage
    """
    from assay.errors import UsageError
    from assay.store import Store
    from assay.store.merging import Refused, merge_stores
    from assay.store.salvage import salvage_stores

    if not sources:
        raise UsageError(f"no source is given; expected at least one store, as in `assay merge {target} other.duckdb`")
    is_new = not target.exists()
    with Store(target) as store:
        outcomes = (salvage_stores if salvage else merge_stores)(store, sources)
    if is_new and all(isinstance(outcome, Refused) for outcome in outcomes):
        target.unlink()
    exit_code = 0
    for outcome in outcomes:
        if isinstance(outcome, Refused):
            warn(str(outcome.error))
            exit_code = max(exit_code, outcome.error.exit_code)
        else:
            say(f"{outcome.source}: {_words(outcome)}")
            for lost in outcome.notes:
                note(f"note: {outcome.source}: {lost}")
            for run_id in outcome.interrupted:
                note(f"note: {run_id} has not ended; `assay run SUITE --store {target} --resume {run_id}` goes on")
    return exit_code


def _words(merged: Merged) -> str:
    """What a source brought, as in "2 runs added, 1 there already"."""
    parts = []
    if merged.added:
        parts.append(f"{_runs(len(merged.added))} added")
    if merged.replaced:
        parts.append(f"{_runs(len(merged.replaced))} replaced that had not ended here")
    if merged.present:
        parts.append(f"{_runs(len(merged.present))} there already")
    if not parts:
        return "holds no run"
    return ", ".join(parts) + ("" if merged.added or merged.replaced else "; nothing changed")


def _runs(count: int) -> str:
    return f"{count:,} run{'' if count == 1 else 's'}"
