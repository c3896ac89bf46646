"""`assay export` and `assay.export`: what is written where, and what is refused."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay as package
from assay.catalogue import unregister
from assay.errors import EmptyInputError, ParameterError, UnknownNameError, UnsupportedTypeError, UsageError
from assay.targets import TARGETS

Assay = Callable[..., Any]
RANGE = ("--strategy", "range(amount)", "--partitions", 4)


def test_the_layout_goes_to_standard_output_and_notes_to_standard_error_too(assay: Assay, orders: Path) -> None:
    outcome = assay("export", orders, "--target", "postgres", *RANGE)
    assert outcome.code == 0
    assert "Rows predicted: p0 100, p1 100, p2 100, p3 100" in outcome.out
    assert 'PARTITION BY RANGE ("amount")' in outcome.out
    assert "note: range(amount): no key was null" in outcome.err


def test_one_file_goes_where_o_says_and_several_into_a_folder(assay: Assay, orders: Path, tmp_path: Path) -> None:
    assert assay("export", orders, "--target", "postgres", *RANGE, "-o", "ddl.sql").out == "ddl.sql\n"
    assert "CREATE TABLE" in (tmp_path / "ddl.sql").read_text()
    outcome = assay("export", orders, "--target", "postgres", *RANGE, "--rows", "-o", "out")
    assert outcome.out.splitlines() == ["out/orders.sql", "out/load.sql", "out/orders.csv"]
    assert len((tmp_path / "out" / "orders.csv").read_text().splitlines()) == 401


def test_files_that_are_there_are_left_alone_without_force(assay: Assay, orders: Path, tmp_path: Path) -> None:
    (tmp_path / "ddl.sql").write_text("mine")
    words = ("export", orders, "--target", "postgres", *RANGE, "-o", "ddl.sql")
    outcome = assay(*words)
    assert outcome.code == 2 and "ddl.sql exists and was left as it is" in outcome.err
    assert (tmp_path / "ddl.sql").read_text() == "mine"
    assert assay(*words, "--force").code == 0
    assert "CREATE TABLE" in (tmp_path / "ddl.sql").read_text()


def test_a_main_file_without_its_companions_says_so(assay: Assay, orders: Path) -> None:
    outcome = assay("export", orders, "--target", "duckdb", "--strategy", "ring(customer)")
    assert outcome.code == 0
    assert "-o FOLDER writes orders_partition_of.parquet beside it" in outcome.err


def test_the_command_that_measures_the_targets_own_hash_can_be_pasted_into_a_shell(tmp_path: Path) -> None:
    table = pa.table({"Customer-ID": [f"C{number}" for number in range(100)]})
    export = package.export(table, target="postgres", strategy='hash("Customer-ID")', partitions=4)
    (note,) = [note for note in export.notes if "compare partitioning" in note]
    words = shlex.split(note.split("`")[1])
    assert words[-2:] == ["--strategy", 'hash("Customer-ID",function=postgres)']


def test_without_a_strategy_the_newest_run_recommends_it(assay: Assay, orders: Path, store: Path) -> None:
    outcome = assay("export", orders, "--target", "postgres")
    assert outcome.code == 0
    best = "round_robin"
    assert f"on 4 partitions by {best}" in outcome.out
    assert package.export(str(orders), target="postgres", store=store).layout.spec.text == best
    outcome = assay("export", orders, "--target", "postgres", "--partitions", 5)
    assert outcome.code == 2 and "recommends nothing at 5 partitions" in outcome.err


def test_a_layout_for_unequal_nodes_is_not_exported_as_one_for_equal_nodes(assay: Assay, tmp_path: Path) -> None:
    data, words = (
        "zipf(rows=400, keys=300, exponent=0.1, seed=1)",
        ("--partitions", 2, "--no-timing", "--store", "weighed"),
    )
    assert assay("compare", "partitioning", data, "--strategy", "list(key)", "--capacities", "1,3", *words).code == 0
    outcome = assay("export", data, "--target", "postgres", "--store", "weighed")
    assert outcome.code == 2 and "measured list(key) on nodes of unequal capacities" in outcome.err
    assert assay("compare", "partitioning", data, "--strategy", "hash(key)", "--capacities", "1,1.1", *words).code == 0
    assert assay("export", data, "--target", "postgres", "--store", "weighed").code == 0


def test_a_store_that_knows_the_table_not_is_told(assay: Assay, store: Path) -> None:
    outcome = assay("export", "zipf(rows=100, seed=1)", "--target", "postgres")
    assert outcome.code == 2 and "holds no comparison of zipf" in outcome.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "to write the layout of a table give --target, one of " + ", ".join(TARGETS)),
        (RANGE, "--strategy is about a table's layout and --target is missing; expected one of " + ", ".join(TARGETS)),
        (("--target", "postgres", "--view", "result"), "--view is about the results of runs, --target postgres about"),
        (("--target", "postgress", *RANGE), 'there is no target "postgress"; did you mean "postgres"?'),
        (("--target", "postgres", "--strategy", "hsh(amount)"), 'there is no strategy "hsh"; did you mean "hash"?'),
        (("--target", "postgres", "--strategy", "hash(amoun)"), 'did you mean "amount"?'),
        (("--target", "postgres"), "there is no store assay.duckdb to take one from"),
        (("--target", "postgres", *RANGE, "--rows"), "--rows needs a folder to write to"),
        (("--target", "postgres", *RANGE, "--table", "a..b"), "table is 'a..b'; expected a name"),
        (("--target", "postgres", *RANGE, "--run", "x"), "both --strategy and a run are given"),
        (("--target", "postgres", "--strategy", "hash(nothing)"), "every value of nothing is null"),
        (("--target", "postgres", "--strategy", "hash(amount)", "--partitions", 70_000), "expected at most 65,000 for"),
        (("--target", "postgres", *RANGE, "-o", "no/where.sql"), "there is no folder"),
    ],
)
def test_wrong_use_is_one_message_and_exit_code_2(assay: Assay, orders: Path, words: Any, message: str) -> None:
    outcome = assay("export", orders, *words)
    assert outcome.code == 2, outcome
    assert message in outcome.err
    assert outcome.out == ""


def test_python_raises_what_the_command_line_prints() -> None:
    table = pa.table({"a": [1, 2, 3]})
    with pytest.raises(UnknownNameError, match="no target"):
        package.export(table, target="x", strategy="hash(a)")
    with pytest.raises(ParameterError, match="partitions is -1"):
        package.export(table, target="postgres", strategy="hash(a)", partitions=-1)
    with pytest.raises(UsageError, match="no strategy is given"):
        package.export(table, target="postgres")
    with pytest.raises(EmptyInputError, match="has no rows"):
        package.export(table.slice(0, 0), target="postgres", strategy="hash(a)")


def test_a_column_that_the_target_cannot_hold_is_named() -> None:
    union = pa.UnionArray.from_sparse(pa.array([0, 1], pa.int8()), [pa.array([1, 2]), pa.array(["a", "b"])])
    table = pa.table({"a": [1, 2], "u": union})
    with pytest.raises(UnsupportedTypeError, match=r'column "u" is of type .*union.*PostgreSQL has no type'):
        package.export(table, target="postgres", strategy="hash(a)")
    long = pa.table({"é" * 32: [1, 2]})
    with pytest.raises(UnsupportedTypeError, match="has 64 bytes; PostgreSQL takes names of 1 to 63"):
        package.export(long, target="postgres", strategy=f'hash("{"é" * 32}")')
    system = pa.table({"xmin": [1, 2]})
    with pytest.raises(UnsupportedTypeError, match="PostgreSQL has in every table"):
        package.export(system, target="postgres", strategy="hash(xmin)")
    twice = pa.table({"a": [1, 2], "A": [1, 2]})
    assert '"A" bigint' in package.export(twice, target="postgres", strategy="hash(a)").text
    for target in ("duckdb", "spark", "iceberg"):
        with pytest.raises(UnsupportedTypeError, match="case; rename one"):
            package.export(twice, target=target, strategy="hash(a)")
    text = pa.table({"a": ["x\0y", "z"]})
    with pytest.raises(UnsupportedTypeError, match="holds a NUL"):
        package.export(text, target="postgres", strategy="list(a)")
    fine = pa.table({"a": pa.array([1, 1001], pa.timestamp("ns"))})
    with pytest.raises(UnsupportedTypeError, match="more than the 6 digits of a second"):
        package.export(fine, target="postgres", strategy="range(a)", partitions=2)


def test_rows_that_csv_cannot_hold_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    table = pa.table({"a": [1, 2], "l": [[1], [2, 3]]})
    made = package.export(table, target="postgres", strategy="hash(a)", rows=True)
    assert '"l" jsonb' in made.text
    with pytest.raises(UnsupportedTypeError, match="which CSV cannot hold"):
        made.write(tmp_path / "out")
    assert not (tmp_path / "out" / "table.csv").exists()


def test_parquet_is_read_where_it_lies(tmp_path: Path) -> None:
    path = tmp_path / "it's.parquet"
    pq.write_table(pa.table({"a": [1, 2, 3]}), path)
    made = package.export(path, target="duckdb", strategy="modulo(a)", partitions=2)
    assert str(path).replace("'", "''") in made.text
    assert made.notes == ()


def test_columns_that_stand_in_folder_names_are_written_with_the_rows(tmp_path: Path) -> None:
    for year in (2012, 2013):
        (tmp_path / "t" / f"year={year}").mkdir(parents=True)
        pq.write_table(pa.table({"a": [1, 2, 3]}), tmp_path / "t" / f"year={year}" / "part.parquet")
    made = package.export(tmp_path / "t", target="duckdb", strategy="list(year)", partitions=2)
    assert "read_parquet('t.parquet')" in made.text
    rows = package.export(tmp_path / "t", target="duckdb", strategy="list(year)", partitions=2, rows=True)
    rows.write(tmp_path / "out")
    assert pq.read_table(tmp_path / "out" / "t.parquet").column_names == ["a", "year"]


def test_a_strategy_of_ones_own_is_kept_by_a_mapping(tmp_path: Path) -> None:
    @package.register_strategy
    class Halves(package.Strategy):
        """Words by the half of the alphabet in which they begin."""

        name = "halves"

        def assign(self, keys: pa.Table) -> list[int]:
            return [int(key > "m") for key in keys.column(0).to_pylist()]

    try:
        table = pa.table({"word": ["apple", "zebra", None, "moth", "zebra"]})
        made = package.export(table, target="postgres", strategy="halves(word)", partitions=2)
        assert made.predicted == [2, 3] and "('moth', 1)" in made.text
    finally:
        unregister("partition", "halves")
