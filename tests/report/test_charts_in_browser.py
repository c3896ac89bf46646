"""The charts that any experiment has, in headless Chromium: what they show, and what a reader can do with them."""

from __future__ import annotations

import json
import random
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pyarrow as pa
import pytest

import assay
from assay.report import write_report
from assay.units import UNITS, format_value


@pytest.fixture(scope="module")
def timed_page(timed_store, tmp_path_factory) -> Path:
    return write_report(timed_store, timed_store.run_id, tmp_path_factory.mktemp("charts") / "timed.html")


def test_a_timed_run_has_every_chart_and_none_is_empty(visit, timed_page) -> None:
    found = visit(timed_page)
    drawn = {name: found.frame(name).locator("svg.marks").count()
             for name in ("trade_off", "ratios", "curves", "samples", "drift")}  # fmt: skip
    assert drawn == {"trade_off": 1, "ratios": 1, "curves": 1, "samples": 1, "drift": 9}
    assert found.frame("heat").locator("td").count() == 9 * 3
    assert found.troubles == []


def test_a_ratio_stands_beside_its_verdict_and_the_noise_band(visit, timed_page) -> None:
    frame = visit(timed_page).frame("ratios")
    said = frame.locator(".mark-text.role-mark text").all_text_contents()
    assert len(said) == 9, "nine contenders at 4 partitions; the baseline has 16"
    assert all(any(word in text for word in ("better", "worse", "same", "unclear")) and "×" in text for text in said)
    band = frame.locator(".mark-rect.role-mark path")
    assert band.count() == 1 and band.bounding_box()["width"] > 0
    assert "the noise floor: the baseline against itself came as far as 2.0 %" in frame.text_content()


def test_a_curve_has_a_point_at_every_value_and_its_line_can_be_hidden(visit, timed_page) -> None:
    found = visit(timed_page)
    frame = found.frame("curves")
    points = frame.locator(".mark-symbol.role-mark path")
    assert points.count() == 8 * 3, "eight lines at most, at 4, 16 and 64 partitions"
    toggle = frame.locator(".legend button").first
    toggle.focus()
    found.page.keyboard.press("Enter")
    found.page.evaluate("assay.drawn")
    assert points.count() == 7 * 3
    assert frame.locator(".legend button").first.get_attribute("aria-pressed") == "false"
    frame.locator("select").last.select_option("lookup_ns")
    found.page.evaluate("assay.drawn")
    assert frame.locator(".mark-area.role-mark path").count() == 7, "a timed metric has ribbons"
    assert found.troubles == []


def test_a_number_within_the_spelling_is_a_parameter_too(visit, tmp_path) -> None:
    keys = pa.table({"k": range(2_000)})
    names = [f"ring(k, virtual_nodes={n})" for n in (1, 8, 64)]
    results = assay.compare("partitioning", keys, strategies=[*names, "hash(k)"], partitions=4, timing=False)
    found = visit(results.report(tmp_path / "spelled.html"))
    frame = found.frame("curves")
    assert frame.locator(".legend button").all_text_contents() == ["● ring(k,virtual_nodes=…)"]
    assert frame.locator(".mark-symbol.role-mark path").count() == 3
    assert found.frame("heat").locator("thead th").all_text_contents() == ["strategy", "1", "8", "64"]


def test_any_two_metrics_can_be_traded_off_and_a_mark_finds_its_line(visit, timed_page) -> None:
    found = visit(timed_page)
    frame = found.frame("trade_off")
    frame.locator("select").first.select_option("lookup_ns")
    found.page.evaluate("assay.drawn")
    assert "lookup" in frame.locator(".role-axis-title text").first.text_content()
    frame.locator(".key button").nth(2).click()
    chosen = found.page.locator(".numbers-table tr.selected .name")
    assert chosen.all_text_contents() == frame.locator(".key button").nth(2).all_text_contents()
    mark = frame.locator(".mark-symbol.role-mark path").last
    mark.click()
    assert chosen.count() <= 1
    assert found.troubles == []


def test_rounds_are_drawn_by_process_and_as_a_distribution(visit, timed_page) -> None:
    found = visit(timed_page)
    drift = found.frame("drift")
    assert drift.locator("svg.marks").first.locator(".mark-line.role-mark path").count() == 3, "a line a process"
    assert "Last third of the rounds against the first" in drift.locator(".in-words").text_content()
    samples = found.frame("samples")
    samples.locator("select").last.select_option("histogram")
    found.page.evaluate("assay.drawn")
    assert samples.locator(".mark-line.role-mark path").count() == 8
    assert found.troubles == []


def test_tails_of_single_operations_are_drawn_with_their_percentiles(visit, timed_page, timed_store) -> None:
    found = visit(timed_page)
    frame = found.frame("latency")
    assert frame.locator(".mark-line.role-mark path").count() == 8
    frame.locator(".data summary").click()
    cells = frame.locator(".data tbody tr").first.locator("td").all_text_contents()
    # By hand: both processes together 14,000 + 4,000 + 1,980 + 20 operations.
    name = frame.locator(".data tbody th").first.text_content()
    lookups = timed_store.query("SELECT value FROM result WHERE metric = 'lookup_ns' AND contender = ? "
                                "AND parameters->>'partitions' = '4'", [name]).to_pylist()  # fmt: skip
    usual = int(100 * lookups[0]["value"])
    assert cells[0] == "20,000"
    expected = [usual, usual + usual // 8, usual + usual // 4, usual + usual // 4, 10 * usual]
    assert cells[1:] == [format_value(float(ns), "ns") for ns in expected]


def test_every_chart_says_in_words_and_in_a_table_what_it_shows(visit, timed_page) -> None:
    found = visit(timed_page)
    found.page.evaluate("assay.copy = text => { window.copied = text; }")
    for frame in found.page.locator("[data-frame]:has(svg.marks)").all():
        assert frame.locator(".in-words").text_content(), frame.get_attribute("data-frame")
        assert frame.locator("svg.marks").first.get_attribute("aria-label")
        frame.locator(".data summary").click()
        rows = frame.locator(".data tbody tr")
        rows.first.wait_for(state="attached")  # the table is filled when it is opened
        frame.locator(".data button", has_text="Copy as CSV").click()
        lines = found.page.evaluate("window.copied").strip().split("\r\n")
        assert len(lines) - 1 >= rows.count()
    assert found.troubles == []


def test_the_charts_of_a_frame_are_saved_as_one_svg(visit, timed_page, tmp_path) -> None:
    found = visit(timed_page)
    frame = found.frame("load")
    frame.locator(".data summary").click()
    with found.page.expect_download() as download:
        frame.locator(".save").click()
    assert download.value.suggested_filename == "assay-load.svg"
    path = tmp_path / "load.svg"
    download.value.save_as(path)
    root = ElementTree.parse(path).getroot()
    drawings = root.findall("{http://www.w3.org/2000/svg}svg")
    assert len(drawings) == 9
    heights = [float(drawing.get("y")) for drawing in drawings]
    assert heights == sorted(heights) and len(set(heights)) == 9


def test_a_line_opens_to_its_suite_and_its_command(visit, timed_page) -> None:
    found = visit(timed_page)
    found.page.evaluate("assay.copy = text => { window.copied = text; }")
    opener = found.page.locator(".numbers-table .opener").first
    assert opener.get_attribute("aria-expanded") == "false"
    opener.focus()
    found.page.keyboard.press("Enter")
    assert found.page.locator(".numbers-table .opener").first.get_attribute("aria-expanded") == "true"
    detail = found.page.locator("tr.detail")
    detail.locator(".copy-command").first.click()
    name = found.names()[0]
    assert (
        found.page.evaluate("window.copied") == f"assay compare partitioning flights --partitions 4 --strategy '{name}'"
    )
    detail.locator(".copy-command").last.click()
    assert f"strategies = [{json.dumps(name)}]" in found.page.evaluate("window.copied")
    found.page.locator(".numbers-table .opener").first.click()
    assert detail.count() == 0


def test_the_table_shows_every_grid_point_and_filters_by_parameter(visit, timed_page) -> None:
    found = visit(timed_page)
    found.page.locator(".every").check()
    assert len(found.names()) == 27
    found.page.locator(".filter").fill("tailnum partitions=16")
    shown = found.page.locator(".numbers-table tbody tr")
    assert shown.count() == 4
    assert {row.locator("td").first.text_content() for row in shown.all()} == {"16"}
    found.page.locator('.numbers-table th[data-column=":partitions"] button').click()
    found.page.locator(".filter").fill("")
    values = [
        int(row.locator("td").first.text_content()) for row in found.page.locator(".numbers-table tbody tr").all()
    ]
    assert values == sorted(values)


def test_numbers_are_written_as_the_terminal_writes_them(visit, timed_page) -> None:
    generator = random.Random(3)
    cases = [
        (generator.choice((-1, 1)) * generator.random() * 10 ** generator.randint(-4, 11), unit)
        for unit in UNITS
        for _ in range(200)
    ]
    cases += [(scale * 10.0**-power, "share") for power in range(14) for scale in (1.0, 2.0, 9.4, 9.96)]
    cases += [(0.0, unit) for unit in UNITS] + [(float(n), unit) for unit in UNITS for n in (1, 12, 1_234_567)]
    cases = [(value, unit) for value, unit in cases if unit != "bytes" or value >= 0]
    found = visit(timed_page)
    written = found.page.evaluate("cases => cases.map(([value, unit]) => assay.format(value, unit))", cases)
    wrong = [
        (case, text, format_value(*case))
        for case, text in zip(cases, written, strict=True)
        if text != format_value(*case)
    ]
    assert wrong == []
