"""Advice over keys, strategies and numbers of partitions, on tables whose right advice is known by construction."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay
from assay.errors import AssayError, EmptyInputError, ParameterError, SuiteError, UnknownNameError
from assay.experiments.pareto import pareto
from assay.harness import load_suite
from assay.store import Store
from assay.units import parse_bytes

ROWS = 20_000


def tenants(**more):
    """20,000 rows of 2,000 equal tenants, each row also of one of 3 regions, of which one has half of the rows."""
    rows = np.arange(ROWS)
    return pa.table(
        {
            "tenant_id": rows * 7 % 2_000,
            "region": np.where(rows % 2 == 0, "eu", np.where(rows % 4 == 1, "us", "asia")),
            "amount": rows / 3,
            **more,
        }
    )


def advised(table, **settings):
    return assay.compare("partitioning", table, advise=True, **settings)


def candidates(found, **parameters):
    return [one for one in found.advice["candidates"] if parameters.items() <= one["parameters"].items()]


def test_the_even_key_is_found_and_coarse_and_wrong_columns_are_rejected_with_reasons():
    found = advised(tenants(), partitions=8)
    assert found.answer.startswith("Partition table by tenant_id with ")
    assert " on 8 partitions: the fullest holds " in found.answer
    keys = {key["name"]: (key["tried"], key["words"]) for key in found.advice["keys"]}
    assert keys["tenant_id"] == (True, "2,000 values, heaviest 0.05 %")
    assert keys["region"] == (False, "3 values, heaviest 50 %: cannot fill 8 partitions")
    assert keys["amount"][0] is False and "double" in keys["amount"][1]


def test_a_hot_key_is_rejected_by_what_it_forces():
    hot = np.where(np.arange(ROWS) % 4 == 0, 1, np.arange(ROWS))
    found = advised(tenants(hot_id=hot), partitions=8)
    words = {key["name"]: key["words"] for key in found.advice["keys"] if not key["tried"]}
    assert words["hot_id"].endswith("heaviest 25 %: cannot fill 8 partitions evenly (2.00 × the mean at best)")


def test_a_column_of_nulls_is_rejected():
    gaps = pa.array([None if row % 5 == 0 else row for row in range(ROWS)])
    found = advised(tenants(order_id=gaps), partitions=4)
    words = {key["name"]: key["words"] for key in found.advice["keys"]}
    assert words["order_id"] == "null in 20 % of rows, which would all live in partition 0"


def test_a_key_too_coarse_alone_is_tried_with_the_finest():
    # 40 shops: even on 4 partitions, too coarse for 64; with their tenants they are 20,000 keys.
    found = advised(tenants(shop_id=np.arange(ROWS) // 500), partitions=[4, 64])
    tried = [key["name"] for key in found.advice["keys"] if key["tried"]]
    assert "shop_id, tenant_id" in tried
    assert any(one["contender"] == "hash(shop_id,tenant_id)" for one in found.advice["candidates"])


def test_no_more_than_six_keys_are_tried():
    many = {f"k{i}_id": np.arange(ROWS) * (i + 1) % 5_003 for i in range(12)}
    found = advised(pa.table(many), partitions=4)
    keys = found.advice["keys"]
    assert sum(key["tried"] for key in keys) == 6
    assert len(keys) == 12
    assert all("others come first" in key["words"] for key in keys if not key["tried"])


def test_odd_names_are_spelled_as_a_strategy_spells_them():
    odd = tenants().rename_columns(['user, "id"', "region", "amount"])
    found = advised(odd, partitions=8)
    assert found.answer.startswith('Partition table by "user, ""id""" with ')
    assert [key["name"] for key in found.advice["keys"] if key["tried"]] == ['"user, ""id"""']
    again = assay.compare("partitioning", odd, strategies=[found.best()], partitions=8, timing=False)
    assert not again.failures


def test_the_users_key_is_the_only_one_tried():
    found = advised(tenants(), key="region", partitions=2)
    assert {key["name"] for key in found.advice["keys"]} == {"region"}
    assert {one["contender"] for one in found.advice["candidates"]} >= {"hash(region)", "list(region)", "range(region)"}
    with pytest.raises(UnknownNameError, match="regio"):
        advised(tenants(), key="regio")


def test_strategies_that_are_named_are_the_only_candidates():
    found = advised(tenants(), strategies=["hash(tenant_id)", "round_robin"], partitions=[4, 8])
    assert {(one["contender"], one["parameters"]["partitions"]) for one in found.advice["candidates"]} == {
        (name, n) for name in ("hash(tenant_id)", "round_robin") for n in (4, 8)
    }


def test_the_fewest_partitions_that_keep_to_every_limit_win():
    # int64 + text of 2 or 4 letters (eu, us, asia: 2.5 on average) + float64: 18.5 bytes a row, 370,000 in all.
    found = advised(tenants(), partition_bytes_max=100_000, bytes=True)
    # 3 partitions would hold 123,333 bytes each, 4 hold 92,500 if they are even.
    assert min(one["parameters"]["partitions"] for one in found.advice["candidates"]) == 4
    best = next(one for one in found.advice["candidates"] if one["best"])
    assert best["parameters"]["partitions"] == found.advice["parameters"]["partitions"]
    assert best["criteria"]["bytes_max"] <= 100_000
    for one in candidates(found):
        if one["parameters"]["partitions"] < best["parameters"]["partitions"]:
            assert one["broken"], one


def test_measured_bytes_are_those_of_a_plain_recount():
    table = tenants()
    found = assay.compare(
        "partitioning", table, strategies=["modulo(tenant_id)"], partitions=4, bytes=True, timing=False
    )
    sizes = [0] * 4
    for row in table.to_pylist():
        sizes[row["tenant_id"] % 4] += 8 + len(row["region"].encode()) + 8
    (value,) = [row["value"] for row in found.to_arrow().to_pylist() if row["metric"] == "bytes_max"]
    assert value == max(sizes)


@pytest.mark.parametrize("weight", [None, "tenant_id"])
def test_estimated_bytes_are_the_rows_of_the_fullest_times_the_mean_of_a_row(weight):
    table = tenants()
    found = assay.compare(
        "partitioning",
        table,
        strategies=["modulo(tenant_id)", "round_robin"],
        partitions=3,
        partition_bytes_max="1MiB",
        weight=weight,
        timing=False,
    )
    mean = sum(8 + len(row["region"]) + 8 for row in table.to_pylist()) / ROWS
    rows = [0] * 3
    for key in table["tenant_id"].to_pylist():
        rows[key % 3] += 1
    values = {row["contender"]: row for row in found.to_arrow().to_pylist() if row["metric"] == "bytes_max_estimated"}
    assert values["modulo(tenant_id)"]["value"] == pytest.approx(max(rows) * mean)
    assert values["round_robin"]["value"] == pytest.approx(-(-ROWS // 3) * mean)
    one = values["round_robin"]
    assert one["kind"] == "estimated" and one["low"] <= one["value"] <= one["high"]
    assert "bytes a row, from the data of all rows" in one["note"]


def test_a_sample_of_a_long_table_bounds_the_bytes_of_a_row(tmp_path):
    rows = 600_000
    lengths = np.arange(rows) % 50
    text = pa.array(["x" * int(length) for length in lengths])
    pq.write_table(pa.table({"id": np.arange(rows), "text": text}), tmp_path / "t.parquet", row_group_size=50_000)
    found = assay.compare(
        "partitioning",
        tmp_path / "t.parquet",
        strategies=["round_robin"],
        partitions=2,
        partition_bytes_max="1GiB",
        actions=[],
        timing=False,
    )
    (one,) = [row for row in found.to_arrow().to_pylist() if row["metric"] == "bytes_max_estimated"]
    truth = rows / 2 * (8 + 24.5)
    assert one["low"] <= truth <= one["high"]
    assert one["high"] - one["low"] < 0.01 * truth
    assert "a sample of" in one["note"]


def test_the_least_number_of_partitions_follows_from_the_movement_allowed():
    # A node more moves 1/(n + 1) of equal shares: at most 5 % from n = 19 on; 24 is the next step.
    found = advised(tenants(), moved_max=0.05)
    assert sorted({one["parameters"]["partitions"] for one in found.advice["candidates"]}) == [24, 32, 48, 64, 96]
    best = next(one for one in found.advice["candidates"] if one["best"])
    assert best["criteria"]["moved_share.add_one"] <= 0.05


def test_the_pareto_set_is_that_of_the_candidates_that_meet_every_limit_and_holds_the_best():
    found = advised(tenants(order_id=np.arange(ROWS)), partitions=[4, 8])
    usable = {
        (one["contender"], one["parameters"]["partitions"]): one
        for one in found.advice["candidates"]
        if not one["broken"]
    }
    points = {
        name: (
            name[1],
            one["criteria"].get("cross_join_share") or 0.0,
            one["criteria"]["moved_over_optimum.add_one"],
            one["criteria"]["load_max_over_mean"],
        )
        for name, one in usable.items()
    }
    assert {name for name, one in usable.items() if one["pareto"]} == set(pareto(points))
    assert not any(one["pareto"] for one in found.advice["candidates"] if one["broken"])
    (best,) = [one for one in found.advice["candidates"] if one["best"]]
    assert best["pareto"] and best["lost"] is None
    assert min(points, key=lambda name: (*points[name], name[0])) == (
        best["contender"],
        best["parameters"]["partitions"],
    )
    assert all(one["lost"] for one in found.advice["candidates"] if not one["best"])


def test_when_nothing_meets_the_limits_the_worst_limit_and_the_nearest_are_named():
    found = advised(tenants(), partitions=[8], moved_max=0.01)
    assert found.best() is None
    assert found.answer.startswith("None of the ")
    assert "that a node more moves at most 1 % of the data (moved_max) excludes most" in found.answer
    assert "the nearest is " in found.answer
    kept = {limit["name"]: limit["excluded"] for limit in found.advice["limits"]}
    assert kept["moved_max"] == len(found.advice["candidates"]) == max(kept.values())


def test_a_structure_of_the_keys_is_the_first_thing_said():
    keys = np.array([(i >> 3 << 5) | (i & 7) for i in range(1, ROWS + 1)])
    found = advised(pa.table({"order_key": keys}), partitions=64)
    (finding,) = found.advice["findings"]
    assert finding.startswith("modulo(order_key) leaves 48 of 64 partitions empty: only 16 of the 64 remainders")
    assert found.answer.split(". ")[1].startswith("modulo(order_key)")


def test_a_close_call_names_the_limit_that_would_choose_otherwise(tmp_path):
    # Joins with the parent cross as much, but for chance, whichever way; hashing moves almost all, jump little.
    generator = np.random.default_rng(3)
    rows = pa.table({"a_id": generator.integers(0, 4_000, ROWS), "b_id": generator.integers(0, 4_000, ROWS)})
    pq.write_table(rows, tmp_path / "child.parquet")
    pq.write_table(pa.table({"a_id": np.arange(4_000)}), tmp_path / "parent.parquet")
    (tmp_path / "parent.toml").write_text('name = "parent"\nsource = { path = "parent.parquet" }\n', encoding="utf-8")
    (tmp_path / "child.toml").write_text(
        'name = "child"\nsource = { path = "child.parquet" }\n[foreign_keys.parent]\ncolumns = ["a_id"]\n',
        encoding="utf-8",
    )
    found = advised(tmp_path / "child.toml", strategies=["hash(b_id)", "jump(b_id)"], partitions=16, skew_max=2)
    shares = {one["contender"]: one["criteria"]["cross_join_share"] for one in found.advice["candidates"]}
    close = [note for note in found.advice["notes"] if note.startswith("Close: jump(b_id)")]
    assert bool(close) == (found.best() == "hash(b_id)") == (shares["hash(b_id)"] < shares["jump(b_id)"])
    again = advised(
        tmp_path / "child.toml", strategies=["hash(b_id)", "jump(b_id)"], partitions=16, skew_max=2, moved_max=0.1
    )
    assert again.best() == "jump(b_id)"


def test_a_range_of_the_time_is_told_to_take_all_that_is_new_and_a_limit_chooses_otherwise():
    # Rows come in the order of their time: learned before the newest tenth, a range puts all of it into its last part.
    rows = np.arange(ROWS)
    table = pa.table({"tenant_id": rows * 7 % 2_000, "at": pa.array(rows, pa.timestamp("s"))})
    found = advised(table, partitions=8)
    assert found.best() == "range(at)"
    best = next(one for one in found.advice["candidates"] if one["best"])
    assert best["criteria"]["growth_load_max_over_mean"] == 8
    (note,) = [note for note in found.advice["notes"] if "growth_skew_max" in note]
    assert note.startswith("Growth: ") and "range(at) loads one partition with 8.00 × the mean of that tenth" in note
    limited = advised(table, partitions=8, growth_skew_max=2)
    assert f"would choose {limited.best()} on 8 partitions" in note
    out = {one["contender"]: one["broken"] for one in limited.advice["candidates"]}
    assert out["range(at)"] == {
        "growth_skew_max": "the newest tenth of the rows loads one partition with 8.00 × its mean"
    }


def test_queries_of_the_dataset_are_measured_only_where_their_fan_out_is_limited():
    queries = {"by_region": "point(region)"}
    table = tenants()
    free = advised(table, strategies=["hash(tenant_id)", "hash(region)"], partitions=2)
    assert not [row for row in free.to_arrow().to_pylist() if row["metric"].startswith("fan_out")]
    # Both partitions hold rows of every region unless the region is the key, which is 2 of 3 regions' half at best.
    found = advised(
        table, strategies=["hash(tenant_id)", "hash(region)"], partitions=2, queries=queries, fan_out_max=1, skew_max=2
    )
    broken = {one["contender"]: one["broken"] for one in found.advice["candidates"]}
    assert broken["hash(tenant_id)"] == {"fan_out_max": "a query asks 2.00 partitions"}
    assert "fan_out_max" not in broken["hash(region)"]


def test_limits_hold_for_a_plain_comparison_too():
    settings = {"strategies": ["hash(tenant_id)", "jump(tenant_id)"], "partitions": 8, "timing": False}
    found = assay.compare("partitioning", tenants(), moved_max=0.2, **settings)
    assert found.best() == "jump(tenant_id)"
    assert found.answers[0]["dropped"]["hash(tenant_id)"].startswith("a node more moves 8")
    assert "move more than 20 % when a node is added" in found.answers[0]["rule"]
    strict = assay.compare("partitioning", tenants(), skew_max=1, **settings)
    assert strict.best() is None
    assert found.advice is None
    with pytest.raises((ParameterError, SuiteError), match="growth_skew_max is 2, but no time is named"):
        assay.compare("partitioning", tenants(), growth_skew_max=2, **settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"skew_max": 0.5}, "skew_max is 0.5; expected at least 1|greater than or equal to 1"),
        ({"moved_max": 0}, "moved_max"),
        ({"moved_max": 1.5}, "moved_max"),
        ({"moved_max": 0.1, "actions": ["double"]}, "the action add_one, which it limits, is not among the actions"),
        ({"partition_bytes_max": "much"}, "partition_bytes_max: 'much' is no number of bytes; expected such as 1GiB"),
        ({"partition_bytes_max": "0KiB"}, "expected at least 1"),
        ({"partition_bytes_max": 1}, "need 370,000 partitions; expected at most 65,536"),
        ({"fan_out_max": 2}, "there is no query whose fan-out it could limit"),
        ({"bytes_max": 2}, 'no setting of partitioning "bytes_max"'),
        ({"growth_skew_max": 2}, "has no column of times or dates by which growth could be replayed"),
        ({"moved_max": 0.00001}, "even the best strategy needs 99,999 partitions"),
    ],
)
def test_a_limit_that_cannot_be_is_refused_in_words(settings, words):
    with pytest.raises((ParameterError, SuiteError), match=words):
        advised(tenants(), **settings)


def test_a_table_without_a_key_is_told_why():
    with pytest.raises(EmptyInputError, match=r"has no column that can be a key \(x: double"):
        advised(pa.table({"x": [0.5] * 100}))


def test_an_empty_table_is_told_so():
    with pytest.raises(AssayError, match="has no rows"):
        advised(pa.table({"x": pa.array([], pa.int64())}))


def test_bytes_are_read_as_people_write_them():
    assert [parse_bytes(text) for text in ("1GiB", "1.5 MB", "64k", "7", 12)] == [2**30, 1_500_000, 65_536, 7, 12]
    for text in ("", "GiB", "-1", "1 XiB", True, "0"):
        with pytest.raises(ValueError, match="bytes"):
            parse_bytes(text)


def test_nothing_is_timed_unless_asked_for():
    quick = advised(tenants(), strategies=["hash(tenant_id)"], partitions=2)
    assert not [row for row in quick.to_arrow().to_pylist() if row["kind"] == "timed"]


def test_an_advice_from_a_suite_is_kept_resumed_and_exported(tmp_path):
    pq.write_table(tenants(), tmp_path / "t.parquet")
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'name = "advice"\n[[experiment]]\nkind = "partitioning"\ndataset = "t.parquet"\nadvise = true\n'
        'partition_bytes_max = "100KB"\n',
        encoding="utf-8",
    )
    loaded = load_suite(suite)
    ids = [cell.cell_id for cell in loaded.experiments[0].cells]
    assert ids == [cell.cell_id for cell in load_suite(suite).experiments[0].cells], (
        "a resumed run plans the same cells"
    )
    store = tmp_path / "store.duckdb"
    found = assay.run(suite, store=store, timing=False)
    assert found.exit_code == 0
    assert found.advice["best"] == found.best()
    with Store.read_only(store) as kept:
        (answers,) = kept.query("SELECT answers::VARCHAR AS a FROM experiment").to_pylist()
    assert json.loads(answers["a"])[0]["advice"]["candidates"]
    layout = assay.export(str(tmp_path / "t.parquet"), target="duckdb", store=store)
    assert len(layout.predicted) == found.advice["parameters"]["partitions"]
