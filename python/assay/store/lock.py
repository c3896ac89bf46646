"""The writer's lock: a file beside the store, held by one process for as long as it writes.

The operating system frees the lock when its holder ends, however it ends, so that a killed run
leaves nothing to clean up. The holder's process id is written into the file only to be named in
messages; an id left behind by a killed process is overwritten by the next holder. Readers do not
take this lock.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from types import TracebackType

from assay.errors import StoreError

__all__ = ["WriterLock", "lock_holder"]

# Windows locks ranges that others then cannot read; one byte far behind the process id is locked.
_LOCKED_BYTE = 1 << 30
_LOOKS, _LOOK_S = 4, 0.02

if sys.platform == "win32":  # pragma: no cover - the other branch is tested
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
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


def _taken(descriptor: int) -> bool:
    """Takes the lock, unless it is held for longer than a look at it (`lock_holder`) takes."""
    for _ in range(_LOOKS):
        if _try_lock(descriptor):
            return True
        time.sleep(_LOOK_S)
    return _try_lock(descriptor)


def lock_holder(store_path: Path) -> str | None:
    """Who writes the store now: a process id, "another process" if that is unknown, or None if nobody does."""
    path = store_path.with_name(store_path.name + ".lock")
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return None  # no lock file, or one that this user may not open and thus nobody of theirs holds
    try:
        if _try_lock(descriptor):
            return None  # left behind by a killed process
        holder = os.read(descriptor, 32).decode("ascii", "replace").strip()
        return f"process {holder}" if holder else "another process"
    finally:
        os.close(descriptor)


class WriterLock:
    """An exclusive lock named after `store_path`; a second holder is refused at once.

    Raises:
        StoreError: Another process, or another store of this process, holds the lock; or the
            folder cannot be written.
    """

    def __init__(self, store_path: Path) -> None:
        self.path = store_path.with_name(store_path.name + ".lock")
        self._store_path = store_path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Takes the lock, or says who holds it."""
        while self._descriptor is None:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
            except OSError as error:
                raise StoreError(
                    f"the store {self._store_path} cannot be written: {error.strerror or error}; "
                    "name a file in a folder that exists and that you may write to, with --store FILE"
                ) from error
            if not _taken(descriptor):
                holder = os.pread(descriptor, 32, 0) if hasattr(os, "pread") else os.read(descriptor, 32)
                os.close(descriptor)
                raise StoreError(self._held_by(holder.decode("ascii", "replace").strip()))
            if not self._is_still_named(descriptor):
                os.close(descriptor)  # its holder removed the file between our open and our lock
                continue
            try:
                os.ftruncate(descriptor, 0)
                os.lseek(descriptor, 0, os.SEEK_SET)
                os.write(descriptor, f"{os.getpid()}\n".encode("ascii"))
            except OSError as error:
                os.close(descriptor)
                raise StoreError(
                    f"the lock {self.path} cannot be written: {error.strerror or error}; free some space and try again"
                ) from error
            self._descriptor = descriptor

    def release(self) -> None:
        """Gives the lock back and removes its file; does nothing if it is not held."""
        if self._descriptor is None:
            return
        descriptor, self._descriptor = self._descriptor, None
        if sys.platform != "win32":
            with contextlib.suppress(OSError):
                self.path.unlink()
        os.close(descriptor)
        if sys.platform == "win32":  # pragma: no cover
            with contextlib.suppress(OSError):
                self.path.unlink()

    def _is_still_named(self, descriptor: int) -> bool:
        try:
            return os.path.samestat(os.fstat(descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def _held_by(self, holder: str) -> str:
        if holder == str(os.getpid()):
            who = "this process itself, by another open store"
        else:
            who = f"process {holder}" if holder else "another process"
        return (
            f"the store {self._store_path} is being written by {who}; wait until it ends, or name another file "
            "with --store FILE (reading with `assay report` and `assay sql` works meanwhile)"
        )

    def __enter__(self) -> WriterLock:
        self.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
