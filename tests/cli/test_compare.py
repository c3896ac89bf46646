"""`assay compare`: results to stdout, the rest to stderr; flags become settings."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Assay = Callable[..., Any]
QUICK = ("--no-timing",)
TWO = ("--strategy", "hash(customer)", "--strategy", "round_robin")


def compared(assay: Assay, orders: Path, *words: str) -> dict[str, Any]:
    outcome = assay("compare", "partitioning", orders, *QUICK, "--format", "json", *words)
    assert outcome.code == 0, outcome.err
    content: dict[str, Any] = json.loads(outcome.out)
    return content


def test_json_has_the_promised_keys_and_every_cell(assay: Assay, orders: Path) -> None:
    content = compared(
        assay, orders, "--partitions", "4", "--strategy", "hash( customer )", "--strategy", "round_robin"
    )
    assert {"run", "answer", "results"} <= content.keys()
    keys = {"experiment", "contender", "parameters", "dataset", "metric", "unit", "kind", "value", "low", "high"}
    assert all(keys <= result.keys() for result in content["results"])
    assert {result["contender"] for result in content["results"]} == {"hash(customer)", "round_robin"}
    assert isinstance(content["answer"], str) and content["answer"]
    even = [
        result["value"]
        for result in content["results"]
        if (result["contender"], result["metric"]) == ("round_robin", "load_max_over_mean")
    ]
    assert even == [1.0]  # 400 rows over 4 partitions: 100 each


def test_the_table_leads_with_the_answer(assay: Assay, orders: Path) -> None:
    outcome = assay("compare", "partitioning", orders, *QUICK, "--partitions", 4, *TWO)
    assert outcome.code == 0
    assert "on 4 partitions" in outcome.out.splitlines()[0]
    assert "hash(customer)" in outcome.out
    assert outcome.err == ""


def test_the_help_shows_the_flag_that_the_note_on_growth_names(assay: Assay) -> None:
    assert "--time COLUMN" in assay("compare", "--help").out


@pytest.mark.parametrize("words", [("--partitions", "2,4"), ("--partitions", "2", "--partitions", "4")])
def test_several_numbers_are_a_grid_by_commas_or_by_a_repeated_flag(
    assay: Assay, orders: Path, words: tuple[str, ...]
) -> None:
    content = compared(assay, orders, *words, "--strategy", "round_robin")
    assert {result["parameters"]["partitions"] for result in content["results"]} == {2, 4}
    assert [answer["parameters"] for answer in content["answers"]] == [{"partitions": 2}, {"partitions": 4}]


def test_strategies_takes_several_spellings_at_once(assay: Assay, orders: Path) -> None:
    content = compared(assay, orders, "--strategies", "hash(customer, function=md5)", "list(shop), round_robin")
    assert {result["contender"] for result in content["results"]} == {
        "hash(customer,function=md5)",
        "list(shop)",
        "round_robin",
    }


@pytest.mark.parametrize("words", [("--queries", "one=point(customer)"), ("--queries.one", "point(customer)")])
def test_a_query_is_named_before_an_equals_sign_or_after_a_dot(
    assay: Assay, orders: Path, words: tuple[str, ...]
) -> None:
    content = compared(assay, orders, *words, "--strategy", "hash(customer)")
    fan_out = {result["metric"]: result["value"] for result in content["results"]}
    assert fan_out["fan_out_mean.one"] == 1  # a customer lives in one partition


def test_without_strategies_some_are_proposed_and_named(assay: Assay, orders: Path) -> None:
    content = compared(assay, orders)
    tried = {result["contender"] for result in content["results"]}
    assert {"hash(customer)", "round_robin"} <= tried
    notes = content["answers"][0]["notes"]
    assert any(all(contender in note for contender in tried) for note in notes)


def test_a_key_leads_the_proposals(assay: Assay, orders: Path) -> None:
    content = compared(assay, orders, "--key", "amount")
    assert "hash(amount)" in {result["contender"] for result in content["results"]}


def test_csv_has_a_header_and_full_precision(assay: Assay, orders: Path) -> None:
    outcome = assay("compare", "partitioning", orders, *QUICK, "--partitions", 3, *TWO, "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    found = {row["metric"]: row["value"] for row in rows if row["contender"] == "round_robin"}
    assert float(found["load_max_over_mean"]) == 134 * 3 / 400


def test_markdown_is_a_table(assay: Assay, orders: Path) -> None:
    outcome = assay("compare", "partitioning", orders, *QUICK, *TWO, "--format", "markdown")
    assert any(line.startswith("|") for line in outcome.out.splitlines())


def test_a_store_and_a_report_are_kept_where_asked(assay: Assay, orders: Path, tmp_path: Path) -> None:
    outcome = assay("compare", "partitioning", orders, *QUICK, *TWO, "--store", "mine.duckdb", "--report", "page.html")
    assert outcome.code == 0
    assert (tmp_path / "page.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "assay report" in outcome.err and "--store mine.duckdb" in outcome.err
    assert "partitioning of orders.parquet" in assay("list", "runs", "--store", "mine.duckdb").out


def test_the_command_it_keeps_repeats_it(assay: Assay, orders: Path) -> None:
    words = ("--partitions", "2", "--partitions", "4", "--seed", "3", "--queries", "one=point(customer)")
    assay("compare", "partitioning", orders, *QUICK, *TWO, *words, "--store", "mine.duckdb")
    import shlex

    row = json.loads(assay("sql", "SELECT command FROM run", "--store", "mine.duckdb", "--format", "json").out)[0]
    again = assay(*shlex.split(row["command"])[1:], "--format", "json")
    assert again.code == 0
    both = assay(
        "sql", "SELECT count(DISTINCT seed), count(DISTINCT suite_hash), count(*) FROM run",
        "--store", "mine.duckdb", "--format", "csv",
    )  # fmt: skip
    assert both.out.splitlines()[1] == "1,1,2"


def test_the_executor_does_not_change_the_numbers(assay: Assay, orders: Path) -> None:
    alone = compared(assay, orders, *TWO)["results"]
    assert compared(assay, orders, *TWO, "--executor", "threads", "--jobs", "2")["results"] == alone


def test_names_with_markup_and_quotes_print_literally(assay: Assay, tmp_path: Path) -> None:
    hostile = "<b>\"x'"
    table = pa.table({hostile: pa.array(range(90)), "[red]y": ["[bold]v", "b\x1b[31m", "c"] * 30})
    pq.write_table(table, tmp_path / "h.parquet")
    spelled = ['hash("<b>""x\'")', 'list("[red]y")']
    outcome = assay("compare", "partitioning", "h.parquet", *QUICK, "--partitions", 3, "--strategies", *spelled)
    assert outcome.code == 0, outcome.err
    assert "<b>" in outcome.out and "[red]y" in outcome.out
    content = json.loads(
        assay("compare", "partitioning", "h.parquet", *QUICK, "--strategies", *spelled, "--format", "json").out
    )
    assert {result["contender"] for result in content["results"]} == set(spelled)
    shown = assay("data", "h.parquet").out
    assert "[bold]v" in shown and hostile in shown and "\x1b" not in shown
    assert assay("init", "h.parquet").code == 0
    assert assay("check", "suite.toml").code == 0
