"""A damaged store, opened as far as it can be: always on a copy, never in place.

A DuckDB file is a main header, two headers of checkpoints of which the newer one counts, and blocks
of 256 KiB; each has a checksum, and a log beside it (`.wal`) holds what came after the checkpoint.
Where the file does not open as it is, these are tried on the copy, in this order: the log up to the
entry that is damaged, no log, a new main header, the other checkpoint's header in the place of the
damaged one, and both. Blocks that are damaged or missing fail only where they are read.

Cost: a copy of the file in the folder for temporary files.

Source: DuckDB's documentation, "Storage", and its behaviour on files damaged byte by byte.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import duckdb

__all__ = ["ReadableCopy", "is_damaged", "readable_copy", "readable_words"]

_HEADER = 4096  # bytes of each of the three headers
_WORDS = (
    *("corrupt", "could not read enough bytes", "replaying wal", "failed to deserialize", "serialization error"),
    *("database has been invalidated", "cannot open database", "checksum"),
)
_ENTRY = re.compile(r"entry at byte position (\d+)")
_MOST_BYTES = 256 << 20  # of a file that is read only to say in an error how much of it can be read


@dataclass(frozen=True)
class ReadableCopy:
    """A copy that opens, and what had to be left out or mended for that, one sentence each."""

    path: Path
    notes: tuple[str, ...]


def is_damaged(error: Exception) -> bool:
    """Whether DuckDB says that the file is not as it was written."""
    text = str(error).lower()
    return any(word in text for word in _WORDS)


@contextlib.contextmanager
def readable_copy(path: Path) -> Iterator[ReadableCopy | None]:
    """A copy of `path` that DuckDB opens, or None if none can be made; it is gone afterwards.

    Raises:
        OSError: The file cannot be read, or the disk of temporary files is full.
    """
    with tempfile.TemporaryDirectory(prefix="assay-salvage-") as folder:
        copy = Path(folder, "store.duckdb")
        for replaced, notes in _headers(path, Path(folder)):
            shutil.copyfile(path, copy)
            with copy.open("r+b") as file:
                for place, header in replaced.items():
                    file.seek(place * _HEADER)
                    file.write(header)
            found = _with_log(path, copy, notes)
            if found is not None:
                yield found
                return
        yield None


def readable_words(path: Path) -> str:
    """How much of a damaged file can be read, as the end of a sentence; nothing for a file that is large."""
    try:
        if path.stat().st_size > _MOST_BYTES:
            return ""
        with readable_copy(path) as copy:
            if copy is None:
                return "; nothing of it can be read"
            names = _tables(copy.path) or []
            whole = _count_whole(copy.path, names)
            notes = "".join(f"; {note}" for note in copy.notes)
    except (OSError, duckdb.Error):
        return ""
    return f"; {whole} of its {len(names)} tables can be read whole{notes}"


def _headers(path: Path, folder: Path) -> Iterator[tuple[dict[int, bytes], tuple[str, ...]]]:
    """Headers to try in the place of the file's own, by their position, with what that means."""
    with path.open("rb") as file:
        own = [file.read(_HEADER) for _ in range(3)]
    fresh = folder / "fresh.duckdb"
    duckdb.connect(str(fresh)).close()
    new_main = fresh.read_bytes()[:_HEADER]
    fresh.unlink()
    mains: list[tuple[dict[int, bytes], tuple[str, ...]]] = [
        ({}, ()),
        ({0: new_main}, ("its first header is damaged; it was read with a new one",)),
    ]
    lost = "the header of a checkpoint is damaged; it was read as of the other one, perhaps an older state"
    checkpoints = [({}, ()), ({1: own[2]}, (lost,)), ({2: own[1]}, (lost,))]
    for (checkpoint, second), (main, first) in product(checkpoints, mains):
        yield {**main, **checkpoint}, (*first, *second)


def _with_log(path: Path, copy: Path, notes: tuple[str, ...]) -> ReadableCopy | None:
    """The copy with as much of its log as can be replayed, if it opens."""
    log, own_log = copy.with_name(copy.name + ".wal"), path.with_name(path.name + ".wal")
    log.unlink(missing_ok=True)
    if own_log.exists():
        shutil.copyfile(own_log, log)
    while True:
        try:
            return ReadableCopy(copy, notes) if _tables(copy) else None
        except duckdb.Error as error:
            if not log.exists():
                return None
            entry = _ENTRY.search(str(error))
            if entry is not None and 0 < int(entry[1]) < log.stat().st_size:
                with log.open("r+b") as file:
                    file.truncate(int(entry[1]))
                notes = (*notes, f"its log is damaged at byte {int(entry[1]):,}; what was committed after it is lost")
            else:
                log.unlink()
                notes = (*notes, "its log cannot be read; what was committed after the last checkpoint is lost")


def _tables(path: Path) -> list[str]:
    with duckdb.connect(str(path), read_only=True) as connection:
        rows = connection.execute("SELECT table_name FROM duckdb_tables() ORDER BY table_name").fetchall()
    return [str(name) for (name,) in rows]


def _count_whole(path: Path, tables: list[str]) -> int:
    """How many of the tables can be read from their first row to their last."""
    count, connection = 0, duckdb.connect(str(path), read_only=True)
    for name in tables:
        try:
            connection.sql(f'SELECT * FROM "{name}"').to_arrow_table()
            count += 1
        except duckdb.Error:  # which may make the connection useless
            connection.close()
            connection = duckdb.connect(str(path), read_only=True)
    connection.close()
    return count
