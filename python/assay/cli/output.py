"""Where words go: results to standard output, everything else to standard error, all of it literally.

Names and values from outside may hold markup, quotes or escape sequences; here they are text.
"""

from __future__ import annotations

import io
import json
import math
import re
import shutil
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from assay.errors import AssayError, UsageError

if TYPE_CHECKING:
    from rich.console import Console

__all__ = [
    "Format",
    "NothingError",
    "console",
    "note",
    "print_lines",
    "print_rows",
    "refuse_to_overwrite",
    "say",
    "warn",
]

Format = Literal["table", "json", "csv", "markdown"]
Row = Mapping[str, Any]

_NUMBER = re.compile(r"([-+]?[\d,]+(\.\d+)?(e[-+]?\d+)?( %)?|–|)")
_NARROWEST_TEXT = 10


class NothingError(AssayError):
    """There is nothing to compare or to show."""

    exit_code = 4


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or error as it is now, which takes no text for markup."""
    from rich.console import Console

    found = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if found.width < 1:  # COLUMNS=0, as some terminals of editors set it
        found.width = shutil.get_terminal_size().columns
    return found


def say(text: str) -> None:
    """Prints a result as it is."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def note(text: str) -> None:
    """Tells the user something that is no result, after the results so far where both go to one place."""
    sys.stdout.flush()
    sys.stderr.write(f"{_visible(text)}\n")


def warn(text: str) -> None:
    """Tells the user what went wrong."""
    note(f"assay: {text}")


def refuse_to_overwrite(path: Path, force: bool) -> None:
    """Raises unless `path` is free or `force` is set.

    Raises:
        UsageError: A file is there, or its folder is not.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; expected the name of a file")
    if path.exists() and not force:
        raise UsageError(
            f"{path} exists and was left as it is; name another file with -o, or overwrite it with --force"
        )
    if not path.absolute().parent.is_dir():
        raise UsageError(f"there is no folder {path.absolute().parent}; make it first, or name another file with -o")


def print_rows(rows: Sequence[Row], format: Format, *, columns: Sequence[str] | None = None) -> None:
    """Prints rows of the same columns as a table, or as JSON, CSV (RFC 4180) or Markdown.

    On a terminal texts wrap within its width; what cannot fit so is printed record by record.
    """
    names = list(columns if columns is not None else rows[0] if rows else ())
    if format == "json":
        say(json.dumps([{name: _jsonable(row[name]) for name in names} for row in rows], indent=1, ensure_ascii=False))
        return
    texts = [[(_short if format == "table" else _text)(row[name]) for name in names] for row in rows]
    if format == "csv":
        import csv

        out = io.StringIO()
        csv.writer(out).writerows([names, *texts])
        sys.stdout.write(out.getvalue())
    elif format == "markdown":
        lines = [names, ["---"] * len(names), *texts]
        say("\n".join("| " + " | ".join(_markdown(text) for text in line) + " |" for line in lines))
    else:
        _print_table(names, texts)


def print_lines(pairs: Sequence[tuple[str, str]]) -> None:
    """Prints labels with their texts, aligned, wrapped within the width."""
    indent = max((len(label) for label, _ in pairs), default=0) + 2
    width = max(shutil.get_terminal_size().columns, indent + 24)
    for label, text in pairs:
        lines = [
            part
            for line in _visible(text).split("\n")
            for part in textwrap.wrap(line, width - indent, break_on_hyphens=False) or [""]
        ]
        for position, line in enumerate(lines):
            say(f"{'' if position else label:{indent}}{line}")


def _print_table(names: Sequence[str], texts: Sequence[Sequence[str]]) -> None:
    lines = [[_visible(name) for name in names], *texts]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    numeric = [all(_NUMBER.fullmatch(text) for text in column) for column in zip(*texts, strict=True)] or [False] * len(
        names
    )
    if sys.stdout.isatty():
        fitting = _fitting(lines, widths, numeric, shutil.get_terminal_size().columns)
        if fitting is None:
            for position, line in enumerate(texts):
                if position:
                    say("")
                print_lines(list(zip(lines[0], line, strict=True)))
            return
        widths = fitting
    for line in lines:
        cells = [textwrap.wrap(text, width, break_on_hyphens=False) for text, width in zip(line, widths, strict=True)]
        for height in range(max([len(cell) for cell in cells], default=0) or 1):
            parts = [cell[height] if height < len(cell) else "" for cell in cells]
            aligned = [
                part.rjust(width) if right else part.ljust(width)
                for part, width, right in zip(parts, widths, numeric, strict=True)
            ]
            say("  ".join(aligned).rstrip())


def _fitting(
    lines: Sequence[Sequence[str]], widths: Sequence[int], numeric: Sequence[bool], most: int
) -> list[int] | None:
    """Widths that fit into `most` columns, taken from the widest texts; words are broken only if nothing else helps.

    None if even narrow texts do not fit.
    """
    words = [max(len(word) for text in column for word in text.split() or [""]) for column in zip(*lines, strict=True)]
    for whole_words in (True, False):
        found = list(widths)
        least = [max(_NARROWEST_TEXT, word if whole_words else 0) for word in words]
        while sum(found) + 2 * (len(found) - 1) > most:
            spare = [(found[i], i) for i in range(len(found)) if not numeric[i] and found[i] > least[i]]
            if not spare:
                break
            found[max(spare)[1]] -= 1
        else:
            return found
    return None


def _text(value: object) -> str:
    """A value in full precision; nothing for null."""
    if isinstance(value, (dict, list)):
        return json.dumps(_jsonable(value), ensure_ascii=False)
    return "" if value is None else str(value)


def _short(value: object) -> str:
    """A value as a table for people shows it: six digits of a fraction."""
    if isinstance(value, float) and math.isfinite(value) and abs(value) < 1e15:
        return f"{value:.0f}" if value.is_integer() else f"{value:.6g}"
    return _visible(_text(value))


def _jsonable(value: object) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _jsonable(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_jsonable(inner) for inner in value]
    if isinstance(value, bytes):
        return value.hex()
    return value if value is None or isinstance(value, (str, int)) else str(value)


def _markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("\n", " ").replace("`", "\\`")


def _visible(text: str) -> str:
    """`text` without control characters, which would drive the terminal; line breaks stay."""
    return "".join(c if c == "\n" or c.isprintable() or c == " " else "\ufffd" for c in text)
