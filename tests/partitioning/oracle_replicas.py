"""The oracle of clusters: unequal capacities, racks and copies, row by row.

`metrics(question)` has what capacities change and what replicas add; what they leave alone is in
`oracle.py`. Written from METHODOLOGY.md, "Replicas and capacities"; the cost does not matter here.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from oracle import Value, over, quantile, root
from oracle_keys import Key, Table, canonical, hash_bytes, is_null, kinds_of, numbered, sorted_keys
from oracle_placements import rendezvous_bits
from oracle_strategies import ACTIONS, Strategy, UndefinedError, node_names, nodes_after, place, rows_after

BY_CAPACITY = ("ring", "rendezvous", "list")  # of the strategies asked here, those that heed capacities


@dataclass(frozen=True)
class Question:
    """One strategy on a cluster; `racks` and `capacities` are one for each node."""

    table: Table = field(repr=False)
    strategy: Strategy
    partitions: int
    weight: str | None = None
    capacities: Sequence[float] | None = None
    racks: Sequence[str] | None = None
    replicas: int = 1
    failed: int | None = None

    @property
    def weights(self) -> Sequence[int]:
        rows = len(next(iter(self.table.values())).values)
        return [1] * rows if self.weight is None else self.table[self.weight].values

    def capacities_after(self, action: str) -> list[Fraction]:
        """A new node has 1, one in another's place has the other's, and doubled nodes repeat them."""
        given = [Fraction(capacity) for capacity in self.capacities or [1] * self.partitions]
        return {
            "add_one": [*given, Fraction(1)],
            "remove_one": given[:-1],
            "replace_one": given,
            "double": given + given,
        }[action]

    def racks_after_joining(self) -> list[str] | None:
        """The newcomer's rack: the first again."""
        return None if self.racks is None else [*self.racks, self.racks[0]]


def metrics(question: Question) -> dict[str, Value]:
    table, strategy, n = question.table, question.strategy, question.partitions
    result = balance(question)
    for action in ACTIONS:
        result |= movement(question, action)
    if question.replicas > 1 or question.racks is not None or question.failed is not None:
        copies = copies_of_rows(question, node_names(n), question.capacities, question.racks, _rows(question))
        result |= replicas(question, copies)
        result |= joining(question, copies)
    assert table and strategy
    return result


def balance(question: Question) -> dict[str, Value]:
    """The loads over the fair shares, with one copy."""
    n = question.partitions
    loads = _loads(_rows(question), question.weights, n)
    return load_metrics(loads, [Fraction(capacity) for capacity in question.capacities or [1] * n])


def load_metrics(loads: Sequence[int], capacities: Sequence[Fraction]) -> dict[str, Value]:
    n, whole, capacity = len(loads), sum(loads), sum(capacities)
    names = ["max_over_mean", "min_over_mean", "cv", "p99_over_p50"]
    if not whole:
        return dict.fromkeys([f"load_{name}" for name in names] + ["effective_parallelism"])
    x = [Fraction(load) * capacity / (whole * own) for load, own in zip(loads, capacities, strict=True)]
    apart = sum((own / capacity * (each - 1) ** 2 for each, own in zip(x, capacities, strict=True)), Fraction(0))
    ordered = sorted(x)
    assert n == len(x)
    return {
        "load_max_over_mean": ordered[-1],
        "load_min_over_mean": ordered[0],
        "load_cv": root(apart),
        "load_p99_over_p50": over(quantile(ordered, Fraction(99, 100)), quantile(ordered, Fraction(1, 2))),
        "effective_parallelism": 1 / (1 + apart),
    }


def movement(question: Question, action: str) -> dict[str, Value]:
    """Moved weight over what the shares of capacity need."""
    names = [f"{name}.{action}" for name in ("moved_share", "moved_over_optimum", "rebalance_minimum_share")]
    n, weights = question.partitions, question.weights
    before = _rows(question)
    try:
        old, new = node_names(n), nodes_after(n, action)
        after = _rows_after(question, action)
    except UndefinedError:
        return dict.fromkeys(names)
    given = [Fraction(capacity) for capacity in question.capacities or [1] * n]
    later = question.capacities_after(action)
    old_share = {name: capacity / sum(given) for name, capacity in zip(old, given, strict=True)}
    new_share = {name: capacity / sum(later) for name, capacity in zip(new, later, strict=True)}
    optimum = sum((max(Fraction(0), share - old_share.get(name, 0)) for name, share in new_share.items()), Fraction(0))
    whole = sum(weights)
    loads = dict(zip(old, _loads(before, weights, n), strict=True))
    lacking = sum(
        (max(Fraction(0), whole * share - loads.get(name, 0)) for name, share in new_share.items()), Fraction(0)
    )
    moved = sum(w for here, there, w in zip(before, after, weights, strict=True) if old[here] != new[there])
    share = over(moved, whole)
    return dict(zip(names, (share, over(share, optimum), over(lacking, whole)), strict=True))


def replicas(question: Question, copies: Sequence[Sequence[int]]) -> dict[str, Value]:
    """What follows from each row's copies."""
    n, count, weights = question.partitions, question.replicas, question.weights
    whole = sum(weights)
    loads = [0] * n
    for nodes, weight in zip(copies, weights, strict=True):
        assert len(set(nodes)) == count
        for node in nodes:
            loads[node] += weight
    capacities = [Fraction(capacity) for capacity in question.capacities or [1] * n]
    result: dict[str, Value] = {
        "replica_load_max_over_mean": load_metrics(loads, capacities)["load_max_over_mean"],
    }
    if question.racks is not None:
        spans = [len({question.racks[node] for node in nodes}) for nodes in copies]
        wanted = min(count, len(set(question.racks)))
        short = sum(weight for span, weight in zip(spans, weights, strict=True) if span < wanted)
        result["replica_rack_violations"] = over(short, whole)
        gone = {
            rack: sum(
                weight
                for nodes, weight in zip(copies, weights, strict=True)
                if all(question.racks[node] == rack for node in nodes)
            )
            for rack in set(question.racks)
        }
        result["rack_loss_share"] = over(max(gone.values()), whole)
    result |= rebuild(copies, weights, n, count)
    sets = {frozenset(nodes) for nodes in copies}
    result["copysets"] = len(sets)
    failed = count if question.failed is None else question.failed
    fatal = sum(any(nodes <= set(down) for nodes in sets) for down in itertools.combinations(range(n), failed))
    result["data_loss_chance"] = Fraction(fatal, math.comb(n, failed))
    return result


def rebuild(copies: Sequence[Sequence[int]], weights: Sequence[int], n: int, count: int) -> dict[str, Value]:
    """The mean over the nodes that hold something of who sends, and of sum over max of what they send."""
    if count == 1:
        return {"rebuild_donors": None, "effective_donors": None}
    donors, effective = [], []
    for lost in range(n):
        sent: Counter[int] = Counter()
        for nodes, weight in zip(copies, weights, strict=True):
            if lost in nodes:
                sent[next(node for node in nodes if node != lost)] += weight
        if sent:
            donors.append(len(sent))
            if max(sent.values()):
                effective.append(Fraction(sum(sent.values()), max(sent.values())))
    return {
        "rebuild_donors": over(sum(donors), len(donors)),
        "effective_donors": over(sum(effective, Fraction(0)), len(effective)),
    }


def joining(question: Question, copies: Sequence[Sequence[int]]) -> dict[str, Value]:
    """What a node that joins is sent, each row from its first copy before."""
    n = question.partitions
    try:
        after = _rows_after(question, "add_one")
    except UndefinedError:
        return {"join_donors": None, "effective_join_donors": None}
    # The nodes in the order in which copies follow: a range has its new part after the one that was split.
    nodes = list(range(n + 1))
    if question.strategy.name == "range":
        split = {here[0] for here, there in zip(copies, after, strict=True) if there == n}
        if len(split) != 1:
            return {}  # nothing was split off, and the oracle does not know where the part stands
        nodes.insert(split.pop() + 1, nodes.pop())
    racks = question.racks_after_joining()
    later = copies_of_rows(
        question,
        [f"node-{node}" for node in nodes],
        [float(capacity) for capacity in question.capacities_after("add_one")],
        None if racks is None else [racks[node] for node in nodes],
        [nodes.index(there) for there in after],
    )
    sent: Counter[int] = Counter()
    for here, there, weight in zip(copies, later, question.weights, strict=True):
        if nodes.index(n) in there:
            sent[here[0]] += weight
    most = max(sent.values(), default=0)
    return {"join_donors": len(sent), "effective_join_donors": over(sum(sent.values()), most)}


def copies_of_rows(
    question: Question,
    nodes: Sequence[str],
    capacities: Sequence[float] | None,
    racks: Sequence[str] | None,
    rows: Sequence[int],
) -> list[list[int]]:
    """The positions that hold each row's copies; the first is the row's own."""
    strategy, count = question.strategy, question.replicas
    names = list(racks) if racks is not None else [str(node) for node in range(len(nodes))]
    if strategy.name in ("ring", "rendezvous"):
        offered = _offers(question, nodes, capacities)
        found = [choose(offer, names, count) for offer in offered]
        assert [nodes_of[0] for nodes_of in found] == list(rows)
        return found
    chained = {
        row: choose([(row + step) % len(nodes) for step in range(len(nodes))], names, count) for row in set(rows)
    }
    return [chained[row] for row in rows]


def choose(offer: Sequence[int], racks: Sequence[str], count: int) -> list[int]:
    """Nodes on unseen racks first, in the order of the offer; then those that were skipped."""
    taken: list[int] = []
    skipped: list[int] = []
    for node in dict.fromkeys(offer):
        (skipped if racks[node] in {racks[other] for other in taken} else taken).append(node)
    return (taken + skipped)[:count]


def _offers(question: Question, nodes: Sequence[str], capacities: Sequence[float] | None) -> list[list[int]]:
    """The positions in each row's order of preference; null keys go through the nodes from the first."""
    strategy = question.strategy
    numbers, keys = numbered(question.table, strategy.columns)
    kinds = kinds_of(question.table, strategy.columns)
    hash_key = hash_bytes(strategy.function, strategy.seed)
    weights = list(capacities or [1.0] * len(nodes))
    prefer = (_ring if strategy.name == "ring" else _rendezvous)(strategy, nodes, weights)
    offers = [list(range(len(nodes))) if is_null(key) else prefer(hash_key(canonical(kinds, key))) for key in keys]
    return [offers[number] for number in numbers]


def _ring(strategy: Strategy, nodes: Sequence[str], weights: Sequence[float]):  # type: ignore[no-untyped-def]
    hash_text = hash_bytes(strategy.function, strategy.seed)
    points = sorted(
        (hash_text(f"{node}-{i}".encode()), position)
        for position, node in enumerate(nodes)
        for i in range(max(1, round(strategy.virtual_nodes * weights[position])))
    )
    values = [value for value, _ in points]

    def prefer(value: int) -> list[int]:
        start = bisect.bisect_left(values, value)
        return [position for _, position in points[start:] + points[:start]]

    return prefer


def _rendezvous(strategy: Strategy, nodes: Sequence[str], weights: Sequence[float]):  # type: ignore[no-untyped-def]
    def prefer(value: int) -> list[int]:
        bits = [rendezvous_bits(value, node) for node in nodes]
        if len(set(weights)) == 1:
            return sorted(range(len(nodes)), key=lambda position: (-bits[position], position))
        bids = [-weight / math.log(((bit >> 11) + 0.5) / 2**53) for weight, bit in zip(weights, bits, strict=True)]
        return sorted(range(len(nodes)), key=lambda position: (-bids[position], position))

    return prefer


def _rows(question: Question) -> list[int]:
    return _placed(question, node_names(question.partitions), question.capacities)


def _rows_after(question: Question, action: str) -> list[int]:
    strategy, n = question.strategy, question.partitions
    nodes = nodes_after(n, action)
    if strategy.name in BY_CAPACITY:
        return _placed(question, nodes, [float(capacity) for capacity in question.capacities_after(action)])
    before = place(strategy, question.table, node_names(n))
    return rows_after(strategy, question.table, before, action, question.weights)


def _placed(question: Question, nodes: Sequence[str], capacities: Sequence[float] | None) -> list[int]:
    strategy = question.strategy
    if strategy.name in ("ring", "rendezvous"):
        return [offer[0] for offer in _offers(question, nodes, capacities)]
    if strategy.name == "list" and capacities is not None and not strategy.given:
        return _dealt(question, len(nodes), capacities)
    return place(strategy, question.table, nodes).rows


def _dealt(question: Question, n: int, capacities: Sequence[float]) -> list[int]:
    """Values by falling count, each to the node with the least load over capacity; null rows load the first."""
    columns = question.strategy.columns
    numbers, keys = numbered(question.table, columns)
    rows: Mapping[Key, int] = {keys[number]: count for number, count in Counter(numbers).items()}
    loads = [sum(count for key, count in rows.items() if is_null(key)), *[0] * (n - 1)]
    home: dict[Key, int] = {key: 0 for key in keys if is_null(key)}
    ordered = [key for key in sorted_keys(kinds_of(question.table, columns), rows) if not is_null(key)]
    for key in sorted(ordered, key=lambda key: -rows[key]):
        filled = [Fraction(load) / Fraction(capacity) for load, capacity in zip(loads, capacities, strict=True)]
        home[key] = filled.index(min(filled))
        loads[home[key]] += rows[key]
    return [home[keys[number]] for number in numbers]


def _loads(rows: Sequence[int], weights: Sequence[int], n: int) -> list[int]:
    loads = [0] * n
    for row, weight in zip(rows, weights, strict=True):
        loads[row] += weight
    return loads
