"""libCacheSim by its Python package, as a peer: what it answers for a policy, a trace and a capacity, in counts.

The trace goes to it as its own binary format, oracleGeneral: 24 bytes a request, little-endian: time (u32, here 0),
object (u64: the key itself), bytes (u32), and the number of the next request of that object (i64, the greatest one
where there is none, which its Belady wants).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from cache_traces import CacheTrace, trace

RECORD = np.dtype([("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next", "<i8")])

NAMES = {
    "fifo": "FIFO",
    "lru": "LRU",
    "clock": "Clock",
    "sieve": "Sieve",
    "lfu": "LFU",
    "slru": "SLRU",
    "two_q": "TwoQ",
    "arc": "ARC",
    "lirs": "LIRS",
    "opt": "Belady",
    "s3_fifo": "S3FIFO",
    "w_tinylfu": "WTinyLFU",
}
"""Our name of a policy -> the name of its class."""

SMALLEST = {"slru": 4, "two_q": 4, "lirs": 2, "s3_fifo": 20, "w_tinylfu": 100}
"""Below so many objects its sub-queue is rounded to zero and refuses every insert: all requests miss, silently."""


def peer_version() -> str:
    """Name and version of the package, e.g. `libcachesim 0.3.5`."""
    return f"libcachesim {version('libcachesim')}"


def next_requests(keys: np.ndarray[Any, np.dtype[np.uint64]]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """For each request the number of the next one of the same key."""
    order = np.argsort(keys, kind="stable")
    following = np.full(len(keys), np.iinfo(np.int64).max, dtype=np.int64)
    same = keys[order[1:]] == keys[order[:-1]]
    following[order[:-1][same]] = order[1:][same]
    return following


def write_oracle_general(path: Path, made: CacheTrace) -> None:
    """Writes the trace as oracleGeneral."""
    records = np.zeros(len(made.keys), dtype=RECORD)
    records["key"], records["next"] = made.keys, next_requests(made.keys)
    records["size"] = 1 if made.sizes is None else made.sizes
    records.tofile(path)


def answer(policy: str, file: Path, capacity: int, *, requests: int, total_bytes: int) -> tuple[int, int]:
    """Misses, and bytes of the requests that missed."""
    import libcachesim  # type: ignore[import-untyped]

    reader = libcachesim.TraceReader(str(file), libcachesim.TraceType.ORACLE_GENERAL_TRACE)
    cache = getattr(libcachesim, NAMES[policy])(capacity, hashpower=18)
    object_ratio, byte_ratio = cache.process_trace(reader)
    return round(object_ratio * requests), round(byte_ratio * total_bytes)


def answers(policy: str, name: str) -> dict[str, list[int] | None]:
    """Capacity -> misses, missed bytes, for each capacity of the trace; `None` where it refuses the capacity.

    Each in a process of its own once one has died, as the package ends the process at some capacities.
    """
    made = trace(name)
    assert made is not None, f"{name} is not on this machine"
    found: dict[str, list[int] | None] = {}
    capacities = [str(capacity) for capacity in made.capacities()]
    while capacities:
        words = [sys.executable, __file__, policy, name, *capacities]
        asked = subprocess.run(words, capture_output=True, text=True, check=False)
        for line in asked.stdout.splitlines():
            if line.startswith("answer "):
                _, capacity, misses, missed_bytes = line.split()
                found[capacity] = [int(misses), int(missed_bytes)]
        if asked.returncode != 0:
            # The first one without an answer is the one at which it ended.
            found[next(capacity for capacity in capacities if capacity not in found)] = None
        capacities = [capacity for capacity in capacities if capacity not in found]
    return found


def main() -> None:
    """Prints the answers for one policy, one trace and some capacities."""
    policy, name, *capacities = sys.argv[1:]
    made = trace(name)
    assert made is not None, f"{name} is not on this machine"
    total = len(made.keys) if made.sizes is None else int(made.sizes.sum(dtype=np.int64))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "trace.oracleGeneral"
        write_oracle_general(file, made)
        for capacity in capacities:
            counted = answer(policy, file, int(capacity), requests=len(made.keys), total_bytes=total)
            print("answer", capacity, *counted, flush=True)


if __name__ == "__main__":
    main()
