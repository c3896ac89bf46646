"""Targets: systems into which a partitioned layout can be carried, as DDL, configuration or a script.

This module is the one table of them: help, documents and tests read it, and it loads nothing heavy. What
a target writes stands in the module of its name: a function `write(layout, options)` that gives an `Export`.
A target either keeps the measured placement, or says in a note where its own differs.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TARGETS", "Target"]


@dataclass(frozen=True)
class Target:
    """A system and what it can express."""

    name: str
    title: str
    idea: str  # what is written
    exact: str  # the strategies whose measured placement it keeps
    own: str  # those for which it goes by its own hash; nothing if there are none
    most_partitions: int
    limit: str  # where `most_partitions` comes from
    source: str  # the manual

    @property
    def module(self) -> str:
        """Where its `write` lives."""
        return f"assay.targets.{self.name}"


_ALL = (
    Target(
        name="postgres",
        title="PostgreSQL",
        idea="DDL: declarative partitioning, a partition each, and how to load them",
        exact="range, list, modulo, round_robin and composites of them natively; any other by a column that holds the "
        "partition's number and a table that maps keys to it",
        own="hash",
        most_partitions=65_000,
        limit="a query's range table holds at most 65,000 relations",
        source='PostgreSQL manual, "Table Partitioning" and "CREATE TABLE"',
    ),
    Target(
        name="duckdb",
        title="DuckDB",
        idea="SQL that writes a folder of Parquet files for each partition (Hive partitioning)",
        exact="all: the partition is computed in SQL, or joined from a Parquet file that maps keys to it",
        own="",
        most_partitions=65_536,
        limit="a folder and at least one file for each partition",
        source='DuckDB manual, "Partitioned Writes" and "Hive Partitioning"',
    ),
)

TARGETS: dict[str, Target] = {target.name: target for target in _ALL}
