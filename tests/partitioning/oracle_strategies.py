"""Strategies of the oracle: which partition each row goes to, at n partitions and after an action.

Written from METHODOLOGY.md, "Strategies at n partitions" and "Actions and movement". Each strategy
spells itself as the product reads it, so that both get the same question.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import oracle_placements as placements
from oracle_keys import (
    Key,
    Table,
    as_fraction,
    canonical,
    hash_bytes,
    is_null,
    kinds_of,
    numbered,
    order,
    rows_of,
    sorted_keys,
)

AskWindow = Callable[[str, Fraction, Fraction], set[int]]
PLACEMENTS = ("ring", "jump", "rendezvous", "maglev", "redis_slots", "multi_probe", "bounded_loads")
ACTIONS = ("add_one", "remove_one", "replace_one", "double")


class UndefinedError(Exception):
    """The definitions give no value here: a metric that needs it is null."""


@dataclass(frozen=True)
class Strategy:
    """One strategy over columns; `parts` are the two strategies of a composite."""

    name: str
    columns: tuple[str, ...] = ()
    function: str = "xxh3_64"
    seed: int = 0
    virtual_nodes: int = 128
    given: tuple[Any, ...] = ()  # bounds of a range; of a list, the values of each partition
    parts: tuple[Strategy, ...] = ()
    first: int | None = None

    @property
    def key_columns(self) -> tuple[str, ...]:
        """All columns that the partition depends on, each once."""
        nested = [name for part in self.parts for name in part.key_columns]
        return tuple(dict.fromkeys([*self.columns, *nested]))

    @property
    def keyed(self) -> bool:
        """Whether a row's key alone settles its partition."""
        return self.name != "round_robin" and all(part.keyed for part in self.parts)

    @property
    def last_leaf(self) -> Strategy:
        return self.parts[-1].last_leaf if self.parts else self

    @property
    def spelling(self) -> str:
        arguments = [part.spelling for part in self.parts] or list(self.columns)
        if self.name in ("ring", "bounded_loads") and self.virtual_nodes != 128:
            arguments.append(f"virtual_nodes={self.virtual_nodes}")
        if self.function != "xxh3_64":
            arguments.append(f"{'function' if self.name == 'hash' else 'hash'}={self.function}")
        if self.seed:
            arguments.append(f"seed={self.seed}")
        if self.first is not None:
            arguments.append(f"first={self.first}")
        if self.given:
            arguments.append(f"{'bounds' if self.name == 'range' else 'values'}={spell(self.given)}")
        return f"{self.name}({', '.join(arguments)})" if arguments else self.name


def weigh(keys: Sequence[Any], weights: Sequence[int]) -> Counter[Any]:
    """The weight of each key, null among them."""
    if set(weights) == {1}:
        return Counter(keys)
    sums: Counter[Any] = Counter()
    for key, weight in zip(keys, weights, strict=True):
        sums[key] += weight
    return sums


def spell(value: Any) -> str:
    """A value as the product's spelling has it: lists in brackets, text in double quotes."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(spell, value))}]"
    return '"' + value.replace('"', '""') + '"' if isinstance(value, str) else str(value)


def composite(first_part: Strategy, second_part: Strategy, first: int | None = None) -> Strategy:
    return Strategy("composite", parts=(first_part, second_part), first=first)


@dataclass(frozen=True)
class Placed:
    """A strategy at n partitions on one table."""

    partitions: int
    rows: list[int]  # each row's partition
    ask_key: Callable[[Mapping[str, Any]], set[int]]  # partitions to ask for rows with these values of these columns
    ask_window: AskWindow  # ... with a column's value in [low, high)
    bounds: list[Any]  # of a range; otherwise empty


def place(strategy: Strategy, table: Table, nodes: Sequence[str]) -> Placed:
    """Learns the strategy on the table and assigns its rows to the nodes' positions."""
    if strategy.name == "composite":
        return _place_composite(strategy, table, len(nodes))
    partitions = len(nodes)
    everything = set(range(partitions))
    if strategy.name == "round_robin":
        rows = [number % partitions for number in range(rows_of(table))]
        return Placed(partitions, rows, lambda values: everything, lambda column, low, high: everything, [])
    numbers, keys = numbered(table, strategy.columns)
    kinds = kinds_of(table, strategy.columns)
    rows_of_key = Counter({keys[number]: rows for number, rows in Counter(numbers).items()})
    bounds: list[Any] = []
    ask_window: AskWindow = lambda column, low, high: everything  # noqa: E731
    owner: Callable[[Key], int]
    if strategy.name == "range":
        bounds = _bounds(strategy, kinds, rows_of_key, partitions)
        owner = lambda key: bisect.bisect_right(bounds, order(kinds, key))  # noqa: E731
        if len(kinds) == 1:
            ask_window = lambda column, low, high: (  # noqa: E731
                _ask_range(kinds[0], bounds, low, high) if (column,) == strategy.columns else everything
            )
    elif strategy.name in ("list", "directory"):
        partition_of = _list_map(strategy, kinds, rows_of_key, partitions)
        owner = partition_of.__getitem__
        if len(kinds) == 1:
            ask_window = lambda column, low, high: (  # noqa: E731
                _ask_list(kinds[0], partition_of, low, high) if (column,) == strategy.columns else everything
            )
    else:
        owner = _hashed_owner(strategy, kinds, nodes, keys)
    positions = [0 if is_null(key) else owner(key) for key in keys]
    position_of = dict(zip(keys, positions, strict=True))

    def ask_key(values: Mapping[str, Any]) -> set[int]:
        if not set(strategy.columns) <= set(values):
            return everything
        key = tuple(values[name] for name in strategy.columns)
        if key in position_of:
            return {position_of[key]}
        return set() if strategy.name in ("list", "directory") else {owner(key)}  # what is on no list is nowhere

    return Placed(partitions, [positions[number] for number in numbers], ask_key, ask_window, bounds)


def node_names(partitions: int) -> list[str]:
    return [f"node-{position}" for position in range(partitions)]


def nodes_after(partitions: int, action: str) -> list[str]:
    """The nodes' names after an action, in order of their positions."""
    if action == "add_one":
        return node_names(partitions + 1)
    if action == "remove_one":
        if partitions == 1:
            raise UndefinedError("one node cannot be removed")
        return node_names(partitions - 1)
    if action == "replace_one":
        return [*node_names(partitions - 1), f"node-{partitions}"]
    assert action == "double"
    return node_names(2 * partitions)


def rows_after(strategy: Strategy, table: Table, before: Placed, action: str, weights: Sequence[int]) -> list[int]:
    """Each row's position among `nodes_after`: recomputed, save that ranges split, and directories and slots move."""
    n = before.partitions
    nodes = nodes_after(n, action)
    if strategy.name == "range":
        if action == "remove_one":
            return [min(position, n - 2) for position in before.rows]
        return _split(strategy, table, before, len(nodes), weights)
    if strategy.name == "directory":
        return directory_after(strategy, table, before, action, weights)
    if strategy.name == "redis_slots":
        holders = placements.redis_after(placements.redis_table(n), node_names(n), nodes)
        numbers, keys = numbered(table, strategy.columns)
        slots = [_redis_slot(table, strategy.columns, key) for key in keys]
        homes = [0 if slot is None else holders[slot] for slot in slots]
        return [homes[number] for number in numbers]
    if strategy.name == "list" and strategy.given and len(nodes) != n:
        raise UndefinedError("given values name their partitions")
    return place(strategy, table, nodes).rows


def composite_first(strategy: Strategy, table: Table, partitions: int) -> int:
    """How many parts the first strategy of a composite makes."""
    if strategy.first is not None:
        if partitions % strategy.first:
            raise UndefinedError(f"{strategy.first} does not divide {partitions}")
        return strategy.first
    leading = strategy.parts[0]
    distinct = rows_of(table)
    if leading.keyed:
        distinct = sum(not is_null(key) for key in numbered(table, leading.key_columns)[1])
    most = max(1, min(distinct, math.isqrt(partitions)))
    return max(divisor for divisor in range(1, most + 1) if partitions % divisor == 0)


def _place_composite(strategy: Strategy, table: Table, partitions: int) -> Placed:
    first = composite_first(strategy, table, partitions)
    second = partitions // first
    a = place(strategy.parts[0], table, node_names(first))
    b = place(strategy.parts[1], table, node_names(second))

    def product(left: set[int], right: set[int]) -> set[int]:
        return {i * second + j for i in left for j in right}

    return Placed(
        partitions,
        [i * second + j for i, j in zip(a.rows, b.rows, strict=True)],
        lambda values: product(a.ask_key(values), b.ask_key(values)),
        lambda column, low, high: product(a.ask_window(column, low, high), b.ask_window(column, low, high)),
        [],
    )


def _hashed_owner(
    strategy: Strategy, kinds: Sequence[Any], nodes: Sequence[str], keys: Sequence[Key]
) -> Callable[[Key], int]:
    if strategy.name == "modulo":
        if tuple(kinds) != ("int",):
            raise UndefinedError("modulo needs one integer column")
        return lambda key: int(key[0]) % len(nodes)
    if strategy.name == "redis_slots":
        holders = placements.redis_table(len(nodes))
        is_text = tuple(kinds) == ("text",)
        return lambda key: holders[placements.redis_slot(canonical(kinds, key), is_text)]
    if strategy.name == "bucket":
        if len(kinds) != 1 or kinds[0] in ("float", "bool"):
            raise UndefinedError("Iceberg buckets one column, and no floats and no booleans")
        murmur = hash_bytes("murmur3_32")
        return lambda key: (murmur(canonical(kinds, key)) & 0x7FFFFFFF) % len(nodes)
    hash_key = hash_bytes(strategy.function, strategy.seed)
    owners: dict[str, Callable[[], placements.Owner]] = {
        "hash": lambda: lambda value: value % len(nodes),
        "ring": lambda: placements.ring(nodes, strategy.virtual_nodes, strategy.function, strategy.seed),
        "jump": lambda: placements.jump(nodes),
        "rendezvous": lambda: placements.rendezvous(nodes),
        "maglev": lambda: placements.maglev(nodes),
        "multi_probe": lambda: placements.multi_probe(nodes),
        "bounded_loads": lambda: placements.bounded_loads(
            nodes,
            {hash_key(canonical(kinds, key)) for key in keys if not is_null(key)},
            *(strategy.virtual_nodes, strategy.function, strategy.seed),
        ),
    }
    owner = owners[strategy.name]()
    return lambda key: owner(hash_key(canonical(kinds, key)))


def _bounds(strategy: Strategy, kinds: Sequence[Any], rows: Counter[Key], partitions: int) -> list[Any]:
    if strategy.given:
        if len(strategy.given) != partitions - 1:
            raise UndefinedError(f"{len(strategy.given)} bounds make no {partitions} partitions")
        return [order(kinds, (bound,)) for bound in strategy.given]
    present = _repeated(kinds, rows)
    if not present:
        return []
    return [order(kinds, present[j * len(present) // partitions]) for j in range(1, partitions)]


def _repeated(kinds: Sequence[Any], rows: Counter[Key]) -> list[Key]:
    """The keys of all rows whose key is not null, sorted."""
    return [key for key in sorted_keys(kinds, rows) if not is_null(key) for _ in range(rows[key])]


def _list_map(strategy: Strategy, kinds: Sequence[Any], rows: Counter[Key], partitions: int) -> dict[Key, int]:
    if strategy.given:
        if len(strategy.given) != partitions:
            raise UndefinedError(f"{len(strategy.given)} lists of values make no {partitions} partitions")
        return {(value,): position for position, values in enumerate(strategy.given) for value in values}
    loads = [0] * partitions
    # Null rows live in partition 0 and load it from the start.
    loads[0] += sum(count for key, count in rows.items() if is_null(key))
    partition_of: dict[Key, int] = {}
    by_value = [key for key in sorted_keys(kinds, rows) if not is_null(key)]
    for key in sorted(by_value, key=lambda key: -rows[key]):  # a stable sort: ties stay in the values' order
        position = loads.index(min(loads))
        partition_of[key] = position
        loads[position] += rows[key]
    return partition_of


def _redis_slot(table: Table, columns: Sequence[str], key: Key) -> int | None:
    kinds = kinds_of(table, columns)
    return None if is_null(key) else placements.redis_slot(canonical(kinds, key), tuple(kinds) == ("text",))


def directory_after(strategy: Strategy, table: Table, before: Placed, action: str, weights: Sequence[int]) -> list[int]:
    """A directory moves keys one by one; loads are weights, null rows among them, and null keys stay.

    A node that goes gives its keys, heaviest first, to the least loaded. A new node is filled to its fair share,
    rounded down, by the fullest of the old nodes above theirs (ties: lowest): of the donor's keys of some weight
    that leave the new node below what the donor has, the smallest that fills it, else the heaviest; the lower value of
    equals. A donor without such a key is passed over.
    """
    numbers, keys = numbered(table, strategy.columns)
    kinds = kinds_of(table, strategy.columns)
    weight = {keys[number]: sum_ for number, sum_ in weigh(numbers, weights).items()}
    home = {keys[number]: position for number, position in set(zip(numbers, before.rows, strict=True))}
    movable = [key for key in sorted_keys(kinds, keys) if not is_null(key)]
    n = before.partitions

    def load(position: int) -> int:
        return sum(weight[key] for key in keys if home[key] == position)

    if action == "remove_one":
        for key in sorted([key for key in movable if home[key] == n - 1], key=lambda key: -weight[key]):
            home[key] = min(range(n - 1), key=load)
    for new in range(n, len(nodes_after(n, action))):
        fair = sum(weight.values()) // len(nodes_after(n, action))
        passed: set[int] = set()
        while load(new) < fair:
            donors = [position for position in range(n) if load(position) > fair and position not in passed]
            if not donors:
                break
            donor = max(donors, key=lambda position: (load(position), -position))
            able = [key for key in movable if home[key] == donor and 0 < weight[key] < load(donor) - load(new)]
            enough = [key for key in able if weight[key] >= fair - load(new)]
            if not able:
                passed.add(donor)
            elif enough:
                home[min(enough, key=weight.__getitem__)] = new  # the first of equals, which stand in their order
            else:
                home[max(able, key=weight.__getitem__)] = new
    return [home[keys[number]] for number in numbers]


def _split(strategy: Strategy, table: Table, before: Placed, partitions: int, weights: Sequence[int]) -> list[int]:
    """Splits the heaviest part until there are enough; each time the keys from its median on go to the new node.

    The median of a part of k rows is its key at rank floor(k/2), as for bounds. Parts are ranges of keys: of
    equally heavy ones the lowest range is split. A part of null keys alone has no median and is not split.
    """
    kinds = kinds_of(table, strategy.columns)
    numbers, keys = numbered(table, strategy.columns)
    weight = {keys[number]: sum_ for number, sum_ in weigh(numbers, weights).items()}
    rows = Counter({keys[number]: count for number, count in Counter(numbers).items()})
    home = {keys[number]: position for number, position in set(zip(numbers, before.rows, strict=True))}
    null_weight = sum(weight[key] for key in keys if is_null(key))
    parts: list[tuple[int, list[Key]]] = [(position, []) for position in range(before.partitions)]  # node, its keys
    for key in sorted_keys(kinds, keys):
        if not is_null(key):
            parts[home[key]][1].append(key)
    for new in range(before.partitions, partitions):
        loads = [sum(weight[key] for key in inside) if inside else -1 for _, inside in parts]
        loads[0] += null_weight if parts[0][1] else 0
        heaviest = loads.index(max(loads))
        node, inside = parts[heaviest]
        if inside:
            ranks = [key for key in inside for _ in range(rows[key])]
            cut = inside.index(ranks[len(ranks) // 2])
            parts[heaviest : heaviest + 1] = [(node, inside[:cut]), (new, inside[cut:])]
    final = {key: node for node, inside in parts for key in inside}
    return [final.get(keys[number], 0) for number in numbers]


def _ask_range(kind: Any, bounds: Sequence[Any], low: Fraction, high: Fraction) -> set[int]:
    """Parts whose interval is not empty and meets the window [low, high)."""
    edges = [-math.inf, *(_edge(kind, bound) for bound in bounds), math.inf]
    return {
        position
        for position, (start, end) in enumerate(itertools.pairwise(edges))
        if start < high and low < end and (start < end or position == 0)
    }


def _ask_list(kind: Any, partition_of: Mapping[Key, int], low: Fraction, high: Fraction) -> set[int]:
    """A list knows its values: it asks the partitions of those in the window."""
    return {position for (value,), position in partition_of.items() if _inside(as_fraction(kind, value), low, high)}


def _inside(value: Fraction | None, low: Fraction, high: Fraction) -> bool:
    return value is not None and low <= value < high


def _edge(kind: Any, bound: Any) -> Fraction | float:
    """A bound on its axis, from its order ((False, value),); NaN is last."""
    value = bound[0][1]
    if kind == "float":
        is_nan, value = value
        if is_nan or math.isinf(value):
            return math.inf if is_nan else float(value)
    return as_fraction(kind, value) or Fraction(0)
