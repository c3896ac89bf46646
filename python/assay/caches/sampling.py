"""Curves of a share of the keys: SHARDS for LRU, and the same sample run through a small cache for other policies.

A key is in the sample with all its requests or with none of them. Between two of its requests a share `rate` of the
other objects lies in the sample, so that a cache of a share `rate` of the capacity sees the sample as the whole cache
sees the trace. Its misses over `rate` estimate those of the trace. Source: Waldspurger, Park, Garthwaite, Ahmad 2015,
"Efficient MRC Construction with SHARDS"; Waldspurger, Saemundsson, Ahmad, Park 2017, "Cache Modeling and Optimization
using Miniature Simulations".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from assay import _core
from assay.caches.policies import PolicySpec
from assay.caches.traces import sizes_of
from assay.datasets import open_dataset
from assay.errors import DataError

__all__ = ["DEVIATIONS", "KeySample", "estimated_curve", "read_sample"]

DEVIATIONS = 1.96  # standard errors on each side of an estimate: 95 of 100
_Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class KeySample:
    """The requests of the sampled keys, and what is known of all."""

    trace: _core.Trace
    rate: float  # the probability of a key to be in the sample
    requests: int  # of all keys
    bytes_requested: int = 0  # the sizes of all requests

    @property
    def distinct(self) -> int:
        """The number of all keys, as far as the sample tells."""
        return max(1, round(self.trace.distinct / self.rate))

    @property
    def footprint_bytes(self) -> int:
        """The bytes of all objects, as far as the sample tells."""
        return max(1, round(self.trace.footprint_bytes / self.rate))

    def smaller(self, capacities: _Array) -> _Array:
        """The capacities in objects at the sample's scale: room for an object itself, and a share of the others."""
        return np.floor((capacities.astype(np.float64) - 1) * self.rate).astype(np.uint64) + 1


def read_sample(
    source: Any, *, key: str, size: str | None, rate: float | None, keys: int | None, seed: int
) -> KeySample:
    """The requests of some of the keys, at a fixed rate or of so many keys, in one pass.

    Raises:
        UnknownNameError: There is no such column.
        UsageError: A key is null.
        DataError: There is no request, a size is null or negative, or no key is in the sample.
    """
    dataset = open_dataset(source)
    sample = _core.KeySample(rate=rate, size=keys, seed=seed)
    columns = list(dict.fromkeys([key] if size is None else [key, size]))
    whole = 0
    for batch in dataset.batches(columns, encoded=True):
        sizes = None if size is None else sizes_of(batch.data.column(size), size, dataset, batch.first_row)
        whole += 0 if sizes is None else pc.sum(sizes).as_py() or 0
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


def estimated_curve(
    sample: KeySample, spec: PolicySpec, wanted: _Array | None, *, sized: bool, seed: int, threads: int | None
) -> pa.Table:
    """The curve that the sample gives at these capacities, with the interval of each estimate.

    Misses are divided by the requests that the sample is expected to have (SHARDS-adj), not by those it has: whether
    the few hottest keys are in it or not moves the latter, and hardly the misses.
    """
    if spec.is_stack and not sized:
        wanted, misses, squares = _by_distances(sample, wanted)
        bytes_missed = None
    else:
        assert wanted is not None, "only distances tell the capacities themselves"
        small = sample.smaller(wanted) if not sized else np.maximum(1, wanted * sample.rate).astype(np.uint64)
        distinct, places = np.unique(small, return_inverse=True)
        tasks = [(spec.name, dict(spec.parameters), one, sized, seed) for one in distinct.tolist()]
        found = np.array(_core.misses_by_key(sample.trace, tasks), np.float64)[places]
        misses, bytes_missed, squares = found[:, 0], found[:, 1] if sized else None, found[:, 2]
    expected = sample.requests * sample.rate
    ratios = np.clip(misses / expected, 0, 1)
    errors = DEVIATIONS * np.sqrt((1 - sample.rate) * squares) / expected
    objects = wanted if not sized else wanted * sample.distinct / sample.footprint_bytes
    low, high = _interval(wanted.astype(np.float64), objects.astype(np.float64), ratios, errors, sample.rate)
    columns = {
        "capacity": pa.array(wanted),
        "miss_ratio": pa.array(ratios),
        "misses": pa.array(np.rint(ratios * sample.requests).astype(np.uint64)),
        "low": pa.array(low),
        "high": pa.array(high),
    }
    if bytes_missed is not None:
        whole = max(1, sample.bytes_requested)
        columns["byte_miss_ratio"] = pa.array(np.clip(bytes_missed / (whole * sample.rate), 0, 1))
    facts = {
        "policy": spec.text,
        "requests": sample.requests,
        "distinct": sample.distinct,
        "sample_rate": sample.rate,
        "sampled_keys": sample.trace.distinct,
        "sampled_requests": len(sample.trace),
    }
    return pa.table(columns).replace_schema_metadata({name: str(value) for name, value in facts.items()})


def _by_distances(sample: KeySample, wanted: _Array | None) -> tuple[_Array, _Array, _Array]:
    """The capacities (None: all that the sample tells apart), their misses and squared misses, by reuse distances."""
    counts, sums = (column.to_numpy().astype(np.float64) for column in _core.reuse_squares(sample.trace))
    misses, squares = counts.sum() - np.cumsum(counts[1:]), sums.sum() - np.cumsum(sums[1:])
    if wanted is None:
        wanted = 1 + np.ceil(np.arange(len(misses)) / sample.rate).astype(np.uint64)
    places = np.minimum(sample.smaller(wanted), len(misses)).astype(np.int64) - 1
    return wanted, misses[places], squares[places]


def _interval(
    capacities: _Array, objects: _Array, ratios: _Array, errors: _Array, rate: float
) -> tuple[_Array, _Array]:
    """Where the exact ratios are meant to lie.

    Two things err. How many misses the sampled keys have differs from sample to sample: their spread gives the error.
    And how many objects of a cache are in the sample differs too, as a binomial number does, which moves the curve
    along the capacities: the interval reaches from the curve at a larger capacity to that at a smaller one.
    """
    others = np.maximum(objects - 1, 0) * rate
    shift = DEVIATIONS * np.sqrt((1 - rate) / np.maximum(others, 1e-9))
    along = np.log(capacities)
    larger, smaller = along + np.log1p(shift), along + np.log1p(-np.minimum(shift, 1 - 1e-9))
    low = np.interp(larger, along, ratios) - np.interp(larger, along, errors)
    high = np.interp(smaller, along, ratios) + np.interp(smaller, along, errors)
    high[smaller < along[0]] = 1.0  # of smaller caches than the first nothing is known
    if rate == 1.0:
        low, high = ratios, ratios
    return np.clip(np.minimum(low, ratios), 0, 1), np.clip(np.maximum(high, ratios), 0, 1)
