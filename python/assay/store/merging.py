"""Runs of other stores brought into one: each source whole or not at all, and twice changes nothing.

A run is its rows in all tables that have a `run_id`; with it come its environment and datasets.
Runs are told apart by their id, which no two runs share (UUID version 7). For a run that is in both:

    the rows are equal                          nothing to do
    unfinished in the target, ended in source   the source's takes its place
    ended in the target, unfinished in source   the target's stays
    anything else                               the source is refused: two runs of one id

A run that was killed is still marked as running; it is brought as interrupted, with the states of
its spans, so that it can be resumed in the target. A run that goes on now is refused with its
source. A source of an older schema is upgraded on a copy; a source is never written to.

Cost: reads the source once, and compares the runs that are in both; memory for the rows of one
source.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from assay.errors import AssayError, StoreError, UsageError
from assay.store.block_files import copy_run, is_folder_name
from assay.store.connection import open_database
from assay.store.database import READER_PATIENCE_S, Change
from assay.store.lock import lock_holder
from assay.store.schema import migrations, read_schema_version
from assay.store.store import Store

__all__ = ["SHARED", "Merged", "Refused", "add_runs", "merge_stores", "run_tables"]

ENDED = ("done", "failed")
SHARED = {"environment": "environment_id", "dataset": "fingerprint"}  # tables of what several runs share, by key
_OWN = ("meta",)  # about the file itself


@dataclass(frozen=True)
class Merged:
    """What one source brought: ids of its runs by what became of them."""

    source: str
    added: tuple[str, ...] = ()
    interrupted: tuple[str, ...] = ()  # of the added ones, those that had been killed or interrupted
    replaced: tuple[str, ...] = ()  # were unfinished in the target and have ended in the source
    present: tuple[str, ...] = ()  # the target has them already, as far as the source or farther
    notes: tuple[str, ...] = ()  # of a damaged source: what is lost


@dataclass(frozen=True)
class Refused:
    """A source of which nothing was brought, and why."""

    source: str
    error: AssayError


def merge_stores(target: Store, sources: Sequence[Path | str]) -> list[Merged | Refused]:
    """Brings the runs of `sources` into `target`, in order; each source is one transaction.

    Args:
        target: An open store to write to.
        sources: Files of stores; those of an older schema are upgraded on a copy.

    Returns:
        One outcome per source; a source that cannot be brought whole is refused and the next one is tried.

    Raises:
        StoreError: The target cannot be written (what was brought before is kept).
    """
    outcomes: list[Merged | Refused] = []
    for source in map(Path, sources):
        try:
            _refuse_itself(target, source)
            with _readable(source) as reader:
                tables = {name: reader.query(f"SELECT * FROM {name}") for name in run_tables(reader) + list(SHARED)}
        except AssayError as error:
            outcomes.append(Refused(str(source), error))
            continue
        try:
            brought = add_runs(target, tables, str(source), going_on=lock_holder(source))
        except UsageError as error:
            outcomes.append(Refused(str(source), error))
            continue
        outcomes.append(brought)
        for run_id in brought.interrupted:
            if target.path is not None:
                copy_run(source, Path(target.path), run_id)
    return outcomes


def run_tables(store: Store) -> list[str]:
    """The tables whose rows belong to one run each, by name."""
    rows = store.query(
        "SELECT table_name AS name, bool_or(column_name = 'run_id') AS of_run FROM duckdb_columns() "
        "WHERE NOT internal AND table_name IN (SELECT table_name FROM duckdb_tables()) GROUP BY ALL ORDER BY name"
    ).to_pylist()
    unknown = [row["name"] for row in rows if not row["of_run"] and row["name"] not in (*SHARED, *_OWN)]
    assert not unknown, f"how are the rows of {unknown} merged?"
    return [row["name"] for row in rows if row["of_run"]]


def add_runs(target: Store, tables: dict[str, pa.Table], source: str, *, going_on: str | None = None) -> Merged:
    """Adds the runs in `tables`, which are read from `source`, to `target` in one transaction.

    Args:
        target: An open store to write to.
        tables: The rows of each table by its name; a table that is missing brings nothing.
        source: What to call them in messages.
        going_on: Who writes the source now, if anybody does.

    Raises:
        UsageError: A run goes on now, is in both with other content, or has an id that is a path; nothing was written.
    """
    for run_id in _ids(tables["run"]):
        if not is_folder_name(run_id):  # its states would be copied, and later removed, where that leads to
            raise UsageError(
                f"a run of {source} has the id {run_id!r}, which assay gives to none; nothing of {source} was brought: "
                "the store was changed by something else, do not trust it"
            )
    running = _ids(tables["run"].filter(pc.equal(tables["run"]["status"], "running")))
    if running and going_on:
        raise UsageError(
            f"the run {running[0]} of {source} goes on now ({going_on} writes it); merge once it has ended, or end it"
        )
    tables = {**tables, "run": _interrupted(tables["run"])}
    theirs = {row["run_id"]: row for row in tables["run"].to_pylist()}
    ours = {row["run_id"]: row for row in target.query("SELECT * FROM run").to_pylist() if row["run_id"] in theirs}
    differing = _differing(target, tables, sorted(ours))
    replaced: list[str] = []
    conflicts: list[str] = []
    for run_id in differing:
        one, other = ours[run_id], theirs[run_id]
        same = all(one[name] == other[name] for name in ("suite_hash", "seed", "started"))
        ended, also = one["status"] in ENDED, other["status"] in ENDED
        if not same or ended == also:
            conflicts.append(run_id)
        elif also:
            replaced.append(run_id)
    if conflicts:
        raise UsageError(
            f"the run {conflicts[0]} is in {target.path} and in {source} with other content"
            + (f", as are {len(conflicts) - 1} more" if len(conflicts) > 1 else "")
            + f"; nothing of {source} was brought; see both with `assay report {conflicts[0]} --store FILE`, "
            "and merge into a new file what you want to keep"
        )
    added = sorted(set(theirs) - set(ours))
    _write(target, tables, added, replaced)
    unfinished = tuple(run_id for run_id in added if theirs[run_id]["status"] not in ENDED)
    present = tuple(run_id for run_id in sorted(ours) if run_id not in replaced)
    return Merged(source, tuple(added), unfinished, tuple(replaced), present)


def _write(target: Store, tables: dict[str, pa.Table], added: Sequence[str], replaced: Sequence[str]) -> None:
    wanted = pa.array([*added, *replaced], pa.string())
    if not len(wanted):
        return
    changes: list[Change] = []
    for name, rows in tables.items():
        if name in SHARED:
            if rows.num_rows:  # what the target knows of the same data or machine stays
                changes.append(Change(f"INSERT OR IGNORE INTO {name} BY NAME SELECT * FROM assay_rows", (), rows))
            continue
        if replaced:
            changes.append(Change(f"DELETE FROM {name} WHERE list_contains(?, run_id)", (list(replaced),)))
        own = rows.filter(pc.is_in(rows["run_id"], wanted))
        if own.num_rows:
            changes.append(Change(f"INSERT INTO {name} BY NAME SELECT * FROM assay_rows", (), own))
    target.commit(changes, now=True)


def _differing(target: Store, tables: dict[str, pa.Table], run_ids: Sequence[str]) -> list[str]:
    """Those of `run_ids` whose rows in the target are not the rows in `tables`, table by table."""
    if not run_ids:
        return []
    wanted = pa.array(run_ids, pa.string())
    found: set[str] = set()
    for name, rows in tables.items():
        if name in SHARED:
            continue
        theirs = rows.filter(pc.is_in(rows["run_id"], wanted))
        ours = target.query(f"SELECT * FROM {name} WHERE list_contains(?, run_id)", [list(run_ids)])
        found.update(_unequal(ours, theirs.select(ours.column_names)))
    return sorted(found)


def _unequal(ours: pa.Table, theirs: pa.Table) -> list[str]:
    """The runs whose rows are not the same in both tables, whatever the order of the rows."""
    with duckdb.connect() as connection:
        connection.register("ours", ours)
        connection.register("theirs", theirs)
        found = connection.execute(
            "SELECT DISTINCT run_id FROM ((FROM ours EXCEPT ALL FROM theirs) UNION ALL "
            "(FROM theirs EXCEPT ALL FROM ours))"
        ).fetchall()
    return [str(run_id) for (run_id,) in found]


def _interrupted(runs: pa.Table) -> pa.Table:
    """The runs, where one that was killed is marked as interrupted."""
    place = runs.column_names.index("status")
    status = pc.if_else(pc.equal(runs["status"], "running"), "interrupted", runs["status"])
    return runs.set_column(place, "status", status)


def _ids(runs: pa.Table) -> list[str]:
    return sorted(map(str, runs["run_id"].to_pylist()))


def _refuse_itself(target: Store, source: Path) -> None:
    if target.path is not None and source.exists() and source.samefile(target.path):
        raise UsageError(f"{source} is the target itself; name other stores to bring into it")


@contextlib.contextmanager
def _readable(source: Path) -> Iterator[Store]:
    """The source as one state of the present schema; one of an older schema is upgraded on a copy."""
    connection = open_database(source, read_only=True, patience_s=READER_PATIENCE_S)
    try:
        version = read_schema_version(connection, str(source))
        if version == 0:
            raise StoreError(f"{source} is a DuckDB file without results; there is nothing to merge")
        if version == len(migrations()):
            connection.close()
            with Store.read_only(source) as reader, reader.snapshot():
                yield reader
            return
        with tempfile.TemporaryDirectory(prefix="assay-merge-") as folder:
            copy = Path(folder, source.name)
            for suffix in (".wal", ""):  # our connection keeps writers out until its file is closed a second time
                file = source.with_name(source.name + suffix)
                if file.exists():
                    shutil.copyfile(file, copy.with_name(copy.name + suffix))
            connection.close()
            with Store(copy) as upgraded:
                yield upgraded
    finally:
        connection.close()
