"""The page of a caching run in headless Chromium: curves with the best policy's regions, maps by capacity, schemes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import assay
from assay.report.vocabulary import SERIES


def requests(rows: int = 3_000) -> pa.Table:
    random = np.random.default_rng(2)
    ops = np.where(random.random(rows) < 0.2, "set", "get")
    keys = random.zipf(1.2, rows) % 400
    return pa.table({"key": keys, "size": 100 + keys % 7, "op": ops})


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> Path:
    results = assay.compare(
        "caching", requests(), policies=["fifo", "lru"], capacity=["1%", "3%", 40, "30%"], timing=False
    )
    return Path(results.report(tmp_path_factory.mktemp("caching") / "curves.html"))


@pytest.fixture(scope="module")
def schemes(tmp_path_factory) -> Path:
    results = assay.compare(
        "caching",
        requests(),
        policies=["fifo", "lru"],
        capacity=[20, 80],
        write=["write_through", "write_back"],
        foreign_writes=0.05,
        costs={"hit": 1, "origin_read": 10, "origin_write": 10},
        seeds=2,
        timing=False,
    )
    return Path(results.report(tmp_path_factory.mktemp("caching") / "schemes.html"))


def test_curves_stand_over_regions_of_the_best_policy_by_ascending_capacity(visit, page) -> None:
    found = visit(page)
    frame = found.frame("miss_curves")
    assert frame.locator(".legend button").all_text_contents() == ["● lru", "■ fifo"]
    assert frame.locator(".mark-symbol.role-mark path").count() == 2 * 4
    assert frame.locator(".mark-rect.role-mark path").count() >= 1, "where it misses least is shaded"
    assert "Fewest misses:" in frame.locator(".in-words").text_content()
    assert "first requests of a key" in frame.locator(".in-words").text_content()
    frame.locator("select").first.select_option("byte_miss_ratio")
    found.page.evaluate("assay.drawn")
    assert "byte miss ratio" in frame.locator(".role-axis-title text").last.text_content()
    frame.locator(".legend button").last.click()
    found.page.evaluate("assay.drawn")
    assert frame.locator(".mark-symbol.role-mark path").count() == 4
    assert found.troubles == []


def test_policies_by_capacity_stand_against_fifo_in_the_order_of_size(visit, page) -> None:
    frame = visit(page).frame("sizes")
    heads = frame.locator("table").first.locator("thead th").all_text_contents()
    capacities = [int(head.replace(",", "").rpartition("%")[2] or 0) for head in heads[1:]]
    assert capacities == sorted(capacities) and len(capacities) == 4
    fifo = frame.locator("table").first.locator("tbody tr", has_text="fifo").locator("td").all_text_contents()
    assert [text.rstrip("▲") for text in fifo] == ["0.0 %"] * 4


def test_the_hit_ratio_over_time_is_in_percent_over_the_requests(visit, page) -> None:
    frame = visit(page).frame("series")
    assert SERIES["hit_ratio"]["over"] in frame.locator(".role-axis-title text").first.text_content()
    assert "%" in frame.locator(".in-words").text_content()


def test_write_schemes_are_told_with_their_losses_in_words(visit, schemes) -> None:
    found = visit(schemes)
    frame = found.frame("writes")
    told = dict(
        zip(
            frame.locator("tbody th .name").all_text_contents(),
            frame.locator("td.words").all_text_contents(),
            strict=True,
        )
    )
    assert set(told) == {"write_through", "write_back"}
    assert "a crash loses no acknowledged write" in told["write_through"]
    assert "acknowledged writes on average" in told["write_back"] and "no longer true" in told["write_back"]
    assert found.troubles == []


@pytest.mark.parametrize("which", ["page", "schemes"])
def test_pages_break_no_rule_of_accessibility(visit, which, request) -> None:
    found = visit(request.getfixturevalue(which))
    found.open_everything()
    assert found.violations() == []


def test_what_knows_the_future_is_neither_best_nor_on_the_front(visit, tmp_path) -> None:
    table = requests(1_500).drop_columns(["size", "op"])
    results = assay.compare(
        "caching", table, policies=["fifo", "lru", "mru", "opt", "pfoo_l"], capacity=["3%", "30%"], timing=False
    )
    found = visit(Path(results.report(tmp_path / "bounds.html")))
    for row in found.frame("numbers").locator("tr.dropped").all():
        assert "▲" not in row.text_content() and "▼" not in row.text_content()
    assert found.frame("numbers").locator("tbody").text_content().count("▲")
    trade = found.frame("trade_off")
    assert [select.input_value() for select in trade.locator("select").all()] == ["miss_ratio", "evictions"]
    assert not [
        item
        for item in trade.locator(".key li").all_text_contents()
        if item.startswith(("opt", "pfoo")) and "◈" in item
    ]
    # An axis of shares below 0 has room for them.
    trade.locator("select").last.select_option("improvement_over_fifo")
    found.page.evaluate("assay.drawn")
    plot = trade.locator(".mark-group.role-frame").first.bounding_box()
    for mark in trade.locator(".mark-symbol.role-mark path").all():
        box = mark.bounding_box()
        assert plot["y"] <= box["y"] and box["y"] + box["height"] <= plot["y"] + plot["height"] + 1
    heat = found.frame("heat").locator("tr:has(td.best) th .name").all_text_contents()
    assert heat and not {"opt", "pfoo_l"} & set(heat)
    assert found.troubles == []


def test_a_page_with_long_names_of_points_is_no_wider_than_a_phone(visit, schemes) -> None:
    found = visit(schemes)
    found.page.set_viewport_size({"width": 390, "height": 800})
    assert found.page.evaluate("document.documentElement.scrollWidth") <= 390
