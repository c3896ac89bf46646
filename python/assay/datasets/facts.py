"""What a table holds: rows, nulls, distinct values, the most frequent one, and references without a parent.

One scan, in bounded memory: distinct values are counted exactly up to a limit, beyond which the
answer is "more than the limit", never a wrong number. Source: METHODOLOGY of foreign keys follow
SQL:2016 MATCH SIMPLE (a reference with a null part refers to nothing).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets.arrow_types import can_be_equal
from assay.datasets.counting import KEY_BYTES, KeyCounter, key_column, key_type
from assay.datasets.dataset import Dataset
from assay.datasets.definition import ForeignKey
from assay.datasets.fingerprint import FingerprintKind
from assay.errors import AssayError, DuplicateKeyError, ParameterError, UnsupportedTypeError
from assay.units import format_bytes

__all__ = ["DISTINCT_LIMIT", "ColumnFacts", "DatasetFacts", "ForeignKeyFacts", "describe"]

DISTINCT_LIMIT = 1_000_000


@dataclass(frozen=True)
class ColumnFacts:
    """One column. What is not known is None, and `note` says why."""

    name: str
    type: str
    rows: int
    nulls: int
    distinct: int | None  # without null
    top_value: Any | None  # the most frequent value; of equally frequent ones the smallest
    top_rows: int | None
    note: str | None = None  # such as "more than 1,000,000 distinct values"

    @property
    def null_share(self) -> float | None:
        """Null rows / rows."""
        return self.nulls / self.rows if self.rows else None

    @property
    def top_share(self) -> float | None:
        """Rows with the most frequent value / rows that are not null."""
        return self.top_rows / (self.rows - self.nulls) if self.top_rows else None

    @property
    def skew(self) -> float | None:
        """Rows of the most frequent value / mean rows of a value: 1 where all are equally frequent."""
        return self.top_share * self.distinct if self.top_share and self.distinct else None


@dataclass(frozen=True)
class ForeignKeyFacts:
    """One foreign key: how many rows refer to a parent that exists. Unknown counts are None; `problem` says why."""

    name: str
    columns: tuple[str, ...]
    parent: str
    parent_columns: tuple[str, ...]
    parent_rows: int | None
    null_rows: int | None  # at least one part is null: no reference
    orphan_rows: int | None
    orphan_values: int | None  # distinct
    matched_rows: int | None
    problem: str | None = None


@dataclass(frozen=True)
class DatasetFacts:
    """A dataset as `assay data` shows it."""

    name: str
    description: str
    source: str
    licence: str | None
    url: str | None
    rows: int
    storage_bytes: int | None
    fingerprint: str | None
    fingerprint_kind: FingerprintKind
    columns: tuple[ColumnFacts, ...]
    foreign_keys: tuple[ForeignKeyFacts, ...]
    roles: Mapping[str, str]
    queries: Mapping[str, str]  # name → spelling
    attribution: str | None = None
    complete: bool = True  # False where `rows_at_most` ended the scan before the table did


def describe(
    dataset: Dataset,
    *,
    distinct_limit: int = DISTINCT_LIMIT,
    rows_at_most: int | None = None,
    foreign_keys: bool = True,
    fingerprint: bool = True,
) -> DatasetFacts:
    """What `dataset` holds, from one scan.

    Args:
        dataset: Any dataset; a table without rows is fine.
        distinct_limit: Distinct values counted per column, at least 1.
        rows_at_most: Ends the scan after so many rows; None reads all.
        foreign_keys: Whether to look for orphans, which reads the parents.
        fingerprint: Whether to compute it, which reads all bytes.

    Raises:
        ParameterError: a limit is below 1.
        ReadError: the table cannot be read to its end.
    """
    for name, limit in (("distinct_limit", distinct_limit), ("rows_at_most", rows_at_most)):
        if limit is not None and limit < 1:
            raise ParameterError(f"{name} is {limit}; expected at least 1")
    keys = dataset.foreign_keys if foreign_keys else ()
    schema = dataset.schema
    columns = {field.name: KeyCounter([field.type], limit=distinct_limit) for field in schema}
    references = {
        key.name: KeyCounter([schema.field(c).type for c in key.columns], limit=distinct_limit)
        for key in keys
        if len(key.columns) > 1
    }
    nulls = dict.fromkeys(schema.names, 0)
    rows = 0
    complete = True
    for batch in dataset.batches(encoded=True):
        data = batch.data
        if rows_at_most is not None and rows + data.num_rows > rows_at_most:
            data = data.slice(0, rows_at_most - rows)
            complete = False
        rows += data.num_rows
        for name, counter in columns.items():
            column = data.column(name)
            nulls[name] += column.null_count
            counter.add([column])
        for key in keys:
            if key.name in references:
                references[key.name].add([data.column(name) for name in key.columns])
        if not complete:
            break
    return DatasetFacts(
        name=dataset.name,
        description=dataset.definition.description,
        source=str(dataset.definition.source or "memory"),
        licence=dataset.definition.licence,
        url=dataset.definition.url,
        rows=rows,
        storage_bytes=dataset.storage_bytes,
        fingerprint=dataset.fingerprint() if fingerprint else None,
        fingerprint_kind=dataset.fingerprint_kind,
        columns=tuple(_column_facts(field, rows, nulls[field.name], columns[field.name]) for field in schema),
        foreign_keys=tuple(
            _foreign_key_facts(dataset, key, references.get(key.name) or columns[key.columns[0]]) for key in keys
        ),
        roles=dataset.roles,
        queries={query.name: query.spelling for query in dataset.queries},
        attribution=dataset.definition.attribution,
        complete=complete,
    )


def _column_facts(field: pa.Field, rows: int, nulls: int, counter: KeyCounter) -> ColumnFacts:
    counts = counter.counts() if counter.countable else None
    if counts is None or counter.exceeded:
        note = counter.exceeded or f"{field.type} is not counted"
        return ColumnFacts(field.name, str(field.type), rows, nulls, None, None, None, note)
    present = counts.filter(pc.is_valid(counts["k0"]))
    if not present.num_rows:
        return ColumnFacts(field.name, str(field.type), rows, nulls, 0, None, None)
    top_rows = pc.max(present["count"]).as_py()
    top = present.filter(pc.equal(present["count"], top_rows))["k0"]
    return ColumnFacts(field.name, str(field.type), rows, nulls, present.num_rows, _smallest(top), top_rows)


def _smallest(values: pa.ChunkedArray) -> Any:
    """The smallest of `values` as Python has it, or as text where Python has no such value."""
    try:
        found = pc.min_max(values)["min"]
    except pa.ArrowNotImplementedError:  # a type without an order
        return min(values.to_pylist(), key=repr)
    found = found if found.is_valid else values[0]  # min_max skips NaN
    try:
        return found.as_py()
    except (ValueError, OverflowError):  # nanoseconds, or years that the standard library does not hold
        return str(found.cast(pa.string()))


def _foreign_key_facts(dataset: Dataset, key: ForeignKey, counter: KeyCounter) -> ForeignKeyFacts:
    """Orphans of `key`, from the counts of its columns' values."""

    def unknown(problem: str, parent_rows: int | None = None) -> ForeignKeyFacts:
        return ForeignKeyFacts(
            key.name, key.columns, key.parent, key.parent_columns, parent_rows, None, None, None, None, problem
        )

    counts = counter.counts() if counter.countable else None
    if counts is None or counter.exceeded:
        return unknown(counter.exceeded or "its type is not counted")
    try:
        parent = dataset.parent(key)
        parent_keys = _parent_keys(parent, key, counts.schema)
    except AssayError as error:
        return unknown(str(error))
    whole = counts.filter(_all_valid(counts, counter.names))
    orphans = whole.join(parent_keys, keys=counter.names, join_type="left anti")
    total = pc.sum(counts["count"]).as_py() or 0
    not_null = pc.sum(whole["count"]).as_py() or 0
    orphan_rows = pc.sum(orphans["count"]).as_py() or 0
    return ForeignKeyFacts(
        key.name,
        key.columns,
        key.parent,
        key.parent_columns,
        parent.rows if parent.rows is not None else parent_keys.num_rows,
        total - not_null,
        orphan_rows,
        orphans.num_rows,
        not_null - orphan_rows,
    )


def _parent_keys(parent: Dataset, key: ForeignKey, schema: pa.Schema) -> pa.Table:
    """The parent's keys without nulls, in the types of the child's counts.

    Raises:
        DuplicateKeyError: two rows of the parent have the same key.
        UnsupportedTypeError: a key column cannot become the child's type.
    """
    table = _read_keys(parent, key)
    columns = []
    for number, name in enumerate(key.parent_columns):
        wanted = schema.field(number).type
        try:
            if not can_be_equal(wanted, table.schema.field(name).type):
                raise pa.ArrowTypeError("no value of one type is one of the other")
            columns.append(_key_chunks(table.column(name)).cast(wanted))
        except pa.ArrowException as error:
            raise UnsupportedTypeError(
                f"foreign key {key.name}: {key.columns[number]} is {wanted}, {parent.name}.{name} is "
                f"{table.schema.field(name).type}; expected types whose values can be equal"
            ) from error
    names = [schema.field(number).name for number in range(len(columns))]
    keys = pa.Table.from_arrays(columns, names=names)
    keys = keys.filter(_all_valid(keys, names))
    distinct = keys.group_by(names).aggregate([])
    if distinct.num_rows != keys.num_rows:
        raise DuplicateKeyError(
            f"foreign key {key.name}: {keys.num_rows - distinct.num_rows} rows of {parent.name} repeat a value of "
            f"({', '.join(key.parent_columns)}); expected each key once"
        )
    return keys


def _read_keys(parent: Dataset, key: ForeignKey) -> pa.Table:
    """The key columns of the parent, as long as they can be grouped."""
    schema = pa.schema([parent.column(name) for name in key.parent_columns])
    batches, held = [], 0
    for batch in parent.batches(key.parent_columns):
        batches.append(batch.data)
        held += batch.data.nbytes
        if held > 2 * KEY_BYTES:
            raise UnsupportedTypeError(
                f"foreign key {key.name}: the keys of {parent.name} are more than {format_bytes(2 * KEY_BYTES)}; "
                "refer to a shorter key"
            )
    return pa.Table.from_batches(batches, schema=schema)


def _key_chunks(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """`column` in its key type, chunk by chunk: one array may not hold more than 2 GiB of texts."""
    return pa.chunked_array([key_column(chunk) for chunk in column.chunks], key_type(column.type))


def _all_valid(table: pa.Table, names: list[str]) -> pa.ChunkedArray:
    valid = pc.is_valid(table[names[0]])
    for name in names[1:]:
        valid = pc.and_(valid, pc.is_valid(table[name]))
    return valid
