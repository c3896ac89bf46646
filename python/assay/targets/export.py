"""An export: the files that carry a layout into a target, what they predict, and where the target differs.

`export_layout` checks the target's limits and calls its module. Files are texts, or tables and rows that are
written when a folder is named. Nothing is connected to: what is written is run by the user.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from assay import __version__
from assay.errors import AssayError, ParameterError, StoreError, UnknownNameError, UsageError
from assay.targets import TARGETS, Target
from assay.targets.layout import Layout
from assay.targets.native import Placed
from assay.targets.sql import TableName, comment, shown_rows

__all__ = ["Export", "ExportFile", "Options", "export_layout", "header"]


@dataclass(frozen=True)
class Options:
    """What a user may choose for an export."""

    table: TableName
    exact: bool = False  # keep the measured placement even where the target would hash natively
    rows: bool = False  # write the rows too


@dataclass(frozen=True)
class ExportFile:
    """One file: its text, or what writes it."""

    name: str
    text: str | None = None
    writer: Callable[[Path], None] | None = None

    def write(self, path: Path) -> None:
        """Writes the file, whole or not at all.

        Raises:
            StoreError: It cannot be written.
        """
        partial = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            if self.writer is not None:
                self.writer(partial)
            else:
                partial.write_text(self.text or "", encoding="utf-8", newline="\n")
            partial.replace(path)
        except OSError as error:
            if isinstance(error, AssayError):
                raise
            raise StoreError(f"cannot write {path}: {error.strerror or error}; choose another place with -o") from error
        finally:
            partial.unlink(missing_ok=True)


@dataclass(frozen=True)
class Export:
    """What `assay export` makes.

    Attributes:
        target: The target's name.
        layout: The table and the learned strategy, as measured.
        files: What to run, the main file first.
        notes: Where the target's hash or semantics differ from what was measured.
        native: Where the target's own hash puts the keys, where assay implements that; the rows that it predicts
            then take the place of the measured ones.
        exact: Whether each row lands in the partition that `predicted` counts it in.
    """

    target: str
    layout: Layout
    files: tuple[ExportFile, ...]
    notes: tuple[str, ...] = ()
    native: Placed | None = None
    exact: bool = True

    @property
    def text(self) -> str:
        """The main file."""
        return self.files[0].text or ""

    @property
    def placed(self) -> Placed:
        """The placement that the target will have, as far as assay can tell."""
        return self.native or self.layout

    @property
    def predicted(self) -> list[int]:
        """The rows of each partition."""
        return [int(count) for count in self.placed.predicted]

    @property
    def keys(self) -> pa.Table:
        """Every distinct key, its rows and the partition that it is predicted to be in."""
        return self.placed.keys

    def write(self, path: str | os.PathLike[str], *, force: bool = False) -> list[Path]:
        """Writes the files.

        Args:
            path: A file if there is one file to write and `path` is no folder; else a folder, made if need be.
            force: Whether to overwrite what is there.

        Returns:
            The files, the main one first.

        Raises:
            UsageError: A file is there already, or its folder is not.
            StoreError: A file cannot be written.
        """
        place = Path(path)
        folder = place.is_dir() or len(self.files) > 1 or os.fspath(path).endswith(("/", os.sep))
        if folder and place.exists() and not place.is_dir():
            names = ", ".join(file.name for file in self.files)
            raise UsageError(f"{place} is a file; expected a folder for {names}; name one with -o")
        if not place.absolute().parent.is_dir():
            raise UsageError(f"there is no folder {place.absolute().parent}; make it first, or name another with -o")
        paths = [place / file.name for file in self.files] if folder else [place]
        there = [str(found) for found in paths if found.exists()]
        if there and not force:
            raise UsageError(
                f"{', '.join(there)} exists and was left as it is; name another place with -o, or overwrite it with "
                "--force"
            )
        if folder:
            try:
                place.mkdir(exist_ok=True)
            except OSError as error:
                raise StoreError(f"cannot make {place}: {error.strerror}; choose another place with -o") from error
        for file, target in zip(self.files, paths, strict=True):
            file.write(target)
        return paths


Write = Callable[[Layout, Options], Export]


def export_layout(layout: Layout, target: str, options: Options) -> Export:
    """Writes a layout down for a target.

    Raises:
        UnknownNameError: There is no such target.
        ParameterError: More partitions than the target can have.
        UsageError: The target cannot express the strategy; the message says what can be done.
        UnsupportedTypeError: A column's type, or a key's value, has no place in the target.
    """
    entry = target_of(target)
    if layout.partitions > entry.most_partitions:
        raise ParameterError(
            f"partitions is {layout.partitions:,}; expected at most {entry.most_partitions:,} for {entry.title}: "
            f"{entry.limit}"
        )
    write: Write = importlib.import_module(entry.module).write
    return write(layout, options)


def target_of(name: str) -> Target:
    """The target of this name.

    Raises:
        UnknownNameError: There is none; the message offers the nearest one.
    """
    if name not in TARGETS:
        raise UnknownNameError.of("target", name, TARGETS)
    return TARGETS[name]


def header(
    target: str, layout: Layout, notes: Sequence[str], *, predicted: Placed | None, mark: str = "-- ", extra: str = ""
) -> str:
    """The comment that opens an export: what it is, the rows predicted, and the notes."""
    title = TARGETS[target].title
    lines = [
        f"{layout.dataset.name} on {layout.partitions:,} partitions by {layout.spec.text}, for {title}.",
        f"Written by assay {__version__} from {layout.rows:,} rows{extra}.",
    ]
    if predicted is not None:
        rows: Sequence[int] = [int(count) for count in predicted.predicted]
        lines += ["", f"Rows predicted: {shown_rows(rows)}"]
    lines += [line for note in notes for line in ("", f"Note: {note}")]
    return comment("\n".join(lines), mark)


def named_files(names: Mapping[str, str]) -> tuple[ExportFile, ...]:
    """Files from their texts."""
    return tuple(ExportFile(name, text) for name, text in names.items())
