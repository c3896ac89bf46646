"""Columns that stand in folder names: `year=2013/month=1/part.parquet`.

Every folder below the named one (or from a pattern's first wildcard on) that reads `name=value` is a
column of all rows of its files. A column's type is int64 where every value is a whole number, date32
where every one is YYYY-MM-DD, else string; `types` of a definition declares another. A value is
percent-decoded; `__HIVE_DEFAULT_PARTITION__` is null. The columns follow the files' own ones.
Cost: a look at each path; a column of one value is made per batch.
Source: Apache Hive, "Dynamic Partitions"; the rules for types are those of Spark and DuckDB, without times.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

import pyarrow as pa

from assay.errors import ReadError, UnknownNameError

__all__ = ["folder_columns", "folder_values"]

NULL = "__HIVE_DEFAULT_PARTITION__"
_PAIR = re.compile(r"([^=]+)=(.*)", re.DOTALL)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


def folder_values(path: PurePath, folder: PurePath) -> tuple[tuple[str, str], ...]:
    """The (name, value) pairs, as written, of the folders between `folder` and the file at `path`."""
    pairs = [_PAIR.fullmatch(part) for part in path.relative_to(folder).parts[:-1]]
    return tuple((unquote(pair[1]), pair[2]) for pair in pairs if pair)


def folder_columns(
    values: Sequence[tuple[tuple[str, str], ...]],
    files: Sequence[object],
    own: pa.Schema,
    types: Mapping[str, pa.DataType],
) -> list[tuple[pa.Field, list[pa.Scalar]]]:
    """Each column with its value in each file.

    Args:
        values: What `folder_values` found, a file each; files with other names than the first are refused.
        files: The files, for messages.
        own: The columns in the files, which must have other names.
        types: Declared types by column; only for columns in folder names.

    Raises:
        ReadError: files differ in their folders' names, a name is the files' own too, or a value is not of its type.
        UnknownNameError: a type is declared for a column that is in no folder's name.
    """
    names = [name for name, _ in values[0]] if values else []
    for pairs, file in zip(values, files, strict=True):
        if [name for name, _ in pairs] != names:
            met = "/".join(f"{name}=..." for name, _ in pairs) or "no name=value"
            first = "/".join(f"{name}=..." for name in names) or "no name=value"
            raise ReadError(
                f"{file} lies in folders with {met}, {files[0]} with {first}; "
                "all files of one dataset must lie under the same names"
            )
    for name in names:
        if name in own.names or names.count(name) > 1:
            where = "a folder's name and in the files themselves" if name in own.names else "two folders' names"
            raise ReadError(
                f"column {name!r} of {files[0]} is in {where}; rename the folder, or name the files by a pattern "
                "that begins below it"
            )
    for name in types if names else ():
        if name not in names:
            raise UnknownNameError.of("column in a folder's name", name, names, hint="Parquet brings its own types")
    columns = []
    for place, name in enumerate(names):
        texts = [None if pairs[place][1] == NULL else unquote(pairs[place][1]) for pairs in values]
        data_type = types.get(name) or _type(texts)
        scalars = [_scalar(text, data_type, name, file) for text, file in zip(texts, files, strict=True)]
        columns.append((pa.field(name, data_type), scalars))
    return columns


def _type(texts: Sequence[str | None]) -> pa.DataType:
    present = [text for text in texts if text is not None]
    if present and all(_INTEGER.fullmatch(text) for text in present):
        return pa.int64()
    if present and all(_is_date(text) for text in present):
        return pa.date32()
    return pa.string()


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _scalar(text: str | None, data_type: pa.DataType, name: str, file: object) -> Any:
    try:
        return pa.scalar(text, pa.string()).cast(data_type)
    except pa.ArrowException as error:
        raise ReadError(
            f"{file}: the folder {name}={text} is no {data_type}; declare another type for {name}"
        ) from error
