"""Fingerprints: equal for equal rows, so that results can be told to be about the same data.

Three kinds, all SHA-256 in hex:
    file       over the files' bytes; one file without options gives what `sha256sum` prints
    content    over names, types and row hashes, so that neither chunks nor container matter
    generator  over the canonical spelling and the generator's version: the rows follow from them
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa

from assay.datasets.arrow_types import is_nested, kind_of, plain_array
from assay.datasets.batch import Reader, reading
from assay.errors import ChecksumMismatchError

__all__ = ["FileStamp", "FingerprintKind", "check_checksum", "content_fingerprint", "file_fingerprint", "files_digest"]

FingerprintKind = Literal["file", "content", "generator"]


@dataclass(frozen=True)
class FileStamp:
    """What tells cheaply that a file is still the one that was opened."""

    path: str
    bytes: int
    modified_ns: int

    @classmethod
    def of(cls, path: Path) -> FileStamp:
        """The stamp of the file as it is now."""
        with reading(path):
            status = path.stat()
        return cls(str(path), status.st_size, status.st_mtime_ns)


def files_digest(files: Sequence[Path]) -> str:
    """SHA-256 of one file's bytes; of several files, SHA-256 over their digests in row order."""
    digests = []
    for path in files:
        with reading(path), path.open("rb") as file:
            digests.append(hashlib.file_digest(file, "sha256"))
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(digest.digest() for digest in digests)).hexdigest()


def file_fingerprint(digest: str, options: Mapping[str, Any]) -> str:
    """`digest`, or its hash with the options that decide how the bytes are read, if there are any."""
    if not options:
        return digest
    return hashlib.sha256(f"{digest}\n{json.dumps(options, sort_keys=True)}".encode()).hexdigest()


def check_checksum(name: str, files: Sequence[Path], recorded: str, digest: str) -> None:
    """Raises ChecksumMismatchError unless the files' digest is the recorded one."""
    found = f"sha256:{digest}"
    if found != recorded:
        where = str(files[0]) if len(files) == 1 else f"{files[0]} and {len(files) - 1} more"
        raise ChecksumMismatchError(
            f"dataset {name}: {where} has changed behind its recorded checksum: found {found}, recorded {recorded}; "
            "restore the file, or if the change is meant, write the found checksum into the definition"
        )


def content_fingerprint(reader: Reader) -> str:
    """SHA-256 over (names, kinds of types) and, row by row, `hash_rows` as little-endian uint64."""
    from assay.hashing import hash_rows

    header = [[field.name, kind_of(field.type)] for field in reader.schema]
    digest = hashlib.sha256(json.dumps(header, ensure_ascii=True).encode())
    for batch in reader.batches(reader.schema.names, None):
        hashes = hash_rows(_hashable(batch.data)).fill_null(0)  # null only where a table's one column is
        digest.update(np.asarray(hashes).astype("<u8").tobytes())
    return digest.hexdigest()


def _hashable(data: pa.RecordBatch) -> pa.Table:
    """`data` with columns that are no keys (lists, structs) written out as text, which no chunking changes."""
    columns: list[pa.Array] = []
    for column in data.columns:
        if is_nested(column.type):
            column = pa.array(_texts(column), pa.large_string())
        elif pa.types.is_null(column.type):
            column = column.cast(pa.large_string())
        elif pa.types.is_duration(column.type):
            column = column.cast(pa.int64())
        elif pa.types.is_interval(column.type) or pa.types.is_decimal256(column.type):
            column = pa.array(_texts(column), pa.large_string())
        else:
            column = plain_array(column)
        columns.append(column)
    return pa.Table.from_arrays(columns, names=[f"{number}" for number in range(len(columns))])


def _texts(column: pa.Array) -> Iterator[str | None]:
    for value in column.to_pylist():
        yield None if value is None else repr(value)
