"""`miss_ratio_curve`: what a cache of every size misses, from one pass over a trace.

LRU and OPT are stack policies: each request has a distance, the least capacity that hits it, so that one pass gives
every size. Other policies are run at several sizes, side by side over one trace. Of a huge trace a share of the keys
will do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from assay import _core
from assay.caches.calling_off import called_off_by_interrupts
from assay.caches.capacities import Capacity, capacities_of, objects_or_bytes
from assay.caches.policies import PolicySpec, parse_policy
from assay.caches.sampling import estimated_curve, read_sample
from assay.caches.traces import read_trace
from assay.caches.user_policies import UserPolicy, check_user_policy, run_user_policy, user_policy_name
from assay.checks import UINT64_HIGH, integer, number
from assay.datasets import Dataset, open_dataset
from assay.errors import ParameterError

__all__ = ["POINTS", "log_spaced", "miss_ratio_curve"]

_Array = np.ndarray[Any, np.dtype[Any]]
FEW = {"lru": 4, "opt": 16}  # so many capacities are sooner run than told by the distances of all
_RATE = "a share above 0, such as 0.01, and at most 1"
POINTS_OF_OWN = 20  # of policies in Python
POINTS = 100  # capacities of policies that are run at each, unless others are asked for


def miss_ratio_curve(
    trace: Any,
    policy: str | UserPolicy = "lru",
    *,
    key: str = "key",
    sample_rate: float | None = None,
    sample_size: int | None = None,
    capacity: Capacity | Sequence[Capacity] | None = None,
    size: str | None = None,
    seed: int = 0,
    threads: int | None = None,
) -> pa.Table:
    """The misses of a cache of every size: the curve from which a size is chosen.

    Args:
        trace: Whatever `assay.open_dataset` opens; its rows are requests in the order of time.
        policy: Which object goes when another needs room, with parameters where wanted: `slru(segments=4)`. Or what
            makes one of your own of a capacity, as `assay.simulate_cache` takes it; it is run once for each capacity.
        key: The column of keys.
        sample_rate: An estimate from this share of the keys (SHARDS), above 0 and at most 1; None means all of them.
        sample_size: An estimate from so many keys, at least 1, whatever share of them that is.
        capacity: The capacities to tell of, as `assay.simulate_cache` takes them. None means, of `lru` and `opt` in
            objects, every one from 1 to the number of distinct keys (of a sample of `lru`: each that it can tell from
            the one before), and else 100 of them or fewer (of a policy in Python 20), spaced evenly by their
            logarithm, from 1 (in bytes: an average object) to all keys.
        size: The column of objects' sizes in bytes; capacities are in bytes then.
        seed: Which keys are sampled, and what a policy that draws lots begins with.
        threads: How many capacities are simulated side by side at most; None means all cores.

    Returns:
        A row per capacity, ascending: capacity, miss_ratio, misses, and with sizes byte_miss_ratio; of a sample also
        low and high, between which the exact miss ratio is meant to lie in 99 of 100 samples. Without a sample all is
        exact: equal to a run of `assay.simulate_cache` at each capacity. The schema's metadata say policy, requests,
        distinct keys and the share sampled.

    Raises:
        UnknownNameError: There is no such policy, parameter or column.
        ParameterError: A capacity, rate or size is out of its bounds, or both a rate and a size are given; or a
            sample of the trace is asked for with a policy in Python.
        DataError: The trace has no request, a key is null, or a size is null or negative; or no key is in the sample.
        MeasurementError: A policy of your own failed, held more than the capacity, or evicted what was not there.

    Source:
        Mattson, Gecsei, Slutz, Traiger 1970, "Evaluation Techniques for Storage Hierarchies"; Waldspurger, Park,
        Garthwaite, Ahmad 2015, "Efficient MRC Construction with SHARDS". METHODOLOGY.md, "Miss-ratio curves".

    >>> curve = miss_ratio_curve(pa.table({"key": ["a", "b", "c", "a", "a", "c", "b"]}))
    >>> curve.column("misses").to_pylist()
    [6, 5, 3]
    """
    seed = integer("seed", seed, 0, UINT64_HIGH)
    if threads is not None:
        integer("threads", threads, 1, UINT64_HIGH, "an integer of at least 1, or None for all cores")
    given = None if capacity is None else capacities_of(capacity)
    if not isinstance(policy, str):
        sampled = {"sample_rate": sample_rate, "sample_size": sample_size}
        return _curve_of_own(open_dataset(trace), policy, given, key, size, sampled)
    spec = parse_policy(policy)
    if sample_rate is not None and sample_size is not None:
        raise ParameterError(
            f"sample_rate is {sample_rate} and sample_size {sample_size}; expected one of them at most"
        )
    if sample_rate is not None or sample_size is not None:
        rate = None if sample_rate is None else number("sample_rate", sample_rate, 5e-324, 1.0, _RATE)
        keys = None if sample_size is None else integer("sample_size", sample_size, 1, 2**32 - 2)
        sample = read_sample(trace, key=key, size=size, rate=rate, keys=keys, seed=seed)
        whole = sample.footprint_bytes if size is not None else sample.distinct
        every = given is None and spec.name == "lru" and spec.is_stack and size is None
        wanted = None if every else _wanted(given, whole, sample.distinct, every=False, sized=size is not None)
        return estimated_curve(sample, spec, wanted, sized=size is not None, seed=seed)
    requests = read_trace(trace, key=key, size=size)
    whole = requests.distinct if size is None else requests.footprint_bytes
    every = spec.is_stack and size is None
    wanted = _wanted(given, whole, requests.distinct, every=every, sized=size is not None)
    facts = {"policy": spec.text, "requests": len(requests), "distinct": requests.distinct, "sample_rate": 1.0}
    if size is not None:
        misses, bytes_missed, bytes_requested = _byte_misses(requests, spec, wanted, seed, threads)
        return _table(wanted, misses, len(requests), facts, bytes_missed, bytes_requested)
    if spec.is_stack and (given is None or len(wanted) > FEW[spec.name]):
        found = _core.reuse_distances if spec.name == "lru" else _core.optimal_distances
        counts = found(requests).to_numpy()
        by_size = len(requests) - np.cumsum(counts[1:], dtype=np.uint64)
        if given is None:
            return _table(wanted, by_size, len(requests), facts)
        return _table(wanted, by_size[np.minimum(wanted, len(by_size)) - 1], len(requests), facts)
    return _table(wanted, _runs(requests, spec, wanted, False, seed, threads)[0], len(requests), facts)


def log_spaced(low: int, high: int, count: int = POINTS) -> _Array:
    """At most so many whole numbers from `low` to `high`, both among them, evenly spaced by their logarithm.

    >>> log_spaced(1, 1000, 4).tolist()
    [1, 10, 100, 1000]
    """
    high = max(low, high)
    exact = np.geomspace(low, high, count)
    found = np.clip(np.rint(exact), low, high).astype(np.uint64)
    found[0], found[-1] = low, high  # beyond 2^53 a float is not exact
    return np.unique(found)


def _curve_of_own(
    dataset: Dataset,
    policy: UserPolicy,
    given: list[Capacity] | None,
    key: str,
    size: str | None,
    sampled: Mapping[str, float | None],
) -> pa.Table:
    """The curve of a policy in Python, one run of the whole trace after the other."""
    name = user_policy_name(policy)
    for setting, value in sampled.items():
        if value is not None:
            raise ParameterError(
                f"{setting} is {value}, but the policy, {name}, is one in Python, which sees whole traces; leave "
                f"{setting} out and name few capacities, or give a trace that is a sample"
            )
    check_user_policy(policy)
    requests = read_trace(dataset, key=key, size=size)
    whole = requests.distinct if size is None else requests.footprint_bytes
    wanted = _wanted(given, whole, requests.distinct, every=False, sized=size is not None, points=POINTS_OF_OWN)
    facts = {"policy": name, "requests": len(requests), "distinct": requests.distinct, "sample_rate": 1.0}
    only = len(wanted) == 1
    runs = [run_user_policy(policy, dataset, one, key=key, size=size, only=only) for one in wanted.tolist()]
    misses, missed = (np.array([one[at] - one[at + 1] for one in runs], np.uint64) for at in (0, 2))
    return _table(wanted, misses, len(requests), facts, None if size is None else missed, runs[0][2])


def _wanted(
    given: list[Capacity] | None, whole: int, distinct: int, *, every: bool, sized: bool, points: int = POINTS
) -> _Array:
    """The capacities, ascending, each once."""
    if given is not None:
        return np.unique(np.array([objects_or_bytes(one, whole, bytes_=sized) for one in given], np.uint64))
    if every:
        return np.arange(1, whole + 1, dtype=np.uint64)
    return log_spaced(max(1, whole // distinct) if sized else 1, max(1, whole), points)


def _byte_misses(
    requests: _core.Trace, spec: PolicySpec, wanted: _Array, seed: int, threads: int | None
) -> tuple[_Array, _Array, int]:
    """Misses and bytes missed at each capacity in bytes, and all bytes; by distances where these are exact."""
    if spec.name != "lru" or not spec.is_stack:
        return _runs(requests, spec, wanted, True, seed, threads)
    found, largest, one_size_each = _core.lru_byte_misses(requests, wanted.tolist())
    misses, bytes_missed = (np.array([one[part] for one in found], np.uint64) for part in (0, 1))
    inexact = wanted < largest if one_size_each else np.ones(len(wanted), bool)
    if inexact.any():
        misses[inexact], bytes_missed[inexact], _ = _runs(requests, spec, wanted[inexact], True, seed, threads)
    return misses, bytes_missed, requests.requested_bytes


def _runs(
    requests: _core.Trace, spec: PolicySpec, wanted: _Array, sized: bool, seed: int, threads: int | None
) -> tuple[_Array, _Array, int]:
    """Misses and bytes missed of a run at each capacity, and all bytes; all runs over one trace in memory."""
    tasks = [(spec.name, dict(spec.parameters), one, sized, seed) for one in wanted.tolist()]
    every = called_off_by_interrupts(
        lambda progress: _core.simulate_caches(requests, tasks, progress=progress, threads=threads)
    )
    found = [windows[0] for windows in every]
    misses, bytes_missed = (np.array([one[at] - one[at + 1] for one in found], np.uint64) for at in (0, 2))
    return misses, bytes_missed, found[0][2]


def _table(
    capacities: _Array,
    misses: _Array,
    requests: int,
    facts: dict[str, Any],
    bytes_missed: _Array | None = None,
    bytes_requested: int = 0,
) -> pa.Table:
    columns = {"capacity": pa.array(capacities), "miss_ratio": pa.array(misses / requests), "misses": pa.array(misses)}
    if bytes_missed is not None:
        # Quotients of whole numbers, as runs give them: as floats, sums beyond 2^53 would be rounded before.
        ratios = [missed / bytes_requested if bytes_requested else 0.0 for missed in bytes_missed.tolist()]
        columns["byte_miss_ratio"] = pa.array(ratios, pa.float64())
    return pa.table(columns).replace_schema_metadata({name: str(value) for name, value in facts.items()})
