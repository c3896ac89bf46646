"""Fixtures of the harness tests: the toy experiment, a small Parquet table, a suite over it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

# Workers and timing processes import the toy experiment by name.
sys.path.insert(0, str(Path(__file__).parent))

from assay.experiments import registry

ROWS = 1000


@pytest.fixture(autouse=True)
def toy(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from toy_experiment import TOY

    monkeypatch.setattr(registry, "_registered", {"toy": TOY})
    yield


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1000 rows in 100 row groups: keys 0, 7, 14, ... so that key % 7 is always 0."""
    path = tmp_path_factory.mktemp("toy") / "keys.parquet"
    data = pa.table({"id": pa.array(range(0, 7 * ROWS, 7), pa.int64()), "other": pa.array(range(ROWS), pa.int64())})
    pq.write_table(data, path, row_group_size=10)
    return path


@pytest.fixture
def content(table: Path) -> dict[str, Any]:
    """A suite of one experiment, as a parsed document."""
    return {
        "name": "toy suite",
        "experiment": [
            {
                "kind": "toy",
                "dataset": str(table),
                "key": "id",
                "counters": ["modulo(4)", "modulo(7)", "modulo( 10 )"],
                "shift": [0, 1],
            }
        ],
    }
