"""Plug-ins that fail or collide are told of once, with package and error, and leave the others alone."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.errors import ParameterError
from assay.experiments.partitioning import user_metrics

if TYPE_CHECKING:
    from conftest import Packages

STRATEGY = """
import assay

@assay.register_strategy
class Mine(assay.Strategy):
    "All in the first partition."
    name = "{name}"

    def assign(self, keys):
        return [0] * keys.num_rows
"""
METRIC = """
import assay

@assay.register_metric
class Mine(assay.PartitioningMetric):
    "The fullest partition's rows."
    name = "{name}"
    unit = "rows"
    formula = "max x"

    def value(self, loads):
        return loads.loads.max()
"""
COMPARE = ("compare", "partitioning", "ascending(rows=40)", "--partitions", "4", "--no-timing", "--format", "json")


def statuses(packages: Packages) -> dict[str, str]:
    """What `assay list plugins` says of each."""
    done = packages.run("list", "plugins", "--format", "json")
    assert done.returncode == 0, done.stderr
    return {f"{row['package']}/{row['kind']}": row["status"] for row in json.loads(done.stdout)}


def test_a_plug_in_that_cannot_be_imported_is_told_once_and_the_others_work(packages: Packages) -> None:
    packages.add("broken-one", "broken_one", "import no_such_module\n", contenders="a = broken_one")
    packages.add("whole-one", "whole_one", STRATEGY.format(name="all_in_one"), contenders="b = whole_one")
    done = packages.run(*COMPARE, "--strategy", "all_in_one(key)", "--strategy", "hash(key)")
    assert done.returncode == 0, done.stderr
    load = {
        row["contender"]: row["value"]
        for row in json.loads(done.stdout)["results"]
        if row["metric"] == "load_max_over_mean"
    }
    assert load["all_in_one(key)"] == 4.0
    assert done.stderr.count("broken-one") == 2  # once, in a sentence that ends with the way out
    assert "the plug-in a (assay.contenders) of broken-one 1.0 cannot be used and is left out" in done.stderr
    assert "ModuleNotFoundError: No module named 'no_such_module'; mend or uninstall broken-one" in done.stderr
    found = statuses(packages)
    assert found["whole-one/contenders"] == "works"
    assert found["broken-one/contenders"].startswith("left out: ModuleNotFoundError")


def test_what_a_plug_in_registered_before_it_failed_is_taken_back(packages: Packages) -> None:
    half = STRATEGY.format(name="half_there") + "\nraise RuntimeError('after the first class')\n"
    packages.add("half-one", "half_one", half, contenders="a = half_one")
    packages.add("whole-one", "whole_one", STRATEGY.format(name="all_in_one"), contenders="b = whole_one")
    listed = packages.run("list", "contenders", "--format", "json")
    assert listed.returncode == 0, listed.stderr
    names = {row["name"] for row in json.loads(listed.stdout)}
    assert "all_in_one" in names and "half_there" not in names


def test_each_kind_that_fails_is_named_with_its_error(packages: Packages) -> None:
    packages.add("b-experiment", "b_experiment", "THING = 5\n", experiments="mine = b_experiment:THING")
    packages.add("b-metric", "b_metric", METRIC.format(name="Not a name"), metrics="m = b_metric")
    packages.add("b-dataset", "b_dataset", "table = 7\n", datasets="d = b_dataset:table")
    packages.add("b-folder", "b_folder", "", datasets="f = b_folder")
    found = statuses(packages)
    assert "is of type int without kind, question" in found["b-experiment/experiments"]
    assert "expected lower-case letters, digits and underscores" in found["b-metric/metrics"]
    assert "b_dataset:table is of type int; expected a callable" in found["b-dataset/datasets"]
    assert "b_folder is a module; expected a package with definitions" in found["b-folder/datasets"]
    asked = packages.run("compare", "mine", "ascending(rows=4)")
    assert asked.returncode == 3 and "THING is of type int without" in asked.stderr


def test_a_name_of_assay_cannot_be_taken(packages: Packages) -> None:
    strategy, metric = STRATEGY.format, METRIC.format
    taken = [
        ("contenders", "x", strategy(name="hash"), '"hash" is a strategy of assay\'s own'),
        ("contenders", "x", strategy(name="ring"), '"ring" is a strategy of assay\'s own'),
        ("experiments", "placement", "x = 1\n", '"placement" is an experiment of assay already'),
        ("datasets", "flights", "x = dict\n", '"flights" is a dataset of assay already'),
        ("datasets", "zipf", "x = dict\n", '"zipf" is a dataset of assay already'),
        ("metrics", "x", metric(name="load_cv"), '"load_cv" is a metric of assay\'s own'),
        ("metrics", "x", metric(name="moved_share"), '"moved_share" is a metric of assay\'s own'),
    ]
    for number, (kind, name, source, _) in enumerate(taken):
        target = f"taker{number}" if name == "x" else f"taker{number}:x"
        packages.add(f"taker-{number}", f"taker{number}", source, **{kind: f"{name} = {target}"})
    found = statuses(packages)
    assert len(found) == len(taken)
    for number, (kind, _, _, words) in enumerate(taken):
        status = found[f"taker-{number}/{kind}"]
        assert status.startswith("left out: ") and words in status


def test_of_two_packages_with_one_name_the_first_by_name_keeps_it(packages: Packages) -> None:
    for letter in "ab":
        packages.add(
            f"{letter}-package",
            f"{letter}_package",
            STRATEGY.format(name="mine") + METRIC.format(name="mine_rows"),
            contenders=f"x = {letter}_package",
            metrics=f"x = {letter}_package",
        )
    found = statuses(packages)
    assert [found["a-package/contenders"], found["a-package/metrics"]] == ["works", "works"]
    assert '"mine" is a strategy of the package a-package already' in found["b-package/contenders"]


def test_a_metric_of_a_plug_in_is_an_expectation_of_a_suite(packages: Packages) -> None:
    packages.add("fullest", "fullest", METRIC.format(name="rows_max"), metrics="rows_max = fullest")
    suite = """
    [[experiment]]
    kind = "partitioning"
    dataset = "ascending(rows=40)"
    partitions = 4
    strategies = ["round_robin", "hash(key)"]
    expect = [{ strategy = "round_robin", metric = "rows_max", equals = 10 }, 
              { strategy = "hash(key)", metric = "rows_max", below = 10 }]
    """
    (packages.folder / "s.toml").write_text(suite, encoding="utf-8")
    done = packages.run("run", "s.toml", "--no-timing", "--jobs", "2", "--store", "s.duckdb")
    assert done.returncode == 1, done.stderr  # the mean is 10, so that none is below
    told = packages.run("sql", "SELECT contender, metric, value, unit FROM result WHERE metric = 'rows_max'",
                        "--store", "s.duckdb", "--format", "csv").stdout  # fmt: skip
    assert "round_robin,rows_max,10.0,rows" in told


def test_from_python_a_broken_plug_in_is_a_warning(packages: Packages) -> None:
    packages.add("broken-one", "broken_one", "1 / 0\n", contenders="a = broken_one")
    script = (
        "import warnings, assay.catalogue as c\n"
        "with warnings.catch_warnings(record=True) as found:\n"
        "    warnings.simplefilter('always')\n"
        "    c.contenders(); c.contenders()\n"
        "print(len(found), found[0].category.__name__, found[0].message)"
    )
    said = packages.python("-c", script).stdout
    assert said.startswith("1 PlugInWarning the plug-in a (assay.contenders) of broken-one 1.0 cannot be used")


# -- metrics that this process registers ------------------------------------------------------------


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a test registers goes with it."""
    monkeypatch.setattr(user_metrics, "_registered", {})


def measured(metric: str, strategies: list[str], **settings: Any) -> dict[str, dict[str, Any]]:
    """The rows of a metric by contender, over 6 rows of keys 0 0 0 1 2 3."""
    table = pa.table({"key": [0, 0, 0, 1, 2, 3]})
    c = assay.compare("partitioning", table, strategies=strategies, partitions=2, timing=False, **settings)
    return {row["contender"]: row for row in c.to_arrow().to_pylist() if row["metric"] == metric}


def test_a_metric_sees_loads_keys_and_nodes(registered: None) -> None:
    seen: dict[str, assay.PartitionLoads] = {}

    @assay.register_metric
    class Seen(assay.PartitioningMetric):
        "Rows of the first partition."

        name = "rows_first"
        unit = "rows"
        formula = "x_0"

        def value(self, loads: assay.PartitionLoads) -> float:
            seen[loads.strategy] = loads
            return loads.loads[0]  # type: ignore[no-any-return]

    found = measured("rows_first", ["modulo(key)", "round_robin"])
    # By hand: even keys 0 0 0 2 live in node-0, odd keys 1 3 in node-1; round robin deals 3 and 3.
    assert found["modulo(key)"]["value"] == 4 and found["round_robin"]["value"] == 3
    modulo, robin = seen["modulo(key)"], seen["round_robin"]
    assert modulo.loads.tolist() == [4, 2] and modulo.keys is not None and modulo.keys.tolist() == [2, 2]
    assert modulo.nodes == ("node-0", "node-1") and modulo.partitions == 2
    assert robin.loads.tolist() == [3, 3] and robin.keys is None and robin.bytes is None
    assert not modulo.loads.flags.writeable
    measured("rows_first", ["modulo(key)"], bytes=True, capacities=[1.0, 3.0])
    assert seen["modulo(key)"].bytes is not None and seen["modulo(key)"].bytes.tolist() == [32, 16]
    assert seen["modulo(key)"].capacities == (1.0, 3.0)


@pytest.mark.parametrize(
    ("given", "kind", "words"),
    [
        (float("nan"), "exact", "expected a finite number"),
        ("3", "exact", "expected a finite number"),
        (1.0, "estimated", "expected (value, low, high)"),
        ((1.0, 2.0, 3.0), "estimated", "expected it within them"),
        (None, "exact", "it does not apply here"),
    ],
)
def test_a_metric_that_gives_no_number_has_no_value_and_says_why(
    registered: None, given: Any, kind: str, words: str
) -> None:
    @assay.register_metric
    class Odd(assay.PartitioningMetric):
        "An odd one."

        name = "odd"
        formula = "none"

        def value(self, loads: assay.PartitionLoads) -> Any:
            return given

    Odd.kind = kind
    assay.register_metric(Odd)
    row = measured("odd", ["hash(key)"])["hash(key)"]
    assert row["value"] is None and words in row["note"]


def test_an_estimate_has_its_bounds(registered: None) -> None:
    @assay.register_metric
    class Estimate(assay.PartitioningMetric):
        "About two."

        name = "about_two"
        formula = "2"
        kind = "estimated"

        def value(self, loads: assay.PartitionLoads) -> tuple[float, float, float]:
            return np.float64(2.0), 1, 3

    row = measured("about_two", ["hash(key)"])["hash(key)"]
    assert (row["value"], row["low"], row["high"], row["kind"]) == (2.0, 1.0, 3.0, "estimated")


def test_a_declaration_that_is_not_complete_is_refused(registered: None) -> None:
    def made(**attributes: Any) -> None:
        body = {"name": "mine", "formula": "x", "meaning": "m", "value": lambda self, loads: 1.0, **attributes}
        assay.register_metric(type("Mine", (assay.PartitioningMetric,), body))

    made()
    for attributes, words in (
        ({"name": "Two Words"}, "expected lower-case letters"),
        ({"unit": "furlongs"}, "Mine.unit is 'furlongs'; expected one of ratio, share"),
        ({"direction": "up"}, "Mine.direction is 'up'; expected one of lower, higher, none"),
        ({"kind": "timed"}, "Mine.kind is 'timed'; expected one of exact, estimated"),
        ({"formula": ""}, "Mine has no formula"),
        ({"value": assay.PartitioningMetric.value}, "Mine has no value"),
    ):
        with pytest.raises(ParameterError, match=words.replace("(", r"\(")):
            made(**attributes)


# -- datasets ---------------------------------------------------------------------------------------

TABLES = """
import pyarrow as pa

def stream(rows=3000):
    "A stream of numbers."
    table = pa.table({"key": list(range(rows))})
    return pa.RecordBatchReader.from_batches(table.schema, table.to_batches(max_chunksize=1000))

def five():
    return 5

def fails():
    raise OSError("the sensor is gone")
"""


@pytest.fixture
def tables(packages: Packages) -> Packages:
    points = "\n".join(f"{name} = tables:{name}" for name in ("stream", "five", "fails"))
    packages.add("tables", "tables", TABLES, datasets=points)
    return packages


def test_a_stream_of_a_plug_in_is_read_by_processes_and_has_one_fingerprint(tables: Packages) -> None:
    command = ["compare", "partitioning", "stream", "--strategy", "modulo(key)", "--partitions", "3", "--no-timing"]
    prints = []
    for more in (["--jobs", "2"], ["--jobs", "1"]):
        done = tables.run(*command, *more, "--format", "json", "--store", "s.duckdb")
        assert done.returncode == 0, done.stderr
        load = [row["value"] for row in json.loads(done.stdout)["results"] if row["metric"] == "load_max_over_mean"]
        assert load == [1.0]
        told = tables.run("sql", "SELECT fingerprint, fingerprint_kind, name FROM dataset", "--store", "s.duckdb",
                          "--format", "csv").stdout  # fmt: skip
        prints.append(told)
    assert prints[0] == prints[1] and ",content,stream" in prints[0], "the same rows in both runs"


def test_a_table_that_cannot_be_had_is_a_clear_error(tables: Packages) -> None:
    wanted = {
        "five": (2, "five() of tables gave something of type int; expected what speaks the Arrow PyCapsule interface"),
        "fails": (3, "fails() of tables failed: OSError: the sensor is gone"),
        "stream(lines=4)": (2, "tables has stream(rows=3000)"),
        "streem": (2, 'there is no dataset "streem"; did you mean "stream"?'),
    }
    found = json.loads(tables.run(*(["data", data] for data in wanted)).stdout)
    for (code, _, err), (wanted_code, words) in zip(found, wanted.values(), strict=True):
        assert code == wanted_code and words in err, err
