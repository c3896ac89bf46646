"""Which run a side of a diff names.

01a2              a run's id or its beginning, in the default store
nightly           a run's label, or a suite's name: the newest such run
latest, previous  the newest run, and the one of the same suite before it
main.duckdb       another store: its newest run
main.duckdb:01a2  another store and one of its runs, named in any of these ways
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assay.errors import UsageError
from assay.store.run_names import LATEST

__all__ = ["SideName", "parse_side"]

_SUFFIX = ".duckdb"


@dataclass(frozen=True)
class SideName:
    """A side as it was named, taken apart: the store's file, and which run of it."""

    spelled: str
    store: Path
    run: str


def parse_side(spelled: str, default_store: Path) -> SideName:
    """Takes a side's name apart.

    Raises:
        UsageError: It is empty.

    >>> parse_side("old.duckdb:nightly", Path("assay.duckdb")).run
    'nightly'
    >>> parse_side("previous", Path("assay.duckdb")).store.name
    'assay.duckdb'
    """
    if not spelled.strip():
        raise UsageError(
            "a side of the diff has no name; expected a run's id, a label, a suite's name, latest, previous, "
            "or STORE.duckdb:RUN"
        )
    if spelled.endswith(_SUFFIX) or Path(spelled).is_file():
        return SideName(spelled, Path(spelled), LATEST)
    store, colon, run = spelled.rpartition(":")
    if colon and (store.endswith(_SUFFIX) or Path(store).is_file()):
        return SideName(spelled, Path(store), run or LATEST)
    return SideName(spelled, default_store, spelled)
