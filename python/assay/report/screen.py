"""A terminal that shows text from outside as it is: no markup, no control characters, ASCII where it must."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import textwrap
import unicodedata

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

__all__ = ["Screen", "command_lines", "command_pieces", "plain", "unbroken"]

_ASCII = str.maketrans(
    {
        "▲": "^",
        "▼": "v",
        "★": "*",
        "▶": ">",
        "÷": "/",
        "×": "x",
        "–": "-",
        "µ": "u",
        "·": "-",
        "≥": ">",
        "✗": "x",
        "✓": "+",
        "◐": "~",
        "\ufffd": "?",
    }
)


def plain(text: str) -> str:
    """`text` with control characters and direction overrides replaced, newlines kept.

    A column's name may hold an escape sequence; shown as it is, it would drive the terminal.
    """
    return "".join(
        character if character == "\n" or unicodedata.category(character) not in ("Cc", "Cf", "Cs") else "\ufffd"
        for character in text
    )


def unbroken(words: str) -> str:
    """`words` with a number and what belongs to it kept on one line: `11 %`, `1.09 × mean`."""
    return re.sub(r"(?<=\d) (?=[%×])|(?<=×) (?=mean\b|the mean\b)", "\u00a0", words)


def command_pieces(command: str) -> list[str]:
    """The words of a shell command, each flag with its value, or the arguments of a call in Python; what is neither is
    one piece.

    >>> command_pieces("assay check 'a b.toml' --format json && ls")
    ['assay', 'check', "'a b.toml'", '--format json', '&&', 'ls']
    >>> command_pieces("assay.compare('indexing', data, columns=['a', 'b'])")
    ["assay.compare('indexing',", 'data,', "columns=['a', 'b'])"]
    """
    arguments = _arguments(command)
    if arguments:
        return arguments
    try:
        words = shlex.split(command)
    except ValueError:
        return [command]
    pieces: list[str] = []
    flag = False
    for word in words:
        if flag and not word.startswith("--") and word != "&&":
            pieces[-1] += f" {shlex.quote(word)}"
        else:
            pieces.append(word if word == "&&" else shlex.quote(word))
        flag = word.startswith("--")
    return pieces


def command_lines(command: str, width: int) -> list[str]:
    """A command in lines of at most `width` where its words allow, to paste into a shell, or Python, as they stand.

    Lines are broken between arguments alone, never within quotes; a flag keeps its value beside it, and
    what follows `&&` begins a line of its own.

    >>> command_lines("assay compare partitioning t --strategy 'hash(a)' --strategy 'hash(b)'", 48)
    ['assay compare partitioning t \\\\', "  --strategy 'hash(a)' --strategy 'hash(b)'"]
    """
    lines, fresh = [""], True
    broken = "" if _arguments(command) else " \\"
    for piece in command_pieces(command):
        if piece == "&&":
            lines[-1] += " &&"
            fresh = True
        elif fresh:
            lines = [*lines, piece] if lines[-1] else [piece]
            fresh = False
        elif len(lines[-1]) + len(piece) + 1 > width - 2:
            lines[-1] += broken
            lines.append(f"  {piece}")
        else:
            lines[-1] += f" {piece}"
    return lines


def _arguments(command: str) -> list[str]:
    """A call in Python in pieces that each end with an argument; none where it is no call with arguments."""
    try:
        call = ast.parse(command, mode="eval").body
    except (SyntaxError, ValueError):
        return []
    if not isinstance(call, ast.Call) or "\n" in command:
        return []
    written = command.encode()  # columns count bytes
    starts = sorted([*(one.col_offset for one in call.args), *(one.col_offset for one in call.keywords)])
    starts = [0, *starts[1:], len(written)]
    return [written[first:beyond].decode().strip() for first, beyond in itertools.pairwise(starts)]


class Screen:
    """A console and what it can show."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.width = console.width
        self._unicode = "utf" in (console.encoding or "").lower()

    def text(self, words: str, style: str = "") -> Text:
        """`words` as they are, in `style`."""
        shown = plain(words)
        if not self._unicode:
            shown = shown.translate(_ASCII).encode("ascii", "replace").decode("ascii")
        return Text(shown, style=style)

    def line(self, words: str, style: str = "", indent: int = 0, bullet: str = "") -> None:
        """Prints one paragraph, wrapped at the width; numbers and their units stay together."""
        self.console.print(self._wrapped(words, style, " " * indent + bullet, " " * (indent + len(bullet))))

    def _wrapped(self, words: str, style: str, first: str, others: str) -> Text:
        words = plain(words)
        if cell_len(words) != len(words):  # wide characters: only the console knows what fits
            return self.text(first + words, style)
        room = max(8, self.width - len(first))
        lines = [
            part
            for line in unbroken(words).split("\n")
            for part in textwrap.wrap(line, room, break_on_hyphens=False) or [""]
        ]
        lines = [(others if i else first) + line for i, line in enumerate(lines)]
        return self.text("\n".join(lines).replace("\u00a0", " "), style)

    def command(self, command: str, style: str = "", indent: int = 0) -> None:
        """Prints a command line that can be copied: broken between arguments, with a backslash."""
        for line in command_lines(plain(command), self.width - indent):
            # A word longer than the line is left to the terminal, which joins what is copied.
            self.console.print(self.text(" " * indent + line, style), soft_wrap=True)

    def gap(self) -> None:
        """Prints an empty line."""
        self.console.print()
