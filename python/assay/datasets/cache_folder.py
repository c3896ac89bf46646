"""Files that are made once and kept: the cache folder, and how a file gets into it whole or not at all.

The folder is $ASSAY_CACHE, else $XDG_CACHE_HOME/assay, else ~/.cache/assay. A file is made under
another name beside its place and renamed when it is whole, by one process at a time: others wait
for it on a lock that the operating system frees when its holder ends, however it ends. Everything
in the folder can be deleted at any time, and is made again when it is needed.
Source: XDG Base Directory Specification 0.8.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import ReadError

__all__ = ["cache_folder", "make_once", "say"]

_WAIT_S = 0.2  # between two looks at a lock that another process holds
_WAY_OUT = "set ASSAY_CACHE to a folder that can be written and has room"

if sys.platform == "win32":  # pragma: no cover - the other branch is tested
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True
else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def cache_folder() -> Path:
    """Where made files are kept; it need not exist yet."""
    if own := os.environ.get("ASSAY_CACHE"):
        return Path(own).expanduser().absolute()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared, "assay").absolute()
    return Path.home() / ".cache" / "assay"


def make_once(path: Path, make: Callable[[Path], Path], what: str) -> Path:
    """`path`, made by the first process that needs it.

    Args:
        path: A place under `cache_folder`.
        make: Given an empty folder on the same disk, makes the file there and returns where it is.
        what: What is made, for messages.

    Raises:
        ReadError: the cache folder cannot be written, or whatever `make` raises.
    """
    if path.is_file():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(path.with_name(f"{path.name}.lock"), what):
            if not path.is_file():
                _make(path, make)
    except OSError as error:
        reason = error.strerror or error
        raise ReadError(f"{what} cannot be kept in {path.parent}: {reason}; {_WAY_OUT}") from error
    return path


def say(text: str) -> None:
    """Tells the user, on standard error, what takes time; a closed standard error is no reason to stop."""
    try:
        print(text, file=sys.stderr, flush=True)
    except (OSError, ValueError, AttributeError):
        return


def _make(path: Path, make: Callable[[Path], Path]) -> None:
    partial = path.with_name(f"{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a process that was killed: the lock is ours
    partial.mkdir()
    try:
        make(partial).replace(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def _locked(lock: Path, what: str) -> Iterator[None]:
    """Holds `lock`. The file stays: removing it would let two processes hold two files of one name."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        told = False
        while not _try_lock(descriptor):
            if not told:
                say(f"waiting for another process that makes {what}")
                told = True
            time.sleep(_WAIT_S)
        yield
    finally:
        os.close(descriptor)
