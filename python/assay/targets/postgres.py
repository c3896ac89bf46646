"""PostgreSQL: declarative partitioning.

Idea: one `CREATE TABLE ... PARTITION BY`, and a partition each; composites are partitions of partitions.

What it can express: range (text in collation C, which compares bytes as assay does), list, modulo (as a list of
the values of an expression) and round_robin (a column whose default is a sequence modulo n, exact for one loading
session) keep their measured placement. hash becomes PARTITION BY HASH, which has a hash function of its own. All
else, and hash where the measured placement must be kept, needs a column with the partition's number, which the
loader or router fills from a table that maps keys to it.

Nulls live in partition 0, as measured: in the DEFAULT partition of a range, in the list of partition 0, and with
remainder 0 of a hash.

Source: PostgreSQL manual, "Table Partitioning", "CREATE TABLE", "COPY"; hash partitions need version 11 or newer.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise

import pyarrow as pa

from assay.errors import ParameterError, UnsupportedTypeError
from assay.targets.export import Export, ExportFile, Options, header
from assay.targets.forms import Composite, Form, Hashed, Listed, Mapped, Modulo, Numbered, Ranged, as_mapping
from assay.targets.layout import Layout
from assay.targets.native import native_note, with_function
from assay.targets.rows import write_csv
from assay.targets.sql import Dialect, TableName, comment, free_name
from assay.targets.types import kind_of_type, names, type_name

__all__ = ["DIALECT", "TYPES", "Plan", "columns_of", "write"]

DIALECT = Dialect("PostgreSQL", '"', binary=lambda value: f"'\\x{value.hex()}'")
TYPES = names(
    """
    bool: boolean
    int8, int16, uint8: smallint
    int32, uint16: integer
    int64, uint32: bigint
    uint64: numeric(20, 0)
    float16, float32: real
    float64: double precision
    text, null: text
    binary: bytea
    date: date
    time: time
    timestamp: timestamp
    timestamp_tz: timestamptz
    duration: bigint
    list, struct, map: jsonb
    """,
    decimal=lambda kind: f"numeric({max(kind.precision, kind.scale)}, {kind.scale})",
)

_SYSTEM_COLUMNS = ("tableoid", "xmin", "cmin", "xmax", "cmax", "ctid")
_LONGEST_NAME = 63  # bytes; PostgreSQL cuts what is longer
_MOST_KEY_COLUMNS = 32  # PARTITION_MAX_KEYS
_MOST_LISTED = 10_000  # values of native lists; more make every plan slow, and a mapping is then the better list
_ROWS_AT_ONCE = 500  # of an INSERT
_MANY = 4_000  # "up to a few thousand partitions fairly well"


def write(layout: Layout, options: Options) -> Export:
    """The layout as DDL.

    Raises:
        UnsupportedTypeError: A column's type, name or key value has no place in PostgreSQL.
    """
    plan = Plan(layout, options)
    body = "\n".join(plan.statements())
    native = _own_placement(layout) if plan.hashed else None
    notes = [*plan.notes, *([_note(layout, native)] if plan.hashed else [])]
    opening = header("postgres", layout, notes, predicted=native or layout)
    text = f"{opening}\n\n{body}\n\n{_how_to_load(plan)}\n"
    name = options.table.stem
    files = [ExportFile(f"{name}.sql", text)]
    if options.rows:
        levels = {column: level.learned for column, level in plan.explicit.items() if isinstance(level, Mapped)}
        rows = f"{name}.csv"
        files += [
            ExportFile("load.sql", f"{_copy(plan, rows)}\n"),
            ExportFile(rows, writer=lambda path: write_csv(path, layout, levels)),
        ]
    return Export("postgres", layout, tuple(files), tuple(notes), native, not plan.hashed or native is not None)


def _own_placement(layout: Layout) -> Layout | None:
    """The layout by PostgreSQL's own hash; None for types whose hash there assay does not know."""
    try:
        native = layout.like(with_function(layout.spec, "postgres"))
        keys = {name for leaf in layout.spec.leaves if leaf.name == "hash" for name in leaf.columns}
        if any(kind_of_type(layout.schema.field(name).type) == "uint64" for name in keys):
            return None  # numeric there
        assert native.predicted.sum() == layout.rows
    except UnsupportedTypeError:
        return None
    return native


def _note(layout: Layout, native: Layout | None) -> str:
    exact = " --exact keeps the measured placement, by a column and a mapping of keys."
    hashes = "its own 64-bit function of the key's type (hashint8extended, hashtextextended ...)"
    measure = "" if native is None else native.spec.text
    return native_note("postgres", layout, native, hashes=hashes, measure=measure) + (
        "" if measure == layout.spec.text else exact
    )


def columns_of(schema: pa.Schema) -> list[tuple[str, str]]:
    """The name, quoted, and the type of each column.

    Raises:
        UnsupportedTypeError: A type or a name that PostgreSQL has not.
    """
    for column in schema:
        _check_name("column", column.name)
        if column.name in _SYSTEM_COLUMNS:
            raise UnsupportedTypeError(f"{column.name!r} is a column that PostgreSQL has in every table; rename it")
    return [(DIALECT.name(column.name), type_name(column, TYPES, DIALECT.title)) for column in schema]


def _check_name(thing: str, name: str) -> None:
    if len(name.encode()) > _LONGEST_NAME or not name:
        raise UnsupportedTypeError(
            f"the {thing} {name!r} has {len(name.encode())} bytes; PostgreSQL takes names of 1 to {_LONGEST_NAME}; "
            "rename it"
        )


@dataclass
class Plan:
    """How the levels of a layout become partitions; `explicit` columns hold a partition's number.

    `only` takes one level of the layout instead of all.
    """

    layout: Layout
    options: Options
    only: Form | None = None
    notes: list[str] = field(default_factory=list)
    explicit: dict[str, Form] = field(default_factory=dict)
    hashed: bool = False
    form: Form = field(init=False)

    def __post_init__(self) -> None:
        _check_name("table", self.options.table.last)
        self.form = self._settled(self.only or self.layout.form)
        if self.layout.partitions > _MANY:
            self.notes.append(
                f"PostgreSQL plans well with up to a few thousand partitions; these are {self.layout.partitions:,}. "
                "Statements that touch all of them in one transaction need max_locks_per_transaction raised."
            )

    def _settled(self, form: Form) -> Form:
        """The form that PostgreSQL will have: native where it can, else an explicit column."""
        if isinstance(form, Composite):
            return replace(form, outer=self._settled(form.outer), inner=self._settled(form.inner))
        why = self._why_not_native(form)
        if isinstance(form, Hashed) and not why:
            self.hashed = True
        if not why and not isinstance(form, Numbered):
            return self._noted(form)
        if why:
            form = as_mapping(form, self.layout.distinct.__getitem__)
        column = free_name("partition_number", [*self.layout.schema.names, *self.explicit])
        self.explicit[column] = form
        if isinstance(form, Numbered):
            self.notes.append(
                f'the column "{column}" takes the row\'s number modulo {form.partitions} from a sequence: rows land as '
                "predicted if one session loads all of them in order; a failed insert leaves a gap."
            )
        else:
            self.notes.append(
                f'{form.text}: {why}, so the column "{column}" holds the partition\'s number. Whoever writes a row '
                f"looks it up in {self.mapping_of(column).last}, or computes it with assay; new keys must be added."
            )
        return form

    def _why_not_native(self, form: Form) -> str:
        """Why PostgreSQL cannot do this level by itself; empty if it can."""
        if isinstance(form, Hashed):
            return "the measured hash function is kept" if self.options.exact else ""
        if len(form.columns) > _MOST_KEY_COLUMNS:
            return f"a partition key has at most {_MOST_KEY_COLUMNS} columns"
        if isinstance(form, Ranged):
            return "keys that are null in part have no place among PostgreSQL's bounds" if form.compound_nulls else ""
        if isinstance(form, Listed):
            values = sum(map(len, form.groups))
            return f"{values:,} values are too many for lists" if values > _MOST_LISTED else ""
        return "" if isinstance(form, (Modulo, Numbered)) else "PostgreSQL has no such partitioning"

    def _noted(self, form: Form) -> Form:
        if isinstance(form, Modulo):
            self.notes.append(
                f"{form.text}: partitions are pruned only in queries that ask for the expression itself; a primary key "
                "cannot include it."
            )
        if isinstance(form, Ranged) and not self._has_nulls(form):
            self.notes.append(f"{form.text}: no key was null; a row whose key is null will be refused.")
        if isinstance(form, Listed):
            self.notes.append(f"{form.text}: a value that is on no list will be refused.")
        return form

    def _has_nulls(self, form: Form) -> bool:
        return any(self.layout.nulls(name) for name in form.columns)

    def mapping_of(self, column: str) -> TableName:
        """The table that maps a level's keys to its partitions."""
        return self.options.table.sibling(_fitting(self.options.table.last, f"_{column}_of"))

    def sequence_of(self, column: str) -> TableName:
        """The sequence that numbers the rows."""
        return self.options.table.sibling(_fitting(self.options.table.last, f"_{column}_rows"))

    def partition(self, first: int, count: int) -> TableName:
        """The table of partition `first`, or of the partitions from it on."""
        suffix = f"_p{first}" if count == 1 else f"_p{first}_to_{first + count - 1}"
        return self.options.table.sibling(_fitting(self.options.table.last, suffix))

    # Statements

    def statements(self) -> Iterator[str]:
        """The DDL, in order."""
        for column, level in self.explicit.items():
            if isinstance(level, Numbered):
                yield f"CREATE SEQUENCE {self._q(self.sequence_of(column))} MINVALUE 0 START 0;\n"
        lines = [f"    {name} {kind}" for name, kind in columns_of(self.layout.schema)]
        lines += [f"    {self._explicit_column(column, level)}" for column, level in self.explicit.items()]
        listed = ",\n".join(lines)
        table = self.options.table
        yield f"CREATE TABLE {self._q(table)} (\n{listed}\n) PARTITION BY {self._by(self.form)};\n"
        yield from self._partitions(table, self.form, 0)
        for column, level in self.explicit.items():
            if isinstance(level, Mapped):
                yield from self._mapping(column, level)

    def _q(self, name: TableName) -> str:
        return name.quoted(DIALECT)

    def _explicit_column(self, column: str, level: Form) -> str:
        name = DIALECT.name(column)
        if isinstance(level, Numbered):
            sequence = DIALECT.text(self._q(self.sequence_of(column)))
            return f"{name} integer NOT NULL DEFAULT (nextval({sequence}) % {level.partitions})"
        return f"{name} integer NOT NULL"

    def _by(self, form: Form) -> str:
        """The partition key of a level."""
        if isinstance(form, Composite):
            return self._by(form.outer)
        if isinstance(form, (Mapped, Numbered)):
            column = next(name for name, level in self.explicit.items() if level is form)
            return f"LIST ({DIALECT.name(column)})"
        if isinstance(form, Modulo):
            return f"LIST (({_modulo(self.layout.schema, form)}))"
        if isinstance(form, Hashed):
            return f"HASH ({DIALECT.names(form.columns)})"
        if isinstance(form, Listed):
            return f"LIST ({DIALECT.names(form.columns)})"
        parts = []
        for name in form.columns:
            text = kind_of_type(self.layout.schema.field(name).type) == "text"
            parts.append(DIALECT.name(name) + (' COLLATE "C"' if text else ""))
        return f"RANGE ({', '.join(parts)})"

    def _partitions(self, parent: TableName, form: Form, first: int) -> Iterator[str]:
        """The partitions of a level, numbered from `first`, and those of the levels below."""
        level, inner = (form.outer, form.inner) if isinstance(form, Composite) else (form, None)
        width = inner.partitions if inner is not None else 1
        for number, values in enumerate(self._values(level)):
            begin = first + number * width
            if values is None:
                which = f"Partition {begin}" if width == 1 else f"Partitions {begin} to {begin + width - 1}"
                yield comment(f"{which}: no key can be in it, so there is nothing to create.")
                continue
            table = self.partition(begin, width)
            below = f" PARTITION BY {self._by(inner)}" if inner is not None else ""
            yield f"CREATE TABLE {self._q(table)} PARTITION OF {self._q(parent)} {values}{below};"
            if inner is not None:
                yield from self._partitions(table, inner, begin)

    def _values(self, form: Form) -> list[str | None]:
        """What each partition of a level holds, as the clause that says it; None for what cannot hold anything."""
        n = form.partitions
        if isinstance(form, Hashed):
            return [f"FOR VALUES WITH (MODULUS {n}, REMAINDER {number})" for number in range(n)]
        if isinstance(form, Modulo):
            return [f"FOR VALUES IN ({'NULL, 0' if number == 0 else number})" for number in range(n)]
        if isinstance(form, Listed):
            zone = self._zones(form)[0]
            listed = [[DIALECT.literal(value, zone=zone) for value in group] for group in form.groups]
            listed[0].insert(0, "NULL")
            return [f"FOR VALUES IN ({', '.join(group)})" if group else None for group in listed]
        if isinstance(form, Ranged):
            return self._ranges(form)
        return [f"FOR VALUES IN ({number})" for number in range(n)]

    def _ranges(self, form: Ranged) -> list[str | None]:
        zones = self._zones(form)
        width = len(form.columns)
        bounds = [", ".join(["MINVALUE"] * width)]
        for row in range(form.partitions - 1):
            key = [DIALECT.literal(column[row], zone=zone) for column, zone in zip(form.bounds, zones, strict=True)]
            bounds.append(", ".join(key))
        bounds.append(", ".join(["MAXVALUE"] * width))
        found: list[str | None] = [
            None if low == high else f"FOR VALUES FROM ({low}) TO ({high})" for low, high in pairwise(bounds)
        ]
        if self._has_nulls(form):
            found[0] = "DEFAULT"  # takes what lies below the first bound, and nulls, which no bounds can
        return found

    def _zones(self, form: Form) -> list[bool]:
        return [kind_of_type(self.layout.schema.field(name).type) == "timestamp_tz" for name in form.columns]

    def _mapping(self, column: str, level: Mapped) -> Iterator[str]:
        """The table that maps a level's keys to its partitions, with its rows."""
        table = self._q(self.mapping_of(column))
        fields = {name: type_name(self.layout.schema.field(name), TYPES, DIALECT.title) for name in level.columns}
        listed = ", ".join(f"{DIALECT.name(name)} {kind}" for name, kind in fields.items())
        yield f"\nCREATE TABLE {table} ({listed}, {DIALECT.name(column)} integer NOT NULL);"
        zones = self._zones(level)
        keys = level.keys.columns
        for start in range(0, len(level.keys), _ROWS_AT_ONCE):
            rows = []
            for row in range(start, min(start + _ROWS_AT_ONCE, len(level.keys))):
                key = [DIALECT.literal(values[row], zone=zone) for values, zone in zip(keys, zones, strict=True)]
                rows.append(f"    ({', '.join(key)}, {level.assigned[row]})")
            yield f"INSERT INTO {table} VALUES\n" + ",\n".join(rows) + ";"
        yield f"CREATE UNIQUE INDEX ON {table} ({DIALECT.names(level.columns)});"


def _modulo(schema: pa.Schema, form: Modulo) -> str:
    """The expression of a key modulo n, never negative."""
    (name,) = form.columns
    column, n = DIALECT.name(name), form.partitions
    if kind_of_type(schema.field(name).type).startswith("uint"):
        return f"{column} % {n}"
    return f"({column} % {n} + {n}) % {n}"


def _fitting(table: str, suffix: str) -> str:
    """The name of something that belongs to a table, cut to what PostgreSQL keeps."""
    room = _LONGEST_NAME - len(suffix.encode())
    if room < 1:
        raise ParameterError(f"the name {suffix!r} is too long for PostgreSQL; rename the column")
    return table.encode()[:room].decode(errors="ignore") + suffix


def _copied_columns(plan: Plan) -> str:
    filled = [name for name, level in plan.explicit.items() if isinstance(level, Mapped)]
    return DIALECT.names([*plan.layout.schema.names, *filled])


def _copy(plan: Plan, file: str) -> str:
    table = plan.options.table.quoted(DIALECT)
    return f"\\copy {table} ({_copied_columns(plan)}) FROM {DIALECT.text(file)} WITH (FORMAT csv, HEADER true)"


def _same_key(level: Mapped, index: int) -> str:
    """The condition that joins a mapping; keys that are null in part need a comparison that no hash join can make."""
    same = "IS NOT DISTINCT FROM" if (level.keys.has_null & ~level.keys.is_null).any() else "="
    names = map(DIALECT.name, level.columns)
    return " AND ".join(f"m{index}.{name} {same} s.{name}" for name in names)


def _null_key(level: Mapped) -> str:
    return " AND ".join(f"s.{DIALECT.name(name)} IS NULL" for name in level.columns)


def _how_to_load(plan: Plan) -> str:
    table = plan.options.table.quoted(DIALECT)
    mapped = {name: level for name, level in plan.explicit.items() if isinstance(level, Mapped)}
    lines = ["To load, in psql, from the CSV that `assay export --rows` writes:", "  " + _copy(plan, "FILE.csv")]
    if mapped:
        joins = " ".join(
            f"LEFT JOIN {plan.mapping_of(column).quoted(DIALECT)} AS m{index} ON {_same_key(level, index)}"
            for index, (column, level) in enumerate(mapped.items())
        )
        numbers = ", ".join(
            f"coalesce(m{index}.{DIALECT.name(column)}, CASE WHEN {_null_key(level)} THEN 0 END)"
            for index, (column, level) in enumerate(mapped.items())
        )
        own = ", ".join(f"s.{DIALECT.name(name)}" for name in plan.layout.schema.names)
        lines += [
            "or, from a table staging that has its columns:",
            f"  INSERT INTO {table} ({_copied_columns(plan)}) SELECT {own}, {numbers} FROM staging AS s {joins};",
        ]
    lines += ["To see what each partition holds:", f"  SELECT tableoid::regclass, count(*) FROM {table} GROUP BY 1;"]
    return comment("\n".join(lines))
