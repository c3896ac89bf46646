"""Tables, definitions and stores that somebody wrote without thinking of assay, or against it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

Assay = Callable[..., Any]


def refused(outcome: Any, code: int, *parts: str) -> None:
    """One message on stderr with these parts, nothing on stdout, no traceback."""
    assert outcome.code == code, (outcome.out, outcome.err)
    assert outcome.out == ""
    assert outcome.err.count("assay: ") == 1 and "Traceback" not in outcome.err
    for part in parts:
        assert part in outcome.err, outcome.err


def compared(assay: Assay, data: str, *strategies: str, partitions: int = 2, more: tuple[str, ...] = ()) -> Any:
    """A comparison without timing."""
    words = [word for strategy in strategies for word in ("--strategy", strategy)]
    return assay("compare", "partitioning", data, "--no-timing", "--partitions", partitions, *words, *more)


def write(name: str, **columns: pa.Array) -> None:
    """A Parquet file of these columns."""
    pq.write_table(pa.table(columns), name)


def keyed(path: str, columns: str, parent: str) -> None:
    """A definition over t.parquet whose foreign key "owner" has these columns and this parent."""
    Path(path).write_text(
        f'source = {{ path = "t.parquet" }}\n[foreign_keys.owner]\ncolumns = {columns}\nparent = "{parent}"\n'
        f"parent_columns = {columns.replace('owner', 'id')}\n",
        encoding="utf-8",
    )


def test_bounds_may_be_above_the_greatest_signed_integer(assay: Assay) -> None:
    write("t.parquet", a=pa.array([2**64 - 1, 2**64 - 2, 5, 6], pa.uint64()))
    outcome = compared(assay, "t.parquet", "range(a, bounds=[18446744073709551614])")
    assert outcome.code == 0 and "evenly on 2 partitions" in outcome.out
    refused(compared(assay, "t.parquet", "range(a, bounds=[-1])"), 2, "-1 is no uint64")


def test_bounds_of_times_are_text(assay: Assay) -> None:
    write("t.parquet", a=pa.array([0, 1, 10**6, 10**6 + 1], pa.time64("us")))
    assert "evenly on 2 partitions" in compared(assay, "t.parquet", "range(a, bounds=['00:00:01'])").out
    refused(compared(assay, "t.parquet", "range(a, bounds=['noon'])"), 2, "'noon' is no time64[us]")


def test_times_beyond_the_years_of_the_standard_library_are_shown(assay: Assay) -> None:
    write("t.parquet", a=pa.array([2**62, -(2**62)], pa.timestamp("us")))
    outcome = assay("data", "t.parquet")
    assert outcome.code == 0 and "timestamp[us]" in outcome.out


def test_a_decimal_that_cannot_be_a_key_is_refused_by_its_column(assay: Assay) -> None:
    write("t.parquet", price=pa.array([Decimal(10) ** 60], pa.decimal256(70, 0)))
    refused(compared(assay, "t.parquet", "hash(price)"), 2, 'column "price"', "128 bits")


def test_weights_that_are_all_zero_are_the_answer(assay: Assay) -> None:
    write("t.parquet", a=pa.array([1, 2]), w=pa.array([0, 0]))
    for strategy in ("hash(a)", "round_robin"):
        assert 'the weight "w" is 0 in every row' in compared(assay, "t.parquet", strategy, more=("--weight", "w")).out


def test_a_name_in_another_case_is_offered(assay: Assay) -> None:
    write("t.parquet", Key=pa.array([1, 2]))
    refused(compared(assay, "t.parquet", "hash(KEY)"), 2, 'did you mean "Key"')
    refused(compared(assay, "t.parquet", "HASH(Key)"), 2, 'did you mean "hash"')


def test_a_name_with_a_line_break_or_of_great_length_stays_on_its_line(assay: Assay) -> None:
    write("t.parquet", **{"a\nb": pa.array([1]), "x" * 300: pa.array([1]), "": pa.array([1])})
    outcome = compared(assay, "t.parquet", "hash(q)")
    refused(outcome, 2, 'known: "", a\\nb, xxx')
    assert outcome.err.count("\n") == 1 and len(outcome.err) < 250


def test_the_empty_name_is_no_dataset(assay: Assay) -> None:
    write("t.parquet", a=pa.array([1]))
    for name in ("", " "):
        refused(assay("data", name), 2, f'there is no dataset "{name}"', "flights")


@pytest.mark.parametrize("kind", [pa.string(), pa.float64(), pa.date32()])
def test_a_foreign_key_of_a_type_that_its_parent_cannot_have_is_refused(assay: Assay, kind: pa.DataType) -> None:
    write("t.parquet", owner=pa.array([0, 1]))
    write("parent.parquet", id=pa.array([0, 1], pa.int32()).cast(kind))
    keyed("t.toml", '["owner"]', "parent.parquet")
    refused(compared(assay, "t.toml", "round_robin"), 2, "foreign key owner", "int64", str(kind), "can be equal")
    assert "can be equal" in " ".join(assay("data", "t.toml").out.split())


def test_a_foreign_key_may_differ_from_its_parent_in_width(assay: Assay) -> None:
    write("t.parquet", owner=pa.array([0, 1]))
    write("parent.parquet", id=pa.array([0, 1], pa.int16()))
    keyed("t.toml", '["owner"]', "parent.parquet")
    assert compared(assay, "t.toml", "round_robin").code == 0


def test_a_foreign_key_names_its_missing_parent_and_no_column_twice(assay: Assay) -> None:
    write("t.parquet", owner=pa.array([0, 1]))
    keyed("t.toml", '["owner"]', "gone.parquet")
    refused(compared(assay, "t.toml", "round_robin"), 3, "foreign key owner of t", "gone.parquet")
    keyed("t.toml", '["owner", "owner"]', "t.parquet")
    refused(compared(assay, "t.toml", "round_robin"), 2, "columns names 'owner' twice")


def test_what_comes_next_names_the_definition_that_was_shown(assay: Assay) -> None:
    write("t.parquet", owner=pa.array([0, 1]))
    Path("mine.toml").write_text('source = { path = "t.parquet" }\n', encoding="utf-8")
    assert "next: assay compare partitioning mine.toml --partitions 8" in assay("data", "mine.toml").err


def test_a_suite_without_experiments_is_refused(assay: Assay) -> None:
    Path("empty.toml").write_text("experiment = []\n", encoding="utf-8")
    refused(assay("check", "empty.toml"), 2, "nothing to run")


def test_resuming_where_there_is_no_store_makes_none(assay: Assay, suite: Path) -> None:
    refused(assay("run", suite, "--store", "new.duckdb", "--resume"), 2, "no store new.duckdb")
    assert not Path("new.duckdb").exists()


def test_a_table_is_not_taken_for_a_store(assay: Assay, suite: Path, orders: Path) -> None:
    before = orders.read_bytes()
    refused(assay("run", suite, "--no-timing", "--store", orders), 3, "is not a DuckDB file")
    assert orders.read_bytes() == before


def test_the_nearest_of_several_uneven_strategies_is_chosen_by_the_rule(assay: Assay) -> None:
    write("t.parquet", a=pa.array(["x"] * 10))
    # Both hold all rows in one partition; a new node moves none of them under list, all of them under hash.
    assert "the nearest is list(a)" in " ".join(
        compared(assay, "t.parquet", "hash(a)", "list(a)", partitions=8).out.split()
    )


def test_a_closed_standard_output_is_no_failure(orders: Path) -> None:
    words = [sys.executable, "-m", "assay", "data", str(orders)]
    closed = subprocess.run(
        ["sh", "-c", 'exec "$@" >&-', "sh", *words], stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    assert (closed.returncode, "fault" in closed.stderr) == (0, False)


def test_no_columns_at_all_are_taken_for_a_terminal_of_usual_width(
    assay: Assay, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "0")
    assert "round_robin" in compared(assay, str(orders), "round_robin").out


def test_an_expectation_of_an_action_or_query_that_is_not_there_is_a_mistake(assay: Assay, suite: Path) -> None:
    for metric, part in (
        ("moved_share.add_on", 'did you mean "add_one"'),
        ("moved_share.ACTION", "in place of ACTION: add_one"),
        ("fan_out_mean.by_shop", 'there is no query "by_shop"'),
        ("cross_join_share.shops", 'there is no foreign key "shops"'),
    ):
        suite.write_text(suite.read_text().replace("empty_partitions", metric), encoding="utf-8")
        refused(assay("check", suite), 2, "line 9, experiment[0].expect[0].metric", part)
        suite.write_text(suite.read_text().replace(metric, "empty_partitions"), encoding="utf-8")


def test_the_place_of_a_single_mistake_is_told(assay: Assay, suite: Path) -> None:
    suite.write_text(suite.read_text().replace("partitions = 4", 'weight = "shop"'), encoding="utf-8")
    refused(assay("check", suite), 2, "line 7, experiment[0].weight: ")
