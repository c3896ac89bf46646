"""`assay data`: what a table holds; or a made-up table, written to a file."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from assay.cli.options import FormatOption
from assay.cli.output import note, print_lines, print_rows, refuse_to_overwrite, say
from assay.cli.trace_data import facts_of_trace, print_trace, trace_content
from assay.errors import UsageError
from assay.units import count_of

if TYPE_CHECKING:
    from assay.caches.trace_facts import TraceFacts
    from assay.datasets import DatasetFacts, GuessedRoles

__all__ = ["data"]


def data(
    dataset: Annotated[
        str | None, Parameter(help="A dataset's name, a path, a glob, a definition, a generator or a trace.")
    ] = None,
    /,
    *,
    format: FormatOption = "table",
    generate: Annotated[
        str | None,
        Parameter(help='Write a made-up table instead, such as "zipf(rows=1000000, seed=7)".', metavar="SPELLING"),
    ] = None,
    output: Annotated[
        Path | None, Parameter(name=["--output", "-o"], help="The Parquet file for --generate.", metavar="FILE")
    ] = None,
    force: Annotated[bool, Parameter(help="Overwrite a file that is there.", negative=())] = False,
    key: Annotated[str | None, Parameter(help="Of a trace: the column of keys.", metavar="COLUMN")] = None,
    time: Annotated[str | None, Parameter(help="Of a trace: the column of times.", metavar="COLUMN")] = None,
    size: Annotated[str | None, Parameter(help="Of a trace: the column of sizes in bytes.", metavar="COLUMN")] = None,
    op: Annotated[str | None, Parameter(help="Of a trace: the column of operations.", metavar="COLUMN")] = None,
) -> int:
    """Show what a table or trace holds, or make one up.

    Columns, nulls, distinct values, skew, foreign keys and their orphans,
    fingerprint, and columns to try as keys. Of a trace for caches also
    footprint, one-hit wonders, Zipf's exponent, how soon objects are asked
    for again, reads and writes.

    For example:

        assay data flights
        assay data cache2k_web12
        assay data "twitter(cluster52.csv.zst)"
        assay data --generate "zipf(rows=1000000, seed=7)" -o zipf.parquet
    """
    from assay.datasets import describe, guess_roles, open_dataset

    named = {"key": key, "time": time, "size": size, "op": op}
    if generate is not None:
        if any(named.values()):
            raise UsageError("--key, --time, --size and --op say how a trace is shown; leave them out with --generate")
        if dataset is not None:
            raise UsageError(f"both {dataset} and --generate are given; expected one of them")
        if output is None:
            raise UsageError("--generate needs a file to write: add -o FILE.parquet")
        _generate(generate, output, force)
        return 0
    if dataset is None:
        raise UsageError(
            "no dataset is given; expected a name, a path or a generator; `assay list datasets` shows names"
        )
    if output is not None:
        raise UsageError("-o goes with --generate only; redirect standard output to keep what is shown")
    table = open_dataset(dataset)
    facts = describe(table)
    roles = guess_roles(table, facts=facts)
    trace = facts_of_trace(table, named) if format in ("json", "table") else None
    if format == "json":
        _print_json(facts, roles, trace)
    elif format == "table":
        _print_facts(dataset, facts, roles, trace)
    else:
        print_rows(_columns(facts), format)
    return 0


def _columns(facts: DatasetFacts) -> list[dict[str, Any]]:
    return [
        {
            "column": column.name,
            "type": column.type,
            "nulls": column.nulls,
            "distinct": column.distinct,
            "top_value": None if column.top_value is None else str(column.top_value),
            "top_rows": column.top_rows,
            "skew": column.skew,
            "note": column.note,
        }
        for column in facts.columns
    ]


def _references(facts: DatasetFacts) -> list[dict[str, Any]]:
    return [
        {
            "foreign_key": key.name,
            "columns": ", ".join(key.columns),
            "parent": f"{key.parent}({', '.join(key.parent_columns)})",
            "parent_rows": key.parent_rows,
            "null_rows": key.null_rows,
            "orphan_rows": key.orphan_rows,
            "orphan_values": key.orphan_values,
            "matched_rows": key.matched_rows,
            "problem": key.problem,
        }
        for key in facts.foreign_keys
    ]


def _print_json(facts: DatasetFacts, roles: GuessedRoles, trace: TraceFacts | None) -> None:
    import dataclasses
    import json

    content = {
        **{name: value for name, value in dataclasses.asdict(facts).items() if name not in ("columns", "foreign_keys")},
        "columns": _columns(facts),
        "foreign_keys": _references(facts),
        "proposed": {"time": roles.time, "keys": roles.keys, "lists": roles.lists, "reasons": dict(roles.reasons)},
        **({} if trace is None else {"trace": trace_content(trace)}),
    }
    say(json.dumps(content, indent=1, ensure_ascii=False, default=str))


def _print_facts(dataset: str, facts: DatasetFacts, roles: GuessedRoles, trace: TraceFacts | None) -> None:
    from assay.units import format_bytes

    stored = "" if facts.storage_bytes is None else f", {format_bytes(facts.storage_bytes)}"
    say(f"{facts.name}: {count_of(facts.rows, 'row')} × {count_of(len(facts.columns), 'column')}{stored}")
    print_lines(
        [
            (label, text)
            for label, text in (
                ("what", facts.description),
                ("source", facts.source),
                ("licence", facts.licence or ""),
                ("attribution", facts.attribution or ""),
                ("fingerprint", f"{facts.fingerprint} (of its {facts.fingerprint_kind})"),
                ("queries", "\n".join(f"{name} = {spelling}" for name, spelling in facts.queries.items())),
            )
            if text
        ]
    )
    say("")
    print_rows([_shown_column(row, facts.rows) for row in _columns(facts)], "table")
    if facts.foreign_keys:
        say("")
        print_rows([_shown_reference(row) for row in _references(facts)], "table")
    say("")
    proposed = [("time", (roles.time,) if roles.time else ()), ("keys", roles.keys), ("lists", roles.lists)]
    lines = [
        (f"proposed {role}", "\n".join(f"{name}: {roles.reasons.get(name, '')}" for name in names))
        for role, names in proposed
        if names
    ]
    print_lines(lines or [("proposed", "no column looks like a key")])
    if trace is not None:
        print_trace(trace)
        note(f"\nnext: assay compare caching {shlex.quote(dataset)}")
    elif facts.rows:
        note(f"\nnext: assay compare partitioning {shlex.quote(dataset)} --partitions 8")


def _shown_column(row: dict[str, Any], rows: int) -> dict[str, Any]:
    from assay.units import format_count, format_value

    def count(value: int | None) -> str:
        return "–" if value is None else format_count(value)

    top = "–" if row["top_value"] is None else row["top_value"]
    share = row["top_rows"] / (rows - row["nulls"]) if row["top_rows"] else None
    return {
        "column": row["column"],
        "type": row["type"],
        "nulls": count(row["nulls"]),
        "distinct": count(row["distinct"]) if row["note"] is None else "> limit",
        "top": format_value(share, "share"),
        "skew": format_value(row["skew"], "ratio"),
        "most frequent": top if len(top) <= 24 else f"{top[:23]}…",
    }


def _shown_reference(row: dict[str, Any]) -> dict[str, Any]:
    from assay.units import format_count

    shown = {"foreign key": row["foreign_key"], "columns": row["columns"]}
    for label, name in (
        ("matched", "matched_rows"),
        ("orphans", "orphan_rows"),
        ("values", "orphan_values"),
        ("null", "null_rows"),
    ):
        shown[label] = "–" if row[name] is None else format_count(row[name])
    shown["parent"] = row["parent"] if row["problem"] is None else row["problem"]
    return shown


def _generate(spelling: str, output: Path, force: bool) -> None:
    """Writes the rows of a generator as Parquet, whole or not at all, in bounded memory."""
    import pyarrow.parquet as pq

    from assay.datasets import open_dataset
    from assay.datasets.calls import call_definition
    from assay.errors import StoreError

    if output.suffix != ".parquet":
        raise UsageError(f"{output} does not end in .parquet; only Parquet is written")
    refuse_to_overwrite(output, force)
    call_definition(spelling)  # a mistake is told before a file is opened
    table = open_dataset(spelling)
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    rows = 0
    try:
        with pq.ParquetWriter(partial, table.schema) as writer:
            for batch in table.batches():
                writer.write_batch(batch.data)
                rows += batch.data.num_rows
        partial.replace(output)
    except OSError as error:
        raise StoreError(f"cannot write {output}: {error.strerror or error}; choose another place with -o") from error
    finally:
        partial.unlink(missing_ok=True)
    note(f"wrote {count_of(rows, 'row')} of {table.name}")
    say(str(output))
