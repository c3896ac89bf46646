"""`assay export` without a target: what runs have measured, as files that other tools read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assay.store import Store
from assay.store.portable import Rows, exported_names, read_rows, rendered
from assay.store.schema import views

Assay = Callable[..., Any]


def results(store: Path) -> list[dict[str, Any]]:
    with Store.read_only(store) as reader:
        return reader.query("SELECT * FROM result ORDER BY ALL").to_pylist()


def test_parquet_holds_the_rows_of_the_view_in_plain_types(assay: Assay, store: Path, tmp_path: Path) -> None:
    assert assay("export", "-o", "found.parquet").out == "found.parquet\n"
    table = pq.read_table(tmp_path / "found.parquet")
    assert table.to_pylist() == results(store)
    assert table.schema.field("parameters").type == pa.string()
    assert json.loads(table["parameters"][0].as_py()) == {"partitions": 4}
    assert table.schema.field("value").type == pa.float64()


def test_csv_goes_to_standard_output_and_reads_back_exactly(assay: Assay, store: Path) -> None:
    outcome = assay("export", "orders")
    assert outcome.code == 0
    assert "these are the rows of the view result" in outcome.err
    rows = list(csv.DictReader(io.StringIO(outcome.out)))
    wanted = results(store)
    assert [row["metric"] for row in rows] == [row["metric"] for row in wanted]
    values = [None if row["value"] == "" else float(row["value"]) for row in rows]
    assert values == [row["value"] for row in wanted]


def test_a_folder_holds_all_views_and_every_file_can_be_read(assay: Assay, store: Path, tmp_path: Path) -> None:
    for format, reader in (("parquet", "read_parquet"), ("csv", "read_csv"), ("json", "read_json")):
        outcome = assay("export", "-o", format, "--format", format)
        assert outcome.code == 0, outcome.err
        assert outcome.out.splitlines() == [f"{format}/{name}.{format}" for name in exported_names()]
        assert set(views()) < set(exported_names())
        found = duckdb.sql(f"SELECT count(*) FROM {reader}('{tmp_path / format / 'result'}.{format}')").fetchall()
        assert found == [(len(results(store)),)]


def test_json_and_markdown_of_a_run_are_those_of_a_comparison(assay: Assay, store: Path, tmp_path: Path) -> None:
    assert set(json.loads(assay("export", "--format", "json").out)) >= {"run", "answer", "results"}
    assert assay("export", "-o", "orders.md").code == 0
    text = (tmp_path / "orders.md").read_text()
    assert text == assay("export", "--format", "markdown").out
    assert text.startswith("## ") and "| **round\\_robin**" in text


def test_one_run_or_all_of_them(assay: Assay, store: Path, suite: Path) -> None:
    assert assay("run", suite, "--no-timing", "--label", "second").code == 0
    count = lambda *words: len(json.loads(assay("export", *words, "--view", "cell", "--format", "json").out))  # noqa: E731
    assert (count(), count("second"), count("--all")) == (2, 2, 4)
    ids = [json.loads(assay("export", name, "--format", "json").out)["run"] for name in ("previous", "latest")]
    assert ids == sorted(set(ids)) and ids[1] == json.loads(assay("export", "second", "--format", "json").out)["run"]
    rows = json.loads(assay("export", "--all", "--view", "cell", "--format", "json").out)
    assert rows[0]["parameters"] == {"partitions": 4}, "JSON stays JSON"
    assert len({row["run_id"] for row in rows}) == 2


def test_tables_that_name_no_run_are_those_of_the_run(assay: Assay, store: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("k\n1\n2\n")
    words = ("--strategy", "hash(k)", "--partitions", 2, "--no-timing", "--store", store)
    assert assay("compare", "partitioning", other, *words).code == 0
    names = lambda *words: {row["name"] for row in json.loads(assay("export", *words).out)}  # noqa: E731
    words = ("--view", "dataset", "--format", "json")
    assert names(*words) == {"other"}
    assert names("--all", *words) == {"orders", "other"}


def test_files_that_are_there_stay_without_force(assay: Assay, store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "result.parquet").write_text("mine")
    outcome = assay("export", "-o", folder)
    assert outcome.code == 2 and "result.parquet exists and was left as it is" in outcome.err
    assert [path.name for path in folder.iterdir()] == ["result.parquet"], "nothing was written beside it"
    assert assay("export", "-o", folder, "--force").code == 0
    assert pq.read_table(folder / "result.parquet").num_rows == len(results(store))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--format", "parquet"), "Parquet is not for a terminal; name a file with -o FILE.parquet"),
        (("-o", "x.csv", "--format", "parquet"), "x.csv is named as csv and --format is parquet; change one"),
        (("--view", "result", "--view", "cell"), "2 views need a file each; name a folder with -o FOLDER"),
        (("--view", "reslt"), 'there is no view or table "reslt"; did you mean "result"?'),
        (("orders", "--all"), "both the run orders and --all are given"),
        (("flights",), 'there is no run "flights" in assay.duckdb'),
        (("flights",), "to write the layout of a table, name its --target"),
        (("-o", "no/where.csv"), "no/where.csv"),
    ],
)
def test_wrong_use_is_one_message(assay: Assay, store: Path, words: tuple[str, ...], message: str) -> None:
    outcome = assay("export", *words)
    assert outcome.code in (2, 3)
    assert message in outcome.err and outcome.out == ""


def test_a_store_without_a_run_has_nothing_to_export(assay: Assay, tmp_path: Path) -> None:
    Store(tmp_path / "assay.duckdb").close()
    for words in ((), ("--all",)):
        assert assay("export", *words).code == 4


def test_values_that_only_a_database_knows_are_made_plain() -> None:
    with Store(None) as store:
        store._kept.execute(  # type: ignore[union-attr]
            """CREATE VIEW odd AS SELECT 'r' AS run_id, 12::HUGEINT AS whole, MAP {'a': 1.5} AS pairs,
            {'x': 1, 'y': 'b'} AS parts, [1.5, NULL] AS list, 'nan'::DOUBLE AS none, '{"a": [1]}'::JSON AS document,
            TIMESTAMPTZ '2026-01-02 03:04:05+01' AS moment, 'ab'::BLOB AS bytes, true AS flag"""
        )
        rows = read_rows(store, "odd", "r")
    assert rows.table.schema.field("whole").type == pa.int64()
    assert rows.table["pairs"].to_pylist() == ['{"a": 1.5}']
    assert rows.table["parts"].to_pylist() == ['{"x": 1, "y": "b"}']
    [line] = csv.DictReader(io.StringIO(rendered(rows, "csv")))
    assert line["list"] == "[1.5, null]" and line["none"] == "nan" and line["flag"] == "true"
    assert line["moment"] == "2026-01-02T02:04:05Z" and line["bytes"] == "6162"
    [record] = json.loads(rendered(rows, "json"))
    assert record["document"] == {"a": [1]} and record["none"] is None and record["list"] == [1.5, None]


def test_markdown_keeps_a_hostile_name_in_its_cell() -> None:
    table = pa.table({"name": ["a|b\n<script>`x`\\"]})
    assert rendered(Rows("x", table, frozenset()), "markdown") == (
        "| name |\n| --- |\n| a\\|b &lt;script>\\`x\\`\\\\ |\n"
    )
