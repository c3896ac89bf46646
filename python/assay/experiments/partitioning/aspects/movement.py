"""Movement: what nodes that come and go make move, against the least that must, and what balance is left then.

Where bytes are asked for, each action's plan too (`rebalance.py`). Source: METHODOLOGY, "Actions and movement".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Dataset
from assay.errors import AssayError
from assay.experiments.distinct import numpy_of, total
from assay.experiments.loads import JOURNEYS, load_metrics, movement
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.hot_partitions import emptiest_two, merged, split
from assay.experiments.partitioning.aspects.rebalance import MOST_PAIRS, Links, links_of, links_of_pairs, tell
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import NONE, Facts
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import ACTIONS, PartitioningSettings
from assay.experiments.partitioning.strategies import Learned, after

__all__ = ["Movement", "after_action", "plan"]

METRICS = ("moved_share", "moved_over_optimum", "stray_moves", "rebalance_minimum_share", "load_max_over_mean_after")
PLAN_METRICS = ("rebalance_bytes", "rebalance_seconds")
OF_PARTITIONS = ("split_hot", "merge_cold")  # actions on single partitions, whatever the strategy


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Movement | None:
    """The actions asked for."""
    if not settings.actions:
        return None
    return Movement(tuple(settings.actions), tuple(dataset.schema.names) if settings.bytes else (), settings.bandwidth)


@dataclass(frozen=True)
class _Change:
    """What an action makes of a strategy's partitions.

    Attributes:
        now: The node of each partition after.
        there: The partition of each distinct key after, unsigned; None where rows decide, which are summed apart.
    """

    now: list[int]
    there: np.ndarray | None = None


@dataclass(frozen=True)
class Movement(Aspect):
    """What each action moves.

    Attributes:
        actions: Their names.
        sized: The columns whose bytes are summed; none where bytes are not asked for.
        bandwidth: Bytes a second that a node sends, and receives.
    """

    actions: tuple[str, ...]
    sized: tuple[str, ...]
    bandwidth: float

    def columns(self) -> Iterable[str]:
        """All, where bytes are asked for."""
        return self.sized

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """All actions that there are."""
        return {"ACTION": ACTIONS}

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Strategies that go by a row's number; the bytes of keys."""
        return not contest.spec.keyed or bool(self.sized)

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """The bytes of each key; of strategies without one, the weight that stays, moves and strays."""
        if not contest.spec.keyed:
            self._add_by_row(rows, contest, state)
        elif rows.first(f"bytes of {contest.spec.columns}"):
            key = contest.spec.columns
            state.sums(f"bytes of {key}", len(rows.facts.distinct[key])).add(rows.numbers(key), rows.sizes())

    def _add_by_row(self, rows: Rows, contest: Contest, state: RowState) -> None:
        here = rows.partitions(contest)
        learned = rows.facts.learned(contest, rows.learn)
        key = [rows.columns[name] for name in contest.spec.columns]
        for action in self.actions:
            with contextlib.suppress(AssayError):  # `measure` says why an action cannot be
                changed = self._changed(rows.facts, contest, learned, action)
                if changed is None:
                    continue
                there = pa.array(changed.assign(key, rows.count, first_row=rows.first_row))
                before, now = list(learned.nodes), list(changed.nodes)
                sums = _core.journeys(here, there, before, now, rows.weights)
                state.sums(f"carried:{action}:{contest.index}", JOURNEYS).merge(pa.array(sums, pa.uint64()))
                state.sums(f"after:{action}:{contest.index}", len(now)).add(there, rows.weights)
                if self.sized:
                    self._add_links(action, rows, contest, state, (here, there), (before, now))

    def _add_links(
        self,
        action: str,
        rows: Rows,
        contest: Contest,
        state: RowState,
        partitions: tuple[pa.Array, pa.Array],
        nodes: tuple[list[int], list[int]],
    ) -> None:
        """The bytes of rows that change node: by pair of nodes, or by sender and receiver where pairs are too many."""
        here, there = map(numpy_of, partitions)
        n, after_count = map(len, nodes)
        moves = _moves(here, there, *nodes)

        def add(name: str, groups: np.ndarray, count: int) -> None:
            groups = pa.array(np.where(moves, groups, NONE))
            state.sums(f"{name}:{action}:{contest.index}", count).add(groups, rows.sizes())

        if n * after_count <= MOST_PAIRS:
            add("links", here * np.uint32(after_count) + there, n * after_count)
        else:
            add("sent", here, n)
            add("received", there, after_count)

    def measure(self, study: Study, found: Found) -> None:
        """What each action moves; by key where the strategy goes by keys."""
        for action in self.actions:
            try:
                change = self._change(study, action)
            except AssayError as error:
                change = str(error)
            if isinstance(change, str):
                for name in METRICS + (PLAN_METRICS if self.sized else ()):
                    found.set(f"{name}.{action}", None, change)
                continue
            before = list(study.learned.nodes)
            carried, loads = self._carried(study, action, change)
            cluster = study.contest.cluster
            changed = cluster.after(action, change.now)
            capacities = None
            if cluster.capacities is not None or changed.capacities is not None:
                capacities = cluster.all_capacities, changed.all_capacities
            found.add(movement(action, carried, study.loads, before, change.now, capacities=capacities))
            after_it = load_metrics(loads, changed.unequal)["load_max_over_mean"]
            found.set(f"load_max_over_mean_after.{action}", after_it)
            if self.sized:
                tell(action, self._links(study, action, change), before, change.now, self.bandwidth, found)

    def _change(self, study: Study, action: str) -> _Change | str:
        """What the action makes of the strategy, or why it cannot be."""
        nodes = list(study.learned.nodes)
        if action == "merge_cold":
            if study.n == 1:
                return "there is only one partition"
            leaving, into = emptiest_two(study.loads)
            there = merged(study.partitions.to_numpy(), study.n, leaving, into) if study.keyed else None
            return _Change(nodes[:leaving] + nodes[leaving + 1 :], there)
        if action == "split_hot":
            if not study.keyed:
                return "rows are placed by their number; there is no key to split at"
            there = split(study.own, study.partitions.to_numpy(), study.loads)
            if there is None:
                return "the fullest partition holds a single key, which cannot be split"
            return _Change([*nodes, study.n], there)
        changed = self._changed(study.facts, study.contest, study.learned, action)
        if changed is None:
            return "there is only one partition"
        own = study.own if study.keyed else None
        return _Change(list(changed.nodes), None if own is None else changed.assign(own.columns, len(own), narrow=True))

    def _carried(self, study: Study, action: str, change: _Change) -> tuple[list[int], np.ndarray]:
        """The weight that stays, moves and strays, and the loads afterwards."""
        before = list(study.learned.nodes)
        if change.there is not None:
            there, weights = pa.array(change.there), study.own.arrow_weights
            carried = _core.journeys(study.partitions, there, before, change.now, weights)
            return carried, numpy_of(_core.sum_by(there, weights, len(change.now)))
        if action == "merge_cold":
            leaving, into = emptiest_two(study.loads)
            loads, moved = study.loads.copy(), int(study.loads[leaving])
            loads[into] += study.loads[leaving]
            return [total(study.loads) - moved, moved, 0], np.delete(loads, leaving)
        carried = study.sums(f"carried:{action}:{study.index}", JOURNEYS).tolist()
        return carried, study.sums(f"after:{action}:{study.index}", len(change.now))

    def _links(self, study: Study, action: str, change: _Change) -> Links:
        n, after_count = study.n, len(change.now)
        if change.there is not None:
            here, sizes = study.partitions.to_numpy(), study.sums(f"bytes of {study.own.key}", len(study.own))
            moves = _moves(here, change.there, list(study.learned.nodes), change.now)
            return links_of(here, change.there, moves, sizes, n, after_count)
        if action == "merge_cold":
            leaving, into = emptiest_two(study.loads)
            carried = study.sums(f"bytes:{study.index}", n)[leaving : leaving + 1]  # by partition, from balance's scan
            code = leaving * after_count + into - (into > leaving)
            return links_of_pairs(np.array([code]), carried, n, after_count)
        if n * after_count <= MOST_PAIRS:
            matrix = study.sums(f"links:{action}:{study.index}", n * after_count)
            codes = np.flatnonzero(matrix)
            return links_of_pairs(codes, matrix[codes], n, after_count)
        sent = study.sums(f"sent:{action}:{study.index}", n)
        return Links(sent, study.sums(f"received:{action}:{study.index}", after_count), None)

    def _changed(self, facts: Facts, contest: Contest, learned: Learned, action: str) -> Learned | None:
        if action in OF_PARTITIONS:
            return None
        if contest.spec.keyed:
            return after_action(facts, contest, learned, action)
        # Asked for with every batch: what the rows' numbers decide is made once in a process.
        return facts.once(f"{action}:{contest.index}", lambda: after_action(facts, contest, learned, action))


def _moves(here: np.ndarray, there: np.ndarray, before: list[int], now: list[int]) -> np.ndarray:
    """Which keys or rows are on another node than before."""
    found: np.ndarray = np.array(before, np.uint32)[here] != np.array(now, np.uint32)[there]
    return found


def after_action(facts: Facts, contest: Contest, learned: Learned, action: str) -> Learned | None:
    """The strategy on the cluster after an action; None if no node would be left.

    Raises:
        UsageError: The strategy cannot be learned for the new number of nodes.
    """
    nodes = _core.action_nodes(action, learned.partitions)
    if nodes is None:
        return None
    cluster = contest.cluster.after(action, nodes)
    return after(
        learned,
        action,
        lambda wanted: facts.distinct[wanted],
        capacities=cluster.capacities,
        racks=cluster.racks,
    )
