"""SQL as text: names, literals and comments, quoted so that any value of the data stays data.

A dialect says how a system quotes. Literals are made from Arrow scalars, so that no digit is lost on the way.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from assay.errors import SpellingError, UnsupportedTypeError

__all__ = ["Dialect", "TableName", "check_case", "comment", "free_name", "shown_rows"]

_WIDTH = 110
_PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')
_NOT_WORD = re.compile(r"\W+")


@dataclass(frozen=True)
class Dialect:
    """How a system writes names and literals."""

    title: str
    quote: str  # around names, doubled within
    binary: Callable[[bytes], str]
    backslash: bool = False  # whether a backslash escapes within text
    fraction: int = 6  # digits of a second that a timestamp holds
    zone: str = "+00"  # the mark of UTC
    special: Callable[[str], str] = lambda name: f"'{name}'"  # NaN, Infinity, -Infinity

    def name(self, text: str) -> str:
        """A name, quoted."""
        if "\0" in text:
            raise UnsupportedTypeError(f"the name {text!r} holds a NUL, which {self.title} cannot; rename it")
        return self.quote + text.replace(self.quote, self.quote * 2) + self.quote

    def names(self, texts: Sequence[str]) -> str:
        """Names, quoted, with commas between."""
        return ", ".join(map(self.name, texts))

    def text(self, value: str) -> str:
        """Text as a literal."""
        if "\0" in value:
            raise UnsupportedTypeError(f"the value {value!r} holds a NUL, which {self.title} cannot take in text")
        if self.backslash:
            return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        return "'" + value.replace("'", "''") + "'"

    def literal(self, value: pa.Scalar, *, zone: bool = False) -> str:
        """A scalar as a literal; moments, and what is no plain number, as text that the column's type reads.

        Args:
            value: A scalar of a plain type.
            zone: Whether a timestamp is an instant, to be marked as UTC.

        Raises:
            UnsupportedTypeError: The target cannot hold the value.
        """
        types: Any = pa.types
        if not value.is_valid:
            return "NULL"
        kind = value.type
        if types.is_boolean(kind):
            return "TRUE" if value.as_py() else "FALSE"
        if types.is_integer(kind):
            return str(value.as_py())
        if types.is_decimal(kind):
            return format(value.as_py(), "f")
        if types.is_floating(kind):
            number = float(value.as_py())
            words = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
            return self.special(words[repr(number)]) if repr(number) in words else repr(number)
        if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
            return self.binary(value.as_py())
        if types.is_timestamp(kind):
            return self._moment(value, zone)
        if types.is_date(kind):
            return f"'{value.cast(pa.date32()).cast(pa.string()).as_py()}'"
        return self.text(str(value.cast(pa.string()).as_py()))

    def _moment(self, value: pa.Scalar, zone: bool) -> str:
        text = str(value.cast(pa.string()).as_py())
        whole, _, fraction = text.partition(".")
        if fraction[self.fraction :].strip("0"):
            raise UnsupportedTypeError(
                f"the moment {text} has more than the {self.fraction} digits of a second that {self.title} keeps; "
                f"round the column first"
            )
        fraction = fraction[: self.fraction]
        return f"'{whole}{'.' if fraction else ''}{fraction}{self.zone if zone else ''}'"


@dataclass(frozen=True)
class TableName:
    """A table's name with its schema, keyspace or namespace before it, if there is one."""

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> TableName:
        """The name that `text` spells: a dot separates the schema; double quotes hold odd names.

        Raises:
            SpellingError: A part is empty, or a quote is not closed.
        """
        parts = _PART.findall(text)
        if not text or "\0" in text or re.fullmatch(rf"(?:{_PART.pattern})(?:\.(?:{_PART.pattern}))*", text) is None:
            raise SpellingError(f'table is {text!r}; expected a name, or schema.name, such as shop.orders or "a.b"')
        return cls(tuple(part[1:-1].replace('""', '"') if part[0] == '"' else part for part in parts))

    @classmethod
    def of_dataset(cls, name: str) -> TableName:
        """A table's name from a dataset's: what stands before a parenthesis, signs as underscores."""
        return cls((_NOT_WORD.sub("_", name.split("(")[0]).strip("_") or "table",))

    @property
    def last(self) -> str:
        """The name without its schema."""
        return self.parts[-1]

    @property
    def stem(self) -> str:
        """The beginning of the names of files about the table."""
        return _NOT_WORD.sub("_", self.last).strip("_") or "table"

    def sibling(self, last: str) -> TableName:
        """Another table in the same schema."""
        return TableName((*self.parts[:-1], last))

    def quoted(self, dialect: Dialect) -> str:
        """The name as a dialect writes it."""
        return ".".join(map(dialect.name, self.parts))


def free_name(name: str, taken: Iterable[str]) -> str:
    """A column's name that is not taken, whatever the case."""
    folded = {other.casefold() for other in taken}
    while name.casefold() in folded:
        name += "_"
    return name


def check_case(columns: Sequence[str], title: str) -> None:
    """Raises unless names differ by more than their case.

    Raises:
        UnsupportedTypeError: Two are one name for a system that ignores case.
    """
    seen: dict[str, str] = {}
    for name in columns:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise UnsupportedTypeError(
                f"the columns {other!r} and {name!r} are one for {title}, which ignores case; rename one of them"
            )


def comment(text: str, mark: str = "-- ") -> str:
    """`text` as comment lines, none of which can end the comment; indented lines are commands, and stay whole."""
    lines: list[str] = []
    for line in text.split("\n"):
        shown = "".join(character if character.isprintable() else "\ufffd" for character in line)
        wrapped = textwrap.wrap(shown, _WIDTH - len(mark), break_long_words=False, break_on_hyphens=False)
        lines += [shown] if shown.startswith(" ") else wrapped or [""]
    return "\n".join((mark + line).rstrip() for line in lines)


def shown_rows(rows: Sequence[int]) -> str:
    """Rows by partition, in words."""
    return ", ".join(f"p{number} {count:,}" for number, count in enumerate(rows))
