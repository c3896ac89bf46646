"""Where every row should be: asked of the strategy itself, row by row, apart from what an export predicts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from assay.targets.export import Export

ROW_ID = "row_id"


def expected(export: Export) -> dict[int, int]:
    """The partition of each row of a table that has a column `row_id`, by the learned strategy."""
    layout = export.placed
    found: dict[int, int] = {}
    for batch in layout.dataset.batches():
        partitions = layout.assign(layout.learned, batch.data, batch.first_row)
        found |= dict(zip(batch.data.column(ROW_ID).to_pylist(), partitions.tolist(), strict=True))
    return found


def check(export: Export, landed: dict[int, int]) -> None:
    """Every row is where the strategy has it, and each partition holds as many as were predicted."""
    assert landed == expected(export)
    counts = np.bincount(list(landed.values()), minlength=export.layout.partitions)
    assert counts.tolist() == export.predicted


def odd_table() -> pa.Table:
    """300 rows of every type that can be a key, with nulls and values that look like SQL, in columns of odd names."""
    rows = range(300)
    texts = [
        "a'b",
        'c"d',
        "e\\f",
        "",
        "null",
        "\\.",
        "ü",
        "Z",
        "z",
        "line\nbreak",
        "semi;colon -- /* */",
        "$$",
        "🙂",
        "%s",
    ]
    names = {
        'select"': pa.array([texts[i % len(texts)] if i % 17 else None for i in rows]),
        "Ünïcode name": pa.array([None if i % 13 == 0 else (i * 7919) % 41 - 20 for i in rows], pa.int32()),
        "order": pa.array([(i * 31) % 11 for i in rows], pa.uint64()),
        "a,b": pa.array(
            [None if i % 19 == 0 else [0.1, -0.0, 0.0, float("nan"), float("inf"), -1e300, 2.5][i % 7] for i in rows]
        ),
        "f": pa.array([[0.1, 1.5, -2.25, float("-inf")][i % 4] for i in rows], pa.float32()),
        "flag": pa.array([None if i % 7 == 0 else i % 3 == 0 for i in rows]),
        "day": pa.array([None if i % 23 == 0 else 15_000 + i % 31 for i in rows], pa.int32()).cast(pa.date32()),
        "at": pa.array([1_700_000_000_000_001 + (i % 37) * 999_983 for i in rows], pa.timestamp("us")),
        "instant": pa.array([1_700_000_000_123 + (i % 29) * 61_001 for i in rows], pa.timestamp("ms", "Asia/Tokyo")),
        "clock": pa.array([(i % 24) * 3_600_000_000 + i % 5 for i in rows], pa.time64("us")),
        "price": pa.array([f"{i % 21 - 10}.{i % 4}5" for i in rows]).cast(pa.decimal128(9, 2)),
        "bytes": pa.array([None if i % 29 == 0 else bytes([i % 5, 0, 39, 92, 255]) for i in rows], pa.binary()),
        "dict": pa.array([texts[i % 3] for i in rows]).dictionary_encode(),
        "partition_number": pa.array([i % 2 for i in rows], pa.int8()),
        ROW_ID: pa.array(rows, pa.int64()),
    }
    return pa.table(names)


ODD_STRATEGIES = (
    'range("select""")',
    'range("Ünïcode name")',
    "range(order)",
    'range("a,b")',
    "range(f)",
    "range(day)",
    "range(at)",
    "range(instant)",
    "range(clock)",
    "range(price)",
    "range(bytes)",
    "range(dict)",
    "range(at, order)",
    'range("select""", day)',
    "range(order, bounds=[3, 3, 7])",
    'list("select""")',
    'list("Ünïcode name")',
    'list("a,b")',
    "list(flag)",
    "list(day)",
    "list(instant)",
    "list(clock)",
    "list(price)",
    "list(bytes)",
    "list(dict, flag)",
    'modulo("Ünïcode name")',
    "modulo(order)",
    "round_robin",
    "composite(list(flag), range(at), first=2)",
    'composite(modulo("Ünïcode name"), list(dict), first=2)',
    "composite(round_robin, ring(order), first=2)",
    "composite(list(dict), round_robin, first=2)",
    'ring("a,b")',
    'jump("select""", day)',
    "maglev(bytes)",
    "rendezvous(price)",
)
