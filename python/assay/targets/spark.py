"""Spark: a table whose files are partitioned or bucketed, as DDL and as a PySpark script.

Idea: `CREATE TABLE ... CLUSTERED BY ... INTO n BUCKETS` for hash, else `PARTITIONED BY (partition_number)` with the
number computed by an expression while writing.

What it can express: range, list, modulo and composites of them as an expression; any other strategy by a join with
a Parquet file that maps keys to partitions. hash becomes buckets and `repartition(n, column)`, which go by Spark's
own hash: Murmur3 with 32 bits and seed 42, as a signed integer, modulo n without a sign; null hashes to the seed, so
null keys live in partition 42 mod n. Rows have no numbers in Spark, so round_robin is dealt by `repartition(n)`.

Source: Spark SQL reference, "CREATE DATASOURCE TABLE", "CLUSTER BY"; HashPartitioning and Murmur3Hash in Spark's
sources.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from assay.errors import UnsupportedTypeError, UsageError
from assay.experiments.distinct import numpy_of
from assay.hashing import hash as hash_keys
from assay.targets.export import Export, ExportFile, Options, header
from assay.targets.expression import Expression, Words
from assay.targets.forms import Hashed, Numbered
from assay.targets.layout import Layout
from assay.targets.native import Placement, native_note
from assay.targets.rows import write_parquet, write_table
from assay.targets.sql import Dialect, check_case, free_name
from assay.targets.types import kind_of_type, names, type_name

__all__ = ["DIALECT", "TYPES", "columns_of", "write"]

DIALECT = Dialect("Spark", "`", binary=lambda value: f"X'{value.hex().upper()}'", backslash=True, zone="Z")
WORDS = Words(
    DIALECT,
    modulo=lambda column, n: f"pmod({column}, {n})",
    refuse=lambda message: f"raise_error({DIALECT.text(message)})",
    double="DOUBLE",
    single="FLOAT",
    numbered=False,
)
TYPES = names(
    """
    bool: BOOLEAN
    int8: TINYINT
    int16, uint8: SMALLINT
    int32, uint16: INT
    int64, uint32, time, duration: BIGINT
    uint64: DECIMAL(20, 0)
    float16, float32: FLOAT
    float64: DOUBLE
    text, null: STRING
    binary: BINARY
    date: DATE
    timestamp: TIMESTAMP_NTZ
    timestamp_tz: TIMESTAMP
    """,
    decimal=lambda kind: f"DECIMAL({max(kind.precision, kind.scale)}, {kind.scale})",
)
SEED = 42
_HASHES = "Murmur3 with seed 42 (HashPartitioning), null as the seed"
# Kinds that Spark hashes as assay's murmur3_spark does: those of 8 bytes, and bytes.
_AS_SPARK = ("int64", "uint32", "float64", "timestamp", "timestamp_tz", "text", "binary")


def write(layout: Layout, options: Options) -> Export:
    """The layout as DDL and a script.

    Raises:
        UnsupportedTypeError: A column's type, or a key's value, has no place in Spark.
        UsageError: The strategy deals rows by their number within another one.
    """
    check_case(layout.schema.names, DIALECT.title)
    form = layout.form
    if isinstance(form, Hashed) and not options.exact:
        return _buckets(layout, form, options)
    if isinstance(form, Numbered):
        return _dealt(layout, options)
    return _by_number(layout, options)


def columns_of(schema: pa.Schema) -> list[str]:
    """The name, quoted, and the type of each column.

    Raises:
        UnsupportedTypeError: A type that Spark has not.
    """
    return [f"{DIALECT.name(column.name)} {type_name(column, TYPES, DIALECT.title)}" for column in schema]


def _buckets(layout: Layout, form: Hashed, options: Options) -> Export:
    native = _placement(layout, form)
    exact = " --exact keeps the measured placement, by a mapping of keys."
    notes = [
        native_note("spark", layout, native, hashes=_HASHES) + exact,
        "repartition(n, column) and buckets of n place alike; reading buckets needs the table in a catalogue.",
    ]
    n, columns = layout.partitions, DIALECT.names(form.columns)
    ddl = _table(layout, options, [], f"CLUSTERED BY ({columns}) INTO {n} BUCKETS")
    python = "\n".join(
        [
            "def partitioned(rows):",
            '    """The rows, each in its partition."""',
            f"    return rows.repartition({n}, {', '.join(f'rows[{_column(name)}]' for name in form.columns)})",
            "",
            "",
            "def save(rows):",
            '    """Writes the rows into the bucketed table."""',
            f"    keys = [{', '.join(map(repr, form.columns))}]",
            f"    partitioned(rows).write.bucketBy({n}, *keys).mode('append').saveAsTable({_table_name(options)!r})",
        ]
    )
    return _export(layout, options, ddl, python, notes, [], native, native is not None)


def _dealt(layout: Layout, options: Options) -> Export:
    notes = [
        "Spark deals rows in turn from a start that differs by task: counts are alike to within the number of tasks, "
        "but which row is where is not as measured."
    ]
    python = "\n".join(
        [
            "def save(rows):",
            '    """Writes the rows into as many files as there are partitions."""',
            f"    rows.repartition({layout.partitions}).write.mode('append').saveAsTable({_table_name(options)!r})",
        ]
    )
    return _export(layout, options, _table(layout, options, [], ""), python, notes, [], None, False)


def _by_number(layout: Layout, options: Options) -> Export:
    for name in layout.spec.columns:
        if kind_of_type(layout.schema.field(name).type) in ("time", "duration"):
            raise UnsupportedTypeError(
                f'column "{name}" is of type {layout.schema.field(name).type}, for which Spark has no type; cast it to '
                "an integer first"
            )
    made = Expression(layout, WORDS)
    expression = made.of(layout.form)
    if made.row_number:
        raise UsageError(
            f"{layout.spec.text}: rows have no numbers in Spark, so round_robin cannot be part of a composite there; "
            "use hash in its place, or export to duckdb, which writes the same Parquet files"
        )
    column = free_name("partition_number", layout.schema.names)
    notes, files, joins = list(made.notes), [], []
    for index, level in enumerate(made.mapped):
        file = f"{options.table.stem}_partition_of{index + 1 if index else ''}.parquet"
        table = made.mapping(level)
        files.append(ExportFile(file, writer=lambda path, table=table: write_table(path, table)))  # type: ignore[misc]
        same = " & ".join(
            f"F.col('m{index}.k{position}').eqNullSafe(F.col({f't.{DIALECT.name(name)}'!r}))"
            for position, name in enumerate(level.columns)
        )
        joins.append(f"    m = F.broadcast(spark.read.parquet({file!r})).alias('m{index}')")
        joins.append(f"    rows = rows.join(m, {same}, 'left')")
        notes.append(
            f"{level.text}: the partition is joined from {file}, which maps each key of the data to it; a new key is "
            "refused until it stands there."
        )
    ddl = _table(layout, options, [f"{DIALECT.name(column)} INT"], f"PARTITIONED BY ({DIALECT.name(column)})")
    python = "\n".join(
        [
            f'PARTITION_NUMBER = r"""{expression}"""'
            if '"""' not in expression
            else f"PARTITION_NUMBER = {expression!r}",
            "",
            "",
            "def numbered(rows, spark):",
            '    """The rows with the number of their partition."""',
            "    rows = rows.alias('t')",
            *joins,
            f"    return rows.select('t.*', F.expr(PARTITION_NUMBER).cast('int').alias({column!r}))",
            "",
            "",
            "def save(rows, spark):",
            '    """Writes the rows, each into its partition."""',
            f"    parts = numbered(rows, spark).repartition({layout.partitions}, {column!r})",
            f"    parts.write.mode('append').partitionBy({column!r}).saveAsTable({_table_name(options)!r})",
        ]
    )
    return _export(layout, options, ddl, python, notes, files, None, True)


def _placement(layout: Layout, form: Hashed) -> Placement | None:
    """Where Spark's own hash puts the keys; None for types and compound keys that assay does not hash as Spark does."""
    if len(form.columns) != 1 or kind_of_type(layout.schema.field(form.columns[0]).type) not in _AS_SPARK:
        return None
    (keys,) = layout.distinct[form.columns].columns
    if pa.types.is_timestamp(keys.type) and keys.type.unit == "ns":
        return None
    hashes = numpy_of(hash_keys(keys, "murmur3_spark").fill_null(SEED)).view(np.int32)
    return Placement(layout, form, np.mod(hashes.astype(np.int64), layout.partitions), layout.partitions)


def _table(layout: Layout, options: Options, more: list[str], clause: str) -> str:
    listed = ",\n    ".join([*columns_of(layout.schema), *more])
    after = f"\n{clause}" if clause else ""
    return f"CREATE TABLE {options.table.quoted(DIALECT)} (\n    {listed}\n)\nUSING parquet{after};"


def _table_name(options: Options) -> str:
    return options.table.quoted(DIALECT)


def _column(name: str) -> str:
    return repr(DIALECT.name(name))


def _export(
    layout: Layout,
    options: Options,
    ddl: str,
    python: str,
    notes: list[str],
    files: list[ExportFile],
    native: Placement | None,
    exact: bool,
) -> Export:
    types = [
        f"{column.name} ({column.type})"
        for column in layout.schema
        if kind_of_type(column.type) in ("time", "duration")
    ]
    if types:
        notes.append(f"Spark has no type for {', '.join(types)}; they are BIGINT there: cast them before writing.")
    opening = header("spark", layout, notes, predicted=native or layout)
    script = header("spark", layout, notes, predicted=native or layout, mark="# ")
    stem = options.table.stem
    main = ExportFile(f"{stem}.sql", f"{opening}\n\n{ddl}\n")
    code = ExportFile(f"{stem}.py", f"{script}\n\nfrom pyspark.sql import functions as F\n\n\n{python}\n")
    if options.rows:
        files = [*files, ExportFile(f"{stem}.parquet", writer=lambda path: write_parquet(path, layout, {}))]
    return Export("spark", layout, (main, code, *files), tuple(notes), native, exact)
