"""The example package does what it says once it is installed: list, explain, check, run in processes, report."""

from __future__ import annotations

import json
import math
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., "subprocess.CompletedProcess[str]"]

SUITE = """
name = "example"

[[experiment]]
kind = "partitioning"
dataset = "tides"
partitions = 4
strategies = ["multiplicative(height_cm)", "round_robin"]
expect = [
    { strategy = "round_robin", metric = "load_theil", equals = 0.0 },
    { strategy = "multiplicative(height_cm)", metric = "load_theil", above = 0.0 },
]

[[experiment]]
kind = "ordering"
dataset = "meters"
columns = ["read_at", "meter"]
expect = [
    { column = "read_at", metric = "runs", equals = 1 },
    { column = "meter", metric = "runs", equals = 24 },
]
"""


def said(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout + done.stderr
    assert "cannot be used" not in done.stderr
    return done.stdout


def several(run: Run, *commands: list[str]) -> list[tuple[int, str, str]]:
    """The exit code, output and messages of each command."""
    return [tuple(one) for one in json.loads(said(run(*commands)))]


def rows(done: subprocess.CompletedProcess[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(said(done))
    return found


NAMES = {
    "strategies": ["multiplicative"],
    "experiments": ["ordering"],
    "datasets": ["meters", "tides"],
    "metrics": ["load_theil"],
}


def test_each_kind_is_listed_with_its_package(with_example: Run) -> None:
    for (code, out, err), names in zip(
        several(with_example, *(["list", what, "--format", "json"] for what in NAMES)), NAMES.values(), strict=True
    ):
        assert code == 0 and not err, err
        listed = {row["name"]: row["package"] for row in json.loads(out)}
        assert [listed[name] for name in names] == ["assay-example"] * len(names)
        assert set(listed.values()) == {"assay", "assay-example"}


def test_the_plug_ins_are_listed_with_version_and_state(with_example: Run) -> None:
    listed = rows(with_example("list", "plugins", "--format", "json"))
    assert [(row["kind"], row["name"]) for row in listed] == [
        ("contenders", "multiplicative"),
        ("experiments", "ordering"),
        ("datasets", "meters"),
        ("datasets", "tides"),
        ("metrics", "load_theil"),
    ]
    assert {(row["package"], row["version"], row["status"]) for row in listed} == {("assay-example", "1.2.0", "works")}


def test_each_kind_is_explained_with_its_package(with_example: Run) -> None:
    explained = {
        "multiplicative": "Knuth",
        "ordering": "By which column",
        "meters": "twelve electricity meters",
        "tides": "height of the tide",
        "load_theil": "Theil 1967",
    }
    found = several(with_example, *(["explain", name] for name in explained))
    for (code, text, _), words in zip(found, explained.values(), strict=True):
        assert code == 0 and words in text and re.search(r"^package +assay-example$", text, re.MULTILINE), text


def test_a_suite_of_all_kinds_runs_in_processes_and_is_reported(with_example: Run, tmp_path: Path) -> None:
    (tmp_path / "example.toml").write_text(SUITE, encoding="utf-8")
    assert "2 experiments, 4 cells" in said(with_example("check", "example.toml"))
    done = with_example("run", "example.toml", "--jobs", "2", "--rounds", "1", "--format", "json")
    results = json.loads(said(done))["results"]
    by_name = {(row["contender"], row["metric"]): row["value"] for row in results}
    assert by_name["read_at", "runs"] == 1 and by_name["meter", "runs"] == 24
    # 23 of the 287 pairs of neighbours descend: once an hour from the last meter to the first.
    assert by_name["meter", "descents_share"] == 23 / 287
    assert by_name["round_robin", "load_theil"] == 0.0
    assert 0 < by_name["multiplicative(height_cm)", "load_theil"] < math.log(4)
    assert by_name["multiplicative(height_cm)", "lookup_ns"] > 0, "timing processes know the strategy"
    page = Path(said(with_example("report", "-o", "example.html")).strip())
    text = (tmp_path / page).read_text(encoding="utf-8")
    assert "load_theil" in text and "ordering" in text
    assert "assay-example 1.2.0" in text, "the page says which package brought them"
    assert "contenders multiplicative, experiments ordering, datasets meters" in text


def test_a_table_that_a_plug_in_computes_takes_arguments(with_example: Run) -> None:
    good, wrong = several(with_example, ["data", "tides(rows=48)", "--format", "json"], ["data", "tides(hours=48)"])
    assert good[0] == 0 and '"rows": 48' in good[1]
    assert wrong[0] == 2 and "assay-example has tides(rows=720)" in wrong[2]
