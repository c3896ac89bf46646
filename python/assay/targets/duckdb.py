"""DuckDB: a folder of Parquet files for each partition.

Idea: one COPY with PARTITION_BY (Hive partitioning), whose partition is a column computed in SQL; any reader that
knows Hive partitioning then skips the folders that a query does not ask for.

What it can express: all. range, list, modulo, round_robin, hash with function=md5 (of text or binary) or identity,
and composites of these are SQL, so that new keys find their place too. Everything else is joined from a Parquet
file that maps each key to its partition; DuckDB's own hash() is not stable between versions and is not used.

Source: DuckDB manual, "Partitioned Writes", "Hive Partitioning"; md5_number_upper is the first 8 bytes of the
digest, little-endian, as assay's md5.
"""

from __future__ import annotations

from pathlib import Path

from assay.targets.export import Export, ExportFile, Options, header
from assay.targets.expression import Expression, Words
from assay.targets.layout import Layout
from assay.targets.rows import write_parquet, write_table
from assay.targets.sql import Dialect, check_case, comment, free_name

__all__ = ["DIALECT", "write"]

DIALECT = Dialect("DuckDB", '"', binary=lambda value: "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB")
WORDS = Words(
    DIALECT,
    modulo=lambda column, n: f"({column} % {n} + {n}) % {n}",
    refuse=lambda message: f"error({DIALECT.text(message)})",
    double="DOUBLE",
    single="FLOAT",
    md5=lambda column: f"md5_number_upper({column})",
)


def write(layout: Layout, options: Options) -> Export:
    """The layout as SQL.

    Raises:
        UnsupportedTypeError: A key's value has no place in DuckDB.
    """
    check_case(layout.schema.names, DIALECT.title)
    made = Expression(layout, WORDS)
    number = made.of(layout.form)
    source, notes = _source(layout, options)
    name = options.table.stem
    notes += made.notes
    companions, joins = [], []
    for index, level in enumerate(made.mapped):
        file = f"{name}_partition_of{index + 1 if index else ''}.parquet"
        table = made.mapping(level)
        companions.append(ExportFile(file, writer=lambda path, table=table: write_table(path, table)))  # type: ignore[misc]
        both = " AND ".join(
            f"m{index}.k{position} IS NOT DISTINCT FROM {made.q(column)}"
            for position, column in enumerate(level.columns)
        )
        joins.append(f"    LEFT JOIN read_parquet({DIALECT.text(file)}) AS m{index} ON {both}")
        notes.append(
            f"{level.text}: DuckDB cannot compute it, so the partition is joined from {file}, which maps each key of "
            "the data to it; a new key is refused until it stands there."
        )
    left_out = ""
    if made.row_number:
        row_number = DIALECT.name(made.row_number)
        source = f"(SELECT *, row_number() OVER () - 1 AS {row_number} FROM {source})"
        left_out = f" EXCLUDE ({row_number})"
        notes.append("Rows are numbered in the order of the file; leave preserve_insertion_order on.")
    column = DIALECT.name(free_name("partition_number", layout.schema.names))
    statement = "\n".join(
        [
            "COPY (",
            f"    SELECT t.*{left_out}, CAST({number} AS INTEGER) AS {column}",
            f"    FROM {source} AS t",
            *joins,
            f") TO {DIALECT.text(name)} (FORMAT parquet, PARTITION_BY ({column}));",
        ]
    )
    query = f"SELECT {column}, count(*) FROM read_parquet({DIALECT.text(name + '/**/*.parquet')}, "
    after = f"To see what each partition holds:\n  {query}hive_partitioning = true) GROUP BY ALL ORDER BY ALL;"
    text = f"{header('duckdb', layout, notes, predicted=layout)}\n\n{statement}\n\n{comment(after)}\n"
    files = [ExportFile(f"{name}.sql", text), *companions]
    if options.rows:
        files.append(ExportFile(f"{name}.parquet", writer=lambda path: write_parquet(path, layout, {})))
    return Export("duckdb", layout, tuple(files), tuple(notes))


def _readable(file: object) -> bool:
    """Whether DuckDB reads the file as assay does: Parquet on this machine, all of whose columns are in it."""
    return isinstance(file, Path) and file.suffix == ".parquet" and not any("=" in part for part in file.parts)


def _source(layout: Layout, options: Options) -> tuple[str, list[str]]:
    """Where the rows are read from."""
    files = layout.dataset.files
    if files and not options.rows and all(map(_readable, files)):
        listed = ", ".join(DIALECT.text(str(Path(str(file)).absolute())) for file in files)
        return f"read_parquet([{listed}])", []
    file = f"{options.table.stem}.parquet"
    notes = [] if options.rows else [f"The rows are read from {file}, which `assay export --rows` writes."]
    return f"read_parquet({DIALECT.text(file)})", notes
