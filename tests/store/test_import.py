"""Files of pyperf and pytest-benchmark, made by these packages here, as runs of the store."""

from __future__ import annotations

import gzip
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.cli import main
from assay.errors import ReadError
from assay.report import write_report
from assay.store import Store
from assay.store.importing import Imported, import_files
from assay.store.importing.build import MOST_ROUNDS, content_run_id

PYPERF = """
import pyperf
runner = pyperf.Runner(processes=3, values=4, warmups=1, loops=8)
runner.timeit("sum of a list", stmt="sum(x)", setup="x = list(range(100))", inner_loops=2)
runner.bench_func("dict", dict, [(1, 2)])
"""
PYTEST = """
import pytest

@pytest.mark.parametrize("n", [10, 1000])
@pytest.mark.benchmark(group="sums")
def test_sum(benchmark, n):
    benchmark.pedantic(sum, args=(range(n),), rounds=200, iterations=5)

@pytest.mark.parametrize("function", [sorted, max])
def test_functions(benchmark, function):
    benchmark.pedantic(function, args=([3, 1, 2],), rounds=20)

def test_once(benchmark):
    benchmark.pedantic(len, args=([],), rounds=1)
"""


@pytest.fixture(scope="module")
def pyperf_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pyperf")
    (folder / "bench.py").write_text(PYPERF)
    subprocess.run([sys.executable, "bench.py", "-o", "base.json"], cwd=folder, check=True, capture_output=True)
    return folder / "base.json"


@pytest.fixture(scope="module")
def pytest_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shop")
    (folder / "test_it.py").write_text(PYTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--benchmark-json", "b.json"]
    # A worker of the tests' own pytest hands down that it is one, and the benchmarks would not run.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    subprocess.run([sys.executable, *words], cwd=folder, check=True, capture_output=True, env=environment)
    return folder / "b.json"


def imported(path: Path, *, label: str | None = None) -> tuple[Store, Imported]:
    store = Store(None)
    [outcome] = import_files(store, [path], label=label)
    if outcome.error is not None:
        raise outcome.error
    return store, outcome


def changed(path: Path, folder: Path, change: Any) -> Path:
    document = json.loads(path.read_text())
    change(document)
    other = folder / "changed.json"
    other.write_text(json.dumps(document))
    return other


def test_pyperf_s_processes_values_and_machine_are_kept(pyperf_file: Path) -> None:
    document = json.loads(pyperf_file.read_text())
    store, outcome = imported(pyperf_file)
    assert (outcome.benchmarks, outcome.is_new) == (2, True)
    for benchmark, name in zip(document["benchmarks"], ("sum of a list", "dict"), strict=True):
        runs = [run["values"] for run in benchmark["runs"] if "values" in run]
        assert len(runs) == 3
        samples = store.query(
            "SELECT process, ns_min, ns_median, ns_max, samples, iterations, operations FROM sample "
            "JOIN cell USING (run_id, experiment_index, cell_id) WHERE contender = ? ORDER BY process, round",
            [name],
        ).to_pylist()
        wanted = [(process, value * 1e9) for process, values in enumerate(runs) for value in values]
        assert [(row["process"], row["ns_min"]) for row in samples] == wanted
        assert all(row["ns_min"] == row["ns_median"] == row["ns_max"] for row in samples)
        assert {(row["samples"], row["iterations"]) for row in samples} == {(1, 8)}
        assert {row["operations"] for row in samples} == ({2} if name == "sum of a list" else {1})
        [row] = store.query("SELECT * FROM result WHERE contender = ?", [name]).to_pylist()
        assert row["value"] == pytest.approx(statistics.median(value for _, value in wanted))
        assert row["low"] <= row["value"] <= row["high"] and row["note"] is None
        assert (row["experiment"], row["metric"], row["unit"], row["kind"]) == ("pyperf", "time_ns", "ns", "timed")
    [run] = store.query("SELECT * FROM run_summary").to_pylist()
    assert (run["suite_name"], run["status"], run["cells_done"]) == ("base", "done", 2)
    first = min(run["metadata"]["date"] for one in document["benchmarks"] for run in one["runs"])
    assert run["started"].isoformat(sep=" ")[:26] == first[:26]
    assert run["started"] < run["ended"]
    facts = json.loads(store.query("SELECT facts FROM environment")["facts"][0].as_py())
    assert facts["measured_by"].startswith("pyperf 2.")
    assert facts["cores"] == document["metadata"]["cpu_count"]
    text = json.dumps(facts)
    assert document["metadata"]["hostname"] not in text.split('"') and sys.executable not in text


def test_pytest_benchmark_s_rounds_groups_and_parameters_are_kept(pytest_file: Path) -> None:
    document = json.loads(pytest_file.read_text())
    store, _ = imported(pytest_file)
    rows = {row["contender"]: row for row in store.query("SELECT * FROM result").to_pylist()}
    assert set(rows) == {
        "test_it.py::test_sum[10]", "test_it.py::test_sum[1000]", "test_it.py::test_functions[sorted]",
        "test_it.py::test_functions[max]", "test_it.py::test_once",
    }  # fmt: skip
    for benchmark in document["benchmarks"]:
        row, data = rows[benchmark["fullname"]], [value * 1e9 for value in benchmark["stats"]["data"]]
        [samples] = store.query(
            "SELECT count(*) AS rounds, sum(samples)::INT AS n, min(ns_min) AS least, max(ns_max) AS most, "
            "median(ns_min) AS middle, min(iterations) AS iterations, max(process) AS process "
            "FROM sample WHERE cell_id = ?",
            [row["cell_id"]],
        ).to_pylist()
        assert samples["rounds"] == min(MOST_ROUNDS, len(data)) and samples["n"] == len(data)
        assert (samples["least"], samples["most"], samples["process"]) == (min(data), max(data), 0)
        assert samples["iterations"] == benchmark["stats"]["iterations"]
        [kept] = store.query(
            "SELECT flatten(list(ns ORDER BY round)) AS ns FROM sample WHERE cell_id = ?", [row["cell_id"]]
        )["ns"].to_pylist()
        assert kept == data, "every value is kept, in its order"
        assert row["value"] == pytest.approx(samples["middle"])
        assert min(data) <= row["value"] <= statistics.median(data) * (1 + 1e-9)
    assert rows["test_it.py::test_once"]["note"] == "one value, so that there is no interval"
    assert rows["test_it.py::test_once"]["low"] is None
    assert rows["test_it.py::test_sum[10]"]["note"] == "one process: how processes differ is not in the interval"
    experiments = store.query(
        "SELECT question, settings, answers FROM experiment ORDER BY experiment_index"
    ).to_pylist()
    assert [json.loads(one["settings"]).get("group") for one in experiments] == ["sums", None]
    sums = json.loads(experiments[0]["settings"])["parameters"]
    assert sums == {"test_it.py::test_sum[10]": {"n": 10}, "test_it.py::test_sum[1000]": {"n": 1000}}
    functions = json.loads(experiments[1]["settings"])["parameters"]
    assert functions["test_it.py::test_functions[max]"] == {"function": "<built-in function max>"}
    [answer] = json.loads(experiments[0]["answers"])
    assert answer["best"] == "test_it.py::test_sum[10]" and "is the fastest of sums" in answer["sentence"]
    [answer] = json.loads(experiments[1]["answers"])
    assert answer["best"] is None and "nothing compares them" in answer["sentence"]


def test_importing_twice_changes_nothing_and_says_so(
    pyperf_file: Path, pytest_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "r.duckdb"
    words = ["import", str(pyperf_file), str(pytest_file), "--store", str(store)]
    assert main(words) == 0
    first = capsys.readouterr().out.splitlines()
    assert "2 benchmarks of pyperf 2." in first[0] and "5 benchmarks of pytest-benchmark 5." in first[1]
    with Store.read_only(store) as reader:
        before = reader.query("FROM sample ORDER BY ALL").to_pylist()
    assert main(words) == 0
    assert [line.endswith("is there already; nothing changed") for line in capsys.readouterr().out.splitlines()] == [
        True,
        True,
    ]
    with Store.read_only(store) as reader:
        assert reader.query("FROM sample ORDER BY ALL").to_pylist() == before
        assert reader.query("SELECT count(*) AS n FROM run").to_pylist() == [{"n": 2}]


def test_imported_runs_are_reported_exported_and_listed(
    pytest_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["import", str(pytest_file), "--label", "nightly"]) == 0
    assert main(["report", "nightly", "-o", "page.html"]) == 0
    page = (tmp_path / "page.html").read_text()
    assert "test_it.py::test_sum[1000]" in page and "Imported from pytest-benchmark" in page
    capsys.readouterr()
    assert main(["export", "nightly", "--format", "json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["results"]) == 5 and {row["unit"] for row in found["results"]} == {"ns"}
    assert main(["list", "runs"]) == 0
    assert "nightly" in capsys.readouterr().out
    with Store.read_only("assay.duckdb") as store, store.snapshot():
        write_report(store, found["run"], tmp_path / "again.html")


def test_the_same_benchmark_is_the_same_cell_in_every_file(pyperf_file: Path, tmp_path: Path) -> None:
    def slower(document: dict[str, Any]) -> None:
        for run in document["benchmarks"][0]["runs"]:
            run["values"] = [value * 1.1 for value in run.get("values", [])]

    other = changed(pyperf_file, tmp_path, slower)
    with Store(None) as store:
        outcomes = import_files(store, [pyperf_file, other])
        assert all(outcome.is_new for outcome in outcomes)
        ids = store.query("SELECT contender, count(*) AS n, count(DISTINCT cell_id) AS ids FROM cell GROUP BY 1")
        assert {(row["n"], row["ids"]) for row in ids.to_pylist()} == {(2, 1)}
        assert len(set(store.query("SELECT suite_hash FROM run")["suite_hash"].to_pylist())) == 1
        assert len(set(store.query("SELECT environment_id FROM run")["environment_id"].to_pylist())) == 1


def test_two_imported_runs_are_compared_by_diff(
    pyperf_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slower(document: dict[str, Any]) -> None:
        for run in document["benchmarks"][0]["runs"]:
            run["values"] = [value * 20 for value in run.get("values", [])]

    other = changed(pyperf_file, tmp_path, slower)
    monkeypatch.chdir(tmp_path)
    assert main(["import", str(pyperf_file), "--label", "base"]) == 0
    assert main(["import", str(other), "--label", "slower"]) == 0
    capsys.readouterr()
    assert main(["diff", "base", "slower", "--fail-on", "worse:100%"]) == 1
    out = capsys.readouterr().out
    assert "1 worse" in out and "sum of a list" in out and "time_ns" in out


def test_a_summary_without_rounds_is_a_value_without_an_interval(pytest_file: Path, tmp_path: Path) -> None:
    def forget(document: dict[str, Any]) -> None:
        document["commit_info"] |= {"id": "0123456789abcdef", "dirty": True}
        for benchmark in document["benchmarks"]:
            del benchmark["stats"]["data"]

    store, _ = imported(changed(pytest_file, tmp_path, forget))
    rows = store.query("SELECT value, low, high, note FROM result").to_pylist()
    assert all(row["value"] > 0 and row["low"] is None and "--benchmark-save-data" in row["note"] for row in rows)
    assert store.query("SELECT label FROM run").to_pylist() == [{"label": "0123456789ab+changes"}]
    assert store.query("SELECT count(*) AS n FROM sample").to_pylist() == [{"n": 0}]


def test_memory_and_plain_numbers_of_pyperf_are_no_times(pyperf_file: Path, tmp_path: Path) -> None:
    def units(document: dict[str, Any]) -> None:
        document["metadata"]["commit_id"] = "fedcba9876543210"
        for benchmark, unit in zip(document["benchmarks"], ("byte", "integer"), strict=True):
            benchmark["metadata"]["unit"] = unit
            for run in benchmark["runs"]:
                run["values"] = [1000, 1000, 1004] if "values" in run else []

    store, _ = imported(changed(pyperf_file, tmp_path, units))
    rows = store.query("SELECT metric, unit, value FROM result ORDER BY metric").to_pylist()
    assert rows == [
        {"metric": "memory_bytes", "unit": "bytes", "value": 1000.0},
        {"metric": "number", "unit": "count", "value": 1000.0},
    ]
    assert store.query("SELECT label FROM run").to_pylist() == [{"label": "fedcba987654"}]


def test_a_benchmark_without_values_is_a_failed_cell(pyperf_file: Path, tmp_path: Path) -> None:
    def forget(document: dict[str, Any]) -> None:
        document["benchmarks"][1]["runs"] = document["benchmarks"][1]["runs"][:0]

    store, _ = imported(changed(pyperf_file, tmp_path, forget))
    [row] = store.query("SELECT contender, error FROM failure").to_pylist()
    assert row["contender"] == "dict" and "no values" in row["error"]


def test_a_compressed_file_is_read(pyperf_file: Path, tmp_path: Path) -> None:
    path = tmp_path / "base.json.gz"
    path.write_bytes(gzip.compress(pyperf_file.read_bytes()))
    _, outcome = imported(path)
    assert outcome.run_id == imported(pyperf_file)[1].run_id


def test_a_compressed_file_that_is_damaged_is_told(pyperf_file: Path, tmp_path: Path) -> None:
    packed = bytearray(gzip.compress(pyperf_file.read_bytes()))
    packed[10:30] = b"\xff" * 20
    path = tmp_path / "base.json.gz"
    path.write_bytes(packed)
    with Store(None) as store:
        [outcome] = import_files(store, [path])
    assert outcome.error is not None and "base.json.gz cannot be read" in str(outcome.error)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is no JSON"),
        ("[]", "is neither of pyperf .* nor of pytest-benchmark"),
        ('{"benchmarks": []}', "expected 1.0|holds no benchmark"),
        ('{"version": "1.0", "benchmarks": []}', "holds no benchmark"),
        ('{"version": "2.0", "benchmarks": [{"runs": []}]}', "version 2.0 of pyperf's format; expected 1.0"),
        ('{"version": "1.0", "benchmarks": [{"runs": [{"values": ["x"]}]}]}', "has the value 'x'; expected a finite"),
        ('{"version": "1.0", "benchmarks": [{"runs": [{"values": [NaN]}]}]}', "has the value nan; expected a finite"),
        ('{"version": "1.0", "benchmarks": [{"runs": 3}]}', "runs of .* is int"),
        ('{"version": "1.0", "metadata": 3, "benchmarks": [{"runs": []}]}', "is not as its tool writes it"),
        ('{"machine_info": {}, "benchmarks": []}', "holds no benchmark"),
        ('{"machine_info": {}, "datetime": "noon", "benchmarks": [{}]}', "datetime of .* is 'noon'"),
        ('{"machine_info": {}, "datetime": "2026-01-01", "benchmarks": [{}]}', "has no fullname"),
    ],
)
def test_a_file_that_is_not_whole_is_refused_by_name(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "odd.json"
    path.write_text(text)
    with pytest.raises(ReadError, match=message) as raised:
        imported(path)
    assert "odd.json" in str(raised.value)


def test_a_refused_file_does_not_stop_the_others_and_leaves_no_empty_store(
    pyperf_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["import", "nowhere.json"]) == 3
    assert main(["import"]) == 2
    assert not list(tmp_path.iterdir())
    assert main(["import", "nowhere.json", str(pyperf_file)]) == 3
    out, err = capsys.readouterr()
    assert "2 benchmarks of pyperf" in out and "there is no file nowhere.json" in err


def test_the_id_of_a_run_is_its_content_s_and_sorts_by_time() -> None:
    from datetime import UTC, datetime
    from uuid import UUID

    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
    one = content_run_id(b"x", early)
    assert one == content_run_id(b"x", early) != content_run_id(b"y", early)
    assert one < content_run_id(b"a", late)
    assert UUID(one).version == 7 and UUID(one).variant == "specified in RFC 4122"
