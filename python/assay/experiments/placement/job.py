"""The fold of the experiment `placement`: one scan that counts the distinct keys, then every draw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from assay import _core
from assay.errors import AssayError
from assay.experiments.base import Findings, Lesson, Timer
from assay.experiments.distinct import KeyCounter
from assay.experiments.distinct_scan import DistinctScan
from assay.experiments.placement.draws import Contest, measure
from assay.experiments.placement.spelling import build
from assay.experiments.sample import first_rows

__all__ = ["PlacementJob"]


@dataclass(frozen=True)
class PlacementJob(DistinctScan[Contest]):
    """The placements and numbers of nodes to measure with the keys of one dataset."""

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The actions."""
        return {"ACTION": list(dict.fromkeys(action for contest in self.contests for action in contest.actions))}

    def finish(self, learned: Sequence[Lesson], state: KeyCounter) -> Findings:
        """Every draw of every placement, on the distinct keys.

        Raises:
            EmptyInputError: There is no key that is not null.
        """
        keys = self.keys_of(state)
        return self.measured(lambda contest: measure(contest, keys))

    def timers(self, learned: Sequence[Lesson]) -> Sequence[Timer]:
        """A lookup and a build of every placement's first draw, on one thread, on the table's own keys."""
        rows, sample = first_rows(self.dataset, self.key)
        [keys] = (sample[name] for name in self.key)
        lookups, builds = [], []
        for contest in self.contests:
            try:
                placement = build(contest.spec, contest.node_weights, contest.draws[0])
            except AssayError:
                continue  # it has failed in `finish`, with its reason
            cell_id = contest.cell.cell_id
            lookups.append(Timer(cell_id, "lookup_ns", _lookup(placement, keys), rows))
            builds.append(Timer(cell_id, "build_ns", _build(contest), 1))
        return [*lookups, *builds]


def _lookup(placement: _core.Placement, keys: pa.Array) -> Callable[[], object]:
    return lambda: placement.lookup(keys, threads=1)


def _build(contest: Contest) -> Callable[[], object]:
    weights = contest.node_weights
    return lambda: build(contest.spec, weights, contest.draws[0])
