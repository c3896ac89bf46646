"""A step of a whole experiment that failed, such as its answer, is told wherever its numbers are, not in passing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Assay = Callable[..., Any]
ERROR = "there is no answer: ZeroDivisionError: division by zero"


@pytest.fixture(autouse=True)
def no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Partitioning measures as ever, and then cannot say what suits."""
    from assay.experiments.partitioning.experiment import Partitioning

    monkeypatch.setattr(Partitioning, "answer", lambda *_: 1 / 0)


def compare(assay: Assay, orders: Path, *words: object) -> Any:
    return assay("compare", "partitioning", orders, "--strategy", "round_robin", "--no-timing", *words)


def test_a_comparison_tells_it_below_its_table_and_on_its_page(assay: Assay, orders: Path, tmp_path: Path) -> None:
    outcome = compare(assay, orders, "--report", "page.html")
    assert outcome.code == 3
    table, _, below = outcome.out.partition("round_robin ")
    assert "what went wrong below it" in " ".join(table.split())
    assert f"✗ {ERROR}" in below
    assert f"<li>partitioning of orders: {ERROR}</li>" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_formats_for_machines_and_for_pasting_hold_it(assay: Assay, orders: Path) -> None:
    outcome = compare(assay, orders, "--format", "json")
    failure = {"experiment": "partitioning", "contender": None, "parameters": {}, "error": ERROR}
    assert outcome.code == 3 and json.loads(outcome.out)["failures"] == [failure]
    assert ERROR in outcome.err  # beside CSV, which holds numbers alone, standard error does
    assert f"\n✗ {ERROR}\n" in compare(assay, orders, "--format", "markdown").out


def test_a_suite_of_several_experiments_says_which_of_them_it_was(assay: Assay, suite: Path) -> None:
    text = suite.read_text(encoding="utf-8")
    suite.write_text(text + text[text.index("[[experiment]]") :].replace("partitions = 4", "partitions = 5"))
    outcome = assay("run", suite, "--no-timing", "--store", "s.duckdb")
    assert outcome.code == 3
    assert outcome.out.count(f"✗ partitioning of orders.parquet: {ERROR}".partition("Zero")[0]) == 2
    shown = assay("watch", "--store", "s.duckdb")
    assert shown.code == 3
    assert "! 1. partitioning of orders: 2 of 2 cells" in shown.out
    assert f"  ! partitioning of orders: {ERROR}\n" in shown.out
    question = "SELECT experiment_index AS i, contender, error FROM failure ORDER BY i"
    kept = assay("sql", question, "--store", "s.duckdb", "--format", "json")
    assert json.loads(kept.out) == [{"i": i, "contender": None, "error": ERROR} for i in (0, 1)]
    assert assay("report", "--store", "s.duckdb", "-o", "p.html").code == 0
    assert Path("p.html").read_text(encoding="utf-8").count(f"<li>partitioning of orders: {ERROR}</li>") == 2
