"""What the answer of `indexing` says of made-up costs: whom it counts, whom it may recommend, what it cannot know."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa
import pytest

from assay.datasets import open_dataset
from assay.experiments.base import Answer, Value
from assay.experiments.indexing import EXPERIMENT
from assay.experiments.indexing.settings import IndexingSettings

TABLE = pa.table({"k": pa.array(range(50)), "l": pa.array(range(50))})
COVERING, BARE = "sqlite(layout=covering)", "sqlite(layout=none)"


def answer_of(read_ns: Mapping[str, float], columns: tuple[str, ...] = ("k",)) -> Answer:
    """The answer where these indexes were timed: half of all are reads, a write is free of the scan, else 10 ns."""
    indexes = [name for name in read_ns if name != "scan"] or ["btree"]
    settings = IndexingSettings(columns=list(columns), indexes=indexes, batch=5)
    job = EXPERIMENT.job(open_dataset(TABLE), settings)
    values = []
    for cell in job.cells:
        if cell.contender not in read_ns:
            continue
        read, write = read_ns[cell.contender], 0.0 if cell.contender == "scan" else 10.0
        costs = {"read_ns": read, "write_ns": write, "workload_ns": (read + write) / 2, "bytes_per_row": 8.0}
        costs["read_speedup"] = read_ns.get(BARE if cell.contender == COVERING else "scan", read) / read
        costs |= {f"query_cost_ns.{name}": read for name in job.mix.of((str(cell.parameters["column"]),))}
        values += [Value(cell.cell_id, name, value) for name, value in costs.items()]
    return EXPERIMENT.answer(job.cells, values, settings, job)[0]


def test_only_indexes_are_counted_among_those_that_lose_to_the_scan() -> None:
    found = answer_of({"scan": 100.0, "btree": 200.0, "hash": 300.0, COVERING: 400.0, BARE: 500.0})
    assert found.best == "scan"
    assert found.sentence == "k deserves no index at 90 % reads: none of 3 is cheaper than the scan."


def test_a_single_index_that_loses_is_named() -> None:
    found = answer_of({"scan": 100.0, "btree": 400.0, BARE: 90.0})
    assert found.best == "scan"
    assert found.sentence == "k deserves no index at 90 % reads: btree is not cheaper than the scan."


def test_where_all_indexes_are_of_engines_the_scan_is_no_rival() -> None:
    found = answer_of({"scan": 1.0, COVERING: 40.0, "lmdb": 90.0, BARE: 400.0})
    assert found.best == COVERING
    assert found.sentence.startswith(
        f"k deserves an index at 90 % reads: {COVERING} answers its reads 10 times faster than {BARE} ("
    )
    assert answer_of({"scan": 1.0, COVERING: 400.0, BARE: 90.0}).sentence == (
        f"k deserves no index at 90 % reads: {COVERING}, the cheapest one, is no cheaper than {BARE}."
    )
    assert answer_of({"scan": 1.0, "lmdb": 90.0}).sentence.endswith(
        "whether it pays is not known, as lmdb(index=none) could not be timed."
    )


def test_an_engine_without_an_index_is_no_index_however_quick() -> None:
    found = answer_of({"scan": 1_000.0, "btree": 100.0, COVERING: 400.0, BARE: 5.0}, ("k", "l"))
    assert found.best == "btree"
    assert found.sentence.startswith("k deserves an index at 90 % reads: btree answers its reads 10 times faster")
    [whole] = [finding for finding in found.findings if finding.startswith("The whole workload")]
    assert "btree on k" in whole and BARE not in whole


@pytest.mark.parametrize("timed", [{"scan": 100.0}, {"scan": 100.0, BARE: 5.0}], ids=["scan", "scan and engine"])
def test_where_only_scans_could_be_timed_nothing_is_said_to_lose(timed: dict[str, float]) -> None:
    assert answer_of(timed).sentence == "No index of k could be timed, only the scan."


def test_where_the_scan_could_not_be_timed_the_cheapest_index_is_told_without_a_verdict() -> None:
    found = answer_of({"btree": 100.0, "hash": 50.0})
    assert found.best == "hash"
    assert found.sentence == (
        "hash is the cheapest index of k at 90 % reads, 50.0 ns a read in 8 bytes a row; whether it pays is not known, "
        "as the scan could not be timed."
    )
    assert answer_of({BARE: 5.0}).sentence == "No index of k could be timed."
