"""Which columns of a dataset make it a trace: `key`, and where there are any `time`, `size` and `op`.

Any table whose rows are requests in their order is a trace. A role's column is, in this order: the one that the
caller names, the one that the definition declares, or one with a usual name (`obj_id`, `timestamp`, `bytes`,
`method`), compared without case and signs. A column by its name alone must have a type that fits, else it is passed
over; one that was named or declared and does not fit is an error. Cost: no row is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pyarrow as pa

from assay.datasets.arrow_types import is_nested, is_text, plain_type
from assay.datasets.dataset import Dataset
from assay.errors import UnknownNameError, UnsupportedTypeError, UsageError

__all__ = ["SYNONYMS", "TraceRoles", "find_trace_roles", "trace_roles"]

SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "key": (
        *(
            "key",
            "cache_key",
            "object",
            "object_id",
            "obj",
            "obj_id",
            "item",
            "item_id",
            "anonymized_key",
            "content_id",
        ),
        *("url", "uri", "block", "block_id", "lbn", "lba", "page", "page_id"),
    ),
    "time": ("time", "timestamp", "ts", "clock_time", "real_time", "request_time", "datetime", "date_time"),
    "size": (
        *("size", "size_bytes", "bytes", "object_size", "obj_size", "item_size", "value_size", "content_length"),
        *("response_size", "body_bytes_sent", "length"),
    ),
    "op": ("op", "operation", "opcode", "method", "request_method", "command", "verb"),
}  # the first that is there counts
_SIGNS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class TraceRoles:
    """The columns of a trace by what they are for; None where a trace has none. `sources` says how each was found."""

    key: str
    time: str | None = None
    size: str | None = None
    op: str | None = None
    sources: Mapping[str, str] | None = None  # role → "named", "declared" or "by its name"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that have a role, the key's first; each once."""
        named = (self.key, self.time, self.size, self.op)
        return tuple(dict.fromkeys(column for column in named if column is not None))


def trace_roles(
    dataset: Dataset, *, key: str | None = None, time: str | None = None, size: str | None = None, op: str | None = None
) -> TraceRoles:
    """The roles of `dataset` as a trace.

    Args:
        dataset: Any dataset whose rows are requests in their order.
        key, time, size, op: A column for this role, whatever the definition or the names of columns say.

    Raises:
        UnknownNameError: There is no column of a name that was given.
        UnsupportedTypeError: A column that was named or declared cannot have its role.
        UsageError: No column is the key.
    """
    found = find_trace_roles(dataset, key=key, time=time, size=size, op=op)
    if found is None:
        shown = ", ".join(dataset.schema.names[:12]) + (", ..." if len(dataset.schema) > 12 else "")
        raise UsageError(
            f"{dataset.name} has no column that is known as the key of its requests; name one of its columns ({shown}) "
            'with key=..., declare it in a definition, such as roles = { key = "url" }, or call it "key"'
        )
    return found


def find_trace_roles(
    dataset: Dataset, *, key: str | None = None, time: str | None = None, size: str | None = None, op: str | None = None
) -> TraceRoles | None:
    """As `trace_roles`; None where no column is the key, and so no trace is meant."""
    columns: dict[str, str] = {}
    sources: dict[str, str] = {}
    for role, named in (("key", key), ("time", time), ("size", size), ("op", op)):
        if named is not None:
            _check(dataset, role, named)
            columns[role], sources[role] = named, "named"
        elif role in dataset.roles:
            _check(dataset, role, dataset.roles[role])
            columns[role], sources[role] = dataset.roles[role], "declared"
    for role, synonyms in SYNONYMS.items():
        if role not in columns and (column := _by_name(dataset, role, synonyms, set(columns.values()))) is not None:
            columns[role], sources[role] = column, "by its name"
    if "key" not in columns:
        return None
    return TraceRoles(**columns, sources=sources)


def _by_name(dataset: Dataset, role: str, synonyms: tuple[str, ...], taken: set[str]) -> str | None:
    """The column with the first of `synonyms` whose type fits."""
    names: dict[str, str] = {}
    for column in dataset.schema.names:
        names.setdefault(_SIGNS.sub("_", column.lower()).strip("_"), column)
    for synonym in synonyms:
        column = names.get(synonym)
        if column is not None and column not in taken and _FITS[role](dataset.schema.field(column).type):
            return column
    return None


def _check(dataset: Dataset, role: str, column: str) -> None:
    if column not in dataset.schema.names:
        raise UnknownNameError.of(f"column of {dataset.name}", column, dataset.schema.names)
    data_type = dataset.schema.field(column).type
    if not _FITS[role](data_type):
        raise UnsupportedTypeError(
            f"column {column} of {dataset.name} is {data_type}; as the {role} of a trace, expected {_WANTED[role]}"
        )


def _is_key(data_type: pa.DataType) -> bool:
    return not (is_nested(plain_type(data_type)) or pa.types.is_null(data_type))


def _is_time(data_type: pa.DataType) -> bool:
    plain = plain_type(data_type)
    return bool(
        pa.types.is_integer(plain)
        or pa.types.is_floating(plain)
        or pa.types.is_timestamp(plain)
        or pa.types.is_date(plain)
        or pa.types.is_duration(plain)
    )


def _is_size(data_type: pa.DataType) -> bool:
    plain = plain_type(data_type)
    return bool(pa.types.is_integer(plain) or pa.types.is_floating(plain))


def _is_op(data_type: pa.DataType) -> bool:
    return is_text(plain_type(data_type))


_FITS: Mapping[str, Callable[[pa.DataType], bool]] = {
    "key": _is_key,
    "time": _is_time,
    "size": _is_size,
    "op": _is_op,
}
_WANTED = {
    "key": "whole numbers, text, bytes or any other type of single values",
    "time": "whole numbers, floating-point numbers, timestamps or dates",
    "size": "whole numbers of bytes",
    "op": 'text, such as "get" and "set"',
}
