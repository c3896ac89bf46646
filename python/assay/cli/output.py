"""Where words go: results to standard output, everything else to standard error, all of it literally.

Names and values from outside may hold markup, quotes or escape sequences; here they are text.
"""

from __future__ import annotations

import csv
import io
import json
import math
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


class NothingError(AssayError):
    """There is nothing to compare or to show."""

    exit_code = 4


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or error as it is now, which takes no text for markup."""
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def say(text: str) -> None:
    """Prints a result as it is."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def note(text: str) -> None:
    """Tells the user something that is no result."""
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

    A table that is wider than the terminal is printed record by record.
    """
    names = list(columns if columns is not None else rows[0] if rows else ())
    if format == "json":
        say(json.dumps([{name: _jsonable(row[name]) for name in names} for row in rows], indent=1, ensure_ascii=False))
        return
    texts = [[(_short if format == "table" else _text)(row[name]) for name in names] for row in rows]
    if format == "csv":
        out = io.StringIO()
        csv.writer(out).writerows([names, *texts])
        sys.stdout.write(out.getvalue())
    elif format == "markdown":
        lines = [names, ["---"] * len(names), *texts]
        say("\n".join("| " + " | ".join(_markdown(text) for text in line) + " |" for line in lines))
    else:
        numeric = [all(_is_number(row[name]) for row in rows) for name in names]
        _print_table(names, texts, numeric)


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


def _print_table(names: Sequence[str], texts: Sequence[Sequence[str]], numeric: Sequence[bool]) -> None:
    names = [_visible(name) for name in names]
    widths = [max([len(name), *(len(line[i]) for line in texts)]) for i, name in enumerate(names)]
    screen = console()
    if screen.is_terminal and sum(widths) + 2 * len(widths) > screen.width and len(widths) > 1:
        _print_wide(names, texts, numeric, widths, screen)
        return
    say(_line(names, widths, numeric))
    for line in texts:
        say(_line(line, widths, numeric))


def _line(texts: Sequence[str], widths: Sequence[int], numeric: Sequence[bool]) -> str:
    cells = [
        text.rjust(width) if right else text.ljust(width)
        for text, width, right in zip(texts, widths, numeric, strict=True)
    ]
    return "  ".join(cells).rstrip()


def _print_wide(
    names: Sequence[str],
    texts: Sequence[Sequence[str]],
    numeric: Sequence[bool],
    widths: Sequence[int],
    screen: Console,
) -> None:
    """Wraps the last text column if that is enough, else prints record by record."""
    from rich.table import Table
    from rich.text import Text

    fixed = sum(widths[:-1]) + 2 * len(widths)
    if not numeric[-1] and screen.width - fixed >= 24:
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="")
        for name, right in zip(names, numeric, strict=True):
            last = name == names[-1]
            table.add_column(Text(name), justify="right" if right else "left", no_wrap=not last, overflow="fold")
        for line in texts:
            table.add_row(*map(Text, line))
        screen.print(table)
        return
    for position, line in enumerate(texts):
        if position:
            say("")
        print_lines(list(zip(names, line, strict=True)))


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


def _is_number(value: object) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool))


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
