"""`assay.compare` and `assay.run` from Python say what the command line says."""

from __future__ import annotations

import html
import json
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import assay as product
from assay.errors import MeasurementError, ParameterError, SuiteError, UnknownNameError, UsageError
from assay.store import Store

STRATEGIES = ["hash(customer)", "round_robin"]


def compare(data: object, **settings: Any) -> Any:
    return product.compare(
        "partitioning", data, timing=False, **{"strategies": STRATEGIES, "partitions": 4, **settings}
    )


def test_a_comparison_shows_itself(orders: Path, capsys: pytest.CaptureFixture[str]) -> None:
    c = compare(orders)
    c.show()
    assert c.answer.split(" ")[0] in capsys.readouterr().out
    assert c.best() in STRATEGIES and c.answers[0]["best"] == c.best()
    assert json.loads(c.to_json())["answer"] == c.answer
    assert c.to_arrow().column_names == [
        "experiment", "contender", "parameters", "dataset", "metric", "unit", "kind", "value", "low", "high", "note",
    ]  # fmt: skip
    assert c.answer in repr(c)
    assert (c.exit_code, c.failures, c.unmet) == (0, (), ())


def test_the_numbers_do_not_depend_on_how_the_table_is_given(orders: Path) -> None:
    import polars as pl

    table = pq.read_table(orders)
    wanted = compare(orders).to_arrow().drop_columns(["dataset"])
    for data in (str(orders), table, pl.from_arrow(table), table.to_reader()):
        assert compare(data).to_arrow().drop_columns(["dataset"]).equals(wanted)
    with ThreadPoolExecutor(2) as pool:
        assert compare(orders, executor=pool).to_arrow().drop_columns(["dataset"]).equals(wanted)


def test_the_command_line_and_python_give_the_same_results(assay: Callable[..., Any], orders: Path) -> None:
    words = ("--no-timing", "--partitions", 4, "--strategies", *STRATEGIES, "--format", "json")
    printed = json.loads(assay("compare", "partitioning", orders, *words).out)
    assert json.loads(compare(orders).to_json())["results"] == printed["results"]


def test_best_asks_for_a_grid_point_where_they_differ(orders: Path) -> None:
    c = compare(orders, partitions=[2, 4])
    assert c.best(partitions=2) in STRATEGIES
    with pytest.raises(UsageError, match="no answer is for partitions = 3"):
        c.best(partitions=3)
    few = pa.table({"k": ["a"] * 60 + ["b"] * 60})
    c = compare(few, strategies=["list(k)", "round_robin"], partitions=[2, 3])
    # list(k): 60 rows each on 2 partitions, moving less than round robin; an empty partition on 3.
    assert (c.best(partitions=2), c.best(partitions=3)) == ("list(k)", "round_robin")
    with pytest.raises(UsageError, match=r"best differs: list\(k\) at partitions = 2; .* best\(partitions=2\)"):
        c.best()


def test_a_notebook_gets_the_page_in_a_frame_of_its_own(orders: Path, tmp_path: Path) -> None:
    c = compare(orders)
    frame = c._repr_html_()
    assert frame.startswith("<iframe srcdoc=") and 'sandbox="allow-scripts"' in frame
    assert html.escape("hash(customer)") in frame and "<script" not in frame
    page = c.report(tmp_path / "page.html")
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_mistakes_are_raised_as_what_they_are(orders: Path) -> None:
    with pytest.raises(UnknownNameError, match="customer"):
        compare(orders, strategies=["hash(custommer)"])
    with pytest.raises(SuiteError) as raised:
        compare(orders, strategies=["hsh(customer)", "hash(shp)"])
    assert [place for place, _ in raised.value.mistakes] == ["strategies[0]", "strategies[1]"]
    with pytest.raises(UsageError, match="resume"):
        compare(orders, resume=True)


def test_a_strategy_of_ones_own_is_compared_like_any_other(orders: Path) -> None:
    import pyarrow.compute as pc

    from assay import catalogue

    @product.register_strategy
    class LastDigit(product.Strategy):
        """The key's last character, modulo the number of partitions."""

        name = "last_digit"

        def assign(self, keys: pa.Table) -> Any:
            digits = pc.utf8_slice_codeunits(keys.column(0), -1).cast(pa.int64())
            return [digit % self.partitions for digit in digits.to_pylist()]

    try:
        c = compare(orders, strategies=["last_digit(customer)"], partitions=5)
        rows = {row["metric"]: row["value"] for row in c.to_arrow().to_pylist()}
        assert rows["load_max_over_mean"] == 1.0  # ten digits, two to a partition
    finally:
        catalogue.unregister("partition", "last_digit")


def test_a_comparison_without_a_number_raises_its_cause(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from assay.experiments.partitioning.job import PartitioningJob

    def broken(*_: object) -> None:
        raise MeasurementError("row 7 was sent nowhere")

    monkeypatch.setattr(PartitioningJob, "finish", broken)
    with pytest.raises(MeasurementError, match="row 7 was sent nowhere"):
        compare(orders)


def test_a_suite_runs_into_a_file_a_store_or_memory(suite: Path, tmp_path: Path) -> None:
    kept = product.run(suite, store=tmp_path / "a.duckdb", timing=False)
    with Store(tmp_path / "b.duckdb") as store:
        given = product.run(str(suite), store=store, timing=False)
        assert given.to_arrow().equals(kept.to_arrow())
    passing = product.run(suite, store=None, timing=False, label="again")
    assert passing.to_arrow().equals(kept.to_arrow())
    assert kept.suite.name == "orders" and kept.exit_code == 0
    # A file is closed after the run: another may write it.
    assert product.run(suite, store=tmp_path / "a.duckdb", timing=False).run_id != kept.run_id


def test_results_refuse_to_be_pickled_and_say_what_to_send(orders: Path) -> None:
    results = compare(orders)
    with pytest.raises(TypeError, match=r"Comparison cannot be pickled.*to_arrow"):
        pickle.dumps(results)


def test_an_executor_that_is_none_is_refused_before_anything_runs(orders: Path) -> None:
    with pytest.raises(ParameterError, match="executor is 2; expected a concurrent"):
        compare(orders, executor=2)
