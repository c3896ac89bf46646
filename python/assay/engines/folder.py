"""An engine's files: a temporary folder of its own, its size, and what was written to it.

The folder goes when the engine is closed, garbage collected, or the interpreter ends. A process that is killed
cannot clean up; so each folder holds a lock, which the operating system frees with its holder, and the next engine
that is opened in the same place removes folders that nobody holds any more.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import tempfile
import weakref
from pathlib import Path

from assay.errors import UsageError

__all__ = ["EngineFolder", "WriteCounter"]

_PREFIX = "assay-engine-"
_LOCK = "held.lock"
_PROBE_BYTES = 65_536


class EngineFolder:
    """A new folder under `parent` (default: the system's temporary folder); `files` is the engine's part of it."""

    def __init__(self, parent: Path | None = None) -> None:
        """Makes it, and removes those beside it that killed processes left.

        Raises:
            UsageError: `parent` is no folder that can be written to.
        """
        home = Path(tempfile.gettempdir()) if parent is None else Path(parent)
        try:
            _remove_abandoned(home)
            self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=home))
        except OSError as error:
            raise UsageError(
                f"the engine's folder cannot be made in {home}: {error.strerror or error}; give another as folder="
            ) from error
        lock = _take(self.path / _LOCK)
        self.files = self.path / "files"
        self.files.mkdir()
        self._remove = weakref.finalize(self, _remove, self.path, lock, os.getpid())

    def size_bytes(self) -> int:
        """The sizes of all of the engine's files together."""
        total = 0
        for path in self.files.rglob("*"):
            with contextlib.suppress(FileNotFoundError):  # engines delete files of their own in the background
                if path.is_file():
                    total += path.stat().st_size
        return total

    def remove(self) -> None:
        """Removes it with everything in it; a second time does nothing."""
        self._remove()


class WriteCounter:
    """How many bytes this process has written so far, as the operating system counts them.

    `source` says what is counted: `write_bytes` of /proc/self/io, pages that became dirty and so go to the disk; or
    `wchar`, bytes handed to the operating system, where the file system (such as tmpfs) has no disk; or None where
    neither is told.
    """

    def __init__(self, folder: Path) -> None:
        device = folder.stat().st_dev
        if device not in _sources:
            _sources[device] = _source(folder / "probe")
        self.source = _sources[device]

    def now(self) -> int | None:
        """The count so far; None where there is no source."""
        if self.source is None:
            return None
        counts = _io_counts()
        return None if counts is None else counts[self.source.rpartition(" ")[2]]


_sources: dict[int, str | None] = {}  # by device: whether the file system has a disk does not change


def _source(probe: Path) -> str | None:
    before = _io_counts()
    with probe.open("wb") as file:
        file.write(os.urandom(_PROBE_BYTES))
        file.flush()
        os.fsync(file.fileno())
    probe.unlink()
    after = _io_counts()
    if before is None or after is None:
        return None
    for name in ("write_bytes", "wchar"):
        if after.get(name, 0) - before.get(name, 0) >= _PROBE_BYTES:
            return f"/proc/self/io {name}"
    return None


def _io_counts() -> dict[str, int] | None:
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return {name: int(value) for name, _, value in (line.partition(":") for line in lines)}


if sys.platform == "win32":  # pragma: no cover - an open file cannot be removed there, which protects it as well

    def _take(path: Path) -> int:
        return os.open(path, os.O_RDWR | os.O_CREAT)

    def _is_held(path: Path) -> bool:
        return True
else:
    import fcntl

    def _take(path: Path) -> int:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return descriptor

    def _is_held(path: Path) -> bool:
        try:
            descriptor = os.open(path, os.O_RDWR)
        except OSError:
            return True  # just being made, or somebody else's
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(descriptor)
        return False


def _remove_abandoned(home: Path) -> None:
    for path in home.glob(f"{_PREFIX}*"):
        if not _is_held(path / _LOCK):
            shutil.rmtree(path, ignore_errors=True)


def _remove(path: Path, lock: int, owner: int) -> None:
    if os.getpid() != owner:  # a forked child has the object too, and the folder is not its own
        return
    shutil.rmtree(path, ignore_errors=True)
    with contextlib.suppress(OSError):
        os.close(lock)
