"""What a run must keep until it ends, beside the store: packed states of spans and what stages have learned.

    results.duckdb.blocks/RUN/E-S-SPAN       the state of a span of stage S of experiment E
    results.duckdb.blocks/RUN/E-S-learned    what that stage has taught

They can be hundreds of megabytes, are written once, and are read only where a killed run is resumed: as files
they cost a write, in the database twenty times as much. A file is written under another name, synced and renamed
before the row that refers to it is committed. The row holds its length and checksum, so that a file that is
missing, cut short or changed is known, and its span is measured again. The folder goes when its run ends; it may be
deleted at any time, which costs a killed run its work and nothing else.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from assay.checksums import checksum
from assay.errors import StoreError

__all__ = ["SMALL_BYTES", "BlockFiles", "copy_run", "is_folder_name", "refers_to_file"]

SMALL_BYTES = 16 * 1024  # what is no larger stays in its row
_PREFIX = b"assay.file xxh3_64 "
_UNFINISHED = ".tmp"


def refers_to_file(state: bytes) -> bool:
    """Whether a row's bytes only refer to a file."""
    return state.startswith(_PREFIX)


def is_folder_name(run_id: str) -> bool:
    """Whether a run's id names a folder within another one, and nothing outside of it."""
    return run_id not in ("", ".", "..") and not any(mark in run_id for mark in "/\\:\0")


class BlockFiles:
    """The folder of one store; a run whose id is no name of a folder, which assay never gives, is a StoreError."""

    def __init__(self, store: Path) -> None:
        self.folder = store.with_name(store.name + ".blocks")

    def write(self, run_id: str, name: str, content: bytes) -> bytes:
        """Writes a file whole and synced, or not at all; returns what refers to it.

        Raises:
            OSError: It cannot be written; nothing of it is left.
        """
        path = self._of(run_id) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(name + _UNFINISHED)
        try:
            with unfinished.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                unfinished.unlink()
            raise
        return _reference(content)

    def read(self, run_id: str, name: str, reference: bytes) -> bytes | None:
        """The content that `reference` refers to; None where the file is missing or is not what was written."""
        try:
            content = (self._of(run_id) / name).read_bytes()
        except OSError:
            return None
        return content if _reference(content) == reference else None

    def holds(self, run_id: str) -> bool:
        """Whether there are files of this run."""
        return self._of(run_id).is_dir()

    def remove(self, run_id: str, beginning: str = "", *, spare: str | None = None) -> None:
        """Removes the run's files whose names begin so, but for those that end in `spare`; all of them by default."""
        folder = self._of(run_id)
        if not beginning:
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.is_dir():
            for file in folder.iterdir():
                if file.name.startswith(beginning) and not (spare and file.name.endswith(spare)):
                    with contextlib.suppress(OSError):
                        file.unlink()
        with contextlib.suppress(OSError):  # only where it is empty
            self.folder.rmdir()

    def keep_only(self, run_ids: Iterable[str]) -> None:
        """Removes the files of all other runs, and what was never finished."""
        wanted = set(run_ids)
        for folder in list(self.folder.iterdir()) if self.folder.is_dir() else []:
            if folder.name not in wanted:
                shutil.rmtree(folder, ignore_errors=True)
                continue
            for file in folder.glob(f"*{_UNFINISHED}"):
                with contextlib.suppress(OSError):
                    file.unlink()
        with contextlib.suppress(OSError):  # only where it is empty
            self.folder.rmdir()

    def _of(self, run_id: str) -> Path:
        if not is_folder_name(run_id):  # a path: what it leads to is not ours to write or remove
            raise StoreError(
                f"a run of the store beside {self.folder} has the id {run_id!r}, which assay gives to none; the store "
                "was changed by something else: do not trust it, and take another with --store FILE"
            )
        return self.folder / run_id


def copy_run(source: Path, target: Path, run_id: str) -> None:
    """Brings the files of a run from one store's folder into another's; what cannot be read is measured again."""
    theirs, ours = BlockFiles(source), BlockFiles(target)
    if theirs.holds(run_id):
        with contextlib.suppress(OSError, shutil.Error):
            shutil.copytree(theirs._of(run_id), ours._of(run_id), dirs_exist_ok=True)


def _reference(content: bytes) -> bytes:
    return _PREFIX + f"{checksum(content, 'xxh3_64'):016x} {len(content)}".encode()
