"""Growth, hot keys, splits, merges and plans: product and oracle on random tables, and small cases by hand."""

from __future__ import annotations

import tempfile
from fractions import Fraction
from pathlib import Path

import oracle
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle_keys import Column
from oracle_strategies import ACTIONS, Strategy, composite, node_names, place
from product import ask, differences, same, to_arrow
from random_cases import Case, cases

import assay
from assay.errors import UnknownNameError, UnsupportedTypeError, UsageError

ALL_ACTIONS = (*ACTIONS, "split_hot", "merge_cold")
QUICK = settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
THOROUGH = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
TIMES = ("time", "day", "number", "ratio", "price")


def check(case: Case, time: str) -> None:
    if all(value is None for value in case.table[time].values):
        return
    with tempfile.TemporaryDirectory() as folder:
        answers = ask(
            case.write(Path(folder), row_group_size=7),
            case.strategies,
            [case.partitions],
            foreign_keys=[],
            queries={},
            time=time,
            bytes=True,
            actions=list(ALL_ACTIONS),
            **({"weight": case.weight} if case.weight else {}),
        )
    found: list[str] = []
    for strategy in case.strategies:
        question = oracle.Question(
            case.table, strategy, case.partitions, case.weight, time=time, actions=ALL_ACTIONS, bytes=True
        )
        found += differences(strategy, case.partitions, answers, oracle.metrics(question))
    assert found == []


@QUICK
@given(cases(), st.sampled_from(TIMES))
def test_growth_plans_and_hot_keys_of_random_tables_equal_the_oracle(case: Case, time: str) -> None:
    check(case, time)


@pytest.mark.slow
@THOROUGH
@given(cases(), st.sampled_from(TIMES))
def test_growth_plans_and_hot_keys_of_many_random_tables_equal_the_oracle(case: Case, time: str) -> None:
    check(case, time)


def values(data: pa.Table, strategy: str, partitions: int, **given: object) -> dict[str, float | None]:
    found = assay.compare(
        "partitioning", data, strategies=[strategy], partitions=partitions, timing=False, actions=[], **given
    )
    assert not found.failures, found.failures
    return {row["metric"]: row["value"] for row in found.to_arrow().to_pylist()}


def test_ascending_keys_hit_one_partition() -> None:
    # 100 rows; rank 90 is key 90; range(t) at n = 4 has bounds 25 50 75, so that 90 to 99 are all in partition 3.
    # Learned on 0 to 89 its bounds are 22 45 67: again all in one, four times the mean.
    table = pa.table({"t": list(range(100))})
    found = values(table, "range(t)", 4, time="t")
    assert found["last_decile_share"] == 1
    assert found["growth_load_max_over_mean"] == 4
    assert found["unseen_key_share"] == 1
    modulo = values(table, "modulo(t)", 5, time="t")
    assert modulo["last_decile_share"] == modulo["growth_load_max_over_mean"] / 5 == 0.2
    assert modulo["unseen_key_share"] is None


def test_equal_times_are_whole_and_rows_without_a_time_take_no_part() -> None:
    # Of 20 dated rows the one at rank 18 has time 7, as all from the sixth on: they are the last tenth, fifteen rows.
    times = [1, 2, 3, 4, 5] + [7] * 15 + [None] * 10
    keys = ["a"] * 5 + ["b"] * 9 + ["c"] * 6 + ["d"] * 10
    found = values(pa.table({"t": times, "k": keys}), 'list(k, values=[["a", "b"], ["c", "d"]])', 2, time="t")
    assert found["last_decile_share"] == 9 / 15
    learned = values(pa.table({"t": times, "k": keys}), "list(k)", 2, time="t")
    assert learned["unseen_key_share"] == 1  # before, only a
    assert learned["growth_load_max_over_mean"] is None


def test_a_list_that_knows_only_some_of_the_newest_keys_says_so() -> None:
    table = pa.table({"t": range(20), "k": ["a", "b"] * 9 + ["a", "new"]})
    found = assay.compare("partitioning", table, strategies=["list(k)"], partitions=2, time="t", timing=False)
    rows = {row["metric"]: row for row in found.to_arrow().to_pylist()}
    assert rows["unseen_key_share"]["value"] == 0.5
    assert rows["growth_load_max_over_mean"]["value"] == 2  # the row of a, on one of two
    (note,) = (
        found.store.query("SELECT note FROM metric WHERE name = 'growth_load_max_over_mean'").column(0).to_pylist()
    )
    assert "50 % of the last tenth that it has a place for" in note


def test_the_series_of_tenths_is_labelled_by_their_first_times() -> None:
    table = pa.table({"t": list(range(100)), "k": [0] * 10 + [0, 1] * 45})
    found = assay.compare("partitioning", table, strategies=["modulo(k)"], partitions=2, time="t", timing=False)
    series = found.store.query(
        "SELECT name, label, value FROM series WHERE name LIKE 'growth%' ORDER BY name, position"
    )
    alone = [(row["label"], row["value"]) for row in series.to_pylist() if row["name"] == "growth"]
    so_far = [row["value"] for row in series.to_pylist() if row["name"] == "growth_so_far"]
    assert alone == [(str(10 * i), 2.0 if i == 0 else 1.0) for i in range(10)]
    assert so_far == pytest.approx([2 * (10 + 5 * i) / (10 * (i + 1)) for i in range(10)], rel=1e-15)


@pytest.mark.parametrize(
    ("time", "error", "words"),
    [
        ("tim", UnknownNameError, "time"),
        ("name", UnsupportedTypeError, 'time "name" is of type large_string; expected dates'),
        ("empty", UsageError, 'time "empty" is null in every row'),
    ],
)
def test_a_time_that_cannot_order_rows_is_refused(time: str, error: type[Exception], words: str) -> None:
    table = pa.table({"time": [1], "name": ["a"], "empty": pa.array([None], pa.int64())})
    with pytest.raises(error, match=words):
        values(table, "hash(name)", 2, time=time)


def test_the_hot_key_factor_is_where_the_load_leaves_its_bounds() -> None:
    # Four keys of 10 on four partitions: n (10 + x) = 1.25 (40 + x) gives x = 10 / 2.75, h = 1 + 1 / 2.75.
    keys = [0, 1, 2, 3] * 10
    found = values(pa.table({"k": keys}), "modulo(k)", 4)
    assert found["hot_key_factor"] == float(1 + Fraction(4, 11))
    for more, bound in ((3, False), (4, True)):  # 3 rows more: 4 x 13 / 43 = 1.21; 4 more: 4 x 14 / 44 = 1.27
        load = values(pa.table({"k": [*keys, *[0] * more]}), "modulo(k)", 4)["load_max_over_mean"]
        assert load is not None and (load > 1.25) is bound
    assert values(pa.table({"k": [0, 0, 0, 1]}), "modulo(k)", 2)["hot_key_factor"] == 1
    assert values(pa.table({"k": [0, 1]}), "modulo(k)", 1)["hot_key_factor"] is None
    assert values(pa.table({"k": [0, 1]}), "round_robin", 2)["hot_key_factor"] is None


def test_salting_splits_the_heaviest_keys_and_costs_reads() -> None:
    # Key 0 weighs 7, keys 1 and 2 weigh 1, at n = 3: split three ways it leaves 3 2 2, so that the loads are 3 3 3.
    table = pa.table({"k": [0] * 7 + [1, 2]})
    found = values(table, "modulo(k)", 3, salt_keys=1, salt_ways=3)
    assert found["salted_load_max_over_mean"] == 1
    assert found["salted_reads_factor"] == (7 * 3 + 2) / 9
    two = values(table, "modulo(k)", 3, salt_keys=1, salt_ways=2)  # 4 3: the loads are 4 4 1
    assert two["salted_load_max_over_mean"] == 4 * 3 / 9
    assert values(table, "modulo(k)", 3, salt_ways=1)["salted_reads_factor"] == 1


def test_settings_out_of_bounds_are_refused() -> None:
    for name, value in (("salt_keys", 0), ("salt_ways", 0), ("bandwidth", 0.0)):
        with pytest.raises(UsageError, match=name):
            values(pa.table({"k": [1]}), "modulo(k)", 1, **{name: value})


def test_the_fullest_is_cut_as_near_to_half_as_can_be() -> None:
    # Part 0 of list weighs 2 + 10 + 9: cut after 2 or after 12; 12 and 9 are nearer. The median's key would leave 2.
    table = {"k": Column("text", ["a"] * 2 + ["b"] * 10 + ["c"] * 9 + ["d"])}
    strategy = Strategy("list", ("k",), given=(("a", "b", "c"), ("d",)))
    before = place(strategy, table, node_names(2))
    assert oracle.split_fullest(strategy, table, before, [1] * 22) == [0] * 12 + [2] * 9 + [1]
    answers = ask(to_arrow(table), [strategy], [2], actions=["split_hot", "merge_cold"])
    found = next(iter(answers.values()))
    assert found["moved_share.split_hot"] == 9 / 22
    assert found["load_max_over_mean_after.split_hot"] == 12 * 3 / 22
    assert found["moved_share.merge_cold"] == 1 / 22  # d joins the rest: all on one of one
    assert found["load_max_over_mean_after.merge_cold"] == 1


def test_a_plan_names_its_links_and_the_busiest_node_decides_the_time() -> None:
    # modulo 2 to 3 of keys 0 to 5, 8 bytes each: 2 goes 0 to 2, 3 goes 1 to 0, 4 goes 0 to 1, 5 goes 1 to 2, so that
    # nodes 0 and 1 send 16 bytes each, at 8 bytes a second.
    table = pa.table({"k": [0, 1, 2, 3, 4, 5]})
    found = assay.compare(
        "partitioning", table, strategies=["modulo(k)"], partitions=2, bytes=True, bandwidth=8.0, timing=False
    )
    rows = {row["metric"]: row["value"] for row in found.to_arrow().to_pylist()}
    assert rows["rebalance_bytes.add_one"] == 32
    assert rows["rebalance_seconds.add_one"] == 2
    series = found.store.query("SELECT label, value FROM series WHERE name = 'rebalance.add_one' ORDER BY position")
    assert [tuple(row.values()) for row in series.to_pylist()] == [
        ("node-0 → node-1", 8),
        ("node-0 → node-2", 8),
        ("node-1 → node-0", 8),
        ("node-1 → node-2", 8),
    ]


def test_links_of_many_partitions_are_counted_by_key_and_by_row() -> None:
    # 2,000 x 2,001 pairs of nodes are more than are kept apart for rows; keys are sorted instead.
    table = {"k": Column("int", [row * 7 % 5_000 for row in range(6_000)])}
    strategies = [Strategy("modulo", ("k",)), Strategy("round_robin")]
    answers = ask(to_arrow(table), strategies, [2_000], bytes=True, actions=["add_one", "merge_cold"])
    for strategy in strategies:
        question = oracle.Question(table, strategy, 2_000, actions=("add_one", "merge_cold"), bytes=True)
        assert differences(strategy, 2_000, answers, oracle.metrics(question)) == []


def test_a_composite_is_replayed_by_its_parts() -> None:
    # The last rows are of x (known), new, y (known) and null; each has a b of its own, which a hash takes all the same.
    table = {
        "t": Column("int", list(range(40))),
        "a": Column("text", ["x", "y", "z", "x"] * 9 + ["x", "new", "y", None]),
        "b": Column("int", [row * 3 % 7 if row < 36 else row for row in range(40)]),
    }
    strategy = composite(Strategy("list", ("a",)), Strategy("hash", ("b",)))
    answers = ask(to_arrow(table), [strategy], [4], time="t")
    found, expected = next(iter(answers.values())), oracle.metrics(oracle.Question(table, strategy, 4, time="t"))
    assert expected["growth_load_max_over_mean"] is not None
    assert same(found["growth_load_max_over_mean"], expected["growth_load_max_over_mean"])
