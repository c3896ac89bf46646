"""How to join under a strategy: for each foreign key the cheapest way, and which tables to partition alike.

Four ways bring a row and its parent together. Where the parent lives with its rows nothing is to
pay: the table is co-located. A reference table is a copy of the parent on every partition, and a
denormalized one has the parent's columns in its rows: both are paid once, and with every change.
Repartitioning sends rows to their parents with every join. The cheapest is what sends or adds the
least bytes for the first join; where no bytes were measured, rows decide.
Source: METHODOLOGY, "Foreign keys".
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from assay.units import format_bytes, format_count, format_value

__all__ = ["notes_on_joins"]

Row = Mapping[str, float | None]


def notes_on_joins(contender: str, partitions: int, row: Row, texts: Mapping[str, str]) -> list[str]:
    """What to do about joins under one strategy, a sentence or two.

    Args:
        contender: The strategy's spelling.
        partitions: Their number.
        row: Its metrics by name.
        texts: What was said of some metrics, by name.
    """
    keys = [name.partition(".")[2] for name in row if name.startswith("cross_join_share.")]
    crossing = [key for key in keys if row[f"cross_join_share.{key}"]]
    local = [key for key in keys if row[f"cross_join_share.{key}"] == 0]
    notes = []
    if crossing:
        by_bytes = all(row.get(f"{way}_bytes.{key}") is not None for key in crossing for way in _WAYS)
        ways = [_by_bytes(row, key) if by_bytes else _by_rows(row, key, partitions) for key in crossing]
        kept = [f"{key} is co-located" for key in local]
        counted = "" if by_bytes else " Rows were counted: --bytes measures what they weigh, and denormalization too."
        notes.append(f"Joins under {contender}, each in the cheapest way: {'; '.join(kept + ways)}.{counted}")
    groups = list(dict.fromkeys(texts[name] for name in texts if name.startswith("colocated_tables.")))
    if groups:
        one = "this group" if len(groups) == 1 else "one of these groups"
        notes.append(
            f"Co-location: joins stay local within {one}, if its tables are partitioned alike: {'; '.join(groups)}."
        )
    return notes


_WAYS = ("broadcast", "repartition", "denormalized")


def _by_bytes(row: Row, key: str) -> str:
    broadcast, repartition, denormalized = (int(row[f"{way}_bytes.{key}"] or 0) for way in _WAYS)
    each = f"{format_bytes(repartition)} with each join"
    if broadcast <= min(repartition, denormalized):
        return f"{key} as a reference table ({format_bytes(broadcast)} once, against {each})"
    if denormalized <= repartition:
        return (
            f"{key} denormalized ({format_bytes(denormalized)} once, against {each}, or {format_bytes(broadcast)} for "
            f"copies of the table; {_update(row, key)})"
        )
    pays = f"; copies of the table, {format_bytes(broadcast)}, pay from join {_joins(broadcast, repartition)} on"
    return f"{key} repartitioned ({each}{pays})"


def _by_rows(row: Row, key: str, partitions: int) -> str:
    copies = int(row.get(f"parent_rows.{key}") or 0) * (partitions - 1)
    sent = (row[f"cross_join_share.{key}"] or 0) * (row.get(f"matched_rows.{key}") or 0)
    each = f"{format_count(sent)} rows with each join"
    if copies <= sent:
        return f"{key} as a reference table ({format_count(copies)} rows once, against {each})"
    return (
        f"{key} repartitioned ({each}; {format_count(copies)} rows of copies pay from join {_joins(copies, sent)} on)"
    )


def _joins(once: float, each: float) -> str:
    """With which join something that is paid once has paid off."""
    return format_count(math.ceil(once / max(each, 1)))


def _update(row: Row, key: str) -> str:
    rows, partitions = row.get(f"update_rows_mean.{key}"), row.get(f"update_partitions_mean.{key}")
    where = "" if partitions is None else f" in {format_value(partitions, 'partitions')} partitions"
    return f"an update of one parent touches {format_value(rows, 'rows')} rows{where}, half stale if it stops half-way"
