"""What holds for every file and every catalogue entry, whoever wrote it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from assay.catalogue import Contender, contenders
from assay.experiments import registry
from assay.experiments.base import Metric
from assay.units import UNITS

ROOT = Path(__file__).resolve().parents[1]
MOST_LINES = 600
# Left for later is written in the changelog or nowhere; the words are spelled apart so that this file passes itself.
UNFINISHED = re.compile("|".join(("TO" + "DO", "FIX" + "ME", "X" + "XX")) + r"\b")


def sources() -> Iterator[Path]:
    """Every Python and Rust file that somebody wrote."""
    for folder in ("python", "rust", "tests", "scripts"):
        for path in sorted((ROOT / folder).rglob("*")):
            if path.suffix in (".py", ".rs") and not {"vendor", "target", "__pycache__"} & set(path.parts):
                yield path


def metrics() -> list[tuple[str, Metric]]:
    return [(kind, metric) for kind in registry.BUILT_IN for metric in registry.get(kind).metrics.values()]


def test_no_file_is_longer_than_six_hundred_lines() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in sources()
        if (lines := len(path.read_text(encoding="utf-8").splitlines())) > MOST_LINES
    }
    assert not long, f"one idea per file; split {long}"


def test_nothing_is_left_unfinished_in_a_comment() -> None:
    marks = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert not marks


def test_no_file_holds_two_sides_of_a_merge() -> None:
    marks = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in (*sources(), *ROOT.glob("*"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "bench").rglob("*.toml"))
        if path.suffix in ("", ".md", ".py", ".rs", ".toml") and path.is_file()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if line.startswith(("<" * 7 + " ", ">" * 7 + " "))
    ]
    assert not marks


def test_both_licences_are_there_and_named_in_both_manifests() -> None:
    apache = (ROOT / "LICENSE-APACHE").read_text(encoding="utf-8")
    mit = (ROOT / "LICENSE-MIT").read_text(encoding="utf-8")
    assert "Apache License" in apache and "Version 2.0" in apache
    assert "Permission is hereby granted, free of charge" in mit
    python = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["license"]
    rust = tomllib.loads((ROOT / "Cargo.toml").read_text(encoding="utf-8"))["workspace"]["package"]["license"]
    assert sorted(python.split(" OR ")) == sorted(rust.split(" OR ")) == ["Apache-2.0", "MIT"]


def test_vendored_scripts_carry_their_licences() -> None:
    vendor = ROOT / "python" / "assay" / "report" / "vendor"
    scripts = sorted(vendor.glob("*.js"))
    assert scripts
    for script in scripts:
        assert script.with_suffix(".LICENSE").read_text(encoding="utf-8").strip(), script.name


@pytest.mark.parametrize("contender", contenders(), ids=lambda contender: f"{contender.room}/{contender.name}")
def test_a_contender_says_what_it_is_and_where_it_comes_from(contender: Contender) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", contender.name)
    assert contender.version >= 1
    for name in ("idea", "cost", "choose_when", "source"):
        text = getattr(contender, name)
        assert text and text == text.strip() and "\n" not in text, f"{name} of {contender.name} is {text!r}"
    for parameter in contender.parameters:
        assert parameter.meaning, f"{contender.name}.{parameter.name} has no meaning"
        if parameter.kind == "choice":
            assert parameter.default in ("", *parameter.choices)
        if parameter.kind in ("integer", "number"):
            assert parameter.low is not None and parameter.high is not None and parameter.low <= parameter.high


def test_a_room_has_each_name_once() -> None:
    names = [(contender.room, contender.name) for contender in contenders()]
    assert len(names) == len(set(names))


def test_a_metric_says_what_it_means_and_how_it_is_computed() -> None:
    for kind, metric in metrics():
        where = f"{kind}: {metric.name}"
        assert metric.unit in UNITS, f"{where} has the unit {metric.unit!r}; known: {', '.join(UNITS)}"
        assert metric.meaning.strip() and metric.formula.strip(), where
        assert metric.direction in ("lower", "higher", "none"), where
        assert metric.kind in ("exact", "seeded", "timed", "estimated"), where
        assert metric.origin in ("measured", "replayed", "modelled"), where
        stem, dot, variable = metric.name.partition(".")
        assert re.fullmatch(r"[a-z][a-z0-9_]*", stem) and (not dot or variable.isupper()), where


def test_an_experiment_is_registered_under_its_own_kind() -> None:
    for kind in registry.BUILT_IN:
        experiment = registry.get(kind)
        assert experiment.kind == kind
        assert experiment.question.endswith("?")
        assert all(name == metric.name for name, metric in experiment.metrics.items())
