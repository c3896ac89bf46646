"""Formats of files: what a name says, and how one is named where the name does not tell.

requests.csv.gz  w01.oracleGeneral.bin.zst  OLTP.lis        by the name
twitter(cluster52.csv)  keys("logs/requests.txt")           named: a call with the path, in quotes or as it is
"""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Literal, cast

__all__ = ["COMPRESSIONS", "FORMATS", "TRACE_FORMATS", "Format", "format_by_name", "format_call"]

Format = Literal["parquet", "csv", "ipc", "oracle_general", "lis", "twitter", "keys"]
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
    ".oracleGeneral": "oracle_general",  # anywhere in the name
    ".lis": "lis",
}
TRACE_FORMATS: dict[Format, str] = {
    "oracle_general": "libCacheSim's binary records",
    "lis": "ARC's lines of first block and number of blocks",
    "twitter": "the CSV without a header of Twitter's cache clusters",
    "keys": "a key a line",
}
COMPRESSIONS = (".gz", ".bz2", ".zst", ".lz4", ".zip")
_BY_SUFFIX = {suffix.lower(): format_ for suffix, format_ in FORMATS.items()}
_CALL = re.compile(rf"\s*({'|'.join(TRACE_FORMATS)})\s*\(\s*(.*?)\s*\)\s*", re.DOTALL)


def format_by_name(name: str) -> Format | None:
    """The format of a file that is called so; None where the name does not tell."""
    suffixes = [suffix.lower() for suffix in PurePath(name).suffixes]
    if ".oraclegeneral" in suffixes:
        return "oracle_general"
    if suffixes and suffixes[-1] in COMPRESSIONS:
        found = _BY_SUFFIX.get(suffixes[-2]) if len(suffixes) > 1 else None
        return "csv" if suffixes[-1] == ".zip" and found is None else found
    return _BY_SUFFIX.get(suffixes[-1]) if suffixes else None


def format_call(text: str) -> tuple[Format, str] | None:
    """The format and the path of `twitter(cluster52.csv)`; None where `text` is no such call.

    >>> format_call('keys("my requests.txt")')
    ('keys', 'my requests.txt')
    """
    match = _CALL.fullmatch(text)
    if match is None:
        return None
    path = match[2]
    if len(path) > 1 and path[0] == path[-1] and path[0] in "'\"":
        path = path[1:-1].replace(path[0] * 2, path[0])
    return cast(Format, match[1]), path
