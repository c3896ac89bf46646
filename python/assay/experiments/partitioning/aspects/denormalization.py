"""The price of denormalization: what an update of one parent touches once its columns are copied into the rows.

Every row that refers to the parent holds a copy, so that the update touches these rows, in as many
partitions as hold one of them. An update that stops half-way leaves the other half of them stale:
modelled as half of `update_rows_mean`.

Cost: a bit a referenced value and partition for each strategy whose key is not within the foreign
key; above `MOST_MARKS` bits it is left out, for one strategy as for all of the same size.
Source: METHODOLOGY, "Foreign keys".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assay import _core
from assay.datasets import Dataset, ForeignKey
from assay.experiments.distinct import Key, numpy_of, total
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.joins import NO_MATCH, chosen_keys, reference
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import NONE, Facts
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["MOST_MARKS", "Denormalization", "plan"]

MOST_MARKS = 2**25  # bits, 4 MiB for each strategy and foreign key


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Denormalization | None:
    """The foreign keys asked for, or all that the dataset declares; no rule of an advice looks at them."""
    chosen = chosen_keys(dataset, settings)
    return Denormalization(dataset, chosen) if chosen and not settings.advise else None


@dataclass(frozen=True)
class Denormalization(Aspect):
    """The rows and partitions that an update of a parent touches."""

    dataset: Dataset
    foreign_keys: tuple[ForeignKey, ...]

    def keys(self) -> Iterable[Key]:
        """The columns of each foreign key."""
        return [key.columns for key in self.foreign_keys]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The names of the foreign keys."""
        return {"FK": [key.name for key in self.foreign_keys]}

    def teach(self, study: Study) -> None:
        """The number of each value that has a parent, where partitions are marked for it."""
        for key in self.foreign_keys:
            if self._marked(key, study.contest, study.facts) and not study.facts.has(key.columns, _name(key)):
                matched = reference(study.facts, self.dataset, key).has_parent
                numbers = np.full(len(matched), NONE, np.uint32)
                numbers[matched] = np.arange(int(matched.sum()), dtype=np.uint32)
                study.facts.keep(key.columns, _name(key), numbers, _values(key, study.facts))

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Strategies whose key is not within the foreign key."""
        return any(self._marked(key, contest, facts) for key in self.foreign_keys)

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """Marks the partition of each row for its parent."""
        for key in self.foreign_keys:
            if self._marked(key, contest, rows.facts):
                parents = rows.named(key.columns, _name(key))
                _marks(key, contest, rows.facts, state).mark(parents, rows.partitions(contest))

    def measure(self, study: Study, found: Found) -> None:
        """Rows and partitions that one update touches, over the parents that some row refers to."""
        for key in self.foreign_keys:
            told = study.facts.header["references"][key.name]
            values = told["matched_values"]
            metrics = [
                f"{name}.{key.name}"
                for name in ("update_rows_mean", "update_rows_max", "update_partitions_mean", "update_partitions_max")
            ]
            if not values:
                for metric in metrics:
                    found.set(metric, None, NO_MATCH)
                continue
            found.set(metrics[0], told["matched_rows"] / values)
            found.set(metrics[1], told["matched_rows_max"])
            if _within(key, study.contest):
                found.add({metrics[2]: 1, metrics[3]: 1})
            elif self._marked(key, study.contest, study.facts):
                assert study.state is not None, "updates are measured after the rows are scanned"
                counts = numpy_of(_marks(key, study.contest, study.facts, study.state).counts())
                found.add({metrics[2]: total(counts) / values, metrics[3]: int(counts.max())})
            else:
                why = (
                    f"{values:,} values on {study.n:,} partitions need more than {MOST_MARKS // 2**23} MiB; the query "
                    f"point({', '.join(key.columns)}) has the same fan-out, orphans included"
                )
                found.set(metrics[2], None, why)
                found.set(metrics[3], None, why)

    def _marked(self, key: ForeignKey, contest: Contest, facts: Facts) -> bool:
        values = _values(key, facts)
        return 0 < values * contest.partitions <= MOST_MARKS and not _within(key, contest)


def _within(key: ForeignKey, contest: Contest) -> bool:
    """Whether all rows of a value live together, as the strategy's key is part of the foreign key."""
    return contest.spec.keyed and set(contest.spec.columns) <= set(key.columns)


def _values(key: ForeignKey, facts: Facts) -> int:
    return int(facts.header["references"][key.name]["matched_values"])


def _name(key: ForeignKey) -> str:
    return f"referenced:{key.name}"


def _marks(key: ForeignKey, contest: Contest, facts: Facts, state: RowState) -> _core.Marks:
    return state.marks(f"update:{key.name}:{contest.index}", _values(key, facts), contest.partitions)
