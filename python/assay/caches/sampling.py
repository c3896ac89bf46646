"""Curves of a share of the keys: SHARDS for LRU, and the same sample run through a small cache for other policies.

A key is in the sample with all its requests or with none of them. Between two of its requests a share `rate` of the
other objects lies in the sample, so that a cache of a share `rate` of the capacity sees the sample as the whole cache
sees the trace. Its misses over `rate` estimate those of the trace. Source: Waldspurger, Park, Garthwaite, Ahmad 2015,
"Efficient MRC Construction with SHARDS"; Waldspurger, Saemundsson, Ahmad, Park 2017, "Cache Modeling and Optimization
using Miniature Simulations".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.caches.calling_off import called_off_by_interrupts
from assay.caches.policies import PolicySpec
from assay.caches.traces import check_keys, sizes_of
from assay.checks import UINT64_HIGH
from assay.datasets import open_dataset
from assay.errors import DataError

__all__ = ["DEVIATIONS", "KeySample", "estimated_curve", "read_sample"]

DEVIATIONS = 2.576  # standard errors on each side of an estimate: 99 of 100, were they normal
_Array = np.ndarray[Any, np.dtype[Any]]


# Misses at capacities, their bytes where bytes are counted, and the sum over keys of their squared misses.
_Tell = Callable[[_Array], tuple[_Array, _Array | None, _Array]]


@dataclass(frozen=True)
class KeySample:
    """The requests of the sampled keys, and what is known of all."""

    trace: _core.Trace
    rate: float  # the probability of a key to be in the sample
    requests: int  # of all keys
    bytes_requested: int = 0  # the sizes of all requests

    @property
    def expected(self) -> float:
        """The requests that a sample has on average."""
        return self.requests * self.rate

    @property
    def distinct(self) -> int:
        """The number of all keys, as far as the sample tells."""
        return max(1, round(self.trace.distinct / self.rate))

    @property
    def footprint_bytes(self) -> int:
        """The bytes of all objects, as far as the sample tells."""
        return min(max(1, round(self.trace.footprint_bytes / self.rate)), UINT64_HIGH)

    def smaller(self, capacities: _Array) -> _Array:
        """The capacities in objects at the sample's scale: room for an object itself, and a share of the others."""
        return 1 + self._share(capacities - 1)

    def smaller_bytes(self, capacities: _Array) -> _Array:
        """The capacities in bytes at the sample's scale."""
        return np.maximum(1, self._share(capacities)).astype(np.uint64)

    def _share(self, whole: _Array) -> _Array:
        return whole if self.rate == 1.0 else _rounded_down(whole.astype(np.float64) * self.rate)


def read_sample(
    source: Any, *, key: str, size: str | None, rate: float | None, keys: int | None, seed: int
) -> KeySample:
    """The requests of some of the keys, at a fixed rate or of so many keys, in one pass.

    Raises:
        UnknownNameError: There is no such column.
        DataError: There is no request, a key is null, a size is null or negative, or no key is in the sample.
    """
    dataset = open_dataset(source)
    sample = _core.KeySample(rate=rate, size=keys, seed=seed)
    columns = list(dict.fromkeys([key] if size is None else [key, size]))
    whole = 0
    for batch in dataset.batches(columns, encoded=True):
        check_keys(batch.data.column(key), key, dataset, batch.first_row)
        sizes = None if size is None else sizes_of(batch.data.column(size), size, dataset, batch.first_row)
        whole += 0 if sizes is None else _sum(sizes)
        sample.append(batch.data.column(key), sizes)
    requests, found = sample.requests, sample.rate
    if not requests:
        raise DataError(f"{dataset.name} has no rows; a trace needs at least one request")
    trace = sample.trace()
    if not len(trace):
        raise DataError(
            f"{dataset.name}: no key is in the sample at sample_rate {rate:g}; raise it, or give sample_size instead"
        )
    return KeySample(trace, found, requests, whole)


def estimated_curve(sample: KeySample, spec: PolicySpec, wanted: _Array | None, *, sized: bool, seed: int) -> pa.Table:
    """The curve that the sample gives at these capacities, with the interval of each estimate.

    Misses are divided by the requests that the sample is expected to have (SHARDS-adj), not by those it has: whether
    the few hottest keys are in it or not moves the latter, and hardly the misses.
    """
    tell = _by_distances(sample) if spec.name == "lru" and not sized else _by_runs(sample, spec, sized, seed)
    if wanted is None:
        wanted = 1 + np.ceil(np.arange(sample.trace.distinct) / sample.rate).astype(np.uint64)
    whole, object_size = sample.distinct, 1.0
    if sized:
        # How many of a cache's bytes are in the sample hangs on its large objects, however many small ones there are.
        whole, object_size = sample.footprint_bytes, max(sample.trace.size_of_bytes_mean, 1.0)
    smaller, larger = _shifted(wanted, wanted / object_size, whole, sample.rate)
    misses, bytes_missed, _squares = tell(wanted)
    ratios = np.clip(misses / sample.expected, 0, 1)
    low, high = _bound(sample, tell, larger, -1), _bound(sample, tell, np.maximum(smaller, 1), 1)
    high[smaller < 1] = 1  # of a cache that holds no sampled object, nothing is known
    if sample.rate == 1.0:
        low = high = ratios
    columns = {
        "capacity": pa.array(wanted),
        "miss_ratio": pa.array(ratios),
        "misses": pa.array(np.rint(ratios * sample.requests).astype(np.uint64)),
        "low": pa.array(np.minimum(low, ratios)),
        "high": pa.array(np.maximum(high, ratios)),
    }
    if bytes_missed is not None:
        expected = max(1, sample.bytes_requested) * sample.rate
        columns["byte_miss_ratio"] = pa.array(np.clip(bytes_missed / expected, 0, 1))
    facts = {
        "policy": spec.text,
        "requests": sample.requests,
        "distinct": sample.distinct,
        "sample_rate": sample.rate,
        "sampled_keys": sample.trace.distinct,
        "sampled_requests": len(sample.trace),
    }
    return pa.table(columns).replace_schema_metadata({name: str(value) for name, value in facts.items()})


def _by_distances(sample: KeySample) -> _Tell:
    """What LRU misses at capacities in objects, by the sample's reuse distances."""
    counts, sums = (column.to_numpy().astype(np.float64) for column in _core.reuse_squares(sample.trace))
    misses, squares = counts.sum() - np.cumsum(counts[1:]), sums.sum() - np.cumsum(sums[1:])

    def tell(capacities: _Array) -> tuple[_Array, _Array | None, _Array]:
        places = np.minimum(sample.smaller(capacities), len(misses)).astype(np.int64) - 1
        return misses[places], None, squares[places]

    return tell


def _by_runs(sample: KeySample, spec: PolicySpec, sized: bool, seed: int) -> _Tell:
    """What any policy misses, by runs of the sample in caches as much smaller."""

    def tell(capacities: _Array) -> tuple[_Array, _Array | None, _Array]:
        small = sample.smaller_bytes(capacities) if sized else sample.smaller(capacities)
        distinct, places = np.unique(small, return_inverse=True)
        tasks = [(spec.name, dict(spec.parameters), one, sized, seed) for one in distinct.tolist()]
        every = called_off_by_interrupts(lambda progress: _core.misses_by_key(sample.trace, tasks, progress=progress))
        found = np.array(every, np.float64)[places]
        return found[:, 0], found[:, 1] if sized else None, found[:, 2]

    return tell


def _shifted(capacities: _Array, objects: _Array, whole: int, rate: float) -> tuple[_Array, _Array]:
    """Capacities so much smaller and larger as a sample may take them for; 0 where that is less than one object.

    How many of a cache's objects are in the sample differs from sample to sample as a binomial number does.
    """
    others = np.maximum(objects.astype(np.float64) - 1, 0) * rate
    shift = DEVIATIONS * np.sqrt((1 - rate) / np.maximum(others, 1e-9))
    exact = capacities.astype(np.float64)
    larger = np.minimum(np.ceil(exact * (1 + shift)), np.maximum(exact, whole))
    return _rounded_down(exact * np.maximum(1 - shift, 0)), _rounded_down(larger)


def _bound(sample: KeySample, tell: _Tell, capacities: _Array, sign: int) -> _Array:
    """The ratios at these capacities, and so many standard errors more, or less.

    Misses are a sum over keys, each of which is in the sample with one probability (Horvitz and Thompson 1952).
    """
    misses, _bytes, squares = tell(capacities)
    errors = DEVIATIONS * np.sqrt((1 - sample.rate) * squares)
    return np.clip((misses + sign * errors) / sample.expected, 0, 1)


def _rounded_down(numbers: _Array) -> _Array:
    """As unsigned integers; 2^64, to which the greatest of them are rounded as floats, is no number of 64 bits."""
    found: _Array = np.minimum(numbers, np.nextafter(2.0**64, 0)).astype(np.uint64)
    return found


def _sum(sizes: pa.Array) -> int:
    """Their sum, of more than 64 bits if need be: Arrow's own begins anew at 2^64."""
    high = pc.sum(pc.shift_right(sizes, pa.scalar(32, pa.uint64()))).as_py()
    low = pc.sum(pc.bit_wise_and(sizes, pa.scalar(2**32 - 1, pa.uint64()))).as_py()
    return ((high or 0) << 32) + (low or 0)
