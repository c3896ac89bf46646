"""Calls as people spell them: `zipf(rows=1000, seed=7)`, `composite(list(origin), hash(tailnum))`.

A spelling is a name, then arguments in parentheses: first positional ones, then `name=value`. A
bare word is a name or a number, `true` and `false` are booleans, text in single or double quotes
may hold any character (a doubled quote stands for itself), a list stands in brackets, and calls
nest where the caller allows it. Cost: one pass over the text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from assay.errors import SpellingError

__all__ = [
    "Argument",
    "Call",
    "Nested",
    "looks_like_call",
    "parse_call",
    "parse_nested",
    "quote_name",
    "without_blanks",
]

Argument = str | int | float | bool

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<number>[+-]?(?:\d[\d_]*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.]))
    | (?P<word>[A-Za-z_][\w.]*)
    | (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<mark>[(),=\[\]])
    )""",
    re.VERBOSE,
)
_CALL = re.compile(r"\s*[A-Za-z_]\w*\s*\(.*\)\s*", re.DOTALL)
_DEEPEST = 200
_IN_QUOTES = '; a name with blanks or signs stands in double quotes, such as hash("Order ID")'
_PLAIN_NAME = re.compile(r"[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Call:
    """A parsed spelling; `text` is what was written."""

    name: str
    positional: tuple[Argument, ...]
    keywords: dict[str, Argument]
    text: str


@dataclass(frozen=True)
class Nested:
    """A parsed spelling whose arguments may be calls and lists; `text` is its own part of what was written."""

    name: str
    positional: tuple[Nested | Argument | list[object], ...]
    keywords: dict[str, Argument | list[object]]
    text: str


@dataclass(frozen=True)
class _Token:
    kind: str  # "number", "word", "quoted", "mark" or "end"
    text: str
    offset: int


def looks_like_call(text: str) -> bool:
    """Whether `text` is a word followed by parentheses, whatever they hold."""
    return _CALL.fullmatch(text) is not None


def quote_name(name: str) -> str:
    """`name` as a spelling holds it: bare if it can be, else in double quotes."""
    if _PLAIN_NAME.fullmatch(name) and name not in ("true", "false"):
        return name
    return '"' + name.replace('"', '""') + '"'


def parse_call(text: str) -> Call:
    """The call that `text` spells.

    >>> parse_call("in_list(dest, size=10)")
    Call(name='in_list', positional=('dest',), keywords={'size': 10}, text='in_list(dest, size=10)')

    Raises:
        SpellingError: `text` is not one call; the message points at the character.
    """
    tokens = _tokens(text)
    name = _expect(tokens, text, "word", "a name such as zipf or range")
    if not _at_mark(tokens, "("):
        raise _error(text, tokens[0].offset, "expected '('")
    found = _arguments(name, 0, tokens, text, nesting=False)
    _expect_end(tokens, text, "expected nothing after the closing parenthesis")
    positional = tuple(argument for argument in found.positional if not isinstance(argument, (Nested, list)))
    keywords = {key: value for key, value in found.keywords.items() if not isinstance(value, list)}
    return Call(name, positional, keywords, text.strip())


def parse_nested(text: str) -> Nested:
    """The contender that `text` spells: a bare name, or a call whose arguments may be calls.

    >>> parse_nested("composite(round_robin, hash(tailnum, seed=1))").positional[1].name
    'hash'

    Raises:
        SpellingError: `text` is not one contender; the message points at the character.
    """
    tokens = _tokens(text)
    if sum(token.text in "([" for token in tokens if token.kind == "mark") > _DEEPEST:
        raise SpellingError(f"{text[:60]!r}... opens more than {_DEEPEST} parentheses; nest less")
    start = tokens[0].offset if tokens else 0
    name = _expect(tokens, text, "word", "a name such as hash or range")
    found = _arguments(name, start, tokens, text, nesting=True)
    _expect_end(tokens, text, "expected nothing after the contender")
    return found


def without_blanks(text: str) -> str:
    """`text` without the blanks that stand outside quotes: how results name a contender."""
    return "".join(token.text for token in _tokens(text))


def _arguments(name: str, start: int, tokens: list[_Token], text: str, *, nesting: bool) -> Nested:
    """What stands in the parentheses after `name`, if there are any; calls and lists only where nesting is allowed."""
    positional: list[Nested | Argument | list[object]] = []
    keywords: dict[str, Argument | list[object]] = {}
    end = start + len(name)
    if _at_mark(tokens, "("):
        tokens.pop(0)
        while not _at_mark(tokens, ")"):
            if positional or keywords:
                _expect_mark(tokens, text, ",", ")")
            if tokens[0].kind == "word" and _at_mark(tokens[1:], "="):
                key = tokens.pop(0)
                tokens.pop(0)
                if key.text in keywords:
                    raise _error(text, key.offset, f"{key.text} is given twice; give it once")
                keywords[key.text] = _listed(tokens, text) if nesting else _argument(tokens, text)
            elif keywords:
                raise _error(text, tokens[0].offset, "expected name=value after the first name=value")
            elif nesting and tokens[0].kind == "word" and _at_mark(tokens[1:], "("):
                inner = tokens.pop(0)
                positional.append(_arguments(inner.text, inner.offset, tokens, text, nesting=True))
            elif nesting:
                positional.append(_listed(tokens, text))
            else:
                positional.append(_argument(tokens, text))
        end = tokens.pop(0).offset + 1
    return Nested(name, tuple(positional), keywords, without_blanks(text[start:end].strip()))


def _listed(tokens: list[_Token], text: str) -> Argument | list[object]:
    if not _at_mark(tokens, "["):
        return _argument(tokens, text)
    tokens.pop(0)
    values: list[object] = []
    while not _at_mark(tokens, "]"):
        if values:
            _expect_mark(tokens, text, ",", "]")
        values.append(_listed(tokens, text))
    tokens.pop(0)
    return values


def _tokens(text: str) -> list[_Token]:
    tokens: list[_Token] = []
    offset = 0
    end = len(text.rstrip())
    while offset < end:
        match = _TOKEN.match(text, offset)
        if match is None:
            hint = _IN_QUOTES if tokens and tokens[-1].kind in ("word", "number") else ""
            raise _error(text, offset, f"expected a name, a number, text in quotes, or one of ( ) , ={hint}")
        kind = str(match.lastgroup)
        tokens.append(_Token(kind, match.group(kind), match.start(kind)))
        offset = match.end()
    tokens.append(_Token("end", "", end))
    return tokens


def _argument(tokens: list[_Token], text: str) -> Argument:
    token = tokens.pop(0)
    if token.kind == "number":
        return float(token.text) if re.search(r"[.eE]", token.text) else int(token.text)
    if token.kind == "word":
        return {"true": True, "false": False}.get(token.text, token.text)
    if token.kind == "quoted":
        mark = token.text[0]
        return token.text[1:-1].replace(mark * 2, mark)
    raise _error(text, token.offset, "expected a name, a number or text in quotes")


def _expect(tokens: list[_Token], text: str, kind: str, wanted: str) -> str:
    token = tokens.pop(0)
    if token.kind != kind:
        raise _error(text, token.offset, f"expected {wanted}")
    return token.text


def _expect_end(tokens: list[_Token], text: str, message: str) -> None:
    if tokens[0].kind != "end":
        raise _error(text, tokens[0].offset, message)


def _expect_mark(tokens: list[_Token], text: str, mark: str, closing: str = "") -> None:
    if not _at_mark(tokens, mark):
        hint = ""
        if mark == "," and tokens[0].kind in ("word", "number"):
            hint = _IN_QUOTES
        wanted = f"{mark!r} or {closing!r}" if closing else repr(mark)
        raise _error(text, tokens[0].offset, f"expected {wanted}{hint}")
    tokens.pop(0)


def _at_mark(tokens: list[_Token], mark: str) -> bool:
    return bool(tokens) and tokens[0].kind == "mark" and tokens[0].text == mark


def _error(text: str, offset: int, message: str) -> SpellingError:
    shown = text[offset : offset + 12].strip()
    met = f"at {shown!r}" if shown else "at its end"
    return SpellingError(f"{text!r}, {met} (character {offset + 1}): {message}")
