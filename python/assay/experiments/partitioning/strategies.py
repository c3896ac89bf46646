"""Strategies: from their spelling to something that assigns rows.

A spelling is parsed and checked against the catalogue and the table's schema (`parse_strategy`),
learned from distinct keys for a list of nodes (`learn`), which may differ in capacity and stand in racks, and
changed by an action on the cluster (`after`). Partition p of a learned strategy lives on the node
`node-{nodes[p]}`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import time
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from assay import _core
from assay.catalogue import Contender, find, strategies
from assay.datasets.arrow_types import plain_type
from assay.datasets.spelling import Nested, parse_nested, without_blanks
from assay.errors import ParameterError, SpellingError, UnknownNameError, UnsupportedTypeError
from assay.experiments.distinct import DistinctKeys, Key, numpy_of
from assay.experiments.partitioning.narrow import narrow as narrowed
from assay.experiments.partitioning.user import Strategy as UserStrategy
from assay.experiments.partitioning.user import assign_by_user, learn_by_user
from assay.experiments.partitioning.vertical import column_groups, routing_bytes_of

__all__ = ["Learned", "StrategySpec", "after", "divisors", "first_of", "given_values", "learn", "parse_strategy"]

Keys = Callable[[Key], DistinctKeys]


@dataclass(frozen=True)
class StrategySpec:
    """A strategy as it was spelled, checked against the catalogue and the table."""

    text: str  # its spelling without blanks
    name: str
    columns: Key  # its whole key, each column once, in order of appearance
    parameters: Mapping[str, Any] = field(default_factory=dict)
    parts: tuple[StrategySpec, ...] = ()  # of a composite: the outer and the inner strategy
    groups: tuple[Key, ...] = ()  # of columns on servers of their own: of vertical alone, which places no rows

    @property
    def contender(self) -> Contender:
        """The catalogue's entry."""
        return find(self.name, strategies(), "strategy")

    @property
    def keyed(self) -> bool:
        """Whether the partition depends on the key alone, not on the row's number."""
        if self.groups:
            return False
        return all(part.keyed for part in self.parts) if self.parts else "by_row" not in self.contender.abilities

    @cached_property
    def version(self) -> int:
        """The versions of all strategies in it, added up."""
        return self.contender.version + sum(part.version for part in self.parts)

    @property
    def keys(self) -> list[Key]:
        """Every key whose distinct values it may learn from: its own, and those of all its parts."""
        own = [self.columns] if self.columns else []
        return list(dict.fromkeys([*own, *(key for part in self.parts for key in part.keys)]))

    @property
    def leaves(self) -> tuple[StrategySpec, ...]:
        """The strategies that are not composites, in order."""
        return tuple(leaf for part in self.parts for leaf in part.leaves) if self.parts else (self,)


def parse_strategy(text: str, schema: pa.Schema, dataset: str = "the table") -> StrategySpec:
    """The strategy that `text` spells, for a table with this schema.

    Raises:
        SpellingError: It cannot be parsed, or names too many or too few columns or parts.
        UnknownNameError: There is no such strategy, column or parameter.
        ParameterError: A parameter out of its bounds.
        UnsupportedTypeError: A column whose type the strategy cannot take.
    """
    return _spec(parse_nested(text), schema, dataset)


def _spec(node: Nested, schema: pa.Schema, dataset: str) -> StrategySpec:
    contender = find(node.name, strategies(), "strategy")
    parameters = contender.check(node.keywords)
    if "splits_columns" in contender.abilities:
        groups = column_groups(node, parameters, schema, dataset)
        return StrategySpec(without_blanks(node.text), node.name, (), parameters, groups=groups)
    if "nests" in contender.abilities:
        parts = tuple(_part(node, argument, schema, dataset) for argument in node.positional)
        if len(parts) != 2:
            raise SpellingError(f"{node.text}: {node.name} takes two strategies, not {len(parts)}: composite(a, b)")
        if any(part.groups for part in parts):
            raise SpellingError(f"{node.text}: vertical splits columns, so that it is no part of a composite of rows")
        columns = tuple(dict.fromkeys(name for part in parts for name in part.columns))
        return StrategySpec(without_blanks(node.text), node.name, columns, parameters, parts)
    columns = tuple(_column(node, argument, schema, dataset) for argument in node.positional)
    if "by_row" in contender.abilities:
        if columns:
            raise SpellingError(f"{node.text}: {node.name} takes no column; write {node.name}")
    elif not columns:
        raise SpellingError(f"{node.text}: {node.name} needs a column; write {node.name}(column)")
    if len(columns) > 1 and "compound" not in contender.abilities and contender.room == "partition":
        raise SpellingError(f"{node.text}: {node.name} takes one column, not {len(columns)}")
    if len(set(columns)) != len(columns):
        raise SpellingError(f"{node.text} names a column twice; name each once")
    for name in columns:
        _check_type(node, name, schema.field(name).type)
    spec = StrategySpec(without_blanks(node.text), node.name, columns, parameters)
    given_values(spec, {name: plain_type(schema.field(name).type) for name in columns})
    return spec


def _part(node: Nested, argument: object, schema: pa.Schema, dataset: str) -> StrategySpec:
    if isinstance(argument, str):
        argument = Nested(argument, (), {}, argument)
    if not isinstance(argument, Nested):
        raise SpellingError(f"{node.text}: expected a strategy where {argument!r} stands")
    return _spec(argument, schema, dataset)


def _column(node: Nested, argument: object, schema: pa.Schema, dataset: str) -> str:
    if isinstance(argument, Nested):
        raise SpellingError(f"{node.text}: {node.name} takes columns, not strategies; only composite nests")
    if not isinstance(argument, str):
        raise SpellingError(f"{node.text}: expected a column where {argument!r} stands; quote odd names")
    if argument not in schema.names:
        raise UnknownNameError.of(f"column of {dataset}", argument, schema.names)
    return argument


def _check_type(node: Nested, name: str, data_type: pa.DataType) -> None:
    plain = plain_type(data_type)
    if node.name == "modulo" and not (pa.types.is_integer(plain) or pa.types.is_null(plain)):
        raise UnsupportedTypeError(
            f'{node.text}: column "{name}" is of type {data_type}; modulo takes integers; use hash for other keys'
        )
    nested = pa.types.is_nested(plain) or pa.types.is_duration(plain) or pa.types.is_interval(plain)
    if nested:
        raise UnsupportedTypeError(
            f'{node.text}: column "{name}" is of type {data_type}, which cannot be a key; supported: integers, floats, '
            "bool, dates, times, timestamps, decimals, text, binary, and dictionaries of these"
        )


def given_values(spec: StrategySpec, types: Mapping[str, pa.DataType]) -> tuple[pa.Array | None, list[int] | None]:
    """The values of `bounds=` or `values=` in the column's type, and the sizes of their groups."""
    name = next((name for name in ("bounds", "values") if name in spec.parameters), None)
    if name is None:
        return None, None
    if len(spec.columns) != 1:
        raise ParameterError(f"{spec.text}: {name} goes with one column, not {len(spec.columns)}")
    given = spec.parameters[name]
    groups = [len(group) for group in given] if name == "values" else None
    flat = [value for group in given for value in group] if name == "values" else list(given)
    wanted = types[spec.columns[0]]
    values = []
    for value in flat:
        try:
            values.append(_as_type(value, wanted))
        except (pa.ArrowException, ValueError, OverflowError) as error:
            raise ParameterError(
                f'{spec.text}: {value!r} is no {wanted}, the type of column "{spec.columns[0]}" ({error})'
            ) from None
    return pa.array(values, wanted), groups


def _as_type(value: object, wanted: pa.DataType) -> pa.Scalar:
    """A value as it was spelled, in the column's type. Arrow itself takes no text for times, no integer above 2^63."""
    if isinstance(value, int) and not isinstance(value, bool) and pa.types.is_integer(wanted):
        return pa.scalar(value, wanted)
    if isinstance(value, str) and pa.types.is_time(wanted):
        return pa.scalar(time.fromisoformat(value)).cast(wanted)
    return pa.scalar(value).cast(wanted)


@dataclass(frozen=True)
class Learned:
    """A learned strategy. `nodes[p]` is the number of the node where partition p lives."""

    spec: StrategySpec
    nodes: tuple[int, ...]
    routing_bytes: int
    core: Any  # _core.Strategy, or the user's own object
    parts: tuple[Learned, ...] = ()
    capacities: tuple[float, ...] | None = None  # of each partition's node; None: all alike
    racks: tuple[str | None, ...] | None = None  # of each partition's node; None: each fails alone

    @property
    def partitions(self) -> int:
        """Their number n."""
        return len(self.nodes)

    @property
    def directory_entries(self) -> int | None:
        """The entries of a directory; None for strategies that compute where keys live."""
        return self.core.directory_entries if isinstance(self.core, _core.Strategy) else None

    def assign(
        self,
        columns: Sequence[pa.Array],
        rows: int,
        *,
        first_row: int = 0,
        threads: int | None = None,
        narrow: bool = False,
    ) -> np.ndarray:
        """The partition of each row (uint32), from the columns of the whole key, in the spec's order.

        `narrow`: in the narrowest unsigned type that holds all partitions but its greatest value; of many rows no
        wide copy is made.
        """
        if isinstance(self.core, UserStrategy):
            found = self._assign_by_user(columns, rows)
            return narrowed(found, self.partitions) if narrow else found
        given = _spread(self.spec, columns) if self.parts else list(columns)
        return numpy_of(self.core.assign(given, rows, first_row=first_row, threads=threads, narrow=narrow))

    def replicas(
        self, columns: Sequence[pa.Array], rows: int, count: int, *, first_row: int = 0, threads: int | None = None
    ) -> np.ndarray:
        """The partitions that hold each row's copies (uint32, shape (rows, count)); the first is the row's own.

        Ring and rendezvous place copies by their own rule, on unseen racks first. For every other strategy, and for
        null keys, they follow in the order of the nodes, around the end: first those on unseen racks, then the
        skipped ones.

        Raises:
            ParameterError: `count` is 0, or above the number of partitions, or the strategy places no rows.
        """
        if self.spec.groups:
            raise ParameterError(f"{self.spec.text} places columns, not rows; replicas are of rows")
        if isinstance(self.core, UserStrategy):
            partitions = pa.array(self._assign_by_user(columns, rows))
            found = _core.chained_replicas(partitions, self.partitions, count, racks=self.racks)
        else:
            given = _spread(self.spec, columns) if self.parts else list(columns)
            found = self.core.replicas(given, rows, count, first_row=first_row, threads=threads)
        return numpy_of(found).reshape(rows, count)

    def count(self, columns: Sequence[pa.Array], rows: int, sums: _core.Sums, *, first_row: int = 0) -> None:
        """Adds the number of rows of each partition to `sums`, on one thread; columns as of `assign`."""
        if isinstance(self.core, UserStrategy):
            sums.add(pa.array(self._assign_by_user(columns, rows)))
            return
        given = _spread(self.spec, columns) if self.parts else list(columns)
        self.core.count(given, rows, sums, first_row=first_row)

    def _assign_by_user(self, columns: Sequence[pa.Array], rows: int) -> np.ndarray:
        table = pa.table(list(columns), names=list(self.spec.columns))
        null = np.all([numpy_of(column.is_null()) for column in columns], axis=0)
        found = np.zeros(rows, np.uint32)
        found[~null] = assign_by_user(self.core, table.filter(pa.array(~null)))
        return found


def _spread(spec: StrategySpec, columns: Sequence[pa.Array]) -> list[pa.Array]:
    """The columns of a composite's leaves, end to end, from the columns of its whole key."""
    by_name = dict(zip(spec.columns, columns, strict=True))
    return [by_name[name] for leaf in spec.leaves for name in leaf.columns]


def learn(
    spec: StrategySpec,
    nodes: Sequence[int],
    keys: Keys,
    capacities: Sequence[float] | None = None,
    racks: Sequence[str | None] | None = None,
) -> Learned:
    """Learns a strategy for these nodes.

    Args:
        spec: What to learn.
        nodes: The number of each partition's node.
        keys: The distinct values of any key that a leaf of the strategy has.
        capacities: What each node can hold relative to the others, above 0; None means all alike. Placements that
            can weigh nodes weigh by it, list and directory deal by it, others ignore it.
        racks: The rack of each node, None for one that fails alone. Only replicas depend on it.

    Raises:
        ParameterError: It cannot be for so many partitions, or capacities or racks are not one per node.
        UsageError: A list that misses values of the data, bounds out of order.
    """
    if not nodes:
        raise ParameterError("partitions is 0; expected at least 1")
    for name, given in (("capacities", capacities), ("racks", racks)):
        if given is not None and len(given) != len(nodes):
            raise ParameterError(f"{name} has {len(given)} entries for {len(nodes)} nodes; expected one per node")
    found = _learn(spec, nodes, keys, capacities, racks)
    return replace(
        found,
        capacities=None if capacities is None else tuple(capacities),
        racks=None if racks is None else tuple(racks),
    )


def _learn(
    spec: StrategySpec,
    nodes: Sequence[int],
    keys: Keys,
    capacities: Sequence[float] | None,
    racks: Sequence[str | None] | None,
) -> Learned:
    if spec.groups:
        return Learned(spec, tuple(nodes), routing_bytes_of(spec.groups), None)
    if spec.parts:
        return _learn_composite(spec, nodes, keys, racks)
    if "by_row" in spec.contender.abilities:
        core = _core.Strategy.learn(spec.name, DistinctKeys.none().core, list(nodes), [], racks=racks)
        return Learned(spec, tuple(nodes), 0, core)
    distinct = keys(spec.columns)
    implementation = spec.contender.implementation
    if implementation is not None:
        user: UserStrategy = implementation(len(nodes), dict(spec.parameters))
        kept = ~distinct.is_null
        table = pa.table(distinct.columns, names=list(spec.columns)).filter(pa.array(kept))
        learn_by_user(user, table, distinct.rows[kept].astype(np.uint64))
        return Learned(spec, tuple(nodes), int(user.routing_bytes), user)
    types = {name: column.type for name, column in zip(spec.columns, distinct.columns, strict=True)}
    values, groups = given_values(spec, types)
    settings = [(name, value) for name, value in spec.parameters.items() if name not in ("bounds", "values")]
    core = _core.Strategy.learn(
        spec.name,
        distinct.core,
        list(nodes),
        settings,
        values=values,
        groups=groups,
        capacities=capacities,
        racks=racks,
    )
    return Learned(spec, tuple(core.nodes), int(core.routing_bytes), core)


def divisors(n: int) -> list[int]:
    """The divisors of n, ascending."""
    return [d for d in range(1, n + 1) if n % d == 0]


def first_of(spec: StrategySpec, n: int, keys: Keys) -> int:
    """How many partitions the outer strategy of a composite has at n.

    Raises:
        ParameterError: `first` is given and does not divide n.
    """
    given = spec.parameters.get("first")
    if given is not None:
        if n % int(given):
            shown = ", ".join(map(str, divisors(n)))
            raise ParameterError(f"{spec.text}: first is {given}; expected a divisor of the {n} partitions: {shown}")
        return int(given)
    outer = spec.parts[0]
    most = math.isqrt(n)
    if outer.keyed:
        distinct = keys(outer.columns)
        most = min(most, max(1, len(distinct) - int(distinct.is_null.any())))
    return max(d for d in divisors(n) if d <= most)


def _learn_composite(
    spec: StrategySpec, nodes: Sequence[int], keys: Keys, racks: Sequence[str | None] | None
) -> Learned:
    first = first_of(spec, len(nodes), keys)
    outer = learn(spec.parts[0], range(first), keys)
    inner = learn(spec.parts[1], range(len(nodes) // first), keys)
    if any(isinstance(part.core, UserStrategy) for part in (outer, inner)):
        raise ParameterError(f"{spec.text}: a strategy written in Python cannot be part of a composite yet")
    width = sum(len(leaf.columns) for leaf in spec.parts[0].leaves)
    core = _core.Strategy.composite(outer.core, inner.core, width, list(nodes), racks=racks)
    return Learned(spec, tuple(nodes), int(core.routing_bytes), core, (outer, inner))


def after(
    learned: Learned,
    action: str,
    keys: Keys,
    capacities: Sequence[float] | None = None,
    racks: Sequence[str | None] | None = None,
) -> Learned | None:
    """The strategy after an action on the cluster; None if the action cannot be (no node would be left).

    Args:
        learned: The strategy before.
        action: One of the names in metrics.
        keys: As for `learn`.
        capacities: Those of the nodes afterwards, in ascending order of their numbers. None: nodes keep theirs, a new
            one has 1, one that takes another's place has the other's, and doubled nodes repeat those that are there.
        racks: As capacities; a new node fails alone.

    Raises:
        UsageError: The strategy cannot be learned for the new number of nodes.
    """
    nodes = _core.action_nodes(action, learned.partitions)
    if nodes is None:
        return None
    if capacities is None and learned.capacities is not None:
        capacities = _inherited(learned, action, learned.capacities, 1.0)
    if racks is None and learned.racks is not None:
        racks = _inherited(learned, action, learned.racks, None)
    if isinstance(learned.core, _core.Strategy) and learned.spec.keyed and not learned.parts:
        distinct = keys(learned.spec.columns).core
        changed = learned.core.change(action, distinct, capacities=capacities, racks=racks)
        if changed is not None:
            return replace(
                learned,
                nodes=tuple(changed.nodes),
                routing_bytes=int(changed.routing_bytes),
                core=changed,
                capacities=_in_order(changed.nodes, nodes, capacities),
                racks=_in_order(changed.nodes, nodes, racks),
            )
    return learn(learned.spec, nodes, keys, capacities, racks)


_Each = TypeVar("_Each")


def _inherited(learned: Learned, action: str, given: Sequence[_Each], new: _Each) -> list[_Each]:
    """What each node has after an action, in ascending order of their numbers, from what each partition's node had."""
    had = [value for _, value in sorted(zip(learned.nodes, given, strict=True), key=lambda pair: pair[0])]
    return {
        "add_one": [*had, new],
        "remove_one": had[:-1],
        "replace_one": had,
        "double": [*had, *had],
    }[action]


def _in_order(
    nodes: Sequence[int], ascending: Sequence[int], given: Sequence[_Each] | None
) -> tuple[_Each, ...] | None:
    """What each partition's node has, from what the nodes have in ascending order of their numbers."""
    if given is None:
        return None
    has = dict(zip(ascending, given, strict=True))
    return tuple(has[node] for node in nodes)
