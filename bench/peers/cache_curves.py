"""Miss-ratio curves and policies in Python, beside libCacheSim's plug-in hooks: one thread, by processor time.

    python bench/peers/cache_curves.py [--requests 10000000] [--objects 1000000] [--rounds 3] [-o FILE]

Requests follow Zipf(1.0). The curve of LRU goes from a Parquet file to the misses of every size; a sample's keys are in
memory. The policy in Python is the same least-recently-used one in both packages, on the first requests: hooks of
libCacheSim get request objects, those of assay keys. Answers are compared before anything is timed.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import cachetools
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from beside import Report, Row

import assay
from assay import _core
from assay.caches.traces import read_trace

SOME = 1_000_000  # requests of what is asked one at a time
CAPACITY = 10_000


def zipf(requests: int, objects: int) -> np.ndarray[Any, np.dtype[np.uint64]]:
    """Numbers of objects, the n-th of which is asked for with a probability of about 1/n."""
    shares = np.cumsum(1 / np.arange(1, objects + 1))
    drawn = np.random.default_rng(42).random(requests) * shares[-1]
    return np.searchsorted(shares, drawn).astype(np.uint64)


class LeastRecent:
    """LRU, as assay's hooks have it."""

    def __init__(self, capacity: int) -> None:
        self.order: OrderedDict[int, None] = OrderedDict()
        self.on_hit = self.order.move_to_end

    def on_miss(self, key: int) -> None:
        """Puts the key last."""
        self.order[key] = None

    def evict(self) -> int:
        """The first key."""
        return self.order.popitem(last=False)[0]


def curves(keys: np.ndarray[Any, Any], folder: Path, rounds: int, report: Report) -> None:
    """The exact curves of LRU end to end and with ids ready, of OPT, and of samples."""
    path = folder / "trace.parquet"
    pq.write_table(pa.table({"key": keys}), path)
    table = pa.table({"key": keys})
    requests = read_trace(table)
    exact = assay.miss_ratio_curve(path)
    assert exact.column("misses")[CAPACITY - 1].as_py() == (
        assay.simulate_cache(path, capacity=CAPACITY).column("misses")[0].as_py()
    ), "the curve and a run at one size"
    count = len(keys)

    def sampled(**options: Any) -> Any:
        return lambda: assay.miss_ratio_curve(table, **options)

    rows = {
        "LRU, every size, from Parquet": Row(lambda: assay.miss_ratio_curve(path), count, rounds),
        "LRU, every size, ids ready": Row(lambda: _core.reuse_distances(requests), count, rounds),
        "OPT, every size, ids ready": Row(lambda: _core.optimal_distances(requests), count, 1),
        "SHARDS, rate 0.01, keys in memory": Row(sampled(sample_rate=0.01), count, rounds),
        "SHARDS, 8,192 keys, keys in memory": Row(sampled(sample_size=8192), count, rounds),
    }
    report.say(f"\nmiss-ratio curves, {count:,} requests of {requests.distinct:,} objects")
    found = report.table(rows)
    million = {name: 1e3 / figure for name, figure in found.items()}
    report.goal("LRU, every size, from Parquet", million["LRU, every size, from Parquet"], 12, unit="M/s")
    report.goal("LRU, every size, ids ready", million["LRU, every size, ids ready"], 25, unit="M/s")
    report.goal("SHARDS at rate 0.01", million["SHARDS, rate 0.01, keys in memory"], 300, unit="M/s")


def policies(keys: np.ndarray[Any, Any], folder: Path, rounds: int, report: Report) -> None:
    """A policy in Python by hooks, here and there; cachetools as it is."""
    import libcachesim

    some = keys[:SOME]
    path = folder / "trace.oracleGeneral"
    rows = np.zeros(len(some), np.dtype([("time", "<u4"), ("key", "<u8"), ("size", "<u4"), ("next", "<i8")]))
    rows["key"], rows["size"], rows["next"] = some, 1, -1
    path.write_bytes(rows.tobytes())
    table = pa.table({"key": some})

    def peer() -> int:
        cache = libcachesim.PluginCache(
            CAPACITY,
            lambda _params: OrderedDict(),
            lambda order, request: order.move_to_end(request.obj_id),
            lambda order, request: order.__setitem__(request.obj_id, None),
            lambda order, _request: order.popitem(last=False)[0],
            lambda order, key: order.pop(key, None),
            lambda order: order.clear(),
        )
        reader = libcachesim.TraceReader(str(path), libcachesim.TraceType.ORACLE_GENERAL_TRACE)
        ratio, _bytes = cache.process_trace(reader)
        return round(ratio * len(some))

    def own(policy: Any) -> Any:
        return lambda: assay.simulate_cache(table, policy, capacity=CAPACITY, threads=1).column("misses")[0].as_py()

    assert peer() == own(LeastRecent)() == own("lru")() == own(cachetools.LRUCache)(), "the same misses"
    report.say(f"\nLRU in Python, {len(some):,} requests, capacity {CAPACITY:,}")
    found = report.table(
        {
            "assay, on_hit / on_miss / evict": Row(own(LeastRecent), len(some), rounds),
            "libcachesim PluginCache": Row(peer, len(some), rounds),
            "assay, cachetools.LRUCache as it is": Row(own(cachetools.LRUCache), len(some), rounds),
            "assay's own lru": Row(own("lru"), len(some), rounds),
        }
    )
    hooks, plug_in, *_others = found.values()
    report.goal("hooks over PluginCache", plug_in / hooks, 3)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("-o", "--output", type=Path)
    options = parser.parse_args()
    report = Report()
    report.head(("assay", "libcachesim", "cachetools", "pyarrow", "numpy"))
    keys = zipf(options.requests, options.objects)
    with tempfile.TemporaryDirectory() as folder:
        curves(keys, Path(folder), options.rounds, report)
        policies(keys, Path(folder), options.rounds, report)
    report.say(f"\n{report.missed} goals missed")
    if options.output is not None:
        report.write(options.output)


if __name__ == "__main__":
    main()
