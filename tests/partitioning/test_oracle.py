"""The oracle against published vectors and small cases worked by hand."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction

import oracle_placements as placements
import pytest
from oracle import ForeignKey, Query, Question, metrics, quantile, root
from oracle_keys import Column, canonical, canonical_value, hash_bytes, order
from oracle_strategies import Strategy, composite, node_names, place, rows_after


def text(*values: str | None) -> dict[str, Column]:
    return {"k": Column("text", list(values))}


def test_hashes_give_the_published_values() -> None:
    # Iceberg's specification, appendix B; the xxHash and MD5 values are those of the empty input.
    murmur = hash_bytes("murmur3_32")
    assert murmur(canonical_value("int", 34)) == 2017239379
    assert murmur(b"iceberg") == 1210000089
    assert murmur(canonical_value("date", 17486)) == 2**32 - 653330422
    assert hash_bytes("xxh3_64")(b"") == 0x2D06800538D394C2
    assert hash_bytes("xxh64")(b"") == 0xEF46DB3751D8E999
    assert hash_bytes("md5")(b"") == int.from_bytes(bytes.fromhex("d41d8cd98f00b204"), "little")


def test_one_value_has_one_spelling_in_bytes() -> None:
    five = (5).to_bytes(8, "little")
    assert canonical_value("int", 5) == canonical_value("decimal", Decimal("5.00")) == five
    assert canonical_value("decimal", Decimal("-1.50")) == (-15).to_bytes(16, "little", signed=True) + b"\x01"
    assert canonical_value("float", Column("float", [-0.0]).values[0]) == bytes(8)
    assert canonical_value("timestamp", 1_001) == (1).to_bytes(8, "little") + b"\x01\x00"
    assert canonical_value("timestamp", -1) == b"\xff" * 8 + (999).to_bytes(2, "little")
    assert canonical(("text", "text"), ("ab", None)) == b"\x01\x02\x00\x00\x00ab\x00"
    assert order(("text",), ("z",)) < order(("text",), ("é",))  # type: ignore[operator]


def test_jump_gives_the_published_buckets() -> None:
    hundred = placements.jump(node_names(100))
    assert [hundred(i) for i in range(20)] == [
        0, 55, 62, 8, 45, 59, 86, 97, 82, 59, 73, 37, 17, 56, 86, 21, 90, 37, 38, 83
    ]  # fmt: skip
    eleven = placements.jump(node_names(11))
    assert (eleven(10863919174838991), eleven(2016238256797177309), eleven(1673758223894951030)) == (6, 3, 5)
    beef = [placements.jump(node_names(n))(0xDEADBEEF) for n in range(1, 20)]
    assert beef == [0, 1, 2, 3, 3, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 16, 16, 16]


def test_maglev_fills_the_table_of_the_paper() -> None:
    assert placements.fill_maglev([3, 0, 3], [4, 2, 1], 7) == [1, 0, 1, 0, 2, 2, 0]
    assert placements.fill_maglev([3, 3], [4, 1], 7) == [0, 0, 0, 0, 1, 1, 1]
    shares = Counter(placements.maglev_table(tuple(node_names(3))))
    assert max(shares.values()) - min(shares.values()) <= 1
    assert placements.maglev_size(8) == 65537
    assert placements.maglev_size(656) == 65609


def test_range_never_splits_equal_keys() -> None:
    # Sorted: a a a b c, null apart; bounds at ranks 5/3 and 10/3, that is a and b; number of bounds <= key.
    table = text("b", "a", None, "a", "c", "a")
    placed = place(Strategy("range", ("k",)), table, node_names(3))
    assert placed.rows == [2, 1, 0, 1, 2, 1]


def test_range_splits_its_heaviest_part_at_the_median() -> None:
    # Parts {1, 2} and {3, 4, 5}, ranks floor(5/2) = 2; the second splits at rank 1: 4 and 5 go to the new part.
    table = {"k": Column("int", [5, 4, 3, 2, 1])}
    strategy = Strategy("range", ("k",))
    before = place(strategy, table, node_names(2))
    assert before.rows == [1, 1, 1, 0, 0]
    assert rows_after(strategy, table, before, "add_one", [1] * 5) == [2, 2, 1, 0, 0]
    assert rows_after(strategy, table, before, "remove_one", [1] * 5) == [0] * 5
    # double: then part 0 is heaviest among (2, 1, 2), lowest first: it keeps 1 and gives 2.
    assert rows_after(strategy, table, before, "double", [1] * 5) == [2, 2, 1, 3, 0]


def test_list_gives_the_most_frequent_values_to_the_least_loaded_partition() -> None:
    # c 3, a 2, b 2, d 1: c -> 0, a -> 1, b -> 1 (2 < 3), d -> 0 (3 < 4).
    table = text(*"ccbdaabc")
    assert place(Strategy("list", ("k",)), table, node_names(2)).rows == [0, 0, 1, 0, 1, 1, 1, 0]


def test_a_directory_fills_a_new_node_and_empties_one_that_goes() -> None:
    # Rows 12 7 6 5 of keys 1 to 4 on one node; the share of 2 is 15: key 1, then key 4, enough for the 3 missing.
    table = {"k": Column("int", [1] * 12 + [2] * 7 + [3] * 6 + [4] * 5)}
    strategy = Strategy("directory", ("k",))
    before = place(strategy, table, node_names(1))
    homes = dict(zip(table["k"].values, rows_after(strategy, table, before, "add_one", [1] * 30), strict=True))
    assert homes == {1: 1, 2: 0, 3: 0, 4: 1}
    # On two: 12 -> 0, 7 -> 1, 6 -> 1 (13), 5 -> 0 (17). Node 1 goes, all to node 0; replaced, nothing moves.
    before = place(strategy, table, node_names(2))
    assert rows_after(strategy, table, before, "remove_one", [1] * 30) == [0] * 30
    assert rows_after(strategy, table, before, "replace_one", [1] * 30) == before.rows


def test_redis_slots_are_the_published_ones_and_move_as_few_as_they_must() -> None:
    slots = [placements.redis_slot(key, True) for key in (b"foo", b"bar{hash_tag}", b"{user1000}.x", b"")]
    assert slots == [12182, 2515, 3443, 0]
    assert placements.redis_slot(b"foo{}{bar}", True) == placements.redis_slot(b"foo{}{bar}", False)
    before = placements.redis_table(3)
    assert [before.index(node) for node in range(3)] == [0, 5461, 10922]
    after = placements.redis_after(before, node_names(3), node_names(4))
    assert Counter(after) == dict.fromkeys(range(4), 4096)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 4096
    replaced = placements.redis_after(before, node_names(3), ["node-0", "node-1", "node-3"])
    assert replaced == before


def test_a_bucket_is_icebergs() -> None:
    assert place(Strategy("bucket", ("k",)), {"k": Column("int", [34])}, node_names(100)).rows == [79]


def test_composite_numbers_its_partitions_by_the_first_part() -> None:
    table = {"a": Column("int", [0, 1, 2, 3]), "b": Column("int", [2, 2, 1, 3])}
    strategy = composite(Strategy("modulo", ("a",)), Strategy("modulo", ("b",)))
    assert place(strategy, table, node_names(6)).rows == [2, 3 + 2, 1, 3 + 0]  # F = 2 is the largest divisor <= sqrt(6)
    assert place(strategy, table, node_names(7)).rows == [2, 2, 1, 3]  # F = 1


def test_metrics_of_a_case_worked_by_hand() -> None:
    # modulo at n = 2: keys 0 2 4 1 null weigh 1 1 1 4 2, so the loads are 5 (null with them) and 4 of 9.
    table = {"k": Column("int", [0, 2, 4, 1, None]), "w": Column("int", [1, 1, 1, 4, 2])}
    parent = {"id": Column("int", [7, 1, 4])}
    question = Question(
        table,
        Strategy("modulo", ("k",)),
        2,
        weight="w",
        foreign_keys=[ForeignKey("p", ("k",), parent, ("id",))],
        queries=[Query("each", "point", ("k",)), Query("pair", "in_list", ("k",), size=3)],
    )
    found = metrics(question)
    assert found["load_max_over_mean"] == Fraction(10, 9)
    assert found["load_cv"] == pytest.approx(1 / 9, rel=1e-15)
    assert found["load_gini"] == Fraction(1, 18)
    assert found["load_p99_over_p50"] == (Fraction(4) + Fraction(99, 100)) / Fraction(9, 2)
    assert found["effective_parallelism"] == Fraction(81, 82)
    # Shares 4/9, 2/9, 1/9 ...: 2 x 4/9 < 1 and 2 x (2/9 + 1/9) < 1, so the bound is 1.
    assert found["avoidable_skew"] == Fraction(10, 9)
    assert found["sampling_floor_cv"] == pytest.approx(0.5**0.5, rel=1e-15)
    # At n = 3 the keys go to 0 2 1 1 0: 2 (weight 1) and 4 (weight 1) move, 4 from node-0 to node-1.
    assert found["moved_share.add_one"] == Fraction(2, 9)
    assert found["moved_over_optimum.add_one"] == Fraction(2, 3)
    assert found["stray_moves.add_one"] == 1
    assert found["rebalance_minimum_share.add_one"] == Fraction(1, 3)
    assert found["moved_share.remove_one"] == Fraction(4, 9)
    assert found["moved_over_optimum.replace_one"] == Fraction(8, 9)
    assert (found["orphan_rows.p"], found["orphan_values.p"], found["null_rows.p"]) == (2, 2, 1)
    assert found["cross_join_share.p"] == 0
    assert (found["fan_out_mean.each"], found["routed_fan_out_mean.each"]) == (1, 1)
    assert (found["fan_out_mean.pair"], found["fan_out_max.pair"]) == (Fraction(3, 2), 2)  # {0, 1, 2} and {4}


def test_a_join_crosses_where_the_parent_lives_elsewhere() -> None:
    # Children by modulo of a: 0 1 0; parents by modulo of their id at n = 2: 10 -> 0, 11 -> 1.
    table = {"a": Column("int", [0, 1, 2]), "f": Column("int", [10, 10, 11])}
    keys = [ForeignKey("p", ("f",), {"id": Column("int", [11, 10])}, ("id",))]
    found = metrics(Question(table, Strategy("modulo", ("a",)), 2, foreign_keys=keys))
    assert found["cross_join_share.p"] == Fraction(2, 3)
    # Round robin: children 0 1 0; parent 11 is row 0, parent 10 row 1.
    found = metrics(Question(table, Strategy("round_robin"), 2, foreign_keys=keys))
    assert found["cross_join_share.p"] == Fraction(1, 3)


def test_a_range_asks_only_the_parts_that_meet_the_window() -> None:
    table = {"k": Column("int", [0, 1, 5, 6, 11, 12])}
    found = metrics(Question(table, Strategy("range", ("k",)), 3, queries=[Query("window", "range", ("k",), width=4)]))
    # Bounds 5 and 11; windows [0, 4) [4, 8) [8, 12) [12, 16) ask 1, 2, 2 and 1 parts and hold 1 each.
    assert found["routed_fan_out_mean.window"] == Fraction(6, 4)
    assert found["fan_out_mean.window"] == 1


def test_quantiles_and_roots_are_exact() -> None:
    assert quantile([Fraction(1), Fraction(2), Fraction(4)], Fraction(99, 100)) == Fraction(2) + Fraction(98, 100) * 2
    assert root(Fraction(1, 4)) == 0.5
    assert root(Fraction(2)) == 2**0.5
