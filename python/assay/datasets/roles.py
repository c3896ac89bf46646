"""Which columns to try first, for somebody who has named none.

Rules, in this order, from facts alone (no names are guessed at, except that identifiers often end in
id, key, code, number or uuid, which breaks ties):
    time    the declared role, else the timestamp or date column with the most distinct values
    keys    the declared role; columns of foreign keys; then text, binary and whole-number columns with at most 5 %
            nulls and at least 64 distinct values: text first, then identifiers, then the most distinct
    lists   the same types with 2 to 64 distinct values and at most 5 % nulls: whole numbers only where no text is so
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from assay.datasets.arrow_types import is_text, plain_type
from assay.datasets.dataset import Dataset
from assay.datasets.facts import ColumnFacts, DatasetFacts, describe

__all__ = ["GuessedRoles", "guess_roles"]

NULL_SHARE_AT_MOST = 0.05
KEY_DISTINCT_AT_LEAST = 64
LIST_DISTINCT_AT_MOST = 64
SAMPLE_ROWS = 1_000_000
CANDIDATES_AT_MOST = 3

_IDENTIFIER = re.compile(r"(^|_)(id|key|code|number|num|uuid|guid)$|[a-z]Id$", re.IGNORECASE)


@dataclass(frozen=True)
class GuessedRoles:
    """Columns worth trying, best first; `reasons` says why, in words, by column."""

    time: str | None
    keys: tuple[str, ...]  # for hash, ring and the like
    lists: tuple[str, ...]  # for list and directory
    reasons: Mapping[str, str] = field(default_factory=dict)


def guess_roles(dataset: Dataset, *, facts: DatasetFacts | None = None) -> GuessedRoles:
    """Columns of `dataset` that may serve as time, as key and as list.

    Args:
        dataset: Any dataset.
        facts: What `describe` found; by default its first million rows are described.
    """
    if facts is None:
        facts = describe(dataset, rows_at_most=SAMPLE_ROWS, foreign_keys=False, fingerprint=False)
    columns = {column.name: column for column in facts.columns}
    referring = [key.columns[0] for key in dataset.foreign_keys if len(key.columns) == 1]
    reasons: dict[str, str] = {}

    time = dataset.roles.get("time") or _time(dataset, columns)
    if time:
        declared = "time" in dataset.roles
        reasons[time] = "declared as the time" if declared else "the time column with the most distinct values"

    candidates = [name for name in columns if _may_be_key(dataset, columns[name])]
    keys = [name for name in candidates if _distinct(columns[name], facts) >= KEY_DISTINCT_AT_LEAST]
    keys.sort(key=lambda name: _key_rank(dataset, columns[name], facts, name in referring))
    if role := dataset.roles.get("key"):
        keys = [role, *(name for name in keys if name != role)]
    keys = keys[:CANDIDATES_AT_MOST]
    for name in keys:
        reasons[name] = _reason(dataset, columns[name], name in referring)

    few = [name for name in candidates if 2 <= _distinct(columns[name], facts) <= LIST_DISTINCT_AT_MOST]
    lists = [name for name in few if _is_text(dataset, name)] or few
    lists.sort(key=lambda name: (-_distinct(columns[name], facts), name))
    lists = lists[:CANDIDATES_AT_MOST]
    for name in lists:
        reasons.setdefault(name, _reason(dataset, columns[name], name in referring))
    return GuessedRoles(time, tuple(keys), tuple(lists), reasons)


def _time(dataset: Dataset, columns: Mapping[str, ColumnFacts]) -> str | None:
    temporal = [f.name for f in dataset.schema if pa.types.is_timestamp(f.type) or pa.types.is_date(f.type)]

    def rank(name: str) -> tuple[float, int]:
        column = columns[name]
        return (-(float("inf") if column.distinct is None else column.distinct), dataset.schema.get_field_index(name))

    usable = [name for name in temporal if columns[name].nulls < columns[name].rows]
    return min(usable, key=rank) if usable else None


def _may_be_key(dataset: Dataset, column: ColumnFacts) -> bool:
    plain = plain_type(dataset.schema.field(column.name).type)
    right_type = (
        _is_text(dataset, column.name)
        or pa.types.is_integer(plain)
        or pa.types.is_large_binary(plain)
        or pa.types.is_fixed_size_binary(plain)
    )
    return right_type and (column.null_share or 0.0) <= NULL_SHARE_AT_MOST


def _is_text(dataset: Dataset, name: str) -> bool:
    return is_text(plain_type(dataset.schema.field(name).type))


def _distinct(column: ColumnFacts, facts: DatasetFacts) -> int:
    return facts.rows if column.distinct is None else column.distinct  # None: more than could be counted


def _key_rank(
    dataset: Dataset, column: ColumnFacts, facts: DatasetFacts, refers: bool
) -> tuple[bool, bool, bool, int, str]:
    identifier = _IDENTIFIER.search(column.name) is not None
    return not refers, not _is_text(dataset, column.name), not identifier, -_distinct(column, facts), column.name


def _reason(dataset: Dataset, column: ColumnFacts, refers: bool) -> str:
    if dataset.roles.get("key") == column.name:
        return "declared as the key"
    distinct = column.note or f"{column.distinct:,} distinct values"
    share = "" if column.top_share is None else f", the most frequent on {100 * column.top_share:.1f} % of rows"
    return f"{'refers to a parent; ' if refers else ''}{distinct}{share}"
