"""The traces on which caches are compared: generated ones, the same on every machine, shipped ones, those of a folder.

Real traces whose licence keeps them out of the package are looked for in the folder that the environment variable
`ASSAY_TRACES` names; a trace that is nowhere is `None`, and its tests are skipped with that reason.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

Keys = npt.NDArray[np.uint64]
Sizes = npt.NDArray[np.uint32]

SHARES = (0.001, 0.01, 0.05, 0.1, 0.5)
"""Capacities as shares of the distinct keys, or of their bytes."""


class CacheTrace(NamedTuple):
    """Keys of the requests, in order, and the bytes of each request where they are not all 1."""

    keys: Keys
    sizes: Sizes | None = None

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the keys and sizes, little-endian, in order."""
        digest = hashlib.sha256(self.keys.astype("<u8").tobytes())
        if self.sizes is not None:
            digest.update(self.sizes.astype("<u4").tobytes())
        return digest.hexdigest()

    def first_sizes(self) -> int:
        """Bytes of the distinct keys, each at its first size."""
        _, first = np.unique(self.keys, return_index=True)
        return len(first) if self.sizes is None else int(self.sizes[first].sum(dtype=np.int64))

    def capacities(self) -> list[int]:
        """Five sizes: 0.1 %, 1 %, 5 %, 10 % and 50 % of the footprint, in objects or bytes."""
        whole = self.first_sizes()
        return sorted({max(1, int(share * whole)) for share in SHARES})


REAL = (
    "cloudphysics_io",
    "cache2k_web07",
    "cache2k_web12",
    "cache2k_orm_busy",
    "cache2k_orm_night",
    "arc_oltp",
    "arc_p3",
    "arc_p6",
)
WITH_SIZES = ("cloudphysics_io_bytes", "zipf_bytes", "changing_bytes")


def spread(numbers: npt.NDArray[np.int64]) -> Keys:
    """Small numbers as keys all over the 64 bits, each its own."""
    return numbers.astype(np.uint64) * np.uint64(0x9E37_79B9_7F4A_7C15)


def zipf(generator: np.random.Generator, requests: int, objects: int) -> npt.NDArray[np.int64]:
    """Numbers of objects below `objects`, the k-th asked for with weight 1 / k: sums and quotients, exact anywhere."""
    sums = np.cumsum(1.0 / np.arange(1, objects + 1))
    numbers: npt.NDArray[np.int64] = np.searchsorted(sums, generator.random(requests) * sums[-1], side="right")
    return numbers


def zipf_with_scans() -> CacheTrace:
    """100,000 requests: Zipf over 8,000 objects; a scan of 1,500 objects, new each time, breaks in eight times."""
    generator = np.random.default_rng(20_261)
    asked = zipf(generator, 88_000, 8_000)
    parts = []
    for turn in range(8):
        parts.append(asked[turn * 11_000 : (turn + 1) * 11_000])
        parts.append(8_000 + turn * 1_500 + np.arange(1_500))
    return CacheTrace(spread(np.concatenate(parts)))


def loops_in_zipf() -> CacheTrace:
    """60,000 requests: every other one walks a loop of 2,500 objects, the rest are Zipf over 5,000 that drift."""
    generator = np.random.default_rng(20_262)
    numbers = np.empty(60_000, dtype=np.int64)
    numbers[::2] = np.arange(30_000) % 2_500
    numbers[1::2] = 2_500 + (zipf(generator, 30_000, 5_000) + np.arange(30_000) // 10_000 * 700) % 5_000
    return CacheTrace(spread(numbers))


def zipf_bytes() -> CacheTrace:
    """60,000 requests over 6,000 objects, each of one size from 16 bytes to 16 KiB."""
    generator = np.random.default_rng(20_263)
    numbers = zipf(generator, 60_000, 6_000)
    of_object = (np.int64(1) << generator.integers(4, 14, 6_000)) + generator.integers(0, 16, 6_000)
    return CacheTrace(spread(numbers), of_object[numbers].astype(np.uint32))


def changing_bytes() -> CacheTrace:
    """40,000 requests over 4,000 objects, each of a size of its own that one request in eight changes."""
    generator = np.random.default_rng(20_264)
    numbers = zipf(generator, 40_000, 4_000)
    sizes = (np.int64(64) << (numbers % 7)) * np.where(generator.integers(0, 8, 40_000) == 0, 3, 1)
    return CacheTrace(spread(numbers), sizes.astype(np.uint32))


GENERATED: dict[str, Callable[[], CacheTrace]] = {
    "zipf_with_scans": zipf_with_scans,
    "loops_in_zipf": loops_in_zipf,
    "zipf_bytes": zipf_bytes,
    "changing_bytes": changing_bytes,
}
NAMES = (*GENERATED, *REAL, "cloudphysics_io_bytes")


def file_of(name: str) -> Path | None:
    """Where a real trace lies: in the package, or in the folder that ASSAY_TRACES names."""
    folders = [Path(__file__).parents[2] / "datasets"]
    if "ASSAY_TRACES" in os.environ:
        folders.append(Path(os.environ["ASSAY_TRACES"]))
    for folder in folders:
        if (folder / f"{name}.parquet").exists():
            return folder / f"{name}.parquet"
    return None


@cache
def trace(name: str) -> CacheTrace | None:
    """The trace of that name; `None` for a real one whose file is not on this machine."""
    if name in GENERATED:
        return GENERATED[name]()
    with_sizes = name.endswith("_bytes")
    file = file_of(name.removesuffix("_bytes"))
    if file is None:
        return None
    table = pq.read_table(file, columns=["key", "size"] if with_sizes else ["key"])
    keys = table["key"].to_numpy().astype(np.uint64)
    return CacheTrace(keys, table["size"].to_numpy().astype(np.uint32) if with_sizes else None)
