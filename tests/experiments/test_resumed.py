"""Hashing, integrity and caching: a run that was interrupted goes on, and ends with the numbers of one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.errors import InterruptedRunError
from assay.experiments.base import FinishesInSteps
from assay.experiments.caching.job import CachingJob
from assay.experiments.hashing.job import HashingJob
from assay.experiments.integrity.job import IntegrityJob
from assay.harness import TimingSettings, run_suite, suite_from_dict
from assay.store import Store

OFF = TimingSettings(enabled=False)
HASHING = {"kind": "hashing", "dataset": "zipf(rows=3000, keys=500)", "key": "key", "functions": ["xxh3_64", "md5"]}
INTEGRITY = {
    "kind": "integrity",
    "dataset": "uniform(rows=3000)",
    "sample_bytes": "40KiB",
    "block_bytes": 1024,
    "trials": 5,
    "checksums": ["crc32c", "crc32c(kept=block)"],
}
CACHING = {
    "kind": "caching",
    "dataset": "zipf(rows=3000, keys=500)",
    "policies": ["fifo", "lru"],
    "capacity": [10, "10%"],
    "windows": 3,
}
SUITE = {"name": "all", "experiment": [HASHING, INTEGRITY, CACHING]}


def numbers(store: Store) -> list[dict[str, Any]]:
    return store.query(
        "SELECT experiment, contender, metric, value, low, high, note FROM result ORDER BY ALL"
    ).to_pylist()


@pytest.mark.parametrize("killed", [HashingJob, IntegrityJob, CachingJob])
def test_an_interrupted_run_ends_with_the_same_numbers(
    killed: type[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite = suite_from_dict(SUITE)
    with Store(None) as store:
        assert run_suite(suite, store, timing=OFF).exit_code == 0
        whole = numbers(store)
    name = "finish_in_steps" if isinstance(killed, FinishesInSteps) else "finish"
    finish = getattr(killed, name)

    def interrupted(*_: Any) -> Any:
        raise KeyboardInterrupt

    path = tmp_path / "run.duckdb"
    monkeypatch.setattr(killed, name, interrupted)
    with Store(path) as store, pytest.raises(InterruptedRunError):
        run_suite(suite, store, timing=OFF, span_rows=700)
    monkeypatch.setattr(killed, name, finish)
    with Store(path) as store:
        assert run_suite(suite, store, timing=OFF, resume=True).exit_code == 0
        assert numbers(store) == whole and len(whole) > 100
