"""Query shapes that a dataset declares: point, in_list and range.

by_plane = "point(tailnum)"                   one instance per distinct value
ten      = "in_list(dest, size=10)"           consecutive chunks of the sorted values
day      = "range(time_hour, width='1d')"     aligned windows; a number for numeric columns

Each may say which columns it reads beside its own: point(tailnum, columns=[carrier, dest]).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from assay.datasets.spelling import Nested, parse_nested, quote_name
from assay.errors import ParameterError, SpellingError, UnknownNameError

__all__ = ["QUERY_KINDS", "Query", "width_ns"]

QUERY_KINDS: dict[str, str] = {
    "point": "point(column, ...): rows that have one value, or one value per column",
    "in_list": "in_list(column, size=10): rows whose value is in a list of `size` values",
    "range": "range(column, width='1d'): rows in one aligned window; width is a number, or a duration in time",
}
_KEYWORDS: dict[str, str | None] = {"point": None, "in_list": "size", "range": "width"}
_UNITS_NS = {
    "ns": 1,
    "us": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
    "d": 86_400_000_000_000,
    "w": 604_800_000_000_000,
}
_DURATION = re.compile(r"(\d+)\s*(ns|us|ms|s|m|h|d|w)")


@dataclass(frozen=True)
class Query:
    """One shape of query: its name, kind, columns, and the size or width that its kind needs."""

    name: str
    kind: Literal["point", "in_list", "range"]
    columns: tuple[str, ...]
    size: int | None = None  # values in the list; only in_list has it
    width: str | int | float | None = None  # of the window; only range has it
    reads: tuple[str, ...] = ()  # columns that it reads beside its own

    @classmethod
    def parse(cls, name: str, spelling: str) -> Query:
        """The query `name` that `spelling` describes.

        Raises:
            SpellingError: the text is no call, or has the wrong number of columns.
            UnknownNameError: the kind or a keyword does not exist.
            ParameterError: `size` or `width` is missing or out of bounds.
        """
        try:
            call = parse_nested(spelling)
        except SpellingError as error:
            forms = ", ".join(form.partition(":")[0] for form in QUERY_KINDS.values())
            raise SpellingError(f"query {name}: {error}; write {forms}") from None
        if call.name not in QUERY_KINDS:
            raise UnknownNameError.of("kind of query", call.name, QUERY_KINDS)
        columns = tuple(_column(call, argument) for argument in call.positional)
        if not columns or (call.name != "point" and len(columns) != 1):
            wanted = "at least one column" if call.name == "point" else "exactly one column"
            raise SpellingError(f"query {name}: {spelling!r} names {len(columns)} columns; expected {wanted}")
        if len(set(columns)) != len(columns):
            raise SpellingError(f"query {name}: {spelling!r} names a column twice; name each once")
        keyword = _KEYWORDS[call.name]
        known = [keyword, "columns"] if keyword else ["columns"]
        for given in call.keywords:
            if given not in known:
                raise UnknownNameError.of(f"parameter of {call.name}", given, known)
        reads = _reads(name, call.keywords.get("columns", []), columns)
        value = call.keywords.get(keyword) if keyword else None
        if keyword and value is None:
            raise ParameterError(f"query {name}: {call.name} needs {keyword}; expected {QUERY_KINDS[call.name]}")
        if call.name == "point":
            return cls(name, "point", columns, reads=reads)
        if call.name == "in_list":
            return cls(name, "in_list", columns, size=_size(name, value), reads=reads)
        return cls(name, "range", columns, width=_width(name, value), reads=reads)

    @property
    def needed(self) -> tuple[str, ...]:
        """All columns that it reads, its own first."""
        return self.columns + self.reads

    @property
    def spelling(self) -> str:
        """The query as one would write it; `Query.parse` reads it back."""
        parts = [quote_name(column) for column in self.columns]
        if self.size is not None:
            parts.append(f"size={self.size}")
        if self.width is not None:
            parts.append(f"width={self.width!r}")
        if self.reads:
            parts.append(f"columns=[{', '.join(map(quote_name, self.reads))}]")
        return f"{self.kind}({', '.join(parts)})"

    @property
    def width_ns(self) -> int | None:
        """The window in nanoseconds where `width` is a duration; None where it is a number or absent."""
        return width_ns(self.width) if isinstance(self.width, str) else None


def width_ns(duration: str) -> int:
    """A duration such as `15m`, `6h` or `1d` in nanoseconds.

    Raises:
        ParameterError: it is not a positive whole number followed by ns, us, ms, s, m, h, d or w.
    """
    match = _DURATION.fullmatch(duration.strip())
    if match is None or int(match[1]) == 0:
        raise ParameterError(
            f"width is {duration!r}; expected a positive whole number and a unit of {', '.join(_UNITS_NS)}, "
            "such as '1d' or '15m'"
        )
    return int(match[1]) * _UNITS_NS[match[2]]


def _reads(name: str, given: object, own: tuple[str, ...]) -> tuple[str, ...]:
    """The columns that the query reads beside its own, each once."""
    if not isinstance(given, list) or not all(isinstance(column, str) for column in given):
        raise ParameterError(f"query {name}: columns is {given!r}; expected names in brackets, such as columns=[a, b]")
    return tuple(dict.fromkeys(str(column) for column in given if column not in own))


def _column(call: Nested, argument: object) -> str:
    if not isinstance(argument, str):
        raise SpellingError(f"{call.text!r} has {argument!r} where a column's name belongs; quote odd names")
    return argument


def _size(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ParameterError(f"query {name}: size is {value!r}; expected a whole number of at least 1")
    return value


def _width(name: str, value: object) -> str | int | float:
    if isinstance(value, str):
        try:
            width_ns(value)
        except ParameterError as error:
            raise ParameterError(f"query {name}: {error}") from None
        return value
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not 0 < value < float("inf"):
        raise ParameterError(f"query {name}: width is {value!r}; expected a number above 0 or a duration such as '1d'")
    return value
