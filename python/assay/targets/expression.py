"""A partition's number as one SQL expression over a table's columns, for engines that compute it while they write.

Ranges and lists are a CASE, moduli are arithmetic, and what SQL cannot compute is a column of a table that maps
keys to partitions, joined beside. The expression is the strategy itself: unseen keys find their place, but for lists
and mappings, which refuse them. Cost: a comparison per bound or list, or a join, for each row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from assay.errors import UnsupportedTypeError
from assay.targets.forms import Composite, Form, Hashed, Listed, Mapped, Modulo, Numbered, Ranged, as_mapping
from assay.targets.layout import Layout
from assay.targets.sql import Dialect, free_name
from assay.targets.types import kind_of_type

__all__ = ["Expression", "Words"]

_MOST_LISTED = 10_000  # values in lists; a join is faster beyond


@dataclass(frozen=True)
class Words:
    """How an engine says what SQL has no common word for."""

    dialect: Dialect
    modulo: Callable[[str, int], str]  # never negative
    refuse: Callable[[str], str]  # an expression that fails with a message
    double: str  # the type of 64-bit floats
    single: str  # and of 32-bit ones
    md5: Callable[[str], str] | None = (
        None  # the first 8 bytes of the digest of text or binary, little-endian, unsigned
    )
    numbered: bool = True  # whether rows can be numbered in order


@dataclass
class Expression:
    """The expression of a layout's partition; `mapped` and `row_number` say what it needs beside the table `t`."""

    layout: Layout
    words: Words
    notes: list[str] = field(default_factory=list)
    mapped: list[Mapped] = field(default_factory=list)
    row_number: str = ""  # the column of the row's number, if one is needed

    def of(self, form: Form) -> str:
        """The number of the partition under one form.

        Raises:
            UnsupportedTypeError: A key's value cannot be written in the dialect.
        """
        if isinstance(form, Composite):
            outer, inner = self.of(form.outer), self.of(form.inner)
            return f"({outer}) * {form.inner.partitions} + ({inner})"
        n = form.partitions
        if isinstance(form, Numbered):
            self.row_number = self.row_number or free_name("row_number", self.layout.schema.names)
            return f"{self.q(self.row_number)} % {n}"
        columns = [self.q(name) for name in form.columns]
        if isinstance(form, Modulo):
            return f"coalesce({self.words.modulo(columns[0], n)}, 0)"
        if isinstance(form, Hashed) and (hashed := self._hashed(form)):
            return f"coalesce({hashed} % {n}, 0)"
        if isinstance(form, Ranged) and not form.compound_nulls:
            return self._ranged(form, columns)
        if isinstance(form, Listed) and sum(map(len, form.groups)) <= _MOST_LISTED:
            return self._listed(form, columns[0])
        level = as_mapping(form, self.layout.distinct.__getitem__)
        assert isinstance(level, Mapped), "rows by number were dealt with"
        number = f"m{len(self.mapped)}.partition_number"
        self.mapped.append(level)
        refuse = self.words.refuse("a key is not in the mapping; export the layout anew")
        return f"CASE WHEN {number} IS NOT NULL THEN {number} WHEN {_all_null(columns)} THEN 0 ELSE {refuse} END"

    def q(self, name: str) -> str:
        """A column of the table."""
        return f"t.{self.words.dialect.name(name)}"

    def mapping(self, level: Mapped) -> pa.Table:
        """A mapping as a table of columns k0, k1 ..., partition_number, in the types of the dataset's own columns."""
        fields = [self.layout.schema.field(name).type for name in level.columns]
        columns = [_as(column, kind) for column, kind in zip(level.keys.columns, fields, strict=True)]
        names = [f"k{position}" for position in range(len(columns))]
        numbers = pa.array(level.assigned, pa.uint32()).cast(pa.int32())
        return pa.table([*columns, numbers], names=[*names, "partition_number"])

    def _kind(self, name: str) -> str:
        return kind_of_type(self.layout.schema.field(name).type)

    def _hashed(self, form: Hashed) -> str:
        """The hash in SQL, where the engine has the function; else nothing."""
        if len(form.columns) != 1:
            return ""
        (name,) = form.columns
        if form.function == "md5" and self.words.md5 is not None and self._kind(name) in ("text", "binary"):
            return self.words.md5(self.q(name))
        return self.q(name) if form.function == "identity" and self._kind(name) == "uint64" else ""

    def _literal(self, value: Any, name: str) -> str:
        kind = self._kind(name)
        text = self.words.dialect.literal(value, zone=kind == "timestamp_tz")
        if kind.startswith("float") and value.is_valid:
            quoted = text if text.startswith("'") else self.words.dialect.text(text)
            return f"CAST({quoted} AS {self.words.double if kind == 'float64' else self.words.single})"
        return text

    def _ranged(self, form: Ranged, columns: list[str]) -> str:
        lines: list[tuple[str, int]] = []
        for number in range(form.partitions - 1):
            bound = [
                self._literal(values[number], name) for values, name in zip(form.bounds, form.columns, strict=True)
            ]
            below = _below(columns, bound)
            if not lines or lines[-1][0] != below:  # between equal bounds there is no key
                lines.append((below, number))
        return _case([(_all_null(columns), 0), *lines], str(form.partitions - 1))

    def _listed(self, form: Listed, column: str) -> str:
        (name,) = form.columns
        lines = [
            (f"{column} IN ({', '.join(self._literal(value, name) for value in group)})", number)
            for number, group in enumerate(form.groups)
            if len(group)
        ]
        self.notes.append(f"{form.text}: a value that is on no list is refused.")
        refuse = self.words.refuse("a value is on no list; export the layout anew")
        return _case([(_all_null([column]), 0), *lines], refuse)


def _case(lines: list[tuple[str, int]], otherwise: str) -> str:
    whens = "".join(f"\n        WHEN {condition} THEN {number}" for condition, number in lines)
    return f"CASE{whens}\n        ELSE {otherwise}\n    END"


def _all_null(columns: list[str]) -> str:
    return " AND ".join(f"{column} IS NULL" for column in columns)


def _below(columns: list[str], bound: list[str]) -> str:
    """Whether a key is below a bound: by its first column, then by its second, and so on."""
    found = f"{columns[-1]} < {bound[-1]}"
    for column, value in zip(columns[-2::-1], bound[-2::-1], strict=True):
        found = f"({column} < {value} OR ({column} = {value} AND {found}))"
    return found


def _as(column: pa.Array, kind: pa.DataType) -> pa.Array:
    """A key's column in the table's own type, so that the join compares like with like."""
    if pa.types.is_dictionary(kind):
        return column
    try:
        return column.cast(kind)
    except pa.ArrowException as error:
        raise UnsupportedTypeError(f"keys of type {column.type} cannot be written as {kind} ({error})") from None
