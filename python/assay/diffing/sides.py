"""Which run a side of a diff names.

01a2              a run's id or its beginning, in the default store
nightly           a run's label, or a suite's name: the newest such run
latest, previous  the newest run, and the one of the same suite before it
main.duckdb       another store: its newest run
main.duckdb:01a2  another store and one of its runs, named in any of these ways
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import UsageError
from assay.store import Store

__all__ = ["SideName", "find_run", "parse_side"]

LATEST, PREVIOUS = "latest", "previous"
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


def find_run(store: Store, name: str) -> str:
    """The id of the run that `name` means in `store`.

    Raises:
        UsageError: No run is named so, or several ids begin so.
    """
    rows = store.query("SELECT run_id, suite_name, label FROM run ORDER BY started DESC, run_id DESC").to_pylist()
    if not rows:
        raise UsageError(f"{store.path} holds no run yet; `assay run SUITE.toml --store {store.path}` makes one")
    if name == LATEST:
        return str(rows[0]["run_id"])
    if name == PREVIOUS:
        return _previous(rows, store.path)
    begun = [row["run_id"] for row in rows if row["run_id"].startswith(name)]
    if name in begun:
        return name
    if len(begun) > 1:
        raise UsageError(
            f'{len(begun)} runs in {store.path} begin with "{name}"; give more of the id; '
            f"`assay list runs --store {store.path}` shows them"
        )
    found = begun or [row["run_id"] for row in rows if name in (row["label"], row["suite_name"])]
    if not found:
        raise UsageError(
            f'there is no run "{name}" in {store.path}; expected an id or its beginning, a label, a suite\'s name, '
            f"latest or previous; `assay list runs --store {store.path}` shows them; "
            "a run of another store is STORE.duckdb:RUN"
        )
    return str(found[0])


def _previous(rows: Sequence[dict[str, Any]], path: str | None) -> str:
    same = [row["run_id"] for row in rows if row["suite_name"] == rows[0]["suite_name"]]
    if len(same) < 2:
        raise UsageError(
            f'{path} holds one run of "{rows[0]["suite_name"]}", so that none is before it; '
            "name the base by its id, its label, or as STORE.duckdb:RUN"
        )
    return str(same[1])
