"""Places that hold files and are reached by URL: object stores and servers, behind four verbs.

Arrow's own filesystems serve s3, gs, abfs, hdfs; fsspec's serve http, https and whatever else is installed.
A store is opened once per process and never sent to another: its URL is. Through fsspec Arrow calls
back into Python, which its threads must not do while the interpreter ends, so that only what Arrow
reads without threads of its own (column chunks of Parquet) is read in place; other formats are
copied to a temporary file first.
Source: Apache Arrow, "Filesystem Interface"; fsspec, "API Reference".
"""

from __future__ import annotations

import contextlib
import email.utils
import functools
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.fs as pafs

from assay.datasets.urls import ARROW_SCHEMES, Url, parse_url
from assay.errors import AssayError, ReadError, UsageError

__all__ = ["Entry", "Store", "open_store", "store_errors"]

_INSTALL = 'run: pip install "assay[stores]"'
_CONNECT_S, _SILENCE_S = 30, 60  # how long a server may take to answer, and to send something
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class Entry:
    """A file or folder, and what tells cheaply that it is still the same."""

    path: str
    is_file: bool
    bytes: int = 0
    modified_ns: int = 0  # 0 where the store does not say
    tag: str = ""  # an entity tag, where the store gives one


class Store(Protocol):
    """One place of files."""

    threads: bool  # whether Arrow may read in threads of its own

    def path(self, url: Url) -> str:
        """What this store calls `url`."""

    def entry(self, path: str) -> Entry | None:
        """The file or folder at `path`; None if there is none."""

    def files(self, folder: str) -> list[Entry]:
        """All files under `folder`, at any depth, in no order."""

    def open(self, entry: Entry) -> pa.NativeFile:
        """The file, read at any place."""

    def copy(self, path: str, target: Path) -> None:
        """Writes the file's bytes to `target`."""


def open_store(store: str) -> Store:
    """The store that `Url.store` names; one per process.

    Raises:
        UsageError: nothing is known about the scheme, or an option is wrong.
        ReadError: a package is missing.
    """
    return _open(store, os.getpid())


@functools.lru_cache(maxsize=16)
def _open(store: str, process: int) -> Store:
    url = parse_url(store)
    return _ArrowStore(url) if url.scheme in ARROW_SCHEMES else _FsspecStore(url)


class _ArrowStore:
    threads = True

    def __init__(self, url: Url) -> None:
        with store_errors(url.shown):
            try:
                self._filesystem, self._base = pafs.FileSystem.from_uri(url.store if url.authority else f"{url.store}/")
            except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                raise UsageError(
                    f"{url.shown}: {_one_line(error)}; options follow a question mark, such as "
                    "?region=eu-central-1&endpoint_override=localhost:9000&scheme=http"
                ) from error

    def path(self, url: Url) -> str:
        return f"{self._base.rstrip('/')}/{unquote(url.path).strip('/')}".rstrip("/") or "/"

    def entry(self, path: str) -> Entry | None:
        info = self._filesystem.get_file_info(path)
        return None if info.type == pafs.FileType.NotFound else _entry(info)

    def files(self, folder: str) -> list[Entry]:
        found = self._filesystem.get_file_info(pafs.FileSelector(folder, recursive=True, allow_not_found=True))
        return [entry for entry in map(_entry, found) if entry.is_file]

    def open(self, entry: Entry) -> pa.NativeFile:
        return self._filesystem.open_input_file(entry.path)

    def copy(self, path: str, target: Path) -> None:
        with self._filesystem.open_input_stream(path, compression=None) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink, _BLOCK_BYTES)


def _entry(info: pafs.FileInfo) -> Entry:
    is_file = info.type != pafs.FileType.Directory
    return Entry(info.path, is_file, info.size or 0 if is_file else 0, info.mtime_ns or 0)


class _FsspecStore:
    threads = False

    def __init__(self, url: Url) -> None:
        self._scheme = url.scheme
        try:
            import fsspec
        except ImportError as error:
            raise ReadError(f"{url.shown} is read through the package fsspec; {_INSTALL}") from error
        if url.scheme not in fsspec.available_protocols():
            known = ", ".join(f"{scheme}://" for scheme in ("file", "http", "https", *ARROW_SCHEMES))
            raise UsageError(f"{url.shown}: nothing reads {url.scheme}://; known: {known}, and fsspec's protocols")
        self._is_http = url.scheme in ("http", "https")
        options: dict[str, Any] = {}
        try:
            if self._is_http:
                import aiohttp

                timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT_S, sock_read=_SILENCE_S)
                options = {"client_kwargs": {"timeout": timeout, "trust_env": True}}
            with store_errors(url.shown):
                self._filesystem, _ = fsspec.url_to_fs(url.store, **options)
        except ImportError as error:
            way_out = _INSTALL if self._is_http else "install that package"
            raise ReadError(f"{url.shown} needs a package: {_one_line(error)}; {way_out}") from error

    def path(self, url: Url) -> str:
        query = f"?{url.options}" if url.options and self._is_http else ""
        return str(self._filesystem._strip_protocol(f"{url.scheme}://{url.authority}{url.path}{query}"))

    def entry(self, path: str) -> Entry | None:
        self._filesystem.invalidate_cache()
        try:
            return self._entry(self._filesystem.info(path))
        except FileNotFoundError as error:
            if error.__cause__ is None or getattr(error.__cause__, "status", None) == 404:
                return None
            raise

    def files(self, folder: str) -> list[Entry]:
        found = self._filesystem.find(folder, detail=True).values()
        return [entry for entry in (self._entry(info) for info in found if "name" in info) if entry.is_file]

    def open(self, entry: Entry) -> pa.NativeFile:
        options = {"cache_type": "none"} if self._is_http else {}
        file = self._filesystem.open(entry.path, "rb", **options)
        if self._is_http and entry.bytes:
            # A server that ignores ranges sends the whole file each time: told apart by the last byte.
            try:
                file.seek(entry.bytes - 1)
                file.read(1)
                file.seek(0)
            except ValueError as error:
                raise NotImplementedError("the server does not serve parts of files") from error
        return pa.PythonFile(file, mode="r")

    def copy(self, path: str, target: Path) -> None:
        self._filesystem.get_file(path, str(target))

    def _entry(self, info: dict[str, Any]) -> Entry:
        modified = info.get("mtime") or info.get("LastModified") or info.get("last_modified") or info.get("created")
        return Entry(
            str(info["name"]),
            info.get("type", "file") == "file",
            int(info.get("size") or 0),
            _nanoseconds(info.get("Last-Modified") or modified),
            str(info.get("ETag") or info.get("etag") or info.get("Content-MD5") or ""),
        )


def _nanoseconds(moment: Any) -> int:
    if isinstance(moment, str):
        with contextlib.suppress(ValueError, TypeError):
            return int(email.utils.parsedate_to_datetime(moment).timestamp()) * 10**9
        return 0
    if hasattr(moment, "timestamp"):
        return int(moment.timestamp() * 10**6) * 1000
    return int(moment * 10**9) if isinstance(moment, (int, float)) else 0


_CONTENT = (pa.ArrowInvalid, zipfile.BadZipFile, zlib.error, EOFError, UnicodeDecodeError)


@contextlib.contextmanager
def store_errors(shown: str, *, content: bool = False) -> Iterator[None]:
    """Turns whatever a store's library raises into a ReadError that names `shown` and the way out.

    Args:
        shown: The URL.
        content: Whether bytes are decoded here: then what is wrong with them is left to the caller.
    """
    try:
        yield
    except (AssayError, ImportError, NotImplementedError):
        raise
    except _CONTENT as error:
        if content:
            raise
        raise ReadError(f"{shown} {_reason(shown, [error])}") from error
    except Exception as error:
        chain = [error]
        while (cause := chain[-1].__cause__) is not None and isinstance(cause, Exception):
            chain.append(cause)
        raise ReadError(f"{shown} {_reason(shown, chain)}") from error


def _reason(shown: str, chain: list[Exception]) -> str:
    status = next((s for error in chain if isinstance(s := getattr(error, "status", None), int)), None)
    text = _one_line(chain[-1])
    if status in (404, 410) or (isinstance(chain[-1], FileNotFoundError) and status is None):
        return "does not exist; check the spelling"
    if status in (401, 403) or "ACCESS_DENIED" in text or "FORBIDDEN" in text.upper():
        what = f"may not be read ({f'HTTP {status}' if status else text})"
        if shown.startswith("http"):
            return f"{what}; if it needs a login, download it first"
        return f"{what}; set credentials in the environment, or add ?anonymous=true for a public bucket"
    if status is not None:
        return f"cannot be read: the server answers HTTP {status}; try again later, or download the file first"
    if "NO_SUCH_BUCKET" in text:
        return "is in a bucket that does not exist; check the spelling, the region and endpoint_override"
    return f"cannot be read: {text}; check the address, its options and the network"


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
