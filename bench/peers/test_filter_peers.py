"""Building and probing a Bloom filter at 1 %: assay beside rbloom."""

from __future__ import annotations

import pyarrow as pa
import pytest
from rbloom import Bloom

import assay


@pytest.mark.benchmark(group="filter build")
@pytest.mark.parametrize("layout", ["split_block", "standard"])
def test_assay_build(benchmark, words, layout):
    benchmark(assay.BloomFilter.build, words, false_positive_rate=0.01, layout=layout, threads=1)


@pytest.mark.benchmark(group="filter build")
def test_rbloom_build(benchmark, words):
    keys = words.to_pylist()

    def build():
        made = Bloom(len(keys), 0.01)
        made.update(keys)
        return made

    benchmark.pedantic(build, rounds=3)


@pytest.mark.benchmark(group="filter probe, half present")
@pytest.mark.parametrize("layout", ["split_block", "standard"])
def test_assay_probe(benchmark, words, layout):
    made = assay.BloomFilter.build(words.slice(0, len(words) // 2), false_positive_rate=0.01, layout=layout)
    found = benchmark(made.contains, words, threads=1)
    assert found.slice(0, len(words) // 2).equals(pa.array([True] * (len(words) // 2)))


@pytest.mark.benchmark(group="filter probe, half present")
def test_rbloom_probe(benchmark, words):
    keys = words.to_pylist()
    made = Bloom(len(keys) // 2, 0.01)
    made.update(keys[: len(keys) // 2])
    benchmark.pedantic(lambda: [key in made for key in keys], rounds=3)
