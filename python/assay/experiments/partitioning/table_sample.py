"""What a table's columns look like, from some of its rows: enough to choose candidates, which are then measured.

Rows are taken from up to 16 places, evenly over the table where it can be cut (Parquet, IPC, memory, generators), from
its beginning where it cannot (CSV). A table of at most `SAMPLE_ROWS` rows is seen whole, and its facts are exact.
Cost: one reading of so many rows, a hash table a column.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay.datasets import Dataset
from assay.datasets.arrow_types import is_nested, is_text, plain_array, plain_type
from assay.errors import ParameterError, UnsupportedTypeError
from assay.experiments.distinct import numpy_of
from assay.experiments.partitioning.row_bytes import row_bytes

__all__ = ["SAMPLE_ROWS", "ColumnSample", "RowBytes", "Sample", "row_bytes_of", "take_sample"]

SAMPLE_ROWS = 262_144
_PLACES = 16
_Z_95 = 1.959964  # of the normal distribution


@dataclass(frozen=True)
class ColumnSample:
    """A key's values among the sampled rows; a key of several columns is null where all are."""

    distinct: int  # without null
    null_share: float
    top_share: float  # weight of the heaviest value / weight of all rows


@dataclass(frozen=True)
class RowBytes:
    """The bytes of a row's data, as a mean over sampled rows with its 95 % interval, or over the bytes in storage."""

    mean: float
    low: float
    high: float
    source: str  # in words

    @property
    def stored(self) -> bool:
        """Whether it is of the bytes in storage, so that compression is in it."""
        return self.low == self.high == self.mean and self.source.startswith("the bytes in storage")


@dataclass(frozen=True)
class Sample:
    """Some rows of a table, or all of them."""

    dataset: Dataset
    data: pa.Table  # the sampled rows, in plain types, without nested columns
    weights: np.ndarray  # float64; of each row
    sizes: np.ndarray | None  # bytes of each row's data, uint64; None where they are not defined
    whole: bool
    spread: bool  # over the table rather than from its beginning

    @property
    def words(self) -> str:
        """Which rows these are; nothing if all of them."""
        if self.whole:
            return ""
        return f"{'a sample of' if self.spread else 'the first'} {self.data.num_rows:,} rows"

    @cached_property
    def rows(self) -> int:
        """The rows of the table, counted if nothing else tells."""
        if self.whole:
            return int(self.data.num_rows)
        if self.dataset.rows is not None:
            return self.dataset.rows
        return sum(batch.data.num_rows for batch in self.dataset.batches([]))

    def column(self, names: Sequence[str]) -> ColumnSample:
        """The facts of a key of these columns."""
        rows = self.data.num_rows
        table = self.data.select(list(dict.fromkeys(names))).append_column("weight of a row", pa.array(self.weights))
        keys = table.column_names[:-1]
        groups = table.group_by(keys).aggregate([("weight of a row", "sum"), ("weight of a row", "count")])
        null = np.all([numpy_of(groups[name].is_null().combine_chunks()) for name in keys], axis=0)
        counts = numpy_of(groups["weight of a row_count"].combine_chunks())
        sums = numpy_of(groups["weight of a row_sum"].combine_chunks())
        heaviest = float(sums[~null].max()) if (~null).any() else 0.0
        whole = float(self.weights.sum())
        return ColumnSample(
            int((~null).sum()), float(counts[null].sum()) / rows if rows else 0.0, heaviest / whole if whole else 0.0
        )

    def is_free_text(self, name: str) -> bool:
        """Whether most of the values are text with a blank inside: sentences rather than keys."""
        if not is_text(self.data.schema.field(name).type):
            return False
        inside = pc.match_substring_regex(self.data[name], r"\S\s+\S+\s+\S")
        return bool((pc.sum(inside).as_py() or 0) > 0.5 * max(1, self.data.num_rows))

    @cached_property
    def row_bytes(self) -> RowBytes | None:
        """The bytes of a row; None where neither rows nor storage tell."""
        if self.sizes is not None and len(self.sizes):
            mean = float(self.sizes.mean())
            half = 0.0 if self.whole else _Z_95 * float(self.sizes.std(ddof=1)) / math.sqrt(len(self.sizes))
            return RowBytes(mean, mean - half, mean + half, f"the data of {self.words or 'all rows'}")
        if self.dataset.storage_bytes and self.rows:
            mean = self.dataset.storage_bytes / self.rows
            return RowBytes(mean, mean, mean, "the bytes in storage, as rows have columns whose bytes are not defined")
        return None


_ROW_BYTES: WeakKeyDictionary[Dataset, RowBytes | None] = WeakKeyDictionary()  # asked for twice: by grid and aspect


def row_bytes_of(dataset: Dataset) -> RowBytes:
    """The bytes of a row, from a sample.

    Raises:
        ParameterError: They cannot be told.
    """
    if dataset not in _ROW_BYTES:
        _ROW_BYTES[dataset] = take_sample(dataset).row_bytes
    found = _ROW_BYTES[dataset]
    if found is None:
        raise ParameterError(
            f"partition_bytes_max cannot be judged: the bytes of a row of {dataset.name} are not defined, and it is in "
            "no file; leave the limit out, and give partitions"
        )
    return found


def take_sample(dataset: Dataset, weight: str | None = None, *, rows: int = SAMPLE_ROWS) -> Sample:
    """Some rows of `dataset`, at most about `rows`.

    Args:
        dataset: Any dataset.
        weight: The column that weighs rows, if one does; a null or negative weight counts as none.
        rows: How many rows to take.
    """
    spans: list[object] = [None]
    share = rows
    if dataset.rows is not None and dataset.rows > rows:
        cut = dataset.spans(target_rows=max(1, dataset.rows // _PLACES))
        count = min(_PLACES, len(cut))
        spans = [cut[index * len(cut) // count] for index in range(count)]
        share = rows // count
    found: list[pa.RecordBatch] = []
    ended = True
    for span in spans:
        room = share
        for batch in dataset.batches(None, span):  # type: ignore[arg-type]
            found.append(batch.data.slice(0, room))
            room -= found[-1].num_rows
            if found[-1].num_rows < batch.data.num_rows or not room:
                ended = False
                break
    taken = sum(batch.num_rows for batch in found)
    whole = taken == dataset.rows if dataset.rows is not None else ended
    names = [field.name for field in dataset.schema if not is_nested(plain_type(field.type))]
    columns = [
        pa.chunked_array(
            [plain_array(batch.column(name)) for batch in found], plain_type(dataset.schema.field(name).type)
        )
        for name in names
    ]
    data = pa.table(columns, names=names) if names else pa.table({})
    try:
        sizes = np.concatenate([numpy_of(row_bytes(batch)) for batch in found]) if found else None
    except UnsupportedTypeError:
        sizes = None
    weights = np.ones(taken)
    if weight is not None and weight in names:
        weights = np.maximum(0, numpy_of(pc.fill_null(data[weight].cast(pa.float64()), 0).combine_chunks()))
    sample = Sample(dataset, data, weights, sizes, whole, len(spans) > 1)
    _ROW_BYTES[dataset] = sample.row_bytes
    return sample
