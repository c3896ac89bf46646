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
        name="citus",
        title="Citus",
        idea="SQL: a distributed table with a shard for each partition, parents co-located or as reference tables",
        exact="none",
        own="hash of one column, also in a composite with a range or list",
        most_partitions=64_000,
        limit="citus.shard_count is at most 64,000",
        source='Citus documentation, "Citus Utility Functions" and "Co-locating Tables"',
    ),
    Target(
        name="cassandra",
        title="Cassandra",
        idea="CQL with the strategy's columns as the partition key, and each node's tokens for cassandra.yaml",
        exact="none",
        own="hash (a token for each node) and ring (virtual nodes)",
        most_partitions=10_000,
        limit="a partition is a node of the cluster here",
        source='Apache Cassandra documentation, "Dynamo", "CREATE TABLE", "cassandra.yaml"',
    ),
    Target(
        name="kafka",
        title="Kafka",
        idea="a topic, producer settings, and where needed a Python module that gives each record's partition",
        exact="range, list, modulo, round_robin by computing them; any other by a mapping of keys in JSON",
        own="hash of one column of text or binary",
        most_partitions=200_000,
        limit="a cluster under ZooKeeper holds about 200,000 partitions",
        source='Apache Kafka documentation, "Producer Configs" and "Topic Configs"',
    ),
    Target(
        name="iceberg",
        title="Iceberg",
        idea="a partition spec of transforms, as Spark's DDL and as a PyIceberg script that makes and loads the table",
        exact="any, by a column with the partition's number; list with one value each by identity",
        own="hash of one column (bucket), range of a date or timestamp (year, month, day, hour)",
        most_partitions=1_048_576,
        limit="as many as assay can measure",
        source='Apache Iceberg table specification, "Partition Transforms"',
    ),
    Target(
        name="spark",
        title="Spark",
        idea="DDL and a PySpark script that write a bucketed or partitioned table",
        exact="range, list, modulo and composites of them in SQL; any other by a join with a mapping of keys",
        own="hash (buckets)",
        most_partitions=100_000,
        limit="spark.sql.sources.bucketing.maxBuckets is 100,000",
        source='Spark SQL reference, "CREATE DATASOURCE TABLE"; HashPartitioning in Spark\'s sources',
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
