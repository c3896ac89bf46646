"""Arrow types as definitions spell them, and what they have in common across containers."""

from __future__ import annotations

import re
from typing import Any

import pyarrow as pa

from assay.errors import ParameterError, nearest

__all__ = ["can_be_equal", "is_nested", "is_text", "kind_of", "parse_type", "plain_array", "plain_type"]

_ALIASES = {"text": "string", "double": "float64", "float": "float32", "integer": "int64", "boolean": "bool"}
_INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
_KNOWN = (
    *_INTEGERS,
    *("float16", "float32", "float64", "bool", "string", "large_string", "binary", "large_binary", "date32", "date64"),
)
_TIMESTAMP = re.compile(r"timestamp\[(s|ms|us|ns)(?:,\s*(?:tz=)?([^\]]+))?\]")
_TIME = re.compile(r"time(32|64)\[(s|ms|us|ns)\]")
_DECIMAL = re.compile(r"decimal(?:128)?\((\d+),\s*(-?\d+)\)")
_SHOWN = "int64, float64, bool, string, date32, time64[us], timestamp[s], timestamp[us, UTC] or decimal(12, 2)"


def parse_type(spelling: str) -> pa.DataType:
    """The Arrow type that `spelling` names: `int64`, `timestamp[s, UTC]`, `decimal(12, 2)`.

    Raises:
        ParameterError: there is no such type; the nearest one is offered.
    """
    text = spelling.strip()
    text = _ALIASES.get(text, text)
    try:
        if match := _TIMESTAMP.fullmatch(text):
            return pa.timestamp(match[1], tz=match[2].strip() if match[2] else None)
        if match := _TIME.fullmatch(text):
            return pa.time32(match[2]) if match[1] == "32" else pa.time64(match[2])
        if match := _DECIMAL.fullmatch(text):
            return pa.decimal128(int(match[1]), int(match[2]))
        if text in _KNOWN:
            return pa.type_for_alias(text)
    except (ValueError, pa.ArrowException) as error:
        raise ParameterError(f"type {spelling!r}: {error}; expected one such as {_SHOWN}") from None
    guess = nearest(text, [*_KNOWN, *_ALIASES])
    raise ParameterError(
        f"there is no type {spelling!r}" + (f"; did you mean {guess!r}?" if guess else "") + f"; expected {_SHOWN}"
    )


def plain_type(data_type: pa.DataType) -> pa.DataType:
    """`data_type` without its container's choices: a dictionary as its values, a view as large text or binary.

    Zones are dropped, since a zone changes how an instant is shown, not which instant it is.
    """
    types: Any = pa.types
    if types.is_dictionary(data_type):
        return plain_type(data_type.value_type)
    if is_text(data_type):
        return pa.large_string()
    if types.is_binary(data_type) or types.is_large_binary(data_type) or types.is_binary_view(data_type):
        return pa.large_binary()
    if types.is_timestamp(data_type):
        return pa.timestamp(data_type.unit)
    return data_type


def plain_array(column: pa.Array) -> pa.Array:
    """`column` in its plain type. Arrow cannot take from views, so a dictionary's values are cast before that."""
    if pa.types.is_dictionary(column.type):
        return plain_array(column.dictionary).take(column.indices)
    return column.cast(plain_type(column.type))


def kind_of(data_type: pa.DataType) -> str:
    """The name under which equal content has an equal fingerprint: `text`, `binary`, `timestamp`, else the type."""
    types: Any = pa.types
    plain = plain_type(data_type)
    if types.is_list(plain) or types.is_large_list(plain) or types.is_fixed_size_list(plain):
        return f"list<{kind_of(plain.value_type)}>"
    if types.is_struct(plain):
        return f"struct<{', '.join(f'{field.name}: {kind_of(field.type)}' for field in plain)}>"
    if types.is_large_string(plain):
        return "text"
    if types.is_large_binary(plain) or types.is_fixed_size_binary(plain):
        return "binary"
    if types.is_timestamp(plain):
        return "timestamp"
    return str(plain)


def can_be_equal(left: pa.DataType, right: pa.DataType) -> bool:
    """Whether values of both types can be one key, as their canonical bytes have it.

    Whole numbers of all widths and decimals can, text and binary can; 1 and 1.0, or 1 and "1", cannot.
    """
    families = {_family(left), _family(right)}
    return len(families) == 1 or "null" in families


def _family(data_type: pa.DataType) -> str:
    types: Any = pa.types
    plain = plain_type(data_type)
    families = {
        "whole number": (types.is_integer, types.is_decimal),
        "float": (types.is_floating,),
        "text": (types.is_large_string, types.is_large_binary, types.is_fixed_size_binary),
        "timestamp": (types.is_timestamp,),
        "date": (types.is_date,),
        "time": (types.is_time,),
        "null": (types.is_null,),
    }
    return next((name for name, tests in families.items() if any(test(plain) for test in tests)), str(plain))


def is_text(data_type: pa.DataType) -> bool:
    """Whether values are text, in any of Arrow's layouts."""
    types: Any = pa.types
    return bool(types.is_string(data_type) or types.is_large_string(data_type) or types.is_string_view(data_type))


def is_nested(data_type: pa.DataType) -> bool:
    """Whether values are lists, structs, maps or unions: never keys."""
    types: Any = pa.types
    return bool(types.is_nested(data_type))
