"""What the page gives to measure one cell again loads as a suite and says as a command what was measured."""

from __future__ import annotations

import json
import shlex
import tomllib

import pytest

import assay
from assay.harness.suite import load_suite
from assay.report.payload import build_payload
from assay.report.rerun import point_again, rerun_of, toml_value
from assay.report.run_reader import read_run


def suite_of(experiment: dict, point: int, row: int) -> str:
    """The suite as assets/table.js puts it together."""
    again, place = experiment["again"], experiment["points"][point]
    return (
        f"{again['toml']}{place['again']['toml']}{again['contenders']} = [{json.dumps(place['rows'][row]['name'])}]\n"
    )


@pytest.mark.parametrize("settings", [
    {"partitions": [4, 8]},
    {"partitions": 4, "time": "start", "bytes": True},
    {"partitions": [4, 6], "capacities": {"node-1": 2.5}, "racks": ["a", "b", "a", "b"][:2] * 2, "replicas": 2},
    {"partitions": 4, "weight": "rows"},
])  # fmt: skip
def test_the_suite_of_one_cell_plans_that_cell(tmp_path, settings) -> None:
    if "racks" in settings:
        settings = settings | {"partitions": 4}
    table = tmp_path / "trips.csv"
    table.write_text("start,plane,rows\n" + "".join(f"{i},p{i % 9},{1 + i % 3}\n" for i in range(90)))
    strategies = ["ring(plane, virtual_nodes=16)", "hash(plane)"]
    results = assay.compare("partitioning", str(table), strategies=strategies, timing=False, **settings)
    (experiment,) = build_payload(results.store, read_run(results.store, results.run_id))["experiments"]
    for p, point in enumerate(experiment["points"]):
        for i, row in enumerate(point["rows"]):
            path = tmp_path / "one.toml"
            path.write_text(suite_of(experiment, p, i), encoding="utf-8")
            (planned,) = load_suite(path).experiments
            (cell,) = planned.cells
            stored = results.store.query(
                "SELECT cell_id FROM cell WHERE contender = ? AND (parameters->>'partitions')::INT = ?",
                [row["name"], point["parameters"]["partitions"]],
            ).to_pylist()
            assert cell.cell_id in {found["cell_id"] for found in stored}


def test_the_command_keeps_every_setting_but_the_grids_and_the_contenders(flights_store) -> None:
    (experiment,) = read_run(flights_store, flights_store.run_id).experiments
    again = rerun_of(experiment)
    assert again is not None
    assert shlex.split(again["command"]) == ["assay", "compare", "partitioning", "flights"]
    assert point_again(experiment.points[1]) == {"toml": "partitions = 64\n", "flags": "--partitions 64"}


def test_values_are_written_as_toml_reads_them() -> None:
    values = [
        'a "b" \\ c\n',
        3,
        -2.5,
        True,
        [],
        ["x", 1, False],
        {},
        {"node-1": 2, "a b": "c", "d": [1.5]},
        "ünï\u2028",
    ]
    for value in values:
        assert tomllib.loads(f"value = {toml_value(value)}")["value"] == value


def test_a_command_that_names_no_data_gives_no_suite(make_store) -> None:
    store = make_store()
    store.add_run()
    store.add_experiment(partitions=(8,))
    store.connection.execute("UPDATE experiment SET command = 'python notebook.py'")
    (experiment,) = read_run(store, store.run_id).experiments
    assert rerun_of(experiment) is None
