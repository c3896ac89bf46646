"""Rows of the store's views as files that other tools read: Parquet, CSV (RFC 4180), JSON and Markdown.

What only DuckDB knows is made plain: JSON is text in Parquet, CSV and Markdown and a value in JSON,
times are UTC, whole decimals are 64-bit integers, structs and maps are JSON text. Lists stay lists
in Parquet and JSON, and are JSON text elsewhere. Numbers keep full precision; one that is no number
(NaN, infinity) is null in JSON and as it is elsewhere.

Cost: the rows of one view in memory.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from assay.errors import UnknownNameError
from assay.store.database import Database
from assay.store.schema import views

__all__ = ["SUFFIXES", "Rows", "exported_names", "read_rows", "rendered", "write_rows"]

SUFFIXES = {"parquet": ".parquet", "csv": ".csv", "json": ".json", "markdown": ".md"}
_TABLES = ("claim", "dataset", "environment")  # what no view shows
_OF_RUN = {  # tables without a run_id: which of their rows a run is about
    "dataset": "fingerprint IN (SELECT dataset_fingerprint FROM experiment WHERE run_id = ?)",
    "environment": "environment_id IN (SELECT environment_id FROM run WHERE run_id = ?)",
}


@dataclass(frozen=True)
class Rows:
    """The rows of one view or table, in a fixed order, with the names of its JSON columns."""

    name: str
    table: pa.Table
    json_columns: frozenset[str]


def exported_names() -> list[str]:
    """The views, and the tables that no view shows, by name."""
    return sorted([*views(), *_TABLES])


def read_rows(store: Database, name: str, run_id: str | None) -> Rows:
    """The rows of a view or table that belong to one run, or to all for None, as plain Arrow.

    Raises:
        UnknownNameError: There is no such view or table.
    """
    described = store.query(
        "SELECT column_name AS name, data_type AS type FROM duckdb_columns() WHERE NOT internal AND table_name = ? "
        "ORDER BY column_index",
        [name],
    ).to_pylist()
    if not described or name == "meta":
        raise UnknownNameError.of("view or table", name, exported_names())
    columns = {row["name"]: row["type"] for row in described}
    condition = "run_id = ?" if "run_id" in columns else _OF_RUN[name]
    where = "" if run_id is None else f" WHERE {condition}"
    table = store.query(f"SELECT * FROM {name}{where} ORDER BY ALL", [] if run_id is None else [run_id])
    json_columns = frozenset(column for column, kind in columns.items() if kind == "JSON")
    return Rows(name, _plain(table), json_columns)


def rendered(rows: Rows, format: str) -> str:
    """The rows as CSV, JSON or Markdown."""
    names = rows.table.column_names
    records = rows.table.to_pylist()
    if format == "json":
        values = [{name: _value(record[name], name in rows.json_columns) for name in names} for record in records]
        return json.dumps(values, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    texts = [[_text(record[name]) for name in names] for record in records]
    if format == "csv":
        out = io.StringIO()
        csv.writer(out).writerows([names, *texts])
        return out.getvalue()
    assert format == "markdown", format
    lines = [names, ["---"] * len(names), *([_markdown(text) for text in line] for line in texts)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_rows(rows: Rows, path: Path, format: str) -> None:
    """Writes the rows beside `path` and renames them, so that no half file is left under its name.

    Raises:
        OSError: The folder cannot be written, or is full.
    """
    part = path.with_name(f"{path.name}.part-{os.getpid()}")
    try:
        if format == "parquet":
            pq.write_table(rows.table, part)
        else:
            part.write_text(rendered(rows, format), encoding="utf-8", newline="")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _plain(table: pa.Table) -> pa.Table:
    """The table in types that every reader of Parquet knows."""
    for place, field in enumerate(table.schema):
        column = table.column(place)
        if isinstance(field.type, pa.BaseExtensionType):
            column = pa.chunked_array([chunk.storage for chunk in column.chunks], field.type.storage_type)
        if pa.types.is_decimal(column.type) and column.type.scale == 0:
            # Sums of counts; one beyond 64 bits is no count of this store.
            column = pc.cast(column, pa.int64())
        elif pa.types.is_struct(column.type) or pa.types.is_map(column.type):
            column = pa.chunked_array([pa.array([_text(value) or None for value in column.to_pylist()], pa.string())])
        elif pa.types.is_dictionary(column.type):
            column = pc.cast(column, column.type.value_type)
        elif pa.types.is_timestamp(column.type) and column.type.tz is not None:
            column = pc.cast(column, pa.timestamp("us", "UTC"))
        table = table.set_column(place, field.name, column)
    return table


def _value(value: Any, is_json: bool) -> object:
    """A value as JSON holds it."""
    if is_json and isinstance(value, str):
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    if isinstance(value, (float, Decimal)):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _value(inner, False) for key, inner in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_value(inner, False) for inner in value]
    return value if value is None or isinstance(value, (str, int)) else _text(value)


def _text(value: Any) -> str:
    """A value as CSV and Markdown hold it; nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value.tzinfo else value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (str, int, float, Decimal)):
        return str(value)
    if isinstance(value, (Mapping, list, tuple)):
        pairs = dict(value) if value and isinstance(value, list) and isinstance(value[0], tuple) else value
        return json.dumps(_value(pairs, False), ensure_ascii=False)
    return str(value)


def _markdown(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ("|", "\\|"), ("<", "&lt;"), ("`", "\\`"), ("\r", " "), ("\n", " ")):
        text = text.replace(plain, escaped)
    return text
