"""Query logs in comparisons: the advice they change, what they assume, and where they end."""

from __future__ import annotations

import gzip
import importlib.util
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.datasets import open_dataset
from assay.errors import EmptyInputError, ReadError, SuiteError, UnknownNameError, UsageError
from assay.experiments.partitioning import EXPERIMENT
from assay.experiments.partitioning.cells import Spans
from assay.experiments.partitioning.settings import PartitioningSettings

ROOT = Path(__file__).resolve().parents[2]
LOG = ROOT / "bench" / "flights_queries.sql.gz"
STRATEGIES = ["jump(tailnum)", "list(dest)"]


def compare(data: object, strategies: list[str], **settings: Any) -> assay.Results:
    return assay.compare("partitioning", data, strategies=strategies, timing=False, **settings)


def numbers(results: assay.Results, contender: str) -> dict[str, Any]:
    return {row["metric"]: row["value"] for row in results.to_arrow().to_pylist() if row["contender"] == contender}


@pytest.fixture(scope="module")
def with_the_log() -> assay.Results:
    return compare("flights", STRATEGIES, workload=str(LOG), bytes=True, actions=["add_one"])


def test_the_recorded_log_is_what_its_script_writes() -> None:
    spec = importlib.util.spec_from_file_location("flights_queries", ROOT / "scripts" / "flights_queries.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    lines = module.log()
    assert gzip.decompress(LOG.read_bytes()).decode() == "\n".join(lines) + "\n"
    assert sum(line not in ("BEGIN;", "COMMIT;") for line in lines) == 10_000


def test_a_log_of_ten_thousand_statements_changes_the_advice(with_the_log: assay.Results) -> None:
    alone = compare("flights", STRATEGIES, actions=["add_one"])
    assert (alone.best(), with_the_log.best()) == ("jump(tailnum)", "list(dest)")
    notes = with_the_log.answers[0]["notes"]
    assert notes[0] == (
        "The log changes the advice: without it, jump(tailnum). Its joins are airports 90 %, planes 10 %; never "
        "airlines, origin_airports and weather; of them 9 % cross partitions under list(dest), 78 % under "
        "jump(tailnum)."
    )
    assert (
        "9,894 of 10,000 statements of flights_queries.sql.gz ask flights; left out: 106 about other tables." in notes
    )
    assert "each as often as the log joins by it" in with_the_log.answers[0]["rule"]
    assert "of joins with planes cross partitions" in with_the_log.answers[0]["sentence"]


def test_joins_weigh_in_the_answer_as_often_as_they_are_made(with_the_log: assay.Results) -> None:
    found = numbers(with_the_log, "list(dest)")
    assert {name: found[f"join_statements.{name}"] for name in ("airports", "planes", "weather")} == {
        "airports": 7837,
        "planes": 871,
        "weather": 0,
    }
    counted = [value for name, value in found.items() if name.startswith("query_statements.")]
    assert sum(counted) == found["workload_statements"] == 9894


def test_where_the_advice_stays_the_note_says_so() -> None:
    table = pa.table({"k": list(range(100)), "v": [n % 7 for n in range(100)]})
    log = pa.table({"template": ["point(k)", "point(k)"], "parameters": ["[1]", "[2]"], "frequency": [3, 5]})
    results = compare(table, ["hash(k)", "round_robin"], workload=log, partitions=4)
    assert not any("without it" in note for note in results.answers[0]["notes"])
    assert "8 of 8 statements of workload ask table; none was left out." in results.answers[0]["notes"]


def test_a_log_without_joins_leaves_joins_out_of_the_order(tmp_path: Path) -> None:
    path = tmp_path / "queries.sql"
    path.write_text("SELECT * FROM flights WHERE tailnum = 'N14228';", encoding="utf-8")
    results = compare("flights", STRATEGIES, workload=str(path), actions=["add_one"])
    assert "The log joins no parent: cross-partition joins play no part in the order." in results.answers[0]["notes"]
    assert results.best() == "jump(tailnum)"  # by movement


def test_values_that_the_log_does_not_tell_are_those_of_declared_queries(tmp_path: Path) -> None:
    path = tmp_path / "statements.csv"
    path.write_text(
        "query,calls\n"
        "SELECT tailnum FROM flights WHERE tailnum = $1,7\n"
        '"SELECT dest FROM flights WHERE dest IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",3\n'
        "SELECT count(*) FROM flights WHERE time_hour BETWEEN $1 AND $2,2\n",
        encoding="utf-8",
    )
    logged = compare("flights", STRATEGIES, workload=str(path), bytes=True, actions=[], foreign_keys=[])
    declared = compare("flights", STRATEGIES, bytes=True, actions=[], foreign_keys=[])
    names = {"point_tailnum": "by_plane", "in_list_dest": "ten", "range_time_hour": "day"}
    often = {"point_tailnum": 7, "in_list_dest": 3, "range_time_hour": 2}
    for contender in STRATEGIES:
        mine, theirs = numbers(logged, contender), numbers(declared, contender)
        for metric in ("fan_out_mean", "fan_out_max", "routed_fan_out_mean", "bytes_read", "pruned_bytes_share"):
            for own, other in names.items():
                assert mine[f"{metric}.{own}"] == theirs[f"{metric}.{other}"], (contender, metric, own)
        mean = sum(theirs[f"fan_out_mean.{other}"] * often[own] for own, other in names.items()) / 12
        assert mine["workload_fan_out_mean"] == pytest.approx(mean, rel=1e-12)
        assert mine["distributed_transaction_share"] is None
    assert any("every distinct value counts alike" in note for note in logged.answers[0]["notes"])


def test_a_value_leads_both_parts_of_a_composite_that_go_by_one_column() -> None:
    # k = 0 lives in 0 · 2 + 0, k = 3 in 1 · 2 + 1: two partitions, where {0, 1} times {0, 1} would be four.
    table = pa.table({"k": [0, 1, 2, 3]})
    log = pa.table({"template": ["SELECT k FROM t WHERE k IN (0, 3)"]})
    name = "composite(modulo(k),modulo(k),first=2)"
    found = numbers(compare(open_dataset(table, name="t"), [name], workload=log, partitions=4), name)
    assert found["routed_fan_out_mean.in_list_k"] == found["fan_out_mean.in_list_k"] == 2


def test_a_log_is_asked_of_columns_on_servers_of_their_own() -> None:
    # A row has 8 + 8 + 2 bytes in [id, city] (the number that all carry, the id, a text of 2), and 8 + 5 in [note].
    table = pa.table({"id": [1, 2, 3, 4], "city": ["aa", "bb", "aa", "cc"], "note": ["xxxxx"] * 4})
    log = pa.table(
        {
            "template": [
                "SELECT id FROM t WHERE city = 'aa'",  # two rows, one server
                "SELECT note FROM t WHERE city = 'aa'",  # two rows, from both
                "SELECT note FROM t WHERE city = 'bb'",  # one row, from both
                "INSERT INTO t (id, city, note) VALUES (5, 'aa', 'y')",
                "SELECT count(*) FROM t WHERE note = 'zzzzz'",  # no row, one server
            ],
            "frequency": [3, 1, 4, 2, 1],
        }
    )
    name = "vertical([id,city],[note])"
    found = numbers(compare(open_dataset(table, name="t"), [name], workload=log, partitions=2), name)
    assert found["query_statements.point_city"] == 8
    assert found["fan_out_mean.point_city"] == found["routed_fan_out_mean.point_city"] == (3 * 1 + 5 * 2) / 8
    assert found["fan_out_max.point_city"] == 2
    assert found["bytes_read.point_city"] == (3 * 4 * 18 + 5 * 4 * (18 + 13)) / 8
    assert found["rows_reassembled_share.point_city"] == (1 * 2 + 4 * 1) / (4 * 2 + 4 * 1)
    assert found["rows_reassembled_share.point_note"] is None  # it finds nothing
    assert found["workload_fan_out_mean"] == (13 + 2 * 2 + 1) / 11
    assert found["workload_statements"] == 11


def test_infinity_lies_in_windows_without_a_bound_and_nan_in_none() -> None:
    inf, nan = float("inf"), float("nan")
    table = pa.table({"x": [-inf, 0.0, 1.0, inf, nan, None]})
    log = pa.table({"template": ["SELECT x FROM t WHERE x >= 1", "SELECT x FROM t WHERE x < 1"]})
    given = "range(x,bounds=[-1.0,0.5,2.0,5.0,9.0])"
    results = compare(open_dataset(table, name="t"), ["round_robin", given], workload=log, partitions=6)
    assert numbers(results, "round_robin")["fan_out_mean.range_x"] == 2  # 1 and inf; -inf and 0
    found = numbers(results, given)
    assert found["routed_fan_out_mean.range_x"] == (4 + 3) / 2  # [1, inf] meets parts 2 to 5, below 1 parts 0 to 2


def test_texts_between_bounds_are_found_by_their_bytes() -> None:
    table = pa.table({"name": ["a", "m", "ma", "n", "z", "é"]})
    log = pa.table(
        {"template": ["SELECT name FROM t WHERE name > 'm' AND name < 'n'", "SELECT name FROM t WHERE name >= 'z'"]}
    )
    strategies = ['range(name, bounds=["b", "m", "n", "p", "zz"])', "round_robin"]
    results = compare(open_dataset(table, name="t"), strategies, workload=log, partitions=6)
    ranged, dealt = numbers(results, 'range(name,bounds=["b","m","n","p","zz"])'), numbers(results, "round_robin")
    assert dealt["fan_out_mean.range_name"] == (1 + 2) / 2  # ma; z and é
    assert ranged["fan_out_mean.range_name"] == (1 + 2) / 2
    assert ranged["routed_fan_out_mean.range_name"] == (2 + 2) / 2  # 'm' up to 'n' itself: parts 2 and 3; parts 4 and 5


def test_rows_that_share_a_transaction_are_counted_without_null() -> None:
    table = pa.table({"k": [0, 1, 2, 3, 4, 5], "t": [1, 1, 2, 2, None, 3]})
    found = numbers(compare(table, ["modulo(k)"], partitions=2, transaction="t"), "modulo(k)")
    assert found["distributed_transaction_share"] == 2 / 3  # 1: parts 0 and 1; 2: parts 0 and 1; 3: part 1
    assert found["transaction_participants_mean"] == 5 / 3
    found = numbers(compare(table, ["hash(t)"], partitions=2, transaction="t"), "hash(t)")
    assert found["transaction_participants_mean"] == 1
    nobody = pa.table({"k": [0, 1], "t": pa.array([None, None], pa.int64())})
    found = numbers(compare(nobody, ["modulo(k)"], partitions=2, transaction="t"), "modulo(k)")
    assert found["transaction_participants_mean"] is None


def test_a_log_is_part_of_what_a_cell_is(tmp_path: Path) -> None:
    dataset = open_dataset(pa.table({"k": [1, 2, 3]}), name="t")
    path = tmp_path / "queries.sql"

    def cells(text: str | None) -> list[str]:
        if text is not None:
            path.write_text(text, encoding="utf-8")
        settings = PartitioningSettings(strategies=["hash(k)"], workload=None if text is None else str(path))
        job = EXPERIMENT.job(dataset, settings)
        assert pickle.loads(pickle.dumps(job)).cells == job.cells
        return [cell.cell_id for cell in job.cells]

    one = cells("SELECT * FROM t WHERE k = 1;")
    assert one == cells("-- the same\nSELECT  *  FROM t WHERE k = 1")
    assert len({*one, *cells("SELECT * FROM t WHERE k = 2;"), *cells(None)}) == 3


def test_a_path_to_a_log_is_relative_to_its_suite(tmp_path: Path) -> None:
    (tmp_path / "queries.sql").write_text("SELECT * FROM flights WHERE dest = 'ORD';", encoding="utf-8")
    suite = tmp_path / "suite.toml"
    suite.write_text(
        'name = "s"\n[[experiment]]\nkind = "partitioning"\ndataset = "flights"\nstrategies = ["hash(dest)"]\n'
        'workload = "queries.sql"\nactions = []\nforeign_keys = []\n'
        'expect = [{ strategy = "hash(dest)", metric = "fan_out_mean.point_dest", equals = 1 }]\n',
        encoding="utf-8",
    )
    results = assay.run(str(suite), store=str(tmp_path / "r.duckdb"), timing=False)
    assert numbers(results, "hash(dest)")["workload_statements"] == 1


def test_a_log_that_cannot_be_used_is_told_with_its_place(tmp_path: Path) -> None:
    with pytest.raises((ReadError, SuiteError), match="there is no such query log"):
        compare("flights", STRATEGIES, workload=str(tmp_path / "nowhere.sql"))
    path = tmp_path / "queries.sql"
    path.write_text("SELECT 1 FROM elsewhere;", encoding="utf-8")
    with pytest.raises((EmptyInputError, SuiteError), match=r"no statement of queries.sql .SQL, 1 statement. asks"):
        compare("flights", STRATEGIES, workload=str(path))
    with pytest.raises((UnknownNameError, SuiteError), match='there is no column of flights "tx"'):
        compare("flights", STRATEGIES, transaction="tx")
    with pytest.raises((UsageError, SuiteError), match="is no query log"):
        compare("flights", STRATEGIES, workload=pa.table({"a": [1]}))


def test_runs_of_cells_are_joined_as_one_by_one(seed: int = 7) -> None:
    rows = np.random.default_rng(seed)
    for _ in range(50):
        cells, count, width = rows.integers(1, 40), rows.integers(1, 20), rows.integers(1, 4)
        marks = rows.integers(0, 256, (cells, width)).astype(np.uint8) & rows.integers(0, 256, (cells, width)).astype(
            np.uint8
        )
        runs = rows.integers(0, 30)
        low = rows.integers(0, cells, runs)
        high = np.minimum(cells, low + rows.integers(1, cells + 1, runs))
        spans = Spans(np.sort(rows.integers(0, count, runs)), low, high)
        wanted = np.zeros((count, width), np.uint8)
        for instance, first, end in zip(spans.instances, low, high, strict=True):
            for cell in range(first, end):
                wanted[instance] |= marks[cell]
        assert (spans.join(marks, count) == wanted).all(), seed
