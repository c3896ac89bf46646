"""The requests of a trace as the folds collect them: dense numbers of keys in the order of the requests.

Each span numbers its own keys, and a merge numbers those of the later span anew in the table of the earlier one, so
that any split of a trace gives the same numbers. Cost: 4 bytes a request, 8 more for each size, and the distinct
keys, which policies with a sketch hash.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets.arrow_types import plain_array
from assay.datasets.splitmix import draws
from assay.experiments import packing
from assay.experiments.distinct import numpy_of

__all__ = ["RequestLog", "Requests"]

_SHUFFLING = 1  # stream of the seed


class RequestLog:
    """Requests that were read so far, with the keys that they ask for."""

    def __init__(self) -> None:
        self._table = _core.KeyTable()
        self._keys: list[pa.Array] = []  # distinct, in the order of their numbers
        self._columns: dict[str, list[np.ndarray]] = {"id": []}
        self.rows = 0

    def add(self, keys: pa.Array, columns: Mapping[str, np.ndarray]) -> None:
        """Appends requests.

        Args:
            keys: Whose object each is for; none is null.
            columns: What else is known of each, such as `size` (uint64); the same columns every time.
        """
        numbers, fresh = self._table.insert(keys)
        if len(fresh):
            self._keys.append(plain_array(keys).take(fresh))
        self._extend({"id": numpy_of(numbers), **columns})

    def _extend(self, columns: Mapping[str, np.ndarray]) -> None:
        self.rows += len(columns["id"])
        for name, values in columns.items():
            self._columns.setdefault(name, []).append(values)

    def absorb(self, other: RequestLog) -> None:
        """Appends what another log has read, which is of no use afterwards."""
        if not other.rows:
            return
        keys = other.keys
        numbers, fresh = self._table.insert(keys)
        if len(fresh):
            self._keys.append(keys.take(fresh))
        renumbered = numpy_of(numbers)
        other._columns["id"] = [renumbered[ids] for ids in other._columns["id"]]
        for name, parts in other._columns.items():
            self._columns.setdefault(name, []).extend(parts)
        self.rows += other.rows

    @property
    def keys(self) -> pa.Array:
        """The distinct keys, in the order of their first requests."""
        if len(self._keys) != 1:
            self._keys = [_joined(self._keys) if self._keys else pa.array([], pa.int64())]
        return self._keys[0]

    def pack(self) -> bytes:
        """As bytes."""
        return self.finish().pack()

    @classmethod
    def unpack(cls, packed: bytes) -> RequestLog:
        """What was packed."""
        log, requests = cls(), Requests.unpack(packed)
        if len(requests):
            log._table.insert(requests.keys)
            log._keys = [requests.keys]
            log._extend(requests.columns)
        return log

    def finish(self) -> Requests:
        """All requests, in order."""
        joined = {}
        for name, parts in self._columns.items():
            if len(parts) != 1:
                parts[:] = [np.concatenate(parts) if parts else np.empty(0, np.uint32)]
            joined[name] = parts[0]
        return Requests(joined, self.keys)


def _joined(parts: list[pa.Array]) -> pa.Array:
    """One array of several; texts of more than 2 GiB together do not fit the offsets of an ordinary one."""
    large = {pa.string(): pa.large_string(), pa.binary(): pa.large_binary()}.get(parts[0].type)
    if large is not None and sum(part.nbytes for part in parts) >= 2**31:
        parts = [part.cast(large) for part in parts]
    return pa.concat_arrays(parts)


@dataclass(frozen=True)
class Requests:
    """Requests in order: the number of each one's key, and what else is known of it.

    Numbers are dense and in the order of first requests.
    """

    columns: Mapping[str, np.ndarray]  # "id" (uint32), and where the trace has them "size" (uint64) ...
    keys: pa.Array  # distinct, in the order of their numbers

    @property
    def distinct(self) -> int:
        """How many keys are asked for."""
        return len(self.keys)

    def __len__(self) -> int:
        return len(self.columns["id"])

    @property
    def sizes(self) -> np.ndarray | None:
        """The objects' bytes, where they are known."""
        return self.columns.get("size")

    @cached_property
    def alike(self) -> bool:
        """Whether misses of bytes say no more than misses do: sizes are not known, or all the same."""
        return self.sizes is None or bool((self.sizes == self.sizes[:1]).all())

    @property
    def footprint_bytes(self) -> int:
        """The bytes of all objects, each with the size of its first request; 0 without sizes."""
        if self.sizes is None:
            return 0
        ids = self.columns["id"]
        newest = np.maximum.accumulate(ids)
        first = np.concatenate([[True], ids[1:] > newest[:-1]]) if len(ids) else np.empty(0, bool)
        return sum(map(int, self.sizes[first]))

    @property
    def asked(self) -> pa.DictionaryArray:
        """The key of each request."""
        return pa.DictionaryArray.from_arrays(pa.array(self.columns["id"]), self.keys)

    def first(self, count: int) -> Requests:
        """So many requests, or all that there are, from the first on."""
        columns = {name: values[:count] for name, values in self.columns.items()}
        ids = columns["id"]
        return Requests(columns, self.keys[: int(ids.max()) + 1 if len(ids) else 0])

    def drawn_order(self, seed: int) -> np.ndarray:
        """An order of the requests that the seed draws."""
        return np.argsort(draws(seed, np.arange(len(self), dtype=np.uint64), stream=_SHUFFLING), kind="stable")

    def in_order(self, order: np.ndarray) -> Requests:
        """The same requests in another order, with keys numbered anew: each as often, and no other order in them."""
        mixed = {name: values[order] for name, values in self.columns.items()}
        numbers, fresh = _core.KeyTable().insert(pa.array(mixed["id"]))
        met = pa.array(mixed["id"]).take(fresh)
        return Requests({**mixed, "id": numpy_of(numbers)}, self.keys.take(met))

    def pack(self) -> bytes:
        """As bytes."""
        requests = pa.table({name: pa.array(values) for name, values in self.columns.items()})
        return packing.pack({}, {"keys": pa.table({"key": self.keys}), "requests": requests})

    @classmethod
    def unpack(cls, packed: bytes) -> Requests:
        """What was packed."""
        _, tables = packing.unpack(packed)
        requests, keys = tables["requests"], tables["keys"].column(0).combine_chunks()
        return cls({name: numpy_of(requests.column(name).combine_chunks()) for name in requests.schema.names}, keys)

    def __reduce__(self) -> tuple[object, ...]:
        return Requests.unpack, (self.pack(),)
