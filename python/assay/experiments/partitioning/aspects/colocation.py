"""Co-location: which tables can be partitioned alike, so that their joins stay local.

A table that is partitioned by columns takes its parents along where a foreign key holds all these
columns: the parent is partitioned by their counterparts, and by the same strategy, so that a row and
its parent meet on one partition. What holds for the parents holds for their parents. It follows
from the declarations alone; no row is read.
Source: METHODOLOGY, "Foreign keys"; Citus' documentation calls it a co-location group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from assay.datasets import Dataset, ForeignKey, declared
from assay.errors import AssayError
from assay.experiments.distinct import Key
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.joins import chosen_keys
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["Colocation", "Group", "group_of", "plan"]

Group = Mapping[str, Key]  # the columns to partition each table by


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> Colocation | None:
    """A group for each foreign key asked for."""
    chosen = chosen_keys(dataset, settings)
    return Colocation(tuple((key.name, group_of(dataset, key.columns)) for key in chosen)) if chosen else None


def group_of(dataset: Dataset, columns: Key) -> Group:
    """The tables that stay together if `dataset` is partitioned by `columns`, each with its own columns for it.

    A table that is reached twice keeps the columns that reached it first. A parent whose declaration cannot be read
    belongs to the group, and what it refers to is not known.
    """
    group: dict[str, Key] = {dataset.name: columns}
    open_tables: list[tuple[Sequence[ForeignKey], Path | None, Key]] = [(dataset.foreign_keys, dataset.base, columns)]
    while open_tables:
        foreign_keys, base, own = open_tables.pop(0)
        for key in foreign_keys:
            if not set(own) <= set(key.columns):
                continue
            counterpart = dict(zip(key.columns, key.parent_columns, strict=True))
            others = tuple(counterpart[name] for name in own)
            try:
                definition, parent_base = declared(key.parent, base)
            except AssayError:
                group.setdefault(key.parent, others)
                continue
            if definition.name not in group:
                group[definition.name] = others
                open_tables.append((definition.references(), parent_base, others))
    return group


@dataclass(frozen=True)
class Colocation(Aspect):
    """The groups of tables that the foreign keys make."""

    groups: tuple[tuple[str, Group], ...]

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The names of the foreign keys."""
        return {"FK": [name for name, _ in self.groups]}

    def measure(self, study: Study, found: Found) -> None:
        """The tables of each group, and in words the columns to partition them by."""
        for name, group in self.groups:
            shown = " with ".join(f"{table} by {', '.join(columns)}" for table, columns in group.items())
            found.set(f"colocated_tables.{name}", len(group), shown)
