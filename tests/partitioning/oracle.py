"""The oracle: every exact partitioning metric, recomputed naively and apart from the product.

`metrics(question)` maps names as API.md has them to values: an int for a count, a Fraction for a
quotient of counts, a float where a root is drawn, None where the definition divides by zero or
gives no value. Written from METHODOLOGY.md and API.md alone; the cost does not matter here.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from oracle_growth import (
    directory_metrics,
    growth_metrics,
    hot_key_metrics,
    join_emptiest,
    max_over_mean,
    plan_metrics,
    row_bytes,
    split_fullest,
)
from oracle_keys import Key, Kind, Table, as_fraction, canonical, is_null, kinds_of, numbered, rows_of, sorted_keys
from oracle_strategies import (
    ACTIONS,
    Placed,
    Strategy,
    UndefinedError,
    node_names,
    nodes_after,
    place,
    rows_after,
    weigh,
)

Value = int | float | Fraction | None
_NANOSECONDS = {"ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}


@dataclass(frozen=True)
class ForeignKey:
    name: str
    columns: tuple[str, ...]
    parent: Table = field(repr=False)
    parent_columns: tuple[str, ...]


@dataclass(frozen=True)
class Query:
    """point(columns), in_list(column, size) or range(column, width); the width is a number or such as '1d'."""

    name: str
    kind: str
    columns: tuple[str, ...]
    size: int = 0
    width: int | float | str = 0

    @property
    def spelling(self) -> str:
        extra = {"point": "", "in_list": f", size={self.size}", "range": f", width={self.width!r}"}[self.kind]
        return f"{self.kind}({', '.join(self.columns)}{extra})"


@dataclass(frozen=True)
class Question:
    """One strategy at n partitions on one table."""

    table: Table = field(repr=False)
    strategy: Strategy
    partitions: int
    weight: str | None = None
    foreign_keys: Sequence[ForeignKey] = ()
    queries: Sequence[Query] = ()
    time: str | None = None
    actions: Sequence[str] = ACTIONS
    bytes: bool = False


def metrics(question: Question) -> dict[str, Value]:
    table, strategy, n = question.table, question.strategy, question.partitions
    weights = [1] * rows_of(table) if question.weight is None else table[question.weight].values
    placed = place(strategy, table, node_names(n))
    result = load_metrics(placed, weights)
    result |= key_metrics(strategy, table, n, weights, result["load_max_over_mean"])
    result |= hot_key_metrics(strategy, table, placed, weights)
    result |= directory_metrics(strategy, table, weights)
    sizes = row_bytes(table) if question.bytes else None
    if sizes is not None:
        result |= {
            "bytes_max_over_mean": max_over_mean(loads_of(placed, sizes)),
            "bytes_max": max(loads_of(placed, sizes)),
        }
    for action in question.actions:
        result |= movement_metrics(strategy, table, placed, action, weights, sizes)
    if question.time is not None:
        result |= growth_metrics(strategy, table, placed, question.time, weights)
    for foreign_key in question.foreign_keys:
        result |= foreign_key_metrics(strategy, table, placed, foreign_key, weights)
        result |= join_metrics(question, placed, foreign_key)
    for query in question.queries:
        read = row_bytes({name: table[name] for name in query.columns}) if question.bytes else None
        result |= query_metrics(table, placed, query, None if read is None else loads_of(placed, read))
    return result


def loads_of(placed: Placed, weights: Sequence[int]) -> list[int]:
    sums = weigh(placed.rows, weights)
    return [sums[position] for position in range(placed.partitions)]


def load_metrics(placed: Placed, weights: Sequence[int]) -> dict[str, Value]:
    """How evenly the weight lies; x_i is the load of partition i over the mean."""
    n = placed.partitions
    loads = loads_of(placed, weights)
    total = sum(loads)
    empty = loads.count(0)
    names = ["max_over_mean", "min_over_mean", "cv", "gini", "p99_over_p50"]
    if total == 0:
        return dict.fromkeys([f"load_{name}" for name in names] + ["effective_parallelism"]) | {
            "empty_partitions": empty
        }
    x = sorted(Fraction(load * n, total) for load in loads)
    squares = sum(load * load for load in loads)
    return {
        "load_max_over_mean": x[-1],
        "load_min_over_mean": x[0],
        "load_cv": root(sum(((value - 1) ** 2 for value in x), Fraction(0)) / n),
        "load_gini": sum(((2 * i - n - 1) * value for i, value in enumerate(x, start=1)), Fraction(0)) / (n * sum(x)),
        "load_p99_over_p50": over(quantile(x, Fraction(99, 100)), quantile(x, Fraction(1, 2))),
        "empty_partitions": empty,
        "effective_parallelism": Fraction(total * total, n * squares),
    }


def key_metrics(
    strategy: Strategy, table: Table, n: int, weights: Sequence[int], max_over_mean: Value
) -> dict[str, Value]:
    """What the key alone allows: the floor under the maximum, and under the deviation."""
    if not strategy.keyed:
        return {"avoidable_skew": max_over_mean, "sampling_floor_cv": None}
    numbers, keys = numbered(table, strategy.key_columns)
    heaviest = sorted(weigh(numbers, weights).values(), reverse=True) + [0] * (n + 1)
    total = sum(weights)
    distinct = sum(not is_null(key) for key in keys)
    skew: Value = None
    if total:
        shares = [Fraction(weight, total) for weight in heaviest]
        skew = over(max_over_mean, max(Fraction(1), n * shares[0], n * (shares[n - 1] + shares[n])))
    return {"avoidable_skew": skew, "sampling_floor_cv": root(Fraction(n, distinct)) if distinct else None}


def movement_metrics(
    strategy: Strategy,
    table: Table,
    before: Placed,
    action: str,
    weights: Sequence[int],
    sizes: Sequence[int] | None = None,
) -> dict[str, Value]:
    """What an action moves between nodes, by their names."""
    names = [f"{name}.{action}" for name in ("moved_share", "moved_over_optimum", "stray_moves")]
    names += [f"rebalance_minimum_share.{action}", f"load_max_over_mean_after.{action}"]
    n, total = before.partitions, sum(weights)
    try:
        old, new, rows = changed(strategy, table, before, action, weights)
    except UndefinedError:  # nor a minimum, though the loads alone would give one where only the strategy cannot follow
        plan = [] if sizes is None else [f"rebalance_bytes.{action}", f"rebalance_seconds.{action}"]
        return dict.fromkeys(names + plan)
    loads = Counter(dict(zip(old, loads_of(before, weights), strict=True)))
    lacking = sum(max(0, total - len(new) * loads[name]) for name in new)
    minimum = over(lacking, len(new) * total)
    moved = stray = 0
    after = len(new)
    pairs = [source * after + target for source, target in zip(before.rows, rows, strict=True)]
    loads_after = [0] * after
    for pair, weight in weigh(pairs, weights).items():
        source, target = divmod(pair, after)
        loads_after[target] += weight
        if old[source] != new[target]:
            moved += weight
            stray += weight if old[source] in new and new[target] in old else 0
    optimum = sum(
        (max(Fraction(0), Fraction(1, len(new)) - (Fraction(1, n) if name in old else 0)) for name in new), Fraction(0)
    )
    share = over(moved, total)
    found = (share, over(share, optimum), stray, minimum, max_over_mean(loads_after))
    plan_of = {} if sizes is None else plan_metrics(action, old, new, before.rows, rows, sizes)
    return dict(zip(names, found, strict=True)) | plan_of


def changed(
    strategy: Strategy, table: Table, before: Placed, action: str, weights: Sequence[int]
) -> tuple[list[str], list[str], list[int]]:
    """The nodes before and after an action, and each row's position among those after."""
    old = node_names(before.partitions)
    if action == "split_hot":
        rows = split_fullest(strategy, table, before, weights)
        if rows is None:
            raise UndefinedError("there is nothing to split")
        return old, node_names(before.partitions + 1), rows
    if action == "merge_cold":
        joined = join_emptiest(before, weights)
        if joined is None:
            raise UndefinedError("one partition has nothing to join")
        leaving, rows = joined
        return old, [*old[:leaving], *old[leaving + 1 :]], rows
    return old, nodes_after(before.partitions, action), rows_after(strategy, table, before, action, weights)


def foreign_key_metrics(
    strategy: Strategy, table: Table, placed: Placed, foreign_key: ForeignKey, weights: Sequence[int]
) -> dict[str, Value]:
    """Rows without a parent, and the weight of those whose parent lives in another partition."""
    name, kinds = foreign_key.name, kinds_of(table, foreign_key.columns)
    parent, parent_columns = foreign_key.parent, foreign_key.parent_columns
    n = placed.partitions
    numbers, references = numbered(table, foreign_key.columns)
    bytes_of = [None if None in key else canonical(kinds, key) for key in references]
    parent_kinds = kinds_of(parent, parent_columns)
    parent_keys = list(zip(*(parent[column].values for column in parent_columns), strict=True))
    row_of = {canonical(parent_kinds, key): row for row, key in enumerate(parent_keys) if None not in key}
    home = _parent_homes(strategy, n, foreign_key)
    own_map = set(foreign_key.columns) == set(strategy.key_columns) and strategy.keyed
    null_rows = orphan_rows = matched = crossing = 0
    orphans = set()
    pairs = [number * n + position for number, position in zip(numbers, placed.rows, strict=True)]
    weight = weigh(pairs, weights)
    for pair, count in Counter(pairs).items():
        number, position = divmod(pair, n)
        key = bytes_of[number]
        if key is None:
            null_rows += count
        elif key not in row_of:
            orphan_rows += count
            orphans.add(key)
        else:
            matched += weight[pair]
            if not own_map and home is not None and home[row_of[key]] != position:
                crossing += weight[pair]
    return {
        f"cross_join_share.{name}": over(crossing, matched) if own_map or home is not None else None,
        f"orphan_rows.{name}": orphan_rows,
        f"orphan_values.{name}": len(orphans),
        f"null_rows.{name}": null_rows,
    }


def join_metrics(question: Question, placed: Placed, foreign_key: ForeignKey) -> dict[str, Value]:
    """What joins cost in bytes, and what an update of a parent touches once its columns are copied into the rows."""
    table, strategy, n, name = question.table, question.strategy, placed.partitions, foreign_key.name
    kinds = kinds_of(table, foreign_key.columns)
    parent, parent_columns = foreign_key.parent, foreign_key.parent_columns
    parent_kinds = kinds_of(parent, parent_columns)
    parent_keys = list(zip(*(parent[column].values for column in parent_columns), strict=True))
    parent_of = {canonical(parent_kinds, key): row for row, key in enumerate(parent_keys) if None not in key}
    keys = list(zip(*(table[column].values for column in foreign_key.columns), strict=True))
    known: dict[Key, int | None] = dict.fromkeys(keys)
    for key in known:
        known[key] = None if None in key else parent_of.get(canonical(kinds, key))
    children: dict[int, list[int]] = {}  # the rows of each parent that has some
    for row, key in enumerate(keys):
        parent_row = known[key]
        if parent_row is not None:
            children.setdefault(parent_row, []).append(row)
    touched = [len({placed.rows[row] for row in rows}) for rows in children.values()]
    result: dict[str, Value] = {
        f"parent_rows.{name}": len(parent_keys),
        f"matched_rows.{name}": sum(map(len, children.values())),
        f"update_rows_mean.{name}": over(sum(map(len, children.values())), len(children)),
        f"update_rows_max.{name}": max(map(len, children.values()), default=None),
        f"update_partitions_mean.{name}": over(sum(touched), len(touched)),
        f"update_partitions_max.{name}": max(touched, default=None),
        # Here no parent has foreign keys of its own, and no two keys of the same columns share a parent.
        f"colocated_tables.{name}": 1
        + sum(set(foreign_key.columns) <= set(other.columns) for other in question.foreign_keys),
    }
    if question.bytes:
        home = _parent_homes(strategy, n, foreign_key)
        own_map = set(foreign_key.columns) == set(strategy.key_columns) and strategy.keyed
        sizes, whole = row_bytes(table), row_bytes(parent)
        keys_alone = row_bytes({column: parent[column] for column in parent_columns})
        beside = [size - key for size, key in zip(whole, keys_alone, strict=True)]
        moved = [row for at, rows in children.items() for row in rows if home and home[at] != placed.rows[row]]
        result |= {
            f"broadcast_bytes.{name}": sum(whole) * (n - 1),
            f"repartition_bytes.{name}": 0 if own_map else None if home is None else sum(sizes[row] for row in moved),
            f"denormalized_bytes.{name}": sum(beside[at] * len(rows) for at, rows in children.items()),
        }
    return result


def query_metrics(table: Table, placed: Placed, query: Query, sizes: Sequence[int] | None = None) -> dict[str, Value]:
    """Partitions that hold a match, and those that must be asked, over the query's instances.

    `sizes` are the bytes of each partition; with them also the bytes that must be read.
    """
    holders: dict[Key, set[int]] = {}
    numbers, keys = numbered(table, query.columns)
    n = placed.partitions
    for pair in {number * n + position for number, position in zip(numbers, placed.rows, strict=True)}:
        number, position = divmod(pair, n)
        if None not in keys[number]:
            holders.setdefault(keys[number], set()).add(position)
    kinds = kinds_of(table, query.columns)
    instances: list[tuple[set[int], set[int]]] = []  # partitions that hold a match, partitions asked
    if query.kind == "range":
        width = _width(kinds[0], query.width)
        windows: dict[int, set[int]] = {}
        for key, positions in holders.items():
            value = as_fraction(kinds[0], key[0])
            if value is not None:
                windows.setdefault(math.floor(value / width), set()).update(positions)
        instances = [
            (positions, placed.ask_window(query.columns[0], number * width, (number + 1) * width))
            for number, positions in windows.items()
        ]
    else:
        values = sorted_keys(kinds, holders)
        size = query.size if query.kind == "in_list" else 1
        for start in range(0, len(values), size):
            chunk = values[start : start + size]
            asked = [placed.ask_key(dict(zip(query.columns, key, strict=True))) for key in chunk]
            instances.append((set().union(*(holders[key] for key in chunk)), set().union(*asked)))
    fan_outs = [len(held) for held, _ in instances]
    found: dict[str, Value] = {}
    if sizes is not None:
        read = over(sum(sizes[position] for _, asked in instances for position in asked), len(instances))
        share = over(read, sum(sizes))
        found[f"bytes_read.{query.name}"] = read
        found[f"pruned_bytes_share.{query.name}"] = None if share is None else 1 - Fraction(share)
    return found | {
        f"fan_out_mean.{query.name}": over(sum(fan_outs), len(instances)),
        f"fan_out_max.{query.name}": max(fan_outs, default=None),
        f"routed_fan_out_mean.{query.name}": over(sum(len(asked) for _, asked in instances), len(instances)),
        f"rows_reassembled_share.{query.name}": 0 if instances else None,
    }


def over(numerator: Value, denominator: Value) -> Value:
    """A quotient; None where either side is missing or the denominator is zero."""
    if numerator is None or not denominator:
        return None
    return Fraction(numerator) / Fraction(denominator)


def root(value: Fraction) -> float:
    """The square root, to the last bit or so even of tiny fractions."""
    scale = 1 << 160
    return math.isqrt(value.numerator * scale * scale // value.denominator) / scale


def quantile(ordered: Sequence[Fraction], q: Fraction) -> Fraction:
    """numpy's linear quantile of values in ascending order."""
    place_of = q * (len(ordered) - 1)
    below = math.floor(place_of)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (place_of - below) * (ordered[above] - ordered[below])


def _parent_homes(strategy: Strategy, n: int, foreign_key: ForeignKey) -> list[int] | None:
    """The partition of each parent row, by the same strategy learned on the parent's key; None where it has none."""
    leaf = strategy.last_leaf
    learned = Strategy(leaf.name, (), leaf.function, leaf.seed, leaf.virtual_nodes)
    if leaf.name != "round_robin":
        learned = Strategy(leaf.name, foreign_key.parent_columns, leaf.function, leaf.seed, leaf.virtual_nodes)
    try:
        return place(learned, foreign_key.parent, node_names(n)).rows
    except UndefinedError:
        return None


def _width(kind: Kind, width: int | float | str) -> Fraction:
    if isinstance(width, str):
        match = re.fullmatch(r"(\d+)(ms|s|m|h|d)", width)
        assert match is not None, width
        nanoseconds = int(match[1]) * _NANOSECONDS[match[2]]
        return Fraction(nanoseconds, _NANOSECONDS["d"]) if kind == "date" else Fraction(nanoseconds)
    return Fraction(width)
