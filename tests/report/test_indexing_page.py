"""The page of an indexing run in headless Chromium: costs with their crossings, sizes over caches, and words.

Times are made up, so that every crossing and every word is known: an index takes so many ns for a point and for a range
(None: it has no order, and leaves ranges to the scan), so many for a write, and so many bytes a row.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.experiments.base import Cell, Value
from assay.experiments.indexing.answer import answers
from assay.experiments.indexing.break_even import pays_from
from assay.experiments.indexing.metrics import METRICS
from assay.report import write_report

READ_SHARE = 0.9
QUERIES = {"by_plane": ("point(tailnum)", 0.8), "some": ("range(tailnum, rows=100)", 0.2)}
WORDS = {"always": "pays at every mix", "never": "pays at no mix", "from": "pays from so many reads for each write on",
         "up to": "pays up to so many reads for each write: it makes writes cheaper, and reads dearer"}  # fmt: skip
# index → ns of a point and of a range (at 100,000 rows), of a write; bytes a row; what it is compared with
INDEXES: dict[str, tuple[float, float | None, float, float, str | None]] = {
    "scan": (200_000, 150_000, 0, 0, None),
    "hash": (40, None, 60, 28, "scan"),
    "sorted": (160, 300, 900, 12, "scan"),
    "btree": (120, 450, 200, 17, "scan"),
    "bitmap": (400_000, 300_000, 90, 3, "scan"),
    "duckdb(index=none)": (90_000, 120_000, 30_000, 25, None),
    "duckdb(index=art)": (60_000, 125_000, 5_000, 60, "duckdb(index=none)"),
}
SIZES = (1_000, 10_000, 100_000)


def times_of(name: str, rows: int) -> dict[str, float | None]:
    """The reads and the write of an index at a size: only what scans grows with the rows."""
    point, span, write, _, _ = INDEXES[name]
    grows = rows / 100_000 if point > 10_000 else (0.5 + rows / 200_000)
    return {"by_plane": point * grows, "some": None if span is None else span * grows, "write": write}


def values_of(cell: Cell, rows: int) -> Iterator[Value]:
    own, scan = times_of(cell.contender, rows), times_of("scan", rows)
    left = [query for query in QUERIES if own[query] is None]
    read = sum(share * (own[query] or scan[query] or 0) for query, (_, share) in QUERIES.items())
    write = own["write"] or 0.0
    note = f"{', '.join(left)} left to the scan" if left else None
    engine = "the table's own writes among them" if cell.contender.startswith("duckdb") else None
    yield Value(cell.cell_id, "read_ns", read, 0.9 * read, 1.1 * read, note)
    yield Value(cell.cell_id, "write_ns", write, None, None, engine)
    yield Value(cell.cell_id, "workload_ns", READ_SHARE * read + (1 - READ_SHARE) * write)
    for query in QUERIES:
        if own[query] is not None:
            yield Value(cell.cell_id, f"query_ns.{query}", own[query])
    point = own["by_plane"] or 0
    yield Value(cell.cell_id, "lookup_ns.hit", point, 0.9 * point, 1.2 * point)
    low = 0.0 if cell.contender == "btree" else 0.9 * write  # so uncertain that it may be nothing
    yield Value(cell.cell_id, "insert_ns", *((write, low, 1.1 * write) if write else (None,)))
    size = INDEXES[cell.contender][3]
    for metric, value in (("bytes_per_row", size), ("memory_bytes", size * rows), ("rows_indexed", rows)):
        yield Value(cell.cell_id, metric, value)
    base = INDEXES[cell.contender][4]
    if base is None:
        return
    other = times_of(base, rows)
    other_read = sum(share * (other[query] or 0) for query, (_, share) in QUERIES.items())
    pays, mix = pays_from(other_read - read, write - (other["write"] or 0))
    yield Value(cell.cell_id, "break_even_reads.none", mix, None, None, f"against {base}: {WORDS[pays]}")
    yield Value(cell.cell_id, "read_speedup", other_read / read)
    if mix:
        yield Value(cell.cell_id, "break_even_reads_direct.none", 1.1 * mix, 0.8 * mix, 1.5 * mix)
        yield Value(cell.cell_id, "break_even_over_direct.none", 1 / 1.1, None, None, "they agree within 20 %")


def indexed(store: Any, names: list[str], sizes: tuple[int, ...], columns: tuple[str, ...] = ("tailnum",)) -> None:
    """Fills a store with a run of these indexes."""
    store.add_run()
    facts = {"cores": 2, "cache_bytes": {"L1": 32 << 10, "L2": 1 << 20, "L3": 32 << 20}}
    store.connection.execute("UPDATE environment SET facts = ?", [json.dumps(facts)])
    store.connection.execute("INSERT INTO dataset VALUES ('f', 'full', 'flights', NULL, NULL, 336776, 1, '{}', '{}')")
    cells, values = [], []
    for column in columns:
        for rows in sizes:
            for name in names:
                queries = [f"{query}={spelling}:{share * READ_SHARE}" for query, (spelling, share) in QUERIES.items()]
                parameters = {"column": column, "order": "stored", "threads": 1, "rows": rows, "read_share": READ_SHARE,
                              "queries": [*queries, "insert=insert:0.1"]}  # fmt: skip
                cell = Cell("indexing", name, 1, parameters, "flights", "f")
                cells.append(cell)
                values += list(values_of(cell, rows))
    left_out = ("rocksdb was left out: its package rocksdict is not installed",)
    found = json.dumps([dataclasses.asdict(one) | {"notes": left_out} for one in answers(cells, values, None)])
    own = (store.run_id, 0)
    question = "Does a column deserve an index, and which?"
    again = "assay compare indexing flights"
    store.insert("experiment", [(*own, "indexing", question, "index", "f", "{}", None, again, found)])
    rows_of_cells = [
        (*own, cell.cell_id, cell.contender, 1, json.dumps(cell.parameters), "done", None) for cell in cells
    ]
    store.insert_columns("cell", rows_of_cells)
    store.insert_columns("metric", [(store.run_id, 0, *_row(value)) for value in values])


def _row(value: Value) -> tuple[Any, ...]:
    base = value.metric.partition(".")[0]
    metric = next(one for name, one in METRICS.items() if name.partition(".")[0] == base)
    return (value.cell_id, value.metric, metric.unit, metric.kind, metric.direction, metric.origin,
            value.value, value.low, value.high, value.note)  # fmt: skip


@pytest.fixture(scope="module")
def page(store_class, tmp_path_factory) -> Path:
    store = store_class()
    indexed(store, list(INDEXES), SIZES)
    return write_report(store, store.run_id, tmp_path_factory.mktemp("indexing") / "page.html")


def choose(found: Any, point: int) -> None:
    found.page.locator(".choose-point").select_option(str(point))
    found.page.evaluate("assay.drawn")


def words(found: Any, frame: str) -> str:
    return found.frame(frame).locator(".in-words").text_content()


def test_the_verdict_comes_first_and_what_was_left_out_says_why(visit, page) -> None:
    found = visit(page)
    first = found.page.locator(".experiment .answer").last.locator(".sentence").text_content()
    assert "tailnum deserves an index at 90\xa0% reads: btree answers its reads" in first
    note = found.page.locator(".answer .note").first.text_content()
    assert "rocksdb was left out: its package rocksdict is not installed" in note


def test_costs_cross_where_the_parts_say_and_the_cheapest_is_shaded(visit, page) -> None:
    found = visit(page)
    choose(found, 2)
    frame = found.frame("index_costs")
    # At 100,000 rows a read takes 186 ns with btree, 188 with sorted; both make a write dearer, sorted far more.
    assert "Cheapest, engines apart: scan up to 0." in words(found, "index_costs")
    assert "At the workload’s 90 % reads: btree, 187" in words(found, "index_costs")
    legend = frame.locator(".legend button").all_text_contents()
    assert len(legend) == len(INDEXES) and any("scan" in name for name in legend[:2])
    # hash, sorted and btree begin to pay somewhere; bitmap never does, and the engine always.
    assert frame.locator(".mark-symbol.role-mark path").count() == 3
    assert frame.locator(".mark-line.role-mark path").count() == len(INDEXES)
    assert frame.locator(".mark-rect.role-mark path").count() >= 2
    assert "90 % reads" in frame.locator(".mark-text.role-mark").last.text_content()
    frame.locator(".data summary").click()
    frame.locator(".data tbody tr", has_text="bitmap").first.wait_for()
    table = {row.locator("th").text_content(): row.text_content() for row in frame.locator(".data tbody tr").all()}
    assert "pays at no mix" in table["bitmap"] and "pays at every mix" in table["duckdb(index=art)"]
    assert "from one read for" in table["btree"]
    assert found.troubles == []


def test_no_two_ticks_of_an_axis_from_0_over_many_orders_read_alike(visit, page) -> None:
    found = visit(page)
    writes = found.frame("timing").locator("figure", has_text="a write").last
    ticks = writes.locator(".role-axis-label").first.locator("text").all_text_contents()
    assert ticks[:3] == ["0", "0.01", "0.1"] and len(set(ticks)) == len(ticks), "a scan's write costs nothing"
    assert found.troubles == []


def test_an_interval_that_reaches_0_is_drawn_on_an_axis_that_does(visit, page) -> None:
    found = visit(page)
    inserts = found.frame("timing").locator("figure", has_text="insert").last
    ticks = inserts.locator(".role-axis-label").first.locator("text").all_text_contents()
    assert ticks[0] == "0" and len(set(ticks)) == len(ticks)
    assert found.troubles == [], "a logarithmic axis has no place for the interval, whose line would end nowhere"


def test_a_line_that_is_hidden_takes_its_mark_with_it(visit, page) -> None:
    found = visit(page)
    frame = found.frame("index_costs")
    before = frame.locator(".mark-symbol.role-mark path").count()
    frame.locator('.legend button[data-name="btree"]').click()
    found.page.evaluate("assay.drawn")
    assert frame.locator(".mark-symbol.role-mark path").count() == before - 1
    assert found.troubles == []


def test_each_query_names_its_index_who_loses_and_who_leaves_it(visit, page) -> None:
    found = visit(page)
    choose(found, 2)
    rows = found.frame("index_queries").locator("table").first.locator("tbody tr").all_text_contents()
    assert "point(tailnum)" in rows[0] and "72.0 %" in rows[0] and "hash" in rows[0]
    assert "5,000 times faster than a scan; then btree, 3 times as long" in rows[0]
    assert "slower than a scan: bitmap (2 times)" in rows[0]
    assert "left to the scan by hash" in rows[1] and "500 times faster than a scan" in rows[1]
    best = found.frame("index_queries").locator("td.best").all_text_contents()
    assert sorted(best) == ["300.0 ns▲", "40.0 ns▲"]


def test_each_index_is_told_with_its_price_and_its_losses(visit, page) -> None:
    found = visit(page)
    choose(found, 2)
    told = {row.locator("th .name").text_content(): row.locator("td").all_text_contents()
            for row in found.frame("index_words").locator("tbody tr").all()}  # fmt: skip
    assert "scan" not in told and "duckdb(index=none)" not in told
    gains, pays, loses = told["btree"]
    assert loses == "Nothing by a tenth or more."
    assert gains.startswith("Reads 1,022 times faster than with scan; 17 bytes a row; a write 200.0 ns dearer")
    assert pays.startswith("From one read for 949 writes; measured directly: one read for 863 writes (they agree")
    assert told["hash"][2].startswith("Leaves some to the scan")
    assert told["bitmap"][0].startswith("Reads 2 times slower") and told["bitmap"][1] == "Pays at no mix."
    assert "slower than scan: by_plane (2 times), some (2 times)" in told["bitmap"][2].replace("Slower", "slower")
    assert "a write 25.0 µs cheaper" in told["duckdb(index=art)"][0], "an index can make writes cheaper"
    assert told["duckdb(index=art)"][1] == "Pays at every mix."


def test_times_over_the_bytes_of_an_index_stand_over_the_caches(visit, page) -> None:
    found = visit(page)
    frame = found.frame("index_sizes")
    assert [select.input_value() for select in frame.locator("select").all()] == ["lookup_ns.hit", "bytes"]
    assert frame.locator(".mark-symbol.role-mark path").count() == 3 * (len(INDEXES) - 1)
    assert "scan takes no memory of its own" in frame.text_content()
    bands = frame.locator(".mark-text.role-mark text").all_text_contents()
    assert any("L1" in band for band in bands) and any("L2" in band for band in bands)
    frame.locator("select").last.select_option("rows")
    found.page.evaluate("assay.drawn")
    assert frame.locator(".mark-symbol.role-mark path").count() == 3 * len(INDEXES)
    assert frame.locator(".mark-rect.role-mark path").count() == 0, "bytes of caches are no rows"
    assert found.troubles == []


def test_the_first_trade_off_is_bytes_a_row_against_lookups(visit, page) -> None:
    selects = visit(page).frame("trade_off").locator("select").all()
    assert [select.input_value() for select in selects] == ["lookup_ns.hit", "bytes_per_row"]


def test_queries_are_compared_over_the_indexes_of_all_columns(visit, store_class, tmp_path) -> None:
    store = store_class()
    indexed(store, ["scan", "hash", "btree"], (10_000,), ("tailnum", "origin+dest"))
    found = visit(write_report(store, store.run_id, tmp_path / "keys.html"))
    first = found.frame("index_queries").locator("tbody tr").first.text_content()
    assert "hash on origin+dest22.0 ns" in first and "hash on tailnum is as good as equal" in first
    assert found.frame("index_sizes").count() == 0, "one size is none"
    assert found.troubles == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_pages_of_indexes_break_no_rule_of_accessibility(visit, page, width, scheme) -> None:
    found = visit(page, width=width, scheme=scheme)
    found.open_everything()
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    assert found.violations() == []


def test_a_run_without_times_has_none_of_these_parts(visit, store_class, tmp_path) -> None:
    store = store_class()
    indexed(store, ["scan", "btree"], (1_000, 2_000))
    store.connection.execute("DELETE FROM metric WHERE kind = 'timed'")
    found = visit(write_report(store, store.run_id, tmp_path / "untimed.html"))
    for frame in ("index_costs", "index_queries", "index_words", "index_sizes"):
        assert found.frame(frame).count() == 0, frame
    assert found.troubles == []
