"""Where each key of a TOML document stands: key path → line number.

The standard parser gives values without places. This reader goes over a document that the parser
has accepted and notes the line of every table, key and array element; it validates nothing. One
pass, O(bytes). Grammar: TOML 1.0, https://toml.io/en/v1.0.0.
"""

from __future__ import annotations

import re

__all__ = ["KeyPath", "describe_path", "line_of", "toml_places"]

KeyPath = tuple[str | int, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")


def toml_places(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every key path of a valid TOML document.

    >>> toml_places('a = 1\\n[[b]]\\nc = [10,\\n 20]')
    {('a',): 1, ('b',): 2, ('b', 0): 2, ('b', 0, 'c'): 3, ('b', 0, 'c', 0): 3, ('b', 0, 'c', 1): 4}
    """
    return _Reader(text).document()


def line_of(places: dict[KeyPath, int], path: KeyPath) -> int | None:
    """The line of `path`, or of the closest key above it that is written down."""
    for length in range(len(path), 0, -1):
        if path[:length] in places:
            return places[path[:length]]
    return None


def describe_path(path: KeyPath) -> str:
    """A key path as people write it.

    >>> describe_path(("experiment", 2, "strategies", 1))
    'experiment[2].strategies[1]'
    """
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.counted_to = 0
        self.line = 1
        self.places: dict[KeyPath, int] = {}
        self.array_sizes: dict[KeyPath, int] = {}

    def document(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self.skip_blank()
        while self.position < len(self.text):
            if self.text.startswith("[[", self.position):
                table = self.header(2)
            elif self.text.startswith("[", self.position):
                table = self.header(1)
            else:
                self.pair(table)
            self.skip_blank()
        return self.places

    def header(self, brackets: int) -> KeyPath:
        self.position += brackets
        keys = self.key()
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self.latest((*path, key))
        path = (*path, keys[-1])
        if brackets == 2:
            self.note(path)
            index = self.array_sizes.get(path, 0)
            self.array_sizes[path] = index + 1
            path = (*path, index)
        else:
            path = self.latest(path)
        self.note(path)
        self.skip_blank()
        self.position += brackets
        return path

    def latest(self, path: KeyPath) -> KeyPath:
        """The last element of an array of tables, or the table itself."""
        size = self.array_sizes.get(path)
        return path if size is None else (*path, size - 1)

    def pair(self, table: KeyPath) -> None:
        path = table
        for key in self.key():
            path = (*path, key)
            self.note(path)
        self.skip_blank()
        self.position += 1  # the equals sign
        self.skip_blank()
        self.value(path)

    def key(self) -> list[str]:
        keys = []
        while True:
            self.skip_blank()
            if self.text[self.position] in "\"'":
                keys.append(self.string())
            else:
                found = _BARE_KEY.match(self.text, self.position)
                assert found is not None, "a document that was accepted has a key here"
                keys.append(found.group())
                self.position = found.end()
            self.skip_blank()
            if not self.text.startswith(".", self.position):
                return keys
            self.position += 1

    def value(self, path: KeyPath) -> None:
        self.note(path)
        mark = self.text[self.position]
        if mark == "[":
            self.position += 1
            index = 0
            while not self.closes("]"):
                self.value((*path, index))
                index += 1
        elif mark == "{":
            self.position += 1
            while not self.closes("}"):
                self.pair(path)
        elif mark in "\"'":
            self.string()
        else:
            found = _SCALAR.match(self.text, self.position)
            assert found is not None
            self.position = found.end()

    def closes(self, mark: str) -> bool:
        """Skips blanks and a comma; whether the collection then ends, in which case it is left."""
        self.skip_blank()
        if self.text.startswith(",", self.position):
            self.position += 1
            self.skip_blank()
        if self.text.startswith(mark, self.position):
            self.position += 1
            return True
        return False

    def string(self) -> str:
        quote = self.text[self.position]
        fence = quote * 3 if self.text.startswith(quote * 3, self.position) else quote
        start = self.position = self.position + len(fence)
        while not self.text.startswith(fence, self.position):
            self.position += 2 if quote == '"' and self.text[self.position] == "\\" else 1
        if len(fence) == 3:  # up to two quotes may stand before the closing fence
            while self.text.startswith(quote, self.position + 3):
                self.position += 1
        content = self.text[start : self.position]
        self.position += len(fence)
        return content

    def skip_blank(self) -> None:
        found = _BLANK.match(self.text, self.position)
        assert found is not None
        self.position = found.end()

    def note(self, path: KeyPath) -> None:
        self.line += self.text.count("\n", self.counted_to, self.position)
        self.counted_to = self.position
        self.places.setdefault(path, self.line)
