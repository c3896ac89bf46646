"""Which run a name means: an id or its beginning, a label, a suite's name, `latest` or `previous`.

A label or a suite's name means its newest run; `previous` is the run before the newest of the same suite.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assay.errors import UsageError
from assay.store.database import Database

__all__ = ["LATEST", "PREVIOUS", "find_run"]

LATEST, PREVIOUS = "latest", "previous"


def find_run(store: Database, name: str) -> str:
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
            f"latest or previous; `assay list runs --store {store.path}` shows them"
        )
    return str(found[0])


def _previous(rows: Sequence[dict[str, Any]], path: str | None) -> str:
    same = [row["run_id"] for row in rows if row["suite_name"] == rows[0]["suite_name"]]
    if len(same) < 2:
        raise UsageError(
            f'{path} holds one run of "{rows[0]["suite_name"]}", so that none is before it; '
            "name a run by its id or its label"
        )
    return str(same[1])
