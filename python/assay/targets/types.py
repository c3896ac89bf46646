"""Arrow's types by the names that targets map from: widths and containers that mean the same are one kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa

from assay.datasets.arrow_types import plain_type
from assay.errors import UnsupportedTypeError

__all__ = ["Names", "kind_of_type", "names", "type_name"]

# A target's name for each kind; a function where the name depends on the type (precision, elements).
Names = Mapping[str, str | Callable[[Any], str]]


def names(text: str, **more: Callable[[Any], str]) -> Names:
    """A target's names of types from lines of kinds and a name: `int8, int16: smallint`."""
    found: dict[str, str | Callable[[Any], str]] = {}
    for line in text.strip().splitlines():
        kinds, _, name = line.partition(":")
        found |= {kind.strip(): name.strip() for kind in kinds.split(",")}
    return found | more


_TESTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("bool", ("is_boolean",)),
    ("decimal", ("is_decimal",)),
    ("text", ("is_large_string",)),
    ("binary", ("is_large_binary", "is_fixed_size_binary")),
    ("date", ("is_date",)),
    ("time", ("is_time",)),
    ("duration", ("is_duration",)),
    ("list", ("is_list", "is_large_list", "is_fixed_size_list")),
    ("struct", ("is_struct",)),
    ("map", ("is_map",)),
    ("null", ("is_null",)),
)


def kind_of_type(data_type: pa.DataType) -> str:
    """The kind of a type: int8 ... uint64, float16 ... float64, bool, decimal, text, binary, date, timestamp,
    timestamp_tz (an instant), time, duration, list, struct, map, null; else Arrow's own name."""
    types: Any = pa.types
    if types.is_timestamp(data_type):
        return "timestamp_tz" if data_type.tz is not None else "timestamp"
    plain = plain_type(data_type)
    if types.is_integer(plain):
        return str(plain)
    if types.is_floating(plain):
        return {16: "float16", 32: "float32", 64: "float64"}[plain.bit_width]
    if types.is_timestamp(plain):
        return "timestamp" if getattr(data_type.value_type, "tz", None) is None else "timestamp_tz"
    return next((kind for kind, tests in _TESTS if any(getattr(types, test)(plain) for test in tests)), str(plain))


def type_name(column: pa.Field, table: Names, title: str) -> str:
    """A column's type as the target calls it.

    Raises:
        UnsupportedTypeError: The target has no such type.
    """
    kind = kind_of_type(column.type)
    found = table.get(kind)
    if found is None:
        raise UnsupportedTypeError(
            f'column "{column.name}" is of type {column.type}, for which {title} has no type; cast it, or leave it out '
            f"of the table; supported: {', '.join(table)}"
        )
    return found if isinstance(found, str) else found(plain_type(column.type))
