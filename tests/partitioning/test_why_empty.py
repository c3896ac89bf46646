"""Why partitions are empty: what remainders say, against a plain recount of the keys."""

from __future__ import annotations

import math

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.experiments.distinct import DistinctKeys
from assay.experiments.partitioning.aspects.why_empty import is_structure, remainders_of


def distinct(values, kind=None):
    kind = kind or pa.int64()
    column = pa.array(values, kind)
    return DistinctKeys.of(("k",), [column], pa.array([1] * len(column), pa.uint64()))


def order_keys(count):
    """TPC-H's sparse order keys: the low three bits stay, all others move up by two (specification, 4.2.3)."""
    return [(i >> 3 << 5) | (i & 7) for i in range(1, count + 1)]


@pytest.mark.parametrize("n", [1, 7, 8, 12, 16, 32, 48, 60, 64, 100, 256])
def test_the_remainders_that_occur_are_those_of_a_plain_recount(n):
    generator = np.random.default_rng(n)
    for keys in (order_keys(5_000), list(range(-990, 1_000, 10)), generator.integers(-(2**62), 2**62, 300).tolist()):
        found = remainders_of(distinct(list(set(keys))), n)
        assert found.present == len({key % n for key in keys})
        assert found.of_period == len({key % found.period for key in keys})
        assert (found.reason is None) == (found.present == n)


def test_tpch_order_keys_come_in_runs_of_8_in_every_32_numbers():
    reason = remainders_of(distinct(order_keys(10_000)), 64).reason
    assert reason == (
        "only 16 of the 64 remainders modulo 64 occur among the keys, which come in runs of 8 in every 32 numbers"
    )
    # Neither 60 nor 7 has a divisor modulo which a remainder is missing: gcd(60, 32) = 4.
    assert remainders_of(distinct(order_keys(10_000)), 60).reason is None
    # A period beyond n is seen: modulo 48 itself only 16's remainders show.
    assert "24 of the 48" in remainders_of(distinct(order_keys(10_000)), 48).reason
    assert "runs of 8 in every 32" in remainders_of(distinct(order_keys(10_000)), 48).reason


@pytest.mark.parametrize(("step", "offset", "n"), [(10, 0, 8), (10, 3, 64), (100, 0, 100), (6, 5, 9)])
def test_keys_at_a_stride_are_called_by_it(step, offset, n):
    keys = [offset + step * i for i in range(-2_000, 2_000)]
    found = remainders_of(distinct(keys), n)
    assert found.present == n // math.gcd(step, n)
    assert (found.stride, found.offset) == (step, offset)
    said = f"all multiples of {step}" if offset == 0 else f"all leave {offset} when divided by {step}"
    assert said in found.reason


def test_keys_above_the_signed_range_are_not_wrapped():
    keys = [2**64 - 2 - 10 * i for i in range(1_000)]
    found = remainders_of(distinct(keys, pa.uint64()), 64)
    assert found.present == len({key % 64 for key in keys}) == 32
    assert found.stride == 10 and found.offset == keys[0] % 10


def test_few_random_keys_are_called_few_and_no_structure():
    generator = np.random.default_rng(7)
    reason = remainders_of(distinct(generator.integers(0, 10**12, 100).tolist()), 64).reason
    assert reason.startswith("only 100 distinct keys, which miss ")
    assert not is_structure(reason)


def test_a_null_key_is_no_remainder():
    found = remainders_of(distinct([None, *range(0, 64, 2)]), 8)
    assert found.keys == 32 and found.present == 4


def compared(table, strategies, partitions, **settings):
    return assay.compare(
        "partitioning", table, strategies=strategies, partitions=partitions, actions=[], timing=False, **settings
    )


def test_the_answer_says_at_once_what_a_modulo_leaves_empty_and_what_fills_it():
    table = pa.table({"id": order_keys(6_400)})
    found = compared(table, ["modulo(id)", "hash(id)", "jump(id)"], 64)
    (finding,) = found.answers[0]["findings"]
    assert finding.startswith(
        "modulo(id) leaves 48 of 64 partitions empty: only 16 of the 64 remainders modulo 64 occur among the keys, "
        "which come in runs of 8 in every 32 numbers; hash(id) fills all 64 ("
    )
    assert finding in found.answer
    assert found.answers[0]["dropped"]["modulo(id)"] == "48 empty partitions"


def test_the_order_keys_of_tpch_fill_16_of_64_partitions_and_the_answer_says_so_and_why():
    found = assay.compare(
        "partitioning",
        "tpch(lineitem, scale=0.01)",
        strategies=["modulo(l_orderkey)", "hash(l_orderkey)"],
        partitions=64,
        foreign_keys=[],
        queries={},
        actions=[],
        timing=False,
    )
    empty = {row["contender"]: row for row in found.to_arrow().to_pylist() if row["metric"] == "empty_partitions"}
    assert empty["modulo(l_orderkey)"]["value"] == 48 and empty["hash(l_orderkey)"]["value"] == 0
    assert (
        "modulo(l_orderkey) leaves 48 of 64 partitions empty: only 16 of the 64 remainders modulo 64 occur among the "
        "keys, which come in runs of 8 in every 32 numbers; hash(l_orderkey) fills all 64 (1.19 × mean)."
    ) in found.answer


def test_a_modulo_alone_is_told_what_would_not_depend_on_it():
    found = compared(pa.table({"id": list(range(0, 1_000, 2))}), ["modulo(id)", "round_robin"], 4)
    (finding,) = found.answers[0]["findings"]
    assert finding == (
        "modulo(id) leaves 2 of 4 partitions empty: only 2 of the 4 remainders modulo 4 occur among the keys, which "
        "are all multiples of 2; a hash of the key does not depend on it."
    )


def test_the_part_of_a_composite_that_sees_remainders_is_named():
    table = pa.table({"id": list(range(0, 4_000, 4)), "v": [f"v{i % 97}" for i in range(1_000)]})
    found = compared(table, ["composite(modulo(id), hash(v), first=4)", "hash(id)"], 16)
    (finding,) = found.answers[0]["findings"]
    assert "12 of 16 partitions empty: only 1 of the 4 remainders modulo 4" in finding
    assert "(in modulo(id), 4 of them)" in finding


@pytest.mark.parametrize(
    ("strategy", "reason"),
    [
        ("list(few)", "5 empty partitions: only 3 distinct keys"),
        ("hash(few)", "only 3 distinct keys"),
        ("range(hot)", "equal keys are never split, and the heaviest has 50 % of the rows"),
    ],
)
def test_other_reasons_stand_where_a_strategy_is_dropped(strategy, reason):
    table = pa.table({"few": ["a", "b", "c"] * 100, "hot": [0] * 150 + list(range(1, 151))})
    found = compared(table, [strategy, "round_robin"], 8)
    assert reason in found.answers[0]["dropped"][strategy]
    assert found.answers[0]["findings"] == []


def test_a_small_table_has_too_few_rows_for_round_robin():
    found = compared(pa.table({"id": [1, 2, 3]}), ["round_robin"], 8)
    assert found.answers[0]["dropped"]["round_robin"] == "5 empty partitions: only 3 rows"
