"""The recipes of CONTRIBUTING.md, followed to the letter: what they say works."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """The one code block of this language that contains this text."""
    blocks = re.findall(rf"^( *)```{language}\n(.*?)^ *```$", TEXT, re.MULTILINE | re.DOTALL)
    found = [textwrap.dedent(code) for _, code in blocks if containing in code]
    assert len(found) == 1, f"{len(found)} {language} blocks of CONTRIBUTING.md contain {containing!r}"
    return found[0]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Somebody's project after the recipe: the file, the line and the test, installed."""
    (tmp_path / "stripes.py").write_text(block("python", "class Stripes"), encoding="utf-8")
    (tmp_path / "test_stripes.py").write_text(block("python", "import stripes"), encoding="utf-8")
    install(tmp_path, "stripes", block("toml", "assay.contenders"))
    return tmp_path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Somebody's package with the metric, the dataset and the experiment of the recipes, installed."""
    for module, words in {
        "emptiest": "class EmptiestShare",
        "squares": "def squares",
        "nulls": "class NullsJob",
        "test_mine": "def test_the_emptiest",
    }.items():
        (tmp_path / f"{module}.py").write_text(block("python", words), encoding="utf-8")
    install(tmp_path, "mine", block("toml", "assay.metrics"))
    return tmp_path


def install(folder: Path, name: str, manifest: str) -> None:
    """What an installer makes of the lines in pyproject.toml."""
    installed = folder / f"{name}-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    lines = []
    for group, points in tomllib.loads(manifest)["project"]["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {target}" for name, target in points.items())]
    (installed / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def run_in(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with these arguments, where the project is installed."""
    search = os.pathsep.join([str(project), str(ROOT / "python")])
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": search, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_tests_of_the_python_recipe_pass(project: Path) -> None:
    done = run_in(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_stripes.py")
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


def test_the_command_line_knows_the_strategy_by_its_entry_point(project: Path) -> None:
    spelling = "stripes(key, width=10)"
    data = "ascending(rows=400)"
    command = ["compare", "partitioning", data, "--partitions", "4", "--strategy", spelling]
    done = run_in(project, "-m", "assay", *command, "--strategy", "hash(key)", "--no-timing", "--format", "json")
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    load = {row["contender"]: row["value"] for row in results if row["metric"] == "load_max_over_mean"}
    assert load["stripes(key,width=10)"] == 1.0 < load["hash(key)"]


def test_worker_and_timing_processes_know_the_strategy_too(project: Path) -> None:
    command = ["compare", "partitioning", "ascending(rows=400)", "--strategy", "stripes(key)", "--jobs", "2"]
    done = run_in(project, "-m", "assay", *command, "--rounds", "1", "--format", "json")
    assert done.returncode == 0, done.stderr
    timed = {row["metric"]: row for row in json.loads(done.stdout)["results"] if row["kind"] == "timed"}
    latencies = {f"lookup_latency_ns.{percentile}" for percentile in ("p50", "p90", "p99", "p99_9")}
    assert set(timed) == {"lookup_ns", "build_ns", *latencies}
    assert all(timed[metric]["value"] > 0 for metric in ("lookup_ns", "build_ns", "lookup_latency_ns.p50"))


def test_the_catalogue_explains_the_strategy(project: Path) -> None:
    done = run_in(project, "-m", "assay", "explain", "stripes")
    assert done.returncode == 0, done.stderr
    assert "Runs of `width` consecutive integer keys" in done.stdout
    assert "block-cyclic distribution" in done.stdout


def test_the_tests_of_the_other_recipes_pass(package: Path) -> None:
    done = run_in(package, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py")
    assert done.returncode == 0 and "2 passed" in done.stdout, done.stdout + done.stderr


def test_worker_processes_know_the_experiment_and_the_dataset(package: Path) -> None:
    command = ["compare", "nulls", "squares(rows=50)", "--columns", "number", "--jobs", "2", "--format", "json"]
    done = run_in(package, "-m", "assay", *command)
    assert done.returncode == 0, done.stderr
    assert [row["value"] for row in json.loads(done.stdout)["results"]] == [0.0]
    assert "mine" in run_in(package, "-m", "assay", "list", "plugins").stdout


def test_the_dataset_and_the_suite_of_the_recipes_run(tmp_path: Path) -> None:
    (tmp_path / "orders.toml").write_text(block("toml", 'path = "orders.csv"'), encoding="utf-8")
    (tmp_path / "orders-suite.toml").write_text(block("toml", "[[experiment]]"), encoding="utf-8")
    customers = [f"c{number}" for number in range(50)]
    (tmp_path / "customers.csv").write_text("\n".join(["id", *customers]) + "\n", encoding="utf-8")
    orders = [f"{number},{customers[number % 50]}" for number in range(200)]
    (tmp_path / "orders.csv").write_text("\n".join(["order,customer", *orders]) + "\n", encoding="utf-8")
    checked = run_in(tmp_path, "-m", "assay", "check", "orders-suite.toml")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    done = run_in(tmp_path, "-m", "assay", "run", "orders-suite.toml", "--no-timing", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert len({row["contender"] for row in json.loads(done.stdout)["results"]}) == 2


def test_the_recipe_of_the_core_names_what_the_core_has() -> None:
    recipe = block("rust", "pub const CONTENDER")
    core = ROOT / "rust" / "assay-core" / "src"
    for module, names in re.findall(r"use crate::([\w:]+)::(?:\{([^}]*)\}|\w+);", recipe):
        source = (core / f"{module.replace('::', '/')}.rs").read_text(encoding="utf-8")
        for name in filter(None, (name.strip() for name in names.split(","))):
            assert re.search(rf"pub (?:struct|enum|trait|type|fn) {name}\b", source), f"{module} has no {name}"
    partition = (core / "partition.rs").read_text(encoding="utf-8")
    assert "pub const STRATEGIES" in partition
    for method in ("fn nodes(&self) -> &[u32]", "fn routing_bytes(&self) -> u64"):
        assert method in recipe and method in partition
    signature = next(line.strip(" {;") for line in recipe.splitlines() if "fn assign(" in line)
    assert signature.replace(" _", " ") in partition, "the trait's assign has another signature"
    fields = set(
        re.findall(r"^    pub (\w+):", (core / "catalogue.rs").read_text("utf-8").split("struct Contender")[1], re.M)
    )
    given = set(re.findall(r"^    (\w+):", recipe.split("pub const CONTENDER")[1].split("};")[0], re.M))
    assert fields == given
