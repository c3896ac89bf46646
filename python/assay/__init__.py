"""Measures the building blocks of distributed systems on your own data, before anything is deployed.

Four ways in: compare one thing now (`assay.compare`), run benchmark suites (`assay run`), gate a change (`assay.diff`),
and call the fast primitives (`assay.hash`, `assay.BloomFilter`, `assay.Ring`, `assay.checksum`).
Names resolve on first use, so that `import assay` loads none of the heavy packages.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from assay.caches import miss_ratio_curve, simulate_cache
    from assay.checksums import Checksum, MerkleTree, checksum, checksum_blocks
    from assay.datasets import open_dataset
    from assay.diffing import diff
    from assay.experiments.partitioning import (
        PartitioningMetric,
        PartitionLoads,
        Strategy,
        count_partitions,
        register_metric,
        register_strategy,
    )
    from assay.filters import (
        BinaryFuseFilter,
        BloomFilter,
        CountingBloomFilter,
        CuckooFilter,
        RibbonFilter,
        XorFilter,
        parquet_filters,
    )
    from assay.front import compare, export, run
    from assay.hashing import digest, hash, hash_rows
    from assay.indexes import Index
    from assay.placement import (
        Anchor,
        BoundedLoads,
        Jump,
        Maglev,
        Memento,
        Modulo,
        MultiProbe,
        RedisSlots,
        Rendezvous,
        Ring,
    )

__version__ = "0.1.0"

# Where each public name lives; `assay.polars` and the like are modules of their own.
_HOMES = {
    "Anchor": "assay.placement",
    "BinaryFuseFilter": "assay.filters",
    "BloomFilter": "assay.filters",
    "BoundedLoads": "assay.placement",
    "Checksum": "assay.checksums",
    "CountingBloomFilter": "assay.filters",
    "CuckooFilter": "assay.filters",
    "Index": "assay.indexes",
    "Jump": "assay.placement",
    "Maglev": "assay.placement",
    "Memento": "assay.placement",
    "MerkleTree": "assay.checksums",
    "Modulo": "assay.placement",
    "MultiProbe": "assay.placement",
    "PartitionLoads": "assay.experiments.partitioning",
    "PartitioningMetric": "assay.experiments.partitioning",
    "RedisSlots": "assay.placement",
    "Rendezvous": "assay.placement",
    "RibbonFilter": "assay.filters",
    "Ring": "assay.placement",
    "Strategy": "assay.experiments.partitioning",
    "XorFilter": "assay.filters",
    "checksum": "assay.checksums",
    "checksum_blocks": "assay.checksums",
    "compare": "assay.front",
    "count_partitions": "assay.experiments.partitioning",
    "diff": "assay.diffing",
    "digest": "assay.hashing",
    "export": "assay.front",
    "hash": "assay.hashing",
    "hash_rows": "assay.hashing",
    "miss_ratio_curve": "assay.caches",
    "open_dataset": "assay.datasets",
    "parquet_filters": "assay.filters",
    "register_metric": "assay.experiments.partitioning",
    "register_strategy": "assay.experiments.partitioning",
    "run": "assay.front",
    "simulate_cache": "assay.caches",
}

__all__ = [
    "Anchor",
    "BinaryFuseFilter",
    "BloomFilter",
    "BoundedLoads",
    "Checksum",
    "CountingBloomFilter",
    "CuckooFilter",
    "Index",
    "Jump",
    "Maglev",
    "Memento",
    "MerkleTree",
    "Modulo",
    "MultiProbe",
    "PartitionLoads",
    "PartitioningMetric",
    "RedisSlots",
    "Rendezvous",
    "RibbonFilter",
    "Ring",
    "Strategy",
    "XorFilter",
    "__version__",
    "checksum",
    "checksum_blocks",
    "compare",
    "count_partitions",
    "diff",
    "digest",
    "export",
    "hash",
    "hash_rows",
    "miss_ratio_curve",
    "open_dataset",
    "parquet_filters",
    "register_metric",
    "register_strategy",
    "run",
    "simulate_cache",
]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'assay' has no attribute {name!r}")
    value = getattr(importlib.import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
