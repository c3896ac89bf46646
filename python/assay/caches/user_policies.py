"""Policies written in Python: a few methods, or any mapping that limits itself, as those of cachetools do.

Three forms are taken; whatever makes one when called with the capacity (a class, a function) is as good, and is needed
for several capacities:

- **hooks** (`EvictionPolicy`): `on_hit(key)`, `on_miss(key)`, and `evict()`, which gives the key that goes. assay keeps
  what is in the cache, so that a policy cannot hold too much, or evict what is not there, without being told so.
- **a mapping** (`cachetools.LRUCache(maxsize=100)`, any `MutableMapping`): a hit reads `cache[key]`, a miss sets it.
- **the whole cache** (`RequestPolicy`): `request(key)` says whether it was a hit, and does the rest itself.

Keys come as Python values, as `to_pylist` gives them. Cost: about 0.2 µs a request and what the policy does itself.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from dataclasses import dataclass
from operator import length_hint
from typing import Any, Protocol, runtime_checkable

import pyarrow as pa
import pyarrow.compute as pc

from assay.caches.traces import check_keys, sizes_of
from assay.datasets import Dataset
from assay.errors import DataError, MeasurementError, ParameterError, UsageError

__all__ = [
    "EvictionPolicy",
    "RequestPolicy",
    "UserPolicy",
    "check_user_policy",
    "run_user_policy",
    "user_policy_name",
]


@runtime_checkable
class EvictionPolicy(Protocol):
    """A policy that is asked which key goes; assay keeps what is there.

    >>> from collections import OrderedDict
    >>> class LeastRecent:
    ...     def __init__(self, capacity):
    ...         self.order = OrderedDict()
    ...
    ...     def on_hit(self, key):
    ...         self.order.move_to_end(key)
    ...
    ...     def on_miss(self, key):
    ...         self.order[key] = None
    ...
    ...     def evict(self):
    ...         return self.order.popitem(last=False)[0]
    >>> import assay, pyarrow
    >>> trace = pyarrow.table({"key": [1, 2, 1, 3, 2, 1]})
    >>> assay.simulate_cache(trace, LeastRecent, capacity=2).column("misses").to_pylist()
    [5]
    """

    def on_hit(self, key: Any, /) -> Any:
        """The key was asked for and is there."""

    def on_miss(self, key: Any, /) -> Any:
        """The key was asked for, was not there, and is now."""

    def evict(self) -> Any:
        """The key that goes, out of those that are there; called before the one that needs room is put in."""


@runtime_checkable
class RequestPolicy(Protocol):
    """A policy that is a whole cache: it says whether a request hits, and keeps what it wants.

    If it has a length, that is the number of its objects, which must not exceed the capacity.
    """

    def request(self, key: Any, /) -> bool:
        """Whether the key is there; whatever is to be put in or thrown out, is so afterwards."""


_Requests = Iterator[tuple[list[Any], list[int] | None]]
UserPolicy = EvictionPolicy | RequestPolicy | MutableMapping[Any, Any] | Callable[[int], Any]


@dataclass
class _Counts:
    """What came of all requests."""

    requests: int = 0
    hits: int = 0
    bytes_requested: int = 0
    bytes_hit: int = 0
    evictions: int = 0


def user_policy_name(policy: Any) -> str:
    """What the policy is called in results: its `name`, or that of its class or function."""
    own = getattr(policy, "name", None)
    if isinstance(own, str) and own:
        return own
    return str(getattr(policy, "__name__", type(policy).__name__))


def run_user_policy(
    policy: Any, dataset: Dataset, capacity: int, *, key: str, size: str | None, only: bool
) -> tuple[int, int, int, int, int, int]:
    """What comes of the requests: requests, hits, bytes, bytes of hits, 0, evictions.

    Args:
        policy: One of the three forms, or what makes one of a capacity.
        dataset: Its rows are requests in the order of time.
        capacity: In objects, or in bytes if `size` is given.
        key: The column of keys.
        size: The column of sizes.
        only: Whether this is the only capacity: an instance can be used once.

    Raises:
        ParameterError: It is none of the three, or not empty, or limits itself to another capacity.
        MeasurementError: It broke its contract, or failed; the message says at which request.
        UsageError: A key cannot be hashed.
        DataError: A key is null, or a size no whole number of at least 0.
    """
    name = user_policy_name(policy)
    made = _made(policy, name, capacity, only)
    requests = _requests(dataset, key, size)
    if isinstance(made, EvictionPolicy):
        ask = _ask_hooks if size is None else _ask_hooks_of_bytes
        counts = ask(made, name, requests, capacity)
    elif isinstance(made, RequestPolicy):
        counts = _ask_whole(made, name, requests, capacity, sized=size is not None)
    else:
        counts = _ask_mapping(made, name, requests, capacity, sized=size is not None)
    if not counts.requests:
        raise DataError(f"{dataset.name} has no rows; a trace needs at least one request")
    return counts.requests, counts.hits, counts.bytes_requested, counts.bytes_hit, 0, counts.evictions


def check_user_policy(policy: Any) -> None:
    """Whether it takes part as a policy, or may make one.

    Raises:
        ParameterError: It does neither.
    """
    if not callable(policy) and not _takes_part(policy):
        raise _no_policy(policy)


def _no_policy(policy: Any) -> ParameterError:
    return ParameterError(
        f"policy is {policy!r}; expected a name, such as 'lru', or what has on_hit(key), on_miss(key) and evict(), "
        "or request(key), or a mapping such as cachetools.LRUCache, or what makes one of these of a capacity"
    )


def _takes_part(policy: Any) -> bool:
    return isinstance(policy, EvictionPolicy | RequestPolicy) or _is_mapping(policy)


def _is_mapping(policy: Any) -> bool:
    return all(hasattr(policy, method) for method in ("__getitem__", "__setitem__", "__contains__", "__len__", "keys"))


def _made(policy: Any, name: str, capacity: int, only: bool) -> Any:
    """The policy itself, of this capacity."""
    makes_one = isinstance(policy, type) or (callable(policy) and not _takes_part(policy))
    if makes_one:
        try:
            policy = policy(capacity)
        except Exception as error:
            raise MeasurementError(
                f"{name}({capacity}) failed: {type(error).__name__}: {error}; what makes a policy is called with the "
                "capacity alone"
            ) from error
    if not _takes_part(policy):
        raise _no_policy(policy)
    if not makes_one and not only:
        raise ParameterError(
            f"policy is one {name}, but there are several capacities; give what makes one, such as its class, or "
            f"lambda capacity: {type(policy).__name__}(capacity)"
        )
    limit = getattr(policy, "maxsize", capacity)
    if limit != capacity:
        raise ParameterError(f"{name} limits itself to maxsize {limit}, but capacity is {capacity}; give both the same")
    if hasattr(policy, "__len__") and len(policy):
        raise ParameterError(f"{name} holds {len(policy)} objects already; a simulation begins with an empty cache")
    return policy


def _requests(dataset: Dataset, key: str, size: str | None) -> Iterator[tuple[list[Any], list[int] | None]]:
    """Keys as Python values, and their sizes, batch by batch."""
    columns = list(dict.fromkeys([key] if size is None else [key, size]))
    for batch in dataset.batches(columns, encoded=True):
        column = batch.data.column(key)
        check_keys(column, key, dataset, batch.first_row)
        sizes = None if size is None else sizes_of(batch.data.column(size), size, dataset, batch.first_row)
        yield _values(column), None if sizes is None else sizes.to_pylist()


def _values(column: pa.Array) -> list[Any]:
    """The values; numbers, texts and dictionaries faster than `to_pylist`."""
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        column = column.dictionary_encode()
    if pa.types.is_dictionary(column.type):
        return list(map(column.dictionary.to_pylist().__getitem__, column.indices.to_numpy().tolist()))
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        values: list[Any] = column.to_numpy(zero_copy_only=False).tolist()
        if pa.types.is_floating(column.type) and pc.any(pc.is_nan(column)).as_py():
            return [value if value == value else math.nan for value in values]  # one object, which is itself
        return values
    return list(column.to_pylist())


def _place(first: int, keys: list[Any], rest: Iterator[Any]) -> int:
    """The number of the request that is being answered: the last one that was taken."""
    return first + len(keys) - length_hint(rest) - 1


def _failed(name: str, at: int, key: Any, error: Exception) -> Exception:
    """The error of a policy that raised one."""
    if isinstance(error, MeasurementError | UsageError):
        return error
    if isinstance(error, TypeError) and not isinstance(key, Hashable):
        return UsageError(
            f"the key of request {at} is a {type(key).__name__}, which cannot be hashed; name another column"
        )
    return MeasurementError(f"{name} failed at request {at}, for key {key!r}: {type(error).__name__}: {error}")


def _evicted_stranger(name: str, at: int, victim: Any, there: int) -> MeasurementError:
    return MeasurementError(
        f"{name}.evict() at request {at} gave {victim!r}, which is not in the cache; expected one of the {there} keys "
        "that on_miss was called with and that were not evicted since"
    )


def _ask_hooks(policy: EvictionPolicy, name: str, requests: _Requests, capacity: int) -> _Counts:
    """The loop that keeps what is there, where objects are counted."""
    counts, there = _Counts(), set[Any]()
    on_hit, on_miss, evict, add, remove = policy.on_hit, policy.on_miss, policy.evict, there.add, there.remove
    first, key = 0, None
    for keys, _sizes in requests:
        hits, rest = 0, iter(keys)
        try:
            for key in rest:
                if key in there:
                    hits += 1
                    on_hit(key)
                    continue
                if len(there) == capacity:
                    victim = evict()
                    if victim not in there:
                        raise _evicted_stranger(name, _place(first, keys, rest), victim, len(there))
                    remove(victim)
                    counts.evictions += 1
                add(key)
                on_miss(key)
        except Exception as error:
            raise _failed(name, _place(first, keys, rest), key, error) from error
        _count(counts, keys, None, hits, hits)
        first += len(keys)
    return counts


def _ask_hooks_of_bytes(policy: EvictionPolicy, name: str, requests: _Requests, capacity: int) -> _Counts:
    """The loop that keeps what is there, and what each object takes."""
    counts, there, used = _Counts(), dict[Any, int](), 0
    on_hit, on_miss, evict = policy.on_hit, policy.on_miss, policy.evict
    first, key = 0, None
    for keys, sizes in requests:
        assert sizes is not None, "bytes were asked for"
        hits, bytes_hit, rest = 0, 0, iter(keys)
        try:
            for key, weight in zip(rest, sizes, strict=True):
                if key in there:
                    hits += 1
                    bytes_hit += weight
                    on_hit(key)
                    continue
                if weight > capacity:
                    continue
                while used + weight > capacity:
                    victim = evict()
                    if victim not in there:
                        raise _evicted_stranger(name, _place(first, keys, rest), victim, len(there))
                    used -= there.pop(victim)
                    counts.evictions += 1
                there[key] = weight
                used += weight
                on_miss(key)
        except Exception as error:
            raise _failed(name, _place(first, keys, rest), key, error) from error
        _count(counts, keys, sizes, hits, bytes_hit)
        first += len(keys)
    return counts


def _ask_mapping(
    cache: MutableMapping[Any, Any],
    name: str,
    requests: _Requests,
    capacity: int,
    *,
    sized: bool,
) -> _Counts:
    """The loop of a mapping that limits itself; what it is given as a value is the object's size."""
    counts, inserted = _Counts(), 0
    first = at = 0
    key: Any = None
    try:
        for keys, sizes in requests:
            hits = bytes_hit = 0
            for at, key in enumerate(keys, first):
                if key in cache:
                    hits += 1
                    if sizes is not None:
                        bytes_hit += sizes[at - first]
                    cache[key]
                    continue
                weight = 1 if sizes is None else sizes[at - first]
                if weight > capacity:
                    continue
                cache[key] = weight
                inserted += 1
                if not sized and len(cache) > capacity:
                    raise MeasurementError(
                        f"{name} holds {len(cache)} objects after request {at}; its capacity is {capacity}: a "
                        "mapping has to limit itself, as cachetools' do; one that does not needs evict()"
                    )
            _count(counts, keys, sizes, hits, bytes_hit)
            first += len(keys)
            held = getattr(cache, "currsize", 0)
            if sized and held > capacity:
                raise MeasurementError(f"{name} holds {held} bytes after request {at}; its capacity is {capacity}")
    except Exception as error:
        raise _failed(name, at, key, error) from error
    counts.evictions = inserted - len(cache)
    return counts


def _ask_whole(
    policy: RequestPolicy,
    name: str,
    requests: _Requests,
    capacity: int,
    *,
    sized: bool,
) -> _Counts:
    """The loop of a policy that is a whole cache."""
    counts, seen, has_length = _Counts(), set[Any](), hasattr(policy, "__len__")
    request, first, at = policy.request, 0, 0
    key: Any = None
    try:
        for keys, sizes in requests:
            hits = bytes_hit = 0
            for at, key in enumerate(keys, first):
                found = request(key)
                if found:
                    hits += 1
                    if sizes is not None:
                        bytes_hit += sizes[at - first]
                    if key not in seen:
                        raise MeasurementError(
                            f"{name}.request({key!r}) says hit at request {at}, the first one for this key; nothing "
                            "was there that could be hit"
                        )
                elif found is None:
                    raise MeasurementError(
                        f"{name}.request({key!r}) gave None at request {at}; expected True for a hit, False for a miss"
                    )
                else:
                    seen.add(key)
                    if has_length and not sized and len(policy) > capacity:  # type: ignore[arg-type]
                        raise MeasurementError(
                            f"{name} holds {len(policy)} objects after request {at}; "  # type: ignore[arg-type]
                            f"its capacity is {capacity}"
                        )
            _count(counts, keys, sizes, hits, bytes_hit)
            first += len(keys)
    except Exception as error:
        raise _failed(name, at, key, error) from error
    misses = counts.requests - counts.hits
    counts.evictions = misses - len(policy) if has_length and not sized else 0  # type: ignore[arg-type]
    return counts


def _count(counts: _Counts, keys: list[Any], sizes: list[int] | None, hits: int, bytes_hit: int) -> None:
    """Adds what came of a batch."""
    counts.requests += len(keys)
    counts.hits += hits
    counts.bytes_requested += len(keys) if sizes is None else sum(sizes)
    counts.bytes_hit += hits if sizes is None else bytes_hit
