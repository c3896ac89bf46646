"""vertical: columns on servers of their own, against a recomputation in plain Python and a case by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import assay
from assay.errors import AssayError, ParameterError, SpellingError, UnknownNameError, UnsupportedTypeError
from assay.experiments.partitioning.strategies import parse_strategy
from assay.experiments.partitioning.vertical import group_bytes, place

# Bytes: id 8 each, city 5 + 6 + 0 (null) = 11, note 30 + 0 + 3 = 33, flag 1 each. Three rows.
TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "city": ["Paris", "Berlin", None],
        "note": ["x" * 30, "", "abc"],
        "flag": [True, False, True],
    }
)


def measured(strategy: str, partitions: int, table: pa.Table = TABLE, **options: Any) -> dict[str, Any]:
    comparison = assay.compare(
        "partitioning", table, strategies=[strategy], partitions=partitions, timing=False, **options
    )
    return {row["metric"]: row["value"] for row in comparison.to_arrow().to_pylist()}


def test_a_case_by_hand() -> None:
    # Groups with the row's number (8 bytes a row, 24 a group): [id, city] 24 + 11 + 24 = 59, [note] 33 + 24 = 57,
    # what is left, [flag], 3 + 24 = 27. Largest first on two nodes: 59 to node 0,
    # 57 and then 27 to node 1, which holds 84.
    found = measured("vertical([id, city], [note])", 2, queries={"by_id": "point(id)"})
    assert found["load_max_over_mean"] == 84 * 2 / 143 and found["load_min_over_mean"] == 59 * 2 / 143
    assert found["bytes_max_over_mean"] == found["load_max_over_mean"]
    assert found["avoidable_skew"] == found["load_max_over_mean"] / (2 * (57 + 27) / 143)  # two groups share a node
    assert found["empty_partitions"] == 0 and found["sampling_floor_cv"] is None
    assert found["routing_bytes"] == len("idcitynoteflag") + 4 * 4
    # On three nodes each group has its own, so the 27 bytes of [flag] move to the new one.
    assert found["moved_share.add_one"] == 27 / 143 and found["stray_moves.add_one"] == 0
    # On one node all 59 bytes of node 0 stay and the 84 of node 1 move.
    assert found["moved_share.remove_one"] == 84 / 143
    # note ten times as large: 59 against 330 + 24 + 27 = 381.
    assert found["column_growth_load_max_over_mean"] == 381 * 2 / 440


def test_a_carried_key_instead_of_the_rows_number() -> None:
    # id is carried by [note] and [city, flag]: 33 + 24, 11 + 3 + 24; its own group is [id], 24.
    found = measured("vertical([note], [id], key=id)", 3)
    assert found["load_max_over_mean"] == 57 * 3 / (57 + 38 + 24)
    assert found == measured("vertical(groups=[[note], [id]], key=id)", 3)


@pytest.mark.parametrize(
    ("query", "fan_out", "bytes_read", "reassembled"),
    [
        ("point(id)", 1, 59, 0),
        ("point(id, columns=[city])", 1, 59, 0),
        ("point(id, columns=[note])", 2, 59 + 57, 1),
        ("point(note, columns=[flag])", 1, 57 + 27, 1),  # two groups, both on node 1
        ("point(id, columns=[city, note, flag])", 2, 143, 1),
        ("range(id, width=2, columns=[flag])", 2, 59 + 27, 1),
    ],
)
def test_a_query_reads_the_groups_that_hold_its_columns(
    query: str, fan_out: int, bytes_read: int, reassembled: int
) -> None:
    found = measured("vertical([id, city], [note])", 2, queries={"q": query})
    assert found["fan_out_mean.q"] == found["fan_out_max.q"] == found["routed_fan_out_mean.q"] == fan_out
    assert (found["bytes_read.q"], found["rows_reassembled_share.q"]) == (bytes_read, reassembled)


def test_a_query_for_the_carried_key_alone_reads_the_smallest_group() -> None:
    found = measured("vertical([note], [city], [flag], key=id)", 4, queries={"q": "point(id)"})
    assert found["bytes_read.q"] == 24 and found["rows_reassembled_share.q"] == 0  # [id] is left over: 24 bytes


def test_with_fewer_groups_than_nodes_the_others_hold_nothing_and_the_answer_says_so() -> None:
    comparison = assay.compare(
        "partitioning", TABLE, strategies=["vertical([id, city], [note, flag])"], partitions=5, timing=False
    )
    found = {row["metric"]: row["value"] for row in comparison.to_arrow().to_pylist()}
    assert found["empty_partitions"] == 3
    assert "3 of the nodes hold no column" in str(
        comparison.to_json() if hasattr(comparison, "to_json") else comparison
    )


def test_it_stands_beside_strategies_of_rows_without_changing_their_numbers() -> None:
    table = pa.table({"a": range(100), "b": [f"{n}" for n in range(100)]})
    rows = ["hash(a)", "round_robin", "range(a)"]
    alone = assay.compare("partitioning", table, strategies=rows, partitions=4, timing=False)
    beside = assay.compare("partitioning", table, strategies=[*rows, "vertical([a], [b])"], partitions=4, timing=False)

    def numbers(comparison: Any) -> list[tuple[str, str, float | None]]:
        found = comparison.to_arrow().to_pylist()
        return [(one["contender"], one["metric"], one["value"]) for one in found if "vertical" not in one["contender"]]

    assert numbers(alone) == numbers(beside)


@pytest.mark.parametrize(
    ("strategy", "error", "message"),
    [
        ("vertical", SpellingError, r"expected lists of columns where nothing stands: vertical\(\[a, b\], \[c\]\)"),
        ("vertical(id)", SpellingError, "where 'id' stands"),
        ("vertical([id], note)", SpellingError, "where 'note' stands"),
        ("vertical(hash(id))", SpellingError, r"where hash\(id\) stands"),
        ("vertical([id], groups=[[note]])", SpellingError, "names groups in two ways"),
        ("vertical([id], [])", ParameterError, "a group is empty"),
        ("vertical([id], [city, id])", ParameterError, "column 'id' is named twice"),
        ("vertical([id, id])", ParameterError, "column 'id' is named twice"),
        ("vertical([idd])", UnknownNameError, 'did you mean "id"'),
        ("vertical([id], key=nte)", UnknownNameError, 'did you mean "note"'),
        ("vertical([1])", SpellingError, "expected a column where 1 stands"),
        ("vertical([[id]])", SpellingError, r"expected a column where \['id'\] stands"),
        ("vertical([id], keys=id)", UnknownNameError, 'did you mean "key"'),
        ("composite(vertical([id]), hash(id))", SpellingError, "no part of a composite"),
        ("vertical([id", SpellingError, "at its end"),
    ],
)
def test_a_mistake_is_refused_with_the_way_out(strategy: str, error: type[AssayError], message: str) -> None:
    with pytest.raises(error, match=message):
        parse_strategy(strategy, TABLE.schema)


def test_nested_columns_and_exports_are_refused() -> None:
    lists = pa.table({"a": [1], "l": [[1, 2]]})
    with pytest.raises(UnsupportedTypeError, match=r"column \"l\" is of type list"):
        parse_strategy("vertical([l], [a])", lists.schema)
    with pytest.raises(ParameterError, match="splits columns, not rows"):
        assay.export(TABLE, target="duckdb", strategy="vertical([id])", partitions=2, table="t")


def naive_bytes(values: list[Any], data_type: pa.DataType) -> int:
    if pa.types.is_string(data_type):
        return sum(len(value.encode()) for value in values if value is not None)
    return sum(data_type.bit_width // 8 if data_type != pa.bool_() else 1 for value in values if value is not None)


def naive_place(sizes: list[int], nodes: int) -> list[int]:
    loads, found = [0] * nodes, [0] * len(sizes)
    for size, group in sorted(((size, group) for group, size in enumerate(sizes)), key=lambda one: (-one[0], one[1])):
        found[group] = loads.index(min(loads))
        loads[found[group]] += size
    return found


@given(st.lists(st.integers(0, 20), max_size=12), st.integers(1, 6))
def test_placement_is_largest_first_on_the_least_loaded_node(sizes: list[int], nodes: int) -> None:
    assert place(sizes, nodes) == naive_place(sizes, nodes)


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=12), st.integers(1, 5))
def test_no_node_holds_more_than_the_mean_and_all_but_a_share_of_the_largest_group(
    sizes: list[int], nodes: int
) -> None:
    # Graham 1966: the last group to land on the fullest node landed where the load was at most the mean of the others.
    loads = [0] * nodes
    for size, node in zip(sizes, place(sizes, nodes), strict=True):
        loads[node] += size
    assert max(loads) * nodes <= sum(sizes) + max(sizes) * (nodes - 1)


@settings(max_examples=15, deadline=None)
@given(st.data())
def test_every_number_of_a_random_table_equals_the_recomputation(data: Any) -> None:
    rows = data.draw(st.integers(1, 30), "rows")
    kinds = {"i": pa.int32(), "l": pa.int64(), "t": pa.string(), "f": pa.float64(), "b": pa.bool_()}
    random = np.random.default_rng(data.draw(st.integers(0, 1000), "seed"))
    values = {
        "i": [None if random.random() < 0.2 else int(random.integers(0, 9)) for _ in range(rows)],
        "l": [int(random.integers(0, 9)) for _ in range(rows)],
        "t": [None if random.random() < 0.2 else "é" * int(random.integers(0, 9)) for _ in range(rows)],
        "f": [float(random.random()) for _ in range(rows)],
        "b": [bool(random.integers(0, 2)) for _ in range(rows)],
    }
    table = pa.table({name: pa.array(values[name], kind) for name, kind in kinds.items()})
    names = data.draw(st.permutations(list(kinds)), "order")
    cuts = sorted(data.draw(st.sets(st.integers(1, 4), min_size=1, max_size=3), "cuts"))
    groups = [tuple(names[a:b]) for a, b in zip([0, *cuts], [*cuts, 5], strict=True)]
    key = data.draw(st.sampled_from([None, *kinds]), "key")
    n = data.draw(st.integers(1, 5), "partitions")
    lists = ", ".join(f"[{', '.join(group)}]" for group in groups)
    found = measured(
        f"vertical({lists}{f', key={key}' if key else ''})", n, table, queries={"q": "point(l, columns=[t])"}
    )
    sizes = {name: naive_bytes(values[name], kind) for name, kind in kinds.items()}
    wanted = []
    for group in groups:
        carried = 8 * rows if key is None else 0 if key in group else sizes[key]
        wanted.append(sum(sizes[name] for name in group) + carried)
    assert wanted == group_bytes(groups, sizes, rows, key)
    nodes = naive_place(wanted, n)
    loads = [sum(size for size, node in zip(wanted, nodes, strict=True) if node == one) for one in range(n)]
    assert found["load_max_over_mean"] == max(loads) * n / sum(loads)
    assert found["empty_partitions"] == loads.count(0)
    needed = [number for number, group in enumerate(groups) if {"l", "t"} & set(group) - {key}]
    assert found["bytes_read.q"] == sum(wanted[number] for number in needed)
    assert found["rows_reassembled_share.q"] == (len(needed) > 1)
    assert found["fan_out_mean.q"] == len({nodes[number] for number in needed})
