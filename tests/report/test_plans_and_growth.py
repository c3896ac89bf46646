"""Growth and rebalancing plans in the terminal and in what the page embeds."""

from __future__ import annotations

import io

import pyarrow as pa
import pytest
from rich.console import Console

import assay
from assay.report.growth import growth_by_cell
from assay.report.payload import build_payload
from assay.report.run_reader import read_run
from assay.units import format_seconds


@pytest.fixture(scope="module")
def results() -> assay.front.Comparison:
    keys = pa.table({"t": range(200), "k": [row % 7 for row in range(200)]})
    return assay.compare(
        "partitioning", keys, strategies=["range(t)", "hash(k)"], partitions=4, time="t", bytes=True, timing=False
    )


def test_the_terminal_lists_the_plans_of_the_best(results) -> None:
    out = io.StringIO()
    results.show(console=Console(file=out, width=200))
    # 50 rows of 16 bytes in the last part; half of the heaviest part makes room for a node more.
    assert "Plan for range(t), add one: 400 B in 3.2 µs; most: node-0 → node-4 400 B." in out.getvalue()
    assert "Plan for range(t), remove one: 800 B in 6.4 µs; most: node-3 → node-2 800 B." in out.getvalue()


def test_a_run_without_bytes_has_no_plan_to_list() -> None:
    out = io.StringIO()
    keys = pa.table({"k": range(20)})
    assay.compare("partitioning", keys, strategies=["hash(k)"], partitions=2, timing=False).show(
        console=Console(file=out, width=200)
    )
    assert "Plan" not in out.getvalue()


def test_the_page_embeds_growth_and_the_busiest_links(results) -> None:
    run = read_run(results.store, results.run_id)
    (point,) = build_payload(results.store, run)["experiments"][0]["points"]
    names = [row["name"] for row in point["rows"]]
    growth = point["growth"][names.index("range(t)")]
    assert growth["tenths"] == list(range(1, 11))
    assert growth["labels"] == [str(20 * tenth) for tenth in range(10)]
    assert growth["alone"][-1] == 4  # rows 180 to 199 are all in the last of four parts
    assert growth["so_far"][-1] == 1
    links = point["links"][names.index("range(t)")]
    assert links["remove_one"] == ["node-3 → node-2 800 B"]
    assert all(len(found) <= 5 for found in links.values())


def test_growth_without_room_is_left_out_and_counted(results) -> None:
    found, left_out = growth_by_cell(results.store, results.run_id, 0, 1)
    assert (len(found), left_out) == (1, 1)
    (growth,) = found.values()
    assert len(growth["alone"]) == len(growth["so_far"]) == 10


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.0224, "22.4 ms"), (90, "90.00 s"), (600, "10.0 min"), (9_000, "2.5 h"), (259_200, "3.0 d")],
)
def test_seconds_read_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert format_seconds(seconds) == words
