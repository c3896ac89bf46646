"""Replicas: racks, loads with all copies, who rebuilds a lost node, who fills a new one, and what nodes that fail
at once lose.

The map of the copies is measured on the keys that are there; failures, and the seconds of a rebuild, are
modelled. Cost: what `copies.py` and `durability.py` say; rows are scanned for strategies that go by a row's
number, and for bytes. Source: METHODOLOGY, "Replicas and capacities".
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Dataset
from assay.errors import AssayError
from assay.experiments.distinct import numpy_of, total
from assay.experiments.loads import load_metrics
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.movement import after_action
from assay.experiments.partitioning.cluster import node_name
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.copies import Groups, chains, group_keys, has_own_replicas, rebuilds
from assay.experiments.partitioning.durability import loss_chance
from assay.experiments.partitioning.facts import NONE, Facts
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings
from assay.experiments.partitioning.strategies import Learned

__all__ = ["Replicas", "plan"]

REBUILD = ("rebuild_donors", "effective_donors")
JOIN = ("join_donors", "effective_join_donors")
TIMES = ("rebuild_bytes", "rebuild_seconds")
ONE_COPY = "there is one copy of each key; what a lost node held is gone"


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Replicas | None:
    """Measured where there are several copies, or racks, or the number of failing nodes is given."""
    if settings.replicas == 1 and settings.racks is None and settings.failed_nodes is None:
        return None
    sized = tuple(dataset.schema.names) if settings.bytes else ()
    return Replicas(sized, settings.bandwidth, settings.failed_nodes, "add_one" in settings.actions)


@dataclass(frozen=True)
class Replicas(Aspect):
    """What follows from where the copies live.

    Attributes:
        sized: The columns whose bytes are summed; none where bytes are not asked for.
        bandwidth: Bytes a second that a node sends.
        failed: How many nodes fail at once; None for as many as there are copies.
        joins: Whether a node joins.
    """

    sized: tuple[str, ...]
    bandwidth: float
    failed: int | None
    joins: bool

    def columns(self) -> Iterable[str]:
        """All, where bytes are asked for."""
        return self.sized

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Strategies that go by a row's number; the bytes of keys."""
        return not contest.spec.keyed or bool(self.sized)

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """Rows by partition and what a joining node is sent; the bytes of each key, which movement sums as well."""
        key = contest.spec.columns
        if contest.spec.keyed:
            if rows.first(f"bytes of {key}"):
                state.sums(f"bytes of {key}", len(rows.facts.distinct[key])).add(rows.numbers(key), rows.sizes())
            return
        here = rows.partitions(contest)
        state.sums(f"rows:{contest.index}", contest.partitions).add(here)
        if not self.joins:
            return
        with contextlib.suppress(AssayError):  # `measure` says why no node can join
            changed = self._joined(rows.facts, contest, rows.facts.learned(contest, rows.learn))
            columns = [rows.columns[name] for name in key]
            there = changed.assign(columns, rows.count, first_row=rows.first_row)
            comes = _holds(chains(changed, contest.cluster.replicas), _newcomer(contest, changed))[there]
            sent = pa.array(np.where(comes, numpy_of(here), NONE))
            state.sums(f"joined rows:{contest.index}", contest.partitions).add(sent)
            state.sums(f"joined weight:{contest.index}", contest.partitions).add(sent, rows.weights)

    def measure(self, study: Study, found: Found) -> None:
        """All of it, from the groups of keys whose copies live alike."""
        cluster = study.contest.cluster
        groups = self._groups(study)
        names = [node_name(node) for node in study.learned.nodes]
        loads = groups.loads(study.n)
        found.set("replica_load_max_over_mean", load_metrics(loads, cluster.unequal)["load_max_over_mean"])
        found.series("replica_load", loads.tolist(), names)
        if cluster.racks is not None:
            self._racks(groups, cluster.racks, found)
        self._rebuild(groups, names, found)
        if self.joins:
            self._join(study, found)
        self._durability(groups, study.n, found)

    def _groups(self, study: Study) -> Groups:
        count = study.contest.cluster.replicas
        if study.keyed and has_own_replicas(study.contest.spec):
            own = study.own
            numbers, copies = group_keys(study.learned, own.columns, count)
            assert np.array_equal(copies[numbers, 0], study.partitions), "the first copy is the partition's"
            of_key = pa.array(numbers)

            def summed(values: pa.Array) -> np.ndarray:
                return numpy_of(_core.sum_by(of_key, values, len(copies)))

            sizes = summed(pa.array(study.sums(f"bytes of {own.key}", len(own)))) if self.sized else None
            return Groups(copies, summed(pa.array(own.rows)), summed(own.arrow_weights), sizes)
        rows = (
            numpy_of(_core.sum_by(study.partitions, pa.array(study.own.rows), study.n))
            if study.keyed
            else study.sums(f"rows:{study.index}", study.n)
        )
        sizes = study.sums(f"bytes:{study.index}", study.n) if self.sized else None  # from the scan of balance
        there = np.flatnonzero(rows)
        of_partition = chains(study.learned, count)[there]
        return Groups(of_partition, rows[there], study.loads[there], None if sizes is None else sizes[there])

    def _racks(self, groups: Groups, racks: Sequence[str], found: Found) -> None:
        names = sorted(set(racks))
        rack_of = np.array([names.index(rack) for rack in racks], np.uint32)
        spanned, whole = groups.racks(rack_of), total(groups.weights)
        short = total(groups.weights[spanned < min(groups.replicas, len(names))])
        found.set("replica_rack_violations", short / whole if whole else None)
        alone = spanned == 1
        first = pa.array(rack_of[groups.copies[alone, 0]])
        lost = numpy_of(_core.sum_by(first, pa.array(groups.weights[alone]), len(names)))
        found.set("rack_loss_share", int(lost.max()) / whole if whole else None)

    def _rebuild(self, groups: Groups, names: Sequence[str], found: Found) -> None:
        if groups.replicas == 1:
            for name in REBUILD + (TIMES if self.sized else ()):
                found.set(name, None, ONE_COPY)
            return
        n = len(names)
        senders = rebuilds(groups)
        donors = np.bincount(senders.lost, minlength=n)
        held = np.flatnonzero(donors)  # the others hold nothing: there is nothing to rebuild
        effective = _effective(senders.lost, senders.weights, n)
        weighty = [node for node in held.tolist() if effective[node] is not None]
        found.set("rebuild_donors", int(donors.sum()) / len(held))
        found.set(
            "effective_donors", math.fsum(effective[node] or 0 for node in weighty) / len(weighty) if weighty else None
        )
        found.series("rebuild_donors", donors.tolist(), names)
        found.series("effective_donors", (each or 0 for each in effective), names)
        if senders.sizes is not None:
            sent = numpy_of(_core.sum_by(pa.array(senders.lost), pa.array(senders.sizes), n))
            most = np.zeros(n, np.uint64)
            np.maximum.at(most, senders.lost, senders.sizes)
            found.set("rebuild_bytes", total(sent) / len(held))
            found.set("rebuild_seconds", total(most) / (len(held) * self.bandwidth))

    def _join(self, study: Study, found: Found) -> None:
        try:
            rows, weights = self._sent_to_the_newcomer(study)
        except AssayError as error:
            for name in JOIN:
                found.set(name, None, str(error))
            return
        whole, most = total(weights), int(weights.max())
        found.set("join_donors", int((rows > 0).sum()))
        found.set("effective_join_donors", whole / most if most else None)

    def _sent_to_the_newcomer(self, study: Study) -> tuple[np.ndarray, np.ndarray]:
        """The rows and the weight that each node sends, uint64 of shape (n,): keys come from their first copy."""
        if not study.keyed:
            return study.sums(f"joined rows:{study.index}", study.n), study.sums(
                f"joined weight:{study.index}", study.n
            )
        own, contest = study.own, study.contest
        changed = self._joined(study.facts, contest, study.learned)
        position, count = _newcomer(contest, changed), contest.cluster.replicas
        if has_own_replicas(contest.spec):
            numbers, copies = group_keys(changed, own.columns, count)
            comes = _holds(copies, position)[numbers]
        else:
            comes = _holds(chains(changed, count), position)[changed.assign(own.columns, len(own))]
        sent = pa.array(np.where(comes, numpy_of(study.partitions), NONE))
        rows, weights = _core.Sums(study.n), _core.Sums(study.n)
        rows.add(sent, pa.array(own.rows))
        weights.add(sent, own.arrow_weights)
        return numpy_of(rows.values()), numpy_of(weights.values())

    def _joined(self, facts: Facts, contest: Contest, learned: Learned) -> Learned:
        def joined() -> Learned:
            changed = after_action(facts, contest, learned, "add_one")
            assert changed is not None, "a node can always be added"
            return changed

        # Asked for with every batch where rows decide.
        return joined() if contest.spec.keyed else facts.once(f"add_one:{contest.index}", joined)

    def _durability(self, groups: Groups, n: int, found: Found) -> None:
        copysets = groups.copysets()
        found.set("copysets", len(copysets))
        failed = groups.replicas if self.failed is None else self.failed
        chance = loss_chance(copysets, n, failed)
        if chance.low is None or chance.high is None:
            found.set("data_loss_chance", chance.value)
        else:
            why = f"too many ways for {failed} of {n} nodes to fail; data_loss_chance_estimate has an interval"
            found.set("data_loss_chance", None, why)
            found.set("data_loss_chance_estimate", chance.value, bounds=(chance.low, chance.high))


def _newcomer(contest: Contest, changed: Learned) -> int:
    """The position of the node that joined."""
    return changed.nodes.index(contest.partitions)


def _holds(copies: np.ndarray, position: int) -> np.ndarray:
    """Which groups have a copy on a node."""
    found: np.ndarray = (copies == position).any(axis=1)
    return found


def _effective(lost: np.ndarray, weights: np.ndarray, n: int) -> list[float | None]:
    """For each lost node, what is sent over what the busiest donor sends; None where it weighs nothing."""
    sums = numpy_of(_core.sum_by(pa.array(lost), pa.array(weights), n)).tolist()
    most = np.zeros(n, np.uint64)
    np.maximum.at(most, lost, weights)
    return [whole / greatest if greatest else None for whole, greatest in zip(sums, most.tolist(), strict=True)]
