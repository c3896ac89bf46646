"""`open_dataset`: one verb for everything that can be a dataset."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from assay.datasets import plug_ins
from assay.datasets.batch import Reader
from assay.datasets.calls import CALLS, call_definition, is_call_installed
from assay.datasets.dataset import Dataset, DatasetDescription
from assay.datasets.definition import Definition, Source, load_definition
from assay.datasets.formats import FORMATS, Format, format_call
from assay.datasets.ipc_files import IpcFileReader
from assay.datasets.locations import locate, shipped_definitions
from assay.datasets.memory import TableReader, is_arrow, spool_stream, to_table_or_stream
from assay.datasets.readers import open_reader
from assay.datasets.spelling import looks_like_call
from assay.datasets.urls import is_url, parse_url
from assay.errors import (
    AssayError,
    PlugInError,
    ReadError,
    SpellingError,
    UnknownNameError,
    UnsupportedTypeError,
    nearest,
)

__all__ = ["KnownDataset", "declared", "known_datasets", "open_dataset"]


@dataclass(frozen=True)
class KnownDataset:
    """A dataset that comes with assay, or with another package."""

    name: str
    description: str
    source: str
    licence: str | None
    installed: bool  # whether its data is on this machine
    package: str = "assay"
    attribution: str | None = None  # who is to be named wherever the data goes


def open_dataset(source: object, *, base: Path | None = None, name: str | None = None) -> Dataset:
    """The dataset that `source` names or holds.

    Args:
        source: The name of a shipped dataset; a definition (*.toml); a path or glob to Parquet, CSV or Arrow IPC
            files, a directory of Parquet files, a member of a zip archive (`a.zip/b.csv`); a URL of any of these;
            a generator such as `zipf(rows=1000, seed=7)`; a trace whose name does not tell its format, such as
            `twitter(cluster52.csv)`; anything that speaks the Arrow PyCapsule interface, or a
            lazy polars frame.
        base: Where relative paths start; by default where the process runs.
        name: What to call it; by default its definition's name, the file's, or "table".

    Returns:
        An open dataset. Schema and declaration are checked, a recorded checksum too; no row is read except by
        CSV, whose first block tells the types. A table without rows is fine here.

    Raises:
        UnknownNameError: no dataset has this name.
        ReadError: a file is missing, truncated, or of no supported format; two columns share a name.
        SuiteError: the definition has mistakes, all of which are listed.
        ChecksumMismatchError: a file has changed behind its recorded checksum.
        UnsupportedTypeError: `source` is not a table.
    """
    if isinstance(source, Dataset):
        return source
    if isinstance(source, DatasetDescription):
        return source.open()
    if isinstance(source, Definition):
        return _from_definition(source, base, name, source.name)
    if isinstance(source, (str, os.PathLike)):
        return _from_text(os.fspath(source), base, name)
    if is_arrow(source):
        return _from_arrow(source, base, name or "table")
    raise UnsupportedTypeError(
        f"{type(source).__module__}.{type(source).__qualname__} is no dataset; expected a name, a path, a definition, "
        "a generator, or an Arrow table (pyarrow, polars, pandas, DuckDB)"
    )


def known_datasets() -> list[KnownDataset]:
    """The datasets that come with assay, by name, and then those of other packages."""
    known = [_known(path, load_definition(path), "assay") for path in shipped_definitions().values()]
    for name, path in plug_ins.definitions().items():
        package = str(plug_ins.package_of(name))
        try:
            known.append(replace(_known(path, load_definition(path), package), name=name))
        except AssayError as error:
            known.append(KnownDataset(name, f"cannot be read: {error}", str(path), None, False, package))
    for name, plug_in in plug_ins.callables().items():
        try:
            known.append(KnownDataset(name, plug_ins.idea_of(plug_in), f"{name}()", None, True, plug_in.package))
        except PlugInError:
            continue  # it was told of
    return known


def _known(path: Path, definition: Definition, package: str) -> KnownDataset:
    assert definition.source is not None
    installed = True
    if definition.source.generator is not None:
        installed = is_call_installed(definition.source.generator)
    else:
        try:
            locate(definition.source, path.parent)
        except ReadError:
            installed = False
    source = str(definition.source)
    return KnownDataset(
        definition.name,
        definition.description,
        source,
        definition.licence,
        installed,
        package,
        definition.attribution,
    )


def declared(text: str, base: Path | None = None) -> tuple[Definition, Path | None]:
    """What is declared about the dataset that `text` spells, and where relative paths start; no row is looked at.

    Raises:
        UnknownNameError, ReadError, SuiteError: as `open_dataset`.
    """
    definition, base, _ = _located(text, base)
    return definition, base


def _from_text(text: str, base: Path | None, name: str | None) -> Dataset:
    definition, base, where = _located(text, base)
    return _from_definition(definition, base, name, where)


def _located(text: str, base: Path | None) -> tuple[Definition, Path | None, str]:
    """The definition that `text` spells, where its relative paths start, and what to call it in messages."""
    if not text.strip():
        raise UnknownNameError.of("dataset", text, shipped_definitions(), hint="or give a path, a glob or a definition")
    if is_url(text):
        url = parse_url(text)
        called = _stem(Path(url.path.rstrip("/"))) or url.authority
        return Definition(name=called, source=Source(path=text)), None, text
    if (named := format_call(text)) is not None and not (base or Path()).joinpath(text).exists():
        return _of_format(*named, text, base)
    if looks_like_call(text) and not (base or Path()).joinpath(text).exists():
        return call_definition(text), base, text
    shipped = shipped_definitions()
    if text in shipped:
        return _defined_in(shipped[text])
    elsewhere = plug_ins.definitions()
    if text in elsewhere:
        return _defined_in(elsewhere[text])
    if text in plug_ins.callables():
        return call_definition(f"{text}()"), base, text
    path = (base or Path()).joinpath(Path(text).expanduser()).absolute()
    if path.suffix == ".toml":
        return _defined_in(path)
    if path.with_name(f"{path.name}.toml").is_file() and not path.exists():
        return _defined_in(path.with_name(f"{path.name}.toml"))
    if not path.exists() and not _looks_like_path(text):
        known = [*shipped, *elsewhere, *plug_ins.callables()]
        guess = "" if nearest(text, known) else _generator_hint(text)
        raise UnknownNameError.of("dataset", text, known, hint=guess or "or give a path, a glob or a definition")
    return Definition(name=_stem(path), source=Source(path=str(path))), None, str(path)


def _of_format(format_: Format, path: str, text: str, base: Path | None) -> tuple[Definition, Path | None, str]:
    """What `twitter(cluster52.csv)` names."""
    if not path:
        raise SpellingError(f"{text!r} names no file; expected a path, such as {format_}(requests.txt)")
    if not is_url(path):
        path = str((base or Path()).joinpath(Path(path).expanduser()).absolute())
    called = _stem(Path(parse_url(path).path.rstrip("/") if is_url(path) else path))
    return Definition(name=called or format_, source=Source(path=path, format=format_)), None, text


def _defined_in(path: Path) -> tuple[Definition, Path, str]:
    return load_definition(path), path.parent.absolute(), str(path)


def _from_definition(definition: Definition, base: Path | None, name: str | None, where: str) -> Dataset:
    if name is not None:
        definition = definition.model_copy(update={"name": name})
    reader = open_reader(definition, base)
    generator = definition.source.generator if definition.source else None
    # A stream that a plug-in gave was spooled to a file of this process, whose rows are what counts.
    spooled = bool(reader.files) and generator is not None and plug_ins.is_callable(generator)
    return Dataset(definition, reader, base=base, fingerprint_kind="content" if spooled else None, where=where)


def _from_arrow(source: object, base: Path | None, name: str) -> Dataset:
    table = to_table_or_stream(source)
    in_memory = isinstance(table, pa.Table)
    reader: Reader = TableReader(table, name) if in_memory else IpcFileReader(spool_stream(table, name))
    return Dataset(Definition(name=name), reader, base=base, fingerprint_kind="content")


def _looks_like_path(text: str) -> bool:
    return any(mark in text for mark in ("/", os.sep, "*", "?", "[")) or text.lower().endswith(
        (*map(str.lower, FORMATS), ".gz", ".bz2", ".zst", ".zip")
    )


def _generator_hint(text: str) -> str:
    return f"a generator needs its parameters: {CALLS[text].signature()}" if text in CALLS else ""


def _stem(path: Path) -> str:
    """`flights` for flights.csv.gz, flights.parquet and flights/*.parquet."""
    if any(mark in path.name for mark in "*?["):
        return path.parent.name or "table"
    return path.name.split(".")[0] or path.name
