"""Movement: what nodes that come and go make move, against the least that must.

Source: METHODOLOGY, "Actions and movement".
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from assay import _core
from assay.datasets import Dataset
from assay.errors import AssayError
from assay.experiments.distinct import Key
from assay.experiments.loads import JOURNEYS, movement
from assay.experiments.partitioning.aspects.aspect import Found, Mistakes, Study
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import ACTIONS, PartitioningSettings
from assay.experiments.partitioning.strategies import Learned, after

__all__ = ["Movement", "plan"]

METRICS = ("moved_share", "moved_over_optimum", "stray_moves", "rebalance_minimum_share")


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Movement | None:
    """The actions asked for."""
    return Movement(tuple(settings.actions)) if settings.actions else None


@dataclass(frozen=True)
class Movement:
    """What each action moves."""

    actions: tuple[str, ...]

    def keys(self) -> Iterable[Key]:
        """None of its own."""
        return ()

    def columns(self) -> Iterable[str]:
        """None of its own."""
        return ()

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """All actions that there are."""
        return {"ACTION": ACTIONS}

    def prepare(self, facts: Facts) -> None:
        """Nothing."""

    def teach(self, study: Study) -> None:
        """Nothing."""

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Strategies that go by a row's number."""
        return not contest.spec.keyed

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """The weight that stays, moves and strays."""
        here = rows.partitions(contest)
        learned = rows.facts.learned(contest, rows.learn)
        key = [rows.columns[name] for name in contest.spec.columns]
        for action in self.actions:
            with contextlib.suppress(AssayError):  # `measure` says why an action cannot be
                changed = self._changed(rows.facts, contest, learned, action)
                if changed is None:
                    continue
                there = pa.array(changed.assign(key, rows.count, first_row=rows.first_row))
                sums = _core.journeys(here, there, list(learned.nodes), list(changed.nodes), rows.weights)
                state.sums(f"carried:{action}:{contest.index}", JOURNEYS).merge(pa.array(sums, pa.uint64()))

    def measure(self, study: Study, found: Found) -> None:
        """What each action moves; by key where the strategy goes by keys."""
        for action in self.actions:
            try:
                changed = self._changed(study.facts, study.contest, study.learned, action)
                why = "there is only one partition" if changed is None else None
            except AssayError as error:
                changed, why = None, str(error)
            if changed is None:
                for name in METRICS:
                    found.set(f"{name}.{action}", None, why)
                continue
            before, now = list(study.learned.nodes), list(changed.nodes)
            if study.keyed:
                own = study.own
                there = pa.array(changed.assign(own.columns, len(own)))
                carried = _core.journeys(study.partitions, there, before, now, own.arrow_weights)
            else:
                carried = study.sums(f"carried:{action}:{study.index}", JOURNEYS).tolist()
            found.add(movement(action, carried, study.loads, before, now))

    def _changed(self, facts: Facts, contest: Contest, learned: Learned, action: str) -> Learned | None:
        if contest.spec.keyed:
            return after(learned, action, lambda wanted: facts.distinct[wanted])
        # Asked for with every batch: what the rows' numbers decide is made once in a process.
        return facts.once(
            f"{action}:{contest.index}", lambda: after(learned, action, lambda wanted: facts.distinct[wanted])
        )
