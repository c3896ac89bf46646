"""Hashing a column: assay on one thread beside a Python loop and the hashes of polars and pandas.

polars' and pandas' own hashes are not stable between versions; they stand here for their speed.
"""

from __future__ import annotations

import hashlib

import pandas as pd
import polars as pl
import pytest
import xxhash

import assay


@pytest.mark.benchmark(group="hash text")
@pytest.mark.parametrize("algorithm", ["xxh3_64", "xxh64", "murmur3_32", "md5"])
def test_assay_text(benchmark, text, algorithm):
    benchmark(assay.hash, text, algorithm, threads=1)


@pytest.mark.benchmark(group="hash text")
def test_loop_xxhash_text(benchmark, text):
    keys = [key.encode() for key in text.to_pylist()]
    benchmark.pedantic(lambda: [xxhash.xxh3_64_intdigest(key) for key in keys], rounds=3)


@pytest.mark.benchmark(group="hash text")
def test_loop_hashlib_md5_text(benchmark, text):
    keys = [key.encode() for key in text.to_pylist()]
    benchmark.pedantic(lambda: [hashlib.md5(key).digest() for key in keys], rounds=3)


@pytest.mark.benchmark(group="hash text")
def test_polars_text(benchmark, text):
    benchmark(pl.Series(text).hash)


@pytest.mark.benchmark(group="hash int64")
@pytest.mark.parametrize("algorithm", ["xxh3_64", "xxh64", "murmur3_32", "md5"])
def test_assay_words(benchmark, words, algorithm):
    benchmark(assay.hash, words, algorithm, threads=1)


@pytest.mark.benchmark(group="hash int64")
def test_polars_words(benchmark, words):
    benchmark(pl.Series(words).hash)


@pytest.mark.benchmark(group="hash int64")
def test_pandas_words(benchmark, words):
    benchmark(pd.util.hash_array, words.to_numpy())
