"""From a definition's source to the reader of its format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assay.datasets.arc_files import ArcReader
from assay.datasets.arrow_types import parse_type
from assay.datasets.batch import Reader
from assay.datasets.calls import open_call
from assay.datasets.csv_files import CsvReader
from assay.datasets.definition import Definition
from assay.datasets.files import File
from assay.datasets.formats import Format, format_by_name
from assay.datasets.ipc_files import open_ipc
from assay.datasets.key_lines import KeyLinesReader
from assay.datasets.locations import locate
from assay.datasets.oracle_general import OracleGeneralReader
from assay.datasets.parquet_files import ParquetReader
from assay.datasets.twitter_files import TwitterReader

__all__ = ["open_reader", "reading_options"]


def open_reader(definition: Definition, base: Path | None) -> Reader:
    """An open reader over what `definition` names; relative paths start at `base`.

    Raises:
        ReadError: a file is missing, truncated or not of its format.
    """
    source = definition.source
    assert source is not None, "a table in memory has no source to open again"
    if source.generator is not None:
        return open_call(source.generator)
    location = locate(source, base)
    types = {name: parse_type(spelling) for name, spelling in definition.types.items()}
    if location.format == "parquet":
        return ParquetReader(location.files, folders=location.folders, types=types)
    if location.format == "ipc":
        return open_ipc(location.files)
    if location.format in _TRACES:
        return _TRACES[location.format](location.files)
    return CsvReader(
        location.files,
        member=location.member,
        types=types,
        null_values=definition.null_values,
        delimiter=definition.delimiter,
    )


_TRACES: dict[Format, Callable[[Sequence[File]], Reader]] = {
    "oracle_general": OracleGeneralReader,
    "lis": ArcReader,
    "twitter": TwitterReader,
    "keys": KeyLinesReader,
}


def reading_options(definition: Definition) -> dict[str, Any]:
    """What decides, beside the bytes, which rows are read; empty where nothing is declared."""
    options = {
        "member": definition.source.member if definition.source else None,
        "types": {name: str(parse_type(spelling)) for name, spelling in definition.types.items()},
        "null_values": sorted(definition.null_values or ()),
        "delimiter": definition.delimiter,
        "format": _format_beside_the_name(definition),
    }
    return {name: value for name, value in options.items() if value}


def _format_beside_the_name(definition: Definition) -> str | None:
    """The format, where it is declared and no file of this name would be read so anyway."""
    source = definition.source
    if source is None or source.format is None:
        return None
    name = (source.path or source.file or "").split("?")[0]
    return None if format_by_name(name) == source.format else source.format
