"""From a definition's source to the reader of its format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assay.datasets.arrow_types import parse_type
from assay.datasets.batch import Reader
from assay.datasets.calls import open_call
from assay.datasets.csv_files import CsvReader
from assay.datasets.definition import Definition
from assay.datasets.ipc_files import open_ipc
from assay.datasets.locations import locate
from assay.datasets.parquet_files import ParquetReader

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
    return CsvReader(
        location.files,
        member=location.member,
        types=types,
        null_values=definition.null_values,
        delimiter=definition.delimiter,
    )


def reading_options(definition: Definition) -> dict[str, Any]:
    """What decides, beside the bytes, which rows are read; empty where nothing is declared."""
    options = {
        "member": definition.source.member if definition.source else None,
        "types": {name: str(parse_type(spelling)) for name, spelling in definition.types.items()},
        "null_values": sorted(definition.null_values or ()),
        "delimiter": definition.delimiter,
    }
    return {name: value for name, value in options.items() if value}
