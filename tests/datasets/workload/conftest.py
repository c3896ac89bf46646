"""A small table of orders with two parents, and a way to read a log for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from assay.datasets import Dataset, open_dataset
from assay.datasets.workload import Workload, workload_of

DEFINITION = """
name = "orders"
source = { path = "orders.arrow" }

[foreign_keys.customers]
columns = ["customer"]
parent = "customers.parquet"
parent_columns = ["id"]

[foreign_keys.shops]
columns = ["region", "shop"]
parent = "shops.parquet"

[queries]
day = "range(placed, width='1d')"
"""


@pytest.fixture(scope="session")
def orders(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("orders")
    columns = {
        "id": pa.array([1, 2, 3, 4], pa.int64()),
        "customer": pa.array([10, 11, 10, None], pa.int32()),
        "region": pa.array(["north", "south", "north", "west"]),
        "shop": pa.array([1, 2, 3, 1], pa.int16()),
        "price": pa.array([1, 2, 3, 4], pa.decimal128(10, 2)),
        "weight": pa.array([0.5, 1.5, 2.5, None], pa.float32()),
        "placed": pa.array([0, 86_400, 90_000, 200_000], pa.timestamp("s", "UTC")),
        "due": pa.array([0, 1, 2, 3], pa.date32()),
        "paid": pa.array([True, False, None, True]),
    }
    table = pa.table(columns)
    with pa.ipc.new_file(folder / "orders.arrow", table.schema) as writer:  # Parquet knows no whole seconds
        writer.write_table(table)
    (folder / "orders.toml").write_text(DEFINITION, encoding="utf-8")
    return open_dataset(folder / "orders.toml")


@pytest.fixture
def read(orders: Dataset, tmp_path: Path) -> Callable[..., Workload]:
    """Reads a text as a log of the name given."""

    def read_log(text: str | bytes, name: str = "queries.sql") -> Workload:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return workload_of(str(path), orders)

    return read_log
