"""Joins in bytes: the three ways to bring a row and its parent together where they live apart.

broadcast      the parent is copied to every partition, once: a reference table
repartition    each matched row is sent to its parent's partition, with every join
denormalize    the parent's other columns are copied into each matched row, once

Cost: the parent is read once more, batch by batch; 8 bytes a parent meanwhile.
Source: METHODOLOGY, "Foreign keys" and "Load".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay import _core
from assay.datasets import Dataset, ForeignKey
from assay.errors import MeasurementError, UnsupportedTypeError
from assay.experiments.distinct import DistinctKeys, Key, numpy_of, total
from assay.experiments.partitioning.aspects.aspect import Aspect, Found, Mistakes, Study
from assay.experiments.partitioning.aspects.joins import chosen_keys, parent_name, reference, why_not_placed
from assay.experiments.partitioning.contest import Contest
from assay.experiments.partitioning.facts import Facts
from assay.experiments.partitioning.references import Reference
from assay.experiments.partitioning.row_bytes import row_bytes
from assay.experiments.partitioning.rows import Rows, RowState
from assay.experiments.partitioning.settings import PartitioningSettings

__all__ = ["JoinBytes", "plan"]


def plan(dataset: Dataset, settings: PartitioningSettings, mistakes: Mistakes) -> JoinBytes | None:
    """Only where bytes are asked for."""
    chosen = chosen_keys(dataset, settings)
    return JoinBytes(dataset, chosen) if chosen and settings.bytes else None


@dataclass(frozen=True)
class JoinBytes(Aspect):
    """The bytes that joins move or copy."""

    dataset: Dataset
    foreign_keys: tuple[ForeignKey, ...]

    def keys(self) -> Iterable[Key]:
        """The columns of each foreign key."""
        return [key.columns for key in self.foreign_keys]

    def columns(self) -> Iterable[str]:
        """All: whole rows are sent."""
        return tuple(self.dataset.schema.names)

    @property
    def variables(self) -> Mapping[str, Sequence[str]]:
        """The names of the foreign keys."""
        return {"FK": [key.name for key in self.foreign_keys]}

    def prepare(self, facts: Facts) -> None:
        """The bytes of every parent, and of its columns beside the key in each matched row."""
        told = facts.header.setdefault("parent bytes", {})
        for key in self.foreign_keys:
            try:
                told[key.name] = _parent_bytes(
                    self.dataset, reference(facts, self.dataset, key), facts.distinct[key.columns]
                )
            except UnsupportedTypeError as error:
                told[key.name] = f"{key.parent}: {error}"

    def scans(self, facts: Facts, contest: Contest) -> bool:
        """Where parents live by another key than rows."""
        return bool(self._elsewhere(facts, contest))

    def add(self, rows: Rows, contest: Contest, state: RowState) -> None:
        """The bytes of the rows whose parent lives elsewhere."""
        for key, place in self._elsewhere(rows.facts, contest):
            apart = _core.weight_apart(rows.named(key.columns, place), rows.partitions(contest), rows.sizes())
            state.sums(f"cross bytes:{key.name}:{contest.index}", 1).merge(pa.array([apart], pa.uint64()))

    def measure(self, study: Study, found: Found) -> None:
        """What each way costs."""
        for key in self.foreign_keys:
            name, told = key.name, study.facts.header["parent bytes"][key.name]
            why = why_not_placed(study, key)
            if why is not None:
                found.set(f"repartition_bytes.{name}", None, why)
            else:
                found.set(f"repartition_bytes.{name}", int(study.sums(f"cross bytes:{name}:{study.index}", 1)[0]))
            if isinstance(told, str):
                found.set(f"broadcast_bytes.{name}", None, told)
                found.set(f"denormalized_bytes.{name}", None, told)
            else:
                found.set(f"broadcast_bytes.{name}", told[0] * (study.n - 1))
                found.set(f"denormalized_bytes.{name}", told[1])

    def _elsewhere(self, facts: Facts, contest: Contest) -> list[tuple[ForeignKey, str]]:
        named = ((key, parent_name(key, contest)) for key in self.foreign_keys)
        return [(key, place) for key, place in named if place is not None and facts.has(key.columns, place)]


def _parent_bytes(dataset: Dataset, reference: Reference, distinct: DistinctKeys) -> tuple[int, int]:
    """The bytes of the parent table, and of its columns beside the key, once for each row that refers to it."""
    key = reference.foreign_key
    parent = dataset.parent(key)
    matched = reference.has_parent
    children = np.zeros(reference.parent.rows, np.uint64)
    children[numpy_of(reference.parent_row)[matched]] = distinct.rows[matched]
    others = [name for name in parent.schema.names if name not in key.parent_columns]
    whole = copied = 0
    for batch in parent.batches():
        beside = numpy_of(row_bytes(batch.data.select(others)))
        keys = numpy_of(row_bytes(batch.data.select(list(key.parent_columns))))
        counts = children[batch.first_row : batch.first_row + batch.data.num_rows]
        if len(counts) < batch.data.num_rows:
            raise MeasurementError(
                f"{parent.name} has more rows than when its key was read; the data changed while it was measured; "
                "measure a snapshot"
            )
        whole += total(beside) + total(keys)
        copied += total(beside * counts)
    return whole, copied
