"""Joins and integrity: what each foreign key makes cross partitions, and which rows break it.

Source: METHODOLOGY, "Foreign keys".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from assay import _core
from assay.datasets import Dataset, ForeignKey
from assay.errors import UnknownNameError
from assay.experiments.distinct import DistinctKeys, Key
from assay.experiments.partitioning.aspects.aspect import Found, Mistakes, Study
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.references import Parent, Reference, load_parent, parent_partitions, reference_of
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["Joins", "plan"]


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Joins | None:
    """The foreign keys asked for, or all that the dataset declares."""
    known = {key.name: key for key in dataset.foreign_keys}
    if settings.foreign_keys is None:
        chosen = list(known.values())
    else:
        chosen = []
        for name in settings.foreign_keys:
            if name in known:
                chosen.append(known[name])
            else:
                error = UnknownNameError.of(
                    f"foreign key of {dataset.name}", name, known, "declare it in its definition"
                )
                mistakes.append(("foreign_keys", error))
    return Joins(dataset, tuple(dict.fromkeys(chosen))) if chosen else None


@dataclass(frozen=True)
class Joins:
    """The joins of the table's rows with their parents."""

    dataset: Dataset
    foreign_keys: tuple[ForeignKey, ...]

    def keys(self) -> Iterable[Key]:
        """The columns of each foreign key."""
        return [key.columns for key in self.foreign_keys]

    def columns(self) -> Iterable[str]:
        """None beside them."""
        return ()

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The names of the foreign keys."""
        return {"FK": [key.name for key in self.foreign_keys]}

    def prepare(self, facts: Facts) -> None:
        """Matches every foreign key with its parent."""
        self.references(facts)

    def teach(self, study: Study) -> None:
        """Where the parents live; strategies that place parents alike share their numbers."""
        made = study.facts.header.setdefault("parents", {})
        for reference in self.references(study.facts):
            place = parent_name(reference.foreign_key, study.contest)
            if place is not None and place not in made:
                partitions, made[place] = parent_partitions(study.learned, reference)
                if partitions is not None:
                    study.facts.keep(reference.foreign_key.columns, place, partitions, study.n)

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Where parents live by another key than rows."""
        return bool(self._elsewhere(facts, contest))

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """The weight of the rows whose parent lives elsewhere."""
        for key, place in self._elsewhere(rows.facts, contest):
            parents = rows.named(key.columns, place)
            apart = _core.weight_apart(parents, rows.partitions(contest), rows.weights)
            state.sums(f"cross:{key.name}:{contest.index}", 1).merge(pa.array([apart], pa.uint64()))

    def measure(self, study: Study, found: Found) -> None:
        """Joins across partitions, orphans, nulls."""
        for reference in self.references(study.facts):
            name, share = reference.foreign_key.name, f"cross_join_share.{reference.foreign_key.name}"
            place = parent_name(reference.foreign_key, study.contest)
            why = None if place is None else study.facts.header["parents"][place]
            if why is not None:
                found.set(share, None, why)
            elif reference.matched_weight:
                found.set(share, int(study.sums(f"cross:{name}:{study.index}", 1)[0]) / reference.matched_weight)
            else:
                found.set(share, None, "no row has a parent")
            found.set(f"orphan_rows.{name}", reference.orphan_rows)
            found.set(f"orphan_values.{name}", reference.orphan_values)
            found.set(f"null_rows.{name}", reference.null_rows)

    def _elsewhere(self, facts: Facts, contest: Contest) -> list[tuple[ForeignKey, str]]:
        """The foreign keys whose parents live by another key than the rows, with what their partitions are called."""
        named = ((key, parent_name(key, contest)) for key in self.foreign_keys)
        return [(key, place) for key, place in named if place is not None and facts.has(key.columns, place)]

    def references(self, facts: Facts) -> list[Reference]:
        """Every foreign key with what is known of it, made once."""
        return facts.once(
            "references", lambda: [reference_of(parent, self._distinct(facts, parent)) for parent in self._parents]
        )

    def _distinct(self, facts: Facts, parent: Parent) -> DistinctKeys:
        return facts.distinct[parent.foreign_key.columns]

    @cached_property
    def _parents(self) -> list[Parent]:
        return [load_parent(self.dataset, key) for key in self.foreign_keys]


def parent_name(foreign_key: ForeignKey, contest: Contest) -> str | None:
    """What the partitions of the parents are called; None where the child's own map places the parents too.

    Alike for strategies that place parents alike: those of the same last leaf, parameters and number of partitions.
    """
    spec = contest.spec
    if spec.keyed and set(foreign_key.columns) == set(spec.columns):
        return None
    leaf = spec.leaves[-1]
    settings = ",".join(f"{name}={value}" for name, value in sorted(leaf.parameters.items()))
    return f"parent:{foreign_key.name}:{leaf.name}:{settings}:{contest.partitions}"
