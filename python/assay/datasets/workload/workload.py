"""A workload: what a query log asks of one table, as weighted instances of a few templates.

A template is a shape of conditions: `point_tailnum`, `in_list_dest`, `range_time_hour`, `scan`, and
what is joined and grouped. Its instances are the distinct values that were asked, each with the
number of times. Source: METHODOLOGY, "Workload".
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from assay.datasets.query import Query
from assay.datasets.workload.conditions import Bound, Kind

__all__ = ["Template", "Transactions", "Workload", "counted"]


@dataclass(frozen=True)
class Template:
    """One shape of what is asked.

    Attributes:
        name: Such as point_tailnum_join_planes; the QUERY of a metric's name.
        kind: What its statements do.
        points: The columns that are equal to one of some values.
        windows: The columns that lie within bounds.
        joins: The foreign keys that it joins by.
        groups: The columns that it groups by.
        instances: Its distinct instances.
        frequencies: How often each was asked.
        reads: The columns that each reads.
        assumed: The query that stands for it where the log tells no values: every instance counts alike, and the
            one entry of `instances` has no condition.
    """

    name: str
    kind: Kind
    points: tuple[str, ...]
    windows: tuple[str, ...]
    joins: tuple[str, ...]
    groups: tuple[str, ...]
    instances: tuple[Bound, ...]
    frequencies: tuple[int, ...]
    reads: tuple[tuple[str, ...], ...]
    assumed: Query | None = None

    @property
    def frequency(self) -> int:
        """How often it was asked."""
        return sum(self.frequencies)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of its conditions."""
        return self.points + self.windows if self.assumed is None else self.assumed.columns


@dataclass(frozen=True)
class Transactions:
    """The point accesses between BEGIN and COMMIT.

    Attributes:
        blocks: Each a sorted tuple of (template, instance) positions; distinct.
        frequencies: How often each was run.
        left_out: Transactions that say nothing, by reason.
    """

    blocks: tuple[tuple[tuple[int, int], ...], ...] = ()
    frequencies: tuple[int, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Workload:
    """What a query log asks of one table.

    Attributes:
        name: The log's name.
        kind: What it was recognised as.
        templates: Most frequent first.
        joins: How often each foreign key is joined by, all of them named.
        transactions: What BEGIN ... COMMIT holds together.
        statements: Statements in the log, transaction control apart.
        used: Those that ask the table.
        ignored: The others, by reason.
        assumptions: What was assumed, a sentence each.
        updates: How often UPDATEs change which columns.
    """

    name: str
    kind: str
    templates: tuple[Template, ...]
    joins: Mapping[str, int]
    transactions: Transactions
    statements: int
    used: int
    ignored: Mapping[str, int]
    assumptions: tuple[str, ...]
    updates: Mapping[tuple[str, ...], int] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """The name and the beginning of a digest of what it asks: two logs of one name differ in it."""
        content = repr((self.templates, sorted(self.joins.items()), self.transactions, self.used))
        return f"{self.name}@{hashlib.sha256(content.encode()).hexdigest()[:12]}"

    def summary(self, table: str) -> str:
        """How many statements count, and why others do not."""
        share = f"{self.used:,} of {counted(self.statements, 'statement')} of {self.name} ask {table}"
        if not self.ignored:
            return f"{share}; none was left out."
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in self.ignored.items())
        return f"{share}; left out: {reasons}."


def counted(count: int, noun: str) -> str:
    """`1 statement`, `2,000 statements`."""
    return f"{count:,} {noun}{'s' if count != 1 else ''}"
