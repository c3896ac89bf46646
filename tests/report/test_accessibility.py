"""What people who cannot see a chart, use no mouse, or print the page get of it; axe-core checks WCAG 2.1 A and AA."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import pytest
from browsing import AXE

import assay
from assay.report import write_report

pytest.importorskip("playwright.sync_api", reason="playwright is not installed: pip install 'assay[dev]'")


@pytest.fixture(scope="module")
def timed_page(timed_store, tmp_path_factory) -> Path:
    return write_report(timed_store, timed_store.run_id, tmp_path_factory.mktemp("accessible") / "timed.html")


@pytest.fixture(scope="module")
def claims_page(flights_store, tmp_path_factory) -> Path:
    return write_report(flights_store, flights_store.run_id, tmp_path_factory.mktemp("accessible") / "claims.html")


def test_the_checker_is_the_one_that_was_recorded() -> None:
    recorded = dict(reversed(line.split()) for line in (AXE.parent / "SHA256SUMS").read_text().splitlines())
    for name in (AXE.name, "axe-core.LICENSE"):
        assert hashlib.sha256((AXE.parent / name).read_bytes()).hexdigest() == recorded[name]


def test_a_page_with_everything_open_breaks_no_rule(visit, timed_page) -> None:
    found = visit(timed_page)
    found.open_everything()
    found.page.locator(".opener").first.click()
    assert found.violations() == []


@pytest.mark.slow
def test_dark_pages_and_claims_break_no_rule_either(visit, timed_page, claims_page) -> None:
    for path, scheme in ((timed_page, "dark"), (claims_page, "light"), (claims_page, "dark")):
        found = visit(path, scheme=scheme)
        found.open_everything()
        found.page.locator(".opener").first.click()
        assert found.violations() == []


@pytest.mark.slow
@pytest.mark.parametrize("width", [360, 1600])
def test_narrow_and_wide_pages_break_no_rule_either(visit, timed_page, claims_page, advised, tmp_path, width) -> None:
    advice = write_report(advised.store, advised.run_id, tmp_path / "advice.html")
    for path in (timed_page, claims_page, advice):
        found = visit(path, width=width)
        found.open_everything()
        assert found.page.evaluate("document.documentElement.scrollWidth") <= width
        assert found.violations() == []


@pytest.mark.slow
def test_plans_growth_and_rebuilds_break_no_rule(visit, tmp_path) -> None:
    rows = [{"t": row, "k": row % 17} for row in range(400)]
    settings = {"partitions": [4, 6], "time": "t", "bytes": True, "timing": False, "replicas": 2}
    results = assay.compare("partitioning", _table(rows), strategies=["ring(k)", "hash(k)"], **settings)
    for scheme in ("light", "dark"):
        found = visit(results.report(tmp_path / "replicas.html"), scheme=scheme)
        found.open_everything()
        assert found.violations() == []
        assert found.troubles == []


def test_headings_descend_one_level_at_a_time(visit, claims_page) -> None:
    found = visit(claims_page)
    found.open_everything()
    levels = found.page.evaluate(
        "[...document.querySelectorAll('h1, h2, h3, h4')].map(heading => Number(heading.tagName[1]))"
    )
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels)), levels


def test_every_control_is_reached_by_the_keyboard_and_shows_its_focus(visit, timed_page) -> None:
    page = visit(timed_page).page
    wanted = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input, summary, a[href]')]
            .filter(control => control.checkVisibility() && !control.disabled).length"""
    )
    reached = set()
    unseen = []
    for _ in range(3 * wanted):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
                const all = [...document.querySelectorAll('*')];
                const control = document.activeElement;
                return [all.indexOf(control), control.tagName, getComputedStyle(control).outlineStyle];
            }"""
        )
        if at[1] in ("BODY", "HTML"):
            break
        if at[1] in ("BUTTON", "SELECT", "INPUT", "SUMMARY", "A"):
            reached.add(at[0])
            unseen += [at] if at[2] == "none" else []
    assert len(reached) >= wanted
    assert unseen == []


def test_paper_has_everything_open_and_no_controls(visit, timed_page) -> None:
    found = visit(timed_page, scheme="dark")
    page = found.page
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    closed = "main details:not([open]):not(.data):not(.licences)"
    assert page.locator(closed).count() == 0
    controls = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input')]
            .filter(control => control.checkVisibility() && !control.closest('.legend') && !control.closest('thead')
                && !control.closest('.key')).map(control => control.outerHTML)"""
    )
    assert controls == []
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    clipped = page.evaluate(
        "[...document.querySelectorAll('.box')].filter(box => getComputedStyle(box).overflow !== 'visible').length"
    )
    assert clipped == 0
    assert len(page.pdf()) > 20_000
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator(closed).count() > 0
    assert found.troubles == []


def test_lines_are_told_apart_without_their_colours(visit, timed_page) -> None:
    page = visit(timed_page).page
    lines = page.locator('[data-frame="curves"] .mark-line.role-mark path')
    dashes = lines.evaluate_all("paths => paths.map(path => path.getAttribute('stroke-dasharray') || 'none')")
    assert len(set(dashes)) == len(dashes) == 8
    marks = page.locator('[data-frame="curves"] .legend .swatch').all_text_contents()
    assert len(set(marks)) == 8


def _table(rows: list[dict[str, int]]):
    import pyarrow as pa

    return pa.Table.from_pylist(rows)
