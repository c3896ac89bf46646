"""What is exact of an index: its bytes, what it writes, what it skips, and that its answers are right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.experiments.base import Value
from assay.experiments.indexing.contenders import close
from assay.experiments.indexing.contests import Contest, Plan, verify
from assay.experiments.indexing.questions import Index, Lookups
from assay.experiments.indexing.settings import IndexingSettings
from assay.experiments.indexing.table import Columns
from assay.units import count_of

__all__ = ["measure"]

_PUT, _WRITTEN, _GATHERED, _SKIPPED = "bytes_put", "bytes_written", "memtable_entries", "rows_skipped_share"
_FILLED = 1_000_000  # rows, at most
_LOOKED_UP = 256  # keys, for what is skipped
_ROW_NUMBER_BYTES = 8


def measure(contest: Contest, plan: Plan, columns: Columns, settings: IndexingSettings) -> list[Value]:
    """The exact values of a cell, once its answers have been found right.

    Raises:
        MeasurementError: The index answers otherwise than a scan.
        UsageError: It cannot be of such keys, or takes more than it may.
    """
    index = contest.built(plan.rows, settings)
    try:
        return _measured(index, contest, plan, columns, settings)
    finally:
        close(index)


def _measured(index: Index, contest: Contest, plan: Plan, columns: Columns, settings: IndexingSettings) -> list[Value]:
    size, rows = 0 if contest.is_none else int(index.memory_bytes), plan.rows
    skipped, why_not_skipped = _skipped(index, plan, contest)
    amplified, why_not_amplified = (
        _amplified(index, contest, plan, settings)
        if "insert" in plan.changes and not contest.is_none
        else (None, "there is nothing to write")
    )
    compared = verify(contest, plan, index, columns)
    cell_id = contest.cell.cell_id
    return [
        Value(cell_id, "memory_bytes", size, note=_size_note(contest)),
        Value(cell_id, "bytes_per_row", size / rows.indexed),
        Value(cell_id, "rows_indexed", rows.indexed),
        Value(cell_id, "distinct_keys", rows.distinct),
        Value(cell_id, "write_amplification", amplified, note=why_not_amplified),
        Value(cell_id, "rows_skipped_share", skipped, note=why_not_skipped),
        Value(cell_id, "answers_checked", compared),
    ]


def _size_note(contest: Contest) -> str | None:
    if contest.is_none:
        return "nothing beside the column"
    return "its files, the table among them" if contest.spec.is_engine else None


def _statistics(index: Index) -> Mapping[str, float]:
    return dict(getattr(index, "statistics", None) or {})


def _skipped(index: Index, plan: Plan, contest: Contest) -> tuple[float | None, str | None]:
    """The part of the rows that lookups of present keys left unread."""
    question = plan.questions["lookup_ns.hit"]
    if not isinstance(question, Lookups) or not len(question):
        return None, "there is no key to look up"
    question.ask(index, 0, 1 if contest.spec.is_bare else min(_LOOKED_UP, len(question)), 1)
    found = _statistics(index).get(_SKIPPED)  # of all lookups so far
    return found, None if found is not None else "it does not skip blocks, or does not say so"


def _amplified(
    index: Index, contest: Contest, plan: Plan, settings: IndexingSettings
) -> tuple[float | None, str | None]:
    """Bytes written for each byte of a batch of insertions; of what gathers many batches before it writes, of all."""
    before = _statistics(index)
    if _WRITTEN not in before:
        return None, "it does not count the bytes that it writes"
    if _PUT in before:
        return _filled(contest, plan, settings)
    batch = plan.changes["insert"][0]
    batch.apply(index)
    settle = getattr(index, "settle", None)
    if settle is not None:
        settle()  # what an engine has put off is written as well
    written = _statistics(index)[_WRITTEN] - before[_WRITTEN]
    batch.take_back(index)
    return written / (_bytes(batch.come) + _ROW_NUMBER_BYTES * len(batch)), None


def _filled(contest: Contest, plan: Plan, settings: IndexingSettings) -> tuple[float | None, str | None]:
    """The same of an index that is filled from nothing, batch by batch, and tells what it was given and has written."""
    index = contest.built(plan.rows.in_order(np.zeros(0, np.int64)), settings)
    try:
        keys, count, came = plan.rows.arrow, min(len(plan.rows), _FILLED), 0
        for first in range(0, count, settings.batch):
            rows = np.arange(first, min(count, first + settings.batch), dtype=np.uint64)
            came += index.insert(keys.slice(first, len(rows)), pa.array(rows)) or 0
        found = _statistics(index)
    finally:
        close(index)
    if not found[_WRITTEN]:  # what gathers in memory is no part of the ratio
        return None, f"nothing is written yet: {count_of(count, 'row')} gathered in memory"
    settled = found[_PUT] * (1 - found[_GATHERED] / came)
    return found[_WRITTEN] / settled, f"of {count_of(count, 'row')}, in batches of {settings.batch:,}"


def _bytes(keys: Any) -> int:
    """The bytes of keys alone: of texts their characters, of the others their width."""
    columns = keys.columns if isinstance(keys, pa.Table) else [keys]
    size = 0
    for column in columns:
        array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
        try:
            size += len(array) * max(1, array.type.bit_width // 8)
        except ValueError:  # texts and binary values
            size += int(np.asarray(pc.binary_length(array.cast(pa.large_binary())).fill_null(0)).sum())
    return size
