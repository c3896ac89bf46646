"""Filters of Arrow columns: a set of keys in a few bits each, that never denies a key it holds.

A filter answers "surely not" or "perhaps", and is wrong about an absent key at a rate that is chosen when it is built.
All have the same verbs, as far as they can: `base.Filter` documents them, and each kind is a module beside it.
"""

from __future__ import annotations

from assay.filters.base import Filter, FilterRate, GrowingFilter
from assay.filters.binary_fuse import BinaryFuseFilter
from assay.filters.bloom import BloomFilter
from assay.filters.counting import CountingBloomFilter
from assay.filters.cuckoo import CuckooFilter
from assay.filters.parquet import parquet_filters
from assay.filters.ribbon import RibbonFilter
from assay.filters.xor import XorFilter

__all__ = [
    "BinaryFuseFilter",
    "BloomFilter",
    "CountingBloomFilter",
    "CuckooFilter",
    "Filter",
    "FilterRate",
    "GrowingFilter",
    "RibbonFilter",
    "XorFilter",
    "parquet_filters",
]
