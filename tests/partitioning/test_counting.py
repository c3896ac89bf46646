"""`assay.count_partitions`: the rows of each partition in one pass, equal to what a comparison finds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.errors import EmptyInputError, UsageError

ROWS = 20_000
TABLE = pa.table(
    {
        "id": pa.array([None if row % 97 == 0 else row * 7919 % 5003 for row in range(ROWS)], pa.int64()),
        "small": pa.array([row % 251 - 100 for row in range(ROWS)], pa.int32()),
        "name": [f"user-{row % 1009}" for row in range(ROWS)],
        "value": [row % 13 / 4 for row in range(ROWS)],
    }
)
STRATEGIES = [
    "hash(id)",
    "hash(small)",
    "hash(name, function=md5)",
    "hash(value)",
    "hash(id, name)",
    "modulo(small)",
    "bucket(name)",
    "redis_slots(name)",
    "ring(name)",
    "jump(id)",
    "range(small)",
    "range(small, bounds=[0, 1, 2, 3, 4, 5])",
    "list(name)",
    "directory(id)",
    "composite(list(value), hash(id))",
    "composite(composite(composite(list(value), hash(name)), hash(small)), hash(id))",
    "round_robin",
]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_counts_are_the_loads_of_a_comparison(strategy: str, tmp_path: Path) -> None:
    pq.write_table(TABLE, tmp_path / "table.parquet", row_group_size=3000)
    compared = assay.compare(
        "partitioning", TABLE, strategies=[strategy], partitions=7, timing=False, actions=[], queries={}
    )
    results = {row["metric"]: row["value"] for row in compared.to_arrow().to_pylist()}
    for data in (TABLE, str(tmp_path / "table.parquet")):
        for threads in (None, 1, 3):
            counts = assay.count_partitions(data, strategy, partitions=7, threads=threads)
            assert counts.type == pa.uint64() and len(counts) == 7
            loads = np.asarray(counts, dtype=np.float64)
            assert loads.sum() == ROWS
            assert loads.max() * 7 / ROWS == results["load_max_over_mean"]
            assert (loads == 0).sum() == results["empty_partitions"]


def test_counts_are_those_of_the_hash_worked_out_row_by_row() -> None:
    hashes = [value.as_py() for value in assay.hash(TABLE["name"])]
    for partitions in (1, 3, 64, 1000):
        expected = np.bincount([value % partitions for value in hashes], minlength=partitions)
        assert assay.count_partitions(TABLE, "hash(name)", partitions=partitions).to_pylist() == expected.tolist()


def test_what_cannot_be_counted_is_told() -> None:
    with pytest.raises(UsageError, match=r'no column of .* called "nme"|"nme"'):
        assay.count_partitions(TABLE, "hash(nme)", partitions=4)
    with pytest.raises(UsageError, match="partitions is 0; expected at least 1"):
        assay.count_partitions(TABLE, "hash(name)", partitions=0)
    for threads in (0, -2):
        with pytest.raises(UsageError, match=f"threads is {threads}; expected at least 1"):
            assay.count_partitions(TABLE, "hash(name)", partitions=4, threads=threads)
    with pytest.raises(UsageError, match="places columns, not rows"):
        assay.count_partitions(TABLE, "vertical([id], [name])", partitions=4)
    with pytest.raises(EmptyInputError, match="has no rows"):
        assay.count_partitions(TABLE.slice(0, 0), "hash(name)", partitions=4)
