"""Small tables with every layout that files and frames use, and a way to read them in pieces."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from assay.datasets import BATCH_ROWS, Dataset

sys.path.insert(0, str(Path(__file__).parent))  # so that tests import stores_on_loopback by name


def make_table(rows: int = 1000) -> pa.Table:
    """Text, a dictionary, a view, numbers and times, with nulls; chunked unevenly and sliced."""
    numbers = range(rows + 7)
    table = pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "small": pa.array([n % 7 if n % 5 else None for n in numbers], pa.int16()),
            "text": pa.array([f"key-{n % 13}" if n % 11 else None for n in numbers]),
            "view": pa.array([f"a value longer than twelve bytes {n % 17}" for n in numbers], pa.string_view()),
            "category": pa.array([f"c{n % 3}" for n in numbers]).dictionary_encode(),
            "time": pa.array([n * 1_000_000 for n in numbers], pa.timestamp("us")),
            "ratio": pa.array([n / 8 for n in numbers]),
        }
    )
    pieces = [table.slice(7, rows // 3), table.slice(7 + rows // 3, 1), table.slice(8 + rows // 3)]
    return pa.concat_tables(pieces)


@pytest.fixture
def table() -> pa.Table:
    return make_table()


@pytest.fixture
def read() -> Callable[..., pa.Table]:
    """Reads a dataset span by span, checking every batch's first row number on the way."""

    def read_in_spans(dataset: Dataset, target_rows: int = 1_000_000, columns: list[str] | None = None) -> pa.Table:
        spans = dataset.spans(target_rows=target_rows)
        assert [span.index for span in spans] == list(range(len(spans)))
        batches: list[pa.RecordBatch] = []
        next_row = 0
        for span in spans:
            assert span.first_row == next_row
            for batch in dataset.batches(columns, span):
                assert batch.first_row == next_row
                assert 0 < batch.data.num_rows <= BATCH_ROWS
                next_row += batch.data.num_rows
                batches.append(batch.data)
            assert span.rows is None or span.first_row + span.rows == next_row
        assert dataset.rows is None or dataset.rows == next_row
        names = dataset.schema.names if columns is None else columns
        return pa.Table.from_batches(batches, schema=pa.schema([dataset.schema.field(name) for name in names]))

    return read_in_spans


@pytest.fixture
def write_definition(tmp_path: Path) -> Callable[..., Path]:
    """Writes a definition file of the given text and returns its path."""

    def write(text: str, name: str = "orders") -> Path:
        path = tmp_path / f"{name}.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write
