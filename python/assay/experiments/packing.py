"""States as bytes: a small JSON header and Arrow tables, one IPC stream each.

Cost: one copy of the tables when they are packed, and none when they are read back.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

__all__ = ["pack", "unpack"]

_LENGTH_BYTES = 8


def pack(header: Mapping[str, Any], tables: Mapping[str, pa.Table]) -> bytes:
    """The header and the tables as bytes; `unpack` reads them back."""
    lengths = {name: _length(table) for name, table in tables.items()}
    head = json.dumps({"header": dict(header), "tables": lengths}).encode()
    packed = io.BytesIO()
    packed.write(len(head).to_bytes(_LENGTH_BYTES, "little"))
    packed.write(head)
    for table in tables.values():
        _write(table, packed)
    return packed.getvalue()  # its own bytes, not a copy of them


def _length(table: pa.Table) -> int:
    sink = pa.MockOutputStream()
    _write(table, sink)
    return int(sink.size())


def _write(table: pa.Table, sink: object) -> None:
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)


def unpack(packed: bytes) -> tuple[dict[str, Any], dict[str, pa.Table]]:
    """The header and the tables; they borrow the bytes."""
    size = int.from_bytes(packed[:_LENGTH_BYTES], "little")
    head = json.loads(packed[_LENGTH_BYTES : _LENGTH_BYTES + size])
    buffer, offset, tables = pa.py_buffer(packed), _LENGTH_BYTES + size, {}
    for name, length in head["tables"].items():
        tables[name] = pa.ipc.open_stream(buffer.slice(offset, length)).read_all()
        offset += length
    return head["header"], tables
