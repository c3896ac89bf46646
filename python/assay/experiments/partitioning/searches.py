"""What is searched for: declared queries, whose instances count alike, and templates of a query log.

Source: METHODOLOGY, "Queries" and "Workload".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from assay.datasets import Query
from assay.datasets.workload import Template, array_of
from assay.experiments.distinct import DistinctKeys, Key
from assay.experiments.partitioning.asked import Asked, Values, Windows
from assay.experiments.partitioning.cells import cells_of
from assay.experiments.partitioning.queries import Instances, instances_of

__all__ = ["Search"]


@dataclass(frozen=True)
class Search:
    """One QUERY of the metrics.

    Attributes:
        name: Its name.
        query: A declared query, or what stands for a template whose values the log does not tell.
        template: A template of a log.
        types: The types of the table's columns.
    """

    name: str
    query: Query | None
    template: Template | None
    types: Mapping[str, pa.DataType]

    @property
    def key(self) -> Key:
        """The columns that tell its instances apart; none where it searches for nothing in particular."""
        if self.query is not None:
            return self.query.columns
        assert self.template is not None
        return () if self.is_insert else self.template.columns

    @property
    def is_insert(self) -> bool:
        """Whether it brings new rows, which no partition holds yet."""
        return self.template is not None and self.template.kind == "insert"

    @property
    def frequency(self) -> int | None:
        """How often the log asks it; None where there is no log."""
        return None if self.template is None else self.template.frequency

    @property
    def reads(self) -> tuple[tuple[str, ...], ...]:
        """The sets of columns that its instances read, each once."""
        if self.template is None:
            assert self.query is not None
            return (tuple(name for name in self.types if name in self.query.needed),)
        return tuple(dict.fromkeys(self.template.reads))

    def reading(self, columns: tuple[str, ...], count: int) -> np.ndarray:
        """How often each of `count` instances reads just these columns, uint64."""
        if self.template is None:
            return np.ones(count, np.uint64)
        if self.template.assumed is not None:
            often = sum(
                frequency
                for reads, frequency in zip(self.template.reads, self.template.frequencies, strict=True)
                if reads == columns
            )
            return np.full(count, often, np.uint64)
        pairs = zip(self.template.reads, self.template.frequencies, strict=True)
        return np.array([often if reads == columns else 0 for reads, often in pairs], np.uint64)

    def instances(self, distinct: DistinctKeys | None) -> Instances:
        """Its instances on the table whose key has these distinct values."""
        if self.query is not None:
            assert distinct is not None, "a query has columns"
            return instances_of(self.query, distinct)
        assert self.template is not None
        return _logged(self.template, self.types, distinct)


def _logged(template: Template, types: Mapping[str, pa.DataType], distinct: DistinctKeys | None) -> Instances:
    count = len(template.instances)
    points = [dict(bound.points) for bound in template.instances]
    values = {}
    for name in template.points:
        lengths = [len(one.get(name, ())) for one in points]
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        values[name] = Values(offsets, array_of([value for one in points for value in one.get(name, ())], types[name]))
    windows = {}
    for name in template.windows:
        found = [dict(bound.windows)[name] for bound in template.instances]
        window = Windows(
            array_of([one.low for one in found], types[name]), array_of([one.high for one in found], types[name])
        )
        windows[name] = window, np.array([one.high_open for one in found], bool)
    impossible = np.array([bound.is_impossible for bound in template.instances], bool)
    asked = Asked(count, values, {name: window for name, (window, _) in windows.items()}, impossible)
    frequencies = np.array(template.frequencies, np.uint64)
    if distinct is None:
        return Instances(template.name, count, np.zeros(0, np.uint32), 0, asked, None, frequencies)
    of_key, cells, spans = cells_of(template.name, distinct, values, windows, count)
    return Instances(template.name, count, of_key, cells, asked, spans, frequencies)
