"""The schema of the results file: numbered migrations, then one view per SQL file.

A migration is `migrations/NNN_name.sql`; those newer than the file's `meta.schema_version` are
applied in order, together with the views, in one transaction, after a backup of an older file. A
view is `views/NAME.sql`; all of them are replaced whenever their text changes, so that a view
needs no migration.
"""

from __future__ import annotations

import filecmp
import hashlib
import shutil
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

import duckdb

from assay.errors import StoreError
from assay.store.damage import is_damaged

__all__ = ["APPLICATION", "Migration", "apply_schema", "back_up", "migrations", "read_schema_version", "views"]

APPLICATION = "assay"


@dataclass(frozen=True)
class Migration:
    """One step of the schema; `number` counts from 1 without gaps."""

    number: int
    name: str
    sql: str


def migrations() -> list[Migration]:
    """All migrations that this version knows, in order."""
    steps = []
    for file in (resources.files("assay.store") / "migrations").iterdir():
        if file.name.endswith(".sql"):
            number, _, name = file.name.removesuffix(".sql").partition("_")
            steps.append(Migration(int(number), name, file.read_text(encoding="utf-8")))
    steps.sort(key=lambda step: step.number)
    assert [step.number for step in steps] == list(range(1, len(steps) + 1)), "migrations are numbered without gaps"
    return steps


def views() -> dict[str, str]:
    """The SQL of each view by name; a view may use those whose names sort before its own."""
    files = sorted((resources.files("assay.store") / "views").iterdir(), key=lambda file: file.name)
    return {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8") for file in files if file.name.endswith(".sql")
    }


def read_schema_version(connection: duckdb.DuckDBPyConnection, path: str) -> int:
    """The schema version of an open file; 0 for a database without any table.

    Raises:
        StoreError: The file is a DuckDB database of something else, or of a newer assay.
        duckdb.Error: The file is damaged.
    """
    tables = {
        str(name)
        for (name,) in connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_catalog = current_database()"
        ).fetchall()
    }
    if not tables:
        return 0
    facts: dict[str, str] = {}
    if "meta" in tables:
        try:
            facts = dict(connection.execute("SELECT key, value FROM meta").fetchall())
        except duckdb.Error as error:
            if is_damaged(error):
                raise
            facts = {}
    if facts.get("application") != APPLICATION:
        shown = ", ".join(sorted(tables)[:5])
        raise StoreError(
            f"{path} is a DuckDB file of something else (its tables: {shown}); it was left untouched; "
            "name another file with --store FILE"
        )
    version, known = int(facts["schema_version"]), len(migrations())
    if version > known:
        raise StoreError(
            f"{path} has schema version {version}, written by assay {facts.get('tool_version', 'of a later version')}; "
            f"this assay knows versions up to {known}; upgrade assay, or name another file with --store FILE"
        )
    return version


def back_up(path: Path, version: int) -> Path:
    """A copy of a store of schema `version` that is about to be upgraded: `<path>.backup-v<version>`.

    A copy of the same bytes that is there stays; one of other bytes is kept, and the new one gets a number. The file
    must be closed: closing a second handle of it would free the locks that an open database holds.
    """
    number, copy = 1, path.with_name(f"{path.name}.backup-v{version}")
    while copy.exists():
        if filecmp.cmp(path, copy, shallow=False):
            return copy
        number += 1
        copy = path.with_name(f"{path.name}.backup-v{version}-{number}")
    part = copy.with_name(copy.name + ".part")
    try:
        shutil.copy2(path, part)
        part.replace(copy)
    finally:
        part.unlink(missing_ok=True)
    return copy


def apply_schema(connection: duckdb.DuckDBPyConnection, path: Path | None, tool_version: str) -> None:
    """Brings an open database up to date in one transaction; `back_up` an older file first."""
    version = read_schema_version(connection, str(path) if path else "the store in memory")
    missing = [step for step in migrations() if step.number > version]
    view_files = views()
    views_hash = hashlib.sha256("\0".join(view_files.values()).encode()).hexdigest()
    if not missing and _meta(connection, "views_hash") == views_hash:
        return
    connection.begin()
    try:
        for step in missing:
            connection.execute(step.sql)
        for sql in view_files.values():
            connection.execute(sql)
        facts = {
            "application": APPLICATION,
            "schema_version": str(max(version, len(migrations()))),
            "tool_version": tool_version,
            "views_hash": views_hash,
        }
        connection.executemany("INSERT OR REPLACE INTO meta VALUES (?, ?)", [list(fact) for fact in facts.items()])
        connection.commit()
    except BaseException:
        connection.rollback()
        raise


def _meta(connection: duckdb.DuckDBPyConnection, key: str) -> str | None:
    row = connection.execute("SELECT value FROM meta WHERE key = ?", [key]).fetchone()
    return None if row is None else str(row[0])
