"""Exact counts of values while a table streams by, up to a limit, and then an honest "more than".

Cost: a hash grouping per batch, and one more whenever as many groups wait as are held, so linear
time; memory for at most about twice `limit` distinct values, and for `KEY_BYTES` of them: long
documents are no keys, and Arrow's grouping ends the process beyond 2 GiB.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets.arrow_types import plain_array, plain_type
from assay.units import format_bytes

__all__ = ["KEY_BYTES", "KeyCounter", "key_column", "key_type"]

_COUNT = "count"
_PENDING_ROWS = 262_144
KEY_BYTES = 512 * 1024 * 1024  # of distinct values that are held at most
_PIECE_BYTES = 64 * 1024 * 1024  # of rows that are grouped at once, about


class KeyCounter:
    """How often each value, or each tuple of values, occurs. Null counts as a value of its own.

    Attributes:
        limit: Distinct values that are held at most.
        exceeded: Why no more is known: "more than 1,000,000 distinct values"; empty while all are held.
        countable: Whether Arrow can group values of these types at all (not lists, not structs).
    """

    def __init__(self, types: Sequence[pa.DataType], *, limit: int) -> None:
        self.limit = limit
        self.exceeded = ""
        self.countable = True
        self.names = [f"k{number}" for number in range(len(types))]
        keys = [pa.field(name, key_type(data_type)) for name, data_type in zip(self.names, types, strict=True)]
        self._schema = pa.schema([*keys, pa.field(_COUNT, pa.int64())])
        self._groups = self._schema.empty_table()
        self._pending: list[pa.Table] = []
        self._pending_rows = 0
        self._pending_bytes = 0

    def add(self, columns: Sequence[pa.Array]) -> None:
        """Counts the rows of `columns`, which have equal lengths."""
        rows = len(columns[0])
        size = sum(column.nbytes for column in columns)
        step = max(1, min(rows, rows * _PIECE_BYTES // max(1, size)))
        for start in range(0, rows, step):
            self._add([column.slice(start, step) for column in columns] if step < rows else columns)

    def _add(self, columns: Sequence[pa.Array]) -> None:
        if self.exceeded or not self.countable:
            return
        try:
            if len(columns) == 1 and pa.types.is_dictionary(columns[0].type):
                counted = self._count_codes(columns[0])
            else:
                rows = pa.Table.from_arrays([key_column(column) for column in columns], names=self.names)
                counted = rows.group_by(self.names).aggregate([([], "count_all")])
        except pa.ArrowNotImplementedError:
            self.countable = False
            self._pending.clear()
            return
        self._pending.append(counted.rename_columns([*self.names, _COUNT]).select(self._schema.names))
        self._pending_rows += counted.num_rows
        self._pending_bytes += counted.nbytes
        if self._pending_rows > max(_PENDING_ROWS, self._groups.num_rows) or self._pending_bytes > KEY_BYTES // 2:
            self._compact()

    def _count_codes(self, column: pa.DictionaryArray) -> pa.Table:
        """The rows of each code; equal values of several codes meet when counts are added."""
        codes = pa.table({"code": column.indices}).group_by("code").aggregate([([], "count_all")])
        values = pa.DictionaryArray.from_arrays(codes["code"].combine_chunks(), column.dictionary)
        return pa.Table.from_arrays([key_column(values), codes["count_all"]], names=[*self.names, _COUNT])

    def counts(self) -> pa.Table:
        """One row per distinct value: columns `k0`, `k1`, ... and `count`, in no order.

        Only meaningful unless `exceeded`, and where `countable`.
        """
        self._compact()
        return self._groups

    def _compact(self) -> None:
        if not self._pending:
            return
        both = pa.concat_tables([self._groups, *(table.cast(self._schema) for table in self._pending)])
        grouped = both.group_by(self.names).aggregate([(_COUNT, "sum")])
        self._groups = grouped.rename_columns([*self.names, _COUNT]).select(self._schema.names)
        self._pending.clear()
        self._pending_rows = 0
        self._pending_bytes = 0
        if self._groups.num_rows > self.limit:
            self.exceeded = f"more than {self.limit:,} distinct values"
        elif self._groups.nbytes > KEY_BYTES:
            self.exceeded = f"its distinct values are more than {format_bytes(KEY_BYTES)}"
        if self.exceeded:
            self._groups = self._schema.empty_table()


def key_type(data_type: pa.DataType) -> pa.DataType:
    """The type that values of `data_type` are counted in: equal values of different layouts meet there."""
    plain = plain_type(data_type)
    if pa.types.is_signed_integer(plain) or (pa.types.is_unsigned_integer(plain) and plain != pa.uint64()):
        return pa.int64()
    if pa.types.is_floating(plain):
        return pa.float64()
    if pa.types.is_fixed_size_binary(plain):
        return pa.large_binary()
    return plain


def key_column(column: pa.Array) -> pa.Array:
    """`column` in its key type, with -0.0 as 0.0 and every NaN as one."""
    wanted = key_type(column.type)
    plain = column.cast(pa.float32()) if pa.types.is_float16(column.type) else plain_array(column)
    plain = plain.cast(wanted)
    if pa.types.is_float64(wanted):
        plain = pc.if_else(pc.is_nan(plain), pa.scalar(float("nan")), pc.add(plain, 0.0))
    return plain
