"""Fingerprints: equal for equal rows, so that results can be told to be about the same data.

Four kinds, all SHA-256 in hex:
    file       over the files' bytes; one file without options gives what `sha256sum` prints
    content    over names, types and row hashes, so that neither chunks nor container matter
    generator  over the canonical spelling and the generator's version: the rows follow from them
    metadata   over what a store says of its files (size, entity tag, else time of change) and Parquet's footers,
               since hashing content would fetch all of it; the same rows elsewhere have another one
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO, Literal

import numpy as np
import pyarrow as pa

from assay.datasets.arrow_types import is_nested, kind_of, plain_array
from assay.datasets.batch import Reader, reading
from assay.datasets.files import File, FileStamp, RemoteFile, opened
from assay.errors import ChecksumMismatchError

__all__ = [
    "FingerprintKind",
    "check_checksum",
    "content_fingerprint",
    "file_fingerprint",
    "files_digest",
    "has_metadata",
    "metadata_digest",
]

FingerprintKind = Literal["file", "content", "generator", "metadata"]
_FOOTER_END_BYTES = 8  # of a Parquet file: the footer's length, then PAR1
_CHUNK_BYTES = 1 << 20


def files_digest(files: Sequence[File]) -> str:
    """SHA-256 of one file's bytes; of several files, SHA-256 over their digests in row order."""
    digests = []
    for path in files:
        with reading(path), opened(path) as file:
            digests.append(_digest(file))
    if len(digests) == 1:
        return digests[0].hex()
    return hashlib.sha256(b"".join(digests)).hexdigest()


def _digest(file: BinaryIO) -> bytes:
    digest = hashlib.sha256()
    while chunk := file.read(_CHUNK_BYTES):
        digest.update(chunk)
    return digest.digest()


def has_metadata(files: Sequence[File]) -> bool:
    """Whether all files are in stores that tell when one of them changes."""
    return bool(files) and all(
        isinstance(file, RemoteFile) and (file.entry.tag or file.entry.modified_ns) for file in files
    )


def metadata_digest(files: Sequence[File], *, footers: bool) -> str:
    """SHA-256 over path, size, and entity tag or time of change of each file, and its Parquet footer."""
    lines = []
    for file in files:
        stamp = FileStamp.of(file)
        path = file.entry.path if isinstance(file, RemoteFile) else str(file)
        line: list[Any] = [path, stamp.bytes, stamp.tag or stamp.modified_ns]
        if footers:
            with reading(file), opened(file) as source:
                source.seek(max(0, stamp.bytes - _FOOTER_END_BYTES))
                length = int.from_bytes(source.read(4), "little")
                source.seek(max(0, stamp.bytes - _FOOTER_END_BYTES - length))
                line.append(hashlib.sha256(source.read(length)).hexdigest())
        lines.append(line)
    return hashlib.sha256(json.dumps(lines, ensure_ascii=True).encode()).hexdigest()


def file_fingerprint(digest: str, options: Mapping[str, Any]) -> str:
    """`digest`, or its hash with the options that decide how the bytes are read, if there are any."""
    if not options:
        return digest
    return hashlib.sha256(f"{digest}\n{json.dumps(options, sort_keys=True)}".encode()).hexdigest()


def check_checksum(name: str, files: Sequence[File], recorded: str, digest: str) -> None:
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
