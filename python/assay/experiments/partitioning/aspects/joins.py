"""Joins and integrity: what each foreign key makes cross partitions, and which rows break it.

Whatever the strategy, it tells how many parents there are, which rows refer to none, and the most
frequent values among these. What joins cost in bytes is told by `join_bytes`, what a copy of the
parent's columns costs by `denormalization`. Source: METHODOLOGY, "Foreign keys".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Dataset, ForeignKey
from assay.errors import UnknownNameError
from assay.experiments.distinct import DistinctKeys, Key, total
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.references import Reference, parent_partitions, reference_of
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["NO_MATCH", "Joins", "chosen_keys", "parent_name", "plan", "reference", "why_not_placed"]

NO_MATCH = "no row has a parent"
MOST_ORPHANS = 5  # values without a parent that are shown


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Joins | None:
    """The foreign keys asked for, or all that the dataset declares."""
    known = [key.name for key in dataset.foreign_keys]
    mistakes += [
        (
            "foreign_keys",
            UnknownNameError.of(f"foreign key of {dataset.name}", name, known, "declare it in its definition"),
        )
        for name in settings.foreign_keys or ()
        if name not in known
    ]
    chosen = chosen_keys(dataset, settings)
    return Joins(dataset, chosen) if chosen else None


def chosen_keys(dataset: Dataset, settings: PartitioningSettings) -> tuple[ForeignKey, ...]:
    """The foreign keys asked for, as far as there are such; all that are declared if none is named."""
    known = {key.name: key for key in dataset.foreign_keys}
    names = known if settings.foreign_keys is None else dict.fromkeys(settings.foreign_keys)
    return tuple(known[name] for name in names if name in known)


@dataclass(frozen=True)
class Joins(Aspect):
    """The joins of the table's rows with their parents."""

    dataset: Dataset
    foreign_keys: tuple[ForeignKey, ...]

    def keys(self) -> Iterable[Key]:
        """The columns of each foreign key."""
        return [key.columns for key in self.foreign_keys]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The names of the foreign keys."""
        return {"FK": [key.name for key in self.foreign_keys]}

    def prepare(self, facts: Facts) -> None:
        """Matches every foreign key with its parent."""
        told = facts.header.setdefault("references", {})
        for key in self.foreign_keys:
            told[key.name] = _counts(reference(facts, self.dataset, key), facts.distinct[key.columns])

    def teach(self, study: Study) -> None:
        """Where the parents live; strategies that place parents alike share their numbers."""
        made = study.facts.header.setdefault("parents", {})
        for key in self.foreign_keys:
            place = parent_name(key, study.contest)
            if place is not None and place not in made:
                partitions, made[place] = parent_partitions(study.learned, reference(study.facts, self.dataset, key))
                if partitions is not None:
                    study.facts.keep(key.columns, place, partitions, study.n)

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Where parents live by another key than rows."""
        return bool(self._elsewhere(facts, contest))

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """The weight of the rows whose parent lives elsewhere."""
        for key, place in self._elsewhere(rows.facts, contest):
            apart = _core.weight_apart(rows.named(key.columns, place), rows.partitions(contest), rows.weights)
            state.sums(f"cross:{key.name}:{contest.index}", 1).merge(pa.array([apart], pa.uint64()))

    def measure(self, study: Study, found: Found) -> None:
        """Joins across partitions, orphans, nulls."""
        for key in self.foreign_keys:
            name, told = key.name, study.facts.header["references"][key.name]
            share, why = f"cross_join_share.{name}", why_not_placed(study, key)
            if why is not None:
                found.set(share, None, why)
            elif told["matched_weight"]:
                crossing = int(study.sums(f"cross:{name}:{study.index}", 1)[0])
                found.set(share, crossing / told["matched_weight"])
            else:
                found.set(share, None, NO_MATCH)
            for metric in ("matched_rows", "parent_rows", "orphan_rows", "null_rows"):
                found.set(f"{metric}.{name}", told[metric])
            orphans = told["orphans"]
            shown = ", ".join(f"{value} ({rows:,} row{'s' if rows != 1 else ''})" for value, rows in orphans)
            found.set(f"orphan_values.{name}", told["orphan_values"], f"most frequent: {shown}" if orphans else None)
            found.series(f"orphans.{name}", (rows for _, rows in orphans), (value for value, _ in orphans))

    def _elsewhere(self, facts: Facts, contest: Contest) -> list[tuple[ForeignKey, str]]:
        """The foreign keys whose parents live by another key than the rows, with what their partitions are called."""
        named = ((key, parent_name(key, contest)) for key in self.foreign_keys)
        return [(key, place) for key, place in named if place is not None and facts.has(key.columns, place)]


def reference(facts: Facts, dataset: Dataset, key: ForeignKey) -> Reference:
    """A foreign key matched with its parent, once; let go of when all strategies are learned."""
    return facts.lend(f"reference:{key.name}", lambda: reference_of(dataset, key, facts.distinct[key.columns]))


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


def why_not_placed(study: Study, key: ForeignKey) -> str | None:
    """Why it is not known where the parents live; None if it is."""
    place = parent_name(key, study.contest)
    why: str | None = None if place is None else study.facts.header["parents"][place]
    return why


def _counts(reference: Reference, distinct: DistinctKeys) -> dict[str, Any]:
    """What is known of a foreign key whatever the strategy, as plain numbers and texts."""
    matched, null = reference.has_parent, distinct.has_null
    orphan = ~matched & ~null
    rows = distinct.rows[matched]
    return {
        "parent_rows": reference.parent.rows,
        "matched_rows": total(rows),
        "matched_values": len(rows),
        "matched_rows_max": int(rows.max(initial=0)),
        "matched_weight": total(distinct.weights[matched]),
        "orphan_rows": total(distinct.rows[orphan]),
        "orphan_values": int(orphan.sum()),
        "orphans": _most_frequent(distinct, np.flatnonzero(orphan)),
        "null_rows": total(distinct.rows[null]),
    }


def _most_frequent(distinct: DistinctKeys, places: np.ndarray) -> list[tuple[str, int]]:
    """The values with most rows among those at `places`, in words; of equal ones those that come first in the table."""
    rows = distinct.rows[places]
    if len(rows) > MOST_ORPHANS:  # nothing below the fifth can be among them
        least = np.partition(rows, len(rows) - MOST_ORPHANS)[-MOST_ORPHANS]
        above, equal = np.flatnonzero(rows > least), np.flatnonzero(rows == least)
        kept = np.sort(np.concatenate([above, equal[: MOST_ORPHANS - len(above)]]))
        places, rows = places[kept], rows[kept]
    places = places[np.lexsort((places, -rows.astype(np.int64)))]
    return [
        (", ".join(str(column[int(place)].as_py()) for column in distinct.columns), int(distinct.rows[place]))
        for place in places
    ]
