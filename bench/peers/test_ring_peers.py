"""Looking keys up on a ring of 100 nodes x 160 points: assay in bulk beside uhashring and numpy."""

from __future__ import annotations

import numpy as np
import pytest
import xxhash
from uhashring import HashRing

import assay

NODES = [f"node-{index}" for index in range(100)]
SOME = 50_000  # of the keys, for peers that look up one at a time


@pytest.mark.benchmark(group="ring lookup, 1,000,000 keys")
@pytest.mark.parametrize("function", ["xxh3_64", "md5"])
def test_assay_ring(benchmark, text, function):
    ring = assay.Ring(NODES, virtual_nodes=160, hash=function)
    benchmark(ring.lookup, text, threads=1)


@pytest.mark.benchmark(group="ring lookup, 1,000,000 keys")
def test_numpy_searchsorted_on_hashes(benchmark, text):
    """The search alone; the keys are already hashed."""
    points = np.sort(
        np.array(
            [xxhash.xxh3_64_intdigest(f"{node}-{index}".encode()) for node in NODES for index in range(160)], np.uint64
        )
    )
    hashes = assay.hash(text).to_numpy()
    benchmark(lambda: np.searchsorted(points, hashes) % len(points))


@pytest.mark.benchmark(group="ring lookup, 50,000 keys")
def test_assay_ring_some(benchmark, text):
    ring = assay.Ring(NODES, virtual_nodes=160, hash="md5")
    benchmark(ring.lookup, text.slice(0, SOME), threads=1)


@pytest.mark.benchmark(group="ring lookup, 50,000 keys")
def test_uhashring_ketama(benchmark, text):
    ring = HashRing(nodes=NODES)
    keys = text.slice(0, SOME).to_pylist()
    benchmark.pedantic(lambda: [ring.get_node(key) for key in keys], rounds=3)
