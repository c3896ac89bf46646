"""Asks the product the oracle's questions, and says where the two differ.

The product answers through the front door, `assay.compare`; nothing else of it is looked at.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import oracle
import pyarrow as pa
import pyarrow.parquet as pq
from oracle_keys import Column, Table
from oracle_strategies import Strategy

import assay

Answers = dict[tuple[str, int], dict[str, float | None]]

# Exact numbers of the product's own memory layout, which no definition settles.
NOT_DEFINED = {"routing_bytes", "directory_entries"}
RELATIVE_TOLERANCE = 1e-12


def ask(data: object, strategies: Sequence[Strategy], partitions: Sequence[int], **settings: Any) -> Answers:
    """The product's exact metrics, per contender's spelling without blanks and number of partitions."""
    spellings = [strategy.spelling for strategy in strategies]
    comparison = assay.compare(
        "partitioning", data, strategies=spellings, partitions=list(partitions), timing=False, **settings
    )
    assert not comparison.failures, comparison.failures
    answers: Answers = {}
    for row in comparison.to_arrow().to_pylist():
        if row["kind"] == "exact" and row["metric"] not in NOT_DEFINED:
            cell = answers.setdefault((row["contender"], json.loads(row["parameters"])["partitions"]), {})
            assert row["metric"] not in cell, f"{row['metric']} of {row['contender']} comes twice"
            cell[row["metric"]] = row["value"]
    return answers


def differences(strategy: Strategy, n: int, answers: Answers, expected: Mapping[str, oracle.Value]) -> list[str]:
    """Each metric on which product and oracle differ, with both values; empty where all agree."""
    found = answers[without_blanks(strategy.spelling), n]
    lines = [f"{name}: only the product has it, {found[name]!r}" for name in sorted(set(found) - set(expected))]
    for name, value in expected.items():
        if name not in found:
            lines.append(f"{name}: only the oracle has it, {value!r}")
        elif not same(found[name], value):
            lines.append(f"{name}: product {found[name]!r}, oracle {value and float(value)!r} ({value})")
    return [f"{strategy.spelling} at n = {n}: {line}" for line in lines]


def same(found: float | None, value: oracle.Value) -> bool:
    """Equal for counts, to 1e-12 of the value for quotients and roots, null only for null."""
    if found is None or value is None:
        return found is None and value is None
    if isinstance(value, int):
        return found == value
    return math.isclose(found, value, rel_tol=RELATIVE_TOLERANCE, abs_tol=0.0)


def without_blanks(spelling: str) -> str:
    """The name of a contender: its spelling, blanks outside quotes removed."""
    parts = spelling.split('"')
    return '"'.join(part if i % 2 else part.replace(" ", "") for i, part in enumerate(parts))


def arrow_type(kind: str) -> pa.DataType:
    types = {"int": pa.int64(), "text": pa.string(), "float": pa.float64(), "bool": pa.bool_(), "date": pa.date32()}
    types |= {"timestamp": pa.timestamp("ns"), "decimal": pa.decimal128(24, 3)}
    return types[kind]


def to_arrow(table: Table, types: Mapping[str, pa.DataType] | None = None) -> pa.Table:
    """The oracle's table as Arrow: the types as given, else the widest of their kind."""
    chosen = {name: (types or {}).get(name, arrow_type(column.kind)) for name, column in table.items()}
    return pa.table({name: to_array(column, chosen[name]) for name, column in table.items()})


def to_array(column: Column, wanted: pa.DataType) -> pa.Array:
    if column.kind == "timestamp":
        return pa.array(column.values, pa.int64()).cast(pa.timestamp("ns")).cast(wanted)
    if column.kind == "date":
        return pa.array(column.values, pa.int32()).cast(pa.date32()).cast(wanted)
    return pa.array(column.values, wanted)


def define(
    folder: Path, tables: Mapping[str, pa.Table], foreign_keys: Sequence[oracle.ForeignKey], **writer: Any
) -> Path:
    """Writes the tables as Parquet and a definition of `child` with its foreign keys; returns the definition."""
    for name, table in tables.items():
        pq.write_table(table, folder / f"{name}.parquet", **writer)
        lines = [f'name = "{name}"', f'source = {{ path = "{name}.parquet" }}']
        if name == "child":
            for key in foreign_keys:
                lines += [f"[foreign_keys.{key.name}]", f"columns = {json.dumps(key.columns)}"]
                lines += [f'parent = "{key.name}.toml"', f"parent_columns = {json.dumps(key.parent_columns)}"]
        (folder / f"{name}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder / "child.toml"
