"""Laws of partitioning that hold whatever the table, on the product's numbers alone."""

from __future__ import annotations

import pyarrow as pa
import pytest
from oracle_strategies import Strategy, composite
from product import ask

import assay

KEYS = 20_000
PLACEMENTS = [Strategy(name, ("id",)) for name in ("ring", "jump", "rendezvous", "multi_probe")]


def make_table() -> pa.Table:
    """Each key once; every seventh name is null; weights from 0 to 4."""
    return pa.table(
        {
            "id": pa.array(range(KEYS), pa.int64()),
            "name": pa.array([None if i % 7 == 0 else f"n{i % 50}" for i in range(KEYS)]),
            "weight": pa.array([i % 5 for i in range(KEYS)], pa.uint32()),
        }
    )


@pytest.mark.parametrize(("weight", "total"), [(None, KEYS), ("weight", 2 * KEYS)])
def test_the_loads_add_up_to_the_rows_or_their_weight(weight: str | None, total: int) -> None:
    by_name = Strategy("list", ("name",))
    strategies = [Strategy("hash", ("id",)), Strategy("range", ("name",)), by_name, Strategy("round_robin")]
    strategies += [composite(by_name, Strategy("round_robin")), *PLACEMENTS, Strategy("maglev", ("name",))]
    comparison = assay.compare(
        "partitioning",
        make_table(),
        strategies=[strategy.spelling for strategy in strategies],
        partitions=6,
        weight=weight,
        timing=False,
    )
    sums = comparison.store.query(
        "SELECT contender, sum(value) AS total, count(*) AS points FROM series_point "
        "WHERE series = 'load' GROUP BY contender"
    ).to_pylist()
    assert len(sums) == len(strategies)
    assert {(row["total"], row["points"]) for row in sums} == {(total, 6)}


@pytest.mark.parametrize("n", [1, 4, 9])
def test_a_hash_modulo_n_moves_n_of_n_plus_1_keys_when_a_node_is_added(n: int) -> None:
    found = ask(make_table(), [Strategy("hash", ("id",))], [n])["hash(id)", n]
    # Binomial over 20,000 keys: four standard deviations are at most 4 * sqrt(0.25 / 20,000) = 0.0141.
    assert found["moved_share.add_one"] == pytest.approx(n / (n + 1), abs=0.0142)


@pytest.mark.parametrize("strategy", PLACEMENTS, ids=lambda strategy: strategy.name)
def test_a_consistent_placement_moves_keys_to_or_from_the_changed_node_alone(strategy: Strategy) -> None:
    found = ask(make_table(), [strategy], [8])[strategy.spelling, 8]
    for action in ("add_one", "remove_one", "replace_one", "double"):
        assert found[f"stray_moves.{action}"] == 0


@pytest.mark.parametrize("name", ["jump", "rendezvous"])
def test_a_consistent_placement_moves_1_of_n_plus_1_keys_when_a_node_is_added(name: str) -> None:
    found = ask(make_table(), [Strategy(name, ("id",))], [8])[f"{name}(id)", 8]
    assert found["moved_share.add_one"] == pytest.approx(1 / 9, abs=0.0142)
