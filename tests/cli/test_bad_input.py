"""Every way to go wrong has one readable message, an exit code, and leaves nothing half-written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.store import Store

Assay = Callable[..., Any]


def refused(outcome: Any, code: int, *parts: str) -> None:
    """One message on stderr with these parts, nothing on stdout, no traceback."""
    assert outcome.code == code, (outcome.out, outcome.err)
    assert outcome.out == ""
    assert outcome.err.count("assay: ") == 1 and "Traceback" not in outcome.err
    for part in parts:
        assert part in outcome.err, outcome.err


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("--strategy", "hash(custommer)"), ('column of orders "custommer"', 'did you mean "customer"')),
        (("--strategy", "hsh(customer)"), ('no strategy "hsh"', 'did you mean "hash"')),
        (("--strategy", "ring(customer, virtual_node=1)"), ('"virtual_node"', 'did you mean "virtual_nodes"')),
        (("--strategy", "ring(customer, virtual_nodes=0)"), ("virtual_nodes is 0", "from 1 to")),
        (("--strategy", "hash(customer"), ("at its end",)),
        (("--strategy", "modulo(customer)"), ("modulo takes integers",)),
        (("--strategy", "hash(nothing)"), ("null",)),
        (("--strategy", "range(amount, bounds=[300, 200, 100])", "--partitions", "4"), ("bounds",)),
        (("--strategy", 'list(shop, values=[["north"], ["south"]])', "--partitions", "2"), ("west",)),
        (("--partitions", "0"), ("partitions is 0",)),
        (("--partitions", "eight"), ("partitions is 'eight'; expected a whole number or a list",)),
        (("--key", "custommer"), ('did you mean "customer"',)),
        (("--weight", "shop"), ("weight", "non-negative integers")),
        (("--foreign-keys", "customers"), ("foreign key", '"customers"')),
        (("--queries", "a=point(custommer)"), ('did you mean "customer"',)),
        (("--queries", "point(customer)"), ("name=value",)),
        (("--partitons", "8"), ('did you mean "--partitions"',)),
        (("--fromat", "json"), ('did you mean "--format"',)),
        (("--format", "jsn"), ('Did you mean "json"',)),
        (("--jobs", "0"), ("--jobs is 0",)),
        (("--rounds", "0"), ("--rounds is 0",)),
        (("--resume",), ("--store FILE",)),
    ],
)
def test_a_wrong_comparison_is_refused_with_2(
    assay: Assay, orders: Path, words: tuple[str, ...], parts: tuple[str, ...]
) -> None:
    refused(assay("compare", "partitioning", orders, "--no-timing", *words), 2, *parts)


def test_every_mistake_of_a_comparison_is_told_at_once(assay: Assay, orders: Path) -> None:
    outcome = assay(
        "compare", "partitioning", orders, "--strategies", "hsh(customer)", "hash(shp)", "--weight", "amont"
    )
    refused(outcome, 2, '"hash"', '"shop"', '"amount"', "strategies[0]")


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (("comapre", "partitioning", "x"), ('no verb "comapre"', 'did you mean "compare"')),
        (("compare", "partitionin", "x"), ('did you mean "partitioning"',)),
        (("compare", "partitioning", "fligths"), ('did you mean "flights"',)),
        (("compare", "partitioning"), ("DATA is missing", "assay compare --help")),
        (
            ("compare", "orders.csv", "--partitions", "8"),
            ("what to compare is missing before orders.csv", "assay compare partitioning orders.csv"),
        ),
        (("run",), ("SUITE is missing",)),
        (("run", "--stor", "a", "b.toml"), ("--stor", "did you mean --store")),
        (("explain", "rign"), ('did you mean "ring"',)),
        (("list", "stratgies"), ('"strategies"',)),
        (("list", "contenders", "--room", "filtr"), ('"filtr"',)),
        (("data",), ("no dataset is given",)),
        (("data", "--generate", "zipf(rows=10)"), ("-o FILE",)),
        (("data", "--generate", "zipf(rows=-1)", "-o", "z.parquet"), ("rows is -1",)),
        (("data", "--generate", "zip(rows=1)", "-o", "z.parquet"), ('did you mean "zipf"',)),
        (("init", "fligths"), ('did you mean "flights"',)),
        (("run", "a.toml", "b.toml"), ("more than expected: b.toml",)),
    ],
)
def test_wrong_use_is_2_and_offers_the_nearest_name(
    assay: Assay, words: tuple[str, ...], parts: tuple[str, ...], tmp_path: Path
) -> None:
    refused(assay(*words), 2, *parts)
    assert list(tmp_path.iterdir()) == []


def test_a_table_without_rows_is_refused(assay: Assay, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array([], pa.int64())}), tmp_path / "empty.parquet")
    refused(assay("compare", "partitioning", "empty.parquet", "--strategy", "hash(a)"), 2, "no rows")
    refused(assay("init", "empty.parquet"), 2, "no rows")
    assert not (tmp_path / "suite.toml").exists()


def test_a_truncated_file_is_3(assay: Assay, orders: Path) -> None:
    orders.write_bytes(orders.read_bytes()[:-20])
    refused(assay("compare", "partitioning", orders, "--strategy", "hash(customer)"), 3, "orders.parquet")
    refused(assay("data", orders), 3, "orders.parquet")


def test_a_missing_file_is_3(assay: Assay) -> None:
    refused(assay("compare", "partitioning", "gone.parquet"), 3, "gone.parquet")
    refused(assay("run", "gone.toml"), 3, "gone.toml", "assay init")
    refused(assay("report"), 3, "assay.duckdb", "assay run")
    refused(assay("sql", "SELECT 1"), 3, "assay.duckdb")


def test_a_file_that_changed_behind_its_checksum_is_3(assay: Assay, orders: Path) -> None:
    orders.with_name("kept.toml").write_text(
        f'source = {{ path = "orders.parquet" }}\nchecksum = "sha256:{"0" * 64}"\n', encoding="utf-8"
    )
    refused(assay("data", "kept.toml"), 3, "checksum")


def test_duplicate_parent_keys_are_told(assay: Assay, orders: Path) -> None:
    pq.write_table(pa.table({"shop": ["north", "north", "south"]}), orders.with_name("shops.parquet"))
    orders.with_name("kept.toml").write_text(
        'source = { path = "orders.parquet" }\n[foreign_keys.shops]\ncolumns = ["shop"]\nparent = "shops.parquet"\n',
        encoding="utf-8",
    )
    outcome = assay("compare", "partitioning", "kept.toml", "--no-timing", "--strategy", "hash(shop)")
    refused(outcome, 3, "the key (shop) is not unique", "foreign key shops")
    assert "repeat" in assay("data", "kept.toml").out


def test_a_list_that_misses_values_fails_alone(assay: Assay, orders: Path) -> None:
    outcome = assay(
        "compare", "partitioning", orders, "--no-timing", "--partitions", 2, "--format", "json",
        "--strategies", 'list(shop, values=[["north"], ["south"]])', "round_robin",
    )  # fmt: skip
    content = json.loads(outcome.out)
    assert outcome.code == 3
    assert {result["contender"] for result in content["results"]} == {"round_robin"}
    assert "west" in content["failures"][0]["error"] and "west" in outcome.err


def test_the_mistakes_of_a_suite_come_at_once_with_their_places(assay: Assay, suite: Path) -> None:
    text = suite.read_text().replace("partitions = 4", "partitons = 4").replace("hash(customer)", "hash(custmer)")
    suite.write_text(text)
    for verb in ("check", "run"):
        outcome = assay(verb, suite)
        refused(outcome, 2, "mistake", "line 7, experiment[0].partitons")
    assert not Path("assay.duckdb").exists()


def test_a_store_that_is_being_written_is_3(assay: Assay, suite: Path) -> None:
    with Store("busy.duckdb"):
        refused(assay("run", suite, "--no-timing", "--store", "busy.duckdb"), 3, "busy.duckdb", "--store FILE")


def test_a_file_that_is_no_store_is_left_alone(assay: Assay, suite: Path) -> None:
    Path("notes.txt").write_text("mine")
    refused(assay("run", suite, "--no-timing", "--store", "notes.txt"), 3, "notes.txt")
    assert Path("notes.txt").read_text() == "mine"


def test_a_store_without_runs_has_nothing_to_compare(assay: Assay) -> None:
    Store("empty.duckdb").close()
    refused(assay("report", "--store", "empty.duckdb"), 4, "holds no run")
    refused(assay("list", "runs", "--store", "empty.duckdb"), 4, "holds no run")


def test_sql_reads_only(assay: Assay, store: Path) -> None:
    refused(assay("sql", "DELETE FROM run"), 2, "expected a SELECT")
    refused(assay("sql", "SELECT * FROM reslt"), 2, 'did you mean "result"')
    refused(assay("sql", "SELEC 1"), 2, "cannot be run")
    assert json.loads(assay("sql", "SELECT count(*) AS runs FROM run", "--format", "json").out) == [{"runs": 1}]


def test_a_report_that_cannot_be_written_is_3(assay: Assay, store: Path) -> None:
    refused(assay("report", "-o", "no/such/folder.html"), 3, "cannot write the report")
    refused(assay("report", "0000"), 2, 'no run "0000"')


def test_nothing_is_overwritten_without_force(assay: Assay, orders: Path) -> None:
    Path("suite.toml").write_text("mine")
    refused(assay("init", orders), 2, "suite.toml exists", "--force")
    Path("z.parquet").write_text("mine")
    refused(assay("data", "--generate", "zipf(rows=10)", "-o", "z.parquet"), 2, "z.parquet exists")
    assert (Path("suite.toml").read_text(), Path("z.parquet").read_text()) == ("mine", "mine")
    assert assay("init", orders, "--force").code == 0


def test_debug_shows_where_an_error_comes_from(assay: Assay) -> None:
    with pytest.raises(FileNotFoundError):
        try:
            assay("data", "gone.parquet", "--debug")
        except OSError as error:
            raise FileNotFoundError from error


def test_a_flag_of_another_experiment_is_none_of_this_one(assay: Assay) -> None:
    result = assay("compare", "caching", "zipf(rows=10, keys=5)", "--strategy", "lru")
    assert result.code == 2 and 'there is no flag of compare caching "--strategy"' in result.err
    assert 'did you mean "--strategy"' not in result.err and "--moved-max" not in result.err


def test_the_help_of_a_comparison_has_the_flags_of_its_experiment(assay: Assay) -> None:
    text = assay("compare", "caching", "--help").out
    assert "Flags of caching" in text and "--capacity" in text and "--policy " in text and "--foreign-writes" in text
    assert "Flags of" not in assay("compare", "--help").out
