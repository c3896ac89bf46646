"""SQL as text: lines → statements, and a statement → its template and literals.

Statements end with a semicolon outside quotes and comments; comments are left out. A quote that is
never closed would swallow the rest of a log, so a statement is given up where a line ends with a
semicolon and the next begins like a statement. Two statements that differ in their literals alone
share a template, so that a log of many statements needs few of them parsed. Cost: one pass over the
text; memory for one statement.
Source: PostgreSQL's lexical structure (quotes, dollar quotes, escapes); MySQL's where it differs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

__all__ = [
    "LONGEST_STATEMENT",
    "TOO_LONG",
    "UNBALANCED",
    "Literals",
    "Splitter",
    "number_slot",
    "template_of",
    "text_slot",
]

LONGEST_STATEMENT = 1024 * 1024  # characters

UNBALANCED = "with a quote or comment that is not closed"
TOO_LONG = "longer than a million characters"

Literals = tuple[str | int | Decimal, ...]

_VERB = re.compile(
    r"\s*(?:select|insert|update|delete|with|begin|start\s+transaction|commit|rollback|end|set|create|drop|alter|copy)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"""['"`;]|--|/\*|\$(?:[A-Za-z_]\w*)?\$""")
_COPY_DATA = re.compile(r"\s*copy\b.*\bfrom\s+stdin\b", re.IGNORECASE | re.DOTALL)
_ESCAPED = {quote: re.compile(rf"(?s:\\.)|{quote}") for quote in ("'", '"')}


@dataclass
class Splitter:
    """Assembles statements from lines.

    Attributes:
        mysql: Whether backslashes escape in quotes, and `#` opens a comment.
    """

    mysql: bool = False
    _parts: list[str] = field(default_factory=list)
    _length: int = 0
    _inside: str = ""  # what is open: ', ", `, /* or $tag$
    _escapes: bool = False  # whether a backslash escapes in the open quote
    _copying: bool = False  # whether rows of COPY ... FROM stdin follow
    _ended: bool = False  # whether the line before ended with a semicolon

    def feed(self, line: str) -> Iterator[tuple[str, str | None]]:
        """The statements that end in this line (without its line end), each with why it cannot be read, or None."""
        if self._copying:
            self._copying = line.strip() != "\\."
            return
        if self._inside and self._ended and _VERB.match(line):
            yield self._take(UNBALANCED)
        self._ended = line.rstrip().endswith(";")
        if not self._inside and not "".join(self._parts).strip() and line.lstrip().startswith(("\\", "#")):
            return  # a command of psql, or a comment of MySQL's logs
        position = 0
        while position < len(line):
            if self._inside:
                position = self._close(line, position)
                continue
            match = _OPENING.search(line, position)
            if match is None:
                self._add(line[position:])
                break
            self._add(line[position : match.start()])
            position, token = match.end(), match[0]
            if token == ";":
                yield from self._end()
            elif token == "--":
                break
            elif token == "/*":
                self._inside = "/*"
            else:
                before = line[: match.start()]
                if token[0] == "$" and before[-1:].isalnum():
                    self._add(token)
                    continue
                self._escapes = (self.mysql and token != "`") or (token == "'" and _is_escape_string(before))
                self._inside = token
                self._add(token)
        self._add("\n")

    def finish(self) -> Iterator[tuple[str, str | None]]:
        """The statement that the last line left open, if any."""
        if self._inside and self._inside != "/*":
            yield self._take(UNBALANCED)
        elif self._inside:
            self._inside = ""
            yield self._take(UNBALANCED)
        else:
            yield from self._end()

    def _close(self, line: str, position: int) -> int:
        """Reads on within what is open; where to go on."""
        if self._inside == "/*":
            end = line.find("*/", position)
            if end < 0:
                return len(line)
            self._inside = ""
            self._add(" ")
            return end + 2
        if self._escapes:
            for match in _ESCAPED[self._inside].finditer(line, position):
                if match[0] == self._inside:
                    self._inside = ""
                    self._add(line[position : match.end()])
                    return match.end()
            self._add(line[position:])
            return len(line)
        end = line.find(self._inside, position)
        if end < 0:
            self._add(line[position:])
            return len(line)
        end += len(self._inside)
        self._inside = ""
        self._add(line[position:end])
        return end

    def _add(self, text: str) -> None:
        self._length += len(text)
        if self._length <= LONGEST_STATEMENT:
            self._parts.append(text)

    def _end(self) -> Iterator[tuple[str, str | None]]:
        text, problem = self._take(None)
        if text or problem:
            self._copying = problem is None and _COPY_DATA.match(text) is not None
            yield text, problem

    def _take(self, problem: str | None) -> tuple[str, str | None]:
        text = "".join(self._parts).strip()
        if self._length > LONGEST_STATEMENT:
            problem = TOO_LONG
        self._parts, self._length, self._inside, self._escapes = [], 0, "", False
        return text, problem


def _is_escape_string(before: str) -> bool:
    return before[-1:] in ("e", "E") and not (before[-2:-1].isalnum() or before[-2:-1] == "_")


_STRING = r"'[^']*+(?:''[^']*+)*+'"
_ESCAPE_STRING = r"'(?:[^'\\]|\\.|'')*+'"
_TOKENS = r"""
  (?P<keep>(?i:group\s+by)\s+\d+(?:\s*,\s*\d+)*+|{identifiers}|\$\d+|(?<!:):\w+|@\w+|[bBxX]'[^']*')
| (?P<escaped>[eE]{escape_string})
| (?P<text>[nN]?{string})
| (?P<dollar>\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$)
| (?P<word>[^\W\d][\w$]*+)
| (?P<number>(?:\d++\.?\d*+|\.\d++)(?:[eE][+-]?\d++)?+)
"""
_STANDARD = re.compile(
    _TOKENS.format(identifiers=r'"[^"]*+"|`[^`]*+`', escape_string=_ESCAPE_STRING, string=_STRING),
    re.VERBOSE | re.DOTALL,
)
_MYSQL = re.compile(
    _TOKENS.format(
        identifiers=r"`[^`]*+`",
        escape_string=_ESCAPE_STRING,
        string=rf'(?:{_ESCAPE_STRING}|"(?:[^"\\]|\\.|"")*+")',
    ),
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(?:([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "0": "\0"}
_FIRST_NUMBER = 7_000_000  # no number of a statement stands in its template, so none is met by chance


def template_of(statement: str, *, mysql: bool = False) -> tuple[str, Literals]:
    """A statement with a mark in place of each literal, and the literals in the marks' order.

    >>> template_of("SELECT 1 FROM t WHERE a = 'x' AND b < 2.5")
    ("SELECT 7000000 FROM t WHERE a = '?1?' AND b < 7000002", (1, 'x', Decimal('2.5')))
    """
    literals: list[str | int | Decimal] = []

    def mark(match: re.Match[str]) -> str:
        kind, found = match.lastgroup, match[0]
        if kind in ("keep", "word"):
            return found
        slot = len(literals)
        if kind == "number":
            literals.append(_number(found))
            return str(_FIRST_NUMBER + slot)
        if kind == "escaped":
            literals.append(_unescaped(found[2:-1].replace("''", "'")))
        elif match["dollar"] is not None:
            width = len(match["tag"] or "") + 2
            literals.append(found[width:-width])
        else:
            inner = found[2:-1] if found[0] in "nN" else found[1:-1]
            quote = found[-1]
            inner = inner.replace(quote * 2, quote)
            literals.append(_unescaped(inner) if mysql else inner)
        return f"'?{slot}?'"

    return (_MYSQL if mysql else _STANDARD).sub(mark, statement), tuple(literals)


def text_slot(text: str) -> int | None:
    """The literal that a text in a template stands for, or None if it is no mark."""
    return int(text[1:-1]) if len(text) > 2 and text[0] == text[-1] == "?" and text[1:-1].isdigit() else None


def number_slot(text: str) -> int | None:
    """The literal that a number in a template stands for, or None if it is no mark."""
    return int(text) - _FIRST_NUMBER if text.isdigit() and int(text) >= _FIRST_NUMBER else None


def _number(text: str) -> int | Decimal:
    return int(text) if text.isdigit() and len(text) < 1000 else Decimal(text)


def _unescaped(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        octal, hexadecimal, unicode, other = match.groups()
        if octal is not None:
            return chr(int(octal, 8))
        if hexadecimal is not None or unicode is not None:
            return chr(int(hexadecimal or unicode, 16))
        return _ESCAPES.get(other, other)

    return _ESCAPE.sub(character, text) if "\\" in text else text
