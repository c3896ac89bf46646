"""The table of targets, and what the documents say of it."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from assay.targets import TARGETS, Target

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "targets.md").read_text(encoding="utf-8")
TARGET_LIST = pytest.mark.parametrize("target", TARGETS.values(), ids=list(TARGETS))


@TARGET_LIST
def test_a_target_has_a_row_and_a_section(target: Target) -> None:
    row = f"| `{target.name}` | {target.title} | {target.idea} | {target.exact} | {target.own or '–'} | "
    assert f"{row}{target.most_partitions:,}: {target.limit} |\n" in DOCUMENT
    assert f"\n## {target.title}\n" in DOCUMENT


@TARGET_LIST
def test_a_target_is_a_module_that_says_idea_expression_and_source(target: Target) -> None:
    module = importlib.import_module(target.module)
    assert callable(module.write)
    text = module.__doc__ or ""
    for word in ("Idea: ", "What it can express: ", "Source: "):
        assert word in text, f"{target.module} does not say its {word}"
