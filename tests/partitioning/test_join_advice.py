"""What is said about joins: the cheapest way of each, what an update touches, and which tables stay together."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.datasets import open_dataset
from assay.errors import MeasurementError
from assay.experiments.partitioning.aspects.colocation import group_of
from assay.experiments.partitioning.join_notes import notes_on_joins


def define(folder: Path, name: str, table: pa.Table, **foreign_keys: dict[str, str]) -> Path:
    """A table as Parquet with its definition: FK={column: parent's column} refers to the table called FK."""
    pq.write_table(table, folder / f"{name}.parquet")
    lines = [f'name = "{name}"', f'source = {{ path = "{name}.parquet" }}']
    for key, columns in foreign_keys.items():
        lines += [f"[foreign_keys.{key}]", f"columns = {json.dumps(list(columns))}", f'parent = "{key}.toml"']
        lines += [f"parent_columns = {json.dumps(list(columns.values()))}"]
    path = folder / f"{name}.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def compare(data: object, strategy: str, partitions: int = 4, **settings: object) -> dict[str, dict]:
    """The rows of one strategy by metric."""
    found = assay.compare("partitioning", data, strategies=[strategy], partitions=partitions, timing=False, **settings)
    return {row["metric"]: row for row in found.to_arrow().to_pylist()}


# Bytes and updates, by hand


def test_the_three_ways_of_a_small_join_are_those_worked_by_hand(tmp_path: Path) -> None:
    # Parents 0 1 2 live on partitions 0 1 0 of 2, rows on 0 1 0 1 0 by number. Row 1 refers to parent 0, row 4 to 1:
    # these two live elsewhere; row 0 refers to 0, row 3 to 1; row 2 to nobody.
    define(tmp_path, "parent", pa.table({"id": [0, 1, 2], "name": ["ab", "c", None]}))
    child = pa.table({"parent": pa.array([0, 0, None, 1, 1]), "text": ["x", "yy", "zzz", "", "long"]})
    found = compare(define(tmp_path, "child", child, parent={"parent": "id"}), "round_robin", 2, bytes=True)
    value = {metric: row["value"] for metric, row in found.items()}
    assert value["cross_join_share.parent"] == 2 / 4
    assert value["broadcast_bytes.parent"] == (8 + 2) + (8 + 1) + 8
    assert value["repartition_bytes.parent"] == (8 + 2) + (8 + 4)
    assert value["denormalized_bytes.parent"] == 2 * 2 + 2 * 1
    # Parent 2 is referred to by none, and does not count.
    assert (value["update_rows_mean.parent"], value["update_rows_max.parent"]) == (2, 2)
    assert (value["update_partitions_mean.parent"], value["update_partitions_max.parent"]) == (2, 2)
    assert (value["parent_rows.parent"], value["matched_rows.parent"]) == (3, 4)


def test_bytes_are_read_only_where_they_are_asked_for(tmp_path: Path) -> None:
    define(tmp_path, "parent", pa.table({"id": [1], "nested": [[1, 2]]}))
    child = define(tmp_path, "child", pa.table({"parent": [1, 1]}), parent={"parent": "id"})
    assert not [name for name in compare(child, "round_robin") if "bytes." in name]
    found = compare(child, "round_robin", bytes=True)
    for metric in ("broadcast_bytes.parent", "denormalized_bytes.parent"):
        assert found[metric]["value"] is None
        assert 'column "nested" is of type list' in found[metric]["note"]
    assert found["repartition_bytes.parent"]["value"] is not None


def test_updates_of_too_many_parents_say_how_to_measure_them(tmp_path: Path) -> None:
    # 1,000 values on 65,536 partitions are 65,536,000 bits, above 2^25; 512 values are just 2^25.
    parent = define(tmp_path, "parent", pa.table({"id": range(1000)}))
    assert parent.is_file()
    for values, measured in ((1000, False), (512, True)):
        child = define(tmp_path, "child", pa.table({"parent": range(values)}), parent={"parent": "id"})
        found = compare(child, "round_robin", 65_536, actions=[])["update_partitions_mean.parent"]
        assert (found["value"] is not None) == measured
        assert measured or "the query point(parent) has the same fan-out" in found["note"]


def test_a_key_within_the_foreign_key_keeps_an_update_in_one_partition(tmp_path: Path) -> None:
    define(tmp_path, "parent", pa.table({"a": [1, 1], "b": [1, 2]}))
    table = pa.table({"a": [1] * 6, "b": [1, 2] * 3, "c": list("uvwxyz")})
    child = define(tmp_path, "child", table, parent={"a": "a", "b": "b"})
    for strategy in ("hash(a)", "hash(b)", "hash(b, a)"):
        assert compare(child, strategy)["update_partitions_max.parent"]["value"] == 1
    assert compare(child, "round_robin")["update_partitions_max.parent"]["value"] > 1


# Parents


def test_keys_of_a_parent_that_are_null_are_no_duplicates(tmp_path: Path) -> None:
    keys = {"a": pa.array([None, None, 1, 1, None]), "b": ["x", "x", "x", None, None]}
    define(tmp_path, "parent", pa.table(keys))
    table = pa.table({"a": pa.array([1, 1, None, 2]), "b": ["x", None, "x", "x"]})
    found = compare(define(tmp_path, "child", table, parent={"a": "a", "b": "b"}), "hash(b)")
    counts = [found[f"{name}.parent"]["value"] for name in ("matched_rows", "null_rows", "orphan_rows", "parent_rows")]
    assert counts == [1, 2, 1, 5]
    assert found["orphan_values.parent"]["note"] == "most frequent: 2, x (1 row)"


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([None, 7, None, 8, 7, 8], r"2 rows repeat one, first \(7\) in row 4"),
        ([7, 8, 8], r"1 row repeats one, first \(8\) in row 2"),
        ([7, 7, 8], r"1 row repeats one, first \(7\) in row 1"),
    ],
)
def test_the_first_duplicate_of_a_parent_is_named(tmp_path: Path, ids: list[int | None], words: str) -> None:
    define(tmp_path, "parent", pa.table({"id": pa.array(ids, pa.int64())}))
    child = define(tmp_path, "child", pa.table({"parent": [7, 8]}), parent={"parent": "id"})
    with pytest.raises(MeasurementError, match=words):
        compare(child, "round_robin")


# Co-location


def test_lineitem_keeps_parts_and_offers_together_by_the_part() -> None:
    lineitem = open_dataset("tpch(lineitem, scale=0.01)")
    name = "tpch({}, scale=0.01)".format
    assert group_of(lineitem, ("l_orderkey",)) == {
        name("lineitem"): ("l_orderkey",),
        name("orders"): ("o_orderkey",),
    }
    assert group_of(lineitem, ("l_partkey",)) == {
        name("lineitem"): ("l_partkey",),
        name("part"): ("p_partkey",),
        name("partsupp"): ("ps_partkey",),
    }
    assert group_of(lineitem, ("l_partkey", "l_suppkey")) == {
        name("lineitem"): ("l_partkey", "l_suppkey"),
        name("partsupp"): ("ps_partkey", "ps_suppkey"),
    }


def test_a_group_reaches_the_parents_of_parents(tmp_path: Path) -> None:
    # A tenant's rows: item -> order -> customer, each by the tenant and a number of its own.
    table = pa.table({"tenant": [1], "customer": [1], "order": [1], "item": [1]})
    define(tmp_path, "customers", table)
    define(tmp_path, "orders", table, customers={"tenant": "tenant", "customer": "customer"})
    items = define(tmp_path, "items", table, orders={"order": "order", "tenant": "tenant"})
    assert group_of(open_dataset(items), ("tenant",)) == {
        "items": ("tenant",),
        "orders": ("tenant",),
        "customers": ("tenant",),
    }
    assert set(group_of(open_dataset(items), ("order", "tenant"))) == {"items", "orders"}


def test_a_table_that_refers_to_itself_or_to_nothing_known_ends_the_group(tmp_path: Path) -> None:
    table = pa.table({"id": [1], "boss": [1]})
    people = define(tmp_path, "people", table, people={"boss": "id"}, lost={"boss": "id"})
    assert group_of(open_dataset(people), ("boss",)) == {"people": ("boss",), "lost.toml": ("id",)}


# Notes

MEASURED = {
    "cross_join_share.near": 0.0,
    "cross_join_share.small": 0.9,
    "cross_join_share.big": 0.9,
    "matched_rows.small": 1000.0,
    "matched_rows.big": 1000.0,
    "parent_rows.small": 10.0,
    "parent_rows.big": 1000.0,
}
BYTES = {
    "broadcast_bytes.small": 700.0,
    "repartition_bytes.small": 9000.0,
    "denormalized_bytes.small": 8000.0,
    "broadcast_bytes.big": 70_000.0,
    "repartition_bytes.big": 9000.0,
    "denormalized_bytes.big": 20_000.0,
    "update_rows_mean.big": 2.5,
    "update_partitions_mean.big": 1.5,
}


def test_without_bytes_rows_decide_and_the_note_says_so() -> None:
    (note,) = notes_on_joins("hash(k)", 8, MEASURED, {})
    assert note == (
        "Joins under hash(k), each in the cheapest way: near is co-located; small as a reference table (70 rows once, "
        "against 900 rows with each join); big repartitioned (900 rows with each join; 7,000 rows of copies pay from "
        "join 8 on). Rows were counted: --bytes measures what they weigh, and denormalization too."
    )


def test_with_bytes_the_cheapest_of_three_ways_is_named() -> None:
    (note,) = notes_on_joins("hash(k)", 8, MEASURED | BYTES, {})
    assert "small as a reference table (700 B once, against 8.8 KiB with each join)" in note
    assert "big repartitioned (8.8 KiB with each join; copies of the table, 68.4 KiB, pay from join 8 on)" in note
    assert "Rows were counted" not in note
    (note,) = notes_on_joins("hash(k)", 8, MEASURED | BYTES | {"denormalized_bytes.big": 5000.0}, {})
    assert "big denormalized (4.9 KiB once, against 8.8 KiB with each join, or 68.4 KiB for copies" in note
    assert "touches 2.50 rows in 1.50 partitions, half stale if it stops half-way" in note


def test_without_joins_there_is_nothing_to_say() -> None:
    assert notes_on_joins("hash(k)", 8, {"load_cv": 0.1}, {}) == []
    assert notes_on_joins("hash(k)", 8, {"cross_join_share.near": 0.0, "cross_join_share.none": None}, {}) == []


def test_the_answer_on_flights_proposes_the_groups_and_the_reference_tables() -> None:
    found = assay.compare(
        "partitioning", "flights", strategies=["hash(tailnum)"], partitions=8, queries={}, timing=False
    )
    joins, groups = found.answers[0]["notes"][-2:]
    assert "planes is co-located; airports as a reference table (10,206 rows once" in joins
    assert "flights by tailnum with planes by tailnum; flights by dest with airports by faa" in groups
    assert "flights by origin with airports by faa with weather by origin" in groups
