"""JSON, CSV and Markdown."""

import csv
import io
import json

import pytest

from assay.errors import UnknownNameError
from assay.report import format_run, to_rows
from assay.report.key_table import wrap_name


def test_json_holds_what_the_command_line_promises(flights_store) -> None:
    found = json.loads(format_run(flights_store, flights_store.run_id, "json"))
    assert found["run"] == flights_store.run_id
    assert "ring(tailnum,virtual_nodes=128) spreads evenly" in found["answer"]
    promised = {"experiment", "contender", "parameters", "dataset", "metric", "unit", "kind", "value", "low", "high"}
    assert all(promised <= result.keys() for result in found["results"])
    (orphans,) = [
        result
        for result in found["results"]
        if result["metric"] == "orphan_rows.planes"
        and result["contender"] == "hash(tailnum)"
        and result["parameters"]["partitions"] == 8
    ]
    assert (orphans["value"], orphans["unit"], orphans["kind"], orphans["dataset"]) == (
        50_094,
        "rows",
        "exact",
        "flights",
    )


def test_every_stored_number_is_in_the_results_once(flights_store) -> None:
    stored = flights_store.query("SELECT count(*) AS n FROM metric").to_pylist()[0]["n"]
    results = to_rows(flights_store, flights_store.run_id)["results"]
    keys = {(r["contender"], json.dumps(r["parameters"]), r["metric"]) for r in results}
    assert len(results) == len(keys) == stored


def test_counts_are_integers_and_ratios_keep_all_their_digits(flights_store) -> None:
    for result in to_rows(flights_store, flights_store.run_id)["results"]:
        if result["unit"] in ("rows", "values") and result["value"] is not None:
            assert isinstance(result["value"], int)
    stored = flights_store.query(
        "SELECT value FROM result WHERE metric = 'load_cv' AND contender = 'hash(dest)' ORDER BY parameters"
    ).to_pylist()
    found = [
        r["value"]
        for r in to_rows(flights_store, flights_store.run_id)["results"]
        if (r["metric"], r["contender"]) == ("load_cv", "hash(dest)")
    ]
    assert sorted(found) == sorted(row["value"] for row in stored)


def test_numbers_that_are_not_finite_become_null(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,))
    store.connection.execute("UPDATE metric SET value = 'NaN'::DOUBLE, high = 'inf'::DOUBLE WHERE name = 'load_cv'")
    found = json.loads(format_run(store, store.run_id, "json"))
    assert {r["value"] for r in found["results"] if r["metric"] == "load_cv"} == {None}
    assert {r["high"] for r in found["results"] if r["metric"] == "load_cv"} == {None}


def test_failed_cells_are_told_with_their_error(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,), failed=["round_robin"])
    (failure,) = to_rows(store, store.run_id)["failures"]
    assert failure["contender"] == "round_robin"
    assert failure["error"].startswith("MeasurementError")


def test_csv_follows_rfc_4180_and_survives_quotes_commas_and_newlines(make_store) -> None:
    store = make_store()
    store.add_run()
    name = 'hash("a,\r\nb""c")'
    store.add_experiment(partitions=(8,), strategies=[name])
    text = format_run(store, store.run_id, "csv")
    assert text.split("\r\n")[0] == ("run,experiment,contender,parameters,dataset,metric,unit,kind,value,low,high,note")
    assert text.endswith("\r\n")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert {row["contender"] for row in rows} == {name}
    assert {json.loads(row["parameters"])["partitions"] for row in rows} == {8}
    (balance,) = [row for row in rows if row["metric"] == "load_max_over_mean"]
    (json_balance,) = [r for r in to_rows(store, store.run_id)["results"] if r["metric"] == "load_max_over_mean"]
    assert float(balance["value"]) == json_balance["value"]


def test_markdown_marks_the_best_and_escapes_what_would_be_markup(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,), strategies=["hash(tailnum)", "hash(a|b_c*<i>)"])
    text = format_run(store, store.run_id, "markdown")
    assert "hash(a\\|b\\_c\\*\\<i\\>)" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    bars = {line.replace("\\|", "").count("|") for line in table}
    assert len(table) == 4
    assert len(bars) == 1
    assert "**" in table[2] + table[3]


def test_an_unknown_format_is_refused_with_the_known_ones(flights_store) -> None:
    with pytest.raises(UnknownNameError, match='no format "jsn"; did you mean "json"'):
        format_run(flights_store, flights_store.run_id, "jsn")


@pytest.mark.parametrize("width", [1, 5, 12, 40])
def test_wrapping_a_name_loses_nothing_and_keeps_the_width(width) -> None:
    name = 'composite(list(origin),hash("a very long column, with a comma"),first=2)'
    lines = wrap_name(name, width)
    assert "".join(lines) == name
    assert max(map(len, lines)) <= width
