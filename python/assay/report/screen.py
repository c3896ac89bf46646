"""A terminal that shows text from outside as it is: no markup, no control characters, ASCII where it must."""

from __future__ import annotations

import unicodedata

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

__all__ = ["Screen", "plain"]

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

    def line(self, words: str, style: str = "", indent: int = 0) -> None:
        """Prints one paragraph, wrapped at the width."""
        self.console.print(Padding(self.text(words, style), (0, 0, 0, indent), expand=False))

    def gap(self) -> None:
        """Prints an empty line."""
        self.console.print()
