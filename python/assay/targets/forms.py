"""Forms: a learned strategy taken apart into what a target can write down.

A strategy is opaque: it assigns keys. A target needs bounds, lists of values or a function's name. Each form
holds these for one level; a composite is two levels. Bounds that were learned are found again from the
distinct keys: a learned bound is a key of the data, and it is the least key of its partition or a later one.
Cost: one pass over the distinct keys. Source: METHODOLOGY.md, "Strategies".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from assay.experiments.distinct import DistinctKeys, Key
from assay.experiments.partitioning.strategies import Learned, given_values

__all__ = ["Bucketed", "Composite", "Form", "Hashed", "Listed", "Mapped", "Modulo", "Numbered", "Ranged", "form_of"]


@dataclass(frozen=True)
class Form:
    """One level of a layout: `learned.partitions` partitions."""

    learned: Learned

    @property
    def columns(self) -> Key:
        """The key's columns; none if it goes by the row's number."""
        return self.learned.spec.columns

    @property
    def partitions(self) -> int:
        """How many partitions this level has."""
        return self.learned.partitions

    @property
    def text(self) -> str:
        """The strategy's spelling."""
        return self.learned.spec.text


@dataclass(frozen=True)
class Numbered(Form):
    """By the row's global number modulo n."""


@dataclass(frozen=True)
class Modulo(Form):
    """By an integer key modulo n, non-negative; null in partition 0."""


@dataclass(frozen=True)
class Hashed(Form):
    """By a hash of the key modulo n; null in partition 0."""

    @property
    def function(self) -> str:
        """The hash function's name."""
        spec = self.learned.spec
        return str(spec.parameters.get("function", spec.contender.parameter("function").default))

    @property
    def seed(self) -> int:
        """Its seed."""
        return int(self.learned.spec.parameters.get("seed", 0))


@dataclass(frozen=True)
class Bucketed(Form):
    """By Iceberg's bucket transform; null in partition 0."""


@dataclass(frozen=True)
class Keyed(Form):
    """A level that goes by the distinct keys of the data."""

    keys: DistinctKeys

    @cached_property
    def assigned(self) -> np.ndarray:
        """The partition of each distinct key, uint32."""
        return self.learned.assign(self.keys.columns, len(self.keys))


@dataclass(frozen=True)
class Ranged(Keyed):
    """By bounds: the partition is the number of bounds at or below the key; nulls of compound keys are last."""

    @cached_property
    def bounds(self) -> list[pa.Array]:
        """The n - 1 bounds, ascending: an array for each column of the key."""
        types = {name: column.type for name, column in zip(self.columns, self.keys.columns, strict=True)}
        given, _ = given_values(self.learned.spec, types)
        if given is not None:
            return [given]
        kept = np.flatnonzero(~self.keys.is_null)
        order = kept[_order([column.take(pa.array(kept)) for column in self.keys.columns])]
        # The first key, in order, of each partition or a later one.
        starts = np.searchsorted(self.assigned[order], np.arange(1, self.partitions))
        rows = pa.array(order[starts])
        return [column.take(rows) for column in self.keys.columns]

    @property
    def compound_nulls(self) -> bool:
        """Whether a key is null in part: it then stands among the bounds' order, as the greatest value."""
        return bool((self.keys.has_null & ~self.keys.is_null).any())


@dataclass(frozen=True)
class Listed(Keyed):
    """By lists of values, one for each partition; null in partition 0, a value on no list has no place."""

    @cached_property
    def groups(self) -> list[pa.Array]:
        """The values of each partition, of a key of one column; null is not among them."""
        types = {name: column.type for name, column in zip(self.columns, self.keys.columns, strict=True)}
        given, sizes = given_values(self.learned.spec, types)
        if given is not None and sizes is not None:
            ends = np.cumsum(sizes)
            return [given.slice(end - size, size) for end, size in zip(ends, sizes, strict=True)]
        (values,) = self.keys.columns
        kept = ~self.keys.is_null
        return [values.filter(pa.array(kept & (self.assigned == p))) for p in range(self.partitions)]


@dataclass(frozen=True)
class Mapped(Keyed):
    """By a mapping of every key of the data: what no target computes by itself."""


@dataclass(frozen=True)
class Composite(Form):
    """Two levels: partition = outer * inner.partitions + inner."""

    outer: Form
    inner: Form


def form_of(learned: Learned, keys: Callable[[Key], DistinctKeys]) -> Form:
    """The form of a learned strategy.

    Args:
        learned: What was learned.
        keys: The distinct values of any key of its leaves.
    """
    if learned.parts:
        outer, inner = (form_of(part, keys) for part in learned.parts)
        return Composite(learned, outer, inner)
    spec = learned.spec
    if not spec.keyed:
        return Numbered(learned)
    if spec.name == "modulo":
        return Modulo(learned)
    if spec.name == "hash":
        return Hashed(learned)
    if spec.name == "bucket":
        return Bucketed(learned)
    kinds: dict[str, type[Keyed]] = {"range": Ranged, "list": Listed, "directory": Listed}
    kind = kinds.get(spec.name, Mapped)
    if kind is Listed and len(spec.columns) > 1:
        kind = Mapped
    return kind(learned, keys(spec.columns))


def as_mapping(form: Form, keys: Callable[[Key], DistinctKeys]) -> Form:
    """The same placement as a mapping of the data's keys, whatever the form."""
    return form if isinstance(form, (Mapped, Numbered)) else Mapped(form.learned, keys(form.columns))


def _order(columns: list[pa.Array]) -> np.ndarray:
    """Row numbers in ascending order: text by bytes, NaN after numbers, nulls last."""
    from pyarrow import compute

    names = [f"k{index}" for index in range(len(columns))]
    table = pa.table(columns, names=names)
    keys = [(name, "ascending") for name in names]
    return np.asarray(compute.sort_indices(table, sort_keys=keys))
