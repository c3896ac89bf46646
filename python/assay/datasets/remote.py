"""From a URL to the files it names: one file, a pattern, a folder of Parquet files, a member of a zip archive.

Cost: one request for a file; listing all that lies under the part of a pattern that is fixed.
"""

from __future__ import annotations

import fnmatch
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from assay.datasets.files import RemoteFile
from assay.datasets.stores import Entry, Store, open_store, store_errors
from assay.datasets.urls import Url, parse_url
from assay.errors import ReadError

__all__ = ["Found", "find_remote"]

_MAGIC = re.compile(r"[*\[]")  # a question mark begins the options


@dataclass(frozen=True)
class Found:
    """Files in row order, below a folder; `is_folder` where the folder itself was named."""

    files: tuple[RemoteFile, ...]
    folder: PurePosixPath
    is_folder: bool = False
    member: str | None = None


def find_remote(text: str, member: str | None = None) -> Found:
    """What lies at the URL `text`.

    Raises:
        UsageError: it is no URL, holds credentials, or nothing reads its scheme.
        ReadError: nothing is there, or it cannot be reached.
    """
    url = parse_url(text)
    store = open_store(url.store)
    path = store.path(url)
    with store_errors(url.shown):
        if _MAGIC.search(url.path):
            return _matching(store, url, path)
        entry = store.entry(path)
        if entry is None and member is None and (archive := _archive(store, url)) is not None:
            return archive
        if entry is None:
            raise ReadError(f"{url.shown} does not exist; check the spelling{_folder_hint(url)}")
        folder = PurePosixPath(path)
        if entry.is_file:
            return Found((_remote(url, url.shown, entry),), folder.parent, member=member)
        files = sorted(store.files(path), key=lambda found: found.path)
        return Found(tuple(_below(url, path, found) for found in files), folder, is_folder=True)


def _matching(store: Store, url: Url, path: str) -> Found:
    """The files that a pattern matches; `*` stays within a folder, `**` does not."""
    parts = path.split("/")
    fixed = next(number for number, part in enumerate(parts) if _MAGIC.search(part))
    folder = "/".join(parts[:fixed])
    pattern = re.compile(_expression(parts))
    found = sorted(store.files(folder), key=lambda entry: entry.path)
    files = [entry for entry in found if pattern.fullmatch(entry.path)]
    if not files:
        raise ReadError(
            f"{url.shown}: no file matches, of {len(found):,} below {folder}; a pattern may hold *, [...] and **"
        )
    fixed_url = "/".join(url.path.split("/")[: -(len(parts) - fixed)])
    shown = Url(url.scheme, url.authority, fixed_url, "")
    return Found(tuple(_below(shown, folder, entry, url) for entry in files), PurePosixPath(folder))


def _expression(parts: list[str]) -> str:
    pieces = []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        if part == "**":
            pieces.append(".*" if last else "(?:.*/)?")
            continue
        piece = fnmatch.translate(part).removeprefix("(?s:").removesuffix(")\\Z").removesuffix(")\\z")
        pieces.append(piece.replace(".*", "[^/]*") + ("" if last else "/"))
    return "".join(pieces)


def _below(url: Url, folder: str, entry: Entry, options: Url | None = None) -> RemoteFile:
    rest = entry.path.removeprefix(folder).lstrip("/")
    return _remote(options or url, f"{url.shown.rstrip('/')}/{rest}", entry)


def _remote(url: Url, shown: str, entry: Entry) -> RemoteFile:
    return RemoteFile(url.store, shown, entry)


def _archive(store: Store, url: Url) -> Found | None:
    """The archive that a path goes through: `https://host/a.zip/b.csv`."""
    for parent in PurePosixPath(url.path).parents:
        if parent.suffix.lower() == ".zip":
            outer = Url(url.scheme, url.authority, str(parent), url.options)
            entry = store.entry(store.path(outer))
            if entry is not None and entry.is_file:
                member = PurePosixPath(url.path).relative_to(parent).as_posix()
                return Found((_remote(outer, outer.shown, entry),), PurePosixPath(entry.path).parent, member=member)
    return None


def _folder_hint(url: Url) -> str:
    return " or the bucket" if url.scheme in ("s3", "gs", "gcs") and Path(url.path).name else ""
