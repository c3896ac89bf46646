"""Columns on servers of their own: bytes by node, groups that a query needs, what a growing column does.

Of the strategy `vertical` alone, which no other aspect measures: it places columns, not rows.
Source: METHODOLOGY, "Vertical partitioning".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Dataset
from assay.datasets.spelling import parse_nested
from assay.errors import AssayError, UsageError
from assay.experiments.distinct import Key
from assay.experiments.loads import load_metrics, movement
from assay.experiments.partitioning.aspects import fan_out
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.balance import lower_bound
from assay.experiments.partitioning.aspects.fan_out import FanOut
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.row_bytes import column_bytes
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.searches import Search
from assay.experiments.partitioning.settings import PartitioningSettings
from assay.experiments.partitioning.vertical import group_bytes, place
from assay.units import format_bytes

__all__ = ["GROWTH", "Columns", "plan"]

GROWTH = 10  # times as large as it is: a feature that catches on


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Columns | None:
    """Where a strategy splits columns."""
    if not any(_splits(text) for text in settings.strategies):
        return None
    asked = fan_out.plan(dataset, settings, [])
    return Columns(tuple(dataset.schema.names), asked, tuple(settings.actions))


def _splits(text: str) -> bool:
    try:
        return parse_nested(text).name == "vertical"
    except UsageError:
        return False


@dataclass(frozen=True)
class Columns(Aspect):
    """The bytes of column groups, and what queries read of them."""

    names: tuple[str, ...]  # all columns of the table
    asked: FanOut | None  # what is asked of the table
    actions: tuple[str, ...]

    def columns(self) -> Iterable[str]:
        """All, to sum their bytes."""
        return self.names

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Always: bytes are in the rows alone."""
        return True

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """The bytes of each column."""
        sizes = [column_bytes(name, rows.columns[name]) for name in self.names]
        numbers = pa.array(np.arange(len(self.names), dtype=np.uint32))
        state.sums(f"columns:{contest.index}", len(self.names)).add(numbers, pa.array(sizes, pa.uint64()))

    def measure(self, study: Study, found: Found) -> None:
        """Balance in bytes, movement, queries and growth."""
        groups = study.contest.spec.groups
        key = study.contest.spec.parameters.get("key")
        sums = study.sums(f"columns:{study.index}", len(self.names)).tolist()
        of_column = dict(zip(self.names, sums, strict=True))
        rows = int(study.facts.header["rows"])
        sizes = group_bytes(groups, of_column, rows, key)
        nodes = place(sizes, study.n)
        loads = _loads(sizes, nodes, study.n)
        found.add(load_metrics(loads))
        balance = found.numbers["load_max_over_mean"]
        found.set("load_max_over_mean", balance, _told(groups, sizes, nodes, study.n))
        found.set("bytes_max_over_mean", balance)
        bound = lower_bound(np.array(sizes, np.uint64), study.n)
        found.set("avoidable_skew", None if balance is None else balance / bound)
        found.set("sampling_floor_cv", None, "columns are placed by their bytes, not by a hash of a key")
        found.set("routing_bytes", study.learned.routing_bytes)
        found.series("load", loads.tolist(), (f"node-{node}" for node in range(study.n)))
        self._move(study, sizes, nodes, loads, found)
        if self.asked is not None:
            self._ask(self.asked, study, Servers(groups, key, sizes, nodes), found)
        self._grow(study, of_column, rows, nodes, found)

    def _ask(self, asked: FanOut, study: Study, servers: Servers, found: Found) -> None:
        """The servers and bytes of each query, and of a statement of the log."""
        logged: list[tuple[int, Fraction, Fraction]] = []  # how often, nodes asked, bytes read
        for search in asked.searches:
            if search.is_insert:  # a row goes to every server
                often, nodes = search.frequency or 0, Fraction(len(set(servers.nodes)))
                logged.append((often, nodes, Fraction(0)))
                _set(search, found, nodes, int(nodes), Fraction(0), Fraction(0))
                continue
            rows = asked.matched(study, search)
            often = counted = read = reassembled = whole = most = 0
            for columns in search.reads:
                weights = search.reading(columns, len(rows)).astype(object)
                needed = servers.needed(columns)
                nodes_asked = len({servers.nodes[group] for group in needed})
                times, matches = int(weights.sum()), int((weights * rows.astype(object)).sum())
                often, counted = often + times, counted + times * nodes_asked
                read += times * sum(servers.sizes[group] for group in needed)
                whole, reassembled = whole + matches, reassembled + (matches if len(needed) > 1 else 0)
                most = max(most, nodes_asked)
            if not often:
                for name in (
                    "fan_out_mean",
                    "fan_out_max",
                    "routed_fan_out_mean",
                    "bytes_read",
                    "rows_reassembled_share",
                ):
                    found.set(f"{name}.{search.name}", None, "the query has no instance: every value is null")
                continue
            share = Fraction(reassembled, whole) if whole else None
            _set(search, found, Fraction(counted, often), most, Fraction(read, often), share)
            if search.frequency is not None:
                logged.append((search.frequency, Fraction(counted, often), Fraction(read, often)))
        times = sum(often for often, _, _ in logged)
        if times:
            mean = float(sum(often * nodes for often, nodes, _ in logged) / times)
            found.add({"workload_fan_out_mean": mean, "workload_routed_fan_out_mean": mean})
            found.set("workload_bytes_read", float(sum(often * size for often, _, size in logged) / times))

    def _move(self, study: Study, sizes: list[int], nodes: list[int], loads: np.ndarray, found: Found) -> None:
        """Groups are placed anew for the nodes that there are then."""
        before = list(study.learned.nodes)
        for action in self.actions:
            try:
                now = _core.action_nodes(action, study.n)
            except AssayError:
                now = None
            if now is None or action in ("split_hot", "merge_cold"):
                found.set(f"moved_share.{action}", None, "there is only one partition, or no rows to split")
                continue
            there = place(sizes, len(now))
            carried = [0, 0, 0]
            for size, here, after in zip(sizes, nodes, there, strict=True):
                old, new = before[here], now[after]
                carried[0 if old == new else 2 if old in now and new in before else 1] += size
            found.add(movement(action, carried, loads, before, now))
            balance = load_metrics(_loads(sizes, there, len(now)))["load_max_over_mean"]
            found.set(f"load_max_over_mean_after.{action}", balance)

    def _grow(self, study: Study, of_column: dict[str, int], rows: int, nodes: list[int], found: Found) -> None:
        """The balance when one column alone becomes larger and groups stay where they are: the worst column."""
        groups, key = study.contest.spec.groups, study.contest.spec.parameters.get("key")
        worst: tuple[float, str] | None = None
        for name in self.names:
            grown = group_bytes(groups, of_column | {name: of_column[name] * GROWTH}, rows, key)
            balance = load_metrics(_loads(grown, nodes, study.n))["load_max_over_mean"]
            if balance is not None:
                found.point("load_if_column_grows", self.names.index(name), name, balance)
                worst = max(worst or (0.0, ""), (float(balance), name), key=lambda one: one[0])
        note = None if worst is None else f"the column {worst[1]} does most"
        found.set("column_growth_load_max_over_mean", None if worst is None else worst[0], note)


def _loads(sizes: Sequence[int], nodes: Sequence[int], n: int) -> np.ndarray:
    loads = [0] * n
    for size, node in zip(sizes, nodes, strict=True):
        loads[node] += size
    return np.array(loads, np.uint64)


@dataclass(frozen=True)
class Servers:
    """Groups of columns, the bytes of each, the node where it is, and the column that all carry."""

    groups: Sequence[Key]
    key: str | None
    sizes: Sequence[int]
    nodes: Sequence[int]

    def needed(self, columns: Iterable[str]) -> list[int]:
        """The groups that hold columns, each read as a whole; for the carried key alone the smallest has it."""
        wanted = [name for name in columns if name != self.key]
        found = [number for number, group in enumerate(self.groups) if any(name in group for name in wanted)]
        return found or [min(range(len(self.groups)), key=lambda number: self.sizes[number])]


def _set(search: Search, found: Found, mean: Fraction, most: int, read: Fraction, share: Fraction | None) -> None:
    name = search.name
    if search.frequency is not None:
        found.set(f"query_statements.{name}", search.frequency)
    found.add({f"fan_out_mean.{name}": float(mean), f"fan_out_max.{name}": most})
    found.set(f"routed_fan_out_mean.{name}", float(mean))
    found.set(f"bytes_read.{name}", float(read))
    reassembled = None if share is None else float(share)
    found.set(f"rows_reassembled_share.{name}", reassembled, None if share is not None else "no row is found")


def _told(groups: Sequence[Key], sizes: Sequence[int], nodes: Sequence[int], n: int) -> str:
    """Where the groups are, and how many nodes hold nothing."""
    shown = [
        f"node-{node}: {', '.join(group[:4])}{', ...' if len(group) > 4 else ''} ({format_bytes(size)})"
        for node, group, size in sorted(zip(nodes, groups, sizes, strict=True), key=lambda one: one[0])
    ]
    empty = n - len(set(nodes))
    return "; ".join(shown[:8]) + (f"; {empty} of {n} nodes hold no column" if empty else "")
