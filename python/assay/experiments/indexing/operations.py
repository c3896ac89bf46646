"""Operations of a workload as people spell them, and what one stands for.

    point(tailnum)                       rows of one value, or of one value per column of a compound key
    in_list(dest, size=10)               rows whose value is in a list
    range(time_hour, width='1d')         rows in one aligned window; or rows=100: as many keys as hold so many rows
    prefix(tailnum, length=3)            texts that begin alike; of a compound key its first `length` columns
    top_k(distance, k=10)                the k greatest (descending=false: the least)
    order_by(time_hour)                  all rows in order
    join_probe(carrier, size=1000)       a join's probe with so many keys
    insert, update(dest), delete         of one row; an update changes its columns' values

Each may carry a weight. Which instances there are follows METHODOLOGY, "Queries".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from assay.datasets import Query
from assay.datasets.arrow_types import is_text, plain_type
from assay.datasets.spelling import Nested, parse_nested, quote_name
from assay.datasets.workload import Template
from assay.errors import ParameterError, SpellingError, UnknownNameError, UnsupportedTypeError
from assay.experiments.partitioning.queries import check_query
from assay.units import count_of

__all__ = ["KINDS", "READS", "WRITES", "Operation", "check_operation", "parse_operation"]

READS = ("point", "in_list", "range", "prefix", "top_k", "order_by", "join_probe")
WRITES = ("insert", "update", "delete")
KINDS = (*READS, *WRITES)

_IN_ORDER = ("range", "prefix", "top_k", "order_by")
_MOST = 1_000_000


@dataclass(frozen=True)
class _Number:
    """A whole number that a kind takes, within bounds."""

    default: int | None
    low: int = 1
    high: int = _MOST


_NUMBERS: Mapping[str, Mapping[str, _Number]] = {
    "in_list": {"size": _Number(10)},
    "range": {"rows": _Number(None, high=2**40)},
    "prefix": {"length": _Number(None)},
    "top_k": {"k": _Number(10)},
    "join_probe": {"size": _Number(1000)},
}


@dataclass(frozen=True)
class Operation:
    """One operation of a workload.

    Attributes:
        name: What it is called; the QUERY of a metric's name.
        kind: One of `KINDS`.
        columns: What it asks for, or changes; none for insert and delete, which concern every column.
        weight: How often it is done, beside the others.
        numbers: The whole numbers of its kind: size, rows, length, k.
        query: The declared query that it is an instance of, where it is one: point, in_list, a range with a width.
        descending: Whether top_k asks for the greatest.
        template: Of a query log, where it comes from one and the log names its instances.
    """

    name: str
    kind: str
    columns: tuple[str, ...] = ()
    weight: float = 1.0
    numbers: tuple[tuple[str, int], ...] = ()
    query: Query | None = None
    descending: bool = True
    template: Template | None = None

    @property
    def is_read(self) -> bool:
        """Whether it asks."""
        return self.kind in READS

    @property
    def in_order(self) -> bool:
        """Whether it needs an index that knows the order of the keys."""
        return self.kind in _IN_ORDER

    def number(self, name: str) -> int:
        """A whole number of its kind."""
        return dict(self.numbers)[name]

    @property
    def spelling(self) -> str:
        """As one would write it, without its weight."""
        parts = [quote_name(column) for column in self.columns]
        if self.query is not None and self.query.width is not None:
            parts.append(f"width={self.query.width!r}")
        parts += [f"{name}={number}" for name, number in self.numbers]
        if self.kind == "top_k" and not self.descending:
            parts.append("descending=false")
        return f"{self.kind}({', '.join(parts)})" if parts else self.kind


def parse_operation(name: str, spelling: str) -> Operation:
    """The operation `name` that `spelling` describes.

    Raises:
        SpellingError: The text is no call, or has the wrong number of columns.
        UnknownNameError: The kind or a keyword does not exist.
        ParameterError: A keyword is missing, of the wrong kind or out of bounds.
    """
    try:
        call = parse_nested(spelling)
    except SpellingError as error:
        raise SpellingError(
            f"query {name}: {error}; write point(column), range(column, rows=100), insert ..."
        ) from None
    if call.name not in KINDS:
        raise UnknownNameError.of("kind of operation", call.name, KINDS)
    columns = _columns(name, call)
    given = dict(call.keywords)
    weight = _weight(name, given.pop("weight", 1.0))
    known = {"weight", *_NUMBERS.get(call.name, {})}
    known |= {"width"} if call.name == "range" else {"descending"} if call.name == "top_k" else set()
    for keyword in given:
        if keyword not in known:
            raise UnknownNameError.of(f"parameter of {call.name}", keyword, known)
    descending = given.pop("descending", True)
    if not isinstance(descending, bool):
        raise ParameterError(f"query {name}: descending is {descending!r}; expected true or false")
    width = given.pop("width", None)
    if call.name == "range" and (width is None) == ("rows" not in given):
        has = "neither width nor" if width is None else "both width and"
        raise ParameterError(
            f"query {name}: {spelling!r} has {has} rows; expected one: "
            "width='1d' or width=100 of the column's values, or rows=100 for as many keys as hold so many rows"
        )
    query = None
    if call.name in ("point", "in_list") or width is not None:
        query = _query(name, call.name, columns, width, given)
    if call.name == "prefix" and "length" not in given:
        raise ParameterError(
            f"query {name}: {spelling!r} has no length; expected how many characters of a text, or columns of a "
            f"compound key, are told: {call.text[:-1]}, length=3)"
        )
    numbers = tuple(
        (keyword, _whole(name, keyword, number, given.get(keyword, number.default)))
        for keyword, number in _NUMBERS.get(call.name, {}).items()
        if not (call.name == "range" and keyword == "rows" and width is not None)
    )
    return Operation(name, call.name, columns, weight, numbers, query, descending)


def _query(name: str, kind: str, columns: tuple[str, ...], width: Any, given: Mapping[str, Any]) -> Query:
    """The declared query: it checks width and size as everywhere else."""
    parts = [quote_name(column) for column in columns]
    if kind == "in_list":
        parts.append(f"size={given.get('size', 10)!r}")
    if width is not None:
        parts.append(f"width={width!r}")
    return Query.parse(name, f"{kind}({', '.join(parts)})")


def _columns(name: str, call: Nested) -> tuple[str, ...]:
    columns = []
    for argument in call.positional:
        if not isinstance(argument, str):
            raise SpellingError(f"query {name}: {call.text!r} has {argument!r} where a column's name belongs")
        columns.append(argument)
    if len(set(columns)) != len(columns):
        raise SpellingError(f"query {name}: {call.text!r} names a column twice; name each once")
    single = call.name in ("in_list", "range", "top_k")
    if call.name in ("insert", "delete") and columns:
        raise SpellingError(f"query {name}: {call.text!r} names columns; a row that comes or goes concerns all of them")
    if (call.name in READS and not columns) or (single and len(columns) != 1):
        wanted = "exactly one column" if single else "at least one column"
        raise SpellingError(f"query {name}: {call.text!r} names {count_of(len(columns), 'column')}; expected {wanted}")
    return tuple(columns)


def _weight(name: str, given: object) -> float:
    if isinstance(given, bool) or not isinstance(given, (int, float)) or not 0 < given < float("inf"):
        raise ParameterError(f"query {name}: weight is {given!r}; expected a number above 0")
    return float(given)


def _whole(name: str, keyword: str, number: _Number, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not number.low <= value <= number.high:
        raise ParameterError(
            f"query {name}: {keyword} is {value!r}; expected a whole number from {number.low:,} to {number.high:,}"
        )
    return value


def check_operation(operation: Operation, schema: pa.Schema) -> None:
    """Refuses an operation that columns of these types cannot be asked.

    Raises:
        UnsupportedTypeError: A window over what is neither a number nor a time, or a prefix of what is no text.
        ParameterError: A width that is finer than the column; more columns in a prefix than the key has.
    """
    if operation.query is not None:
        check_query(operation.query, schema)
    if operation.kind != "prefix":
        return
    length = operation.number("length")
    if len(operation.columns) > 1:
        if length >= len(operation.columns):
            raise ParameterError(
                f"query {operation.name}: length is {length} of {len(operation.columns)} columns; expected fewer, as "
                "all of them are a point"
            )
        return
    data_type = plain_type(schema.field(operation.columns[0]).type)
    if not is_text(data_type):
        raise UnsupportedTypeError(
            f'query {operation.name}: column "{operation.columns[0]}" is of type {data_type}; a prefix needs a text, '
            "or several columns; use range for numbers and times"
        )
