"""Opening the results file, and saying in assay's words why that failed.

DuckDB lets no second process open a file while a writer holds it, not even to read. The writer
therefore holds it only for moments, and whoever finds it held tries again for a few seconds.
"""

from __future__ import annotations

import errno
import re
import time
from pathlib import Path

import duckdb

from assay.errors import StoreError
from assay.store.damage import is_damaged, readable_words

__all__ = ["is_busy", "is_full", "open_database", "store_error"]

_PAUSE_S = 0.02
_looked_at: set[tuple[int, int]] = set()  # files that are DuckDB's, by device and number
_MAGIC, _MAGIC_OFFSET = b"DUCK", 8  # behind the checksum of the first block
_BUSY = ("could not set lock", "conflicting lock", "different configuration", "being used by another process")
_FULL = ("no space left", "disk full", "file too large", "enough space", "quota exceeded", "could not write all bytes")


def open_database(path: Path, *, read_only: bool, patience_s: float) -> duckdb.DuckDBPyConnection:
    """An open connection; a file held by another process is tried again for `patience_s` seconds.

    Raises:
        StoreError: The file is missing, held, not a DuckDB file, or cannot be read or written.
    """
    if read_only and not path.is_file():
        raise StoreError(f"there is no store {path}; `assay run SUITE.toml --store {path}` makes one")
    _refuse_other_formats(path)
    deadline = time.monotonic() + patience_s
    while True:
        try:
            return duckdb.connect(str(path), read_only=read_only)
        except duckdb.Error as error:
            if not is_busy(error) or time.monotonic() >= deadline:
                raise store_error(error, path) from error
        time.sleep(_PAUSE_S)


def is_busy(error: Exception) -> bool:
    """Whether another connection holds the file, so that trying again may help."""
    text = str(error).lower()
    return any(phrase in text for phrase in _BUSY)


def is_full(error: Exception) -> bool:
    """Whether the disk, a quota or a limit on file sizes stopped a write."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return True
    text = str(error).lower()
    return any(phrase in text for phrase in _FULL)


def store_error(error: Exception, path: Path) -> StoreError:
    """`error` of DuckDB about `path` as a StoreError with a way out."""
    text = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if is_full(error):
        return StoreError(
            f"the disk that holds {path} is full ({text}); nothing of the last batch was written and what was "
            "committed before is kept; free some space, then go on with `assay run ... --resume`"
        )
    if is_busy(error):
        holder = re.search(r"\(PID (\d+)\)", str(error))
        who = f"process {holder.group(1)}" if holder else "another process"
        return StoreError(f"the store {path} is held open by {who}; wait until it ends, or end it, and try again")
    if "not a valid duckdb database" in text.lower():
        return _not_duckdb(path)
    if is_damaged(error):
        return StoreError(
            f"the store {path} is damaged ({text}){readable_words(path)}; "
            f"`assay merge NEW.duckdb {path} --salvage` brings what can be read into a new store and leaves it as it is"
        )
    return StoreError(
        f"the store {path} cannot be used: {text}; if it is not whole, remove it; or name another with --store FILE"
    )


def _refuse_other_formats(path: Path) -> None:
    """Raises StoreError for a file of another format; DuckDB would open Parquet as a database of views.

    A file is looked at once: to close a second handle of it would free the locks (POSIX's) that an open connection of
    this process holds, and let another process write into what is being read.
    """
    try:
        status = path.stat()
        if (status.st_dev, status.st_ino) in _looked_at:
            return
        with path.open("rb") as file:
            head = file.read(_MAGIC_OFFSET + len(_MAGIC))
    except OSError:
        return  # DuckDB says why
    half_made = len(head) < _MAGIC_OFFSET + len(_MAGIC) or not head.strip(b"\0")  # perhaps by another process, now
    if half_made:
        return
    if head[_MAGIC_OFFSET:] != _MAGIC:
        raise _not_duckdb(path)
    _looked_at.add((status.st_dev, status.st_ino))


def _not_duckdb(path: Path) -> StoreError:
    return StoreError(
        f"{path} is not a DuckDB file; it was left untouched; name another file with --store FILE; "
        f"if it was a store, `assay merge NEW.duckdb {path} --salvage` brings what can be read of it"
    )
