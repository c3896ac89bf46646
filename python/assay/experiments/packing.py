"""States as bytes: a small JSON header and Arrow tables, one IPC stream each."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

__all__ = ["pack", "unpack"]

_LENGTH_BYTES = 8


def pack(header: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> bytes:
    """The header and the tables as bytes; `unpack` reads them back."""
    streams = []
    for table in tables.values():
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, table.schema) as writer:
            writer.write_table(table)
        streams.append(sink.getvalue())
    lengths = {name: stream.size for name, stream in zip(tables, streams, strict=True)}
    head = json.dumps({"header": dict(header), "tables": lengths}).encode()
    return b"".join([len(head).to_bytes(_LENGTH_BYTES, "little"), head, *(stream.to_pybytes() for stream in streams)])


def unpack(packed: bytes) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """The header and the tables; they borrow the bytes."""
    size = int.from_bytes(packed[:_LENGTH_BYTES], "little")
    head = json.loads(packed[_LENGTH_BYTES : _LENGTH_BYTES + size])
    buffer, offset, tables = pa.py_buffer(packed), _LENGTH_BYTES + size, {}
    for name, length in head["tables"].items():
        tables[name] = pa.ipc.open_stream(buffer.slice(offset, length)).read_all()
        offset += length
    return head["header"], tables
