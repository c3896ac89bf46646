"""Iceberg: a partition spec of transforms, as DDL for Spark and as a PyIceberg script.

Idea: `PARTITIONED BY` transforms of columns: engines keep the partition by themselves and prune by it.

What it can express: hash of one column becomes bucket[n], which is hash(column, function=murmur3_32) where n is a
power of two; list with at most one value each becomes identity; range of a date or timestamp becomes the transform
(year, month, day, hour) that cuts the data into most nearly n parts. Everything else, and these with --exact, is an
integer column that holds the partition's number, with the identity transform; the writer fills it.

Source: Apache Iceberg table specification, "Partition Transforms" and Appendix B, "32-bit Hash Requirements"; PyIceberg
documentation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa

from assay.experiments.distinct import numpy_of
from assay.experiments.partitioning.strategies import Learned
from assay.hashing import hash as hash_keys
from assay.targets.export import Export, ExportFile, Options, header
from assay.targets.forms import Bucketed, Composite, Form, Hashed, Listed, Numbered, Ranged
from assay.targets.layout import Layout
from assay.targets.native import Placed, Placement, native_note
from assay.targets.rows import write_parquet
from assay.targets.sql import Dialect, check_case, free_name
from assay.targets.types import kind_of_type, names, type_name

__all__ = ["DDL", "TYPES", "write"]

DIALECT = Dialect("Iceberg", "`", binary=lambda value: f"X'{value.hex().upper()}'", backslash=True)
DDL = names(
    """
    bool: BOOLEAN
    int8, int16, int32, uint8, uint16: INT
    int64, uint32, duration: BIGINT
    uint64: DECIMAL(20, 0)
    float16, float32: FLOAT
    float64: DOUBLE
    text, null: STRING
    binary: BINARY
    date: DATE
    time: TIME
    timestamp: TIMESTAMP_NTZ
    timestamp_tz: TIMESTAMP
    """,
    decimal=lambda kind: f"DECIMAL({max(kind.precision, kind.scale)}, {kind.scale})",
)
TYPES = names(
    """
    bool: BooleanType()
    int8, int16, int32, uint8, uint16: IntegerType()
    int64, uint32, duration: LongType()
    uint64: DecimalType(20, 0)
    float16, float32: FloatType()
    float64: DoubleType()
    text, null: StringType()
    binary: BinaryType()
    date: DateType()
    time: TimeType()
    timestamp: TimestampType()
    timestamp_tz: TimestamptzType()
    """,
    decimal=lambda kind: f"DecimalType({max(kind.precision, kind.scale)}, {kind.scale})",
)
# Beginnings of the kinds that have buckets; times have too, but PyIceberg cannot write them.
_BUCKETS = ("int", "uint", "text", "binary", "date", "timestamp", "decimal")
_HASHES = "Murmur3 with 32 bits, (hash & 0x7fffffff) mod n"
_MOMENTS = ("year", "month", "day", "hour")


def write(layout: Layout, options: Options) -> Export:
    """The layout as DDL and a script.

    Raises:
        UnsupportedTypeError: A column's type has no place in Iceberg.
    """
    check_case(layout.schema.names, "Spark and most engines that read Iceberg")
    plan = _Plan(layout, options)
    plan.add(layout.form)
    schema, stem = plan.schema, options.table.stem
    columns = [f"    {DIALECT.name(c.name)} {type_name(c, DDL, DIALECT.title)}" for c in schema]
    by = ", ".join(f"{name}({argument})" if name else argument for name, argument in plan.ddl)
    table = (
        f"CREATE TABLE {options.table.quoted(DIALECT)} (\n"
        + ",\n".join(columns)
        + f"\n)\nUSING iceberg\nPARTITIONED BY ({by});"
    )
    predicted = plan.native or layout
    files = [
        ExportFile(f"{stem}.sql", f"{header('iceberg', layout, plan.notes, predicted=predicted)}\n\n{table}\n"),
        ExportFile(
            f"{stem}.py", f"{header('iceberg', layout, plan.notes, predicted=predicted, mark='# ')}\n\n{plan.script()}"
        ),
    ]
    if options.rows:
        files.append(ExportFile(f"{stem}.parquet", writer=lambda path: write_parquet(path, layout, plan.explicit)))
    return Export("iceberg", layout, tuple(files), tuple(plan.notes), plan.native, plan.exact)


@dataclass
class _Plan:
    """The fields of the partition spec, in the order of the levels."""

    layout: Layout
    options: Options
    ddl: list[tuple[str, str]] = field(default_factory=list)  # the transform and its arguments, as Spark's DDL has it
    fields: list[tuple[str, str, str]] = field(default_factory=list)  # column, transform in PyIceberg, name
    explicit: dict[str, Learned] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    native: Placed | None = None
    exact: bool = True

    @property
    def schema(self) -> pa.Schema:
        """The table's columns and those that hold a partition's number."""
        return pa.schema([*self.layout.schema, *(pa.field(name, pa.int32()) for name in self.explicit)])

    def add(self, form: Form) -> None:
        """Adds a level."""
        if isinstance(form, Composite):
            self.add(form.outer)
            self.add(form.inner)
        elif isinstance(form, (Bucketed, Hashed)) and not self.options.exact and self._has_buckets(form):
            self._bucket(form)
        elif isinstance(form, Listed) and not self.options.exact and max(map(len, form.groups)) <= 1:
            (name,) = form.columns
            self._field("", name, "IdentityTransform()", name)
            self.notes.append(f"{form.text}: a new value makes a partition of its own; null too.")
        elif isinstance(form, Ranged) and not self.options.exact and form is self.layout.form and self._is_moment(form):
            self._moments(form)
        else:
            self._explicit(form)

    def script(self) -> str:
        """The PyIceberg script after its header."""
        schema = self.schema
        types = {type_name(column, TYPES, DIALECT.title) for column in schema}
        transforms = {transform.partition("(")[0] for _, transform, _ in self.fields}
        ids = {column.name: number for number, column in enumerate(schema, 1)}
        listed = "".join(
            f"    NestedField({ids[c.name]}, {c.name!r}, {type_name(c, TYPES, DIALECT.title)}),\n" for c in schema
        )
        spec = "".join(
            f"    PartitionField({ids[column]}, {1000 + place}, {transform}, {name!r}),\n"
            for place, (column, transform, name) in enumerate(self.fields)
        )
        of_types = ", ".join(sorted({"NestedField", *(name.partition("(")[0] for name in types)}))
        parts = self.options.table.parts
        identifier = parts if len(parts) > 1 else ("default", *parts)
        file = f"{self.options.table.stem}.parquet"
        return f'''"""Creates the table in an Iceberg catalogue, and loads rows into it."""

import sys

import pyarrow.parquet as pq
from pyiceberg.catalog import load_catalog
from pyiceberg.io.pyarrow import schema_to_pyarrow
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.transforms import {", ".join(sorted(transforms))}
from pyiceberg.types import {of_types}

IDENTIFIER = {identifier!r}
SCHEMA = Schema(
{listed})
SPEC = PartitionSpec(
{spec})


def create(catalog):
    """The new table."""
    catalog.create_namespace_if_not_exists(IDENTIFIER[:-1])
    return catalog.create_table(IDENTIFIER, schema=SCHEMA, partition_spec=SPEC)


def load(table, path={file!r}):
    """Appends the rows of a Parquet file, such as `assay export --rows` writes."""
    table.append(pq.read_table(path).cast(schema_to_pyarrow(SCHEMA, include_field_ids=False)))


if __name__ == "__main__":
    load(create(load_catalog(sys.argv[1] if sys.argv[1:] else "default")))
'''

    def _field(self, transform: str, column: str, code: str, name: str, *, argument: str = "") -> None:
        quoted = DIALECT.name(column)
        self.ddl.append((transform, f"{argument}, {quoted}" if argument else quoted))
        self.fields.append((column, code, name))

    def _kind(self, form: Form) -> str:
        return kind_of_type(self.layout.schema.field(form.columns[0]).type)

    def _has_buckets(self, form: Form) -> bool:
        return len(form.columns) == 1 and self._kind(form).startswith(_BUCKETS)

    def _is_moment(self, form: Form) -> bool:
        return len(form.columns) == 1 and (self._kind(form) == "date" or self._kind(form).startswith("timestamp"))

    def _bucket(self, form: Bucketed | Hashed) -> None:
        (name,), n = form.columns, form.partitions
        self._field("bucket", name, f"BucketTransform({n})", f"{name}_bucket", argument=str(n))
        same = self._kind(form) not in ("decimal", "uint64") and (
            isinstance(form, Bucketed) or (form.function == "murmur3_32" and form.seed == 0 and n & (n - 1) == 0)
        )
        if same:
            self.notes.append(
                f"bucket({n}, {name}) hashes as {form.text} does at {n} partitions, so rows land as measured."
            )
        else:
            placement = _bucketed(self.layout, form) if form is self.layout.form else None
            note = native_note("iceberg", self.layout, placement, hashes=_HASHES)
            self.notes.append(f"{note} --exact keeps the measured placement, by a column.")
            self.native = placement
            self.exact = placement is not None
        if any(self.layout.nulls(column) for column in form.columns):
            self.notes.append(
                f"Rows whose {name} is null are a partition of their own there; they are counted in partition 0."
            )

    def _moments(self, form: Ranged) -> None:
        """The transform of a moment that cuts the data into most nearly n parts."""
        (name,), (values,) = form.columns, form.keys.columns
        options = _MOMENTS[:3] if self._kind(form) == "date" else _MOMENTS
        cuts = {option: _cut(values, option) for option in options}
        counts = {option: int(cut.max()) + 1 for option, cut in cuts.items()}
        useful = [option for option in options if counts[option] > 1] if form.partitions > 1 else []
        option = min(useful or options, key=lambda option: abs(np.log(counts[option] / form.partitions)))
        self._field(f"{option}s", name, f"{option.capitalize()}Transform()", f"{name}_{option}")
        self.native = Placement(self.layout, form, cuts[option], counts[option])
        self.notes.append(
            f"{form.text}: Iceberg has no bounds. {option}({name}) makes {counts[option]:,} partitions of the data "
            f"instead of {form.partitions:,}, numbered here by their order; the fullest holds "
            f"{self.native.max_over_mean:.3f} x their mean. --exact keeps the measured bounds, by a column."
        )

    def _explicit(self, form: Form) -> None:
        column = free_name("partition_number", [*self.layout.schema.names, *self.explicit])
        self.explicit[column] = form.learned
        self._field("", column, "IdentityTransform()", column)
        new = "the row's number" if isinstance(form, Numbered) else "the key"
        self.notes.append(
            f'{form.text}: the column "{column}" holds the partition\'s number, which the writer computes from {new}, '
            "with assay or by a mapping; queries prune by it alone."
        )


def _bucketed(layout: Layout, form: Form) -> Placement | None:
    """The bucket of each key; null, which has none, in 0. None for types that assay does not hash as Iceberg does."""
    (keys,) = layout.distinct[form.columns].columns
    if kind_of_type(layout.schema.field(form.columns[0]).type) in ("decimal", "uint64"):
        return None
    if pa.types.is_timestamp(keys.type) and keys.type.unit == "ns":
        return None
    hashes = numpy_of(hash_keys(keys, "murmur3_32").fill_null(0)).astype(np.int64) & 0x7FFFFFFF
    return Placement(layout, form, hashes % layout.partitions, layout.partitions)


def _cut(values: pa.Array, option: str) -> np.ndarray:
    """The year, month, day or hour of each moment, numbered in their order from 0; null in 0."""
    from pyarrow import compute

    floor: Callable[..., Any] = compute.floor_temporal
    moments = values.cast(pa.timestamp("us")) if pa.types.is_date(values.type) else values
    floored = floor(moments, unit=option)
    known = floored.drop_null().unique()
    order = known.take(compute.array_sort_indices(known))
    return numpy_of(compute.index_in(floored, value_set=order).fill_null(0)).astype(np.int64)
