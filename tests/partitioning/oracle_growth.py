"""The oracle on hot keys, on growth over a time column, on single partitions split and joined, and on plans.

Recomputed row by row from METHODOLOGY.md, "Hot keys and growth" and "Actions and movement"; nothing of
the product is imported.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from oracle_keys import Column, Table, is_null, kinds_of, numbered, order, rows_of, sorted_keys
from oracle_strategies import Placed, Strategy, composite_first, node_names, place, weigh

Value = int | float | Fraction | None
LEARNED = ("range", "list", "directory")
WIDTHS = {"int": 8, "float": 8, "bool": 1, "date": 4, "timestamp": 8, "decimal": 16}


def max_over_mean(loads: Sequence[int]) -> Fraction | None:
    return Fraction(max(loads) * len(loads), sum(loads)) if sum(loads) else None


def hot_key_metrics(
    strategy: Strategy, table: Table, placed: Placed, weights: Sequence[int], split_keys: int = 10, ways: int = 8
) -> dict[str, Value]:
    """How hot the hottest key may become, and what splitting the hottest ones mends and costs."""
    names = ("hot_key_factor", "salted_load_max_over_mean", "salted_reads_factor")
    if not strategy.keyed:
        return dict.fromkeys(names)
    n = placed.partitions
    numbers, _ = numbered(table, strategy.key_columns)
    weight_of = weigh(numbers, weights)
    home = dict(zip(numbers, placed.rows, strict=True))
    loads = [weigh(placed.rows, weights)[p] for p in range(n)]
    total = sum(loads)
    most = max(weight_of[number] for number in home)
    factor: Fraction | None = None
    if n > 1 and most:
        hottest = max((number for number in home if weight_of[number] == most), key=lambda number: loads[home[number]])
        bound = Fraction(5, 4)
        factor = Fraction(1)
        if max_over_mean(loads) <= bound:  # type: ignore[operator]
            # n (L + x) = 5/4 (W + x): the x more that the key must weigh.
            more = (bound * total - n * loads[home[hottest]]) / (n - bound)
            factor = 1 + more / most
    ways = min(ways, n)
    split = sorted(home, key=lambda number: (-weight_of[number], number))[:split_keys]
    for number in split:
        loads[home[number]] -= weight_of[number]
        pieces = [weight_of[number] // ways] * ways
        for i in range(weight_of[number] % ways):
            pieces[i] += 1
        for i, piece in enumerate(pieces):
            loads[(home[number] + i) % n] += piece
    asked = [ways if number in split else 1 for number in numbers]
    reads = sum(weight * count for weight, count in zip(weights, asked, strict=True))
    return dict(zip(names, (factor, max_over_mean(loads), Fraction(reads, total) if total else None), strict=True))


def directory_metrics(strategy: Strategy, table: Table, weights: Sequence[int]) -> dict[str, Value]:
    """What misses a cache of the heaviest tenth of the entries, and the requests of a read by key."""
    names = ("directory_cache_miss_share", "directory_hops_mean")
    directories = directories_in(strategy)
    if len(directories) != 1:
        return dict.fromkeys(names) if directories else {}
    numbers, keys = numbered(table, directories[0].columns)
    weight_of = weigh(numbers, weights)
    entries = sorted((weight_of[number] for number, key in enumerate(keys) if not is_null(key)), reverse=True)
    miss = None
    if sum(entries):
        miss = 1 - Fraction(sum(entries[: max(1, len(entries) // 10)]), sum(entries))
    return dict(zip(names, (miss, None if miss is None else 1 + miss), strict=True))


def directories_in(strategy: Strategy) -> list[Strategy]:
    inner = [found for part in strategy.parts for found in directories_in(part)]
    return [strategy, *inner] if strategy.name == "directory" else inner


def growth_metrics(
    strategy: Strategy, table: Table, placed: Placed, time: str, weights: Sequence[int]
) -> dict[str, Value]:
    """The newest tenth of the rows: as compared, and on the strategy as it was learned before them."""
    names = ("last_decile_share", "growth_load_max_over_mean", "unseen_key_share")
    kinds, times = kinds_of(table, (time,)), table[time].values
    dated = [row for row in range(rows_of(table)) if times[row] is not None]
    ordered = sorted(dated, key=lambda row: order(kinds, (times[row],)))  # type: ignore[arg-type, return-value]
    bound = order(kinds, (times[ordered[9 * len(ordered) // 10]],))
    last = [row for row in dated if order(kinds, (times[row],)) >= bound]  # type: ignore[operator]
    before = [row for row in dated if row not in set(last)]
    total = sum(weights[row] for row in last)
    if not total:
        return dict.fromkeys(names)

    def loads_of(rows: Sequence[int], partitions: Sequence[int]) -> list[int]:
        sums = weigh(partitions, [weights[row] for row in rows])
        return [sums[p] for p in range(placed.partitions)]

    compared = loads_of(last, [placed.rows[row] for row in last])
    share = Fraction(max(compared), total)
    if not learns(strategy):
        return dict(zip(names, (share, max_over_mean(compared), None), strict=True))
    if not strategy.keyed or not before:
        return dict(zip(names, (share, None, None), strict=True))
    numbers, keys = numbered(table, strategy.key_columns)
    seen = {keys[numbers[row]] for row in before}
    unseen = sum(weights[row] for row in last if keys[numbers[row]] not in seen)
    homes = placed_later(strategy, choose(table, before), choose(table, last), placed.partitions)
    found = [(row, home) for row, home in zip(last, homes, strict=True) if home is not None]
    load = max_over_mean(loads_of([row for row, _ in found], [home for _, home in found]))
    return dict(zip(names, (share, load, Fraction(unseen, total)), strict=True))


def learns(strategy: Strategy) -> bool:
    if strategy.parts:
        return strategy.first is None or any(learns(part) for part in strategy.parts)
    return strategy.name in LEARNED and not strategy.given


def choose(table: Table, rows: Sequence[int]) -> Table:
    return {name: Column(column.kind, [column.values[row] for row in rows]) for name, column in table.items()}


def placed_later(strategy: Strategy, before: Table, later: Table, n: int) -> list[int | None]:
    """Where rows go that come after the strategy was learned; None where a list has no place for them."""
    if strategy.parts:
        first = composite_first(strategy, before, n)
        second = n // first
        a = placed_later(strategy.parts[0], before, later, first)
        b = placed_later(strategy.parts[1], before, later, second)
        return [None if i is None or j is None else i * second + j for i, j in zip(a, b, strict=True)]
    if not learns(strategy):
        return list(place(strategy, later, node_names(n)).rows)
    kinds = kinds_of(later, strategy.columns)
    numbers, keys = numbered(later, strategy.columns)
    learned = place(strategy, before, node_names(n))
    if strategy.name == "range":
        bounds = learned.bounds
        return [0 if is_null(keys[i]) else bisect.bisect_right(bounds, order(kinds, keys[i])) for i in numbers]
    old_numbers, old_keys = numbered(before, strategy.columns)
    home = {old_keys[number]: p for number, p in zip(old_numbers, learned.rows, strict=True)}
    return [0 if is_null(keys[i]) else home.get(keys[i]) for i in numbers]


def split_fullest(strategy: Strategy, table: Table, placed: Placed, weights: Sequence[int]) -> list[int] | None:
    """Each row's partition once the upper half of the fullest one's keys has a new one; None if it has one key."""
    if not strategy.keyed:
        return None
    sums = weigh(placed.rows, weights)
    loads = [sums[p] for p in range(placed.partitions)]
    hot = loads.index(max(loads))
    numbers, keys = numbered(table, strategy.key_columns)
    weight_of = weigh(numbers, weights)
    inside = {number for number, p in zip(numbers, placed.rows, strict=True) if p == hot and not is_null(keys[number])}
    number_of = {keys[number]: number for number in inside}
    ordered = [number_of[key] for key in sorted_keys(kinds_of(table, strategy.key_columns), number_of)]
    whole = sum(weight_of[number] for number in ordered)
    cuts = range(1, len(ordered))
    if not cuts:
        return None
    cut = min(cuts, key=lambda cut: (abs(whole - 2 * sum(weight_of[number] for number in ordered[:cut])), cut))
    upper = set(ordered[cut:])
    return [placed.partitions if number in upper else p for number, p in zip(numbers, placed.rows, strict=True)]


def join_emptiest(placed: Placed, weights: Sequence[int]) -> tuple[int, list[int]] | None:
    """The partition that goes, and each row's partition with that one's rows in the next emptiest."""
    if placed.partitions == 1:
        return None
    sums = weigh(placed.rows, weights)
    leaving, into = sorted(range(placed.partitions), key=lambda p: (sums[p], p))[:2]
    kept = [p for p in range(placed.partitions) if p != leaving]
    return leaving, [kept.index(into if p == leaving else p) for p in placed.rows]


def row_bytes(table: Table) -> list[int]:
    """Fixed widths and the lengths of text; null is 0."""

    def size(kind: str, value: Any) -> int:
        if value is None:
            return 0
        return len(value.encode()) if kind == "text" else WIDTHS[kind]

    columns = [[size(column.kind, value) for value in column.values] for column in table.values()]
    return [sum(row) for row in zip(*columns, strict=True)]


def plan_metrics(
    action: str, old: Sequence[str], new: Sequence[str], here: Sequence[int], there: Sequence[int], sizes: Sequence[int]
) -> dict[str, Value]:
    """The bytes that move, and the seconds that the busiest node needs for what it sends or receives at 1 Gbit/s."""
    sent: Counter[str] = Counter()
    received: Counter[str] = Counter()
    for p, q, size in zip(here, there, sizes, strict=True):
        if old[p] != new[q]:
            sent[old[p]] += size
            received[new[q]] += size
    busiest = max([*sent.values(), *received.values()], default=0)
    return {
        f"rebalance_bytes.{action}": sum(sent.values()),
        f"rebalance_seconds.{action}": Fraction(busiest, 125_000_000),
    }
