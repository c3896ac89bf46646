"""One `assay.Index` in several threads: readers go side by side, changes one by one, nobody sees half of one."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest

import assay

ROWS = 40
ROUNDS = 60
KEYS = pa.array(np.repeat(np.arange(64, dtype=np.int64), ROWS))


@pytest.mark.parametrize("kind", ["hash", "sorted", "btree", "art", "skip_list", "lsm(memtable_entries=512)"])
def test_threads_that_read_and_change_an_index_see_whole_changes(kind: str) -> None:
    index = assay.Index.build(KEYS, kind=kind)
    asked, rows = pa.array(range(64), pa.int64()), np.tile(np.arange(ROWS), 64)

    def change(which: int) -> int:
        changed = 0
        for at in range(ROUNDS):
            if (at + which) % 2:
                changed += index.insert(KEYS, rows + ROWS * 64)
            else:
                changed -= index.delete(KEYS, rows + ROWS * 64)
        return changed

    def read() -> set[int]:
        seen: set[int] = set()
        for _ in range(ROUNDS):
            seen.update(index.lookup(asked).value_lengths().to_pylist())
            assert len(index) % (ROWS * 64) == 0
            assert index.memory_bytes > 0 and index.statistics is not None
            if kind != "hash":
                assert len(index.range(3, 3)) % ROWS == 0
                assert set(index.ranges(asked, asked).value_lengths().to_pylist()) <= set(range(0, ROWS * 99, ROWS))
        return seen

    with ThreadPoolExecutor(4) as pool:
        changing = [pool.submit(change, which) for which in (0, 1)]
        reading = [pool.submit(read) for _ in range(2)]
        changed = sum(one.result() for one in changing)
        assert all(length % ROWS == 0 for one in reading for length in one.result())
    assert len(index) == len(KEYS) + changed
