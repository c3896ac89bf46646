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

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from assay.errors import UnsupportedTypeError
from assay.targets.export import Export, ExportFile, Options, header
from assay.targets.forms import Composite, Form, Hashed, Listed, Mapped, Modulo, Numbered, Ranged, as_mapping
from assay.targets.layout import Layout
from assay.targets.rows import write_parquet
from assay.targets.sql import Dialect, comment
from assay.targets.types import kind_of_type

__all__ = ["DIALECT", "write"]

DIALECT = Dialect(
    "DuckDB",
    '"',
    binary=lambda value: "'" + "".join(f"\\x{byte:02X}" for byte in value) + "'::BLOB",
    special=lambda name: f"'{name}'",
)
_MOST_LISTED = 10_000  # values in lists; a join is faster beyond


def write(layout: Layout, options: Options) -> Export:
    """The layout as SQL.

    Raises:
        UnsupportedTypeError: A key's value has no place in DuckDB.
    """
    plan = _Plan(layout, options)
    number = plan.expression(layout.form)
    source, notes = _source(layout, options)
    notes += plan.notes
    name = options.table.stem
    column = DIALECT.name(plan.column)
    target = DIALECT.text(name)
    statement = "\n".join(
        [
            "COPY (",
            f"    SELECT t.*{plan.left_out}, CAST({number} AS INTEGER) AS {column}",
            f"    FROM {plan.numbered(source)} AS t",
            *(f"    {join}" for join in plan.joins()),
            f") TO {target} (FORMAT parquet, PARTITION_BY ({column}));",
        ]
    )
    query = f"SELECT {column}, count(*) FROM read_parquet({DIALECT.text(name + '/**/*.parquet')}, "
    after = "To see what each partition holds:\n  " + query + "hive_partitioning = true) GROUP BY ALL ORDER BY ALL;"
    text = f"{header('duckdb', layout, notes, predicted=layout)}\n\n{statement}\n\n{comment(after)}\n"
    files = [ExportFile(f"{name}.sql", text), *plan.files()]
    if options.rows:
        files.append(ExportFile(f"{name}.parquet", writer=lambda path: write_parquet(path, layout, {})))
    return Export("duckdb", layout, tuple(files), tuple(notes))


def _source(layout: Layout, options: Options) -> tuple[str, list[str]]:
    """Where the rows are read from."""
    files = layout.dataset.files
    if files and not options.rows and all(file.suffix == ".parquet" for file in files):
        listed = ", ".join(DIALECT.text(str(file)) for file in files)
        return f"read_parquet([{listed}])", []
    file = f"{options.table.stem}.parquet"
    notes = [] if options.rows else [f"The rows are read from {file}, which `assay export --rows` writes."]
    return f"read_parquet({DIALECT.text(file)})", notes


@dataclass
class _Plan:
    """The SQL expression of a layout's partition, and the mappings that it joins."""

    layout: Layout
    options: Options
    notes: list[str] = field(default_factory=list)
    mapped: list[Mapped] = field(default_factory=list)
    row_number: str = ""  # the column of the row's number, if one is needed

    @property
    def column(self) -> str:
        """The name of the partition's column."""
        return _free("partition_number", self.layout.schema.names)

    @property
    def left_out(self) -> str:
        """What SELECT t.* leaves out."""
        return f" EXCLUDE ({DIALECT.name(self.row_number)})" if self.row_number else ""

    def numbered(self, source: str) -> str:
        """The source, with the row's number where it is needed."""
        if not self.row_number:
            return source
        name = DIALECT.name(self.row_number)
        return f"(SELECT *, row_number() OVER () - 1 AS {name} FROM {source})"

    def joins(self) -> Iterator[str]:
        """A join for each mapping."""
        for index, level in enumerate(self.mapped):
            both = " AND ".join(
                f"m{index}.k{position} IS NOT DISTINCT FROM {self._q(name)}"
                for position, name in enumerate(level.columns)
            )
            yield f"LEFT JOIN read_parquet({DIALECT.text(self._file(index))}) AS m{index} ON {both}"

    def files(self) -> Iterator[ExportFile]:
        """The mappings, each a Parquet file of columns k0, k1 ..., partition_number."""
        for index, level in enumerate(self.mapped):
            fields = [self.layout.schema.field(name).type for name in level.columns]
            columns = [_as(column, kind) for column, kind in zip(level.keys.columns, fields, strict=True)]
            names = [f"k{position}" for position in range(len(columns))]
            numbers = pa.array(level.assigned, pa.uint32()).cast(pa.int32())
            table = pa.table([*columns, numbers], names=[*names, "partition_number"])
            yield ExportFile(self._file(index), writer=lambda path, table=table: _write_table(path, table))  # type: ignore[misc]

    def expression(self, form: Form) -> str:
        """The number of the partition, in SQL."""
        if isinstance(form, Composite):
            outer, inner = self.expression(form.outer), self.expression(form.inner)
            return f"({outer}) * {form.inner.partitions} + ({inner})"
        n = form.partitions
        if isinstance(form, Numbered):
            self.row_number = self.row_number or _free("row_number", self.layout.schema.names)
            self._note_once("Rows are numbered in the order of the file; leave preserve_insertion_order on.")
            return f"t.{DIALECT.name(self.row_number)} % {n}"
        columns = [self._q(name) for name in form.columns]
        if isinstance(form, Modulo):
            return f"coalesce(({columns[0]} % {n} + {n}) % {n}, 0)"
        if isinstance(form, Hashed) and (expression := self._hashed(form)):
            return expression
        if isinstance(form, Ranged) and not form.compound_nulls:
            return self._ranged(form, columns)
        if isinstance(form, Listed) and sum(map(len, form.groups)) <= _MOST_LISTED:
            return self._listed(form, columns[0])
        level = as_mapping(form, self.layout.distinct.__getitem__)
        assert isinstance(level, Mapped), "rows by number were dealt with"
        index = len(self.mapped)
        self.mapped.append(level)
        null = " AND ".join(f"{column} IS NULL" for column in columns)
        self.notes.append(
            f"{form.text}: DuckDB cannot compute it, so the partition is joined from {self._file(index)}, which maps "
            "each key of the data to it; a new key is refused until it stands there."
        )
        refuse = "error('a key is not in the mapping; export the layout anew')"
        return (
            f"CASE WHEN m{index}.partition_number IS NOT NULL THEN m{index}.partition_number "
            f"WHEN {null} THEN 0 ELSE {refuse} END"
        )

    def _q(self, name: str) -> str:
        return f"t.{DIALECT.name(name)}"

    def _file(self, index: int) -> str:
        number = "" if index == 0 else str(index + 1)
        return f"{self.options.table.stem}_partition_of{number}.parquet"

    def _note_once(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _kind(self, name: str) -> str:
        return kind_of_type(self.layout.schema.field(name).type)

    def _hashed(self, form: Hashed) -> str:
        """The hash in SQL, where DuckDB has the function; else nothing."""
        if len(form.columns) != 1:
            return ""
        (name,), n = form.columns, form.partitions
        if form.function == "md5" and self._kind(name) in ("text", "binary"):
            return f"coalesce(md5_number_upper({self._q(name)}) % {n}, 0)"
        if form.function == "identity" and self._kind(name) == "uint64":
            return f"coalesce({self._q(name)} % {n}, 0)"
        return ""

    def _literal(self, value: Any, name: str) -> str:
        kind = self._kind(name)
        text = DIALECT.literal(value, zone=kind == "timestamp_tz")
        if kind.startswith("float") and value.is_valid:
            quoted = text if text.startswith("'") else DIALECT.text(text)
            text = f"{quoted}::{'DOUBLE' if kind == 'float64' else 'FLOAT'}"
        return text

    def _ranged(self, form: Ranged, columns: list[str]) -> str:
        null = " AND ".join(f"{column} IS NULL" for column in columns)
        lines: list[tuple[str, int]] = []
        for number in range(form.partitions - 1):
            bound = [
                self._literal(values[number], name) for values, name in zip(form.bounds, form.columns, strict=True)
            ]
            below = _below(columns, bound)
            if not lines or lines[-1][0] != below:  # between equal bounds there is no key
                lines.append((below, number))
        whens = "".join(f"\n        WHEN {below} THEN {number}" for below, number in lines)
        return f"CASE\n        WHEN {null} THEN 0{whens}\n        ELSE {form.partitions - 1}\n    END"

    def _listed(self, form: Listed, column: str) -> str:
        (name,) = form.columns
        whens = "".join(
            f"\n        WHEN {column} IN ({', '.join(self._literal(value, name) for value in group)}) THEN {number}"
            for number, group in enumerate(form.groups)
            if len(group)
        )
        refuse = "error('a value is on no list; export the layout anew')"
        self.notes.append(f"{form.text}: a value that is on no list is refused.")
        return f"CASE\n        WHEN {column} IS NULL THEN 0{whens}\n        ELSE {refuse}\n    END"


def _below(columns: list[str], bound: list[str]) -> str:
    """Whether a key is below a bound: by its first column, then by its second, and so on."""
    found = f"{columns[-1]} < {bound[-1]}"
    for column, value in zip(columns[-2::-1], bound[-2::-1], strict=True):
        found = f"({column} < {value} OR ({column} = {value} AND {found}))"
    return found


def _free(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "_"
    return name


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """A key's column in the table's own type, so that the join compares like with like."""
    if pa.types.is_dictionary(kind):
        return column
    try:
        return column.cast(kind)
    except pa.ArrowException as error:
        raise UnsupportedTypeError(f"keys of type {column.type} cannot be written as {kind} ({error})") from None


def _write_table(path: Path, table: pa.Table) -> None:
    from pyarrow import parquet

    parquet.write_table(table, path)
