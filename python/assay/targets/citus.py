"""Citus: a distributed table on PostgreSQL, its parents beside it.

Idea: `CREATE TABLE`, then `create_distributed_table` by the strategy's column with a shard for each partition. Tables
that the dataset's foreign keys name are made too: co-located where they are referenced by that column, else as
reference tables, which every node holds.

What it can express: hash of one column; and with range or list within (composite), whose levels become PostgreSQL's
partitions of each shard. Citus hashes with PostgreSQL's 32-bit function of the key's type and cuts the range of its
values into equal pieces, so places differ from the measured ones. Nothing else can be expressed: Citus has no
distribution by range or list that it recommends, and none by a mapping.

Source: Citus documentation, "Citus Utility Functions" (create_distributed_table, create_reference_table),
"Co-locating tables"; citus.shard_count is at most 64,000.
"""

from __future__ import annotations

from assay.errors import UsageError
from assay.targets.export import Export, ExportFile, Options, header
from assay.targets.forms import Composite, Form, Hashed, Listed, Ranged
from assay.targets.layout import Layout
from assay.targets.native import native_note
from assay.targets.postgres import DIALECT, Plan, columns_of
from assay.targets.rows import write_csv
from assay.targets.sql import TableName

__all__ = ["write"]

_HASHES = "PostgreSQL's 32-bit function of the key's type, in equal ranges of its values, a shard each"


def write(layout: Layout, options: Options) -> Export:
    """The layout as SQL for the coordinator.

    Raises:
        UsageError: The strategy is not hash of one column, with or without a range or list within.
        UnsupportedTypeError: A column's type, name or key value has no place in PostgreSQL.
    """
    hashed, within = _levels(layout.form)
    if hashed is None:
        raise UsageError(
            f"{layout.spec.text}: Citus distributes a table by the hash of one column; export hash(column), or "
            "composite(hash(column), range(column)), or use the target postgres on one server"
        )
    if options.exact:
        raise UsageError("--exact cannot be for Citus: a row's shard follows from its hash; leave it out")
    (column,) = hashed.columns
    notes = [native_note("citus", layout, None, hashes=_HASHES)]
    nulls = layout.nulls(column)
    if nulls:
        notes.append(f"{column} is null in {nulls:,} rows, which Citus refuses: give them a value of their own first.")
    statements = _table(layout, options, within, notes)
    name = options.table.quoted(DIALECT)
    statements += [
        f"SELECT create_distributed_table({DIALECT.text(name)}, {DIALECT.text(column)}, "
        f"shard_count => {hashed.partitions}, colocate_with => 'none');",
        *_parents(layout, options, column, notes),
    ]
    body = "\n".join(statements)
    stem = options.table.stem
    files = [ExportFile(f"{stem}.sql", f"{header('citus', layout, notes, predicted=layout)}\n\n{body}\n")]
    if options.rows:
        columns = DIALECT.names(layout.schema.names)
        copy = f"\\copy {name} ({columns}) FROM {DIALECT.text(f'{stem}.csv')} WITH (FORMAT csv, HEADER true)\n"
        files += [
            ExportFile("load.sql", copy),
            ExportFile(f"{stem}.csv", writer=lambda path: write_csv(path, layout, {})),
        ]
    return Export("citus", layout, tuple(files), tuple(notes), None, False)


def _levels(form: Form) -> tuple[Hashed | None, Form | None]:
    """The level that Citus distributes by, and the one that PostgreSQL partitions by within it."""
    if isinstance(form, Composite):
        levels = (form.outer, form.inner)
        hashed = next((level for level in levels if isinstance(level, Hashed)), None)
        within = next((level for level in levels if isinstance(level, (Ranged, Listed))), None)
        if hashed is None or within is None:
            return None, None
    else:
        hashed, within = form if isinstance(form, Hashed) else None, None
    return (hashed if hashed is not None and len(hashed.columns) == 1 else None), within


def _table(layout: Layout, options: Options, within: Form | None, notes: list[str]) -> list[str]:
    """The table, with PostgreSQL's partitions if there are any."""
    if within is None:
        return [_create(options.table, layout.schema)]
    plan = Plan(layout, options, only=within)
    notes += plan.notes
    notes.append(f"{within.text} becomes PostgreSQL's partitions, each of which has all shards.")
    return list(plan.statements())


def _create(table: TableName, schema: object) -> str:
    listed = ",\n    ".join(f"{name} {kind}" for name, kind in columns_of(schema))
    return f"CREATE TABLE {table.quoted(DIALECT)} (\n    {listed}\n);"


def _parents(layout: Layout, options: Options, column: str, notes: list[str]) -> list[str]:
    """The tables that foreign keys name: co-located, or reference tables."""
    found: dict[str, list[str]] = {}
    own = DIALECT.text(options.table.quoted(DIALECT))
    # A parent that is referenced by the distribution column is co-located, whatever else references it.
    for key in sorted(layout.dataset.foreign_keys, key=lambda key: key.columns != (column,)):
        parent = layout.dataset.parent(key)
        table = options.table.sibling(TableName.of_dataset(parent.name).last)
        if table.quoted(DIALECT) in found:
            continue
        name = DIALECT.text(table.quoted(DIALECT))
        if key.columns == (column,):
            call = f"create_distributed_table({name}, {DIALECT.text(key.parent_columns[0])}, colocate_with => {own})"
            notes.append(f"{parent.name} is co-located: a join on {column} stays within a shard.")
        else:
            call = f"create_reference_table({name})"
            rows = "" if parent.rows is None else f" with its {parent.rows:,} rows"
            notes.append(f"{parent.name}{rows} is a reference table: every node holds it whole.")
        found[table.quoted(DIALECT)] = ["", _create(table, parent.schema), f"SELECT {call};"]
    return [line for lines in found.values() for line in lines]
