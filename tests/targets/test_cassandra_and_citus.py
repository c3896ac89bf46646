"""Cassandra and Citus, which are not run here: statements that parse, tokens by hand, and what is refused."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pytest
from landing import odd_table

import assay
from assay.errors import UnsupportedTypeError, UsageError
from assay.targets.cassandra import owners, tokens

# -- Cassandra --------------------------------------------------------------------------------------


def test_tokens_are_spaced_evenly_over_the_ring() -> None:
    assert tokens(1) == [-(2**63)]
    assert tokens(4) == [-(2**63), -(2**62), 0, 2**62]


def test_a_token_belongs_to_the_first_node_at_or_after_it() -> None:
    found = np.array([-(2**63), -(2**63) + 1, -(2**62), -(2**62) + 1, 0, 1, 2**62, 2**62 + 1, 2**63 - 1])
    assert owners(found, 4).tolist() == [0, 1, 1, 2, 2, 3, 3, 0, 0]


def test_a_key_belongs_to_the_first_token_at_or_after_its_own() -> None:
    """Cassandra's driver tests give "123" the token -7468325962851647638; of four nodes the second ends at -2^62."""
    export = assay.export(pa.table({"k": ["123", None]}), target="cassandra", strategy="hash(k)", partitions=4)
    assert export.keys.column("partition").to_pylist() == [1, 0]
    assert "# node 1: initial_token: -4611686018427387904" in (export.files[1].text or "")
    assert 'PRIMARY KEY (("k"), "row_id")' in export.text
    assert any("k in 1 rows" in note for note in export.notes) and not export.exact


def test_the_nodes_share_the_flights_as_predicted(some_flights: pa.Table) -> None:
    export = assay.export(some_flights, target="cassandra", strategy="hash(tailnum)", partitions=5, table="air.flights")
    assert sum(export.predicted) == some_flights.num_rows and min(export.predicted) > 0
    hashes = assay.hash(export.keys.column("tailnum"), "murmur3_cassandra").to_pylist()
    signed = [None if h is None else h - 2**64 if h >= 2**63 else h for h in hashes]
    ends = tokens(5)
    expected = [0 if t is None else next((i for i, end in enumerate(ends) if t <= end), 0) for t in signed]
    assert export.keys.column("partition").to_pylist() == expected


def test_a_ring_becomes_virtual_nodes(some_flights: pa.Table) -> None:
    export = assay.export(some_flights, target="cassandra", strategy="ring(tailnum, virtual_nodes=16)", table="t")
    assert "num_tokens: 16\n" in (export.files[1].text or "")
    assert export.native is None and not export.exact


@pytest.mark.parametrize("strategy", ["range(at)", "list(dict)", "round_robin", "jump(dict)"])
def test_what_no_partitioner_does_is_refused_with_the_way_out(strategy: str) -> None:
    with pytest.raises(UsageError, match=r"export hash\(column\) or ring\(column"):
        assay.export(odd_table(), target="cassandra", strategy=strategy, partitions=4)


def test_names_that_cassandra_cannot_have_are_refused() -> None:
    with pytest.raises(UnsupportedTypeError, match="no name of a table or keyspace"):
        assay.export(odd_table(), target="cassandra", strategy="hash(dict)", table="a-b")
    with pytest.raises(UnsupportedTypeError, match="has no type"):
        assay.export(pa.table({"a": [1], "b": [[1]]}), target="cassandra", strategy="hash(a)", partitions=1)


def test_timestamps_finer_than_milliseconds_are_told() -> None:
    export = assay.export(odd_table(), target="cassandra", strategy="hash(dict)", partitions=4)
    assert any("at lose what is finer" in note for note in export.notes)


# -- Citus ------------------------------------------------------------------------------------------


def test_parents_are_co_located_by_the_distribution_column_and_else_reference_tables() -> None:
    export = assay.export("planes", target="citus", strategy="hash(tailnum)", partitions=16)
    assert (
        "create_distributed_table('\"planes\"', 'tailnum', shard_count => 16, colocate_with => 'none')" in export.text
    )
    assert not export.exact and "places not" in export.notes[0]


@pytest.mark.slow
def test_the_flights_parents_follow_their_foreign_keys() -> None:
    text = assay.export("flights", target="citus", strategy="hash(dest)", partitions=16).text
    assert "create_distributed_table('\"airports\"', 'faa', colocate_with => '\"flights\"')" in text
    calls = re.findall(r"create_reference_table\('\"(\w+)\"'\)", text)
    assert sorted(calls) == ["airlines", "planes", "weather"]


@pytest.mark.parametrize(
    "strategy", ["composite(hash(dict), range(at), first=2)", "composite(range(at), hash(dict), first=4)"]
)
def test_a_level_within_becomes_partitions_of_the_shards(strategy: str) -> None:
    export = assay.export(odd_table(), target="citus", strategy=strategy, partitions=8, table="odd")
    first = int(strategy[-2])
    shards, parts = (first, 8 // first) if strategy.startswith("composite(hash") else (8 // first, first)
    assert 'PARTITION BY RANGE ("at")' in export.text
    assert export.text.count('PARTITION OF "odd"') == parts
    assert f"shard_count => {shards}" in export.text


@pytest.mark.parametrize(
    "strategy", ["range(at)", "hash(at, dict)", "ring(dict)", "composite(list(dict), range(at), first=2)"]
)
def test_what_citus_does_not_distribute_by_is_refused_with_the_way_out(strategy: str) -> None:
    with pytest.raises(UsageError, match=r"Citus distributes a table by the hash of one column; export hash\(column\)"):
        assay.export(odd_table(), target="citus", strategy=strategy, partitions=4)


@pytest.mark.parametrize("target", ["citus", "cassandra"])
def test_exact_cannot_be_where_a_target_has_one_way_to_place(target: str) -> None:
    with pytest.raises(UsageError, match="--exact cannot be"):
        assay.export(odd_table(), target=target, strategy="hash(dict)", partitions=4, exact=True)
