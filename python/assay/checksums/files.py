"""Files as pieces of bytes, in order: bounded memory, however long the file.

A file is read, not mapped: a mapped file that another process truncates kills the process that looks at it (SIGBUS).
Reading costs a copy of each piece, which then lies in the cache: METHODOLOGY.md, "Checksums", says how much. Pipes,
devices and standard input are read alike.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from assay.errors import ReadError, UnsupportedTypeError

__all__ = ["Told", "bytes_like", "is_path", "pieces", "sources"]

# What stays in a core's own cache until it has been used; and what is enough for a few threads.
_PIECE_BYTES = 1 << 20
_SHARED_PIECE_BYTES = 8 << 20

Told = Callable[[int], None]


def is_path(source: object) -> bool:
    """Whether `source` names a file, rather than being bytes."""
    return isinstance(source, str | os.PathLike)


def bytes_like(source: Any) -> Any:
    """`source`, if it gives its bytes without a copy.

    Raises:
        UnsupportedTypeError: It does not.
    """
    try:
        memoryview(source).release()
    except (TypeError, ValueError, BufferError) as error:
        hint = "; read what is open, or give its path" if hasattr(source, "read") else ""
        hint = "; a column is several buffers: take one, or hash its keys" if hasattr(source, "buffers") else hint
        raise UnsupportedTypeError(
            "expected bytes (bytes, bytearray, memoryview, a numpy array, a pyarrow.Buffer), or the path of a file, "
            f"got {type(source).__name__}{hint or f' ({error})'}"
        ) from error
    return source


def sources(buffer_or_path: Any, *, shared: bool = False) -> Iterable[Any]:
    """The pieces of a file, or the one that a buffer is."""
    return pieces(buffer_or_path, shared=shared) if is_path(buffer_or_path) else (bytes_like(buffer_or_path),)


def pieces(
    path: str | os.PathLike[str] | None, *, shared: bool = False, told: Told | None = None
) -> Iterator[memoryview]:
    """The bytes of a file, in order; each piece is valid until the next is asked for.

    Args:
        path: A file, or whatever else can be read, such as a named pipe; None is standard input.
        shared: Pieces are large enough for several threads.
        told: Called with the number of bytes of each piece once it has been used.

    Raises:
        ReadError: There is nothing of that name, it is a folder, or it cannot be read.
    """
    if path is None:
        yield from _rest_of(0, "standard input", shared, told)
        return
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    except (OSError, ValueError) as error:  # ValueError: a name with a null in it
        raise _unreadable(os.fsdecode(path), error) from error
    try:
        yield from _rest_of(descriptor, os.fsdecode(path), shared, told)
    finally:
        os.close(descriptor)


def _rest_of(descriptor: int, name: str, shared: bool, told: Told | None) -> Iterator[memoryview]:
    most = _SHARED_PIECE_BYTES if shared else _PIECE_BYTES
    try:
        size = os.fstat(descriptor).st_size
    except OSError as error:
        raise _unreadable(name, error) from error
    # A short file needs no more, and one byte that tells its end; where no size is known it is 0.
    buffer = bytearray(min(most, size + 1) if size else most)
    view = memoryview(buffer)
    while True:
        try:
            count = os.readv(descriptor, [buffer])
        except OSError as error:
            raise _unreadable(name, error) from error
        if not count:
            return
        yield view[:count]
        if told is not None:
            told(count)


def _unreadable(name: str, error: Exception) -> ReadError:
    reason = getattr(error, "strerror", None) or str(error)
    return ReadError(f'cannot read "{name}": {reason}; expected the path of a readable file')
