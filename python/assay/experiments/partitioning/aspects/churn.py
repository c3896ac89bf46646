"""Churn: nodes that come, go and are replaced, one after the other, and what all that moves.

A cluster lives through many changes; what each moves adds up, and may be far more than going from the first
nodes to the last at once. Cost: a strategy is learned and asked for all distinct keys once an event and seed.
Source: METHODOLOGY, "Churn".
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from assay import _core
from assay.datasets import Dataset
from assay.errors import AssayError
from assay.experiments.distinct import total
from assay.experiments.loads import least_share
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.settings import PartitioningSettings
from assay.experiments.partitioning.strategies import learn

__all__ = ["SEEDS", "Churn", "histories", "plan"]

SEEDS = 5
METRICS = ("churn_moved_share", "churn_moved_over_optimum", "churn_moved_over_direct")

_MASK = (1 << 64) - 1


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Churn | None:
    """Measured where a number of events is given."""
    return None if settings.churn is None else Churn(settings.churn)


def histories(n: int, events: int, seed: int) -> Iterator[tuple[list[int], float]]:
    """The nodes after each event, and the least share that equal capacities make it move.

    Args:
        n: The nodes before, numbered from 0.
        events: How many.
        seed: Of splitmix64, whose draws decide: the event, then for a node that goes its place.
    """
    state, nodes, fresh = seed, list(range(n)), n

    def draw(count: int) -> int:
        nonlocal state
        state = (state + 0x9E3779B97F4A7C15) & _MASK
        mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return (mixed ^ (mixed >> 31)) % count

    for _ in range(events):
        event = ("join", "replace", "leave")[draw(3 if len(nodes) > 1 else 2)]  # the last node does not leave
        if event == "join":
            nodes, least = [*nodes, fresh], 1 / (len(nodes) + 1)
        else:
            place, least = draw(len(nodes)), 1 / len(nodes)
            nodes = nodes[:place] + ([fresh] if event == "replace" else []) + nodes[place + 1 :]
        fresh += event != "leave"
        yield nodes, least


@dataclass(frozen=True)
class Churn(Aspect):
    """A number of events, over several seeds."""

    events: int

    def measure(self, study: Study, found: Found) -> None:
        """The mean over the seeds, between the least and the greatest."""
        why = self._excuse(study)
        draws: list[tuple[float | None, float | None, float | None]] = []
        try:
            draws = [] if why else [self._live(study, seed) for seed in range(SEEDS)]
        except AssayError as error:
            why = str(error)
        if why:
            for name in METRICS:
                found.set(name, None, why)
            return
        for name, values in zip(METRICS, zip(*draws, strict=True), strict=True):
            known = [value for value in values if value is not None]
            if known:
                found.spread(name, known)
            else:
                found.set(name, None, "nothing moves from the first nodes to the last")

    def _excuse(self, study: Study) -> str | None:
        """Why the strategy's churn is not measured."""
        if not study.keyed:
            return "rows are placed by their number; churn goes by keys"
        core = study.learned.core
        one = isinstance(core, _core.Strategy) and not study.learned.parts
        if one and core.change("add_one", study.own.core) is not None:
            return "it changes part by part in a way of its own, which is known for the last node only"
        return None

    def _live(self, study: Study, seed: int) -> tuple[float | None, float | None, float | None]:
        """The moved share of one history, over the sum of the least ones, and over going there at once."""
        own, whole = study.own, total(study.loads)
        first = here = study.partitions
        before = start = list(study.learned.nodes)
        moved, optimum = 0, 0.0
        cluster = study.contest.cluster
        for nodes, least in histories(study.n, self.events, seed):
            if cluster.capacities is not None:
                earlier, cluster = cluster, cluster.after(_event(before, nodes), nodes)
                least = least_share(
                    dict(zip(before, earlier.all_capacities, strict=True)),
                    dict(zip(nodes, cluster.all_capacities, strict=True)),
                )
            changed = learn(study.contest.spec, nodes, study.keys, capacities=cluster.capacities)
            there = pa.array(changed.assign(own.columns, len(own), narrow=True))
            moved += sum(_core.journeys(here, there, before, nodes, own.arrow_weights)[1:])
            here, before, optimum = there, nodes, optimum + least
        direct = sum(_core.journeys(first, here, start, before, own.arrow_weights)[1:])
        share = moved / whole if whole else None
        return share, None if share is None else share / optimum, moved / direct if direct else None


def _event(before: Sequence[int], now: Sequence[int]) -> str:
    """The action that is such an event, for what becomes of capacities."""
    return "replace_one" if len(before) == len(now) else "add_one" if len(before) < len(now) else "remove_one"
