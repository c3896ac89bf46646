"""An advice as people read it: in the terminal, in Markdown and on the page."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

import assay
from assay.report import build_page, format_run


def shown(comparison: assay.Comparison, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    comparison.show(console=console)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_terminal_says_the_advice_first_then_why_partitions_are_empty_then_candidates(advised, width):
    text = shown(advised, width)
    flat = " ".join(text.split())
    assert flat.startswith("Partition table by ")
    assert flat.index("leaves") < flat.index("▶★") < flat.index("Rule: ") < flat.index("Keys tried: ")
    assert "modulo(order_key) leaves 8 of 16 partitions empty" in flat
    assert "Not tried: region: 2 values, heaviest 50 %: cannot fill 16 partitions." in flat
    assert "a node more moves at most 10 % of the data" in flat
    assert max(map(len, text.splitlines())) <= width


def test_a_missed_limit_bears_a_sign_where_it_is_missed(advised):
    lines = shown(advised, 120).splitlines()
    missed = [line for line in lines if re.search(r"9\d\.\d % ✗", line)]
    assert missed
    for line in missed:
        contender = line.split()[0]
        assert any(
            line.startswith(f"Excluded: {contender} on 16: ") and "a node more moves 9" in line for line in lines
        )


def test_without_a_recommendation_the_nearest_come_first(nothing):
    text = shown(nothing, 100)
    assert text.startswith("None of the ")
    assert "▶ " not in text.split("▶ recommended")[0]
    assert "moved_max) excludes most" in " ".join(text.split())
    assert nothing.best() is None


def test_markdown_has_the_sentence_and_a_line_for_each_candidate_that_the_terminal_shows(advised):
    text = format_run(advised.store, advised.run_id, "markdown")
    assert "Partition table by " in text and "leaves 8 of 16 partitions empty" in text
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert rows[0].startswith("| strategy | partitions |") and rows[0].endswith("| why not |")
    assert rows[1].startswith("| **") and " ✗ " in text
    assert len({row.count(" | ") for row in rows}) == 1


def test_the_page_needs_no_script_for_the_advice(advised):
    page = build_page(advised.store, advised.run_id)
    card, _, rest = page.partition('<article class="advice">')[2].partition("</article>")
    assert "Partition table by " in card and "leaves 8 of 16 partitions empty" in card and "Rule: " in card
    table = rest.partition('<table class="candidates">')[2].partition("</table>")[0]
    assert table.count("<tr") == 1 + len(advised.advice["candidates"])
    assert table.count('class="recommended"') == 1
    assert 'class="number missed"' in table
