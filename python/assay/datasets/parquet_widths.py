"""What Parquet footers tell of columns before they are read: their width, and which hold texts as dictionaries.

A column chunk that is dictionary-coded throughout takes less than two bytes per value for its codes;
one that fell back to plain pages takes at least the four bytes of each length. Such chunks are read
as dictionaries: 955 M values of l_shipmode per processor-second instead of 74 M, and each distinct
text is then hashed once per batch.
Cost: a look at 8 row groups of each file at most, spread evenly.
Source: Apache Parquet format specification, "Dictionary Encoding" and ColumnMetaData.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.parquet as pq

from assay.datasets.arrow_types import is_text
from assay.datasets.batch import BATCH_BYTES, BATCH_ROWS

__all__ = ["Widths", "wider"]

_GROUPS_AT_MOST = 8
_CODED_BYTES = 2.0  # per value, at most
_NESTED_BYTES = 32.0  # per value and leaf, where nothing is known
_FEWEST_ROWS = 16


@dataclass
class Widths:
    """Of the columns of one dataset, over all files that `add` was given."""

    bytes_per_row: dict[str, float] = field(default_factory=dict)
    coded: dict[str, bool] = field(default_factory=dict)
    varying: set[str] = field(default_factory=set)
    chunk_bytes: dict[str, int] = field(default_factory=dict)  # the largest one, as it is stored

    def add(self, metadata: pq.FileMetaData, schema: pa.Schema) -> None:
        """Looks at the footer of one more file, whose columns are `schema`."""
        groups = metadata.num_row_groups
        chosen = sorted({number * groups // _GROUPS_AT_MOST for number in range(_GROUPS_AT_MOST)}) if groups else []
        for number in chosen:
            group = metadata.row_group(number)
            if group.num_rows:
                for place in range(group.num_columns):
                    self._add_chunk(group.column(place), schema, group.num_rows)

    def _add_chunk(self, chunk: pq.ColumnChunkMetaData, schema: pa.Schema, rows: int) -> None:
        path = chunk.path_in_schema
        flat = path in schema.names
        name = path if flat else path.partition(".")[0]
        stored = chunk.total_uncompressed_size / rows
        self.chunk_bytes[name] = max(self.chunk_bytes.get(name, 0), chunk.total_compressed_size)
        if flat and not pa.types.is_nested(schema.field(name).type):
            data_type = schema.field(name).type
            fixed = _fixed_width(data_type)
            if fixed is None:  # dictionary-coded values are wider than they are stored
                self.varying.add(name)
            width = 16.0 + stored if fixed is None else fixed
            self.bytes_per_row[name] = max(self.bytes_per_row.get(name, 0.0), width)
            if is_text(data_type):
                coded = chunk.has_dictionary_page and stored <= _CODED_BYTES
                self.coded[name] = self.coded.get(name, True) and coded
        else:
            self.varying.add(name)
            self.bytes_per_row[name] = self.bytes_per_row.get(name, 0.0) + max(stored, _NESTED_BYTES)

    def batch_rows(self, columns: Sequence[str], seen: float = 0.0) -> int:
        """Rows of a batch of `columns` that is about BATCH_BYTES large; `seen` bytes per row were met already."""
        known = sum(self.bytes_per_row.get(name, 0.0) for name in columns)
        return int(min(BATCH_ROWS, max(_FEWEST_ROWS, BATCH_BYTES / max(known, seen, 1.0))))

    def are_fixed(self, columns: Sequence[str]) -> bool:
        """Whether the types alone tell how wide a row is."""
        return not any(name in self.varying for name in columns)

    def coded_columns(self, columns: Sequence[str]) -> list[str]:
        """Those of `columns` that are texts and dictionary-coded throughout."""
        return [name for name in columns if self.coded.get(name)]


def wider(width: float, data: pa.RecordBatch, asked: int) -> float:
    """The bytes per row of the widest batch so far, with `data` as one more that was to have `asked` rows.

    What remains of a row group does not count: beside a dictionary, or a buffer that is larger than it needs, a few
    rows look wide, and would make the next batches shorter, their remainders smaller, and so on without an end.
    """
    return max(width, data.nbytes / data.num_rows) if 2 * data.num_rows >= asked else width


def _fixed_width(data_type: pa.DataType) -> float | None:
    """Bytes of a value; None where they differ."""
    try:
        return max(1.0, float(data_type.bit_width) / 8)
    except ValueError:
        return None
