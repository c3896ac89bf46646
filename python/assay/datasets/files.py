"""A file of a dataset, on this machine or in a store: opened at any place, copied, stamped.

A file on this machine is a `Path`; one in a store is a `RemoteFile`, which is small, holds no
connection, and so travels to other processes. What cannot be read in place (a server that does not
serve parts, formats that Arrow reads in threads of its own through fsspec) is copied once per process to
a temporary file, which lasts as long as the process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeAlias

import pyarrow as pa

from assay.datasets.batch import reading
from assay.datasets.memory import spool_path
from assay.datasets.stores import Entry, open_store, store_errors
from assay.errors import ReadError

__all__ = [
    "File",
    "FileStamp",
    "RemoteFile",
    "file_bytes",
    "in_place",
    "is_compressed",
    "local_file",
    "opened",
    "random_access",
    "reads_ahead",
    "stream",
]


@dataclass(frozen=True)
class RemoteFile:
    """A file in a store, as it was when it was found. `str` gives its URL without options."""

    store: str  # what `open_store` takes
    shown: str
    entry: Entry

    def __str__(self) -> str:
        return self.shown

    @property
    def path(self) -> PurePosixPath:
        """Where it is in the store."""
        return PurePosixPath(self.entry.path.split("?")[0])

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.name

    @property
    def suffixes(self) -> list[str]:
        """As of a `Path`."""
        return self.path.suffixes

    @property
    def suffix(self) -> str:
        """As of a `Path`."""
        return self.path.suffix

    @property
    def parent(self) -> PurePosixPath:
        """The folder within the store."""
        return self.path.parent


File: TypeAlias = Path | RemoteFile
_COMPRESSIONS = (".gz", ".bz2", ".zst", ".lz4")


@dataclass(frozen=True)
class FileStamp:
    """What tells cheaply that a file is still the one that was opened."""

    path: str
    bytes: int
    modified_ns: int
    tag: str = ""  # an entity tag, where a store gives one

    @classmethod
    def of(cls, file: File) -> FileStamp:
        """The stamp of the file as it is now."""
        if isinstance(file, RemoteFile):
            with store_errors(file.shown):
                entry = open_store(file.store).entry(file.entry.path)
            if entry is None:
                raise ReadError(f"{file} does not exist any more; leave the files alone during a run")
            return cls(str(file), entry.bytes, entry.modified_ns, entry.tag)
        with reading(file):
            status = file.stat()
        return cls(str(file), status.st_size, status.st_mtime_ns)


def file_bytes(file: File) -> int:
    """The size of the file."""
    return file.entry.bytes if isinstance(file, RemoteFile) else file.stat().st_size


def is_compressed(file: File) -> bool:
    """Whether the file is compressed as a whole, as its name says."""
    return file.suffix.lower() in _COMPRESSIONS


def reads_ahead(file: File) -> bool:
    """Whether Arrow may fetch a row group's columns at once, in threads of its own: worth it over a network."""
    return isinstance(file, RemoteFile) and open_store(file.store).threads


@contextmanager
def random_access(file: File) -> Iterator[Path | pa.NativeFile]:
    """What a reader opens that reads here and there: a path on this machine, or an open remote file."""
    if isinstance(file, RemoteFile):
        try:
            source = open_store(file.store).open(file.entry)
        except NotImplementedError:
            yield local_file(file)
            return
        with source:
            yield source
    else:
        yield file


@contextmanager
def in_place(file: File) -> Iterator[pa.NativeFile]:
    """The file mapped into memory, or open in its store where Arrow reads there by itself, else its copy mapped."""
    if isinstance(file, RemoteFile) and open_store(file.store).threads:
        with open_store(file.store).open(file.entry) as source:
            yield source
        return
    with pa.memory_map(str(local_file(file))) as mapped:
        yield mapped


@contextmanager
def stream(file: File) -> Iterator[pa.NativeFile]:
    """The file's bytes in order, decompressed as its name says."""
    if isinstance(file, RemoteFile) and open_store(file.store).threads:
        kind = pa.Codec.detect(file.name).name if is_compressed(file) else None
        with open_store(file.store).open(file.entry) as source:
            yield pa.CompressedInputStream(source, kind) if kind else source
        return
    with pa.input_stream(str(local_file(file)), compression="detect") as source:
        yield source


@contextmanager
def opened(file: File) -> Iterator[BinaryIO]:
    """The file's bytes, from the first on."""
    with random_access(file) as source:
        if isinstance(source, Path):
            with source.open("rb") as local:
                yield local
        else:
            yield source


def local_file(file: File) -> Path:
    """`file` itself, or a copy of it on this machine, made once per process.

    Raises:
        ReadError: it cannot be fetched, or fewer bytes came than the store announced.
    """
    if isinstance(file, Path):
        return file
    with _copying:
        path = _copies.get(file)
        if path is None or not path.is_file():
            path = spool_path(file.name)
            with store_errors(file.shown):
                open_store(file.store).copy(file.entry.path, path)
            arrived = path.stat().st_size
            if file.entry.bytes and arrived != file.entry.bytes:
                path.unlink()
                raise ReadError(f"{file}: {arrived:,} bytes arrived of {file.entry.bytes:,}; try again")
            _copies[file] = path
        return path


_copies: dict[RemoteFile, Path] = {}
_copying = threading.Lock()
