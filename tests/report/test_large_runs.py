"""Runs of tens of thousands of numbers: the page stays below 3 MB, says what it aggregates, and draws few elements.

The runs are of a kind of experiment that the report has never heard of, with metrics, parameters and a series of its
own: what any experiment gets without code in the report is tested with them too.
"""

from __future__ import annotations

import json
import random
import re
from typing import Any

import pytest

from assay.report import build_page, write_report

MOST_BYTES = 3_000_000
MOST_ELEMENTS = 25_000  # of the page in a browser, whatever the run holds
METRICS = [  # name, unit, kind, direction
    ("miss_ratio", "share", "seeded", "lower"),
    ("byte_miss_ratio", "share", "seeded", "lower"),
    ("origin_reads", "count", "exact", "lower"),
    ("get_ns", "ns", "timed", "lower"),
    ("memory_bytes", "bytes", "exact", "lower"),
    *((f"evictions_of_class_{i}", "count", "exact", "lower") for i in range(15)),
]


def fill(store: Any, contenders: int, capacities: int, *, series: bool = False) -> int:
    """A run of `contenders` × `capacities` cells with 20 metrics each, two fifths of them with intervals; its rows."""
    store.add_run()
    generator = random.Random(contenders)
    sizes = [100 * 2**i if capacities <= 20 else 100 + i for i in range(capacities)]
    policies = ["lru", "fifo", "sieve", "s3_fifo", "arc", "lfu", "random", "clock"]
    names = [f"{policies[i % 8]}(window={1 + i // 8})" for i in range(contenders)]
    cells, metrics, points = [], [], []
    for p, capacity in enumerate(sizes):
        for c, name in enumerate(names):
            cell_id = f"cell-{p}-{c}"
            cells.append((store.run_id, 0, cell_id, name, 1, json.dumps({"capacity": capacity}), "done", None))
            for metric, unit, kind, direction in METRICS:
                value = generator.random() * {"share": 1, "ns": 300, "bytes": 1e7}.get(unit, 1e6)
                value = float(int(value)) if unit in ("count", "bytes") else value
                ends = (value * 0.98, value * 1.02) if kind != "exact" else (None, None)
                metrics.append(
                    (store.run_id, 0, cell_id, metric, unit, kind, direction, "measured", value, *ends, None)
                )
            if series:
                points += [(store.run_id, 0, cell_id, "hits_over_time", i, str(i), float(i % 7)) for i in range(30)]
    answers = [
        {"sentence": f"{names[0]} misses least at {capacity}.", "best": names[0], "rule": "fewest misses",
         "parameters": {"capacity": capacity}}
        for capacity in sizes
    ]  # fmt: skip
    store.connection.execute(
        "INSERT INTO dataset VALUES ('blake3:trace', 'full', 'trace', 'made up', 'CC0-1.0', 1000, 8000, '{}', '{}')"
    )
    settings = {"capacity": sizes, "policies": names}
    store.insert(
        "experiment",
        [(store.run_id, 0, "caching", "Which policy?", "policy", "blake3:trace", json.dumps(settings), None,
          "assay compare caching trace --policy lru", json.dumps(answers))],
    )  # fmt: skip
    for table, rows in (("cell", cells), ("metric", metrics), ("series", points)):
        store.insert_columns(table, rows)
    return len(metrics)


def payload_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])["experiments"][0]


def test_twenty_thousand_numbers_are_all_embedded_in_less_than_three_megabytes(make_store) -> None:
    store = make_store()
    rows = fill(store, contenders=50, capacities=20)
    assert rows == 20_000
    page = build_page(store, store.run_id)
    assert len(page.encode()) < MOST_BYTES
    data = payload_of(page)
    assert data["notices"] == []
    assert sum(value is not None for point in data["points"] for line in point["values"] for value in line) == 20_000


@pytest.mark.parametrize(("contenders", "capacities"), [(125, 20), (5, 500), (2_500, 1)])
def test_fifty_thousand_numbers_are_aggregated_and_the_page_says_how(make_store, contenders, capacities) -> None:
    store = make_store()
    assert fill(store, contenders, capacities) == 50_000
    page = build_page(store, store.run_id)
    assert len(page.encode()) < MOST_BYTES
    said = " ".join(payload_of(page)["notices"])
    assert "metrics are not embedded" in said or "aggregated by family" in said
    assert "assay sql" in said


@pytest.mark.slow
def test_more_cells_than_a_page_can_list_are_aggregated_by_family(make_store) -> None:
    store = make_store()
    fill(store, contenders=12_000, capacities=1)
    page = build_page(store, store.run_id)
    assert len(page.encode()) < MOST_BYTES
    data = payload_of(page)
    lines = [row["name"] for row in data["points"][0]["rows"] if row.get("status") == "aggregated"]
    assert 1 < len(lines) <= 6 and all("(…) ×" in line or "other contenders ×" in line for line in lines)
    missing = sum(int(line.rpartition("× ")[2].replace(",", "")) for line in lines)
    kept = len(data["points"][0]["rows"]) - len(lines)
    assert kept + missing == 12_000
    assert "12,000 cells were measured" in " ".join(data["notices"])


def test_a_large_page_draws_a_bounded_number_of_elements(make_store, visit, tmp_path) -> None:
    store = make_store()
    fill(store, contenders=125, capacities=20, series=True)
    found = visit(write_report(store, store.run_id, tmp_path / "large.html"))
    assert found.page.evaluate("document.querySelectorAll('*').length") < MOST_ELEMENTS
    assert len(found.names()) == 100
    found.page.locator(".pager .next").click()
    assert len(found.names()) == 25
    assert found.page.locator(".pager [role=status]").text_content() == "rows 101 to 125 of 125"
    found.page.locator(".every").check()
    assert len(found.names()) == 100
    assert "of 2,500" in found.page.locator(".pager [role=status]").text_content()
    for frame in ("trade_off", "curves", "series"):
        assert found.frame(frame).locator("svg.marks").count() == 1, frame
    assert found.frame("heat").locator("tbody tr").count() == 60
    assert found.troubles == []
